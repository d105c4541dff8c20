"""Combinations that random programs rarely come to, each against JAX: collectives inside loops
inside branches, rules of the user's own inside loops under vmap, jit with static and donated
arguments inside derivatives, training inside training.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy

X = np.linspace(-1, 1.2, 12).reshape(4, 3).astype(np.float32)
V = np.array([0.3, -0.7, 1.1], np.float32)

Case = Callable[[Any, Any, Any], Any]  # (library, its numpy, its lax) -> tree of arrays
CASES: dict[str, Case] = {}


def case(make: Case) -> Case:
    CASES[make.__name__] = make
    return make


@pytest.mark.parametrize("name", CASES)
def test_as_jax(name: str) -> None:
    ours = sf.tree.leaves(CASES[name](sf, scratchfn.numpy, sf.lax))
    theirs = jax.tree.leaves(CASES[name](jax, jax.numpy, jax.lax))
    for a, b in zip(ours, theirs, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=3e-5, atol=3e-5)


# -- collectives in loops in branches -------------------------------------------------------------


def _member(lib: Any, jnp: Any, lax: Any) -> Any:
    """A scan of a cond, with a while in one branch and a collective in the other, whose predicate
    is a collective too."""

    def steps(c: Any) -> Any:
        def going(state: Any) -> Any:
            return jnp.sum(state[0]) < 3

        def further(state: Any) -> Any:
            return state[0] + jnp.abs(lax.stop_gradient(c)) + 0.5, state[1] + 1

        return lax.while_loop(going, further, (jnp.zeros(3), 0))[1].astype(c.dtype)

    def member(w: Any, x: Any) -> Any:
        def step(c: Any, r: Any) -> Any:
            def yes(c: Any) -> Any:
                return jnp.tanh(c * w + r) * steps(c), r * c

            def no(c: Any) -> Any:
                return jnp.sin(c) + lax.psum(c * w, "i") * 0.1, c - r

            return lax.cond(lax.pmean(r.sum(), "i") > 0, yes, no, c)

        c, ys = lax.scan(step, x, jnp.stack([x, -x, x * 2]))
        return (c * lax.pmean(ys.sum(0), "i")).sum()

    return member


def _over_members(lib: Any, f: Any) -> Any:
    return lambda w: lib.vmap(f, in_axes=(None, 0), axis_name="i")(w, X)


@case
def gradients_inside_the_batch(lib: Any, jnp: Any, lax: Any) -> Any:
    return _over_members(lib, lib.grad(_member(lib, jnp, lax), (0, 1)))(V)


@case
def gradient_of_the_batch(lib: Any, jnp: Any, lax: Any) -> Any:
    f = _over_members(lib, _member(lib, jnp, lax))
    return lib.jit(lib.grad(lambda w: f(w).sum()))(V)


@case
def gradient_of_a_checkpointed_batch(lib: Any, jnp: Any, lax: Any) -> Any:
    f = _over_members(lib, lib.checkpoint(_member(lib, jnp, lax)))
    return lib.grad(lambda w: f(w).sum())(V)


@case
def forward_over_gradients_inside_the_batch(lib: Any, jnp: Any, lax: Any) -> Any:
    return lib.jvp(_over_members(lib, lib.grad(_member(lib, jnp, lax))), (V,), (V * V,))


@case
def hessian_of_the_batch(lib: Any, jnp: Any, lax: Any) -> Any:
    f = _over_members(lib, _member(lib, jnp, lax))
    return lib.hessian(lambda w: f(w).sum())(V)


@case
def two_named_axes(lib: Any, jnp: Any, lax: Any) -> Any:
    def f(x: Any) -> Any:
        peak = lax.pmax(lax.stop_gradient(x), "j")
        return lax.psum(x * lax.axis_index("i"), ("i", "j")) - peak + lax.all_gather(x, "j")[0] * x

    g = lib.vmap(lib.vmap(f, axis_name="j"), axis_name="i")
    return g(X), lib.grad(lambda X: (g(X) ** 2).sum())(X), lib.jvp(g, (X,), (X,))


@case
def exchanges_in_a_scan(lib: Any, jnp: Any, lax: Any) -> Any:
    ring = [(0, 1), (1, 2), (2, 3), (3, 0)]

    def f(x: Any) -> Any:
        def step(c: Any, r: Any) -> Any:
            rows = lax.all_to_all(jnp.outer(jnp.arange(4.0) + 1, c), "i", 0, 0)
            return lax.ppermute(c, "i", ring) * r, rows.sum(0)

        c, ys = lax.scan(step, x, jnp.stack([x, x * x]))
        return c * ys.sum(0)

    g = lib.vmap(f, axis_name="i")
    inside = lib.vmap(lib.grad(lambda x: f(x).sum()), axis_name="i")
    return g(X), lib.grad(lambda X: jnp.sin(g(X)).sum())(X), inside(X)


# -- rules of the user's own ----------------------------------------------------------------------


def _ruled(lib: Any, jnp: Any) -> Any:
    @lib.custom_vjp
    def f(x: Any, w: Any) -> Any:
        return jnp.sin(x) * w

    def back(residuals: Any, ct: Any) -> Any:
        x, w = residuals
        return jnp.clip(ct * jnp.cos(x) * w, -0.2, 0.2), (ct * x).sum() * jnp.ones_like(w)

    f.defvjp(lambda x, w: (f(x, w), (x, w)), back)
    return f


@case
def a_vjp_rule_in_a_scan_under_vmap(lib: Any, jnp: Any, lax: Any) -> Any:
    f = _ruled(lib, jnp)

    def g(w: Any, x: Any) -> Any:
        rows = jnp.stack([x, 2 * x])
        return lax.scan(lambda c, r: (f(c, w) + r, f(r, c)), x, rows)[1].sum()

    outside = lib.grad(lambda w: lib.vmap(g, (None, 0))(w, X).sum())
    return lib.vmap(lib.grad(g, (0, 1)), (None, 0))(V, X), outside(V)


@case
def a_vjp_rule_in_a_branch_that_closes_over(lib: Any, jnp: Any, lax: Any) -> Any:
    f = _ruled(lib, jnp)

    def g(w: Any, x: Any) -> Any:
        def step(c: Any, r: Any) -> Any:
            return lax.cond(r.sum() > 0, lambda: f(c, w) * r, lambda: f(r, w)), None

        return lax.scan(step, x, jnp.stack([x, -x, x]))[0].sum()

    return lib.jit(lib.vmap(lib.grad(g, (0, 1)), (None, 0)))(V, X), lib.jacrev(lib.grad(g))(V, X[0])


@case
def a_vjp_rule_with_a_function_for_an_argument(lib: Any, jnp: Any, lax: Any) -> Any:
    @functools.partial(lib.custom_vjp, nondiff_argnums=(0,))
    def apply(h: Any, x: Any) -> Any:
        return h(x)

    def back(h: Any, x: Any, ct: Any) -> Any:
        return (lib.vjp(h, x)[1](ct)[0] * 0.5,)

    apply.defvjp(lambda h, x: (h(x), x), back)
    f = lambda x: lax.fori_loop(0, 3, lambda i, c: apply(jnp.sin, c) * c, x).sum()  # noqa: E731
    return lib.vmap(lib.grad(f))(X)


@case
def a_jvp_rule_with_a_loop_and_a_collective(lib: Any, jnp: Any, lax: Any) -> Any:
    @lib.custom_jvp
    def root(x: Any) -> Any:
        def going(c: Any) -> Any:
            return jnp.any(jnp.abs(c * c - x) > 1e-5)

        return lax.while_loop(going, lambda c: 0.5 * (c + x / c), x + 1)

    @root.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        r = root(*primals)
        return r, tangents[0] / (2 * r) + 0 * lax.psum(r, "i")

    f = lambda x: root(x * x + 0.1).sum()  # noqa: E731
    inside = lib.vmap(lib.grad(f), axis_name="i"), lib.vmap(lib.hessian(f), axis_name="i")
    outside = lib.jit(lib.grad(lambda X: lib.vmap(f, axis_name="i")(X).sum()))
    return inside[0](X), inside[1](X), outside(X)


@case
def a_root_found_by_a_loop(lib: Any, jnp: Any, lax: Any) -> Any:
    def newton(f: Any, guess: Any) -> Any:
        going = lambda x: jnp.any(jnp.abs(f(x)) > 1e-5)  # noqa: E731
        return lax.while_loop(going, lambda x: x - f(x) / (3 * x**2 + 1), guess)

    def solve(a: Any) -> Any:
        divide = lambda g, y: y / g(jnp.ones_like(y))  # noqa: E731
        return lax.custom_root(lambda x: x**3 + x - a, a, newton, divide)

    inside = lib.vmap(lib.grad(lambda a: solve(a).sum()))
    return inside(X), lib.jit(lib.grad(lambda X: lib.vmap(solve)(X).sum()))(X)


# -- programs in programs -------------------------------------------------------------------------


@case
def forward_over_reverse_of_jit_with_static_arguments(lib: Any, jnp: Any, lax: Any) -> Any:
    @functools.partial(lib.jit, static_argnums=(1,), static_argnames=("kind",))
    def f(x: Any, n: int, *, kind: str = "power") -> Any:
        return jnp.sin(x) ** n if kind == "power" else x * n

    def g(x: Any) -> Any:
        _, back = lib.vjp(lambda x: f(x, 3, kind="power") + f(x, 2, kind="times"), x)
        return back(jnp.cos(x))[0]

    return lib.jvp(g, (V,), (V,)), lib.vmap(lib.grad(lambda x: f(x, 2).sum()))(X)


@case
def donated_arguments(lib: Any, jnp: Any, lax: Any) -> Any:
    f = lib.jit(lambda x, y: (x * y, x + 1), donate_argnums=(0,))
    gradient = lib.grad(lambda x: f(x, V)[0].sum())(jnp.asarray(V))
    return gradient, lib.vmap(f, (0, None))(jnp.asarray(X), V), lib.jit(lambda x: f(x * 1, x))(V)


@case
def training_in_training(lib: Any, jnp: Any, lax: Any) -> Any:
    """The derivative of two epochs of gradient descent with respect to the step size."""

    def loss(w: Any, x: Any) -> Any:
        return jnp.sum(jnp.tanh(x * w) ** 2)

    def train(w: Any, rate: Any) -> Any:
        def step(w: Any, x: Any) -> Any:
            return w - rate * lib.grad(loss)(w, x), loss(w, x)

        def epoch(w: Any, _: Any) -> Any:
            w, losses = lax.scan(step, w, X)
            return w, losses.mean()

        return lax.scan(epoch, w, None, length=2)

    of_rates = lib.vmap(lib.grad(lambda rate: train(V, rate)[1].sum()))
    return of_rates(np.array([0.1, 0.2], np.float32)), lib.jacfwd(lambda r: train(V, r)[0])(0.1)


@case
def branches_by_example_in_a_scan(lib: Any, jnp: Any, lax: Any) -> Any:
    """The branch not taken has an infinite slope, which must not reach the derivative."""

    def f(x: Any, k: Any) -> Any:
        def root(c: Any) -> Any:
            return jnp.sqrt(jnp.maximum(c, 0))

        def step(c: Any, r: Any) -> Any:
            def loop(c: Any) -> Any:
                return lax.fori_loop(0, 2, lambda i, a: jnp.sin(a), c)

            return lax.switch(k, [root, lambda c: c * r, loop], c), c

        c, ys = lax.scan(step, x, jnp.stack([x, x + 1]))
        return (c * ys.sum(0)).sum()

    points = np.array([[2, 1, 3], [0, -1, 0], [0, -2, 1]], np.float32)
    kinds = np.array([0, 1, 7])
    outside = lib.grad(lambda points: lib.vmap(f)(points, kinds).sum())
    return lib.vmap(lib.value_and_grad(f))(points, kinds), outside(points)


@case
def a_loop_in_a_branch_by_example(lib: Any, jnp: Any, lax: Any) -> Any:
    def f(x: Any, w: Any) -> Any:
        def loop(x: Any) -> Any:
            def body(state: Any) -> Any:
                return state[0] + jnp.abs(x) + 0.1, state[1] * w

            return lax.while_loop(lambda s: jnp.sum(s[0]) < 3, body, (jnp.zeros(3), x))[1]

        return lax.cond(x[0] > 0, loop, lambda x: jnp.sin(x) * w, x)

    g = lambda w: lib.vmap(f, (0, None))(X, w)  # noqa: E731
    return lib.jacfwd(g)(V), lib.vmap(g)(X), lib.vmap(lib.jacfwd(g))(X)


@case
def policies_of_a_body_and_of_its_scan(lib: Any, jnp: Any, lax: Any) -> Any:
    policy = lib.checkpoint_policies.dots_saveable
    W = np.outer(V, V)

    def step(c: Any, r: Any) -> Any:
        return lax.cond(r[0] > 0, jnp.sin, lambda c: jnp.tanh(W @ c) * r, W @ c), c

    body = lib.checkpoint(step, policy=policy)
    inner = lambda x: lax.scan(body, x, X)[0].sum()  # noqa: E731
    outer = lib.checkpoint(lambda x: lax.scan(step, x, X)[0].sum(), policy=policy)
    return [
        (lib.grad(f)(V), lib.vmap(lib.grad(f))(X), lib.jit(lib.hessian(f))(V))
        for f in (inner, outer)
    ]
