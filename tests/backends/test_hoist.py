"""Work moved out of loops: each move, what it leaves, and that results stay the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import lax
from scratchfn.backends.numpy.hoist import hoist
from scratchfn.backends.numpy.inline import inline_calls
from scratchfn.backends.numpy.simplify import simplify
from scratchfn.core.jaxpr import ClosedJaxpr, Eqn, Jaxpr, check_jaxpr
from tests.backends.passes import without

RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32) / 2


def optimized(f: Callable[..., Any], *args: Any) -> ClosedJaxpr:
    return simplify(sf.make_jaxpr(f)(*args))


def loops(program: ClosedJaxpr) -> list[Eqn]:
    return [eqn for eqn in program.eqns if eqn.primitive.name == "scan"]


def names(eqns: list[Eqn]) -> list[str]:
    return [eqn.primitive.name for eqn in eqns]


def inside(program: ClosedJaxpr) -> list[str]:
    """The operations of the only loop's body, by name."""
    (loop,) = loops(program)
    return names(loop.params["jaxpr"].eqns)


def both(f: Callable[..., Any], *args: Any) -> None:
    """Results with and without the pass agree: exactly if they are integers."""
    with without("hoist"):
        wanted = sf.jit(f)(*args)
    found = sf.jit(f)(*args)
    for x, y in zip(sf.tree.leaves(wanted), sf.tree.leaves(found), strict=True):
        assert x.aval == y.aval
        if x.dtype.kind == "f":
            np.testing.assert_allclose(y, x, rtol=1e-5, atol=1e-5)
        else:
            np.testing.assert_array_equal(y, x)


# -- ahead ----------------------------------------------------------------------------------------


def test_what_is_the_same_at_each_step() -> None:
    def f(w: Any, h: Any) -> Any:
        return lax.scan(lambda h, _: (h @ jnp.exp(w).T, None), h, None, length=4)[0]

    args = normal(3, 3), normal(2, 3)
    both(f, *args)
    assert inside(optimized(f, *args)) == ["transpose", "dot_general"]  # which becomes one


def test_what_is_the_same_as_long_as_a_condition_holds() -> None:
    def f(w: Any, n: Any, h: Any) -> Any:
        return lax.fori_loop(0, n, lambda i, h: jnp.sin(h * jnp.exp(w) + i), h)

    both(f, normal(3), 4, normal(3))
    both(f, normal(3), 0, normal(3))
    program = optimized(f, normal(3), 4, normal(3))
    assert [n for n in names(program.eqns) if n in ("exp", "while")] == ["exp", "while"]


def test_products_of_rows() -> None:
    def f(w: Any, h: Any, xs: Any) -> Any:
        return lax.scan(lambda h, x: (jnp.tanh(h + x @ w), None), h, xs)[0]

    args = normal(3, 5), normal(2, 5), normal(7, 2, 3)
    both(f, *args)
    program = optimized(f, *args)
    assert inside(program) == ["add", "tanh"]
    (product,) = [eqn for eqn in program.eqns if eqn.primitive.name == "dot_general"]
    assert product.outvars[0].aval.shape == (7, 2, 5)


def test_embedded_rows() -> None:
    def f(table: Any, w: Any, h: Any, ids: Any) -> Any:
        return lax.scan(lambda h, i: (jnp.sin(h + table[i] @ w), None), h, ids)[0]

    args = normal(11, 3), normal(3, 5), normal(2, 5), RNG.integers(0, 11, (7, 2))
    both(f, *args)
    assert inside(optimized(f, *args)) == ["add", "sin"]


def test_large_rows_stay() -> None:
    def f(h: Any, xs: Any) -> Any:
        return lax.scan(lambda h, x: (h * jnp.sin(x), None), h, xs)[0]

    args = normal(5000), normal(3, 5000)
    both(f, *args)
    assert inside(optimized(f, *args)) == ["sin", "mul"]


def test_numbers_that_are_read_are_not_sooner_there() -> None:
    """Of a loop of numbers nothing is moved that is read at each step as it would be computed."""

    def f(c: Any, xs: Any) -> Any:
        return lax.scan(lambda c, x: (jnp.sin(c * x + (x + 1)), None), c, xs)[0]

    args = jnp.float32(1), normal(9)
    both(f, *args)
    assert len(inside(optimized(f, *args))) == 4


def test_rows_that_are_all_the_same() -> None:
    def f(x: Any, h: Any) -> Any:
        xs = jnp.broadcast_to(x, (5, *x.shape))
        return lax.scan(lambda h, x: (jnp.sin(h) * x, None), h, xs)[0]

    args = normal(3000), normal(3000)
    both(f, *args)
    (loop,) = loops(optimized(f, *args))
    assert loop.params["num_consts"] == 1
    assert len(loop.invars) == 2


