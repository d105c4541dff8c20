"""Operations that are given known values and recorded ones: what depends on known ones alone is
known as well, whatever the operation holds. A custom_jvp rule that differentiates again meets it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

import scratchfn as sf

X = np.array([0.3, -0.7, 1.1], np.float32)


def _scan(lib: Any, x: Any) -> Any:
    def step(c: Any, r: Any) -> Any:
        return lib.numpy.tanh(c + r * x), c * r

    c, ys = lib.lax.scan(step, x, lib.numpy.sin(lib.numpy.arange(4.0)))
    return ys.sum(0) * c


def _cond(lib: Any, x: Any) -> Any:
    return lib.lax.cond(x[0] > 0, lambda a: a * lib.numpy.sin(a), lambda a: a, x)


def _cond_in_cond(lib: Any, x: Any) -> Any:
    def inner(a: Any) -> Any:
        return lib.lax.switch(1, [lib.numpy.cos, lambda a: a**3], lib.numpy.sin(a)) * a

    return lib.lax.cond(x[1] < 0, lambda a: inner(a) ** 2, lambda a: a, x)


def _while(lib: Any, x: Any) -> Any:
    return lib.lax.while_loop(lambda c: lib.numpy.sum(c * c) > 0.5, lambda c: 0.7 * c * c, x)


def _checkpoint(lib: Any, x: Any) -> Any:
    return lib.checkpoint(lambda a: lib.numpy.sin(lib.numpy.sin(a)) * a)(x)


def _checkpoint_of_loops(lib: Any, x: Any) -> Any:
    return lib.checkpoint(lambda a: _cond(lib, _scan(lib, a)))(x)


def _jit(lib: Any, x: Any) -> Any:
    return lib.jit(lambda a: _cond(lib, _scan(lib, a)) ** 2)(x)


def _scan_of_cond(lib: Any, x: Any) -> Any:
    def step(c: Any, i: Any) -> Any:
        return lib.lax.cond(i % 2 == 0, lambda: lib.numpy.sin(c) * c, lambda: _scan(lib, c)), c

    c, ys = lib.lax.scan(step, x, np.arange(3))
    return c * ys.sum(0)


FORMS = [
    _scan, _cond, _cond_in_cond, _while, _checkpoint, _checkpoint_of_loops, _jit, _scan_of_cond,
]  # fmt: skip


def _ruled(lib: Any, form: Callable[..., Any]) -> Any:
    """A function whose rule asks for the derivative of the form, and uses its results, which are
    known, in ways that are not linear."""
    f = lib.custom_jvp(lambda x: form(lib, x))

    @f.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        y, dy = lib.jvp(lambda x: lib.numpy.sin(form(lib, x) ** 2), primals, tangents)
        return f(*primals), dy * y * y

    return lambda x: f(lib.numpy.sin(x)) * x


def _ways(lib: Any) -> dict[str, Callable[[Any], Any]]:
    return {
        "linearize": lambda f: lambda x: lib.linearize(f, x)[1](lib.numpy.cos(x)),
        "grad": lambda f: lib.grad(lambda x: lib.numpy.sum(f(x))),
        "jit of grad": lambda f: lib.jit(lib.grad(lambda x: lib.numpy.sum(f(x)))),
        "vmap of grad": lambda f: (
            lambda x: lib.vmap(lib.grad(lambda x: lib.numpy.sum(f(x))))(lib.numpy.stack([x, -x]))
        ),
    }


@pytest.mark.thinned(2)
@pytest.mark.parametrize("way", _ways(sf))
@pytest.mark.parametrize("form", FORMS)
def test_a_rule_that_differentiates_a_program(form: Any, way: str) -> None:
    if form is _while and way != "linearize":
        with pytest.raises(ValueError, match="reverse-mode differentiation of lax"):
            _ways(sf)[way](_ruled(sf, form))(X)
        return
    got = _ways(sf)[way](_ruled(sf, form))(X)
    want = _ways(jax)[way](_ruled(jax, form))(X)
    np.testing.assert_allclose(got, want, rtol=2e-5, atol=1e-6)


def _with_both(run: Callable[[Any], Any]) -> tuple[Any, Any]:
    return run(sf), run(jax)


def _by_hand(lib: Any) -> Any:
    """A rule with a loop of its own, which carries value and tangent side by side."""
    f = lib.custom_jvp(lambda x: x)

    @f.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        def body(i: Any, carry: Any) -> Any:
            y, dy = carry
            return lib.numpy.sin(y) + i, lib.numpy.cos(y) * dy

        (x,), (dx,) = primals, tangents
        y, dy = lib.lax.fori_loop(0, 3, body, (x, dx))
        return y, dy * lib.numpy.exp(y)

    return f


def test_a_rule_that_carries_values_beside_tangents() -> None:
    got, want = _with_both(lambda lib: lib.value_and_grad(lambda x: _by_hand(lib)(x).sum())(X))
    np.testing.assert_allclose(got[0], want[0], rtol=1e-6)
    np.testing.assert_allclose(got[1], want[1], rtol=1e-6)


def _linear(lib: Any, x: Any) -> Any:
    """Linear in x: loops and branches carry it beside numbers that grow, which scale it."""

    def step(carry: Any, i: Any) -> Any:
        scale, y = carry
        scale, y = lib.lax.cond(i > 1, lambda: (scale**2, y * scale), lambda: (scale, -y))
        return (scale + 1, y), scale

    (scale, y), scales = lib.lax.scan(step, (np.float32(0.5), x), np.arange(4))
    return y * scale * scales.sum() ** 2


@pytest.mark.parametrize("around", [lambda lib, f: f, lambda lib, f: lib.checkpoint(f)])
def test_the_transpose_of_values_carried_beside_others(around: Any) -> None:
    got, want = _with_both(
        lambda lib: lib.linear_transpose(around(lib, lambda x: _linear(lib, x)), X)(X)[0]
    )
    np.testing.assert_allclose(got, want, rtol=1e-5)


def test_what_is_known_is_computed_once() -> None:
    calls = []

    def counted(x: Any) -> Any:
        sf.debug.callback(lambda: calls.append(1))
        return sf.numpy.sin(x)

    @sf.custom_jvp
    def f(x: Any) -> Any:
        return x

    @f.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        def step(c: Any, _: Any) -> Any:
            return counted(c), c

        (c, ys), (dc, dys) = sf.jvp(
            lambda x: sf.lax.scan(step, x, None, length=3), primals, tangents
        )
        return c * ys[0], dc * c + dys.sum(0)

    sf.grad(lambda x: f(x))(0.3)
    assert len(calls) == 3
