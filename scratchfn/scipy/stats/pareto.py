"""Pareto's distribution: 1 - F₀(z) = z^-b for z >= 1.

Read next: `scipy/stats/t.py`.
"""

from __future__ import annotations

from typing import Any

import scratchfn.numpy as jnp
from scratchfn.scipy.special.series import in_32_bits
from scratchfn.scipy.stats.standard import log_probability, off_support, on_unit, promoted, standard

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "ppf", "sf"]


def logpdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the density."""
    z, scale, b = standard("pareto.logpdf", x, loc, scale, b)
    z_ = jnp.where(z < 1, 1.0, z)
    return off_support(z < 1, -jnp.log(scale / b) - (b + 1) * jnp.log(z_))


def pdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density."""
    return jnp.exp(logpdf(x, b, loc, scale))


def cdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The distribution function."""
    return -jnp.expm1(logsf(x, b, loc, scale))


def logcdf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Its logarithm."""
    return log_probability(cdf(x, b, loc, scale))


def sf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The survival function."""
    return jnp.exp(logsf(x, b, loc, scale))


def logsf(x: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Its logarithm."""
    z, _, b = standard("pareto.logsf", x, loc, scale, b)
    return off_support(z < 1, -b * jnp.log(jnp.where(z < 1, 1.0, z)), 0.0)


def ppf(q: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The x with cdf(x) = q; nan for q outside [0, 1]."""
    q, b, loc, scale = promoted("pareto.ppf", q, b, loc, scale)
    return on_unit(q, loc + scale * _quantile(q, b))


@in_32_bits
def _quantile(q: Any, b: Any) -> Any:
    """F₀⁻¹(q): the exponential magnifies the rounding of its argument."""
    return jnp.exp(-jnp.log1p(-q) / b)
