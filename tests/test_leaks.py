"""check_tracer_leaks: what is put away is found at once, and what is not is left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import errors, lax

kept: list[Any] = []
GLOBAL: Any = None


class Holder:
    value: Any = None


holder = Holder()


def in_a_global(x: Any) -> Any:
    global GLOBAL
    GLOBAL = jnp.sin(x)
    return x


def in_a_list(x: Any) -> Any:
    kept.append(x * 2)
    return x


def on_an_object(x: Any) -> Any:
    holder.value = {"deep": [x]}
    return x


def in_a_closure(x: Any) -> Any:
    y = x * 2
    kept.append(lambda: y)
    return x


LEAKS = {
    in_a_global: "held by 'GLOBAL' of module tests.test_leaks",
    in_a_list: "held by an object of type list",
    on_an_object: "held by an object of type list",
    in_a_closure: "held by an object of type cell",
}
TRANSFORMATIONS: dict[str, Callable[[Any], Any]] = {
    "jit": sf.jit,
    "grad": sf.grad,
    "jvp": lambda f: lambda x: sf.jvp(f, (x,), (x,)),
    "vmap": lambda f: lambda x: sf.vmap(f)(jnp.ones(3)),
    "make_jaxpr": sf.make_jaxpr,
    "grad of jit": lambda f: sf.grad(sf.jit(f)),
}


@pytest.fixture(autouse=True)
def _forget() -> Any:
    yield
    global GLOBAL
    GLOBAL = holder.value = None
    kept.clear()


@pytest.mark.thinned(2)
@pytest.mark.parametrize("transformation", TRANSFORMATIONS)
@pytest.mark.parametrize("f", LEAKS, ids=lambda f: f.__name__)
def test_leaks_are_found(f: Any, transformation: str) -> None:
    with (
        sf.checking_leaks(),
        pytest.raises(errors.UnexpectedTracerError, match="Leaked traced values") as error,
    ):
        TRANSFORMATIONS[transformation](f)(1.0)
    assert LEAKS[f] in str(error.value)
    assert f"({f.__name__})" in str(error.value) or f is on_an_object  # the line that made it


@pytest.mark.parametrize("transformation", TRANSFORMATIONS)
def test_without_the_flag_nothing_is_said(transformation: str) -> None:
    TRANSFORMATIONS[transformation](in_a_list)(1.0)


def nested(x: Any) -> Any:
    return sf.grad(lambda y: sf.jit(lambda z: jnp.sin(z) * y)(y) * x)(x).sum()


def with_aux(x: Any) -> Any:
    (value, aux), grads = sf.value_and_grad(lambda y: (jnp.sin(y), {"y": y}), has_aux=True)(x)
    return value + aux["y"] + grads


def looped(x: Any) -> Any:
    total, ys = lax.scan(lambda c, y: (c * y + x, c), x, jnp.ones(3))
    return lax.cond(total > 0, lambda: total, lambda: ys.sum())


def pulled(x: Any) -> Any:
    y, pull = sf.vjp(lambda z: z * x, x)
    return pull(y)[0]


def kept_as_state(x: Any) -> Any:
    state = Holder()  # what dies with the call has not leaked, even if it refers to itself
    state.value = [x, state]
    return x


@pytest.mark.parametrize("f", [nested, with_aux, looped, pulled, kept_as_state])
def test_what_does_not_leak(f: Any) -> None:
    with sf.checking_leaks():
        f(2.0)
        sf.jit(f)(2.0)
        sf.grad(f)(2.0)
        sf.jit(sf.vmap(sf.grad(sf.jit(f))))(jnp.ones(3))
        sf.hessian(f)(2.0)


def test_a_function_that_raises_is_not_said_to_leak() -> None:
    with sf.checking_leaks(), pytest.raises(ZeroDivisionError):
        sf.jit(lambda x: 1 // 0)(1.0)
    sf.jit(in_a_list)(1.0)  # and the flag is off again
