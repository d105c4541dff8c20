"""lax functions that make arrays, move their elements and change their shapes.

Sizes, axes and places are Python integers: fixed when a program is traced. Negative axes count from
the end where that is said, and are errors elsewhere. Nothing is promoted.

Read next: `lax/indexing.py`, for places that are computed.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.array import Array, as_value
from scratchfn.core.trace import Value
from scratchfn.primitives import base, joining, structural
from scratchfn.primitives.check import require_sizes
from scratchfn.primitives.convert import convert_element_type, convert_element_type_kernel

Shape = tuple[int, ...]


def dtype(x: Any) -> np.dtype:
    """The dtype of an array or number: float32 for 1.5, with 64-bit types off."""
    return dtypes.dtype_of(x)


def as_shape(asked: str, sizes: Any) -> Shape:
    """A shape as a tuple of Python integers; one integer is a shape of one axis. Raises TypeError
    for what is no shape, and says what to do about a size that is traced."""
    try:
        if isinstance(sizes, (int, np.integer)):
            return (int(sizes),)
        return tuple(map(operator.index, sizes))
    except TypeError as error:
        if isinstance(error, errors.TracerIntegerConversionError):
            raise
        found = repr(sizes)
        why = "sizes, axes and places that are fixed are a sequence of integers"
        raise TypeError(errors.explain(asked, found, why, "(3, 4), or (n,) for one axis")) from None


def as_axis(asked: str, axis: int, ndim: int) -> int:
    """An axis counted from 0, whether it was counted from the start or the end. Raises NumPy's
    AxisError, which is a ValueError and an IndexError, if there is none."""
    axis = operator.index(axis)
    if -ndim <= axis < ndim:
        return axis % ndim
    raise np.exceptions.AxisError(
        errors.explain(
            asked,
            f"axis {axis} of an array that has {ndim}",
            f"axes are 0 to {ndim - 1}, or {-ndim} to -1 counted from the end",
            "x.ndim tells how many there are; x[:, None] adds one",
        )
    )


# -- new arrays -----------------------------------------------------------------------------------


def full(shape: Any, fill_value: Any, dtype: Any = None, *, sharding: Any = None) -> Any:
    """An array of the given shape, every element the number `fill_value`, in `dtype` or the
    number's own. Raises TypeError unless that is one number."""
    value = _number(fill_value, dtype)
    if value.shape:
        asked, found = f"lax.full({shape}, fill_value)", f"a fill_value of type {value.aval}"
        write = "jnp.broadcast_to(fill_value, shape)"
        raise TypeError(errors.explain(asked, found, "all elements get one number", write))
    return base.broadcast_in_dim(value, as_shape("lax.full", shape), ())


def _number(x: Any, dtype: Any, weak_type: bool = False) -> Any:
    """`x` in a dtype, its own if that is None. Python's numbers are converted as they are, so that
    2**31 can be a uint32."""
    if dtype is None:
        return as_value(x)
    new = dtypes.explicit_dtype(dtype, "full")
    if isinstance(x, (int, float, complex)):
        return Array(convert_element_type_kernel(np.asarray(x), new), weak_type)
    return convert_element_type(as_value(x), new, weak_type)


def full_like(
    x: Any, fill_value: Any, dtype: Any = None, shape: Any = None, sharding: Any = None
) -> Any:
    """`full`, with the shape and dtype of `x` unless others are given. `x` may be anything with a
    shape and a dtype, such as a ShapeDtypeStruct."""
    given = x if hasattr(x, "shape") and hasattr(x, "dtype") else as_value(x)
    weak = dtype is None and dtypes.is_weak(x)
    value = _number(fill_value, given.dtype if dtype is None else dtype, weak)
    return full(given.shape if shape is None else shape, value)


def empty(shape: Any, dtype: Any, *, out_sharding: Any = None) -> Any:
    """An array whose elements may be anything; they are 0."""
    return full(shape, 0, dtype)


