"""Gumbel's distribution of greatest values: F₀(z) = exp(-exp(-z)).

Read next: `scipy/stats/gamma.py`.
"""

from __future__ import annotations

from typing import Any

import scratchfn.numpy as jnp
from scratchfn.scipy.stats.standard import log_probability, on_unit, promoted, standard

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "ppf", "sf"]


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the density."""
    z, scale = standard("gumbel_r.logpdf", x, loc, scale, keep_weak=True)
    return -(z + jnp.exp(-z)) - jnp.log(scale)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density."""
    return jnp.exp(logpdf(x, loc, scale))


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the distribution function."""
    z, _ = standard("gumbel_r.logcdf", x, loc, scale, keep_weak=True)
    return -jnp.exp(-z)


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The distribution function."""
    return jnp.exp(logcdf(x, loc, scale))


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The survival function."""
    return -jnp.expm1(logcdf(x, loc, scale))


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Its logarithm."""
    return log_probability(sf(x, loc, scale))


def ppf(p: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The x with cdf(x) = p; nan for p outside [0, 1]."""
    p, loc, scale = promoted("gumbel_r.ppf", p, loc, scale, keep_weak=True)
    return on_unit(p, loc - scale * jnp.log(-jnp.log(p)))
