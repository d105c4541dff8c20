"""The multinomial distribution: how often each of k outcomes comes in n trials.

    P(x) = n! Π p_i^x_i / x_i!

Read next: `scipy/stats/descriptive.py`.
"""

from __future__ import annotations

from typing import Any

import scratchfn.numpy as jnp
from scratchfn import errors, lax
from scratchfn.core import dtypes
from scratchfn.numpy.promotion import operand, promote_dtypes, promote_dtypes_inexact
from scratchfn.scipy.special import xlogy
from scratchfn.scipy.stats.standard import off_support

__all__ = ["logpmf", "pmf"]


def logpmf(x: Any, n: Any, p: Any) -> Any:
    """The logarithm of the probability of the counts x; -inf unless their sum is n.

    Args:
      x: integers, i32[..., k].
      n: integers, i32[...].
      p: probabilities of sum 1, f32[..., k].
    """
    name = "scipy.stats.multinomial.logpmf"
    p = operand(name, p, 2)
    x, n = promote_dtypes(operand(name, x), operand(name, n, 1))
    if dtypes.kind(x.dtype) not in "iu":
        found, why = f"x and n of dtype {dtypes.short_name(x.dtype)}", "counts are integers"
        raise ValueError(errors.explain(name, found, why, "x.astype(int)"))
    possible = (jnp.sum(x, -1) == n) & jnp.all(x >= 0, -1)
    counts, trials, p = promote_dtypes_inexact(jnp.maximum(x, 0), n, p)
    log_ways = lax.lgamma(trials + 1) - jnp.sum(lax.lgamma(counts + 1), -1)
    return off_support(~possible, log_ways + jnp.sum(xlogy(counts, p), -1))


def pmf(x: Any, n: Any, p: Any) -> Any:
    """The probability of the counts x."""
    return jnp.exp(logpmf(x, n, p))
