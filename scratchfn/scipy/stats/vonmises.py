"""Von Mises's distribution on the circle: p(x) = exp(κ cos x) / (2π I₀(κ)), for κ > 0.

Read next: `scipy/stats/wrapcauchy.py`.
"""

from __future__ import annotations

import math
from typing import Any

import scratchfn.numpy as jnp
from scratchfn import lax
from scratchfn.scipy.stats.standard import off_support, promoted

__all__ = ["logpdf", "pdf"]


def logpdf(x: Any, kappa: Any) -> Any:
    """The logarithm of the density."""
    x, kappa = promoted("vonmises.logpdf", x, kappa, keep_weak=True)
    log_density = kappa * (jnp.cos(x) - 1) - jnp.log(2 * math.pi * lax.bessel_i0e(kappa))
    return off_support(kappa <= 0, log_density, math.nan)


def pdf(x: Any, kappa: Any) -> Any:
    """The density."""
    return jnp.exp(logpdf(x, kappa))
