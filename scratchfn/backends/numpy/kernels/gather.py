"""gather, scatter and the dynamic slices: reading and writing windows at computed places.

windows.py turns lax's dimension numbers into addresses along one axis of the operand; here whole
rows are taken from there or put there. A gather copies nothing but the windows it was asked for, a
scatter copies its operand once.

Scatter meets its updates in the order of the indices, as XLA does on a CPU: of several updates to
one place `scatter` keeps the last, and the sums of `scatter_add` round in that order.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from scratchfn.core.dtypes import kind
from scratchfn.core.params import GatherDimensionNumbers, GatherScatterMode, ScatterDimensionNumbers
from scratchfn.core.quiet import quiet

from . import windows
from .reduce import highest, lowest
from .windows import Elements, Shape, Windows

LONG_ROW = 512  # elements from which a Python loop over rows beats addressing each element

_CLIP, _PROMISE = GatherScatterMode.CLIP, GatherScatterMode.PROMISE_IN_BOUNDS


def gather(
    operand: np.ndarray,
    indices: np.ndarray,
    *,
    dimension_numbers: GatherDimensionNumbers,
    slice_sizes: Shape,
    mode: GatherScatterMode,
    fill_value: object = None,
    unique_indices: bool = False,
    indices_are_sorted: bool = False,
) -> np.ndarray:
    """lax.gather: one window of extent slice_sizes for each index vector (last axis of indices)."""
    w = windows.plan(operand.shape, indices.shape, tuple(slice_sizes), dimension_numbers)
    if operand.size == 0:
        out = np.full(w.split, filler(fill_value, operand.dtype, mode))
        return out if w.order is None else out.transpose(w.order)
    fills = mode is not _CLIP and mode is not _PROMISE
    fill = filler(fill_value, operand.dtype, mode) if fills else None
    return read_windows(operand, indices, w, fill)


def read_windows(
    operand: np.ndarray,
    indices: np.ndarray,
    w: Windows,
    fill: np.ndarray | None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """A gather whose geometry is known: what reaches outside is `fill`, or moved inside if that is
    None. To `out`, if given."""
    direct = out if w.order is None else None
    if math.prod(w.batch) == 1:
        place = windows.single_window(w, indices, fill is not None)
        window = np.full(w.split, fill) if place is None else operand[place].reshape(w.split)
    else:
        at, good = windows.addresses(w, indices, fill is not None)
        lead, mid, trail = w.runs
        if lead == trail == 1:  # one axis less costs `take` less
            window = operand.reshape(mid).take(at, None, _as(direct, at.shape), "clip")
        else:
            into = _as(direct, (lead, *at.shape, trail))
            window = operand.reshape(w.runs).take(at, 1, into, "clip")
        window = window.reshape(w.split)
        if fill is not None and good is not None:
            np.copyto(window, fill, where=~good.reshape(w.mask_shape))
    result = window if w.order is None else window.transpose(w.order)
    if out is None:
        return result
    if direct is None or math.prod(w.batch) == 1:
        np.copyto(out, result)
    return out


def _as(out: np.ndarray | None, shape: Shape) -> np.ndarray | None:
    return None if out is None else out.reshape(shape)


def take_or_fill(
    operand: np.ndarray, indices: np.ndarray, axis: int, fill: np.ndarray, out: np.ndarray
) -> None:
    """`operand.take(indices, axis)`, to `out`; what lies outside is `fill`."""
    at = windows.as_positions(indices)
    operand.take(at, axis, out, "clip")
    inside = at.view(windows.UNSIGNED) < windows.UNSIGNED.type(operand.shape[axis])
    if np.count_nonzero(inside) < inside.size:
        np.copyto(out, fill, where=~inside.reshape(at.shape + (1,) * (operand.ndim - axis - 1)))


def read_elements(
    operand: np.ndarray,
    indices: np.ndarray,
    of: Elements,
    fill: np.ndarray | None,
    out: np.ndarray,
) -> None:
    """A gather of single elements, all of its arrays vectors."""
    at, inside = _places(indices, of)
    operand.take(at, None, out, "clip")
    if inside is not None and fill is not None:
        np.copyto(out, fill, where=~inside)


def write_elements(
    combine: np.ufunc | None,
    out: np.ndarray,
    indices: np.ndarray,
    updates: np.ndarray,
    of: Elements,
    drops: bool,
) -> None:
    """A scatter of single elements to places that are all different, into the operand itself, all
    of its arrays vectors."""
    at, inside = _places(indices, of)
    if inside is not None and drops:
        at, updates = at[inside], updates[inside]
    _combine_once(combine, out, at, updates)


def _places(indices: np.ndarray, of: Elements) -> tuple[np.ndarray, np.ndarray | None]:
    """The places of elements, moved inside; and which were inside, unless all were."""
    at = windows.as_positions(indices)
    inside: np.ndarray | None
    inside = at.view(windows.UNSIGNED) <= of.limit  # what is negative is large
    if np.count_nonzero(inside) < inside.size:
        at = np.minimum(np.maximum(at, 0), of.limit.view(at.dtype))
    else:
        inside = None
    return of.first + (at if of.stride == 1 else at * of.stride), inside


def filler(fill_value: object, dtype: np.dtype, mode: GatherScatterMode) -> np.ndarray:
    """What a gather puts for a window outside."""
    if fill_value is None:
        fill_value = 0 if mode is GatherScatterMode.ONE_HOT else default_fill(dtype)
    fill = np.empty((), dtype)
    fill[...] = fill_value
    return fill


@functools.cache
def default_fill(dtype: np.dtype) -> object:
    """lax.gather's choice: nan, or the extreme that least looks like a result."""
    letter = kind(dtype)
    if letter == "key":
        return 0xFFFFFFFF  # in both words
    if letter in "iub":
        return lowest(dtype) if letter == "i" else highest(dtype)
    return np.nan


