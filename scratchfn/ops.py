"""Reductions of the rows of an array by segment: all rows with one number go to one result.

    segment_sum(data, ids, num_segments)[k] = data[ids == k].sum(0)

Ids that are negative or too large are left out, and an empty segment gets the reduction's neutral
element. Segments are what ragged batches and graphs are made of: a node sums over its edges.

Read next: `numpy/at.py`, the scatters that these are.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn import numpy as jnp
from scratchfn.core import dtypes
from scratchfn.core.array import as_value
from scratchfn.core.params import GatherScatterMode
from scratchfn.core.trace import Tracer

__all__ = ["segment_max", "segment_min", "segment_prod", "segment_sum"]


def segment_sum(
    data: Any,
    segment_ids: Any,
    num_segments: int | None = None,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    bucket_size: int | None = None,
    mode: GatherScatterMode | str | None = None,
) -> Any:
    """The sums of the rows of each segment.

    Args:
      data: numbers, [n, ...].
      segment_ids: ints, [n] (or fewer leading axes than data has).
      num_segments: how many results there are; by default the largest id and one. Under jit it has
        to be given, because a result's shape cannot depend on numbers.
      indices_are_sorted, unique_indices: promises about the ids.
      bucket_size: rows to reduce at a time, for better rounding; their results are reduced then.
      mode: what to do with ids that are no segment's; they are left out by default.

    Raises:
      ValueError: a negative number of segments, or ids that do not fit the data.
      ConcretizationTypeError: no number of segments, under jit.
    """
    ids_options = indices_are_sorted, unique_indices, mode
    return _reduce("segment_sum", data, segment_ids, num_segments, bucket_size, *ids_options)


def segment_prod(
    data: Any,
    segment_ids: Any,
    num_segments: int | None = None,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    bucket_size: int | None = None,
    mode: GatherScatterMode | str | None = None,
) -> Any:
    """The products of the rows of each segment, 1 where there are none. See segment_sum."""
    ids_options = indices_are_sorted, unique_indices, mode
    return _reduce("segment_prod", data, segment_ids, num_segments, bucket_size, *ids_options)


def segment_max(
    data: Any,
    segment_ids: Any,
    num_segments: int | None = None,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    bucket_size: int | None = None,
    mode: GatherScatterMode | str | None = None,
) -> Any:
    """The greatest in the rows of each segment, -inf or the least integer where there are none.
    See segment_sum."""
    ids_options = indices_are_sorted, unique_indices, mode
    return _reduce("segment_max", data, segment_ids, num_segments, bucket_size, *ids_options)


def segment_min(
    data: Any,
    segment_ids: Any,
    num_segments: int | None = None,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    bucket_size: int | None = None,
    mode: GatherScatterMode | str | None = None,
) -> Any:
    """The least in the rows of each segment, inf or the greatest integer where there are none. See
    segment_sum."""
    ids_options = indices_are_sorted, unique_indices, mode
    return _reduce("segment_min", data, segment_ids, num_segments, bucket_size, *ids_options)


# name -> (the update of x.at[...], the reduction over buckets, the neutral element of a dtype)
_KINDS: dict[str, tuple[str, Callable[..., Any], Callable[[np.dtype], Any]]] = {
    "segment_sum": ("add", jnp.sum, lambda dtype: 0),
    "segment_prod": ("multiply", jnp.prod, lambda dtype: 1),
    "segment_max": ("max", jnp.max, lambda dtype: _bound(dtype, "min")),
    "segment_min": ("min", jnp.min, lambda dtype: _bound(dtype, "max")),
}


def _bound(dtype: np.dtype, which: str) -> Any:
    """The least ("min") or greatest ("max") value of a dtype."""
    kind = dtypes.kind(dtype)
    if kind == "b":
        return which == "max"
    if kind == "f":
        return np.inf if which == "max" else -np.inf
    return getattr(dtypes.iinfo(dtype), which)


def _reduce(
    name: str,
    data: Any,
    segment_ids: Any,
    num_segments: int | None,
    bucket_size: int | None,
    indices_are_sorted: bool,
    unique_indices: bool,
    mode: GatherScatterMode | str | None,
) -> Any:
    data, ids = as_value(data), as_value(segment_ids)
    count = _segments(name, ids, num_segments)
    if data.shape[: ids.ndim] != ids.shape:
        raise ValueError(
            errors.explain(
                name,
                f"data of type {data.aval} and segment_ids of type {ids.aval}",
                "there is an id for each row of the data",
                f"segment_ids of shape ({data.shape[0] if data.ndim else 'n'},)",
            )
        )
    update, over_buckets, neutral = _KINDS[name]
    options = {
        "indices_are_sorted": indices_are_sorted, "unique_indices": unique_indices, "mode": mode,
        "wrap_negative_indices": False,
    }  # fmt: skip
    shape = (count, *data.shape[ids.ndim :])
    rows = data.shape[0] if data.ndim else 0
    if bucket_size is None or rows <= bucket_size:
        out = jnp.full(shape, neutral(data.dtype), data.dtype)
        return getattr(out.at[ids], update)(data, **options)
    # Each bucket has segments of its own, along a leading axis, over which they are then reduced.
    bucket = np.arange(rows) // bucket_size
    out = jnp.full((bucket[-1] + 1, *shape), neutral(data.dtype), data.dtype)
    return over_buckets(getattr(out.at[bucket, ids], update)(data, **options), axis=0)


def _segments(name: str, ids: Any, num_segments: int | None) -> int:
    """How many segments there are."""
    if num_segments is None:
        largest = jnp.max(ids) + 1
        if isinstance(largest, Tracer):
            largest = largest.need(
                errors.ConcretizationTypeError,
                f"{name} without num_segments, of traced segment_ids",
                f"{name}(data, segment_ids, num_segments=...)",
            )
        num_segments = int(largest)
    count = operator.index(num_segments)
    if count < 0:
        raise ValueError(
            errors.explain(
                name,
                f"num_segments={count}",
                "num_segments must be non-negative",
                "num_segments=None for the largest id and one",
            )
        )
    return count
