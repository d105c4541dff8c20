"""What reverse mode stores of a loop: only what changes from step to step and is not there yet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import lax

W = jnp.asarray(np.linspace(-0.5, 0.6, 9).reshape(3, 3), "float32")
H = jnp.asarray([0.1, -0.4, 0.7], "float32")
XS = jnp.asarray(np.linspace(-1, 1, 15).reshape(5, 3), "float32")


def scans(f: Any, *args: Any) -> tuple[Any, Any]:
    """The equations of the loop forth and of the loop back, in the program of a gradient."""
    eqns = sf.make_jaxpr(sf.grad(f, argnums=tuple(range(len(args)))))(*args).eqns
    forth, back = [eqn for eqn in eqns if eqn.primitive.name == "scan"]
    assert not forth.params["reverse"]
    assert back.params["reverse"]
    return forth, back


def stacked(eqn: Any) -> list[tuple[int, ...]]:
    """The shapes of what a scan stacks."""
    return [v.aval.shape for v in eqn.outvars[eqn.params["num_carry"] :]]


def rnn(w: Any, h: Any, xs: Any) -> Any:
    def step(h: Any, x: Any) -> Any:
        h = jnp.tanh(x @ w + h @ w.T * jnp.sum(w) ** 2)
        return h, h

    return jnp.sum(lax.scan(step, h, xs)[1])


def test_weights_are_constants_of_both_loops() -> None:
    forth, back = scans(rnn, W, H, XS)
    assert (3, 3) not in [shape[1:] for shape in stacked(forth)]
    assert all(v.aval.shape != (5, 3, 3) for v in back.invars)


def test_cotangents_of_weights_are_one_product() -> None:
    _, back = scans(lambda w: rnn(w, H, XS), W)
    assert (3, 3) not in [v.aval.shape for v in back.outvars]
    wide = jnp.ones((7, 3))  # where the products are larger than the weights, the loop sums
    _, back = scans(lambda w: rnn(w, wide, jnp.stack([wide] * 2)), W)
    assert (3, 3) in [v.aval.shape for v in back.outvars]


def test_what_depends_on_weights_alone_is_computed_once() -> None:
    forth, _ = scans(rnn, W, H, XS)
    names = [eqn.primitive.name for eqn in forth.params["jaxpr"].eqns]
    assert "reduce_sum" not in names
    assert "integer_pow" not in names
    assert "transpose" not in names


def test_rows_and_results_are_not_stored_again() -> None:
    def f(h: Any, xs: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            y = jnp.exp(h)
            return h + x, y * x

        return jnp.sum(lax.scan(step, h, xs)[1])

    forth, back = scans(f, H, XS)
    # exp(h) is stored and y * x returned; x is a row of xs, which the loop back is given as it is
    assert stacked(forth) == [(5, 3), (5, 3)]
    (xs,) = [v for v in forth.invars if v.aval.shape == (5, 3)]
    assert xs in back.invars


def test_a_result_is_its_own_residual() -> None:
    def f(h: Any) -> Any:
        step = lambda h, _: (0.5 * h, jnp.exp(h))  # noqa: E731
        return jnp.sum(lax.scan(step, h, None, length=5)[1])

    forth, _ = scans(f, H)
    assert stacked(forth) == [(5, 3)]


def test_numbers_are_not_stacked() -> None:
    def f(h: Any) -> Any:
        return jnp.sum(lax.fori_loop(0, 5, lambda i, h: 2.5 * h / 3.0, h))

    forth, _ = scans(f, H)
    assert stacked(forth) == []


def test_branches_share_places_of_residuals() -> None:
    def f(p: Any, x: Any) -> Any:
        return jnp.sum(lax.cond(p, jnp.sin, lambda x: jnp.exp(x) @ W, x))

    eqns = sf.make_jaxpr(sf.grad(f, argnums=1))(True, H).eqns
    forth, back = [eqn for eqn in eqns if eqn.primitive.name == "cond"]
    assert [v.aval.shape for v in forth.outvars] == [(3,), (3,)]  # the result, cos(x) or exp(x)
    assert len(back.invars) == 4  # the index, that residual, W, and the cotangent


def test_an_operand_of_a_branch_is_not_a_result_of_it() -> None:
    def f(p: Any, x: Any, y: Any) -> Any:
        return jnp.sum(lax.cond(p, lambda x, y: x * y, lambda x, y: x + y, x, y))

    eqns = sf.make_jaxpr(sf.grad(f, argnums=(1, 2)))(True, H, H).eqns
    forth, back = [eqn for eqn in eqns if eqn.primitive.name == "cond"]
    assert len(forth.outvars) == 1
    assert set(forth.invars[1:]) <= set(back.invars)


def _counting(x: Any) -> Any:
    """Linear in x, beside a counter and a scale that are not."""
    ws = jnp.stack([W, W + 1, W - 1])

    def step(carry: Any, w: Any) -> Any:
        i, scale, y = carry
        return (i + 1, scale * 0.5, w @ y * scale + x), (i, y * scale, scale)

    carry, ys = lax.scan(step, (0, jnp.float32(2), jnp.zeros(3)), ws)
    return carry[2], ys[1]


def test_transpose_beside_what_is_not_linear() -> None:
    out = _counting(H)
    ct = sf.tree.map(jnp.cos, out)
    (found,) = sf.linear_transpose(_counting, H)(ct)
    np.testing.assert_allclose(found, sf.vjp(_counting, H)[1](ct)[0], rtol=1e-5)


def test_a_rule_with_a_loop_of_its_own() -> None:
    ws = jnp.stack([W, W + 1, W - 1])

    def f(x: Any) -> Any:
        return lax.fori_loop(0, 3, lambda i, c: ws[i] @ c * (i + 1) + x, x)

    g = sf.custom_jvp(f)
    g.defjvp(lambda primals, tangents: (f(*primals), f(*tangents)))
    found = sf.grad(lambda x: jnp.sum(g(x) * H))(H)
    np.testing.assert_allclose(found, sf.grad(lambda x: jnp.sum(f(x) * H))(H), rtol=1e-5)


def test_infinite_slopes_of_branches_not_taken() -> None:
    """Under vmap both branches are run, and the other one's slope at 0 is infinite."""

    def f(x: Any) -> Any:
        return lax.cond(x > 0, jnp.sqrt, lambda x: 2 * x, x)

    xs = jnp.asarray([0.0, 4.0])
    np.testing.assert_array_equal(sf.vmap(sf.grad(f))(xs), [2.0, 0.25])
    np.testing.assert_array_equal(sf.grad(lambda x: jnp.sum(sf.vmap(f)(x)))(xs), [2.0, 0.25])
    np.testing.assert_array_equal(sf.jit(sf.grad(lambda x: jnp.sum(sf.vmap(f)(x))))(xs), [2, 0.25])