@quiet
def _scatter(
    combine: np.ufunc | None,
    operand: np.ndarray,
    indices: np.ndarray,
    updates: np.ndarray,
    numbers: ScatterDimensionNumbers,
    mode: GatherScatterMode,
    unique: bool,
) -> np.ndarray:
    """A copy of operand whose windows were combined with the updates, or set where it is None."""
    if operand.size == 0 or updates.size == 0:
        return operand.copy()
    window = update_window(operand.ndim, updates.shape, numbers)
    w = windows.plan(operand.shape, indices.shape, window, GatherDimensionNumbers(*numbers))
    out = operand.copy()
    write_windows(combine, out, indices, updates, w, mode is not _CLIP, unique)
    return out


def write_windows(
    combine: np.ufunc | None,
    out: np.ndarray,
    indices: np.ndarray,
    updates: np.ndarray,
    w: Windows,
    drops: bool,
    unique: bool,
) -> None:
    """A scatter whose geometry is known, into the operand itself. What reaches outside is dropped,
    or moved inside."""
    if w.order is not None:
        updates = updates.transpose(np.argsort(w.order))
    if math.prod(w.batch) == 1:
        place = windows.single_window(w, indices, drops)
        if place is not None:
            _combine_at(combine, out, place, updates.reshape(w.window))
        return
    at, good = windows.addresses(w, indices, drops)
    lead, mid, trail = w.runs
    rows = updates.reshape(lead, at.size, trail)
    if good is not None:
        good = np.broadcast_to(good.reshape(good.shape + (1,) * (at.ndim - good.ndim)), at.shape)
        at, rows = at[good], rows[:, good.reshape(-1)]
    into, at = out.reshape(w.runs), at.reshape(-1)  # a view, and [windows]
    if combine is not None and not unique and not w.apart:
        _combine_in_order(combine, into, at, rows)
    elif lead == trail == 1:  # two axes less cost less
        _combine_once(combine, into.reshape(mid), at, rows.reshape(-1))
    else:
        _combine_once(combine, into, (slice(None), at), rows)


