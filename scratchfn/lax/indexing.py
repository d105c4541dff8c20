"""lax functions that read and write at computed places: dynamic slices, gather and the scatters.

Places are integer arrays of any type. The dynamic slices take a negative place as counted from the
end, unless `allow_negative_indices=False`, and move a window that reaches over the edge inside. Of
gather and the scatters `mode` says what they do there; the word for it may stand in its place:
"clip", "fill", "drop", "promise_in_bounds", "one_hot".

Read next: `primitives/windows.py`, for what dimension numbers mean.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.array import Array, as_value
from scratchfn.core.params import (
    GatherDimensionNumbers,
    GatherScatterMode,
    ScatterDimensionNumbers,
)
from scratchfn.core.trace import Value
from scratchfn.lax.structural import as_axis, as_shape
from scratchfn.primitives import base, dynamic, indexing, joining
from scratchfn.primitives import scatter as scatters
from scratchfn.primitives.arithmetic import add, rem
from scratchfn.primitives.convert import select
from scratchfn.primitives.logic import lt
from scratchfn.primitives.rules import scalar_like

# -- one window -----------------------------------------------------------------------------------


def dynamic_slice(
    operand: Any,
    start_indices: Any,
    slice_sizes: Any,
    *,
    allow_negative_indices: bool | Sequence[bool] = True,
) -> Any:
    """The window of extent `slice_sizes` that begins at `start_indices`: a list of integers, one
    for each axis, or an array of them."""
    x = as_value(operand)
    starts = _starts("lax.dynamic_slice", x, start_indices, allow_negative_indices)
    return dynamic.dynamic_slice(x, starts, as_shape("lax.dynamic_slice", slice_sizes))


def dynamic_update_slice(
    operand: Any,
    update: Any,
    start_indices: Any,
    *,
    allow_negative_indices: bool | Sequence[bool] = True,
) -> Any:
    """`operand` with `update`, of the same dtype and rank, written over the window of its shape
    that begins at `start_indices`."""
    x = as_value(operand)
    starts = _starts("lax.dynamic_update_slice", x, start_indices, allow_negative_indices)
    return dynamic.dynamic_update_slice(x, as_value(update), starts)


def dynamic_slice_in_dim(
    operand: Any,
    start_index: Any,
    slice_size: int,
    axis: int = 0,
    *,
    allow_negative_indices: bool = True,
) -> Any:
    """`slice_size` entries along one axis, from `start_index` on."""
    x = as_value(operand)
    axis = as_axis("lax.dynamic_slice_in_dim", axis, x.ndim)
    sizes = [*x.shape]
    sizes[axis] = operator.index(slice_size)
    starts = _starts_in_dim(
        "lax.dynamic_slice_in_dim", x, start_index, axis, allow_negative_indices
    )
    return dynamic.dynamic_slice(x, starts, sizes)


def dynamic_index_in_dim(
    operand: Any,
    index: Any,
    axis: int = 0,
    keepdims: bool = True,
    *,
    allow_negative_indices: bool = True,
) -> Any:
    """The entry number `index` along an axis, which stays with size 1, or goes, by `keepdims`."""
    entry = dynamic_slice_in_dim(
        operand, index, 1, axis, allow_negative_indices=allow_negative_indices
    )
    return entry if keepdims else base.squeeze(entry, (axis % entry.ndim,))


def dynamic_update_slice_in_dim(
    operand: Any, update: Any, start_index: Any, axis: int, *, allow_negative_indices: bool = True
) -> Any:
    """`operand` with `update` written over its entries along one axis from `start_index` on."""
    x, asked = as_value(operand), "lax.dynamic_update_slice_in_dim"
    axis = as_axis(asked, axis, x.ndim)
    starts = _starts_in_dim(asked, x, start_index, axis, allow_negative_indices)
    return dynamic.dynamic_update_slice(x, as_value(update), starts)


def dynamic_update_index_in_dim(
    operand: Any, update: Any, index: Any, axis: int, *, allow_negative_indices: bool = True
) -> Any:
    """`operand` with its entry number `index` along an axis replaced by `update`, which may lack
    that axis or have size 1 there."""
    x, y = as_value(operand), as_value(update)
    if y.ndim != x.ndim:
        y = base.expand_dims(y, (as_axis("lax.dynamic_update_index_in_dim", axis, x.ndim),))
    return dynamic_update_slice_in_dim(
        x, y, index, axis, allow_negative_indices=allow_negative_indices
    )


def _starts_in_dim(asked: str, x: Any, start: Any, axis: int, allow_negative: bool) -> list[Any]:
    """The place `start` along one axis, 0 along all others, in the same type."""
    place = _from_the_start(asked, start, x.shape[axis], allow_negative)
    starts = [_place(0, place.dtype)] * x.ndim
    starts[axis] = place
    return starts


def _starts(asked: str, x: Any, starts: Any, allow_negative: bool | Sequence[bool]) -> list[Any]:
    """A place for each axis, all counted from the start."""
    if isinstance(starts, (Value, np.ndarray)) and starts.ndim == 1:
        starts = joining.unstack(as_value(starts))
    elif not isinstance(starts, Sequence):
        found, why = repr(starts), "each axis has a place of its own"
        raise ValueError(errors.explain(asked, found, why, f"{asked}(x, (i, 0), ...)"))
    if len(starts) != x.ndim:
        found = f"{len(starts)} places for an operand of type {x.aval}"
        why = "each axis has a place of its own"
        raise ValueError(errors.explain(asked, found, why, f"{asked}(x, (i, 0), ...)"))
    each = [allow_negative] * x.ndim if isinstance(allow_negative, bool) else allow_negative
    places = zip(starts, x.shape, each, strict=True)
    return [_from_the_start(asked, start, size, allowed) for start, size, allowed in places]


def _from_the_start(asked: str, start: Any, size: int, allow_negative: bool) -> Any:
    """A place along an axis of that size; -1 becomes size - 1. One that is known is a number in the
    program, and no operation."""
    if isinstance(start, (int, np.integer)):
        if start < 0 and not allow_negative:
            found, why = f"index {start} for an axis of size {size}", "it is out of bounds"
            write = "allow_negative_indices=True to count from the end"
            raise ValueError(errors.explain(asked, found, why, write))
        start = Array(as_value(start).buffer)
    start = as_value(start)
    if not allow_negative or start.ndim or dtypes.kind(start.dtype) != "i":
        return start
    if type(start) is Array and type(start.buffer) is np.ndarray:
        place = start.buffer.item()
        return _place(place + size if place < 0 else place, start.dtype)
    negative = lt(start, _place(0, start.dtype))
    return select(negative, add(start, _place(size, start.dtype)), start)


@functools.lru_cache(maxsize=4096)
def _place(number: int, dtype: np.dtype) -> Array:
    """A number as a place; one too large for the dtype wraps, as it does in JAX."""
    return Array(np.asarray(number).astype(dtype))


# -- many windows ---------------------------------------------------------------------------------


def gather(
    operand: Any,
    start_indices: Any,
    dimension_numbers: GatherDimensionNumbers,
    slice_sizes: Any,
    *,
    unique_indices: bool = False,
    indices_are_sorted: bool = False,
    mode: str | GatherScatterMode | None = None,
    fill_value: Any = None,
) -> Any:
    """The windows of extent `slice_sizes` that begin at the index vectors along the last axis of
    `start_indices`, all of them in one array.

    Mode "fill" makes of a window that reaches over the edge `fill_value`, by default nan, True, the
    least of signed and the greatest of unsigned integers. None, the default, promises that there is
    no such window, and moves it inside.
    """
    numbers = GatherDimensionNumbers(*(tuple(axes) for axes in dimension_numbers))
    if mode is None:
        mode = GatherScatterMode.PROMISE_IN_BOUNDS
    return indexing.gather(
        as_value(operand),
        as_value(start_indices),
        numbers,
        as_shape("lax.gather", slice_sizes),
        unique_indices=bool(unique_indices),
        indices_are_sorted=bool(indices_are_sorted),
        mode=GatherScatterMode.from_any(mode),
        fill_value=fill_value,
    )


def index_take(src: Any, idxs: Sequence[Any], axes: Sequence[int]) -> Any:
    """The entries of `src` at the places `idxs`, one array of integers [n] for each of `axes`; a
    place beyond the end counts from the start again. The result has n in place of the axes, first.
    """
    x = as_value(src)
    vectors = []
    for idx, axis in zip(map(as_value, idxs), axes, strict=True):
        size = Array(np.asarray(x.shape[axis]).astype(idx.dtype))
        rest = rem(idx, size)
        below = lt(rest, scalar_like(rest, 0))
        vectors.append(base.expand_dims(select(below, add(rest, size), rest), (1,)))
    indices = joining.concatenate(vectors, 1)
    sizes = [1 if axis in axes else size for axis, size in enumerate(x.shape)]
    offsets = tuple(range(1, x.ndim - len(axes) + 1))
    return gather(x, indices, GatherDimensionNumbers(offsets, tuple(axes), tuple(axes)), sizes)


def scatter(
    operand: Any,
    scatter_indices: Any,
    updates: Any,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: str | GatherScatterMode | None = None,
) -> Any:
    """`operand` with windows overwritten: at each index vector, along the last axis of
    `scatter_indices`, the window of `updates` that belongs to it.

    Of several updates to one element, which `unique_indices` promises not to be, any may win; on
    NumPy the last does. An update that reaches over the edge is dropped, or moved inside with mode
    "clip". All arrays but the indices are of one dtype.
    """
    options = _options(dimension_numbers, indices_are_sorted, unique_indices, mode)
    return scatters.scatter(*map(as_value, (operand, scatter_indices, updates)), **options)


def scatter_add(
    operand: Any,
    scatter_indices: Any,
    updates: Any,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: str | GatherScatterMode | None = None,
) -> Any:
    """`scatter`, with the updates added to what is there."""
    options = _options(dimension_numbers, indices_are_sorted, unique_indices, mode)
    return indexing.scatter_add(*map(as_value, (operand, scatter_indices, updates)), **options)


def scatter_sub(
    operand: Any,
    scatter_indices: Any,
    updates: Any,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: str | GatherScatterMode | None = None,
) -> Any:
    """`scatter`, with the updates subtracted from what is there."""
    options = _options(dimension_numbers, indices_are_sorted, unique_indices, mode)
    return indexing.scatter_sub(*map(as_value, (operand, scatter_indices, updates)), **options)


def scatter_mul(
    operand: Any,
    scatter_indices: Any,
    updates: Any,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: str | GatherScatterMode | None = None,
) -> Any:
    """`scatter`, with what is there multiplied by the updates. Derivatives with respect to those
    need `unique_indices`."""
    options = _options(dimension_numbers, indices_are_sorted, unique_indices, mode)
    return scatters.scatter_mul(*map(as_value, (operand, scatter_indices, updates)), **options)


def scatter_min(
    operand: Any,
    scatter_indices: Any,
    updates: Any,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: str | GatherScatterMode | None = None,
) -> Any:
    """`scatter`, with the lesser of what is there and the updates."""
    options = _options(dimension_numbers, indices_are_sorted, unique_indices, mode)
    return scatters.scatter_min(*map(as_value, (operand, scatter_indices, updates)), **options)


def scatter_max(
    operand: Any,
    scatter_indices: Any,
    updates: Any,
    dimension_numbers: ScatterDimensionNumbers,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: str | GatherScatterMode | None = None,
) -> Any:
    """`scatter`, with the greater of what is there and the updates."""
    options = _options(dimension_numbers, indices_are_sorted, unique_indices, mode)
    return scatters.scatter_max(*map(as_value, (operand, scatter_indices, updates)), **options)


def _options(
    numbers: ScatterDimensionNumbers,
    indices_are_sorted: bool,
    unique_indices: bool,
    mode: str | GatherScatterMode | None,
) -> dict[str, Any]:
    """The options of a scatter in the form in which programs hold them."""
    return {
        "dimension_numbers": ScatterDimensionNumbers(*(tuple(axes) for axes in numbers)),
        "indices_are_sorted": bool(indices_are_sorted),
        "unique_indices": bool(unique_indices),
        "mode": GatherScatterMode.from_any(mode),
    }
