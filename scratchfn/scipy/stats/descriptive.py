"""Statistics of samples: the commonest value, ranks, the standard error of the mean.

The first two sort, and find the runs of equal values: where each begins, and where it ends.

Read next: `scipy/stats/kde.py`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, NoReturn

import scratchfn.numpy as jnp
from scratchfn import errors, lax
from scratchfn.core import dtypes
from scratchfn.numpy.arguments import axis_of
from scratchfn.numpy.promotion import inexact, operand


class ModeResult(NamedTuple):
    """The commonest values, and how often they come."""

    mode: Any
    count: Any


def mode(
    a: Any, axis: int | None = 0, nan_policy: str = "propagate", keepdims: bool = False
) -> ModeResult:
    """The commonest value along `axis`, the least of those that are equally common; nan, and 0
    times, of nothing.

    Args:
      axis: an axis, or None for all of them together.
      nan_policy: "propagate"; nan is a value like others.
      keepdims: leave an axis of size 1 in place of those that are gone.
    """
    a = operand("scipy.stats.mode", a)
    _check_nan_policy("mode", nan_policy)
    if axis is None:
        kept, a, axis = (1,) * a.ndim, a.reshape(-1), 0
    else:
        axis = axis_of("scipy.stats.mode", axis, a.ndim or 1)
        kept = (*a.shape[:axis], 1, *a.shape[axis + 1 :]) if a.ndim else ()
        a = a if a.ndim else a.reshape(1)
    values = jnp.sort(jnp.moveaxis(a, axis, -1), axis=-1)  # [..., n]
    shape = kept if keepdims else values.shape[:-1]
    if not values.shape[-1]:
        dtype = dtypes.to_inexact_dtype(a.dtype)
        return ModeResult(jnp.full(shape, math.nan, dtype), jnp.zeros(shape, dtype))
    place = jnp.arange(values.shape[-1])
    length = place - _run_start(values) + 1  # of the run, so far
    last = jnp.argmax(length, axis=-1, keepdims=True)
    commonest = jnp.take_along_axis(values, last, axis=-1)
    count = jnp.take_along_axis(length, last, axis=-1)
    return ModeResult(commonest.reshape(shape), count.reshape(shape))


def rankdata(
    a: Any, method: str = "average", *, axis: int | None = None, nan_policy: str = "propagate"
) -> Any:
    """The ranks of the values along `axis`, from 1 for the least; nan for all if one is nan.

    Args:
      method: the rank of equal values: the "average", "min" or "max" of their places; "dense", the
        number of values up to theirs; "ordinal", their own places, in the order they come in.
      axis: an axis, or None for all of them together, in one flat array.
      nan_policy: "propagate".
    """
    a = operand("scipy.stats.rankdata", a)
    _check_nan_policy("rankdata", nan_policy)
    if method not in ("average", "min", "max", "dense", "ordinal"):
        why, write = "it says which rank equal values have", 'method="average", "min", "max", ...'
        raise ValueError(errors.explain("scipy.stats.rankdata", f"method={method!r}", why, write))
    if axis is None:
        a, axis = a.reshape(-1), 0
    axis = axis_of("scipy.stats.rankdata", axis, a.ndim)
    values = jnp.moveaxis(a, axis, -1)  # [..., n]
    order = jnp.argsort(values, axis=-1)
    ranks = _ranks_of_sorted(jnp.take_along_axis(values, order, axis=-1), method)
    ranks = jnp.take_along_axis(ranks, jnp.argsort(order, axis=-1), axis=-1)
    ranks = ranks.astype(dtypes.default_dtype("f"))
    missing = jnp.any(jnp.isnan(values), axis=-1, keepdims=True)
    return jnp.moveaxis(jnp.where(missing, math.nan, ranks), -1, axis)


def _ranks_of_sorted(values: Any, method: str) -> Any:
    place = jnp.broadcast_to(jnp.arange(1, values.shape[-1] + 1), values.shape)
    if method == "ordinal":
        return place
    if method == "dense":
        return jnp.cumsum(_begins(values), axis=-1)
    least, greatest = _run_start(values) + 1, _run_end(values) + 1
    if method == "average":
        return (least + greatest) / 2
    return least if method == "min" else greatest


def _begins(values: Any) -> Any:
    """Of sorted values [..., n]: does a run of equal ones begin here?"""
    left, right = values[..., :-1], values[..., 1:]
    change = (left != right) & ~(jnp.isnan(left) & jnp.isnan(right))
    return jnp.concatenate([jnp.ones_like(values[..., :1], bool), change], axis=-1)


def _run_start(values: Any) -> Any:
    """Of sorted values [..., n]: the place where the run of each begins."""
    begins = _begins(values)
    place = jnp.broadcast_to(jnp.arange(values.shape[-1]), values.shape)
    return lax.cummax(jnp.where(begins, place, 0), axis=values.ndim - 1)


def _run_end(values: Any) -> Any:
    """Of sorted values [..., n]: the place where the run of each ends."""
    begins = _begins(values)
    ends = jnp.concatenate([begins[..., 1:], begins[..., :1]], axis=-1)  # the last one is an end
    place = jnp.broadcast_to(jnp.arange(values.shape[-1]), values.shape)
    none = values.shape[-1]
    return lax.cummin(jnp.where(ends, place, none), axis=values.ndim - 1, reverse=True)


def sem(
    a: Any,
    axis: int | None = 0,
    ddof: int = 1,
    nan_policy: str = "propagate",
    *,
    keepdims: bool = False,
) -> Any:
    """The standard error of the mean along `axis`: the standard deviation over √n.

    Args:
      axis: an axis, or None for all of them together.
      ddof: what is taken from n in the variance's denominator.
      nan_policy: "propagate", or "omit" to leave nans out, and out of n.
    """
    a = inexact("scipy.stats.sem", a)
    if nan_policy == "propagate":
        count = a.size if axis is None else a.shape[axis_of("scipy.stats.sem", axis, a.ndim)]
        return jnp.std(a, axis, ddof=ddof, keepdims=keepdims) / jnp.sqrt(count).astype(a.dtype)
    if nan_policy == "omit":
        count = jnp.sum(~jnp.isnan(a), axis, keepdims=keepdims)
        return jnp.nanstd(a, axis, ddof=ddof, keepdims=keepdims) / jnp.sqrt(count)
    _refuse_nan_policy("sem", nan_policy, ValueError)


def _check_nan_policy(name: str, policy: str) -> None:
    if policy != "propagate":
        known = policy in ("omit", "raise")
        _refuse_nan_policy(name, policy, NotImplementedError if known else ValueError)


def _refuse_nan_policy(name: str, policy: str, error: type[Exception]) -> NoReturn:
    why = "whether there are nans is not known while a program is traced, and shapes are"
    write = f'{name}(a, nan_policy="propagate"), with jnp.isnan(a) looked at outside'
    raise error(errors.explain(f"scipy.stats.{name}", f"nan_policy={policy!r}", why, write))