# -- after ----------------------------------------------------------------------------------------


def test_sums_of_products() -> None:
    def f(w: Any, ds: Any, xs: Any) -> Any:
        def step(carry: Any, dx: Any) -> Any:
            d, x = dx
            h, gw, gb = carry
            h = jnp.tanh(h @ w + d)
            return (h, gw + x.T @ h, gb + h.sum(0)), h

        start = jnp.zeros((2, 4)), jnp.ones((3, 4)), jnp.ones(4)
        return lax.scan(step, start, (ds, xs))

    args = normal(4, 4), normal(7, 2, 4), normal(7, 2, 3)
    both(f, *args)
    assert inside(optimized(f, *args)) == ["dot_general", "add", "tanh"]


def test_sums_of_integers_are_exact() -> None:
    def f(xs: Any) -> Any:
        def step(s: Any, x: Any) -> Any:
            return (s[0] + x * 3, s[1] + x[:, None] @ x[None]), None

        return lax.scan(step, (jnp.zeros(3, int), jnp.zeros((3, 3), int)), xs)[0]

    xs = RNG.integers(-(2**31), 2**31 - 1, (20, 3)).astype(np.int32)
    both(f, xs)
    assert not loops(optimized(f, xs))


def test_a_sum_that_is_seen_stays() -> None:
    def f(xs: Any) -> Any:
        return lax.scan(lambda s, x: (s + x, s), jnp.zeros(3), xs)

    xs = normal(5, 3)
    both(f, xs)
    assert inside(optimized(f, xs)) == ["add"]


def test_sums_of_large_products_stay() -> None:
    """Factors that are much larger than their product are better read once."""

    def f(w: Any, xs: Any) -> Any:
        def step(s: Any, x: Any) -> Any:
            y = jnp.tanh(x * w)
            return s + y.T @ y, None

        return lax.scan(step, jnp.zeros((2, 2)), xs)[0]

    args = normal(4000, 2), normal(3, 4000, 2)
    both(f, *args)
    assert "dot_general" in inside(optimized(f, *args))