def _combine_once(
    combine: np.ufunc | None, into: np.ndarray, places: Any, updates: np.ndarray
) -> None:
    """At places that are all different; of equal ones the last update is kept."""
    into[places] = updates if combine is None else combine(into[places], updates)


def update_window(ndim: int, updates: Shape, numbers: ScatterDimensionNumbers) -> Shape:
    """Extent of a scatter's windows along each axis of its operand: 1 where they have no axis."""
    sizes = iter([updates[d] for d in numbers.update_window_dims])
    dropped = {*numbers.inserted_window_dims, *numbers.operand_batching_dims}
    return tuple(1 if d in dropped else next(sizes) for d in range(ndim))


def _combine_at(
    combine: np.ufunc | None, out: np.ndarray, place: tuple, update: np.ndarray
) -> None:
    target = out[place]
    if combine is None:
        target[...] = update
    else:
        combine(target, update, out=target)


def _combine_in_order(
    combine: np.ufunc, into: np.ndarray, at: np.ndarray, rows: np.ndarray
) -> None:
    """into[:, at[j]] = combine(into[:, at[j]], rows[:, j]) for each j in turn; places recur.

    `ufunc.at` has a fast loop for one-dimensional arrays only, five times as fast as for rows.
    """
    lead, mid, trail = into.shape
    if lead * trail >= LONG_ROW:
        for j, place in enumerate(at.tolist()):
            _combine_at(combine, into, (slice(None), place), rows[:, j])
        return
    places = at
    if trail > 1:
        places = at[:, None] * trail + np.arange(trail)  # [windows, trail]
    if lead > 1:
        steps = np.arange(lead) * (mid * trail)
        places = steps.reshape((lead,) + (1,) * places.ndim) + places  # [lead, windows, trail]
    combine.at(into.reshape(-1), places.reshape(-1), rows.reshape(-1))


def _scatter_kernel(combine: np.ufunc | None) -> Callable[..., np.ndarray]:
    """The kernel of one scatter primitive; update_jaxpr only repeats what `combine` says."""

    def kernel(
        operand: np.ndarray,
        indices: np.ndarray,
        updates: np.ndarray,
        *,
        dimension_numbers: ScatterDimensionNumbers,
        mode: GatherScatterMode,
        unique_indices: bool = False,
        indices_are_sorted: bool = False,
        update_jaxpr: object = None,
        update_consts: tuple = (),
    ) -> np.ndarray:
        numbers = dimension_numbers
        return _scatter(combine, operand, indices, updates, numbers, mode, unique_indices)

    return kernel


scatter = _scatter_kernel(None)
scatter_add = _scatter_kernel(np.add)
scatter_sub = _scatter_kernel(np.subtract)
scatter_mul = _scatter_kernel(np.multiply)
scatter_min = _scatter_kernel(np.minimum)
scatter_max = _scatter_kernel(np.maximum)


def dynamic_slice(operand: np.ndarray, *starts: np.ndarray, slice_sizes: Shape) -> np.ndarray:
    """lax.dynamic_slice: a window of extent slice_sizes, moved inside if need be."""
    return operand[_window(operand.shape, starts, slice_sizes)]


def dynamic_update_slice(
    operand: np.ndarray, update: np.ndarray, *starts: np.ndarray
) -> np.ndarray:
    """lax.dynamic_update_slice: operand with update written over a window, moved inside."""
    if update.shape == operand.shape:
        return update
    out = operand.copy()
    write_window(out, update, *starts)
    return out


def write_window(out: np.ndarray, update: np.ndarray, *starts: np.ndarray) -> None:
    """The same into the operand itself."""
    out[_window(out.shape, starts, update.shape)] = update


def _window(shape: Shape, starts: tuple, sizes: Shape) -> tuple:
    """The slices of that window; the ellipsis keeps an array of no axes an array."""
    limits = [n - size for n, size in zip(shape, sizes, strict=True)]
    firsts = [min(max(int(s), 0), n) for s, n in zip(starts, limits, strict=True)]
    return (*(slice(s, s + size) for s, size in zip(firsts, sizes, strict=True)), ...)
