"""Evenly spaced numbers, and grids of them.

Read next: `numpy/manipulation.py`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.array import Array
from scratchfn.numpy.arguments import (
    axis_of,
    dtype_of,
    integer,
    known,
    operands,
    placed,
    scalar,
    shape_of,
)
from scratchfn.numpy.creation import constant, full
from scratchfn.numpy.elementwise import floor, log10
from scratchfn.numpy.promotion import broadcast_shapes, lead, operand
from scratchfn.numpy.ufuncs import add, divide, multiply, power, sign, subtract
from scratchfn.primitives import base
from scratchfn.primitives.arithmetic import add_p, mul_p
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.joining import concatenate, stack
from scratchfn.primitives.structural import iota


def arange(
    start: Any, stop: Any = None, step: Any = None, dtype: Any = None, *, device: Any = None,
    out_sharding: Any = None,
) -> Any:  # fmt: skip
    """start, start + step, ..., up to but without `stop`. `arange(n)` counts from 0.

    The numbers have to be known, since the shape depends on them. The dtype is that in which they
    meet by default.
    """
    wanted = dtype_of("arange", dtype)
    given = [x for x in (start, stop, step) if x is not None]
    start, stop, step = (_number(x) for x in (start, stop, step))
    if wanted is None:
        wanted = dtypes.result_type(*given)
    if dtypes.kind(wanted) == "c":
        raise ValueError(
            errors.explain(
                "jnp.arange", f"numbers of type {dtypes.short_name(wanted)}",
                "complex numbers have no order in which to count", "jnp.arange(n) * 1j",
            )
        )  # fmt: skip
    if stop is None:
        start, stop = 0, start
    if step == 0:
        raise ZeroDivisionError(
            errors.explain(
                f"jnp.arange({start}, {stop}, {step})", "a step of 0",
                "counting would never arrive", f"jnp.arange({start}, {stop}), in steps of 1",
            )
        )  # fmt: skip
    size = max(0, math.ceil((stop - start) / (1 if step is None else step)))
    return placed(_count(start, step, size, wanted), device, out_sharding)


def _number(x: Any) -> Any:
    """A static scalar as a Python or NumPy number."""
    if x is None or isinstance(x, (int, float)):
        return x
    x = operand("arange", known("arange", "an end or a step", x))
    if x.ndim:
        raise ValueError(
            errors.explain(
                "jnp.arange", f"an argument of type {x.aval}",
                "start, stop and step are single numbers", "jnp.linspace, which takes arrays",
            )
        )  # fmt: skip
    return np.asarray(x)[()]


def _count(start: Any, step: Any, size: int, dtype: np.dtype) -> Any:
    """start + step * (0, 1, 2, ..., size - 1). Small floats are computed in float32."""
    narrow = step is not None and dtypes.kind(dtype) == "f" and dtype.itemsize < 4
    working = dtypes.float32 if narrow else dtype
    numbers = iota(working, (size,))
    if step is not None:
        numbers = mul_p.bind(scalar(step, working), numbers)
    if step is not None or start != 0:
        numbers = add_p.bind(scalar(start, working), numbers)
    return convert_element_type(numbers, dtype)


def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False,
    dtype: Any = None, axis: int = 0, *, device: Any = None,
) -> Any:  # fmt: skip
    """`num` numbers from `start` to `stop`, evenly spaced along a new axis.

    Without `endpoint`, `stop` is the first number left out. `retstep` returns the spacing as well.
    """
    num = _length("linspace", num)
    start, stop = operand("linspace", start), operand("linspace", stop, 1)
    wanted = dtype_of("linspace", dtype, dtypes.to_inexact_dtype(dtypes.result_type(start, stop)))
    working = dtypes.to_inexact_dtype(wanted)
    start, stop = (convert_element_type(x, working) for x in (start, stop))
    shape = broadcast_shapes("linspace", [start.shape, stop.shape], ValueError)
    axis = axis_of("linspace", axis, len(shape) + 1)
    first, last = (base.expand_dims(_spread(x, shape), [axis]) for x in (start, stop))
    if num == 0:
        out = constant((*shape[:axis], 0, *shape[axis:]), 0, wanted)
    elif num == 1:
        out = first
    else:
        out = _between(first, last, num, endpoint, axis)
    if dtypes.kind(wanted) in "iu" and num:
        out = floor(out)
    out = placed(convert_element_type(out, wanted), device)
    if not retstep:
        return out
    intervals = num - endpoint if num else 0
    if not intervals:
        return out, full((), np.nan, working)
    return out, divide(subtract(stop, start), scalar(intervals, working))


def _spread(x: Any, shape: tuple[int, ...]) -> Any:
    return base.broadcast_in_dim(lead(x, len(shape)), shape, range(len(shape)))


def _between(first: Any, last: Any, num: int, endpoint: bool, axis: int) -> Any:
    """Weighted means of the two ends. The end itself is appended, so that it is exact."""
    intervals = num - 1 if endpoint else num
    real = dtypes.to_floating_dtype(first.dtype)
    sizes = [intervals if i == axis else 1 for i in range(first.ndim)]
    steps = base.reshape(iota(real, (intervals,)), sizes)
    t = convert_element_type(divide(steps, scalar(intervals, real)), first.dtype)
    out = add(multiply(first, subtract(1, t)), multiply(last, t))
    return concatenate([out, last], axis) if endpoint else out


def _length(name: str, num: Any) -> int:
    length = integer(name, "the number of elements", num, f"jnp.{name}(start, stop, 50)")
    if length >= 0:
        return length
    raise ValueError(
        errors.explain(
            f"jnp.{name} of {num} numbers", "a negative count", "a count is 0 or more",
            f"jnp.{name}(start, stop, {-num})",
        )
    )  # fmt: skip


def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0,
    dtype: Any = None, axis: int = 0,
) -> Any:  # fmt: skip
    """Powers of `base` whose exponents are `linspace(start, stop, ...)`."""
    start, stop = operand("logspace", start), operand("logspace", stop, 1)
    wanted = dtype_of("logspace", dtype, dtypes.to_inexact_dtype(dtypes.result_type(start, stop)))
    working = dtypes.to_inexact_dtype(wanted)
    exponents = linspace(start, stop, num, endpoint, dtype=working, axis=axis)
    return convert_element_type(power(base, exponents), wanted)


def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    """`num` numbers from `start` to `stop`, each the same multiple of the one before."""
    start, stop = operand("geomspace", start), operand("geomspace", stop, 1)
    wanted = dtype_of("geomspace", dtype, dtypes.to_inexact_dtype(dtypes.result_type(start, stop)))
    working = dtypes.to_inexact_dtype(wanted)
    start, stop = (convert_element_type(x, working) for x in (start, stop))
    signs = sign(start)
    low, high = log10(divide(start, signs)), log10(divide(stop, signs))
    shape = broadcast_shapes("geomspace", [start.shape, stop.shape], ValueError)
    axis = axis_of("geomspace", axis, len(shape) + 1)
    powers = logspace(low, high, num, endpoint, 10.0, working, 0)
    out = _axis_from_front(multiply(signs, powers), axis)
    return convert_element_type(out, wanted)


def _axis_from_front(x: Any, axis: int) -> Any:
    return base.move_axis(x, 0, axis)


def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> list[Any]:
    """The coordinates of a grid: one array for each of the 1-d arrays, which varies along its axis
    alone. With "xy", the first two axes are swapped, as in a picture: rows are y."""
    xs = operands("meshgrid", xi)
    if not copy or indexing not in ("xy", "ij") or any(x.ndim != 1 for x in xs):
        raise ValueError(
            errors.explain(
                f"jnp.meshgrid(..., copy={copy}, indexing={indexing!r})",
                f"arrays of types {', '.join(str(x.aval) for x in xs)}",
                "the arrays are 1-d, indexing is 'xy' or 'ij', and the results are always new",
                "jnp.meshgrid(x.ravel(), y.ravel(), indexing='ij')",
            )
        )
    axes = list(range(len(xs)))
    if indexing == "xy" and len(xs) >= 2:
        axes[:2] = 1, 0
    sizes = {axis: x.shape[0] for axis, x in zip(axes, xs)}
    return [_along(x, axis, sizes, sparse) for axis, x in zip(axes, xs)]


def _along(x: Any, axis: int, sizes: dict[int, int], sparse: bool) -> Any:
    """A vector as an array that varies along one axis of a grid of the given sizes."""
    shape = [sizes[i] if i == axis or not sparse else 1 for i in range(len(sizes))]
    return base.broadcast_in_dim(x, shape, (axis,))


def indices(dimensions: Any, dtype: Any = None, sparse: bool = False) -> Any:
    """The indices of an array of the given shape, one array for each axis, stacked along a new
    first axis; a tuple of arrays of minimal size if `sparse`."""
    shape = shape_of("indices", tuple(dimensions))
    wanted = dtype_of("indices", int if dtype is None else dtype)
    sizes = dict(enumerate(shape))
    grid = [_along(iota(wanted, (n,)), axis, sizes, sparse) for axis, n in sizes.items()]
    if sparse:
        return tuple(grid)
    return stack(grid) if grid else Array(np.array([], wanted))
