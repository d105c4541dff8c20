"""The selections that differentiate max and min pooling.

The gradient of a max goes to one element of each window: the first of the largest in row-major
order, as XLA chooses. What the windows see at each of their offsets is taken apart to arrays of its
own, so that a comparison or a product goes over whole arrays and not over short runs.

Read next: `cumulative.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from scratchfn.core.quiet import quiet

from .scratch import scratch
from .strided import Padding, Shape, Window, pad, runs, strided
from .window import highest, in_parts, lowest


@quiet
def select_and_scatter_add(
    source: np.ndarray,
    operand: np.ndarray,
    *,
    select_prim: Any,
    window_dimensions: Shape,
    window_strides: Shape,
    padding: Padding,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Adds each window's `source` to the place of its chosen element of `operand`."""
    ones = (1,) * operand.ndim
    window = Window(window_dimensions, window_strides, ones)
    if out is None:
        out = np.empty(operand.shape, source.dtype)

    def scatter(source: np.ndarray, x: np.ndarray, out: np.ndarray) -> None:
        if all(tuple(pair) == (0, 0) for pair in padding):
            _scatter(source, x, out, window, select_prim)
            return
        x = pad(x, _worst(select_prim, x.dtype), padding, ones)
        padded = np.empty(x.shape, source.dtype)
        _scatter(source, x, padded, window, select_prim)
        # Undo the padding: crop what it added, restore what it cropped.
        back = [(-low, -high) for low, high in padding]
        np.copyto(out, pad(padded, source.dtype.type(0), back, ones))

    plain = [i for i in range(operand.ndim) if not window.covers(i) and not any(padding[i])]
    in_parts(scatter, plain, source, operand, out)
    return out


def _scatter(
    source: np.ndarray, x: np.ndarray, out: np.ndarray, window: Window, select_prim: Any
) -> None:
    """Without padding."""
    seen = _apart(x, window, source.shape)
    given = seen.view(source.dtype)  # takes the place of what is seen, of the same dtype
    for k, mask in enumerate(_first_chosen(list(_each(seen)), select_prim)):
        _masked(source, mask, given[k, ...])
    if all(s >= w for s, w in zip(window.strides, window.sizes, strict=True)):
        if out.size > given.size:
            out.fill(0)  # between the windows
        target = _windows(out, window, source.shape)
        np.copyto(runs(target, target), runs(given.reshape(target.shape), target))
        return
    out.fill(0)
    for values, offset in zip(_each(given), window.offsets(), strict=True):
        out[window.slices(offset, source.shape)] += values


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
    real = pad(np.ones(operand.shape, bool), np.False_, padding, base_dilation)
    positions = window.positions(padded.shape)
    out = np.zeros(positions, tangents.dtype)
    views = [window.slices(offset, positions) for offset in window.offsets()]
    # The fold begins at the worst value, which is nobody's.
    seen = [np.full(positions, worst, operand.dtype), *(padded[view] for view in views)]
    exist = [np.ones(positions, bool), *(real[view] for view in views)]
    chosen = _first_chosen(seen, select_prim, exist)[1:]
    for view, mask in zip(views, chosen, strict=True):
        np.copyto(out, tangents[view], where=mask)
    return out


# -- what windows see


def _windows(x: np.ndarray, window: Window, positions: Shape) -> np.ndarray:
    """A view [*k, *p] of x, of windows that are not dilated."""
    steps = [step * s for step, s in zip(x.strides, window.strides, strict=True)]
    return strided(x, (*window.sizes, *positions), (*x.strides, *steps))


def _apart(x: np.ndarray, window: Window, positions: Shape) -> np.ndarray:
    """An array of what all windows see for each of their offsets: [k, *p]."""
    seen = _windows(x, window, positions)
    apart = scratch("apart", seen.shape, x.dtype)
    np.copyto(runs(apart, seen), runs(seen, seen))
    return apart.reshape(math.prod(window.sizes), *positions)


def _each(x: np.ndarray) -> Iterator[np.ndarray]:
    """The elements along the first axis, as arrays even where they are numbers."""
    return (x[k, ...] for k in range(len(x)))


# -- choices


def _first_chosen(
    seen: Sequence[np.ndarray], select_prim: Any, real: Sequence[np.ndarray] | None = None
) -> list[np.ndarray]:
    """For each array of `seen` the places where it has the best of all, and none before it has; in
    scratch memory. What is not `real` may be a value that is passed over."""
    keeps, better = _COMPARISONS[select_prim.name]
    shape, dtype = seen[0].shape, seen[0].dtype
    chosen = scratch("chosen", (len(seen), *shape), np.dtype(bool))
    best = scratch("best", shape, dtype)
    np.copyto(best, seen[0])
    for k, x in enumerate(seen[1:], 1):
        keeps(best, x, out=chosen[k, ...])  # for now: where what was the best before stays so
        better(best, x, out=best)
    left = chosen[0, ...]  # to those before
    if dtype.kind not in "biu" and np.isnan(best, out=left).any():
        _keep_among_nans(seen, keeps, real, chosen)
    left.fill(True)
    for k in reversed(range(1, len(seen))):
        kept = chosen[k, ...]
        np.greater(left, kept, out=kept)  # left, and not kept
        np.greater(left, kept, out=left)
    return list(_each(chosen))


def _keep_among_nans(
    seen: Sequence[np.ndarray], keeps: np.ufunc, real: Sequence[np.ndarray] | None, kept: np.ndarray
) -> None:
    """The fold as XLA writes it: keep the old if old >= new. A nan takes, and is taken from."""
    best = seen[0]
    for k, x in enumerate(seen[1:], 1):
        mask = keeps(best, x)
        if real is not None:
            mask |= ~real[k]
        best = np.where(mask, best, x)
        kept[k, ...] = mask


_COMPARISONS = {"ge": (np.greater_equal, np.maximum), "le": (np.less_equal, np.minimum)}


def _worst(select_prim: Any, dtype: np.dtype) -> np.generic:
    return lowest(dtype) if select_prim.name == "ge" else highest(dtype)


def _masked(values: np.ndarray, mask: np.ndarray, out: np.ndarray) -> None:
    """np.where(mask, values, 0), ten times faster: the bits times 0 or 1, so that 0 * inf is 0."""
    if values.dtype.itemsize > 8 or values.dtype.kind == "b":
        np.copyto(out, np.where(mask, values, values.dtype.type(0)))
        return
    bits = np.dtype(f"u{values.dtype.itemsize}")
    np.multiply(values.view(bits), mask.view(np.uint8), out=out.view(bits))
