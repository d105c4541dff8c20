"""erf_inv against XLA's."""

import jax
import numpy as np
import pytest

from scratchfn.backends.numpy.kernels.erf_inv import erf_inv
from scratchfn.backends.numpy.kernels.fused import TILE


def ulps_apart(x):
    with np.errstate(all="ignore"):
        got = erf_inv(x)
    want = np.asarray(jax.jit(jax.lax.erf_inv)(x))
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    np.testing.assert_array_equal(np.isinf(got), np.isinf(want))
    number = ~np.isnan(want)
    np.testing.assert_array_equal(np.signbit(got[number]), np.signbit(want[number]))
    usual = np.isfinite(want)
    apart = np.abs(got[usual] - want[usual]) / np.spacing(np.abs(want[usual]))
    return np.max(apart, initial=0)


@pytest.mark.parametrize("dtype, ulps", [("float32", 0), ("float64", 32)])
def test_as_xla(dtype, ulps):  # 32: see the kernel on XLA's log1p
    with jax.enable_x64(True):
        bits = np.finfo(dtype).nmant + 1
        near_1 = 1 - 2.0 ** -np.arange(1, bits)
        special = [0, -0.0, 1, -1, 2, np.inf, np.nan, 1e-30]
        assert ulps_apart(np.array(special, dtype)) <= ulps
        assert ulps_apart(np.concatenate([near_1, -near_1]).astype(dtype)) <= ulps
        assert ulps_apart(np.linspace(-1, 1, 2 * TILE + 5).astype(dtype)) <= ulps


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 0), (3, 5), (2, TILE)])
def test_shapes(shape):
    x = np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")
    before = x.copy()
    assert ulps_apart(np.asarray(x)) <= 3
    np.testing.assert_array_equal(x, before)
