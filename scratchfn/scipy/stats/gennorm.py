"""The generalized normal distribution: p(x) = β exp(-|x|^β) / (2 Γ(1/β)).

Read next: `scipy/stats/truncnorm.py`.
"""

from __future__ import annotations

from typing import Any

import scratchfn.numpy as jnp
from scratchfn import lax
from scratchfn.scipy.stats.standard import promoted

__all__ = ["cdf", "logpdf", "pdf"]


def logpdf(x: Any, beta: Any) -> Any:
    """The logarithm of the density."""
    x, beta = promoted("gennorm.logpdf", x, beta)
    return jnp.log(beta / 2) - lax.lgamma(1 / beta) - jnp.abs(x) ** beta


def pdf(x: Any, beta: Any) -> Any:
    """The density."""
    return jnp.exp(logpdf(x, beta))


def cdf(x: Any, beta: Any) -> Any:
    """The distribution function."""
    x, beta = promoted("gennorm.cdf", x, beta)
    return 0.5 * (1 + jnp.sign(x) * lax.igamma(1 / beta, jnp.abs(x) ** beta))
