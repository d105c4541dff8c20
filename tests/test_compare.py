"""The comparison with JAX tells small differences, and sees the large."""

from __future__ import annotations

import sys

import pytest

import scratchfn.numpy as jnp
from scratchfn import custom_jvp, jit, nn, random
from scratchfn.backends import jax as backend
from scratchfn.compare import compare_gradient

X = random.normal(random.key(0), (5, 4))
PARAMS = {"w": random.normal(random.key(1), (4, 3)), "b": jnp.zeros(3)}


def loss(params, x):
    return jnp.mean(jit(nn.relu)(x @ params["w"] + params["b"]) ** 2)


def test_the_same_mathematics() -> None:
    difference = compare_gradient(loss, PARAMS, X)
    assert difference.value < 1e-6
    assert difference.grad < 1e-6 < difference.largest_grad


def test_custom_derivatives_go_along() -> None:
    """At relu's corner JAX, left alone, would give the half that a maximum has."""
    zeros = {"w": jnp.zeros((4, 3)), "b": jnp.zeros(3)}
    difference = compare_gradient(lambda p, x: jnp.sum(nn.relu(x @ p["w"] + p["b"])), zeros, X)
    assert difference == (0, 0, 0)


def test_a_wrong_gradient_shows() -> None:
    @custom_jvp
    def f(x):
        return x

    # A rule that depends on who asks: JAX stages it with another scale than we differentiated by.
    scales = iter([1.0, 3.0, 3.0])
    f.defjvps(lambda dx, ans, x: next(scales) * dx)
    assert compare_gradient(f, jnp.float32(1.0)).grad == pytest.approx(2.0)


def test_without_jax(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "jax", None)
    backend.library.cache_clear()
    with pytest.raises(ModuleNotFoundError, match=r'(?s)jax.*pip install "scratchfn\[jax\]"'):
        compare_gradient(loss, PARAMS, X)
    backend.library.cache_clear()
