"""Windows at computed places: the geometry that gather and scatter share.

Both speak of windows of an operand, one for each index vector. `indices` holds the vectors along
its last axis; its other axes are the batch. Gather reads the windows into its result, scatter
writes its updates into them; the result of the one and the updates of the other have the same
axes: those of the batch, and, at `offset_dims`, those of the window that were not dropped.

The operand's axes split into three runs. Axes on which every window spans all lie at the ends and
are merged into `lead` and `trail`; the axes between, where windows differ, into `mid`:

    operand [lead, mid, trail]      addresses [batch..., window...] into mid

Everything then is one `take` or one assignment along the middle axis, whole rows at a time. The
geometry depends on shapes alone, so it is computed once and remembered. Read gather.py next.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np

from scratchfn.core.params import GatherDimensionNumbers

Shape = tuple[int, ...]

_INT, UNSIGNED = np.dtype(np.intp), np.dtype(np.uintp)  # a class takes NumPy longer than a dtype


class Column(NamedTuple):
    """One component of an index vector: which operand axis it moves along, and how far."""

    axis: int
    limit: int  # the highest start at which the window still fits
    stride: int  # of that axis within mid


class Windows(NamedTuple):
    """Where the windows of one operand shape lie, and how they map to the result's axes."""

    runs: Shape  # (lead, mid, trail)
    batch: Shape
    window: Shape  # extent of a window along each operand axis
    grid: Shape  # batch + the window's axes inside mid: the shape of the addresses
    columns: tuple[Column, ...]
    limits: np.ndarray  # of the columns; of rank 0 for one, which NumPy compares with sooner
    wide: Shape  # batch-shaped starts, ready to broadcast over the grid
    ramps: tuple[np.ndarray, ...]  # to be added to the addresses, each along one axis of the grid
    split: Shape  # shape [lead..., batch..., mid window..., trail...]
    order: Shape | None  # the axis of split that each axis of the result is; None: the same
    mask_shape: Shape  # a batch-shaped mask, ready to broadcast over split
    apart: bool  # surely no two windows have an element in common


@functools.lru_cache(maxsize=4096)
def plan(shape: Shape, indices: Shape, window: Shape, numbers: GatherDimensionNumbers) -> Windows:
    """The windows of extent `window` in an operand of that shape, at indices of that shape."""
    batch = indices[:-1]
    dropped = {*numbers.collapsed_slice_dims, *numbers.operand_batching_dims}
    moving = [d for d in range(len(shape)) if window[d] != shape[d]]
    lo, hi = (moving[0], moving[-1] + 1) if moving else (0, 0)
    strides = {d: math.prod(shape[d + 1 : hi]) for d in range(lo, hi)}
    columns = tuple(
        Column(d, shape[d] - window[d], strides.get(d, 0)) for d in numbers.start_index_map
    )
    inside = [d for d in range(lo, hi) if d not in dropped]
    grid = batch + tuple(window[d] for d in inside)
    pairs = zip(numbers.operand_batching_dims, numbers.start_indices_batching_dims, strict=True)
    along = dict(pairs) | {d: len(batch) + i for i, d in enumerate(inside)}
    ramps = tuple(
        (np.arange(grid[axis], dtype=np.intp) * strides[d]).reshape(_only(grid, axis))
        for d, axis in along.items()
        if d in strides and grid[axis] != 1
    )
    leading = tuple(window[d] for d in range(lo) if d not in dropped)
    trailing = tuple(window[d] for d in range(hi, len(shape)) if d not in dropped)
    runs = (math.prod(shape[:lo]), math.prod(shape[lo:hi]), math.prod(shape[hi:]))
    split = leading + grid + trailing
    mask = (1,) * len(leading) + batch + (1,) * (len(split) - len(leading) - len(batch))
    order = _result_order(len(leading), len(batch), len(split), numbers.offset_dims)
    limits = np.array([column.limit for column in columns], _INT)
    limits = limits.reshape(()) if len(columns) == 1 else limits
    wide = batch + (1,) * (len(grid) - len(batch))
    apart = all(n == 1 for i, n in enumerate(batch) if i not in numbers.start_indices_batching_dims)
    return Windows(
        runs, batch, window, grid, columns, limits, wide, ramps, split, order, mask, apart
    )


class Elements(NamedTuple):
    """The geometry where each window is one element, of an operand seen as a vector."""

    first: np.ndarray  # [windows], where the element of each lies if its index is 0
    stride: int  # from there to the element at index 1
    limit: np.ndarray  # the highest index, as an unsigned number


def elements(w: Windows) -> Elements | None:
    """None if windows are more than one element, or have more than one index."""
    lead, _, trail = w.runs
    if w.order is not None or lead * trail != 1 or w.grid != w.batch or len(w.columns) != 1:
        return None
    (column,) = w.columns
    first = functools.reduce(np.add, w.ramps, np.zeros(w.grid, _INT)).reshape(-1)
    return Elements(first, column.stride, w.limits.view(UNSIGNED))


def _only(grid: Shape, axis: int) -> Shape:
    """The shape that has grid's extent along one axis and 1 along the others."""
    return tuple(n if i == axis else 1 for i, n in enumerate(grid))


def _result_order(leading: int, batch: int, rank: int, offset_dims: Shape) -> Shape | None:
    """Which axis of `split` each axis of the result is; window axes stand at offset_dims."""
    batch_axes = iter(range(leading, leading + batch))
    window_axes = iter([*range(leading), *range(leading + batch, rank)])
    offsets = set(offset_dims)
    order = tuple(next(window_axes if i in offsets else batch_axes) for i in range(rank))
    return None if order == tuple(range(rank)) else order


def as_positions(indices: np.ndarray) -> np.ndarray:
    """Indices as signed machine words; an unsigned one too large for that stays too large."""
    if indices.dtype.kind == "u" and indices.dtype.itemsize == 8:
        indices = np.minimum(indices, np.uint64(np.iinfo(np.intp).max))
    return indices.astype(_INT, copy=False)


def addresses(w: Windows, indices: np.ndarray, check: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """(addresses into mid [*grid], which windows lie inside the operand [*batch]).

    Every window is first moved inside, so that all addresses are good. The second value is None
    where all windows were inside to begin with, or where `check` is False: nobody asked.
    """
    starts = as_positions(indices)  # [*batch, columns]
    inside = starts.view(UNSIGNED) <= w.limits.view(UNSIGNED)  # what is negative is large
    good: np.ndarray | None = None
    if np.count_nonzero(inside) < inside.size:
        good = np.asarray(inside.all(-1)) if check else None
        starts = np.minimum(np.maximum(starts, 0), w.limits)
    parts = list(w.ramps)
    for k, (_, _, stride) in enumerate(w.columns):
        if stride:
            start = (starts if len(w.columns) == 1 else starts[..., k]).reshape(w.wide)
            parts.append(start if stride == 1 else start * stride)
    at: np.ndarray = functools.reduce(np.add, parts) if parts else np.zeros((), _INT)
    return at if at.shape == w.grid else np.broadcast_to(at, w.grid), good


def single_window(w: Windows, indices: np.ndarray, check: bool) -> tuple | None:
    """The slices of the only window, where there is but one; None if it lies outside.

    The ellipsis at their end keeps a window of no axes an array.
    """
    slices = [slice(0, n) for n in w.window]
    for (axis, limit, _), start in zip(w.columns, indices.reshape(-1).tolist(), strict=True):
        inside = min(max(start, 0), limit)
        if check and inside != start:
            return None
        slices[axis] = slice(inside, inside + w.window[axis])
    return (*slices, ...)
