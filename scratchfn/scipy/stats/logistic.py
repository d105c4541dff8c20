"""The logistic distribution: F₀(z) = 1 / (1 + exp(-z)), p₀ = F₀ (1 - F₀).

Read next: `scipy/stats/cauchy.py`.
"""

from __future__ import annotations

from typing import Any

import scratchfn.numpy as jnp
from scratchfn import lax
from scratchfn.scipy.special import logit
from scratchfn.scipy.stats.standard import promoted, standard

__all__ = ["cdf", "isf", "logpdf", "pdf", "ppf", "sf"]


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the density."""
    z, scale = standard("logistic.logpdf", x, loc, scale)
    z = jnp.abs(z)  # it is even, and the exponential cannot overflow
    return -z - 2 * jnp.log1p(jnp.exp(-z)) - jnp.log(scale)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density."""
    return jnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The distribution function."""
    z, _ = standard("logistic.cdf", x, loc, scale, keep_weak=True)
    return lax.logistic(z)


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The survival function."""
    z, _ = standard("logistic.sf", x, loc, scale, keep_weak=True)
    return lax.logistic(-z)


def ppf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The y with cdf(y) = x."""
    x, loc, scale = promoted("logistic.ppf", x, loc, scale)
    return logit(x) * scale + loc


def isf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The y with sf(y) = x."""
    x, loc, scale = promoted("logistic.isf", x, loc, scale)
    return -logit(x) * scale + loc
