"""Order and places: sorting, binary search, where elements are that are not zero.

How many elements are not zero depends on their values, so inside a program `size` says how long
the result is.

Read next: `numpy/sets.py`.
"""

from __future__ import annotations

import operator
from typing import Any

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.trace import Tracer
from scratchfn.numpy.arguments import axis_of, dtype_of, known, operands, scalar
from scratchfn.numpy.bisection import count_before
from scratchfn.numpy.comparison import choose, less, logical_not, truth
from scratchfn.numpy.indexing import take
from scratchfn.numpy.manipulation import ravel, slice_along
from scratchfn.numpy.promotion import lead, operand, promote_dtypes
from scratchfn.numpy.reductions import sum
from scratchfn.numpy.ufuncs import floor_divide, remainder
from scratchfn.primitives import base, sorting
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.joining import concatenate, stack
from scratchfn.primitives.structural import iota, rev

# -- sorting --------------------------------------------------------------------------------------


def _sortable(name: str, a: Any, axis: int | None, kind: Any, order: Any) -> tuple[Any, int]:
    if kind is not None or order is not None:
        raise TypeError(
            errors.explain(
                f"jnp.{name}(x, kind={kind!r}, order={order!r})", "one of NumPy's options",
                "there is one algorithm, and no arrays of records", f"jnp.{name}(x, stable=True)",
            )
        )  # fmt: skip
    x = operand(name, a)
    return (ravel(x), 0) if axis is None else (x, axis_of(name, axis, x.ndim))


def sort(
    a: Any, axis: int | None = -1, *, kind: None = None, order: None = None, stable: bool = True,
    descending: bool = False,
) -> Any:  # fmt: skip
    """`a` in rising order along an axis (falling, if `descending`), nan last; flattened first if
    the axis is None."""
    x, axis = _sortable("sort", a, axis, kind, order)
    (out,) = sorting.sort([x], axis)
    return rev(out, [axis]) if descending else out


def argsort(
    a: Any, axis: int | None = -1, *, kind: None = None, order: None = None, stable: bool = True,
    descending: bool = False, dtype: Any = None,
) -> Any:  # fmt: skip
    """The positions along an axis of the elements in rising (or falling) order. Equal elements stay
    in order."""
    x, axis = _sortable("argsort", a, axis, kind, order)
    places = iota(dtype_of("argsort", dtype, dtypes.default_dtype("i")), x.shape, axis)
    if descending and stable:  # backwards and backwards again, so that equal elements stay in order
        x, places = rev(x, [axis]), rev(places, [axis])
    out = sorting.sort([x, places], axis)[1]
    return rev(out, [axis]) if descending else out


def lexsort(keys: Any, axis: int = -1) -> Any:
    """The positions of the elements ordered by the last key, equal ones by the key before it, and
    so on. All keys have one shape."""
    xs = operands("lexsort", tuple(keys))
    if not xs:
        raise TypeError(
            errors.explain(
                "jnp.lexsort of no keys", "an empty sequence",
                "the keys say what the order is", "jnp.lexsort((minor, major))",
            )
        )  # fmt: skip
    if len({x.shape for x in xs}) > 1:
        raise ValueError(
            errors.explain(
                "jnp.lexsort", f"keys of types {', '.join(str(x.aval) for x in xs)}",
                "each element has all of the keys, so they have one shape",
                "jnp.lexsort(jnp.broadcast_arrays(*keys))",
            )
        )  # fmt: skip
    if xs[0].ndim == 0:
        return scalar(0, dtypes.default_dtype("i"))
    axis = axis_of("lexsort", axis, xs[0].ndim)
    places = iota(dtypes.default_dtype("i"), xs[0].shape, axis)
    return sorting.sort([*xs[::-1], places], axis, len(xs))[-1]


def sort_complex(a: Any) -> Any:
    """`a` sorted along its last axis, as complex numbers: by real parts, then by imaginary ones."""
    x = operand("sort_complex", a)
    (out,) = sorting.sort([x], axis_of("sort_complex", -1, x.ndim))
    return convert_element_type(out, dtypes.to_complex_dtype(out.dtype))


