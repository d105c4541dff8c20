"""log and log1p to the bit as XLA compiles them."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from jax import lax

from scratchfn.backends.numpy.kernels import fused_log


@pytest.mark.parametrize("low, high", [(1e-3, 1.0), (0.4, 3.0), (1.0, 1e6), (1e-30, 1e-20)])
def test_log(low, high):
    x = np.random.default_rng(0).uniform(low, high, 50_000).astype(np.float32)
    np.testing.assert_array_equal(fused_log.log(x), jax.jit(lax.log)(x))


@pytest.mark.parametrize(
    "low, high", [(-0.999, 0.0), (-0.4142, 0.4142), (0.3, 50.0), (-1e-6, 1e-6)]
)
def test_log1p(low, high):
    x = np.random.default_rng(1).uniform(low, high, 50_000).astype(np.float32)
    np.testing.assert_array_equal(fused_log.log1p(x), jax.jit(lax.log1p)(x))
