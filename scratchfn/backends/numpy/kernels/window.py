"""Sliding windows: pooling, and the selections that differentiate max and min pooling.

    reduce_window_max(x)[p] = max over offsets k of  x[stride * p + dilation * k]

A maximum over a box is a maximum along each axis in turn, so a [k, k] window costs 2k passes over
the array instead of k * k. The gradient of a max goes to one element of each window: the first of
the largest in row-major order, as XLA chooses; `_first_chosen` finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import ml_dtypes
import numpy as np

from scratchfn.core.quiet import quiet

from .dot import BLAS, is_float
from .strided import Padding, Shape, Window, outer_first, pad


def reduce_window_sum(operand: np.ndarray, **params: Any) -> np.ndarray:
    """lax.reduce_window_sum_p."""
    if operand.dtype.char in BLAS or operand.dtype.kind in "iu":
        return _reduce_axes(operand, np.add, operand.dtype.type(0), **params)
    # XLA rounds short floats after every addition, in row-major order; so does this.
    return reduce_window((operand,), (0,), computation=lambda a, b: (a + b,), **params)[0]


def reduce_window_max(operand: np.ndarray, **params: Any) -> np.ndarray:
    """lax.reduce_window_max_p."""
    return _reduce_axes(operand, np.maximum, lowest(operand.dtype), **params)


def reduce_window_min(operand: np.ndarray, **params: Any) -> np.ndarray:
    """lax.reduce_window_min_p."""
    return _reduce_axes(operand, np.minimum, highest(operand.dtype), **params)


@quiet
def reduce_window(
    operands: Sequence[np.ndarray],
    inits: Sequence,
    *,
    computation: Callable[..., Sequence[np.ndarray]],
    window_dimensions: Shape,
    window_strides: Shape,
    padding: Padding,
    base_dilation: Shape,
    window_dilation: Shape,
) -> tuple[np.ndarray, ...]:
    """Fold `computation(*accumulators, *elements) -> accumulators` over each window, row-major."""
    window = Window(window_dimensions, window_strides, window_dilation)
    padded = [pad(x, i, padding, base_dilation) for x, i in zip(operands, inits, strict=True)]
    positions = window.positions(padded[0].shape)
    accumulators: Sequence[np.ndarray] = [
        np.full(positions, i, x.dtype) for x, i in zip(operands, inits, strict=True)
    ]
    for offset in window.offsets():
        seen = window.slices(offset, positions)
        accumulators = computation(*accumulators, *(x[seen] for x in padded))
    return tuple(np.asarray(a) for a in accumulators)


@quiet
def _reduce_axes(
    x: np.ndarray,
    ufunc: np.ufunc,
    identity: Any,
    *,
    window_dimensions: Shape,
    window_strides: Shape,
    padding: Padding,
    base_dilation: Shape,
    window_dilation: Shape,
) -> np.ndarray:
    window = Window(window_dimensions, window_strides, window_dilation)
    x = pad(x, identity, padding, base_dilation)
    positions = window.positions(x.shape)
    # Outer axes first: their slices are long runs of memory, and leave less for the inner ones.
    for axis in outer_first(x, range(x.ndim)):
        size, stride, dilation = (field[axis] for field in window)
        if size > 1 or stride > 1:
            x = _reduce_axis(x, ufunc, axis, size, stride, dilation, positions[axis])
    return x


def _reduce_axis(
    x: np.ndarray, ufunc: np.ufunc, axis: int, size: int, stride: int, dilation: int, count: int
) -> np.ndarray:
    if count == 1 and size == x.shape[axis]:
        return ufunc.reduce(x, axis=axis, dtype=x.dtype, keepdims=True)
    along = Window((size,), (stride,), (dilation,))
    before = (slice(None),) * axis
    views = [x[before + along.slices(offset, (count,))] for offset in along.offsets()]
    if size == 1:
        return views[0]
    out = ufunc(views[0], views[1])
    for view in views[2:]:
        ufunc(out, view, out=out)
    return out


# -- the derivatives of reduce_window_max ("ge") and reduce_window_min ("le")


@quiet
def select_and_scatter_add(
    source: np.ndarray,
    operand: np.ndarray,
    *,
    select_prim: Any,
    window_dimensions: Shape,
    window_strides: Shape,
    padding: Padding,
) -> np.ndarray:
    """Add each window's `source` to the place of its chosen element of `operand`."""
    ones = (1,) * operand.ndim
    window = Window(window_dimensions, window_strides, ones)
    padded = pad(operand, _worst(select_prim, operand.dtype), padding, ones)
    disjoint = all(s >= w for s, w in zip(window_strides, window_dimensions, strict=True))
    out = np.zeros(padded.shape, source.dtype)
    for seen, chosen in _first_chosen(padded, window, select_prim):
        if disjoint:
            out[seen] = _masked(source, chosen)
        else:
            out[seen] += _masked(source, chosen)
    # Undo the padding: crop what it added, restore what it cropped.
    return pad(out, source.dtype.type(0), [(-low, -high) for low, high in padding], ones)


