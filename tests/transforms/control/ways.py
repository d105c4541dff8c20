"""Ways to transform a program, written once for both libraries.

Each takes the library (`sf` or `jax`), a function and its arguments, and gives a tree of arrays.
Derivatives are with respect to the arguments of a floating dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def floats(args: Any) -> tuple[int, ...]:
    return tuple(i for i, x in enumerate(args) if np.asarray(x).dtype.kind == "f")


def of_floats(f: Callable[..., Any], args: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """`f` as a function of its floating arguments, and these."""
    nums = floats(args)

    def partial(*dynamic: Any) -> Any:
        full = list(args)
        for i, x in zip(nums, dynamic, strict=True):
            full[i] = x
        return f(*full)

    return partial, tuple(args[i] for i in nums)


def loss(lib: Any, f: Callable[..., Any]) -> Callable[..., Any]:
    """A scalar of all floating results."""

    def scalar(*args: Any) -> Any:
        leaves = [x for x in lib.tree.leaves(f(*args)) if hasattr(x, "dtype")]
        return sum(lib.numpy.sum(lib.numpy.sin(x)) for x in leaves if x.dtype.kind == "f")

    return scalar


def batch(args: Any) -> tuple[Any, ...]:
    """Two examples of each argument."""
    other = {"b": lambda x: ~x, "i": lambda x: x + 1, "f": lambda x: x * np.asarray(0.6, x.dtype)}
    arrays = [np.asarray(x) for x in args]
    return tuple(np.stack([x, other[x.dtype.kind](x)]) for x in arrays)


def tangents(args: Any) -> tuple[Any, ...]:
    return tuple(np.cos(np.asarray(x)) for x in args)


def jvp(lib: Any, f: Any, args: Any) -> Any:
    partial, dynamic = of_floats(f, args)
    outs, dots = lib.jvp(partial, dynamic, tangents(dynamic))
    return outs, [t for t in lib.tree.leaves(dots) if t.dtype.kind == "f"]


def linearize(lib: Any, f: Any, args: Any) -> Any:
    partial, dynamic = of_floats(f, args)
    outs, push = lib.linearize(partial, *dynamic)
    dots = lib.tree.leaves(push(*tangents(dynamic)))
    return outs, [t for t in dots if t.dtype.kind == "f"]


def grad(lib: Any, f: Any, args: Any) -> Any:
    return lib.grad(loss(lib, f), argnums=floats(args))(*args)


def grad_of_jit(lib: Any, f: Any, args: Any) -> Any:
    return lib.grad(lib.jit(loss(lib, f)), argnums=floats(args))(*args)


def jit_of_grad(lib: Any, f: Any, args: Any) -> Any:
    return lib.jit(lib.grad(loss(lib, f), argnums=floats(args)))(*args)


def hessian(lib: Any, f: Any, args: Any) -> Any:
    return lib.hessian(loss(lib, f), argnums=floats(args)[-1])(*args)


def grad_of_grad(lib: Any, f: Any, args: Any) -> Any:
    inner = lib.grad(loss(lib, f), argnums=floats(args)[0])
    return lib.grad(lambda *a: lib.numpy.sum(inner(*a) ** 2), argnums=floats(args))(*args)


def jvp_of_jvp(lib: Any, f: Any, args: Any) -> Any:
    partial, dynamic = of_floats(loss(lib, f), args)
    dots = tangents(dynamic)
    return lib.jvp(lambda *a: lib.jvp(partial, a, dots)[1], dynamic, dots)


def vmap(lib: Any, f: Any, args: Any) -> Any:
    return lib.vmap(f)(*batch(args))


def vmap_of_first(lib: Any, f: Any, args: Any) -> Any:
    axes = (0, *[None] * (len(args) - 1))
    return lib.vmap(f, in_axes=axes, out_axes=-1)(batch(args)[0], *args[1:])


def vmap_of_last(lib: Any, f: Any, args: Any) -> Any:
    axes = (*[None] * (len(args) - 1), -1)
    return lib.vmap(f, in_axes=axes)(*args[:-1], np.moveaxis(batch(args)[-1], 0, -1))


def vmap_of_vmap(lib: Any, f: Any, args: Any) -> Any:
    """One axis for the first argument, another for the last."""
    first, last = batch(args)[0], batch(args)[-1]
    if len(args) == 1:
        return lib.vmap(lib.vmap(f), in_axes=1)(np.stack([first, -first]))
    shared = [None] * (len(args) - 1)
    inner = lib.vmap(f, in_axes=(0, *shared))
    return lib.vmap(inner, in_axes=(*shared, 0))(first, *args[1:-1], last)


def jit_of_vmap(lib: Any, f: Any, args: Any) -> Any:
    return lib.jit(lib.vmap(f))(*batch(args))


def jvp_of_vmap(lib: Any, f: Any, args: Any) -> Any:
    return jvp(lib, lib.vmap(f), batch(args))


def vmap_of_grad(lib: Any, f: Any, args: Any) -> Any:
    return lib.vmap(lib.grad(loss(lib, f), argnums=floats(args)))(*batch(args))


def grad_of_vmap(lib: Any, f: Any, args: Any) -> Any:
    return grad(lib, lib.vmap(f), batch(args))


def eager(lib: Any, f: Any, args: Any) -> Any:
    return f(*args)


def jit(lib: Any, f: Any, args: Any) -> Any:
    return lib.jit(f)(*args)


FORWARD = [
    eager, jit, jvp, linearize, jvp_of_jvp, vmap, vmap_of_first, vmap_of_last, vmap_of_vmap,
    jit_of_vmap, jvp_of_vmap,
]  # fmt: skip
REVERSE = [grad, grad_of_jit, jit_of_grad, hessian, grad_of_grad, vmap_of_grad, grad_of_vmap]
