"""The negative binomial distribution: the number of failures before the n-th success.

    P(k) = Γ(n + k) / (Γ(n) k!) p^n (1 - p)^k

Read next: `scipy/stats/geom.py`.
"""

from __future__ import annotations

from typing import Any

import scratchfn.numpy as jnp
from scratchfn import lax
from scratchfn.scipy.special import xlog1py, xlogy
from scratchfn.scipy.stats.standard import off_support, promoted

__all__ = ["logpmf", "pmf"]


def logpmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Any:
    """The logarithm of the probability of k."""
    k, n, p, loc = promoted("nbinom.logpmf", k, n, p, loc)
    y = k - loc
    y_ = jnp.where(y < 0, 0.0, y)
    log_ways = lax.lgamma(n + y_) - lax.lgamma(n) - lax.lgamma(y_ + 1)
    return off_support(y < 0, log_ways + xlogy(n, p) + xlog1py(y_, -p))


def pmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Any:
    """The probability of k."""
    return jnp.exp(logpmf(k, n, p, loc))