def searchsorted(
    a: Any, v: Any, side: str = "left", sorter: Any = None, *, method: str = "scan"
) -> Any:
    """Where each value of `v` would have to be put into the sorted vector `a` so that it stays
    sorted: before equal elements, or after them if `side` is "right".

    `sorter` are the positions that sort `a`. There is one `method`; JAX's names for its own are
    accepted.
    """
    a, v = operand("searchsorted", a), operand("searchsorted", v, 1)
    if a.ndim != 1 or side not in ("left", "right"):
        raise ValueError(
            errors.explain(
                f"jnp.searchsorted(a, v, {side!r})", f"a of type {a.aval}",
                "a is one sorted vector, and side is 'left' or 'right'",
                "vmap(jnp.searchsorted)(a, v) for many vectors",
            )
        )  # fmt: skip
    a, v = promote_dtypes(a, v)
    if sorter is not None:
        a = take(a, sorter)
    return count_before(a, v, side)


# -- places ---------------------------------------------------------------------------------------


def where(
    condition: Any, x: Any = None, y: Any = None, /, *, size: int | None = None,
    fill_value: Any = None,
) -> Any:  # fmt: skip
    """x where the condition holds, else y. With the condition alone, the places where it holds, as
    `nonzero`."""
    if x is None and y is None:
        return nonzero(condition, size=size, fill_value=fill_value)
    half = x is None or y is None
    if half or size is not None or fill_value is not None:
        raise (TypeError if half else ValueError)(
            errors.explain(
                "jnp.where", "one of x and y" if half else "both x and y, and a size",
                "it chooses between x and y, or finds places, which have a size",
                "jnp.where(c, x, 0), or jnp.where(c, size=n)",
            )
        )  # fmt: skip
    return choose(condition, operand("where", x, 1), operand("where", y, 2))


def nonzero(a: Any, *, size: int | None = None, fill_value: Any = None) -> tuple[Any, ...]:
    """The places of the elements that are not zero, in order: an array of indices for each axis.

    Args:
      size: the length of the arrays, which a program has to know. Places beyond it are left out;
        if there are fewer, `fill_value` (0 by default, or one number for each axis) fills up.
    """
    a = operand("nonzero", a)
    if a.ndim == 0:
        raise ValueError(
            errors.explain(
                f"jnp.nonzero of a 0-d array, {a.aval}", "no axes",
                "a place is an index along each axis", "jnp.nonzero(jnp.atleast_1d(x))",
            )
        )  # fmt: skip
    mask = ravel(truth("nonzero", a))
    found = sum(mask, dtype=dtypes.int32)
    size = length_of("nonzero", found, size)
    index = dtypes.default_dtype("i")
    order = argsort(logical_not(mask), dtype=index)
    if size > a.size:
        missing = base.full((size - a.size,), 0, index)
        order = concatenate([order, missing], 0)
    order = slice_along(order, 0, size, 0)
    valid = less(iota(dtypes.int32, (size,)), found)
    fills = fill_value if isinstance(fill_value, tuple) else (fill_value,) * a.ndim
    places = []
    for fill, extent in zip(fills[::-1], a.shape[::-1]):
        number = scalar(max(extent, 1), index)
        fill = scalar(0, index) if fill is None else operand("nonzero", fill, 1)
        places.append(choose(valid, remainder(order, number), fill))
        order = floor_divide(order, number)
    return tuple(places[::-1])


def length_of(name: str, found: Any, size: Any) -> int:
    """How many places to return: `size`, or as many as were found, if that is known."""
    if size is not None:
        return operator.index(known(name, "the size", size))
    if isinstance(found, Tracer) and found.concrete() is None:
        raise errors.ConcretizationTypeError(
            errors.explain(
                f"jnp.{name} of a traced array",
                f"{found.aval} elements to return, a number that is not known yet",
                "the shapes of a program are fixed when it is traced, before it has any values",
                f"jnp.{name}(x, size=n, fill_value=...), or jnp.where(c, x, y) to keep the shape",
            )
        )
    return int(found)


def flatnonzero(a: Any, *, size: int | None = None, fill_value: Any = None) -> Any:
    """The places in the flattened array of the elements that are not zero; see `nonzero`."""
    return nonzero(ravel(a), size=size, fill_value=fill_value)[0]


def argwhere(a: Any, *, size: int | None = None, fill_value: Any = None) -> Any:
    """The places of the elements that are not zero, one row each; see `nonzero`."""
    a = operand("argwhere", a)
    places = nonzero(lead(a, 1), size=size, fill_value=fill_value)
    rows = stack(promote_dtypes(*places), 1)
    return slice_along(rows, 0, a.ndim, 1)
