"""The same elements under another shape, in another order, or repeated.

Read next: `numpy/rolling.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core.trace import Tracer
from scratchfn.numpy.arguments import (
    as_tuple,
    axes_of,
    axis_of,
    known,
    operands,
    placed,
    shape_of,
)
from scratchfn.numpy.bisection import count_before
from scratchfn.numpy.indexing import take
from scratchfn.numpy.promotion import broadcast_shapes as _broadcast_shapes
from scratchfn.numpy.promotion import lead, operand
from scratchfn.numpy.reductions import cumsum
from scratchfn.numpy.ufuncs import subtract
from scratchfn.primitives import base, structural

Ints = int | Sequence[int]

# -- shapes ---------------------------------------------------------------------------------------


def reshape(
    a: Any, shape: Any, order: str = "C", *, copy: bool | None = None, out_sharding: Any = None
) -> Any:
    """The elements of `a` under another shape. One size may be -1: it follows from the others.

    `order` "C" reads and writes the last axis fastest, "F" the first.
    """
    a = operand("reshape", a)
    sizes = _sizes(a, shape)
    if order == "C":
        return placed(base.reshape(a, sizes), out_sharding)
    if order == "F":
        return placed(transpose(base.reshape(transpose(a), sizes[::-1])), out_sharding)
    if order == "A":
        raise NotImplementedError(_explain_order("reshape", order))
    raise ValueError(_explain_order("reshape", order))


def _explain_order(name: str, order: str) -> str:
    return errors.explain(
        f"jnp.{name}(x, ..., order={order!r})",
        f"order={order!r}",
        "arrays have no order in memory that could be kept, only 'C' and 'F' say how to count",
        f"jnp.{name}(x, ..., order='C')",
    )


def _sizes(a: Any, shape: Any) -> tuple[int, ...]:
    """The shape that a reshape asks for, with -1 replaced."""
    given = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if any(type(n) is not int for n in given):
        given = tuple(
            n.__index__() if hasattr(n, "__index__") and not isinstance(n, Tracer) else n
            for n in given
        )
    free = [i for i, n in enumerate(given) if type(n) is int and n == -1]
    if not free:
        return shape_of("reshape", given)
    rest = shape_of("reshape", given[: free[0]] + given[free[0] + 1 :])
    count = math.prod(rest)
    if count == 0 or a.size % count:
        raise TypeError(
            errors.explain(
                f"reshape of {a.aval} to {given}",
                f"{a.size} elements",
                f"no size in place of -1 makes the product {a.size}",
                "sizes of which all but one are known to divide it, or x.ravel()",
            )
        )
    return tuple(a.size // count if i == free[0] else n for i, n in enumerate(given))


def ravel(a: Any, order: str = "C", *, out_sharding: Any = None) -> Any:
    """All elements of `a` along one axis."""
    if order == "K":
        raise NotImplementedError(_explain_order("ravel", order))
    a = operand("ravel", a)
    return reshape(a, (a.size,), order, out_sharding=out_sharding)


def expand_dims(a: Any, axis: Any) -> Any:
    """`a` with axes of size 1 inserted, at the places that `axis` says in the result."""
    a = operand("expand_dims", a)
    places = as_tuple(axis)
    return base.expand_dims(a, axes_of("expand_dims", places, a.ndim + len(places)))


def squeeze(a: Any, axis: Any = None) -> Any:
    """`a` without the given axes of size 1, or without all such axes."""
    a = operand("squeeze", a)
    if axis is None:
        return base.squeeze(a, [i for i, size in enumerate(a.shape) if size == 1])
    return base.squeeze(a, axes_of("squeeze", axis, a.ndim))


def broadcast_to(array: Any, shape: Any, *, out_sharding: Any = None) -> Any:
    """`array` repeated along axes of size 1 and along new leading axes, up to `shape`."""
    return placed(_broadcast("broadcast_to", operand("broadcast_to", array), shape), out_sharding)


def _broadcast(name: str, x: Any, shape: Any) -> Any:
    shape = shape_of(name, shape)
    if x.shape == shape:
        return x
    first = len(shape) - x.ndim
    if first < 0 or any(n not in (1, size) for n, size in zip(x.shape, shape[first:])):
        raise ValueError(
            errors.explain(
                f"jnp.{name} of {x.aval} to {shape}",
                f"an array of shape {x.shape}",
                "counted from the last, each of its dimensions must be that of the new shape, or 1",
                "x[:, None] or x.reshape(...) so that the dimensions meet",
            )
        )
    return base.broadcast_in_dim(x, shape, range(first, len(shape)))


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """The shape that arrays of these shapes broadcast to."""
    if not shapes:
        return ()
    sizes = [shape_of("broadcast_shapes", shape) for shape in shapes]
    return _broadcast_shapes("broadcast_shapes", sizes, ValueError)


def broadcast_arrays(*args: Any) -> list[Any]:
    """The arrays, each broadcast to the shape that all meet in."""
    xs = operands("broadcast_arrays", args)
    if not xs:
        return []
    shape = _broadcast_shapes("broadcast_arrays", [x.shape for x in xs], ValueError)
    return [_broadcast("broadcast_arrays", x, shape) for x in xs]


def atleast_1d(*arys: Any) -> Any:
    """The arrays with at least one axis; a list if there are several."""
    return _one_or_list([lead(x, 1) for x in operands("atleast_1d", arys)])


def atleast_2d(*arys: Any) -> Any:
    """The arrays with at least two axes, new ones in front."""
    return _one_or_list([lead(x, 2) for x in operands("atleast_2d", arys)])


def atleast_3d(*arys: Any) -> Any:
    """The arrays with at least three axes: a vector lies along the second, a matrix along the
    first two."""
    return _one_or_list([_atleast_3d(x) for x in operands("atleast_3d", arys)])


def _atleast_3d(x: Any) -> Any:
    x = lead(x, 2)
    return x if x.ndim > 2 else base.expand_dims(x, [2])


def _one_or_list(xs: list[Any]) -> Any:
    return xs[0] if len(xs) == 1 else xs


# -- the order of axes ----------------------------------------------------------------------------


def transpose(a: Any, axes: Sequence[int] | None = None) -> Any:
    """`a` with its axes in the order `axes`, by default reversed."""
    a = operand("transpose", a)
    if axes is None:
        return base.transpose(a, range(a.ndim)[::-1])
    return base.transpose(a, [axis_of("transpose", axis, a.ndim) for axis in axes])


def permute_dims(a: Any, /, axes: Sequence[int]) -> Any:
    """`a` with its axes in the order `axes`."""
    return transpose(a, axes)


def matrix_transpose(x: Any, /) -> Any:
    """`x` with its last two axes swapped."""
    x = operand("matrix_transpose", x)
    if x.ndim >= 2:
        return swapaxes(x, -1, -2)
    raise ValueError(
        errors.explain(
            f"jnp.matrix_transpose of an array of type {x.aval}", "fewer than two axes",
            "the rows and columns of a matrix are two axes", "x[:, None] for a column",
        )
    )  # fmt: skip


def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """`a` with two axes swapped."""
    a = operand("swapaxes", a)
    first, second = (axis_of("swapaxes", axis, a.ndim) for axis in (axis1, axis2))
    order = list(range(a.ndim))
    order[first], order[second] = second, first
    return base.transpose(a, order)


def moveaxis(a: Any, source: Ints, destination: Ints) -> Any:
    """`a` with the axes `source` moved to the places `destination`, the others in order."""
    a = operand("moveaxis", a)
    old = axes_of("moveaxis", as_tuple(source), a.ndim)
    new = axes_of("moveaxis", as_tuple(destination), a.ndim)
    if len(old) != len(new):
        raise ValueError(
            errors.explain(
                f"jnp.moveaxis(x, {source}, {destination})", f"{len(old)} axes, {len(new)} places",
                "each axis goes to one place", "jnp.moveaxis(x, (0, 1), (-2, -1))",
            )
        )  # fmt: skip
    order = [axis for axis in range(a.ndim) if axis not in old]
    for place, axis in sorted(zip(new, old)):
        order.insert(place, axis)
    return base.transpose(a, order)


def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """`a` with one axis moved before the axis `start`."""
    a = operand("rollaxis", a)
    axis = axis_of("rollaxis", axis, a.ndim)
    start = a.ndim if start == a.ndim else axis_of("rollaxis", start, a.ndim)
    return moveaxis(a, axis, start - (start > axis))


# -- turning, cutting, repeating ------------------------------------------------------------------


def flip(m: Any, axis: Any = None) -> Any:
    """`m` backwards along the given axes, or along all."""
    m = operand("flip", m)
    return structural.rev(m, axes_of("flip", axis, m.ndim))


def flipud(m: Any) -> Any:
    """`m` backwards along its first axis."""
    return flip(m, 0)


def fliplr(m: Any) -> Any:
    """`m` backwards along its second axis."""
    return flip(m, 1)


def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """`m` turned by k quarters, from the first of the two axes towards the second."""
    m = operand("rot90", m)
    first, second = axes_of("rot90", tuple(axes), m.ndim)
    quarters = k % 4
    if quarters == 0:
        return m
    if quarters == 2:
        return flip(m, (first, second))
    if quarters == 1:
        return swapaxes(flip(m, second), first, second)
    return flip(swapaxes(m, first, second), second)


def cut_at(x: Any, places: Sequence[int], axis: int) -> list[Any]:
    """The pieces of `x` between the given places along an axis."""
    ends = [0, *places, x.shape[axis]]
    return [slice_along(x, start, stop, axis) for start, stop in pairwise(ends)]


def slice_along(x: Any, start: int, stop: int, axis: int) -> Any:
    """x[start:stop] along one axis, for places inside."""
    starts, stops = [0] * x.ndim, list(x.shape)
    starts[axis], stops[axis] = start, stop
    return structural.slice_(x, starts, stops)


def tile(A: Any, reps: Any) -> Any:
    """`A` as a whole repeated along each axis, `reps[i]` times along the last axes."""
    A = operand("tile", A)
    counts = shape_of("tile", tuple(reps) if isinstance(reps, range) else reps)
    A = lead(A, len(counts))
    return structural.tile(A, (1,) * (A.ndim - len(counts)) + counts)


def repeat(
    a: Any, repeats: Any, axis: int | None = None, *, total_repeat_length: int | None = None,
    out_sharding: Any = None,
) -> Any:  # fmt: skip
    """Each element along an axis repeated: by one number, or by one number for each.

    Traced numbers need `total_repeat_length`: the result is cut off there, or filled up with the
    last element.
    """
    return placed(_repeat(a, repeats, axis, total_repeat_length), out_sharding)


def _repeat(a: Any, repeats: Any, axis: int | None, total_repeat_length: int | None) -> Any:
    a, repeats = operand("repeat", a), operand("repeat", repeats, 1)
    if axis is None:
        a, axis = ravel(a), 0
    axis = axis_of("repeat", axis, max(a.ndim, 1))
    a = lead(a, 1)
    if total_repeat_length is None or not isinstance(repeats, Tracer):
        counts = np.asarray(known("repeat", "repeats (without total_repeat_length)", repeats))
        if counts.ndim == 0 and total_repeat_length is None:
            (count,) = shape_of("repeat", counts[()])
            return _repeat_evenly(a, count, axis)
        size = a.shape[axis]
        if counts.size not in (1, size):
            raise ValueError(
                errors.explain(
                    f"jnp.repeat of {a.aval} along axis {axis}", f"{counts.size} counts of repeats",
                    f"there is one for each of the {size} elements, or one for all",
                    "jnp.repeat(x, 2)",
                )
            )  # fmt: skip
        places = np.repeat(np.arange(size), np.broadcast_to(counts.ravel(), (size,)))
        if total_repeat_length is not None:
            missing = max(total_repeat_length - len(places), 0)
            places = np.append(places, [size - 1] * missing)[:total_repeat_length]
        return take(a, places.astype(np.int32), axis)
    return take(a, _places_of_repeats(a, repeats, axis, total_repeat_length), axis)


def _repeat_evenly(a: Any, count: int, axis: int) -> Any:
    """Each element `count` times: a new axis, merged into the old one."""
    apart = (*a.shape[: axis + 1], count, *a.shape[axis + 1 :])
    kept = [i for i in range(len(apart)) if i != axis + 1]
    merged = (*a.shape[:axis], a.shape[axis] * count, *a.shape[axis + 1 :])
    return base.reshape(base.broadcast_in_dim(a, apart, kept), merged)


def _places_of_repeats(a: Any, repeats: Any, axis: int, total: int) -> Any:
    """For each place of the result, the element that is repeated there: the last one to start."""
    counts = _broadcast("repeat", ravel(repeats), (a.shape[axis],))
    starts = subtract(cumsum(counts), counts)
    numbers = structural.iota(starts.dtype, (total,))
    return subtract(count_before(starts, numbers, "right"), 1)
