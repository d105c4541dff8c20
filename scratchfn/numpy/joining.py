"""Arrays joined along an axis, and parted again.

Read next: `numpy/padding.py`.
"""

from __future__ import annotations

import operator
from itertools import pairwise
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.trace import Value
from scratchfn.numpy.arguments import axis_of, dtype_of, integer, known, no_out, operands
from scratchfn.numpy.comparison import greater_equal
from scratchfn.numpy.conversion import asarray
from scratchfn.numpy.indexing import take
from scratchfn.numpy.manipulation import (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    broadcast_to,
    ravel,
    transpose,
)
from scratchfn.numpy.promotion import lead, operand, promote_dtypes
from scratchfn.numpy.totals import sum
from scratchfn.numpy.ufuncs import add, remainder, subtract
from scratchfn.primitives import base, joining
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.sorting import sort
from scratchfn.primitives.structural import iota

# -- joining --------------------------------------------------------------------------------------


def concatenate(arrays: Any, axis: int | None = 0, dtype: Any = None) -> Any:
    """Arrays one after another along an axis that they have; flattened first if it is None."""
    xs = _arrays("concatenate", arrays)
    if axis is None:
        xs, axis = [ravel(x) for x in xs], 0
    if xs[0].ndim == 0:
        raise ValueError(
            errors.explain(
                "jnp.concatenate", f"an array of type {xs[0].aval}",
                "a 0-d array has no axis along which another could follow",
                "jnp.stack(xs), or jnp.array(xs)",
            )
        )  # fmt: skip
    axis = axis_of("concatenate", axis, xs[0].ndim)
    return joining.concatenate(_in_one_dtype("concatenate", xs, dtype), axis)


def _arrays(name: str, arrays: Any) -> list[Any]:
    """The arrays to join, from a sequence, or the entries of one array."""
    if isinstance(arrays, (Value, np.ndarray)):
        arrays = joining.unstack(operand(name, arrays), 0)
    if not hasattr(arrays, "__iter__"):
        raise TypeError(
            errors.explain(
                f"jnp.{name} of arrays", f"{arrays!r} of type {type(arrays).__name__}",
                "the arrays are given together, as the first argument", f"jnp.{name}([x, y])",
            )
        )  # fmt: skip
    if not isinstance(arrays, (list, tuple)):
        arrays = list(arrays)
    if arrays:
        return operands(name, arrays)
    raise ValueError(
        errors.explain(
            f"jnp.{name} of no arrays", "an empty sequence",
            "the shape and dtype of the result are those of the arrays",
            f"jnp.{name}([jnp.zeros((0, 3)), *xs])",
        )
    )  # fmt: skip


def _in_one_dtype(name: str, xs: list[Any], dtype: Any) -> list[Any]:
    if dtype is None:
        return promote_dtypes(*xs)
    wanted = dtype_of(name, dtype)
    return [asarray(x, wanted) for x in xs]


def concat(arrays: Any, /, *, axis: int | None = 0) -> Any:
    """Arrays one after another along an axis that they have."""
    return concatenate(arrays, axis)


def stack(arrays: Any, axis: int = 0, out: None = None, dtype: Any = None) -> Any:
    """Arrays of one shape side by side, along a new axis."""
    no_out("stack", out)
    xs = _arrays("stack", arrays)
    axis = axis_of("stack", axis, xs[0].ndim + 1)
    return joining.stack(_in_one_dtype("stack", xs, dtype), axis)


def vstack(tup: Any, dtype: Any = None) -> Any:
    """Arrays below one another: along the first axis, vectors as rows."""
    return concatenate([atleast_2d(x) for x in _arrays("vstack", tup)], 0, dtype)


def hstack(tup: Any, dtype: Any = None) -> Any:
    """Arrays beside one another: along the second axis, vectors along their only one."""
    xs = [atleast_1d(x) for x in _arrays("hstack", tup)]
    return concatenate(xs, 0 if xs[0].ndim == 1 else 1, dtype)


def dstack(tup: Any, dtype: Any = None) -> Any:
    """Arrays behind one another: along the third axis."""
    return concatenate([atleast_3d(x) for x in _arrays("dstack", tup)], 2, dtype)


def column_stack(tup: Any) -> Any:
    """Vectors as the columns of a matrix; matrices beside one another."""
    xs = _arrays("column_stack", tup)
    return concatenate([transpose(atleast_2d(x)) if x.ndim < 2 else x for x in xs], 1)


def block(arrays: Any) -> Any:
    """A matrix of blocks, from nested lists of them: the innermost lists are rows."""
    return _block(arrays)[0]


def _block(xs: Any) -> tuple[Any, int]:
    """The joined blocks, and the depth of the lists they were in, plus one."""
    if not isinstance(xs, (list, tuple)):
        return operand("block", xs), 1
    parts = [_block(x) for x in xs]
    depths = {depth for _, depth in parts}
    if isinstance(xs, tuple) or len(depths) != 1:
        raise ValueError(
            errors.explain(
                "jnp.block", f"a {type(xs).__name__} of blocks at depths {sorted(depths)}",
                "blocks stand in lists, none of them empty, all nested equally deep",
                "jnp.block([[a, b], [c, d]])",
            )
        )  # fmt: skip
    (depth,) = depths
    ndim = max(depth, *(x.ndim for x, _ in parts))
    return concatenate([lead(x, ndim) for x, _ in parts], -depth), depth + 1


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The entries along an axis, as arrays without it."""
    x = operand("unstack", x)
    return tuple(joining.unstack(x, axis_of("unstack", axis, x.ndim)))


# -- parting --------------------------------------------------------------------------------------


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Equal parts along an axis, as many as the number says; or the parts between given places."""
    return _split("split", ary, indices_or_sections, axis)


