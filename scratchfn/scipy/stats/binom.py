"""The binomial distribution: the number of successes in n trials of probability p each.

    P(k) = C(n, k) p^k (1 - p)^(n - k)

Read next: `scipy/stats/betabinom.py`.
"""

from __future__ import annotations

from typing import Any

import scratchfn.numpy as jnp
from scratchfn.scipy.special import betaln, xlog1py, xlogy
from scratchfn.scipy.stats.standard import off_support, promoted

__all__ = ["logpmf", "pmf"]


def logpmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Any:
    """The logarithm of the probability of k."""
    k, n, p, loc = promoted("binom.logpmf", k, n, p, loc, keep_weak=True)
    y = k - loc
    outside = (y < 0) | (y > n)
    y_, n_ = jnp.where(outside, 0.0, y), jnp.where(outside, 0.0, n)
    log_ways = -jnp.log1p(n_) - betaln(n_ - y_ + 1, y_ + 1)
    return off_support(outside, log_ways + xlogy(y_, p) + xlog1py(n_ - y_, -p))


def pmf(k: Any, n: Any, p: Any, loc: Any = 0) -> Any:
    """The probability of k."""
    return jnp.exp(logpmf(k, n, p, loc))
