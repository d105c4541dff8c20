"""Cauchy's distribution wrapped around the circle, on [0, 2π], for 0 < c < 1.

    p(x) = (1 - c²) / (2π (1 + c² - 2c cos x))

Read next: `scipy/stats/dirichlet.py`.
"""

from __future__ import annotations

import math
from typing import Any

import scratchfn.numpy as jnp
from scratchfn.scipy.stats.standard import off_support, promoted

__all__ = ["logpdf", "pdf"]


def logpdf(x: Any, c: Any) -> Any:
    """The logarithm of the density."""
    x, c = promoted("wrapcauchy.logpdf", x, c)
    density = jnp.log1p(-c * c) - math.log(2 * math.pi) - jnp.log1p(c * (c - 2 * jnp.cos(x)))
    inside = off_support((x < 0) | (x > 2 * math.pi), density)
    return off_support((c <= 0) | (c >= 1), inside, math.nan)


def pdf(x: Any, c: Any) -> Any:
    """The density."""
    return jnp.exp(logpdf(x, c))
