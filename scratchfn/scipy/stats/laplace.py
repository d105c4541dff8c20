"""The Laplace distribution: p₀(z) = exp(-|z|) / 2.

Read next: `scipy/stats/logistic.py`.
"""

from __future__ import annotations

from typing import Any

import scratchfn.numpy as jnp
from scratchfn.scipy.stats.standard import standard

__all__ = ["cdf", "logpdf", "pdf"]


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the density."""
    z, scale = standard("laplace.logpdf", x, loc, scale)
    return -jnp.abs(z) - jnp.log(2 * scale)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density."""
    return jnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The distribution function."""
    z, _ = standard("laplace.cdf", x, loc, scale)
    half = 0.5 * jnp.exp(-jnp.abs(z))
    return jnp.where(z <= 0, half, 1 - half)
