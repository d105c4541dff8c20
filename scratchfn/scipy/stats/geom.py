"""The geometric distribution: the number of trials up to the first success.

    P(k) = p (1 - p)^(k - 1), k = 1, 2, ...

Read next: `scipy/stats/poisson.py`.
"""

from __future__ import annotations

from typing import Any

import scratchfn.numpy as jnp
from scratchfn.scipy.special import xlog1py
from scratchfn.scipy.stats.standard import off_support, promoted

__all__ = ["logpmf", "pmf"]


def logpmf(k: Any, p: Any, loc: Any = 0) -> Any:
    """The logarithm of the probability of k."""
    k, p, loc = promoted("geom.logpmf", k, p, loc)
    y = k - loc
    return off_support(y <= 0, xlog1py(jnp.where(y <= 0, 1.0, y) - 1, -p) + jnp.log(p))


def pmf(k: Any, p: Any, loc: Any = 0) -> Any:
    """The probability of k."""
    return jnp.exp(logpmf(k, p, loc))
