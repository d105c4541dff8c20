"""The places that an advanced index names, as one gather reads them and one scatter writes them.

Each axis of the array that the index does not take whole gets a *column*: numbers that say where
along this axis the windows start. The columns side by side are the `indices` of `lax.gather` and
`lax.scatter`, `[*batch, columns]`, one row for each window:

    x[a, 2:5, b]    x [9, 9, 9], a and b [4]    columns a, 2, b; windows [1, 3, 1]; result [4, 3]

Read next: `numpy/indexing.py`, which reads at these places, and `numpy/at.py`, which writes there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.array import Array, as_value
from scratchfn.core.params import GatherDimensionNumbers
from scratchfn.numpy.index_parts import Index, Part, Shape, known
from scratchfn.numpy.promotion import broadcast_shapes
from scratchfn.primitives.arithmetic import add_p
from scratchfn.primitives.base import broadcast_in_dim
from scratchfn.primitives.convert import convert_element_type, select
from scratchfn.primitives.joining import concatenate
from scratchfn.primitives.logic import lt_p

INT32_MAX = np.iinfo(np.int32).max


class Windows(NamedTuple):
    """What is read or written, and where it stands in the result."""

    shape: Shape  # of the result, new axes included
    new_axes: Shape  # the axes of the result that the index made by None
    backward: Shape  # its axes, counted without the new ones, that run against the windows' order
    sizes: Shape  # extent of a window along each axis of the array
    numbers: GatherDimensionNumbers
    indices: Any  # [*batch, columns]
    distinct: bool  # no index arrays, so that the windows are in order and none comes twice


class Column(NamedTuple):
    """Where along one axis of the array windows start, from the batch axis `first` on."""

    axis: int
    starts: Any  # a NumPy array, or a value if its numbers are not known
    first: int


class _Layout:
    """The windows under construction: axes of the result are laid down from left to right."""

    def __init__(self, index: Index):
        self.dtype = index_dtype(index.shape)
        self.shape: list[int] = []
        self.new_axes: list[int] = []
        self.backward: list[int] = []
        self.sizes = [1] * len(index.shape)
        self.offsets: list[int] = []  # axes of the result that run along windows
        self.dropped: list[int] = []  # axes of the array that the result lacks
        self.columns: list[Column] = []
        self.batch: list[int] = []

    def place(self) -> int:
        """The next axis of the result, counted without new ones."""
        return len(self.shape) - len(self.new_axes)

    def point(self, axis: int, starts: Any, first: int) -> None:
        """A single place along an axis."""
        self.columns.append(Column(axis, starts, first))
        self.dropped.append(axis)

    def new(self) -> None:
        self.new_axes.append(len(self.shape))
        self.shape.append(1)

    def block(self, parts: list[Part], sizes: Shape, wrap: bool) -> None:
        """The axes of all index arrays, which are broadcast together."""
        starts = [np.asarray(p.value) if p.kind == "int" else p.value for p in parts]
        shape = broadcast_shapes("ndarray.__getitem__", [s.shape for s in starts], ValueError)
        end = len(self.batch) + len(shape)
        for part, start in zip(parts, starts, strict=True):
            start = wrapped(start, sizes[part.axis], self.dtype, wrap)
            self.point(part.axis, start, end - start.ndim)
        self.batch += shape
        self.shape += shape

    def slice(self, axis: int, places: range, size: int) -> None:
        if len(places) > 1 and places.step != 1:  # each place is a window of its own
            if places.step < 0:
                self.backward.append(self.place())
                places = places[::-1]
            steps = np.arange(places.start, places.stop, places.step, dtype=self.dtype)
            self.point(axis, steps, len(self.batch))
            self.batch.append(len(places))
        else:
            if len(places) < size:
                start = np.asarray(places.start if places else 0, self.dtype)
                self.columns.append(Column(axis, start, len(self.batch)))
            self.sizes[axis] = len(places)
            self.offsets.append(self.place())
        self.shape.append(len(places))


def windows(index: Index, wrap: bool = True) -> Windows:
    """The windows that an index names; negative numbers count from the end if `wrap`."""
    layout = _Layout(index)
    picks = [p for p in index.parts if index.advanced and p.kind in ("int", "array")]
    for i, part in enumerate(index.parts):
        if picks and i == index.block:
            layout.block(picks, index.shape, wrap)
        if part.kind == "new":
            layout.new()
        elif part.kind == "slice":
            layout.slice(part.axis, part.value, index.shape[part.axis])
        elif not picks:
            size = index.shape[part.axis]
            require_elements(part.axis, size)
            layout.point(
                part.axis, wrapped(part.value, size, layout.dtype, wrap), len(layout.batch)
            )
    numbers = GatherDimensionNumbers(
        offset_dims=tuple(layout.offsets),
        collapsed_slice_dims=tuple(sorted(layout.dropped)),
        start_index_map=tuple(column.axis for column in layout.columns),
    )
    return Windows(
        tuple(layout.shape),
        tuple(layout.new_axes),
        tuple(layout.backward),
        tuple(layout.sizes),
        numbers,
        _side_by_side(layout.columns, tuple(layout.batch), layout.dtype),
        not picks,
    )


def _side_by_side(columns: list[Column], batch: Shape, dtype: np.dtype) -> Any:
    """The columns as one array [*batch, columns]."""
    if all(isinstance(column.starts, np.ndarray) for column in columns):
        indices = np.empty((*batch, len(columns)), dtype)
        for k, (_, starts, first) in enumerate(columns):
            after = len(batch) - first - starts.ndim
            indices[..., k] = starts.reshape(starts.shape + (1,) * after)
        return Array(indices)
    spread = [
        broadcast_in_dim(as_value(starts), (*batch, 1), range(first, first + starts.ndim))
        for _, starts, first in columns
    ]
    return concatenate(spread, len(batch))


def wrapped(i: Any, size: int, dtype: np.dtype, wrap: bool = True) -> Any:
    """Integers as places along an axis, in the dtype of places: -1 becomes the last, if `wrap`.
    What lies outside stays outside."""
    if isinstance(i, (int, np.ndarray)):
        i = np.asarray(i, np.int64)
        negative = i < 0
        if wrap and negative.any():
            i = np.where(negative, i + size, i)
        return i.astype(dtype)
    wrap = wrap and dtypes.kind(i.dtype) == "i"
    i = convert_element_type(i, dtype)
    if not wrap:
        return i
    zero, n = (Array(np.asarray(c, dtype)) for c in (0, size))
    return select(lt_p.bind(i, zero), add_p.bind(i, n), i)


def places_along(i: Any, size: int, wrap: bool) -> Any:
    """A value's integers as places along an axis, worked out at once where they are known."""
    numbers = known(i)
    return as_value(wrapped(i if numbers is None else numbers, size, index_dtype((size,)), wrap))


def index_dtype(shape: Shape) -> np.dtype:
    """The dtype of places in an array of this shape: int32, unless an axis is longer."""
    return np.dtype(np.int64 if max(shape, default=0) > INT32_MAX else np.int32)


def require_elements(axis: int, size: int) -> None:
    """Raises IndexError where one element is asked of an axis that has none."""
    if size == 0:
        raise IndexError(
            errors.explain(
                "an element of an array, by an integer index",
                f"axis {axis} of size 0",
                "that axis has no element, so there is none to give even for index 0",
                "x[:0] for an empty slice, or test x.shape first",
            )
        )
