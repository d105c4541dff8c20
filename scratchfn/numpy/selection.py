"""Choosing among arrays and among places; indices of many axes.

Read next: `numpy/vectorize.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.numpy.arguments import axis_of, dtype_of, known, no_out, operands, shape_of
from scratchfn.numpy.at import IndexHelper
from scratchfn.numpy.comparison import choose, greater, greater_equal, less, logical_or, truth
from scratchfn.numpy.conversion import asarray
from scratchfn.numpy.creation import diag_indices
from scratchfn.numpy.indexing import take
from scratchfn.numpy.manipulation import broadcast_arrays, ravel, slice_along, tile
from scratchfn.numpy.promotion import operand, promote_dtypes
from scratchfn.numpy.reductions import any as any_
from scratchfn.numpy.searching import argsort, nonzero
from scratchfn.numpy.ufuncs import add, clip, divmod, multiply, remainder
from scratchfn.primitives import base
from scratchfn.transforms.vmap_api import vmap

# -- choosing -------------------------------------------------------------------------------------


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """Each element from the first of the choices whose condition holds there, else `default`."""
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ValueError(
            errors.explain(
                "jnp.select", f"{len(condlist)} conditions and {len(choicelist)} choices",
                "each choice has a condition, and there is one at least",
                "jnp.select([x < 0, x > 0], [-x, x])",
            )
        )  # fmt: skip
    conditions = [truth("select", c) for c in condlist]
    default, *choices = promote_dtypes(operand("select", default), *operands("select", choicelist))
    out = default
    for condition, choice in zip(conditions[::-1], choices[::-1]):
        out = choose(condition, choice, out)
    return out


def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    """Each element through the function (or the number) whose condition holds there, the last of
    them if several do. One function more than conditions is for all other elements, else they are
    0. Every function is computed for every element."""
    x = operand("piecewise", x)
    missing = len(condlist) - len(funclist)
    if missing not in (0, -1):
        raise ValueError(
            errors.explain(
                "jnp.piecewise", f"{len(condlist)} conditions and {len(funclist)} functions",
                "each condition has a function; one more is for all other elements",
                "jnp.piecewise(x, [x < 0], [lambda x: -x, lambda x: x])",
            )
        )  # fmt: skip
    *functions, other = funclist if missing else (*funclist, 0)
    conditions = asarray(condlist, bool)

    def value(f: Any) -> Any:
        return asarray(f(x, *args, **kw) if callable(f) else f, x.dtype)

    out = value(other)
    for i, f in enumerate(functions):
        out = choose(take(conditions, i, 0), value(f), out)
    return broadcast_arrays(out, x)[0]


def compress(
    condition: Any, a: Any, axis: int | None = None, *, size: int | None = None,
    fill_value: Any = 0, out: None = None,
) -> Any:  # fmt: skip
    """The entries along an axis where the condition holds.

    Args:
      size: how many entries are returned, which a program has to know; `fill_value` fills up.
    """
    no_out("compress", out)
    mask = truth("compress", condition)
    x, axis = _line(a, axis)
    if mask.ndim != 1 or (size is not None and not 0 <= size <= x.shape[axis]):
        raise ValueError(
            errors.explain(
                f"jnp.compress(c, x, size={size})", f"c of type {mask.aval}, x of type {x.aval}",
                f"c is a vector, one boolean for each of the {x.shape[axis]} entries, and size is "
                "no greater",
                "x[mask] for a mask of the shape of x",
            )
        )  # fmt: skip
    x = base.move_axis(x, axis, 0)
    count = min(mask.shape[0], x.shape[0])
    mask, extra = slice_along(mask, 0, count, 0), slice_along(mask, count, mask.shape[0], 0)
    x = slice_along(x, 0, count, 0)
    if size is None:
        if extra.size and bool(any_(extra)):
            raise ValueError(
                errors.explain(
                    "jnp.compress", f"a condition that holds beyond {count} entries",
                    "there is no entry there", "jnp.compress(c[:n], x)",
                )
            )  # fmt: skip
        chosen = take(x, nonzero(mask)[0], 0)
    else:
        filled = choose(base.expand_dims(mask, range(1, x.ndim)), x, asarray(fill_value, x.dtype))
        order = argsort(mask, stable=True, descending=True)
        chosen = take(filled, slice_along(order, 0, size, 0), 0)
    return base.move_axis(chosen, 0, axis)


def _line(a: Any, axis: int | None) -> tuple[Any, int]:
    x = operand("compress", a, 1)
    return (ravel(x), 0) if axis is None else (x, axis_of("compress", axis, x.ndim))


def extract(condition: Any, arr: Any, *, size: int | None = None, fill_value: Any = 0) -> Any:
    """The elements where the condition holds, in one line; see `compress`."""
    condition, arr = operand("extract", condition), operand("extract", arr, 1)
    return compress(ravel(condition), ravel(arr), size=size, fill_value=fill_value)


def fill_diagonal(a: Any, val: Any, wrap: bool = False, *, inplace: bool = True) -> Any:
    """`a` with `val`, a number or the elements of an array over and over, on its main diagonal.
    Needs inplace=False, since arrays are immutable."""
    if inplace or wrap:
        raise NotImplementedError(
            errors.explain(
                f"jnp.fill_diagonal(x, v, wrap={wrap}, inplace={inplace})", "a change in place",
                "arrays are immutable, and the diagonal does not start again further down",
                "x = jnp.fill_diagonal(x, v, inplace=False)",
            )
        )  # fmt: skip
    a, val = operand("fill_diagonal", a), operand("fill_diagonal", val, 1)
    if a.ndim < 2 or (a.ndim > 2 and len(set(a.shape)) > 1):
        raise ValueError(
            errors.explain(
                f"jnp.fill_diagonal of {a.aval}", f"axes of sizes {a.shape}",
                "a diagonal runs through two axes, or through any number of one size",
                "jnp.fill_diagonal(x[:n, :n, :n], v, inplace=False)",
            )
        )  # fmt: skip
    n = min(a.shape)
    if val.ndim:
        val = slice_along(tile(ravel(val), -(-n // val.size)), 0, n, 0)
    return IndexHelper(a)[diag_indices(n, a.ndim)].set(val)


# -- indices --------------------------------------------------------------------------------------


def ix_(*args: Any) -> tuple[Any, ...]:
    """Vectors of indices as arrays along one axis each, so that `x[ix_(i, j)]` is the block of rows
    i and columns j."""
    xs = operands("ix_", args)
    if any(x.ndim != 1 for x in xs):
        raise ValueError(
            errors.explain(
                "jnp.ix_", f"arrays of types {', '.join(str(x.aval) for x in xs)}",
                "each is a vector of indices along one axis", "jnp.ix_(i.ravel(), j.ravel())",
            )
        )  # fmt: skip
    if any(x.dtype == dtypes.bool_ for x in xs):
        raise NotImplementedError(
            errors.explain(
                "jnp.ix_", "a vector of booleans", "how many hold depends on their values",
                "jnp.ix_(*map(jnp.flatnonzero, masks))",
            )
        )  # fmt: skip
    shapes = [[x.size if i == j else 1 for j in range(len(xs))] for i, x in enumerate(xs)]
    return tuple(base.reshape(x, shape) for x, shape in zip(xs, shapes))


def unravel_index(indices: Any, shape: Any) -> tuple[Any, ...]:
    """The indices along each axis of places in the flattened array of the given shape. Places
    outside are moved to the last or the first."""
    places = operand("unravel_index", indices)
    found, sizes = [], shape_of("unravel_index", shape)
    for size in sizes[::-1]:
        places, index = divmod(places, size)
        found.append(index)
    above, below = greater(places, 0), less(places, -1)
    return tuple(
        choose(above, size - 1, choose(below, 0, index)) for size, index in zip(sizes, found[::-1])
    )


def ravel_multi_index(
    multi_index: Sequence[Any], dims: Any, mode: str = "raise", order: str = "C", *,
    dtype: Any = None,
) -> Any:  # fmt: skip
    """The places in the flattened array of the shape `dims`, from the indices along each axis.

    Args:
      mode: what becomes of indices outside: "raise" (which has to know them), "wrap", "clip", or
        "ignore" to compute with them as they are.
      order: "C" if the last axis counts fastest, "F" if the first does.
    """
    sizes = shape_of("ravel_multi_index", tuple(dims))
    xs = operands("ravel_multi_index", tuple(multi_index))
    wanted = dtype_of("ravel_multi_index", dtype, dtypes.result_type(int, *xs))
    whole = all(dtypes.kind(x.dtype) in "iu" for x in xs)
    modes, orders = ("raise", "wrap", "clip", "ignore"), ("C", "F")
    unfit = dtypes.kind(wanted) not in "iu" or math.prod(sizes) - 1 > dtypes.iinfo(wanted).max
    if not whole or mode not in modes or order not in orders or len(xs) != len(sizes) or unfit:
        raise (ValueError if whole or unfit else TypeError)(
            errors.explain(
                f"jnp.ravel_multi_index(i, {sizes}, mode={mode!r}, order={order!r})",
                f"indices of types {', '.join(str(x.aval) for x in xs)}",
                f"there are integers for each axis, which {dtypes.short_name(wanted)} can hold; "
                f"mode is one of {modes} and order of {orders}",
                "jnp.ravel_multi_index((i, j), (rows, columns))",
            )
        )
    xs = [_inside(x, size, mode) for x, size in zip(xs, sizes)]
    out = asarray(0, wanted)
    pairs = list(zip(xs, sizes))
    for x, size in pairs if order == "C" else pairs[::-1]:
        out = add(multiply(out, asarray(size, wanted)), asarray(x, wanted))
    return out


def _inside(x: Any, size: int, mode: str) -> Any:
    if mode == "clip":
        return clip(x, 0, size - 1)
    if mode == "wrap":
        return remainder(x, size)
    if mode == "raise":
        x = known("ravel_multi_index", "the indices (with mode='raise')", x)
        if bool(any_(logical_or(less(x, 0), greater_equal(x, size)))):
            raise ValueError(
                errors.explain(
                    "jnp.ravel_multi_index", f"indices outside of an axis of size {size}",
                    "they are no places of the array", "mode='clip' or mode='wrap'",
                )
            )  # fmt: skip
    return x


# -- functions along axes -------------------------------------------------------------------------


def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    """`func1d` of every line along an axis; the axes of its results stand in place of that axis."""
    x = operand("apply_along_axis", arr, 2)
    axis = axis_of("apply_along_axis", axis, x.ndim)

    def f(line: Any) -> Any:
        return func1d(line, *args, **kwargs)

    for later in range(1, x.ndim - axis):  # the innermost vmap takes the first of the later axes
        f = vmap(f, in_axes=later, out_axes=-1)
    for _ in range(axis):
        f = vmap(f)
    return f(x)


def apply_over_axes(func: Callable[[Any, int], Any], a: Any, axes: Any) -> Any:
    """`func(a, axis)` for one axis after the other; axes that it drops are kept with size 1."""
    x = operand("apply_over_axes", a, 1)
    for axis in axes if isinstance(axes, (tuple, list)) else (axes,):
        place = axis_of("apply_over_axes", axis, x.ndim)
        out = func(x, place)
        x = base.expand_dims(out, [place]) if out.ndim == x.ndim - 1 else out
    return x
