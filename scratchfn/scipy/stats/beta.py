"""The beta distribution: p₀(y) = y^(a-1) (1-y)^(b-1) / B(a, b) on [0, 1].

Read next: `scipy/stats/pareto.py`.
"""

from __future__ import annotations

from typing import Any

import scratchfn.numpy as jnp
from scratchfn import lax
from scratchfn.scipy.special import betaln, xlog1py, xlogy
from scratchfn.scipy.stats.standard import on_support, standard

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]


def logpdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the density."""
    y, scale, a, b = standard("beta.logpdf", x, loc, scale, a, b)
    inside = (y >= 0) & (y <= 1)
    y_ = jnp.where(inside, y, 0.5)
    shape = xlogy(a - 1, y_) + xlog1py(b - 1, -y_) - betaln(a, b)
    return on_support(inside, shape - jnp.log(scale), y)


def pdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density."""
    return jnp.exp(logpdf(x, a, b, loc, scale))


def cdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The distribution function."""
    y, _, a, b = standard("beta.cdf", x, loc, scale, a, b)
    return lax.betainc(a, b, jnp.clip(y, 0, 1))


def logcdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Its logarithm."""
    return jnp.log(cdf(x, a, b, loc, scale))


def sf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The survival function."""
    y, _, a, b = standard("beta.sf", x, loc, scale, a, b)
    return lax.betainc(b, a, 1 - jnp.clip(y, 0, 1))


def logsf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Its logarithm."""
    return jnp.log(sf(x, a, b, loc, scale))
