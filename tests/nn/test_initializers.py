"""Initializers draw what jax.nn.initializers draws."""

from __future__ import annotations

import jax
import jax.nn.initializers as theirs
import numpy as np
import pytest

import scratchfn.nn.initializers as ours
import scratchfn.numpy as jnp
from scratchfn import random

SHAPES = [(64, 10), (3, 3, 8, 16)]
KEY, JAX_KEY = random.key(3), jax.random.key(3)


def same(a, b) -> None:
    assert a.dtype == b.dtype
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)  # erf_inv differs in its last bits


@pytest.mark.thinned(2)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", [n for n in ours.__all__ if n.split("_")[0] in
                                  ("glorot", "he", "lecun", "xavier", "kaiming")])  # fmt: skip
def test_scaled_by_fan(name: str, shape) -> None:
    same(getattr(ours, name)()(KEY, shape), getattr(theirs, name)()(JAX_KEY, shape))


def test_in_bfloat16() -> None:
    x = ours.he_normal(dtype=jnp.bfloat16)(KEY, (64, 10))
    y = theirs.he_normal(dtype=jnp.bfloat16)(JAX_KEY, (64, 10))
    assert x.dtype == y.dtype
    # It has 8 bits, and the last may be rounded the other way in a product.
    np.testing.assert_allclose(np.asarray(x, "f4"), np.asarray(y, "f4"), rtol=2**-7)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg", "fan_geo_avg"])
@pytest.mark.parametrize("distribution", ["truncated_normal", "normal", "uniform"])
def test_variance_scaling(mode: str, distribution: str) -> None:
    axes = {"in_axis": (0, 1), "out_axis": 3, "batch_axis": 2}
    for options in [{}, axes]:
        same(
            ours.variance_scaling(1.5, mode, distribution, **options)(KEY, (3, 4, 5, 6)),
            theirs.variance_scaling(1.5, mode, distribution, **options)(JAX_KEY, (3, 4, 5, 6)),
        )


@pytest.mark.parametrize("distribution", ["truncated_normal", "normal", "uniform"])
def test_complex_weights(distribution: str) -> None:
    args = 2.0, "fan_in", distribution
    draws = ours.variance_scaling(*args)(KEY, (40, 50), "complex64")
    same(draws, theirs.variance_scaling(*args)(JAX_KEY, (40, 50), "complex64"))
    assert abs(np.mean(np.abs(draws) ** 2) * 40 / 2 - 1) < 0.05
    assert abs(np.mean(draws)) < 0.02


@pytest.mark.parametrize("name", ["uniform", "normal", "truncated_normal", "constant"])
def test_of_one_scale(name: str) -> None:
    same(getattr(ours, name)(0.3)(KEY, (4, 5)), getattr(theirs, name)(0.3)(JAX_KEY, (4, 5)))


def test_zeros_and_ones() -> None:
    same(ours.zeros(KEY, (2, 3)), theirs.zeros(JAX_KEY, (2, 3)))
    same(ours.ones(KEY, (2, 3), jnp.int8), theirs.ones(JAX_KEY, (2, 3), jnp.int8))


def test_what_cannot_be_scaled() -> None:
    with pytest.raises(ValueError, match=r"the shape \(5,\)"):
        ours.he_normal()(KEY, (5,))
    with pytest.raises(ValueError, match=r"mode='fan'[^`]*'fan_in', 'fan_out'"):
        ours.variance_scaling(1.0, "fan", "normal")(KEY, (5, 5))
    with pytest.raises(ValueError, match="distribution='cauchy'"):
        ours.variance_scaling(1.0, "fan_in", "cauchy")(KEY, (5, 5))


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 3, 4), (0, 4)])
def test_orthogonal(shape) -> None:
    for options in ({}, {"scale": 2.0, "column_axis": 0}):
        x, y = (m.orthogonal(**options)(k, shape) for m, k in ((ours, KEY), (theirs, JAX_KEY)))
        assert x.dtype == y.dtype
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6)
    square = np.asarray(ours.orthogonal()(KEY, (6, 6)))
    np.testing.assert_allclose(square @ square.T, np.eye(6), atol=1e-6)


@pytest.mark.parametrize("shape", [(3, 2, 4), (2, 3, 3, 5), (1, 2, 3, 4, 4)])
def test_delta_orthogonal(shape) -> None:
    x, y = (m.delta_orthogonal(1.5)(k, shape) for m, k in ((ours, KEY), (theirs, JAX_KEY)))
    assert x.dtype == y.dtype
    np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6)


def test_what_cannot_be_orthogonal() -> None:
    with pytest.raises(ValueError, match="a matrix has two or more"):
        ours.orthogonal()(KEY, (5,))
    for shape in ((3, 4), (3, 5, 4)):
        with pytest.raises(ValueError, match="kernels"):
            ours.delta_orthogonal()(KEY, shape)
