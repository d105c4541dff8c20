"""How whole families of primitives get their rules.

- `partials(prim, rule0, rule1, ...)` makes a jvp rule from one partial derivative per argument.
- `elementwise(...)` defines a primitive that acts on elements alone: its `aval` and `batch` follow;
  `approximate(...)` one that has an accuracy as well.
- `no_derivative(prim)` is the jvp rule of what is constant almost everywhere.

Read next: `primitives/arithmetic.py`, the first family.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratchfn.core import dtypes
from scratchfn.core.array import Array
from scratchfn.core.avals import ShapedArray
from scratchfn.core.tangents import Linear, Zero, zero_tangent
from scratchfn.core.template import Template, expression, ufunc_of
from scratchfn.core.trace import Primitive, current
from scratchfn.primitives.base import (
    add_tangents,
    broadcast_in_dim,
    drop_axes,
    expand_dims,
    full,
    instantiate_axis,
    move_axis,
    unbroadcast,
)
from scratchfn.primitives.check import broadcast_shape, require_equal_dtypes, require_kind

Partial = Callable[..., Any] | None


def partials(prim: Primitive, *rules: Partial) -> Callable[..., Any]:
    """A jvp rule from partial derivatives: `rules[i](dx, ans, *primals, **params)` is the part of
    the result's tangent that comes from argument i, or None where there is no derivative."""

    def jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[Any, Any]:
        ans = prim.bind(*primals, **params)
        total: Any = zero_tangent(ans)
        for rule, dx in zip(rules, tangents, strict=True):
            if rule is not None and type(dx) is not Zero:
                part = spread(rule(dx, ans, *primals, **params), ans.shape)
                total = add_tangents(total, part)
        return ans, total

    return jvp


def spread(tangent: Any, shape: tuple[int, ...]) -> Any:
    """A tangent repeated to the result's shape, where its argument was of size 1."""
    if tangent.shape == shape:
        return tangent
    return broadcast_in_dim(tangent, shape, range(len(shape)) if tangent.shape else ())


def no_derivative(prim: Primitive) -> Callable[..., Any]:
    """The jvp rule of a primitive whose results do not change with small changes of arguments."""

    def jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[Any, Any]:
        ans = prim.bind(*primals, **params)
        return ans, [zero_tangent(x) for x in ans] if prim.many else zero_tangent(ans)

    return jvp


def is_linear(x: Any) -> bool:
    """Is this argument of a transpose rule one that the operation is linear in?"""
    return type(x) is Linear


def linear_in(i: int, rule: Callable[..., Any]) -> Callable[..., Any]:
    """A transpose rule for a primitive that is linear in its argument `i` alone:
    `rule(ct, *args, **params)` is the cotangent of that argument."""

    def transpose(ct: Any, *args: Any, **params: Any) -> list[Any]:
        cts: list[Any] = [None] * len(args)
        cts[i] = unbroadcast(rule(ct, *args, **params), args[i].aval)
        return cts

    return transpose


KINDS: dict[Primitive, str] = {}  # the kinds of dtype that each elementwise primitive takes


def elementwise(
    name: str,
    template: Template,
    kinds: str,
    *rules: Partial,
    out: Any = None,
    arity: int | None = None,
    make: type[Primitive] = Primitive,
    **more: Any,
) -> Primitive:
    """Defines a primitive that acts on elements alone.

    `kinds` are the dtypes it takes ("f", "iufc", ...), `rules` its partial derivatives (none: its
    derivative is zero everywhere), `out` the dtype of its result where that is not its arguments'.
    """
    prim = make(name, weak=True, elementwise=True, **expression(template))
    if make is Primitive:  # it has no params that a ufunc would stumble over
        prim.impl = ufunc_of(template) or prim.impl  # eager calls skip one Python function
    count = arity or max(len(rules), 1)
    KINDS[prim] = kinds

    def aval(*avals: ShapedArray, **params: Any) -> ShapedArray:
        if len(avals) != count:
            raise TypeError(f"{name} takes {count} arguments, {len(avals)} were given")
        require_kind(name, avals, kinds)
        require_equal_dtypes(name, avals)
        dtype = avals[0].dtype if out is None else out
        shape = broadcast_shape(name, [a.shape for a in avals])
        return ShapedArray(shape, dtype, all(a.weak_type for a in avals))

    prim.aval = aval
    prim.jvp = partials(prim, *rules) if rules else no_derivative(prim)
    prim.batch = batch_elementwise(prim)
    for rule, value in more.items():
        setattr(prim, rule, value)
    return prim


