"""fma against exact fractions, and against what XLA fuses."""

from __future__ import annotations

from fractions import Fraction

import jax
import numpy as np
import pytest

from scratchfn.random.fused import fma
from tests.random.agree import both_x64


def sample(dtype, n=2000, scale=1.0):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, n)).astype(dtype)
    z = (-x * y * (1 + scale * rng.normal(size=n))).astype(dtype)  # most digits cancel
    return x, y, z


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e-6])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rounded_once(dtype, scale):
    x, y, z = sample(dtype, scale=scale)
    exact = [
        float(Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c)))
        for a, b, c in zip(x, y, z, strict=True)
    ]
    np.testing.assert_array_equal(fma(x, y, z), np.array(exact, dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_as_xla_fuses(dtype):
    with both_x64():
        x, y, z = sample(dtype)
        fused = jax.jit(lambda x, y, z: x * y + z)
        np.testing.assert_array_equal(fma(x, y, z), fused(x, y, z))
        np.testing.assert_array_equal(fma(x, y[0], z[0]), fused(x, y[0], z[0]))


def test_what_is_not_finite():
    big, tiny = np.finfo("float64").max, np.finfo("float64").tiny
    x = np.array([np.inf, np.nan, big, big, tiny, 0.0, 1e300])
    y = np.array([1.5, 1.5, 1.5, -1.5, 1.5, 1.5, 1e-300])
    z = np.array([1.0, 1.0, 1.0, 1.0, 0.0, -0.0, 1.0])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(fma(x, y, z), x * y + z)
        half = np.array(0.5)
        np.testing.assert_array_equal(fma(x, half, z), x * half + z)
