"""How often and on what bodies are traced, and how they sit among other transformations."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import lax, random
from scratchfn.config import setting

XS = jnp.arange(4.0)


class Counted:
    """Counts how often its functions run, that is, are traced."""

    def __init__(self) -> None:
        self.times = 0

    def scan(self) -> Any:
        def step(c: Any, x: Any) -> Any:
            self.times += 1
            return jnp.sin(c) + x, c

        return step

    def loop(self) -> Any:
        def body(i: Any, c: Any) -> Any:
            self.times += 1
            return c + i

        return body


def test_a_body_is_traced_once() -> None:
    counted = Counted()
    step = counted.scan()
    for _ in range(3):
        lax.scan(step, 0.0, XS)
        lax.scan(step, 0.0, XS + 1, reverse=True)
    assert counted.times == 1
    lax.scan(step, jnp.float32(0), XS)  # strong where the first was weak
    lax.scan(step, 0.0, jnp.ones((4, 2)).sum(1).astype(jnp.float16))
    assert counted.times > 1


def test_a_body_is_traced_once_under_grad() -> None:
    counted = Counted()
    step = counted.scan()
    f = sf.grad(lambda x: lax.scan(step, x, XS)[0])
    assert f(0.1) == f(0.1)
    assert counted.times == 1


def test_fori_map_and_while_remember_too() -> None:
    counted = Counted()
    body = counted.loop()
    for n in (2, 3, 4):
        lax.fori_loop(0, n, body, 0.0)
    assert counted.times == 1
    for n in (2, 3, 4):
        sf.jit(lambda n: lax.fori_loop(0, n, body, 0.0))(n)
    assert counted.times == 2
    step = counted.scan()
    for _ in range(3):
        lax.map(lambda x: x, XS)
        lax.cond(True, step, step, 0.0, 1.0)
    assert counted.times == 3


def test_flags_are_part_of_what_is_remembered() -> None:
    step = lambda c, x: (c + jnp.arange(2).sum(), None)  # noqa: E731
    assert lax.scan(step, 0, None, length=1)[0].dtype == np.int32
    with sf.enable_x64(True):
        assert lax.scan(step, 0, None, length=1)[0].dtype == np.int64


def test_a_body_that_closes_over_traced_values_is_traced_anew() -> None:
    def f(w: Any) -> Any:
        def step(c: Any, x: Any) -> Any:
            return c * w + x, None

        return lax.scan(step, w, XS)[0]

    assert sf.grad(f)(2.0) != sf.grad(f)(3.0)
    np.testing.assert_allclose(sf.grad(f)(2.0), 5 * 2.0**4 + 2 * 2.0 + 2)  # of w^5 + w^2 + 2w + 3


def test_what_is_remembered_dies_with_the_function() -> None:
    def run() -> list[Any]:
        big = jnp.ones(1000)

        def step(c: Any, x: Any) -> Any:
            return c + big.sum(), x

        lax.scan(step, 0.0, XS)
        sf.grad(lambda c: lax.scan(step, c, XS)[0])(0.0)
        lax.cond(True, step, step, 0.0, 1.0)
        return [weakref.ref(step), weakref.ref(big)]

    gone = run()
    gc.collect()
    assert [ref() for ref in gone] == [None, None]


def test_disable_jit_runs_python() -> None:
    seen = []

    def step(c: Any, x: Any) -> Any:
        seen.append(float(x))
        return c + x if c < 3 else c, {"c": c, "none": None}

    with sf.disable_jit():
        carry, ys = lax.scan(step, 0.0, XS, reverse=True)
        assert lax.while_loop(lambda c: c < 5, lambda c: c + 2, 0) == 6
        assert lax.switch(7, [lambda: 1, lambda: 2]) == 2
        assert lax.while_loop(lambda c: c < 5, lambda c: c + 2, 9).dtype == np.int32
        assert list(lax.map(lambda x: x * 2 if x > 1 else x, XS)) == [0, 1, 4, 6]
        # Python cannot choose for several examples at once.
        grow = sf.vmap(lambda x: lax.while_loop(lambda c: c < 5, lambda c: c + x, x))
        assert list(grow(jnp.arange(1.0, 4.0))) == [5, 6, 6]
        assert list(sf.vmap(lambda x: lax.cond(x > 1, lambda: 1, lambda: 0))(XS)) == [0, 0, 1, 1]
        pick = sf.vmap(lambda i: lax.switch(i, [lambda: 7, lambda: 8]))
        assert list(pick(jnp.arange(3))) == [7, 8, 8]
    assert seen == [3, 2, 1, 0]
    assert carry == 3
    np.testing.assert_array_equal(ys["c"], [3, 3, 3, 0])


def test_types_of_carries() -> None:
    """Weakness is the body's to give; a weak start value takes the body's dtype."""
    strong, weak = jnp.float32(0), 0.0
    carry, y = lax.scan(lambda c, x: (1.0, 2.0), strong, None, length=2)
    assert carry.weak_type
    assert y.weak_type
    assert not lax.scan(lambda c, x: (c * strong, c), weak, None, length=2)[0].weak_type
    assert lax.scan(lambda c, x: (c * strong, c), 0, None, length=2)[0].dtype == np.float32
    assert lax.while_loop(lambda c: c < 0, lambda c: c * strong, 0).dtype == np.float32
    assert not lax.cond(True, lambda: 1.0, lambda: strong).weak_type
    assert lax.cond(True, lambda: 1.0, lambda: 2.0).weak_type


def test_trees_of_any_kind() -> None:
    def step(carry: Any, x: Any) -> Any:
        return {"a": carry["a"] + x["in"][0], "none": None}, (None, [x["in"][1]])

    xs = {"in": (XS, jnp.ones((4, 2))), "none": None}
    carry, (none, [y]) = lax.scan(step, {"a": 0.0, "none": None}, xs)
    assert carry["none"] is None
    assert none is None
    assert carry["a"] == 6
    assert y.shape == (4, 2)
    assert lax.scan(lambda c, x: (c, x), (), XS)[0] == ()
    assert lax.cond(True, lambda: None, lambda: None) is None
    assert lax.while_loop(lambda c: False, lambda c: c, ()) == ()


def test_old_forms_of_cond() -> None:
    assert lax.cond(True, 1, lambda x: x + 1, 2, lambda x: x + 2) == 2
    assert lax.cond(False, 1, lambda x: x + 1, 2, lambda x: x + 2) == 4
    assert lax.cond(True, lambda x: x + 1, lambda x: x + 2, operand=3) == 4
    assert lax.cond(True, lambda x: x, lambda x: x, operand=None) is None
    assert lax.switch(-5, [lambda x: x, lambda x: -x], 3) == 3


def test_keys_in_loops() -> None:
    def step(key: Any, _: Any) -> Any:
        key, now = random.split(key)
        return key, random.normal(now, (2,))

    key = random.key(0)
    _, ys = lax.scan(step, key, None, length=3)
    for y in ys:
        key, now = random.split(key)
        np.testing.assert_array_equal(y, random.normal(now, (2,)))
    keys = random.split(random.key(1), 3)
    wanted = [random.uniform(k) for k in keys]
    np.testing.assert_array_equal(lax.map(random.uniform, keys), wanted)
    np.testing.assert_array_equal(sf.jit(lambda ks: lax.map(random.uniform, ks))(keys), wanted)
    backwards = lax.scan(lambda c, k: (c, random.uniform(k)), 0, keys, reverse=True)[1]
    np.testing.assert_array_equal(backwards, wanted)
    chosen = sf.vmap(lambda p, k: lax.cond(p, lambda: k, lambda: random.fold_in(k, 1)))(
        jnp.asarray([True, False, True]), keys
    )
    np.testing.assert_array_equal(random.key_data(chosen)[0], random.key_data(keys)[0])


def test_collectives_in_loops() -> None:
    def f(x: Any) -> Any:
        def step(c: Any, _: Any) -> Any:
            return c + lax.psum(x, "i"), lax.axis_index("i")

        c, ys = lax.scan(step, 0.0, None, length=3)
        return c, ys, lax.cond(x > 1, lambda: lax.pmax(x, "i"), lambda: x)

    c, ys, m = sf.vmap(f, axis_name="i")(XS)
    np.testing.assert_array_equal(c, [18] * 4)
    np.testing.assert_array_equal(ys, np.repeat(np.arange(4)[:, None], 3, 1))
    np.testing.assert_array_equal(m, [0, 1, 3, 3])


def test_derivatives_inside_of_loops() -> None:
    """Newton's method for a cube root, whose derivative in turn is known."""

    def root(a: Any) -> Any:
        f = lambda x: x**3 - a  # noqa: E731

        def step(_: Any, x: Any) -> Any:
            return x - f(x) / sf.grad(f)(x)

        return lax.fori_loop(0, 20, step, jnp.float32(1.0))

    np.testing.assert_allclose(root(8.0), 2.0, rtol=1e-6)
    np.testing.assert_allclose(sf.grad(root)(8.0), 1 / 12, rtol=1e-5)
    np.testing.assert_allclose(sf.vmap(sf.grad(root))(jnp.asarray([8.0, 27.0])), [1 / 12, 1 / 27])
    np.testing.assert_allclose(sf.jit(sf.grad(sf.grad(root)))(8.0), -2 / 9 * 8.0 ** (-5 / 3), 1e-4)