class Approximate(Primitive):
    """A function that hardware may compute in more ways than one: the param `accuracy` is JAX's,
    None for the backend's own way. NumPy has but one, which is accurate."""

    def bind(self, x: Any, accuracy: Any = None) -> Any:
        return current.trace.process(self, (x,), {"accuracy": accuracy})[0]


def approximate(name: str, template: Template, kinds: str, rule: Callable[..., Any]) -> Primitive:
    """Defines an elementwise function with an accuracy and the derivative `rule(dx, ans, x)`."""
    return elementwise(
        name, template, kinds,
        lambda dx, ans, x, accuracy: rule(dx, ans, x),
        make=Approximate,
        hide=lambda params: [] if params["accuracy"] else ["accuracy"],
    )  # fmt: skip


def batch_elementwise(prim: Primitive) -> Callable[..., Any]:
    """The batch rule of an elementwise primitive: line the batch axes up, and nothing more."""

    def batch(size: int, args: Sequence[Any], dims: Sequence[Any], **params: Any) -> Any:
        aligned, d = align(args, dims)
        return prim.bind(*aligned, **params), d

    return batch


def batch_uniform(prim: Primitive, scalars: Sequence[int]) -> Callable[..., Any]:
    """The batch rule of an elementwise primitive whose operands must be of one shape, but for those
    in the places `scalars`, which may be of rank 0 instead."""

    def batch(size: int, args: Sequence[Any], dims: Sequence[Any], **params: Any) -> Any:
        loose = [
            i in scalars and d is None and not x.ndim
            for i, (x, d) in enumerate(zip(args, dims, strict=True))
        ]
        fixed = [(x.ndim, d) for x, d, free in zip(args, dims, loose, strict=True) if not free]
        if len(set(fixed)) == 1:
            return prim.bind(*args, **params), fixed[0][1]
        shapes = [
            x.shape if d is None else drop_axes(x.shape, (d,))
            for x, d in zip(args, dims, strict=True)
        ]
        shape = (size, *max(shapes, key=len))
        full_size = [
            x if free else _with_shape(instantiate_axis(x, d, size), shape)
            for x, d, free in zip(args, dims, loose, strict=True)
        ]
        return prim.bind(*full_size, **params), 0

    return batch


def _with_shape(x: Any, shape: tuple[int, ...]) -> Any:
    """Numbers, one for each example, repeated to the examples' shape; full arrays pass."""
    return broadcast_in_dim(x, shape, (0,)) if x.ndim < len(shape) else x


def align(args: Sequence[Any], dims: Sequence[int | None]) -> tuple[list[Any], int]:
    """Values with and without a batch axis, made fit for one elementwise operation on them all;
    and where the batch axis then is. Axes are added with size 1, so nothing is repeated."""
    batched = {(d, x.ndim) for x, d in zip(args, dims, strict=True) if d is not None}
    if len(batched) == 1 and all(
        d is not None or x.ndim == 0 for x, d in zip(args, dims, strict=True)
    ):
        return list(args), batched.pop()[0]
    ndim = max(x.ndim - (d is not None) for x, d in zip(args, dims, strict=True))
    return [_in_front(x, d, ndim) for x, d in zip(args, dims, strict=True)], 0


def _in_front(x: Any, d: int | None, ndim: int) -> Any:
    if d is None:
        return expand_dims(x, [0]) if x.ndim else x
    x = move_axis(x, d, 0)
    return expand_dims(x, range(1, ndim + 1)) if x.ndim == 1 and ndim else x


def scalar_like(x: Any, value: complex) -> Any:
    """The number `value` as a 0-d array of the dtype of `x`, to meet it in an operation."""
    return Array(np.asarray(value, x.dtype), x.weak_type)


def full_like(x: Any, value: complex) -> Any:
    """The number `value` in the shape and dtype of `x`."""
    return full(x.shape, value, x.dtype, x.weak_type)


def strong_scalar(x: Any, value: complex) -> Any:
    """`scalar_like`, never weakly typed."""
    return Array(np.asarray(value, x.dtype))


def is_complex(x: Any) -> bool:
    return bool(dtypes.kind(x.dtype) == "c")