def test_infinite_slopes_of_what_examples_share() -> None:
    def f(p: Any, x: Any) -> Any:
        return jnp.sum(sf.vmap(lambda p: lax.cond(p, jnp.sqrt, lambda x: 2 * x, x))(p))

    p = jnp.asarray([False, False])
    for transformed in (sf.grad(f, argnums=1), sf.jit(sf.grad(f, argnums=1))):
        assert transformed(p, jnp.float32(0)) == 4


def test_while_of_several_batches_stops_each_by_itself() -> None:
    def count(limit: Any, step: Any) -> Any:
        return lax.while_loop(lambda x: x < limit, lambda x: x + step, 0)

    limits, steps = jnp.arange(1, 5), jnp.arange(1, 4)
    found = sf.vmap(sf.vmap(count, in_axes=(0, None)), in_axes=(None, 0))(limits, steps)
    wanted = [[-(-int(n) // int(s)) * int(s) for n in limits] for s in steps]
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("length", [0, 1])
def test_loops_of_few_steps(length: int) -> None:
    xs = XS[:length]
    value, (dw, dh, dxs) = sf.value_and_grad(rnn, argnums=(0, 1, 2))(W, H, xs)
    if length == 0:
        assert value == 0
        assert not np.any(dw)
        assert not np.any(dh)
    assert dxs.shape == xs.shape