def iota(dtype: Any, size: int) -> Any:
    """0, 1, 2, ..., size - 1, in any dtype of numbers."""
    return broadcasted_iota(dtype, (size,), 0)


def broadcasted_iota(dtype: Any, shape: Any, dimension: int, *, out_sharding: Any = None) -> Any:
    """0, 1, 2, ... along the axis `dimension`, the same along all others."""
    given = dtypes.explicit_dtype(dtype, "broadcasted_iota")
    sizes = as_shape("lax.broadcasted_iota", shape)
    return structural.iota(given, sizes, operator.index(dimension))


# -- broadcasting ---------------------------------------------------------------------------------


def broadcast(operand: Any, sizes: Sequence[int], *, out_sharding: Any = None) -> Any:
    """`operand` repeated along new axes of these sizes in front of its own."""
    x = as_value(operand)
    sizes = as_shape("lax.broadcast", sizes)
    return base.broadcast_in_dim(x, (*sizes, *x.shape), range(len(sizes), len(sizes) + x.ndim))


def broadcast_in_dim(
    operand: Any, shape: Any, broadcast_dimensions: Sequence[int], *, out_sharding: Any = None
) -> Any:
    """`operand` repeated to `shape`: its axis i becomes axis `broadcast_dimensions[i]`, where its
    size must be 1 or the result's. Raises TypeError if it is not."""
    sizes = as_shape("lax.broadcast_in_dim", shape)
    axes = as_shape("lax.broadcast_in_dim", broadcast_dimensions)
    return base.broadcast_in_dim(as_value(operand), sizes, axes)


def broadcast_shapes(*shapes: Sequence[int]) -> Shape:
    """The shape to which arrays of these shapes broadcast as in NumPy: ranks are aligned at the
    end, and sizes equal or 1. Raises ValueError if there is none."""
    given = [as_shape("lax.broadcast_shapes", shape) for shape in shapes]
    ndim = builtins.max(map(len, given))
    columns = zip(*((1,) * (ndim - len(shape)) + shape for shape in given), strict=True)
    sizes = [{size for size in column if size != 1} for column in columns]
    if all(len(found) <= 1 for found in sizes):
        return tuple(found.pop() if found else 1 for found in sizes)
    raise ValueError(
        errors.explain(
            f"lax.broadcast_shapes({', '.join(map(str, given))})",
            "incompatible shapes for broadcasting",
            "aligned at their ends, sizes must be equal or 1",
            "x[:, None] to align an axis with one further to the left",
        )
    )


def broadcast_to_rank(x: Any, rank: int) -> Any:
    """`x` with axes of size 1 in front until it has `rank` of them."""
    x = as_value(x)
    return broadcast(x, (1,) * (rank - x.ndim))


def broadcast_like(arr: Any, like_arr: Any) -> Any:
    """`arr` broadcast as in NumPy to the shape of `like_arr`. Raises ValueError if it does not."""
    x, shape = as_value(arr), as_value(like_arr).shape
    if broadcast_shapes(x.shape, shape) != shape:
        write = "lax.broadcast_like(like_arr, arr)"
        why = "the result's shape would be another one"
        asked = f"lax.broadcast_like({x.aval}, {shape})"
        raise ValueError(errors.explain(asked, f"shapes {x.shape} and {shape}", why, write))
    return base.broadcast_in_dim(x, shape, range(len(shape) - x.ndim, len(shape)))


# -- joining and parting --------------------------------------------------------------------------


def concatenate(operands: Any, dimension: int) -> Any:
    """Arrays one after another along the axis `dimension`, equal in dtype and all other sizes."""
    xs = _operands("lax.concatenate", operands)
    return joining.concatenate(xs, operator.index(dimension))


def split(operand: Any, sizes: Sequence[int], axis: int = 0) -> list[Any]:
    """The parts of `operand` of the given sizes along an axis, which they must fill. A negative
    axis counts from the end."""
    x = as_value(operand)
    return joining.split(x, as_shape("lax.split", sizes), as_axis("lax.split", axis, x.ndim))