def test_custom_rules_in_loops() -> None:
    @sf.custom_jvp
    def double(x: Any) -> Any:
        return 2 * x

    double.defjvps(lambda t, ans, x: 10 * t)

    def f(x: Any) -> Any:
        return lax.fori_loop(0, 3, lambda i, c: double(c), x)

    for g in (f, sf.jit(f), lambda x: sf.vmap(f)(x[None])[0]):
        assert sf.grad(g)(jnp.float32(1)) == 1000


@pytest.mark.parametrize("wrap", [sf.jit, lambda f: f], ids=["jit", "eager"])
def test_loops_of_no_steps(wrap: Any) -> None:
    carry, ys = wrap(lambda c, xs: lax.scan(lambda c, x: (c + x, c), c, xs))(1.0, XS[:0])
    assert carry == 1
    assert (ys.shape, ys.dtype) == ((0,), np.float32)
    assert wrap(lambda xs: lax.map(jnp.sin, xs))(XS[:0]).shape == (0,)


def test_a_jitted_function_named_as_an_operation() -> None:
    @sf.jit
    def cond_branches(p: Any, x: Any) -> Any:
        return lax.cond(p, jnp.sin, jnp.cos, x)

    assert cond_branches(True, 0.0) == 0


def _program_of(f: Any, *args: Any) -> Any:
    """The body of the scan in a program."""
    eqns = sf.make_jaxpr(f)(*args).eqns
    return next(eqn for eqn in eqns if eqn.primitive.name == "scan").params["jaxpr"]


