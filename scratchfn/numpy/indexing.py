"""x[index], and the functions that take elements at given places.

Indices mean what they mean to NumPy, with two differences that JAX has too: a place outside of the
array is no error, since a traced one cannot be known, and a list is no index. `x[i]` takes the
nearest place inside; `take` and `take_along_axis` give nan, or what `fill_value` says.

Read next: `numpy/at.py`, which writes at the same places.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.config import config
from scratchfn.core import dtypes
from scratchfn.core.array import Array
from scratchfn.core.eager import EVAL
from scratchfn.core.params import GatherDimensionNumbers, GatherScatterMode
from scratchfn.core.trace import Value, current
from scratchfn.numpy.index_parts import BASIC, Index, as_numpy_index, known, parse
from scratchfn.numpy.index_windows import (
    index_dtype,
    places_along,
    require_elements,
    windows,
    wrapped,
)
from scratchfn.numpy.promotion import broadcast_shapes, operand
from scratchfn.primitives.arithmetic import rem_p
from scratchfn.primitives.base import drop_axes, expand_dims, full, reshape, squeeze
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.dynamic import dynamic_slice
from scratchfn.primitives.indexing import gather
from scratchfn.primitives.joining import unstack
from scratchfn.primitives.structural import rev, slice_

CLIP, PROMISE = GatherScatterMode.CLIP, GatherScatterMode.PROMISE_IN_BOUNDS


def getitem(x: Any, index: Any) -> Any:
    """`x[index]` for an Array or tracer."""
    if type(x) is Array and current.trace is EVAL:
        taken = _taken_by_numpy(x, index)
        if taken is not None:
            return taken
    return get(x, index)


def _taken_by_numpy(x: Array, index: Any) -> Array | None:
    """`x[index]` by NumPy itself, where it says the same at a hundredth of the price: an array in
    memory, at places that are inside. None for all else."""
    buffer = x.buffer
    if type(buffer) is not np.ndarray or not config.plain:
        return None
    if type(index) not in BASIC:
        index = as_numpy_index(index)
        if index is None:
            return None
    try:
        if type(index) is np.ndarray and index.dtype.kind == "i" and buffer.ndim:
            return Array(buffer.take(index, 0), x.weak_type)  # twice as fast as buffer[index]
        return Array(buffer[index], x.weak_type)
    except (IndexError, TypeError, ValueError):  # get() knows what to do, or to say
        return None


def get(
    x: Any,
    index: Any,
    *,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    mode: str | GatherScatterMode | None = None,
    fill_value: Any = None,
    wrap_negative_indices: bool = True,
) -> Any:
    """`x[index]`, with a say in what becomes of places outside. See `ndarray.at`."""
    how = PROMISE if mode is None else GatherScatterMode.from_any(mode)
    read = parse(index, x.shape)
    if not read.advanced and how in (CLIP, PROMISE):
        return _basic(x, read, wrap_negative_indices)
    fill_value = _number(fill_value)
    w = windows(read, wrap_negative_indices)
    if 0 in w.shape:
        return full(w.shape, 0, x.dtype, x.weak_type)
    x = expand_dims(x, read.added) if read.added else x
    if w.indices.size:
        x = gather(
            x,
            w.indices,
            w.numbers,
            w.sizes,
            unique_indices=unique_indices or w.distinct,
            indices_are_sorted=indices_are_sorted or w.distinct,
            mode=how,
            fill_value=fill_value,
        )
    x = rev(x, w.backward) if w.backward else x
    return expand_dims(x, w.new_axes) if w.new_axes else x


def _basic(x: Any, index: Index, wrap: bool) -> Any:
    """A basic index as a slice, backwards where a step is negative, without the axes of integers
    and with the new ones. A traced integer makes it a dynamic slice."""
    starts: list[Any] = []
    limits: list[int | None] = []
    strides: list[int] = []
    backward: list[int] = []
    picked: list[int] = []
    new: list[int] = []
    for kind, value, axis in index.parts:
        if kind == "new":
            new.append(axis - len(picked) + len(new))
            continue
        size = index.shape[axis]
        if kind == "slice":
            if value.step < 0:
                backward.append(axis)
            start, limit, stride = _rising(value)
        else:
            require_elements(axis, size)
            start, limit, stride = _place(value, size, wrap), None, 1
            picked.append(axis)
        starts.append(start)
        limits.append(limit)
        strides.append(stride)
    x = _sliced(x, starts, limits, strides)
    x = rev(x, backward) if backward else x
    x = squeeze(x, picked)
    return expand_dims(x, new) if new else x


def _rising(places: range) -> tuple[int, int, int]:
    """(start, limit, stride) of a range, turned around if it falls."""
    if places.step > 0:
        return places.start, max(places.start, places.stop), places.step
    return (places[-1], places.start + 1, -places.step) if places else (0, 0, 1)


def _place(i: Any, size: int, wrap: bool) -> Any:
    """An integer index as a place along an axis; a known one is moved inside."""
    if type(i) is not int:
        return wrapped(i, size, index_dtype((size,)), wrap)
    return min(max(i + size if wrap and i < 0 else i, 0), size - 1)


def _sliced(x: Any, starts: list[Any], limits: list[int | None], strides: list[int]) -> Any:
    """x[start:limit:stride] along each axis; a limit of None is for one element at `start`."""
    if any(isinstance(start, Value) for start in starts):
        dtype = index_dtype(x.shape)
        pairs = zip(starts, limits, strict=True)
        sizes = [1 if limit is None else limit - start for start, limit in pairs]
        places = [s if isinstance(s, Value) else Array(np.asarray(s, dtype)) for s in starts]
        x = dynamic_slice(x, [convert_element_type(p, dtype) for p in places], sizes)
        if all(stride == 1 for stride in strides):
            return x
        return slice_(x, [0] * x.ndim, x.shape, strides)
    ends = [s + 1 if limit is None else limit for s, limit in zip(starts, limits, strict=True)]
    plain = all(stride == 1 for stride in strides)
    if plain and not any(starts) and tuple(ends) == x.shape:
        return x
    return slice_(x, starts, ends, None if plain else strides)


def _number(fill_value: Any) -> Any:
    """A fill value as a plain number."""
    if fill_value is None or isinstance(fill_value, (bool, int, float, complex)):
        return fill_value
    number = known(fill_value) if isinstance(fill_value, (Value, np.ndarray)) else None
    if number is None and isinstance(fill_value, np.generic):
        number = np.asarray(fill_value)
    if number is None or number.ndim:
        found = str(fill_value.aval) if isinstance(fill_value, Value) else repr(fill_value)
        raise ValueError(
            errors.explain(
                "elements taken with mode='fill'",
                f"fill_value={found}",
                "it is one number, written into the program",
                "fill_value=0, then jnp.where for a filler that is computed",
            )
        )
    return number.item()


# -- arrays as sequences of their rows ------------------------------------------------------------


def iterate(x: Any) -> Iterator[Any]:
    """`iter(x)`: the entries along the first axis."""
    if x.ndim == 0:
        raise TypeError(_no_sequence("iteration over an array", x))
    if type(x) is not Array or current.trace is not EVAL:
        return iter(unstack(x))
    if type(x.buffer) is np.ndarray and config.plain:
        return iter([Array(row, x.weak_type) for row in x.buffer])
    return _iterate_in_chunks(x)


def _iterate_in_chunks(x: Any, chunk: int = 100) -> Iterator[Any]:
    """The entries of an array, so many at a time: XLA compiles one operation of a thousand results
    for most of a minute."""
    size, *sizes = x.shape
    for start in range(0, size, chunk):
        count = min(chunk, size - start)
        places = [start, *[0] * len(sizes)]
        yield from unstack(x if count == size else dynamic_slice(x, places, [count, *sizes]))


def length(x: Any) -> int:
    """`len(x)`: the size of the first axis."""
    if x.ndim == 0:
        raise TypeError(_no_sequence("len() of an array", x))
    return x.shape[0]


def _no_sequence(asked: str, x: Any) -> str:
    return errors.explain(
        asked,
        f"{x.aval}, a 0-d array, which is unsized",
        "a single number has no axis to go along",
        "x[None] for an axis of one element, or x.size for the number of elements",
    )


# -- take and take_along_axis ---------------------------------------------------------------------


def take(
    a: Any,
    indices: Any,
    axis: int | None = None,
    out: None = None,
    mode: str | None = None,
    unique_indices: bool = False,
    indices_are_sorted: bool = False,
    fill_value: Any = None,
) -> Any:
    """The entries of `a` at integer `indices` along an axis, or of the flattened array. The axes of
    `indices` stand where that axis stood.

    `mode` is for places outside: "fill" (the default) with nan or `fill_value`, "clip" to the
    nearest place, which has negative ones become 0, or "wrap" around.
    """
    if out is not None or mode == "raise":
        raise NotImplementedError(
            errors.explain(
                "jnp.take",
                "out=..." if out is not None else "mode='raise'",
                "arrays are immutable, and whether a traced index is outside is not known",
                "x = jnp.take(a, indices, mode='fill')",
            )
        )
    a, i = operand("take", a), operand("take", indices, 1)
    if axis is None:
        a, axis = reshape(a, (a.size,)), 0
    axis = _axis("take", axis, a.ndim)
    i = _as_places("take", i, a.shape[axis], mode)
    shape = (*a.shape[:axis], *i.shape, *a.shape[axis + 1 :])
    if i.size == 0:
        return full(shape, 0, a.dtype, a.weak_type)
    if a.shape[axis] == 0:
        require_elements(axis, 0)
    spread = range(axis, axis + i.ndim)
    numbers = GatherDimensionNumbers(drop_axes(tuple(range(len(shape))), spread), (axis,), (axis,))
    return gather(
        a,
        expand_dims(i, [i.ndim]),
        numbers,
        (*a.shape[:axis], 1, *a.shape[axis + 1 :]),
        mode=_TAKE_MODES[mode],
        unique_indices=unique_indices,
        indices_are_sorted=indices_are_sorted,
        fill_value=_number(fill_value),
    )


_TAKE_MODES = {
    None: GatherScatterMode.FILL_OR_DROP,
    "fill": GatherScatterMode.FILL_OR_DROP,
    "clip": CLIP,
    "wrap": PROMISE,
}


def _as_places(name: str, i: Any, size: int, mode: str | None) -> Any:
    """The indices of `take` as places along an axis, as far as its mode moves them inside."""
    if mode not in _TAKE_MODES:
        raise ValueError(
            errors.explain(
                f"jnp.{name}",
                f"mode={mode!r}",
                "it is none of the ways to treat a place outside",
                "mode='fill', 'clip' or 'wrap'",
            )
        )
    if dtypes.kind(i.dtype) not in "iub":
        raise ValueError(_not_integers(name, i))
    if mode == "wrap":
        i = convert_element_type(i, index_dtype((size,)))
        i = rem_p.bind(i, Array(np.asarray(max(size, 1), i.dtype)))
    return places_along(i, size, wrap=mode != "clip")


def take_along_axis(
    arr: Any,
    indices: Any,
    axis: int | None = -1,
    mode: str | GatherScatterMode | None = None,
    fill_value: Any = None,
    *,
    wrap_negative_indices: bool | None = None,
) -> Any:
    """`arr` at `indices` along an axis, line by line: with arr and indices [b, n] and [b, k], and
    axis 1, the result r [b, k] has r[b, k] = arr[b, indices[b, k]]. Other axes broadcast.

    Places outside are filled, as by `take`.
    """
    a, i = operand("take_along_axis", arr), operand("take_along_axis", indices, 1)
    if dtypes.kind(i.dtype) not in "iu":
        raise TypeError(_not_integers("take_along_axis", i))
    if axis is None:
        a, axis = reshape(a, (a.size,)), 0
    if a.ndim != i.ndim:
        raise ValueError(
            errors.explain(
                "jnp.take_along_axis",
                f"an array of type {a.aval} and indices of type {i.aval}",
                "each line of the array has its own indices, so they have equally many axes",
                "jnp.take(a, indices, axis) for the same indices in all lines",
            )
        )
    axis = _axis("take_along_axis", axis, a.ndim)
    size = a.shape[axis]
    lines = (*a.shape[:axis], 1, *a.shape[axis + 1 :])
    shape = broadcast_shapes("take_along_axis", [i.shape, lines], ValueError)
    if size == 0 or 0 in shape:
        return full(shape, 0, a.dtype, a.weak_type)
    how = GatherScatterMode.from_any(mode)
    wrap = how is not PROMISE if wrap_negative_indices is None else wrap_negative_indices
    i = places_along(i, size, wrap)
    return _gather_lines(a, i, axis, shape, how, _number(fill_value))


def _gather_lines(
    a: Any, i: Any, axis: int, shape: tuple[int, ...], mode: GatherScatterMode, fill_value: Any
) -> Any:
    """One gather. An axis along which the indices are all the same is part of the window; one
    along which the array is the same is dropped from it; the others are batch axes of both."""
    single = [d for d in range(a.ndim) if d != axis and i.shape[d] == 1]
    repeated = [d for d in range(a.ndim) if d not in (axis, *single) and a.shape[d] == 1]
    a_axes = [d for d in range(a.ndim) if d not in repeated]
    i_axes = [d for d in range(a.ndim) if d not in single]
    both = [d for d in a_axes if d in i_axes and d != axis]
    at = a_axes.index(axis)
    numbers = GatherDimensionNumbers(
        offset_dims=tuple(single),
        collapsed_slice_dims=(at,),
        start_index_map=(at,),
        operand_batching_dims=tuple(map(a_axes.index, both)),
        start_indices_batching_dims=tuple(map(i_axes.index, both)),
    )
    return gather(
        squeeze(a, repeated),
        reshape(i, (*(shape[d] for d in i_axes), 1)),
        numbers,
        [a.shape[d] if d in single else 1 for d in a_axes],
        mode=mode,
        fill_value=fill_value,
    )


def _axis(name: str, axis: int, ndim: int) -> int:
    axis = operator.index(axis)
    if -ndim <= axis < ndim:
        return axis % ndim
    raise ValueError(
        errors.explain(
            f"jnp.{name} along axis {axis}",
            f"an array of {ndim} axes",
            f"its axes are counted from 0 to {ndim - 1}, or back from -1",
            "axis=-1 for the last axis",
        )
    )


def _not_integers(name: str, i: Any) -> str:
    return errors.explain(
        f"jnp.{name}",
        f"indices of type {i.aval}",
        "places are counted, so they are of an integer dtype",
        f"jnp.{name}(a, indices.astype(int))",
    )
