"""Joining and parting arrays along an axis they have (concatenate, split) or a new one (stack,
unstack).

Each of the two is the other's transpose.

Read next: `primitives/windows.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core.avals import ShapedArray
from scratchfn.core.template import expression, kernel
from scratchfn.core.trace import Primitive
from scratchfn.primitives.base import Axes, instantiate, instantiate_axis, linear_jvp
from scratchfn.primitives.check import require_equal_dtypes
from scratchfn.primitives.rules import is_linear
from scratchfn.primitives.structural import inserted

# -- concatenate and split ------------------------------------------------------------------------


def _concatenate_aval(*xs: ShapedArray, dimension: int) -> ShapedArray:
    first = xs[0]
    sizes = [x.shape[dimension : dimension + 1] for x in xs]
    rests = {x.shape[:dimension] + x.shape[dimension + 1 :] for x in xs}
    if dimension < 0 or len(rests) > 1 or not all(sizes):
        raise TypeError(
            errors.explain(
                f"concatenate of {', '.join(map(str, xs))}",
                f"dimension={dimension}",
                "the arrays must have that axis, and be of equal shape but for it",
                "jnp.stack(xs) to put them along a new axis",
            )
        )
    require_equal_dtypes("concatenate", xs)
    total = sum(size for (size,) in sizes)
    shape = (*first.shape[:dimension], total, *first.shape[dimension + 1 :])
    return ShapedArray(shape, first.dtype, all(x.weak_type for x in xs))


def _concatenate_transpose(ct: Any, *xs: Any, dimension: int) -> Any:
    sizes = [x.aval.shape[dimension] for x in xs]
    parts = split(ct, sizes, dimension)
    return [part if is_linear(x) else None for x, part in zip(xs, parts, strict=True)]


def _concatenate_batch(size: int, args: Any, dims: Any, *, dimension: int) -> Any:
    d = dims[0]
    if d is not None and all(other == d for other in dims):
        return concatenate(args, dimension + (dimension >= d)), d
    args = [instantiate_axis(x, d, size) for x, d in zip(args, dims, strict=True)]
    return concatenate(args, dimension + 1), 0


concatenate_p = Primitive(
    "concatenate",
    aval=_concatenate_aval,
    transpose=_concatenate_transpose,
    batch=_concatenate_batch,
    **expression("np.concatenate(({args},), {dimension})"),
)
concatenate_p.jvp = linear_jvp(concatenate_p)


def concatenate(operands: Sequence[Any], dimension: int) -> Any:
    """Arrays one after another along an axis that they have."""
    if len(operands) == 1:
        return operands[0]
    return concatenate_p.bind(*operands, dimension=dimension)


@kernel
def split_kernel(x: np.ndarray, sizes: Axes, axis: int) -> list[np.ndarray]:
    parts, start = [], 0
    before = (slice(None),) * axis
    for size in sizes:
        parts.append(x[(*before, slice(start, start + size))])
        start += size
    return parts


def _split_aval(x: ShapedArray, *, sizes: Axes, axis: int) -> list[ShapedArray]:
    if not 0 <= axis < x.ndim or sum(sizes) != x.shape[axis] or min(sizes, default=0) < 0:
        raise ValueError(
            errors.explain(
                f"split of {x}",
                f"sizes={sizes}, axis={axis}",
                "the sizes must add up to the size of that axis, and none may be negative",
                "jnp.split(x, number_of_parts, axis) for equal parts",
            )
        )
    return [x.update(shape=(*x.shape[:axis], size, *x.shape[axis + 1 :])) for size in sizes]


def _split_batch(size: int, args: Any, dims: Any, *, sizes: Axes, axis: int) -> Any:
    (x,), (d,) = args, dims
    return split(x, sizes, axis + (axis >= d)), [d] * len(sizes)


split_p = Primitive(
    "split",
    many=True,
    jax=lambda lax, x, *, sizes, axis: lax.split(x, sizes, axis),
    aval=_split_aval,
    transpose=lambda cts, x, *, sizes, axis: [concatenate(list(map(instantiate, cts)), axis)],
    batch=_split_batch,
    **expression("split_kernel({0}, {sizes}, {axis})"),
)
split_p.jvp = linear_jvp(split_p)


def split(operand: Any, sizes: Sequence[int], axis: int = 0) -> list[Any]:
    """The parts of `operand` of the given sizes along an axis."""
    return split_p.bind(operand, sizes=tuple(sizes), axis=axis)


# -- stack and unstack ----------------------------------------------------------------------------


def _stack_aval(*xs: ShapedArray, axis: int) -> ShapedArray:
    first = xs[0]
    if any(x.shape != first.shape for x in xs):
        raise ValueError(
            errors.explain(
                f"stack of {', '.join(map(str, xs))}",
                "arrays of different shapes",
                "along a new axis each array is one entry, so they must be of one shape",
                "jnp.concatenate(xs, axis) for an axis that they have",
            )
        )
    require_equal_dtypes("stack", xs)
    shape = inserted(first.shape, axis, len(xs))
    return ShapedArray(shape, first.dtype, all(x.weak_type for x in xs))


def _stack_transpose(ct: Any, *xs: Any, axis: int) -> Any:
    parts = unstack(ct, axis)
    return [part if is_linear(x) else None for x, part in zip(xs, parts, strict=True)]


def _stack_batch(size: int, args: Any, dims: Any, *, axis: int) -> Any:
    args = [instantiate_axis(x, d, size) for x, d in zip(args, dims, strict=True)]
    return stack(args, axis + 1), 0


stack_p = Primitive(
    "stack",
    jax=lambda lax, *xs, axis: lax.stack(xs, axis),
    aval=_stack_aval,
    transpose=_stack_transpose,
    batch=_stack_batch,
    **expression("np.stack(({args},), {axis})"),
)
stack_p.jvp = linear_jvp(stack_p)


def stack(operands: Sequence[Any], axis: int = 0) -> Any:
    """Arrays of one shape side by side, along a new axis."""
    return stack_p.bind(*operands, axis=axis)


def _unstack_aval(x: ShapedArray, *, axis: int) -> list[ShapedArray]:
    if not 0 <= axis < x.ndim:
        raise ValueError(
            errors.explain(
                f"unstack of {x}", f"axis={axis}", "it has no such axis", "x.reshape(1) for a 0-d x"
            )
        )
    return [x.update(shape=x.shape[:axis] + x.shape[axis + 1 :])] * x.shape[axis]


def _unstack_batch(size: int, args: Any, dims: Any, *, axis: int) -> Any:
    (x,), (d,) = args, dims
    parts = unstack(x, axis + (axis >= d))
    return parts, [d - (axis < d)] * len(parts)


unstack_p = Primitive(
    "unstack",
    many=True,
    jax=lambda lax, x, *, axis: lax.unstack(x, axis),
    aval=_unstack_aval,
    transpose=lambda cts, x, *, axis: [stack(list(map(instantiate, cts)), axis)],
    batch=_unstack_batch,
    **expression("list(np.moveaxis({0}, {axis}, 0))"),
)
unstack_p.jvp = linear_jvp(unstack_p)


def unstack(operand: Any, axis: int = 0) -> list[Any]:
    """The entries along an axis, as arrays without it."""
    return unstack_p.bind(operand, axis=axis)
