"""What an index means for an array of a given shape: the first half of `x[i]` and of `x.at[i]`.

`parse` reads an index as NumPy defines it and gives one `Part` for each axis of the array and for
each new axis, with the ellipsis and masks written out. Two kinds of indices come of it. A *basic*
one has numbers, slices and new axes: it is a slice of the array. An *advanced* one has arrays of
numbers or masks as well: their places are listed, by `numpy/index_windows.py`.

Read next: `numpy/index_windows.py`.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from types import EllipsisType, NoneType
from typing import Any, NamedTuple

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.array import Array, to_numpy
from scratchfn.core.trace import Tracer, Value, describe
from scratchfn.numpy.conversion import asarray

Shape = tuple[int, ...]

BASIC = frozenset((int, slice, NoneType, EllipsisType))
_NUMPYS = BASIC | {np.ndarray, bool}


class Part(NamedTuple):
    """One part of an index.

    kind     value                                      axes of the array, of the result
    "int"    a Python int, not yet wrapped              1, 0
    "slice"  a range, wrapped and clipped to the axis   1, 1
    "new"    None                                       0, 1
    "array"  integers: an ndarray if known, else a      1, those of the broadcast arrays together
             tracer (or an array of another backend)
    """

    kind: str
    value: Any
    axis: int  # the axis of the array that it is about; for "new" the next one


class Index(NamedTuple):
    """An index, read for one shape.

    `added` are axes of size 1 that the array must first be given, where the index has a single
    True or False: it picks one or none of that axis. Axes are counted with them. `shape` is the
    array's with them.
    """

    parts: list[Part]
    shape: Shape
    added: Shape
    advanced: bool
    block: int  # the part before which the axes of index arrays stand in the result


def parse(index: Any, shape: Shape) -> Index:
    """Reads an index. Raises TypeError or IndexError for what is none."""
    items = index if type(index) is tuple else _as_items(index)
    read = [_read(item) for item in items]
    consumed = sum(axes for _, _, axes in read)
    ellipses = sum(kind == "ellipsis" for kind, _, _ in read)
    if ellipses > 1 or consumed > len(shape):
        raise IndexError(
            errors.explain(
                f"an array of shape {shape} indexed by {_show(index)}",
                f"{ellipses} ellipses, and parts that take up {consumed} axes",
                f"there is room for one ellipsis, and the array has {len(shape)} axes",
                "x[..., i] with one part for each axis that is to be indexed",
            )
        )
    if not ellipses:
        read.append(("ellipsis", None, 0))
    whole = len(shape) - consumed
    return _lay_out(read, whole, shape)


def _lay_out(read: list[tuple[str, Any, int]], whole: int, shape: Shape) -> Index:
    """Gives each part its axis; `whole` axes are left to the ellipsis."""
    parts: list[Part] = []
    added: list[int] = []
    sizes = list(shape)
    starts = []  # which part each item begins with
    for kind, value, axes in read:
        axis = sum(part.kind != "new" for part in parts)
        starts.append(len(parts))
        if kind == "ellipsis":
            parts += [Part("slice", range(sizes[a]), a) for a in range(axis, axis + whole)]
        elif kind == "flag":
            added.append(axis)
            sizes.insert(axis, 1)
            parts.append(Part("array", np.arange(int(value)), axis))
        elif kind == "mask":
            places = _places(value, tuple(sizes[axis : axis + axes]))
            parts += [Part("array", p, axis + i) for i, p in enumerate(places)]
        elif kind == "slice":
            parts.append(Part("slice", _range(value, sizes[axis]), axis))
        else:
            parts.append(Part(kind, value, axis))
    advanced = any(part.kind == "array" and part.value.ndim for part in parts)
    block = 0
    if advanced:
        picks = [i for i, (kind, _, _) in enumerate(read) if kind in _PICKS]
        adjacent = picks[-1] - picks[0] == len(picks) - 1
        block = starts[picks[0]] if adjacent else 0
    return Index(parts, tuple(sizes), tuple(added), advanced, block)


_PICKS = ("int", "array", "flag", "mask")  # beside an index array, an int is one too


def as_numpy_index(index: Any) -> Any:
    """An index with NumPy's arrays and integers in place of ours; None if NumPy might read it
    differently, or an array is not in memory. (The index None is basic, and not asked about.)"""
    if type(index) is tuple:
        items = index
        if not BASIC.issuperset(map(type, items)):
            index = items = tuple(map(_as_numpy, items))
    else:
        index = _as_numpy(index)
        items = (index,)
    return index if _NUMPYS.issuperset(map(type, items)) else None


def _as_numpy(item: Any) -> Any:
    buffer = item.buffer if type(item) is Array else item
    if type(buffer) is np.ndarray and buffer.shape == () and buffer.dtype.kind in "iu":
        return int(buffer)
    return buffer


# -- one part of an index -------------------------------------------------------------------------


def _as_items(index: Any) -> tuple[Any, ...]:
    if isinstance(index, tuple):
        return index
    if not isinstance(index, Sequence) or isinstance(index, (str, Value, np.ndarray)):
        return (index,)
    inner = any(i is None or i is ... or isinstance(i, (slice, Sequence)) for i in index)
    raise TypeError(
        errors.explain(
            f"an array indexed by {_show(index)}",
            f"a {type(index).__name__}, which is not a tuple",
            "NumPy has read such an index in several ways, so its meaning is not plain",
            "x[tuple(index)] for one part per axis" if inner else "x[jnp.array(index)]",
        )
    )


def _read(item: Any) -> tuple[str, Any, int]:
    """(kind, value, how many axes of the array it takes up) of one part of an index."""
    if type(item) is int:
        return "int", item, 1
    if item is None:
        return "new", None, 0
    if item is ...:
        return "ellipsis", None, 0
    if isinstance(item, slice):
        return "slice", item, 1
    if isinstance(item, (bool, np.bool_)):
        return "flag", bool(item), 0
    if isinstance(item, (int, np.integer)):
        return "int", int(item), 1
    if isinstance(item, (Value, np.ndarray)):
        return _read_array(item)
    if isinstance(item, Sequence) and not isinstance(item, str):
        return _read_array(asarray(list(item)) if item else np.zeros(0, np.int32))
    raise _no_index(item)


def _read_array(item: Any) -> tuple[str, Any, int]:
    kind = dtypes.kind(item.dtype) if dtypes.is_supported(item.dtype) else "O"
    if kind in "iu":
        value = known(item)
        if value is not None:
            item = value
            if not value.ndim:
                return "int", int(value), 1
        return "array", item, 1
    if kind != "b":
        raise _no_index(item)
    if isinstance(item, Tracer):
        item = item.need(
            errors.NonConcreteBooleanIndexError,
            "an array indexed by a boolean mask",
            "jnp.where(mask, x, 0) to keep the shape, x.at[...].set(jnp.where(mask, new, old)) to "
            "write, or jnp.nonzero(mask, size=n) for a fixed number of places",
        )
    mask = to_numpy(item) if isinstance(item, Array) else item
    return ("mask", mask, mask.ndim) if mask.ndim else ("flag", bool(mask), 0)


def known(x: Any) -> np.ndarray | None:
    """The numbers of an array where they are at hand in memory, else None."""
    if isinstance(x, Tracer):
        x = x.concrete()
    if type(x) is Array:
        x = x.buffer
    return x if isinstance(x, np.ndarray) else None


def _places(mask: np.ndarray, sizes: Shape) -> tuple[np.ndarray, ...]:
    """Where a mask is True, one array of places for each of its axes."""
    if any(n not in (0, size) for n, size in zip(mask.shape, sizes, strict=True)):
        raise IndexError(
            errors.explain(
                f"axes of sizes {sizes} indexed by a boolean mask",
                f"a mask of shape {mask.shape}",
                "a mask says of each element whether it is wanted, so the shapes must be equal",
                "a comparison of the array itself, x[x > 0]",
            )
        )
    return mask.nonzero()


def _range(s: slice, size: int) -> range:
    """The places that a slice takes of an axis."""
    if s.start is None and s.stop is None and s.step is None:
        return range(size)
    for bound in (s.start, s.stop, s.step):
        if isinstance(bound, Tracer) and bound.concrete() is None:
            raise IndexError(
                errors.explain(
                    f"an array indexed by {_show(s)}",
                    describe(bound),
                    "the bounds of a slice decide the result's shape, so they must be known while "
                    "the program is traced",
                    "lax.dynamic_slice_in_dim(x, start, size) for a fixed size at a traced start",
                )
            )
    try:
        bounds = [None if b is None else operator.index(b) for b in (s.start, s.stop, s.step)]
        return range(*slice(*bounds).indices(size))
    except (TypeError, ValueError) as error:
        raise type(error)(
            errors.explain(
                f"an array indexed by {_show(s)}",
                str(error),
                "start and stop are integers or left out, and so is the step, which is not 0",
                "x[start:stop:step], with start // 2 in place of start / 2",
            )
        ) from None


def _no_index(item: Any) -> Exception:
    number = isinstance(item, (Value, np.ndarray, np.generic, float, complex))
    found = f"dtype {item.dtype}" if hasattr(item, "dtype") else f"a {type(item).__name__}"
    error = TypeError if number or isinstance(item, (str, Sequence)) else IndexError
    return error(
        errors.explain(
            f"an array indexed by {_show(item)}",
            found,
            "only integers, slices, ..., None, and arrays of integers or booleans are indices",
            "x[i.astype(int)] for numbers" if number else "x[i], x[i:j], x[..., None] or x[mask]",
        )
    )


def _show(index: Any) -> str:
    """An index in an error message: arrays by their type."""
    if isinstance(index, tuple):
        return "(" + ", ".join(map(_show, index)) + ("," if len(index) == 1 else "") + ")"
    if isinstance(index, slice):
        parts = [index.start, index.stop] + ([index.step] if index.step is not None else [])
        return ":".join("" if part is None else _show(part) for part in parts)
    if isinstance(index, Value):
        return str(index.aval)
    if isinstance(index, np.ndarray):
        return f"{index.dtype}{list(index.shape)}"
    text = "..." if index is ... else repr(index)
    return text if len(text) < 60 else f"a {type(index).__name__} of {len(index)}"
