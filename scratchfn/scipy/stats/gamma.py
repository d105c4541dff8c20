"""The gamma distribution: p₀(y) = y^(a-1) exp(-y) / Γ(a) for y >= 0.

Read next: `scipy/stats/chi2.py`.
"""

from __future__ import annotations

import math
from typing import Any

import scratchfn.numpy as jnp
from scratchfn import lax
from scratchfn.scipy.special import xlogy
from scratchfn.scipy.stats.standard import log_probability, off_support, standard

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]


def logpdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the density."""
    y, scale, a = standard("gamma.logpdf", x, loc, scale, a)
    y_ = jnp.where(y < 0, 1.0, y)
    log_density = xlogy(a - 1, y_) - y_ - lax.lgamma(a) - jnp.log(scale)
    return off_support(y < 0, log_density)


def pdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density."""
    return jnp.exp(logpdf(x, a, loc, scale))


def cdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The distribution function."""
    y, _, a = standard("gamma.cdf", x, loc, scale, a)
    return _outside(a, y, lax.igamma(a, jnp.where(y <= 0, 1.0, y)), 0.0)


def logcdf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Its logarithm."""
    return log_probability(cdf(x, a, loc, scale))


def sf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The survival function."""
    y, _, a = standard("gamma.sf", x, loc, scale, a, keep_weak=True)
    return _outside(a, y, lax.igammac(a, jnp.where(y <= 0, 1.0, y)), 1.0)


def logsf(x: Any, a: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Its logarithm."""
    return log_probability(sf(x, a, loc, scale))


def _outside(a: Any, y: Any, value: Any, below: float) -> Any:
    """`value`, but `below` for y <= 0; there nan unless a is positive, as `value` is elsewhere."""
    return off_support((a <= 0) & (y <= 0), off_support(y <= 0, value, below), math.nan)
