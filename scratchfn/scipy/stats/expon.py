"""The exponential distribution: p₀(z) = exp(-z) for z >= 0.

Read next: `scipy/stats/laplace.py`.
"""

from __future__ import annotations

from typing import Any

import scratchfn.numpy as jnp
from scratchfn.scipy.stats.standard import off_support, on_unit, promoted, standard

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "ppf", "sf"]


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the density."""
    z, scale = standard("expon.logpdf", x, loc, scale, keep_weak=True)
    return off_support(z < 0, -z - jnp.log(scale))


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density."""
    return jnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The distribution function."""
    z, _ = standard("expon.cdf", x, loc, scale, keep_weak=True)
    return -jnp.expm1(-jnp.maximum(z, 0))


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Its logarithm."""
    z, _ = standard("expon.logcdf", x, loc, scale, keep_weak=True)
    far = z > 0.5  # each form where it does not cancel
    z_near, z_far = jnp.where((z <= 0) | far, 0.5, z), jnp.where(far, z, 0.5)
    value = jnp.where(far, jnp.log1p(-jnp.exp(-z_far)), jnp.log(-jnp.expm1(-z_near)))
    return off_support(z <= 0, value)


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The survival function."""
    return jnp.exp(logsf(x, loc, scale))


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Its logarithm."""
    z, _ = standard("expon.logsf", x, loc, scale, keep_weak=True)
    return off_support(z < 0, -z, 0.0)


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The x with cdf(x) = q; nan for q outside [0, 1]."""
    q, loc, scale = promoted("expon.ppf", q, loc, scale, keep_weak=True)
    return on_unit(q, loc - jnp.log1p(-q) * scale)