def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """`split` into a number of parts that need not be equal: the first ones are longer by one."""
    return _split("array_split", ary, indices_or_sections, axis)


def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """`split` along the first axis."""
    return _split("vsplit", ary, indices_or_sections, 0)


def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """`split` along the second axis; of a vector, along its only one."""
    return _split("hsplit", ary, indices_or_sections, 0 if operand("hsplit", ary).ndim == 1 else 1)


def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """`split` along the third axis."""
    return _split("dsplit", ary, indices_or_sections, 2)


def _split(name: str, ary: Any, where: Any, axis: int) -> list[Any]:
    x = operand(name, ary)
    axis = axis_of(name, axis, x.ndim)
    where = known(name, "the places of the cuts", where)
    size = x.shape[axis]
    if isinstance(where, (list, tuple)) or (hasattr(where, "ndim") and where.ndim):
        ends = [0, *(operator.index(known(name, "a place", place)) for place in where), size]
        return joining.split(x, [stop - start for start, stop in pairwise(ends)], axis)
    count = integer(name, "the number of parts", where, f"jnp.{name}(x, 2), or places: [1, 3]")
    if count == 0:
        raise ZeroDivisionError(
            errors.explain(
                f"jnp.{name} of {x.aval} into 0 parts", f"axis {axis} of size {size}",
                "its elements have to be in some part", f"jnp.{name}(x, 1)",
            )
        )  # fmt: skip
    length, rest = divmod(size, count)
    if rest and name != "array_split":
        raise ValueError(
            errors.explain(
                f"jnp.{name} of {x.aval} into {count} parts",
                f"axis {axis} of size {size}",
                f"{size} is no multiple of {count}",
                f"jnp.array_split(x, {count}, {axis}), whose parts may differ by one",
            )
        )
    return joining.split(x, [length + 1] * rest + [length] * (count - rest), axis)


# -- elements put in and taken out, at fixed places -----------------------------------------------


def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """`values` after `arr`, along an axis, or both flattened."""
    return concatenate([arr, values], axis)


def _flattened(name: str, arr: Any, axis: int | None) -> tuple[Any, int]:
    x = operand(name, arr)
    return (ravel(x), 0) if axis is None else (x, axis_of(name, axis, x.ndim))


def delete(
    arr: Any, obj: Any, axis: int | None = None, *, assume_unique_indices: bool = False
) -> Any:
    """`arr` without the entries that `obj`, an index, a slice or an array of them, names.

    `assume_unique_indices` promises that the array names no entry twice: then its values need not
    be known.
    """
    x, axis = _flattened("delete", arr, axis)
    size = x.shape[axis]
    if assume_unique_indices and not isinstance(obj, slice):
        places = operand("delete", obj, 1)
        if dtypes.kind(places.dtype) in "iu":
            return take(x, _others(base.reshape(places, (places.size,)), size), axis)
    where = obj if isinstance(obj, slice) else np.asarray(known("delete", "its places", obj))
    if isinstance(where, np.ndarray) and where.dtype != bool:
        outside = where[(where < -size) | (where >= size)]
        if outside.size:
            raise np.exceptions.AxisError(
                errors.explain(
                    f"jnp.delete of place {outside.flat[0]} along axis {axis}", f"x of {x.aval}",
                    f"places are {-size} to {size - 1}" if size else "there is nothing to delete",
                    "jnp.delete(x, i % x.shape[axis], axis)",
                )
            )  # fmt: skip
    return take(x, np.delete(np.arange(size, dtype=np.int32), where), axis)


def _others(places: Any, size: int) -> Any:
    """The places from 0 to size - 1 that are not among the given ones, all different."""
    (gone,) = sort([remainder(places, size)], 0)
    count = gone.shape[0]
    kept = iota(gone.dtype, (max(size - count, 0), 1))  # the i-th one that is kept
    before = greater_equal(kept, subtract(gone, iota(gone.dtype, (count,))))
    return add(kept[:, 0], sum(before, 1, dtype=gone.dtype))


def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """`arr` with `values` put in before the places that `obj` names."""
    x, axis = _flattened("insert", arr, axis)
    where = obj if isinstance(obj, slice) else np.asarray(known("insert", "its places", obj))
    new = lead(asarray(operand("insert", values, 2), x.dtype), x.ndim)
    size = x.shape[axis]
    places = np.arange(size, dtype=np.int32)
    if isinstance(where, np.ndarray) and where.dtype != bool:  # as JAX: none is outside
        where = np.asarray(np.clip(np.where(where < 0, where + size, where), 0, size))
    if isinstance(where, np.ndarray) and where.ndim == 0:
        new = base.move_axis(new, 0, axis)  # as NumPy: one place, the values' first axis goes there
    count = new.shape[axis]
    if isinstance(where, slice) or where.size > 1:
        count = max(count, len(places[where]) if isinstance(where, slice) else where.size)
    shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
    both = joining.concatenate([x, broadcast_to(new, shape)], axis)
    added = np.arange(count, dtype=np.int32) + x.shape[axis]
    out = take(both, np.insert(places, where, added), axis)
    return convert_element_type(out, x.dtype, x.weak_type)
