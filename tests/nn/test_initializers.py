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


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg", "fan_geo_avg"])
@pytest.mark.parametrize("distribution", ["truncated_normal", "normal", "uniform"])
def test_variance_scaling(mode: str, distribution: str) -> None:
    axes = {"in_axis": (0, 1), "out_axis": 3, "batch_axis": 2}
    for options in [{}, axes]:
        same(
            ours.variance_scaling(1.5, mode, distribution, **options)(KEY, (3, 4, 5, 6)),
            theirs.variance_scaling(1.5, mode, distribution, **options)(JAX_KEY, (3, 4, 5, 6)),
        )


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
