"""Arrays from what the user has: numbers, nested lists, NumPy's and other libraries' arrays.

`array` and `asarray` are the only functions that take Python lists. A list of numbers alone is
NumPy's to convert; one that holds arrays or traced values is concatenated, level by level.

Read next: `numpy/creation.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.array import Array, as_value
from scratchfn.core.trace import Value
from scratchfn.numpy.arguments import dtype_of, placed
from scratchfn.numpy.promotion import lead, operand
from scratchfn.primitives.base import expand_dims
from scratchfn.primitives.convert import convert_element_type, copy_p
from scratchfn.primitives.joining import concatenate

_NUMBERS = (bool, int, float, complex)


def array(
    object: Any,
    dtype: Any = None,
    *,
    copy: bool = True,
    order: str | None = "K",
    ndmin: int = 0,
    device: Any = None,
    out_sharding: Any = None,
) -> Any:
    """`object` as an array.

    Args:
      object: a number, an array, nested lists or tuples of them, or anything that NumPy converts.
      dtype: by default that in which all the numbers meet. A single Python number is weakly typed.
      copy: whether an array is copied. NumPy's arrays always are, since they can change.
      ndmin: axes of size 1 are put in front until there are this many.

    Raises TypeError for what is no number, ValueError for lists of unequal lengths, OverflowError
    for an int that the dtype cannot hold.
    """
    if order not in (None, "K"):
        raise NotImplementedError(
            errors.explain(
                f"jnp.array(x, order={order!r})",
                "an order of memory",
                "where the elements of an array lie is not part of its value",
                "jnp.array(x)",
            )
        )
    wanted = dtype_of("array", dtype)
    if isinstance(object, (list, tuple)):
        x = _from_sequence(object, wanted)
    else:
        x = _from_leaf(object, wanted, copy)
    return placed(lead(x, ndmin), device, out_sharding)


def asarray(
    a: Any, dtype: Any = None, order: str | None = None, *, copy: bool | None = None,
    device: Any = None, out_sharding: Any = None,
) -> Any:  # fmt: skip
    """`a` as an array; an array of that dtype is returned as it is."""
    where = device if out_sharding is None else out_sharding
    if isinstance(a, Value) and dtype is None and not copy and where is None:
        return a
    return array(a, dtype, copy=bool(copy), order=order, device=where)


def _from_leaf(x: Any, dtype: np.dtype | None, copy: bool) -> Any:
    """An array from anything but a list."""
    x = _leaf(x)
    if isinstance(x, Value):
        if dtype is not None:
            return convert_element_type(x, dtype)
        return copy_p.bind(x) if copy else x
    if dtype is None:
        return as_value(x)
    if type(x) is int and dtypes.kind(dtype) in "iu":
        dtypes.require_in_range(x, dtype)
    return Array(np.array(_checked(x), dtype))


def _from_sequence(xs: Any, dtype: np.dtype | None) -> Any:
    """An array from nested lists, whose elements meet in `dtype`, or in their common dtype."""
    leaves = list(_leaves(xs))
    dtype = _common_dtype(leaves) if dtype is None else dtype
    if any(isinstance(x, Value) for x in leaves):
        return _join(xs, dtype)
    try:
        return Array(np.array(xs, dtype))
    except OverflowError:
        for x in leaves:
            if type(x) is int:
                dtypes.require_in_range(x, dtype)
        raise
    except ValueError:
        raise ValueError(
            errors.explain(
                "an array from nested lists",
                "lists of unequal lengths",
                "an array is rectangular: along each axis all parts have the same shape",
                "lists padded to one length, and a mask of what is padding",
            )
        ) from None


def _join(xs: Any, dtype: np.dtype) -> Any:
    """Nested lists with arrays among them: each level becomes an axis."""
    if not isinstance(xs, (list, tuple)):
        return _from_leaf(xs, dtype, copy=False)
    if not xs:
        return Array(np.array([], dtype))
    return concatenate([expand_dims(_join(x, dtype), [0]) for x in xs], 0)


def _leaves(xs: Any) -> Iterator[Any]:
    for x in xs:
        if isinstance(x, (list, tuple)):
            yield from _leaves(x)
        else:
            yield _leaf(x)


def _leaf(x: Any) -> Any:
    """A number, a NumPy array or a value of ours, from anything that is or converts to one."""
    if isinstance(x, (Value, *_NUMBERS, np.ndarray, np.generic)):
        return x
    if x is None:
        raise ValueError(
            errors.explain(
                "an array from None",
                "None",
                "it stands for no value, and an array has one everywhere",
                "jnp.nan for a number that is missing",
            )
        )
    if hasattr(x, "__jax_array__") or hasattr(x, "addressable_shards"):  # the latter is a jax.Array
        return as_value(x)
    array = np.asarray(x)
    return array if dtypes.is_supported(array.dtype) else as_value(x)  # which refuses it


def _checked(x: Any) -> Any:
    """Numbers pass; strings and objects are refused, with advice."""
    if isinstance(x, (np.ndarray, np.generic)) and not dtypes.is_supported(x.dtype):
        return as_value(np.asarray(x))  # raises
    return x


def _common_dtype(leaves: list[Any]) -> np.dtype:
    """The dtype in which the elements of lists meet."""
    if not leaves:
        return dtypes.default_dtype("f")
    kinds = {type(x) for x in leaves}
    if kinds <= set(_NUMBERS):  # many numbers, but at most four types among them
        types = {(dtypes.python_scalar_dtype(kind), kind is not bool) for kind in kinds}
    else:
        types = {(dtypes.dtype_of(_checked(x)), dtypes.is_weak(x)) for x in leaves}
    dtype, weak = dtypes.promote_all(tuple(types))
    return dtypes.default_dtype(dtypes.kind(dtype)) if weak and dtype.name in _DEFAULTS else dtype


_DEFAULTS = ("int32", "int64", "float32", "float64", "complex64", "complex128")


def copy(a: Any, order: str | None = None) -> Any:
    """A copy of an array."""
    return array(a, copy=True, order=order)


def astype(x: Any, dtype: Any, /, *, copy: bool = False, device: Any = None) -> Any:
    """`x` in another dtype: floats are cut off to integers, numbers but 0 are True, complex numbers
    lose their imaginary part. None stands for the default float."""
    x = operand("astype", x)
    wanted = dtype_of("astype", dtype, dtypes.default_dtype("f"))
    result = convert_element_type(x, wanted)
    return placed(copy_p.bind(result) if copy else result, device)


def frombuffer(buffer: Any, dtype: Any = float, count: int = -1, offset: int = 0) -> Any:
    """The bytes of a buffer, from `offset` on, as a 1-d array of `count` elements."""
    try:
        return asarray(np.frombuffer(buffer, np.dtype(dtype), count, offset))
    except ValueError as error:
        asked = f"jnp.frombuffer(buffer, {np.dtype(dtype).name}, count={count}, offset={offset})"
        found, write = f"a buffer of {len(buffer)} bytes", "dtype=jnp.uint8, one byte each"
        raise ValueError(errors.explain(asked, found, str(error), write)) from None


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
    """An array from another library's, through DLPack."""
    # NumPy's DLPack knows the dtypes of NumPy alone; our own arrays have no need of it.
    array = x if isinstance(x, Array) else np.from_dlpack(x)
    return asarray(array, array.dtype, copy=copy, device=device)  # DLPack has no weak types
