"""The normal distribution: p₀(z) = exp(-z²/2) / √(2π), F₀ = Φ.

Read next: `scipy/stats/uniform.py`.
"""

from __future__ import annotations

import math
from typing import Any

import scratchfn.numpy as jnp
from scratchfn.scipy.special.arguments import strong
from scratchfn.scipy.special.normal import distribution, log_distribution, quantile
from scratchfn.scipy.stats.standard import promoted, standard

__all__ = ["cdf", "isf", "logcdf", "logpdf", "logsf", "pdf", "ppf", "sf"]


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the density."""
    z, scale = standard("norm.logpdf", x, loc, scale)
    return -0.5 * (z * z + math.log(2 * math.pi)) - jnp.log(scale)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density."""
    return jnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The distribution function."""
    z, _ = standard("norm.cdf", x, loc, scale)
    return distribution(*strong(z))


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Its logarithm, exact in both tails."""
    z, _ = standard("norm.logcdf", x, loc, scale)
    return log_distribution(*strong(z))


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The survival function."""
    z, _ = standard("norm.sf", x, loc, scale)
    return distribution(*strong(-z))


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Its logarithm, exact in both tails."""
    z, _ = standard("norm.logsf", x, loc, scale)
    return log_distribution(*strong(-z))


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The x with cdf(x) = q."""
    q, loc, scale = promoted("norm.ppf", q, loc, scale)
    return quantile(*strong(q)) * scale + loc


def isf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The x with sf(x) = q."""
    q, loc, scale = promoted("norm.isf", q, loc, scale)
    return -quantile(*strong(q)) * scale + loc