def stack(operands: Sequence[Any], axis: int = 0) -> Any:
    """Arrays of one shape and dtype side by side along a new axis, negative counted from the end of
    the result's."""
    xs = _operands("lax.stack", operands)
    return joining.stack(xs, as_axis("lax.stack", axis, xs[0].ndim + 1))


def unstack(x: Any, axis: int = 0) -> tuple[Any, ...]:
    """The entries along an axis, as arrays without it; a negative axis counts from the end."""
    x = as_value(x)
    return tuple(joining.unstack(x, as_axis("lax.unstack", axis, x.ndim)))


def _operands(asked: str, operands: Any) -> list[Any]:
    """The entries of a list of arrays, or of one array along its first axis."""
    if isinstance(operands, Value):
        return joining.unstack(operands)
    xs = list(map(as_value, operands))
    if xs:
        return xs
    why = "there is no dtype and no shape to give"
    raise ValueError(errors.explain(asked, "no array", why, f"{asked}([x], 0)"))


# -- parts of an array ----------------------------------------------------------------------------


def slice(
    operand: Any,
    start_indices: Sequence[int],
    limit_indices: Sequence[int],
    strides: Sequence[int] | None = None,
) -> Any:
    """`operand[start:limit:stride]` along each axis. Raises TypeError unless
    0 <= start <= limit <= size: nothing is wrapped or clipped. Raises ValueError, or TypeError if
    strides are given, unless there is a start and a limit for each axis."""
    start, limit = as_shape("lax.slice", start_indices), as_shape("lax.slice", limit_indices)
    steps = None if strides is None else as_shape("lax.slice", strides)
    x = as_value(operand)
    if len(start) != x.ndim or len(limit) != x.ndim:
        error = ValueError if strides is None else TypeError  # as two ways to slice have it in JAX
        raise error(
            errors.explain(
                f"lax.slice of {x.aval}",
                f"start_indices={start}, limit_indices={limit}",
                f"each has an entry for each of the array's {x.ndim} axes",
                "lax.slice_in_dim(x, start, limit, axis=0) to cut along one axis",
            )
        )
    return structural.slice_(x, start, limit, steps)


def slice_in_dim(
    operand: Any, start_index: int | None, limit_index: int | None, stride: int = 1, axis: int = 0
) -> Any:
    """`slice` along one axis. Negative places and a negative axis count from the end; None is the
    start or the end."""
    x = as_value(operand)
    axis = as_axis("lax.slice_in_dim", axis, x.ndim)
    size = x.shape[axis]
    start = 0 if start_index is None else operator.index(start_index)
    limit = size if limit_index is None else operator.index(limit_index)
    starts, limits, strides = [0] * x.ndim, list(x.shape), [1] * x.ndim
    starts[axis] = start + size if start < 0 else start
    limits[axis] = limit + size if limit < 0 else limit
    strides[axis] = operator.index(stride)
    return structural.slice_(x, starts, limits, strides)


def index_in_dim(operand: Any, index: int, axis: int = 0, keepdims: bool = True) -> Any:
    """The entry number `index` along an axis, which stays with size 1 or, unless `keepdims`, goes.
    Negative numbers count from the end. Raises IndexError if there is no such entry."""
    x = as_value(operand)
    axis = as_axis("lax.index_in_dim", axis, x.ndim)
    size = x.shape[axis]
    index = operator.index(index)
    if not -size <= index < size:
        raise IndexError(
            errors.explain(
                f"lax.index_in_dim({x.aval}, {index}, axis={axis})",
                f"index {index} for an axis of size {size}",
                f"it is out of bounds: entries are {-size} to {size - 1}",
                "lax.dynamic_index_in_dim(x, index, axis), which moves the index inside",
            )
        )
    entry = slice_in_dim(x, index % size, index % size + 1, 1, axis)
    return entry if keepdims else base.squeeze(entry, (axis,))