@quiet
def select_and_gather_add(
    tangents: np.ndarray,
    operand: np.ndarray,
    *,
    select_prim: Any,
    window_dimensions: Shape,
    window_strides: Shape,
    padding: Padding,
    base_dilation: Shape,
    window_dilation: Shape,
) -> np.ndarray:
    """For each window, the tangent of its chosen element of `operand`.

    A window holding nothing better than the padding (all -inf, for a max) has the tangent 0.
    """
    window = Window(window_dimensions, window_strides, window_dilation)
    worst = _worst(select_prim, operand.dtype)
    padded = pad(operand, worst, padding, base_dilation)
    tangents = pad(tangents, tangents.dtype.type(0), padding, base_dilation)
    out = np.zeros(window.positions(padded.shape), tangents.dtype)
    real = pad(np.ones(operand.shape, bool), np.False_, padding, base_dilation)
    for seen, chosen in _first_chosen(padded, window, select_prim, worst, real):
        np.copyto(out, tangents[seen], where=chosen)
    return out


def _first_chosen(
    x: np.ndarray,
    window: Window,
    select_prim: Any,
    initial: Any = None,
    real: np.ndarray | None = None,
) -> Iterator[tuple[tuple, np.ndarray]]:
    """For each offset: what the windows see there, and the windows that choose it.

    With `initial`, windows are folded from that value and choose nothing unless they beat it;
    elements that are not `real` are passed over.
    """
    positions = window.positions(x.shape)
    seen = [window.slices(offset, positions) for offset in window.offsets()]
    ufunc = np.maximum if select_prim.name == "ge" else np.minimum
    best = x
    for axis in outer_first(x, range(x.ndim)):
        size, stride, dilation = (field[axis] for field in window)
        best = _reduce_axis(best, ufunc, axis, size, stride, dilation, positions[axis])
    if np.isnan(best).any():
        yield from _chosen_among_nans(x, seen, select_prim, initial, real)
        return
    taken = np.zeros(positions, bool)
    if initial is not None:
        np.equal(best, initial, out=taken)
    for view in seen:
        chosen = np.empty(positions, bool)
        np.equal(x[view], best, out=chosen)
        np.greater(chosen, taken, out=chosen)  # and not taken
        taken |= chosen
        yield view, chosen


def _chosen_among_nans(
    x: np.ndarray, seen: list[tuple], select_prim: Any, initial: Any, real: np.ndarray | None
) -> Iterator[tuple[tuple, np.ndarray]]:
    """The fold as XLA writes it: keep the old if old >= new. A nan takes, and is taken from."""
    keeps = np.greater_equal if select_prim.name == "ge" else np.less_equal
    if initial is None:
        best, winner = x[seen[0]], np.zeros(x[seen[0]].shape, np.intp)
    else:
        best, winner = np.full_like(x[seen[0]], initial), np.full(x[seen[0]].shape, -1, np.intp)
    for k, view in enumerate(seen):
        if k == 0 and initial is None:
            continue
        replaced = ~keeps(best, x[view])
        if real is not None:
            replaced &= real[view]
        best = np.where(replaced, x[view], best)
        winner = np.where(replaced, k, winner)
    for k, view in enumerate(seen):
        yield view, winner == k


def _masked(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """np.where(mask, values, 0), ten times faster: the bits times 0 or 1, so that 0 * inf is 0."""
    if values.dtype.itemsize > 8 or values.dtype.kind == "b":
        return np.where(mask, values, values.dtype.type(0))
    bits = np.dtype(f"u{values.dtype.itemsize}")
    return (values.view(bits) * mask.view(np.uint8)).view(values.dtype)


# -- identities


def lowest(dtype: np.dtype) -> np.generic:
    """The identity of max."""
    return _extreme(dtype, -np.inf)


def highest(dtype: np.dtype) -> np.generic:
    """The identity of min."""
    return _extreme(dtype, np.inf)


def _worst(select_prim: Any, dtype: np.dtype) -> np.generic:
    return lowest(dtype) if select_prim.name == "ge" else highest(dtype)


def _extreme(dtype: np.dtype, infinity: float) -> np.generic:
    if dtype.kind == "b":
        return np.bool_(infinity > 0)
    if not is_float(dtype):
        integers = ml_dtypes.iinfo(dtype)
        return dtype.type(integers.max if infinity > 0 else integers.min)
    value = dtype.type(infinity)
    if np.isnan(value):  # the dtype has no infinity
        floats = ml_dtypes.finfo(dtype)
        return floats.max if infinity > 0 else floats.min
    return value
