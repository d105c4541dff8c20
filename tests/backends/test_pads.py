"""Sums of padded arrays are put end to end: the same numbers, zeros' signs included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import lax

A = np.array([[1.0, -0.0, np.nan], [0.0, -np.inf, 2.0]], np.float32)  # [2, 3]


def pad(x: Any, low: int, high: int, axis: int = 1) -> Any:
    edges = [(0, 0, 0)] * x.ndim
    edges[axis] = (low, high, 0)
    return lax.pad(x, jnp.zeros((), x.dtype), edges)


SUMS = {
    "two": lambda a: pad(a, 3, 0) + pad(a, 0, 3),
    "three": lambda a: pad(a, 3, 3) + pad(a, 6, 0) + pad(a, 0, 6),
    "with gaps": lambda a: pad(a, 1, 9) + (pad(a, 9, 1) + pad(a, 5, 5)),
    "first axis": lambda a: pad(a, 2, 0, 0) + pad(a, 0, 2, 0),
    "of sums": lambda a: (pad(a, 0, 9) + pad(a, 6, 3)) + (pad(a, 3, 6) + pad(a, 9, 0)),
    "overlapping": lambda a: pad(a, 2, 0) + pad(a, 0, 2),
    "of two axes": lambda a: pad(a, 2, 0, 0) + pad(a, 0, 2, 0) + jnp.flip(pad(a, 0, 2, 0)),
    "negative": lambda a: pad(a, -1, 4) + pad(a, 3, 0),
    "joined already": lambda a: jnp.concatenate([a, jnp.zeros_like(a)], 1) + pad(a, 3, 0),
}


@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("dtype", ["float32", "int32", "complex64"])
def test_numbers(name: str, dtype: str) -> None:
    x = np.nan_to_num(A, nan=7, neginf=-9).astype(dtype) if dtype == "int32" else A.astype(dtype)
    want, got = np.asarray(SUMS[name](x)), np.asarray(sf.jit(SUMS[name])(x))
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(np.signbit(got.real), np.signbit(want.real))


@pytest.mark.parametrize("name", ["two", "three", "of sums", "joined already"])
def test_one_line(name: str) -> None:
    source = sf.jit(SUMS[name]).lower(A).as_text("optimized")
    assert "pad" not in source and source.count("concatenate") == 1


def test_overlapping_sums_stay() -> None:
    assert sf.jit(SUMS["overlapping"]).lower(A).as_text("optimized").count("pad[") == 2


def test_the_gradient_of_cutting_up() -> None:
    """is what the parts' gradients are, end to end."""

    def f(x: Any) -> Any:
        q, k, v = x[0], x[1], x[2]
        return (jnp.sin(q) * k + v**2).sum()

    x = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    program = sf.jit(sf.grad(f))
    assert "pad" not in program.lower(x).as_text("optimized")
    np.testing.assert_allclose(program(x), sf.grad(f)(x), rtol=1e-6)
