"""Reductions over axes: max, min, product, bitwise logic, and the positions of extremes.

reduce_sum, the linear one, is in `base.py`. `fold` is the common form of those that have to be
differentiated step by step: it combines the two halves of an axis until one element is left.

Read next: `primitives/cumulative.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.backends.numpy.kernels import reduce as kernels
from scratchfn.backends.numpy.kernels import sort as sort_kernels
from scratchfn.core import dtypes
from scratchfn.core.avals import ShapedArray
from scratchfn.core.tangents import Zero, zero_tangent
from scratchfn.core.template import expression, kernel
from scratchfn.core.trace import Primitive
from scratchfn.primitives.arithmetic import div, mul
from scratchfn.primitives.base import (
    Axes,
    add_tangents,
    drop_axes,
    full,
    move_axis,
    reduce_sum,
    reshape,
    transpose,
)
from scratchfn.primitives.check import require_kind
from scratchfn.primitives.convert import convert_element_type, select
from scratchfn.primitives.logic import eq
from scratchfn.primitives.rules import no_derivative, partials
from scratchfn.primitives.structural import pad, slice_

kernel(kernels.reduce_sum)  # whose primitive is in base.py


def require_axes(name: str, x: ShapedArray, axes: Axes) -> None:
    """Raises ValueError unless `axes` are axes of `x`, each named once."""
    if len(set(axes)) == len(axes) and all(0 <= axis < x.ndim for axis in axes):
        return
    twice = len(set(axes)) != len(axes)
    raise ValueError(
        errors.explain(
            f"{name} of {x} over axes {axes}",
            "an axis that is named twice" if twice else f"axes out of the bounds 0 to {x.ndim - 1}",
            "each axis goes away once; lax counts axes from the front alone",
            f"axes={tuple(sorted({axis % max(x.ndim, 1) for axis in axes}))}",
        )
    )


def _reduction(name: str, kinds: str, **rules: Any) -> Primitive:
    """A reduction over `axes` that keeps the dtype."""
    kernel(getattr(kernels, name))
    prim = Primitive(name, **expression(f"{name}({{0}}, axes={{axes}})"))

    def aval(x: ShapedArray, *, axes: Axes) -> ShapedArray:
        require_axes(name, x, axes)
        require_kind(name, [x], kinds)
        return x.update(shape=drop_axes(x.shape, axes))

    def batch(size: int, args: Any, dims: Any, *, axes: Axes) -> Any:
        (x,), (d,) = args, dims
        moved = tuple(axis + (axis >= d) for axis in axes)
        return prim.bind(x, axes=moved), d - sum(axis < d for axis in moved)

    prim.aval, prim.batch = aval, batch
    prim.jvp = no_derivative(prim)
    for rule, value in rules.items():
        setattr(prim, rule, value)
    return prim


# -- max, min: the derivative of an extreme is shared by all elements that equal it ----------------


def _extreme_partial(dx: Any, ans: Any, x: Any, *, axes: Axes) -> Any:
    kept = [1 if axis in axes else size for axis, size in enumerate(x.shape)]
    chosen = eq(x, reshape(ans, kept))
    # Not a product with 0 or 1: where the extreme is nan nothing is chosen, and 0 * (ct / 0) would
    # spread nan over the whole gradient. XLA compiles JAX's product to this selection.
    parts = select(chosen, dx, full(dx.shape, 0, dx.dtype, dx.weak_type))
    count = reduce_sum(convert_element_type(chosen, dx.dtype), axes)
    return div(reduce_sum(parts, axes), count)


reduce_max_p = _reduction("reduce_max", "biufc")
reduce_max_p.jvp = partials(reduce_max_p, _extreme_partial)

reduce_min_p = _reduction("reduce_min", "biufc")
reduce_min_p.jvp = partials(reduce_min_p, _extreme_partial)

# -- prod: a quotient by each element would fail at 0, so its derivative goes by halves ------------


def fold(
    combine: Callable[[list[Any], list[Any]], list[Any]],
    operands: Sequence[Any],
    units: Sequence[Any],
) -> list[Any]:
    """Combines the elements along the first axis of all operands, half with half; `units` fill up
    the second half of an odd number. The axis, of at least one element, is left with size 1."""
    xs, n = list(operands), operands[0].shape[0]
    while n > 1:
        half = (n + 1) // 2
        first = [take_front(x, 0, half) for x in xs]
        second = [take_front(x, half, n) for x in xs]
        if n % 2:
            second = [_append(x, unit) for x, unit in zip(second, units, strict=True)]
        xs, n = combine(first, second), half
    return xs


def take_front(x: Any, start: int, stop: int, step: int = 1) -> Any:
    """x[start:stop:step] along the first axis."""
    rest = x.ndim - 1
    return slice_(x, (start, *(0,) * rest), (stop, *x.shape[1:]), (step, *(1,) * rest))


def _append(x: Any, unit: Any) -> Any:
    return pad(x, unit, ((0, 1, 0), *((0, 0, 0),) * (x.ndim - 1)))


def flatten_front(x: Any, axes: Axes) -> Any:
    """`axes` merged into one in front."""
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    moved = transpose(x, [*axes, *kept])
    size = int(np.prod([x.shape[axis] for axis in axes], dtype=int))
    return reshape(moved, (size, *(x.shape[axis] for axis in kept)))


def _prod_jvp(primals: Any, tangents: Any, *, axes: Axes) -> Any:
    (x,), (dx,) = primals, tangents
    ans = reduce_prod_p.bind(x, axes=axes)
    if type(dx) is Zero or x.size == 0:
        return ans, zero_tangent(ans)

    def combine(a: list[Any], b: list[Any]) -> list[Any]:
        (x, dx), (y, dy) = a, b
        return [mul(x, y), add_tangents(mul(dx, y), mul(x, dy))]

    units = [full((), unit, x.dtype) for unit in (1, 0)]
    tangent = fold(combine, [flatten_front(x, axes), flatten_front(dx, axes)], units)[1]
    return ans, reshape(tangent, ans.shape)


reduce_prod_p = _reduction("reduce_prod", "iufc", jvp=_prod_jvp)

# -- bits -----------------------------------------------------------------------------------------

reduce_and_p = _reduction("reduce_and", "biu")
reduce_or_p = _reduction("reduce_or", "biu")
reduce_xor_p = _reduction("reduce_xor", "biu")

# -- argmax, argmin -------------------------------------------------------------------------------


def _arg_extreme(name: str) -> Primitive:
    kernel(getattr(sort_kernels, name))
    prim = Primitive(
        name, **expression(f"{name}({{0}}, axes={{axes}}, index_dtype={{index_dtype}})")
    )

    def aval(x: ShapedArray, *, axes: Axes, index_dtype: np.dtype) -> ShapedArray:
        require_axes(name, x, axes)
        require_kind(name, [x], "biuf")
        if dtypes.kind(index_dtype) not in "iu":
            raise TypeError(
                errors.explain(
                    f"lax.{name} of {x}",
                    f"index_dtype={np.dtype(index_dtype).name}",
                    "a position is an integer",
                    f"lax.{name}(x, axis, jnp.int32)",
                )
            )
        if x.shape[axes[0]] == 0:
            raise ValueError(
                errors.explain(
                    f"{name} of {x} along axis {axes[0]}",
                    "an axis of size 0",
                    "no element of an empty axis is the greatest or the least",
                    "a test of x.shape first, since sizes are known to the program",
                )
            )
        return ShapedArray(drop_axes(x.shape, axes), index_dtype)

    def batch(size: int, args: Any, dims: Any, *, axes: Axes, index_dtype: np.dtype) -> Any:
        x = move_axis(args[0], dims[0], 0)
        return prim.bind(x, axes=(axes[0] + 1,), index_dtype=index_dtype), 0

    prim.aval, prim.batch = aval, batch
    prim.jvp = no_derivative(prim)
    return prim


argmax_p = _arg_extreme("argmax")
argmin_p = _arg_extreme("argmin")


def _function(prim: Primitive) -> Callable[..., Any]:
    def function(operand: Any, axes: Sequence[int]) -> Any:
        return prim.bind(operand, axes=tuple(axes))

    function.__name__ = prim.name
    function.__doc__ = f"{prim.name} over `axes`, which go away."
    return function


reduce_max, reduce_min = _function(reduce_max_p), _function(reduce_min_p)
reduce_prod = _function(reduce_prod_p)
reduce_and, reduce_or, reduce_xor = map(_function, (reduce_and_p, reduce_or_p, reduce_xor_p))