def test_equal_programs_of_one_code_are_one() -> None:
    """So that what is derived and compiled of a body that closes over a traced value is found."""

    def f(w: Any) -> Any:
        return lax.scan(lambda c, x: (c * w + jnp.sin(x), None), w, XS)[0]

    def g(w: Any, n: Any) -> Any:
        return lax.scan(lambda c, x: (c * w + n, None), w, XS)[0]

    def h(w: Any) -> Any:
        return lax.scan(lambda c, x: (c * w + jnp.sin(x), None), w, XS)[0]

    assert _program_of(f, 2.0) is _program_of(f, 3.0)
    assert _program_of(f, 2.0) is not _program_of(f, jnp.float32(2))  # weak, strong
    assert _program_of(f, 2.0) is not _program_of(h, 2.0)
    assert _program_of(lambda w: g(w, 1.0), 2.0) is not _program_of(lambda w: g(w, 2.0), 2.0)
    assert f(2.0) == h(2.0)
    with setting("numpy_rank_promotion", "raise"):
        raised = _program_of(f, 2.0)
    assert raised is not _program_of(f, 2.0)


def test_programs_with_rules_of_the_user_are_their_own() -> None:
    def f(w: Any, slope: float) -> Any:
        double = sf.custom_jvp(lambda x: 2 * x)
        double.defjvps(lambda t, ans, x: slope * t)
        return lax.fori_loop(0, 2, lambda i, c: double(c) * w, w)

    assert sf.grad(f)(1.0, 3.0) == 2 * 2 * 1 + 2 * 3 + 3 * 3
    assert sf.grad(f)(1.0, 5.0) == 2 * 2 * 1 + 2 * 5 + 5 * 5