def rev(operand: Any, dimensions: Sequence[int]) -> Any:
    """`operand` backwards along the given axes."""
    return structural.rev(as_value(operand), as_shape("lax.rev", dimensions))


def pad(operand: Any, padding_value: Any, padding_config: Sequence[Sequence[int]]) -> Any:
    """`operand` with (low, high, interior) copies of a number along each axis: before it, after it
    and between its elements. A negative low or high cuts elements off."""
    config = [as_shape("lax.pad", edges) for edges in padding_config]
    return structural.pad(as_value(operand), as_value(padding_value), config)


def tile(operand: Any, reps: Sequence[int]) -> Any:
    """`operand` repeated as a whole, `reps[i]` times along axis i."""
    return structural.tile(as_value(operand), as_shape("lax.tile", reps))


# -- other shapes ---------------------------------------------------------------------------------


def reshape(
    operand: Any,
    new_sizes: Any,
    dimensions: Sequence[int] | None = None,
    *,
    out_sharding: Any = None,
) -> Any:
    """The same elements in row-major order under another shape; `dimensions` is the order in which
    the operand's axes are read. Raises ValueError unless the number of elements is the same, and
    TypeError for a size below 0 or an order that is none of the axes."""
    x = as_value(operand)
    if dimensions is not None:
        x = base.transpose(x, as_shape("lax.reshape", dimensions))
    sizes = as_shape("lax.reshape", new_sizes)
    require_sizes("lax.reshape", sizes)
    if prod(sizes) != x.size:
        asked = f"lax.reshape of {x.aval} to {sizes}"
        found = f"{x.size} elements in, {prod(sizes)} out"
        why, write = "a reshape neither adds nor drops elements", f"lax.reshape(x, ({x.size},))"
        raise ValueError(errors.explain(asked, found, why, write))
    return base.reshape(x, sizes)


def transpose(operand: Any, permutation: Any) -> Any:
    """The axes in another order: the result's axis i is the operand's axis `permutation[i]`."""
    return base.transpose(as_value(operand), as_shape("lax.transpose", permutation))


def squeeze(array: Any, dimensions: Sequence[int]) -> Any:
    """`array` without the given axes, negative ones counted from the end. Raises ValueError unless
    each is of size 1."""
    x = as_value(array)
    return base.squeeze(x, [as_axis("lax.squeeze", axis, x.ndim) for axis in dimensions])


def expand_dims(array: Any, dimensions: Sequence[int]) -> Any:
    """`array` with axes of size 1 where `dimensions` says that they stand in the result, negative
    ones counted from its end. Raises ValueError if one is named twice."""
    x = as_value(array)
    axes = [as_axis("lax.expand_dims", axis, x.ndim + len(dimensions)) for axis in dimensions]
    if len(set(axes)) < len(axes):
        asked, found = f"lax.expand_dims({x.aval}, {dimensions})", f"repeated axis in {axes}"
        write = "(0, 1) for two axes in front"
        raise ValueError(errors.explain(asked, found, "each names another new axis", write))
    return base.expand_dims(x, axes)


def collapse(operand: Any, start_dimension: int, stop_dimension: int | None = None) -> Any:
    """`operand` with its axes from start to stop, as a Python slice takes them, made one. Raises
    ValueError if the stop is before the start."""
    x = as_value(operand)
    start, stop, _ = builtins.slice(start_dimension, stop_dimension).indices(x.ndim)
    if stop < start:
        asked = f"lax.collapse({x.aval}, {start_dimension}, {stop_dimension})"
        why = "there is no axis to be made one"
        write = f"lax.collapse(x, {stop}, {start})"
        raise ValueError(errors.explain(asked, f"axes {start} to {stop}", why, write))
    return base.reshape(x, (*x.shape[:start], prod(x.shape[start:stop]), *x.shape[stop:]))
