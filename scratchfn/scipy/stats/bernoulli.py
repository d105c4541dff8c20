"""Bernoulli's distribution: 1 with probability p, else 0.

Read next: `scipy/stats/binom.py`.
"""

from __future__ import annotations

import math
from typing import Any

import scratchfn.numpy as jnp
from scratchfn.scipy.special import xlog1py, xlogy
from scratchfn.scipy.stats.standard import off_support, on_unit, promoted

__all__ = ["cdf", "logpmf", "pmf", "ppf"]


def logpmf(k: Any, p: Any, loc: Any = 0) -> Any:
    """The logarithm of the probability of k."""
    k, p, loc = promoted("bernoulli.logpmf", k, p, loc)
    x = k - loc
    outside = (x < 0) | (x > 1)
    x_ = jnp.where(outside, 0.0, x)
    return off_support(outside, xlogy(x_, p) + xlog1py(1 - x_, -p))


def pmf(k: Any, p: Any, loc: Any = 0) -> Any:
    """The probability of k."""
    return jnp.exp(logpmf(k, p, loc))


def cdf(k: Any, p: Any) -> Any:
    """The distribution function; nan for p outside [0, 1]."""
    k, p = promoted("bernoulli.cdf", k, p)
    value = jnp.where(k < 0, 0.0, jnp.where(k < 1, 1 - p, 1.0))
    return off_support(jnp.isnan(k) | (p < 0) | (p > 1), value, math.nan)


def ppf(q: Any, p: Any) -> Any:
    """The least k with cdf(k) >= q; nan for q or p outside [0, 1]."""
    q, p = promoted("bernoulli.ppf", q, p)
    return on_unit(p, on_unit(q, jnp.where(q <= 1 - p, 0 * p, 0 * p + 1)))
