"""Random nests of transformations over random functions, against JAX, in float32 and x64.

Every function of `functions.py` maps an array of shape (4,) to one of shape (4,), and so does each
wrapper below. So any nest of them is a program, to any depth.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jax_numpy
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as sf_numpy
from tests.transforms.functions import FUNCTIONS

X = np.array([0.62, 1.31, 0.93, 1.12])


class Library:
    """JAX's and our names of the same things."""

    def __init__(self, module: Any, jnp: Any):
        self.module = module
        self.jnp = jnp
        self.lax = module.lax


OURS, JAX = Library(sf, sf_numpy), Library(jax, jax_numpy)
Function = Callable[[Any], Any]


def _grad(lib: Library, f: Function) -> Function:
    return lib.module.grad(lambda x: lib.jnp.sum(f(x) * lib.jnp.arange(1.0, 5.0, dtype=x.dtype)))


def _jvp(lib: Library, f: Function) -> Function:
    return lambda x: lib.module.jvp(f, (x,), (lib.jnp.cos(x),))[1]


def _vjp(lib: Library, f: Function) -> Function:
    return lambda x: lib.module.vjp(f, x)[1](lib.jnp.sin(x))[0]


def _linearize(lib: Library, f: Function) -> Function:
    return lambda x: lib.module.linearize(f, x)[1](x * 0.5)


def _jit(lib: Library, f: Function) -> Function:
    return lib.module.jit(f)


def _hessian(lib: Library, f: Function) -> Function:
    return lambda x: lib.module.hessian(lambda y: lib.jnp.sum(f(y)))(x) @ x


def _jacfwd(lib: Library, f: Function) -> Function:
    return lambda x: lib.module.jacfwd(f)(x).sum(0)


def _vmap(lib: Library, f: Function) -> Function:
    def batched(x: Any) -> Any:
        xs = lib.jnp.stack([x, 0.9 * x, x + 0.1], axis=1)
        return lib.jnp.mean(lib.module.vmap(f, in_axes=1, out_axes=-1)(xs), axis=1)

    return batched


def _closure(lib: Library, f: Function) -> Function:
    """vmap over one value of a function that closes over another."""
    return lambda x: lib.module.vmap(lambda s: f(x * s))(lib.jnp.asarray([0.9, 1.0], x.dtype)).sum(
        0
    )


def _checkpoint(lib: Library, f: Function) -> Function:
    return lib.module.checkpoint(f)


def _checkpoint_dots(lib: Library, f: Function) -> Function:
    """A policy that keeps a part of what is computed."""
    kept = ("sin", "dot_general", "mul")
    return lib.module.checkpoint(f, policy=lambda prim, *_, **__: prim.name in kept)


def _custom_jvp(lib: Library, f: Function) -> Function:
    """A rule that gives the derivative of something else."""
    g = lib.module.custom_jvp(f)
    g.defjvp(lambda primals, tangents: (g(*primals), lib.jnp.cos(primals[0]) * tangents[0]))
    return g


WRAPPERS = [
    _grad, _jvp, _vjp, _linearize, _jit, _hessian, _jacfwd, _vmap, _closure, _checkpoint,
    _checkpoint_dots, _custom_jvp,
]  # fmt: skip


def draw(seed: int) -> tuple[list[str], list[Any], str]:
    """Two functions and up to four wrappers, from a seed."""
    rng = random.Random(seed)
    names = rng.sample(sorted(FUNCTIONS), 2)
    wrappers = [rng.choice(WRAPPERS) for _ in range(rng.randint(1, 4))]
    text = "".join(f"{w.__name__[1:]}(" for w in wrappers) + " . ".join(names)
    return names, wrappers, text


def build(lib: Library, names: list[str], wrappers: list[Any]) -> Function:
    first, second = (FUNCTIONS[name](lib.jnp, lib.lax) for name in names)

    def f(x: Any) -> Any:
        return first(1.0 + 0.3 * lib.jnp.sin(second(x)))

    for wrapper in reversed(wrappers):
        f = wrapper(lib, f)
    return f


def check(seed: int, x64: bool) -> None:
    names, wrappers, text = draw(seed)
    dtype = np.float64 if x64 else np.float32
    with jax.enable_x64(x64):
        expected = np.asarray(jax.jit(build(JAX, names, wrappers))(X.astype(dtype)))
    with sf.enable_x64(x64):
        found = np.asarray(build(OURS, names, wrappers)(X.astype(dtype)))
    assert found.dtype == expected.dtype, text
    # Each derivative amplifies rounding; the scale of the result bounds what is lost by cancelling.
    tolerance = 5e4 * np.finfo(dtype).eps
    np.testing.assert_allclose(
        found, expected, rtol=tolerance, atol=tolerance * (1 + np.abs(expected).max()), err_msg=text
    )


@pytest.mark.thinned(2)
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_each_function_and_its_gradient(name: str) -> None:
    for wrappers in ([_jit], [_grad], [_vmap, _jvp]):
        results = []
        for lib in (OURS, JAX):
            f = FUNCTIONS[name](lib.jnp, lib.lax)
            for wrapper in reversed(wrappers):
                f = wrapper(lib, f)
            x = X.astype(np.float32)
            results.append(np.asarray(lib.module.jit(f)(x) if lib is JAX else f(x)))
        np.testing.assert_allclose(*results, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("seed", range(60))
def test_random_nest_float32(seed: int) -> None:
    check(seed, x64=False)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("seed", range(1000, 1060))
def test_random_nest_x64(seed: int) -> None:
    check(seed, x64=True)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(2000, 2600))
def test_random_nest_long(seed: int) -> None:
    check(seed, x64=bool(seed % 2))


def test_at_least_forty_functions() -> None:
    assert len(FUNCTIONS) >= 40
