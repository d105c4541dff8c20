"""Sliding windows: pooling.

    reduce_window_max(x)[p] = max over offsets k of  x[stride * p + dilation * k]

A maximum over a box is a maximum along each axis in turn, so a [k, k] window costs 2k passes over
the array instead of k * k. They go over a part of the batch at a time, which stays in the cache,
and several threads share large arrays.

Read next: `selection.py`, the derivatives of maxima.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ml_dtypes
import numpy as np

from scratchfn.backends.numpy.pool import in_parallel, usable_threads
from scratchfn.core.quiet import quiet

from .dot import BLAS, is_float
from .scratch import scratch
from .strided import Padding, Shape, Window, outer_first, pad

PART = 1 << 20  # bytes of an array to go over at a time
DIVIDED = 1 << 20  # bytes of an array from which threads share it


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
    out: np.ndarray | None = None,
) -> np.ndarray:
    window = Window(window_dimensions, window_strides, window_dilation)

    def reduce(x: np.ndarray, out: np.ndarray) -> None:
        x = pad(x, identity, padding, base_dilation)
        # Outer axes first: their slices are long runs of memory, and leave less for inner ones.
        axes = [axis for axis in outer_first(x, range(x.ndim)) if window.covers(axis)]
        for axis in axes[:-1]:
            x = reduce_axis(x, ufunc, axis, window, out.shape[axis])
        if axes:
            reduce_axis(x, ufunc, axes[-1], window, out.shape[axes[-1]], out)
        else:
            np.copyto(out, x)

    if out is None:
        spread = [(n - 1) * d + 1 if n else 0 for n, d in zip(x.shape, base_dilation, strict=True)]
        shape = [n + a + b for n, (a, b) in zip(spread, padding, strict=True)]
        out = np.empty(window.positions(shape), x.dtype)
    plain = [
        axis for axis in range(x.ndim)
        if not window.covers(axis) and tuple(padding[axis]) == (0, 0) and base_dilation[axis] == 1
    ]  # fmt: skip
    in_parts(reduce, plain, x, out)
    return out


def reduce_axis(
    x: np.ndarray,
    ufunc: np.ufunc,
    axis: int,
    window: Window,
    count: int,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """The windows along one axis, of which there are `count`; without `out` in scratch memory."""
    size, stride, dilation = (field[axis] for field in window)
    if count == 1 and size == x.shape[axis]:
        return ufunc.reduce(x, axis=axis, dtype=x.dtype, keepdims=True, out=out)
    along = Window((size,), (stride,), (dilation,))
    before = (slice(None),) * axis
    views = [x[(*before, *along.slices(offset, (count,)))] for offset in along.offsets()]
    if out is None:
        out = scratch(f"along {axis}", views[0].shape, x.dtype)
    if size == 1:
        np.copyto(out, views[0])
        return out
    ufunc(views[0], views[1], out=out)
    for view in views[2:]:
        ufunc(out, view, out=out)
    return out


def in_parts(function: Callable[..., None], axes: Sequence[int], *arrays: np.ndarray) -> None:
    """function(*arrays) for one part of the arrays after another, cut along one of these axes."""
    first = max(arrays, key=lambda x: x.nbytes)
    axis = next((i for i in outer_first(first, axes) if first.shape[i] > 1), None)
    if axis is None or first.nbytes <= PART:
        function(*arrays)
        return
    count = first.shape[axis]
    threads = min(usable_threads(), count) if first.nbytes >= DIVIDED else 1
    parts = min(threads * -(-first.nbytes // (threads * PART)), count)
    ends = [count * i // parts for i in range(parts + 1)]
    before = (slice(None),) * axis

    def run(first: int) -> None:
        for i in range(first, parts, threads):
            function(*(x[(*before, slice(ends[i], ends[i + 1]))] for x in arrays))

    in_parallel(run, *((i,) for i in range(threads)))


# -- identities


def lowest(dtype: np.dtype) -> np.generic:
    """The identity of max."""
    return _extreme(dtype, -np.inf)


def highest(dtype: np.dtype) -> np.generic:
    """The identity of min."""
    return _extreme(dtype, np.inf)


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
