"""The uniform distribution on [loc, loc + scale]: p₀(z) = 1, F₀(z) = z.

Read next: `scipy/stats/expon.py`.
"""

from __future__ import annotations

import math
from typing import Any

import scratchfn.numpy as jnp
from scratchfn.scipy.special.arguments import strong
from scratchfn.scipy.stats.standard import off_support, on_unit, promoted, standard

__all__ = ["cdf", "logpdf", "pdf", "ppf"]


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the density."""
    x, loc, scale = promoted("uniform.logpdf", x, loc, scale, keep_weak=True)
    inside = off_support(jnp.isnan(x), -jnp.log(scale), math.nan)
    return off_support((x < loc) | (x > loc + scale), inside)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density."""
    return jnp.exp(logpdf(x, loc, scale))


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The distribution function."""
    z, _ = standard("uniform.cdf", x, loc, scale)
    return jnp.clip(strong(z)[0], 0, 1)


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The x with cdf(x) = q; nan for q outside [0, 1]."""
    q, loc, scale = promoted("uniform.ppf", q, loc, scale, keep_weak=True)
    return on_unit(q, loc + q * scale)
