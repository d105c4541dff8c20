"""Functions along an axis: softmax and its logarithm, log-sum-exp, standardization.

Read next: `numpy/softmax.py` for the first three, then `nn/losses.py`.
"""

from __future__ import annotations

from typing import Any

import scratchfn.numpy as jnp
from scratchfn import lax
from scratchfn.errors import explain
from scratchfn.numpy.promotion import operand
from scratchfn.numpy.softmax import Axes
from scratchfn.numpy.softmax import log_softmax as log_softmax
from scratchfn.numpy.softmax import logsumexp as logsumexp
from scratchfn.numpy.softmax import softmax as softmax


def logmeanexp(x: Any, axis: Axes = None, where: Any = None, keepdims: bool = False) -> Any:
    """log of the mean of exp(x) along `axis`."""
    log_total = logsumexp(x, axis, where=where, keepdims=keepdims)
    ones = jnp.ones_like(x, dtype=log_total.dtype)
    return log_total - jnp.log(jnp.sum(ones, axis, where=where, keepdims=keepdims))


def standardize(
    x: Any,
    axis: Axes = -1,
    mean: Any = None,
    variance: Any = None,
    epsilon: Any = 1e-5,
    where: Any = None,
    *,
    algorithm: str = "fast",
) -> Any:
    """(x - mean) / sqrt(variance + epsilon) along `axis`.

    Args:
      mean, variance: taken from x if None.
      where: booleans that broadcast to x's shape; False elements do not count in either.
      algorithm: the variance as E[x²] - E[x]² ("fast"), or as E[(x - E[x])²] ("stable").
    """
    x = operand("nn.standardize", x)
    if mean is None:
        mean = jnp.mean(x, axis, keepdims=True, where=where)
    if variance is None and algorithm == "stable":
        variance = jnp.mean(jnp.square(x - mean), axis, keepdims=True, where=where)
    elif variance is None and algorithm == "fast":
        second = jnp.mean(jnp.square(x), axis, keepdims=True, where=where)
        variance = jnp.clip(second - jnp.square(mean), 0)  # rounding may go below
    elif variance is None:
        raise ValueError(
            explain(
                "nn.standardize(x, algorithm=...)",
                f"algorithm={algorithm!r}",
                "the variance is computed in one of two ways",
                'algorithm="fast" or algorithm="stable"',
            )
        )
    return (x - mean) * lax.rsqrt(variance + epsilon)


__all__ = ["log_softmax", "logmeanexp", "logsumexp", "softmax", "standardize"]
