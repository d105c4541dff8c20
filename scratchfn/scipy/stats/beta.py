"""The beta distribution: p₀(y) = y^(a-1) (1-y)^(b-1) / B(a, b) on [0, 1].

A parameter a or b that is not positive gives nan; 0 is the limit for `cdf` and `sf`.

Read next: `scipy/stats/pareto.py`.
"""

from __future__ import annotations

import math
from typing import Any

import scratchfn.numpy as jnp
from scratchfn import lax
from scratchfn.scipy.special import betaln, xlog1py, xlogy
from scratchfn.scipy.stats.standard import log_probability, off_support, standard

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]


def logpdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the density."""
    y, scale, a, b = standard("beta.logpdf", x, loc, scale, a, b)
    outside = (y < 0) | (y > 1)
    y_ = jnp.where(outside, 0.5, y)
    shape = xlogy(a - 1, y_) + xlog1py(b - 1, -y_) - betaln(a, b)
    log_density = off_support(outside, shape - jnp.log(scale))
    return off_support((a <= 0) | (b <= 0), log_density, math.nan)


def pdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density."""
    return jnp.exp(logpdf(x, a, b, loc, scale))


def _below(a: Any, b: Any, y: Any) -> Any:
    """F₀(y)."""
    outside = (y <= 0) | (y >= 1)
    inside = lax.betainc(a, b, jnp.where(outside, 0.5, y))
    value = jnp.where(outside, jnp.where(y <= 0, 0.0, 1.0), inside)
    return off_support((a < 0) | (b < 0), value, math.nan)


def cdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The distribution function."""
    y, _, a, b = standard("beta.cdf", x, loc, scale, a, b)
    return _below(a, b, y)


def logcdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Its logarithm."""
    return log_probability(cdf(x, a, b, loc, scale))


def sf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The survival function."""
    y, _, a, b = standard("beta.sf", x, loc, scale, a, b)
    return _below(b, a, 1 - y)


def logsf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Its logarithm."""
    return log_probability(sf(x, a, b, loc, scale))
