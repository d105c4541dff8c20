"""Student's t distribution of df degrees of freedom.

    p₀(z) = (1 + z²/df)^(-(df+1)/2) / (√df B(df/2, 1/2))

Read next: `scipy/stats/gennorm.py`.
"""

from __future__ import annotations

from typing import Any

import scratchfn.numpy as jnp
from scratchfn.scipy.special import betaln
from scratchfn.scipy.stats.standard import standard

__all__ = ["logpdf", "pdf"]


def logpdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the density."""
    z, scale, df = standard("t.logpdf", x, loc, scale, df)
    normalizer = betaln(df / 2, 0.5) + 0.5 * jnp.log(df) + jnp.log(scale)
    return -(df + 1) / 2 * jnp.log1p(z * z / df) - normalizer


def pdf(x: Any, df: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density."""
    return jnp.exp(logpdf(x, df, loc, scale))
