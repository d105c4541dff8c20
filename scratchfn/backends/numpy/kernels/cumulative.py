"""cumsum, cumprod, cummax, cummin and cumlogsumexp: every prefix of a reduction, along one axis.

In the operand's dtype; short floats are accumulated in float32 and rounded once. `reverse`
accumulates from the end.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from scratchfn.core.quiet import quiet

from .dot import working_dtype

WIDE = 128  # elements side by side in memory from which a step on all of them beats `accumulate`
MANY = 512  # the same of elements that are apart


def accumulate(
    ufunc: np.ufunc, x: np.ndarray, axis: int, reverse: bool, out: np.ndarray
) -> np.ndarray:
    """Every prefix of a reduction by a ufunc, written to `out`, which is of x's dtype. NumPy goes
    along the axis for one element after another; where there are many they go along together."""
    if reverse:
        x, result = np.flip(x, axis), np.flip(out, axis)
    else:
        result = out
    if not _goes_together(x.shape, axis):
        ufunc.accumulate(x, axis, None, result)
        return out
    rows, sums = np.moveaxis(x, axis, 0), np.moveaxis(result, axis, 0)
    sums[0] = rows[0]
    for so_far, row, to in zip(sums, rows[1:], sums[1:], strict=False):
        ufunc(so_far, row, out=to)
    return out


@functools.cache
def _goes_together(shape: tuple[int, ...], axis: int) -> bool:
    others = math.prod(shape[:axis]) * math.prod(shape[axis + 1 :])
    if axis < len(shape) - 1:
        return shape[axis] > 1 and (math.prod(shape[axis + 1 :]) >= WIDE or others >= MANY)
    return 1 < shape[axis] <= WIDE and others >= MANY


def _cumulative(fill: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    @quiet
    def kernel(x: np.ndarray, *, axis: int, reverse: bool) -> np.ndarray:
        wide = x.astype(working_dtype(x.dtype), copy=False)
        out = fill(wide, axis, reverse, np.empty(wide.shape, wide.dtype))
        return out.astype(x.dtype, copy=False)

    return kernel


def _by_ufunc(ufunc: np.ufunc) -> Callable[..., np.ndarray]:
    return functools.partial(accumulate, ufunc)


def _accumulate_logaddexp(x: np.ndarray, axis: int, reverse: bool, out: np.ndarray) -> np.ndarray:
    """Step by step: each prefix is scaled by its own greatest element, never by a later one."""
    if x.dtype.kind != "c":
        return accumulate(np.logaddexp, x, axis, reverse, out)
    np.copyto(out, x)
    steps = np.moveaxis(np.flip(out, axis) if reverse else out, axis, 0)  # [steps, ...], a view
    for i in range(1, len(steps)):
        steps[i] = _complex_logaddexp(steps[i - 1], steps[i])
    return out


def _complex_logaddexp(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    scale = np.maximum(a.real, b.real)
    scale = np.where(np.isfinite(scale), scale, 0)
    return np.log(np.exp(a - scale) + np.exp(b - scale)) + scale


cumsum = _cumulative(_by_ufunc(np.add))
cumprod = _cumulative(_by_ufunc(np.multiply))
cummax = _cumulative(_by_ufunc(np.maximum))
cummin = _cumulative(_by_ufunc(np.minimum))
cumlogsumexp = _cumulative(_accumulate_logaddexp)
