"""What later loops make again from what is kept is not written to memory for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn.backends.numpy import regions
from scratchfn.backends.numpy.regions import Region, schedule
from scratchfn.backends.numpy.simplify import simplify


@pytest.fixture(autouse=True)
def small_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regions, "LARGE", 64)
    monkeypatch.setattr(regions, "SMALL", 16)


X = np.linspace(-1, 1, 192, dtype=np.float32).reshape(24, 8)
W = np.linspace(-1, 1, 64, dtype=np.float32).reshape(8, 8)


def found(f: Any, *args: Any) -> list[Region]:
    program = simplify(sf.make_jaxpr(f)(*args))
    return [step for step in schedule(program.jaxpr) if isinstance(step, Region)]


def test_a_derivative_is_made_of_what_is_kept() -> None:
    def loss(x: Any, w: Any) -> Any:
        return (jnp.tanh(x * 2) @ w).sum()

    first, second = found(sf.grad(loss), X, W)
    assert len(first.outvars) == 1  # the tanh, from which its derivative is made
    assert [e.primitive.name for e in second.jaxpr.eqns].count("sub") == 1
    np.testing.assert_allclose(sf.jit(sf.grad(loss))(X, W), sf.grad(loss)(X, W), rtol=1e-6)


def test_results_are_kept() -> None:
    def f(x: Any, w: Any) -> Any:
        t = jnp.tanh(x * 2)
        u = 1 - t
        return u, jnp.sin((t @ w) * u) * u

    first, _ = found(f, X, W)
    assert len(first.outvars) == 2
    for a, b in zip(sf.jit(f)(X, W), f(X, W), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_what_is_dear_is_kept() -> None:
    def f(x: Any, w: Any) -> Any:
        t = jnp.tanh(x * 2)
        return jnp.sin((t @ w) * jnp.exp(t)) * t

    first, _ = found(f, X, W)
    assert len(first.outvars) == 2  # the tanh and its exponential


def test_what_a_product_reads_is_kept() -> None:
    def f(x: Any, w: Any) -> Any:
        t = jnp.tanh(x * 2)
        u = 1 - t
        return jnp.sin((t @ w) * u) + u @ w * 2

    first, *_ = found(f, X, W)
    assert len(first.outvars) == 2


def test_a_chain_is_made_from_its_beginning() -> None:
    def f(x: Any, w: Any) -> Any:
        t = jnp.tanh(x * 2)
        u = 0.5 * (1 + t)
        return jnp.sin((t @ w) * u) * t

    first, _ = found(f, X, W)
    assert len(first.outvars) == 1
    np.testing.assert_allclose(sf.jit(f)(X, W), f(X, W), rtol=1e-6)
