"""Buffers lie as they are read: merging heads copies nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn.backends.numpy.memory import plan
from scratchfn.backends.numpy.simplify import simplify

P = np.linspace(-1, 1, 2 * 3 * 4 * 4, dtype=np.float32).reshape(2, 3, 4, 4)
V = np.linspace(-2, 1, 2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
W = np.linspace(-1, 2, 15 * 6, dtype=np.float32).reshape(15, 6)


def in_order(f: Any, *args: Any) -> int:
    program = simplify(sf.make_jaxpr(f)(*args))
    return len(plan(program.jaxpr).orders)


def test_merged_heads_are_a_view() -> None:
    def f(p: Any, v: Any, w: Any) -> Any:
        return (p @ v).transpose(0, 2, 1, 3).reshape(2, 4, 15) @ w

    assert in_order(f, P, V, W) == 1
    assert ".copy" not in sf.jit(f).lower(P, V, W).as_text("numpy")
    np.testing.assert_allclose(sf.jit(f)(P, V, W), f(P, V, W), rtol=1e-5)


def test_parts_that_are_joined() -> None:
    def f(p: Any, v: Any, w: Any) -> Any:
        both = jnp.stack([jnp.sin(p), jnp.cos(p)])  # [2, b, h, t, s]
        return both.transpose(1, 3, 0, 2, 4).reshape(2, 4, 24) @ w[:, :4].repeat(2, 0)[:24]

    np.testing.assert_allclose(sf.jit(f)(P, V, W), f(P, V, W), rtol=1e-5)


def test_what_is_read_both_ways_lies_as_it_is() -> None:
    def f(p: Any, v: Any, w: Any) -> Any:
        y = p @ v
        return y.transpose(0, 2, 1, 3).reshape(2, 4, 15) @ w, jnp.sin(y) @ v.swapaxes(-1, -2)

    assert in_order(f, P, V, W) == 0
    for a, b in zip(sf.jit(f)(P, V, W), f(P, V, W), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_results_lie_as_they_are() -> None:
    def f(p: Any, v: Any) -> Any:
        y = p @ v
        return y, y.transpose(0, 2, 1, 3)

    assert in_order(f, P, V) == 0
