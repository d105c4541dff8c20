"""The binomial distribution whose p is drawn from Beta(a, b).

    P(k) = C(n, k) B(k + a, n - k + b) / B(a, b)

Read next: `scipy/stats/nbinom.py`.
"""

from __future__ import annotations

import math
from typing import Any

import scratchfn.numpy as jnp
from scratchfn.scipy.special import betaln
from scratchfn.scipy.stats.standard import off_support, promoted

__all__ = ["logpmf", "pmf"]


def logpmf(k: Any, n: Any, a: Any, b: Any, loc: Any = 0) -> Any:
    """The logarithm of the probability of k; nan unless a and b are positive."""
    k, n, a, b, loc = promoted("betabinom.logpmf", k, n, a, b, loc)
    y = jnp.floor(k) - loc
    outside = (y < 0) | (y > n)
    y_, n_ = jnp.where(outside, 0.0, y), jnp.where(outside, 0.0, n)
    log_ways = -jnp.log1p(n_) - betaln(n_ - y_ + 1, y_ + 1)
    log_p = off_support(outside, log_ways + betaln(y_ + a, n_ - y_ + b) - betaln(a, b))
    return off_support((a <= 0) | (b <= 0), log_p, math.nan)


def pmf(k: Any, n: Any, a: Any, b: Any, loc: Any = 0) -> Any:
    """The probability of k."""
    return jnp.exp(logpmf(k, n, a, b, loc))