def test_results_alone() -> None:
    def f(w: Any, h: Any, xs: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            h = jnp.tanh(h + x)
            return h, jnp.exp(h @ w)

        return lax.scan(step, h, xs)

    args = normal(5, 2), normal(3, 5), normal(7, 3, 5)
    both(f, *args)
    program = optimized(f, *args)
    assert inside(program) == ["add", "tanh"]
    assert names(program.eqns)[-2:] == ["dot_general", "exp"]


def test_what_nobody_reads() -> None:
    def f(h: Any, xs: Any) -> Any:
        def step(carry: Any, x: Any) -> Any:
            h, other = carry
            return (jnp.sin(h + x), jnp.cos(other * h)), (h @ h.T, h)

        return lax.scan(step, (h, h), xs)[0][0]

    args = normal(3, 3), normal(4, 3, 3)
    both(f, *args)
    (loop,) = loops(optimized(f, *args))
    assert inside(optimized(f, *args)) == ["add", "sin"]
    assert len(loop.outvars) == 1


def test_equal_results_are_stored_once() -> None:
    def f(h: Any, xs: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            h = jnp.sin(h + x)
            return h, (h, x, h, 2.0)

        return lax.scan(step, h, xs)

    args = normal(3), normal(4, 3)
    both(f, *args)
    (loop,) = loops(optimized(f, *args))
    assert len(loop.outvars) == 2


# -- between --------------------------------------------------------------------------------------


def test_residuals_are_computed_again() -> None:
    """What follows cheaply from rows that are stored anyway is not stored."""

    def loss(h: Any, xs: Any) -> Any:
        return lax.scan(lambda h, x: (jnp.tanh(h + x), None), h, xs)[0].sum()

    args = normal(3000), normal(4, 3000)
    both(sf.grad(loss), *args)
    forth, back = loops(optimized(sf.grad(loss), *args))
    assert len(forth.outvars) == 2  # the last h, and all of them
    assert names(back.params["jaxpr"].eqns)[0] == "sub"


def test_reshapes_of_results() -> None:
    def f(w: Any, h: Any, xs: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            y = jnp.sin(x * h) @ w  # [5000, 1]
            return h + y[0], y[:, 0]

        return lax.scan(step, h, xs)

    args = normal(3, 1), normal(3), normal(4, 5000, 3)
    both(f, *args)
    program = optimized(f, *args)
    assert loops(program)[0].outvars[1].aval.shape == (4, 5000, 1)
    assert program.eqns[-1].primitive.name == "reshape"


def test_effects_happen_at_each_step(capsys: Any) -> None:
    def f(xs: Any) -> Any:
        def step(c: Any, x: Any) -> Any:
            sf.debug.print("here")
            sf.debug.print("{x}", x=x * 2)
            return c, None

        return lax.scan(step, 0.0, xs)[0]

    sf.jit(f)(jnp.arange(3))
    sf.effects_barrier()
    assert capsys.readouterr().out == "here\n0\nhere\n2\nhere\n4\n"


def test_no_steps() -> None:
    def f(w: Any, xs: Any) -> Any:
        return lax.scan(lambda h, x: (h + x @ w, (x @ w).max()), jnp.ones(2), xs)

    both(f, normal(3, 2), normal(0, 3))
    both(f, normal(3, 2), normal(1, 3))


def test_a_loop_in_a_loop() -> None:
    def f(w: Any, h: Any, xs: Any) -> Any:
        def inner(h: Any, x: Any) -> Any:
            return jnp.tanh(h @ jnp.exp(w) + x), h

        def outer(h: Any, x: Any) -> Any:
            h, ys = lax.scan(inner, h, x)
            return h, ys.sum(0)

        return lax.scan(outer, h, xs)

    args = normal(3, 3), normal(3), normal(5, 4, 3)
    both(f, *args)
    assert "exp" in names(optimized(f, *args).eqns)


# -- any loop -------------------------------------------------------------------------------------

OPERATIONS: list[Callable[..., Any]] = [
    lambda w, p, q: p + q,
    lambda w, p, q: p * q * 0.5,
    lambda w, p, q: jnp.tanh(p),
    lambda w, p, q: p @ w,
    lambda w, p, q: p - q,
    lambda w, p, q: jnp.where(p > q, p, q),
    lambda w, p, q: jnp.maximum(p, 0),
    lambda w, p, q: p.sum(0)[None] * 0.01 + q,
    lambda w, p, q: p[:, ::-1],
    lambda w, p, q: jnp.concatenate([p[:, :2], q[:, 2:]], 1),
    lambda w, p, q: (p.T @ q)[:1] * 0.01 + p,
    lambda w, p, q: 1 - p,
]


@st.composite
def bodies(draw: Any) -> Any:
    """A loop of random operations: its function and arguments."""
    number = st.integers(0, 100)
    plan = draw(st.lists(st.tuples(st.integers(0, len(OPERATIONS) - 1), number, number),
                         min_size=2, max_size=12))  # fmt: skip
    picks = draw(st.lists(number, min_size=8, max_size=8))
    rows, steps = draw(st.sampled_from([3, 600])), draw(st.integers(1, 4))
    reverse = draw(st.booleans())

    def f(w: Any, u: Any, h: Any, xs: Any, s: Any) -> Any:
        def step(carry: Any, x: Any) -> Any:
            h, s, total = carry
            values = [h, x, u, jnp.full_like(u, 2)]
            for operation, i, j in plan:
                p, q = values[i % len(values)], values[j % len(values)]
                values.append(OPERATIONS[operation](w, p, q))
            a, b, c, d, e, g, k, m = (values[i % len(values)] for i in picks)
            carry = jnp.tanh(a), s + b.T @ c, total + d.sum(0)
            return carry, (e, g.sum(), k * 2, 1 - e, m @ w)

        return lax.scan(step, (h, s, s[0]), xs, reverse=reverse)

    def numbers(*shape: int) -> np.ndarray:
        return RNG.normal(size=shape) / 2

    arguments = (4, 4), (rows, 4), (rows, 4), (steps, rows, 4), (4, 4)
    return f, [numbers(*shape) for shape in arguments]


@pytest.mark.parametrize("order", [0, 1])
@settings(max_examples=40, deadline=None)
@given(loop=bodies())
def test_any_loop(order: int, loop: Any) -> None:
    f, args = loop

    def loss(*args: Any) -> Any:
        return sum(jnp.sin(x).sum() for x in sf.tree.leaves(f(*args)))

    g = sf.grad(loss, tuple(range(5))) if order else f
    with sf.enable_x64(True):
        program = sf.make_jaxpr(g)(*args)
        check_jaxpr(moved(program))
        with without("hoist"):
            wanted = sf.jit(g)(*args)
        found = sf.jit(g)(*args)
    for x, y in zip(sf.tree.leaves(wanted), sf.tree.leaves(found), strict=True):
        scale = 1 + np.abs(x).max()
        np.testing.assert_allclose(y, x, rtol=1e-8, atol=1e-9 * scale)


def moved(program: ClosedJaxpr) -> Jaxpr:
    """The program after the pass alone."""
    return hoist(*inline_calls(program))[0]
