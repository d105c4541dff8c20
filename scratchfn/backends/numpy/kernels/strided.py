"""What windows and convolutions share: padding with holes, and the strided view that each window
offset sees.

A window of size w over a padded axis reads, at offset k = 0..w-1 and for every output position at
once, the slice x[k*dilation : : stride]. Pooling folds these slices together; a convolution gathers
them. Next: window.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

Shape = tuple[int, ...]
Padding = Sequence[tuple[int, int]]


class Window(NamedTuple):
    """The shape of a sliding window; one entry for each axis."""

    sizes: Shape
    strides: Shape
    dilations: Shape

    def positions(self, shape: Sequence[int]) -> tuple[int, ...]:
        """How many windows fit in each axis of `shape`."""
        reach = [
            (w - 1) * d + 1 if w else 0 for w, d in zip(self.sizes, self.dilations, strict=True)
        ]
        return tuple(
            max(0, (n - r) // s + 1) for n, r, s in zip(shape, reach, self.strides, strict=True)
        )

    def covers(self, axis: int) -> bool:
        """Does an axis not stay as it is?"""
        return self.sizes[axis] > 1 or self.strides[axis] > 1

    def offsets(self) -> Iterator[tuple[int, ...]]:
        """The places within a window, row by row."""
        return itertools.product(*map(range, self.sizes))

    def slices(self, offset: Sequence[int], positions: Sequence[int]) -> tuple[slice, ...]:
        """What all windows see at `offset`, as an index into the padded array."""
        return tuple(
            slice(k * d, k * d + (n - 1) * s + 1 if n else k * d, s)
            for k, n, s, d in zip(offset, positions, self.strides, self.dilations, strict=True)
        )


def pad(
    x: np.ndarray,
    value: Any,
    padding: Padding,
    dilation: Sequence[int],
) -> np.ndarray:
    """`x` with `dilation - 1` holes between neighbours and `padding` around, filled with `value`.

    Negative padding crops, after the dilation. Where nothing is to be filled this is a view.
    """
    shape: list[int] = []
    source: list[Any] = []  # slices of x, and then all of what they leave
    target: list[slice] = []
    for n, (low, high), step in zip(x.shape, padding, dilation, strict=True):
        spread = (n - 1) * step + 1 if n else 0
        size = max(0, spread + low + high)
        first = -(min(low, 0) // step)  # the first element that is not cropped
        last = max(first, min(n, -((low - size) // step)))  # one past the last
        start = low + first * step
        shape.append(size)
        source.append(slice(first, last))
        target.append(slice(start, start + (last - first - 1) * step + 1, step))
    kept = x[(*source, ...)]  # the ellipsis makes a view of a scalar too
    if kept.shape == tuple(shape):
        return kept
    # The padded array keeps the order of x's axes in memory: x may be a transposed view.
    padded = np.full_like(x, value, shape=shape) if value else np.zeros_like(x, shape=shape)
    if kept.size:
        padded[tuple(target)] = kept
    return padded


def outer_first(x: np.ndarray, axes: Sequence[int]) -> list[int]:
    """The axes in the order in which they lie in memory, the widest stride first."""
    return sorted(axes, key=lambda axis: -abs(x.strides[axis]))


class _Interface:
    """What NumPy asks an array for. It holds the memory."""

    def __init__(self, x: np.ndarray, shape: Sequence[int], strides: Sequence[int]):
        self.base = x
        self.__array_interface__ = {
            **x.__array_interface__, "shape": tuple(shape), "strides": tuple(strides)
        }  # fmt: skip


def strided(x: np.ndarray, shape: Sequence[int], strides: Sequence[int]) -> np.ndarray:
    """The view of `x` with this shape and these strides: NumPy's `as_strided` in a third of the
    time."""
    return np.asarray(_Interface(x, shape, strides))


def merges(x: np.ndarray, start: int, stop: int) -> bool:
    """Do the axes from `start` to `stop` lie in memory as one, so that a reshape is a view?"""
    kept = [i for i in range(start, stop) if x.shape[i] != 1]
    return all(x.strides[i] == x.shape[j] * x.strides[j] for i, j in itertools.pairwise(kept))


def runs(x: np.ndarray, like: np.ndarray) -> np.ndarray:
    """A view of `x` whose elements are as long as the runs of memory of `like`, an array of the
    same shape and type: copying a run is faster than copying its numbers."""
    axis, run = like.ndim, 1
    while axis and (like.shape[axis - 1] == 1 or like.strides[axis - 1] == run * like.itemsize):
        axis -= 1
        run *= like.shape[axis]
    if run <= 1:  # or there are no elements
        return x
    return x.reshape(*x.shape[:axis], run).view(f"V{run * x.itemsize}")[..., 0]
