"""Random nests of loops, branches and transformations, against Python's own control flow.

A program maps a vector of three numbers to another. It is run twice: with our operations, and with
Python's `for`, `if` and `while` on numbers, where vmap is a loop too. Derivatives of the second
kind meet no operation of control flow, only the numbers that happen to be there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import lax

W = np.array([[0.3, -0.5, 0.2], [0.6, 0.1, -0.4], [-0.2, 0.7, 0.5]])
XS = np.array([[0.9, -0.3, 0.4], [-0.6, 1.1, 0.8], [0.2, 0.5, -1.2]])
X = np.array([0.7, -0.4, 1.1])

Function = Callable[[Any], Any]


class Operations:
    """Ours."""

    scan = staticmethod(lax.scan)
    while_loop = staticmethod(lax.while_loop)
    fori_loop = staticmethod(lax.fori_loop)
    cond = staticmethod(lax.cond)
    map = staticmethod(lax.map)
    vmap = staticmethod(sf.vmap)
    jit = staticmethod(sf.jit)


class Python:
    """The same by Python's control flow."""

    @staticmethod
    def scan(f: Any, carry: Any, xs: Any, reverse: bool = False) -> Any:
        ys = []
        for x in xs[::-1] if reverse else xs:
            carry, y = f(carry, x)
            ys.append(y)
        return carry, jnp.stack(ys[::-1] if reverse else ys)

    @staticmethod
    def while_loop(go: Any, f: Any, carry: Any) -> Any:
        while go(carry):
            carry = f(carry)
        return carry

    @staticmethod
    def fori_loop(lower: int, upper: int, f: Any, carry: Any) -> Any:
        for i in range(lower, upper):
            carry = f(i, carry)
        return carry

    @staticmethod
    def cond(p: Any, f: Any, g: Any, *xs: Any) -> Any:
        return f(*xs) if p else g(*xs)

    @staticmethod
    def map(f: Function, xs: Any) -> Any:
        return jnp.stack([f(x) for x in xs])

    vmap = staticmethod(lambda f: lambda xs: jnp.stack([f(x) for x in xs]))
    jit = staticmethod(lambda f: f)


# Each takes the operations, and the functions inside of it.
def _scan(c: Any, f: Function) -> Function:
    def run(x: Any) -> Any:
        carry, ys = c.scan(lambda h, row: (f(h) * row, h * x), x, jnp.asarray(XS))
        return carry + ys.sum(0)

    return run


def _scan_back(c: Any, f: Function) -> Function:
    def run(x: Any) -> Any:
        def step(h: Any, row: Any) -> Any:
            return (h[0] + f(row * x), h[1] * 0.5), jnp.cos(h[0])

        (total, _), ys = c.scan(step, (jnp.zeros(3), x), jnp.asarray(XS), reverse=True)
        return total * ys[0] + ys[1]

    return run


def _fori(c: Any, f: Function) -> Function:
    return lambda x: c.fori_loop(1, 4, lambda i, h: jnp.sin(f(h)) * i + x, x)


def _while(c: Any, f: Function) -> Function:
    def run(x: Any) -> Any:
        body = lambda t: (t[0] + 1, jnp.tanh(f(t[1])) + x)  # noqa: E731
        return c.while_loop(lambda t: t[0] < 2 + (x[0] > 0), body, (0, x))[1]

    return run


def _cond(c: Any, f: Function, g: Function) -> Function:
    return lambda x: c.cond(jnp.sum(x) > 0.5, f, lambda h: g(h) * x[1], x)


def _map(c: Any, f: Function) -> Function:
    return lambda x: c.map(f, jnp.stack([x, 0.5 * x])).mean(0)


def _vmap(c: Any, f: Function) -> Function:
    return lambda x: c.vmap(lambda row: f(row * x))(jnp.asarray(XS)).mean(0)


def _jit(c: Any, f: Function) -> Function:
    return c.jit(f)


def _grad(c: Any, f: Function) -> Function:
    return sf.grad(lambda x: jnp.sum(jnp.sin(f(x))))


def _jvp(c: Any, f: Function) -> Function:
    return lambda x: sf.jvp(f, (x,), (jnp.cos(x),))[1]


LEAVES: list[Function] = [
    jnp.sin,
    jnp.tanh,
    lambda x: x @ jnp.asarray(W),
    lambda x: x * x * 0.5,
    lambda x: jnp.where(x > 0.1, x, 0.3 * x) + jnp.sum(x),
]
LOOPS = [_scan, _scan_back, _fori, _map, _vmap, _jit, _jvp]


def build(tree: Any, c: Any) -> Function:
    """The function that a drawn tree stands for."""
    if isinstance(tree, int):
        return LEAVES[tree]
    wrapper, *inner = tree
    return wrapper(c, *[build(t, c) for t in inner])


def _grow(inner: Any) -> Any:
    return st.one_of(
        st.tuples(st.sampled_from(LOOPS), inner),
        st.tuples(st.just(_cond), inner, inner),
    )


leaves = st.integers(0, len(LEAVES) - 1)
differentiable = st.recursive(
    leaves, lambda t: _grow(t) | st.tuples(st.just(_grad), t), max_leaves=3
)
any_nest = st.recursive(
    differentiable, lambda t: _grow(t) | st.tuples(st.just(_while), t), max_leaves=3
)


def agree(tree: Any, transform: Callable[[Any, Function], Function]) -> None:
    """The same from both kinds, as far as an f64 tells: some nests are chaotic, and the change
    that one more bit in x makes says how far that is."""
    with sf.enable_x64(True):
        found = transform(Operations, build(tree, Operations))(jnp.asarray(X))
        by_python = transform(Python, build(tree, Python))
        wanted, nearby = by_python(jnp.asarray(X)), by_python(jnp.asarray(X * (1 + 1e-15)))
        noise = 10 * np.max(np.abs(np.asarray(wanted - nearby)))
    np.testing.assert_allclose(found, wanted, rtol=1e-7, atol=1e-9 + noise)


@settings(max_examples=40)
@given(any_nest, st.sampled_from([_jit, _vmap, _jvp, _scan, _cond]))
def test_forward(tree: Any, outer: Any) -> None:
    wrap = (lambda c, f: outer(c, f, f)) if outer is _cond else outer
    agree(tree, wrap)


@settings(max_examples=40)
@given(differentiable, st.sampled_from([_jit, _vmap, _fori, _scan]))
def test_backward(tree: Any, outer: Any) -> None:
    agree(tree, lambda c, f: _grad(c, outer(c, f)))
    agree(tree, lambda c, f: outer(c, _grad(c, f)))
