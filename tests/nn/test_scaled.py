"""Block-scaled products against the same products unrounded, and against rounding by ml_dtypes.

JAX has them on certain GPUs alone; there the documented formula is the reference.
"""

from __future__ import annotations

from typing import Any

import jax
import ml_dtypes
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import nn
from scratchfn.nn.scaled import quantize

NUMBERS = (((2,), (2,)), ((0,), (0,)))


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("float32")


def test_scaled_matmul_is_the_documented_formula() -> None:
    a, b = (draw(2, n, 64).astype(ml_dtypes.float8_e4m3fn) for n in (4, 5))
    a_scales = np.exp2(np.arange(16).reshape(2, 4, 2) - 8).astype(ml_dtypes.float8_e8m0fnu)
    b_scales = np.exp2(np.arange(40).reshape(2, 5, 4) - 20).astype(ml_dtypes.float8_e8m0fnu)
    out = nn.scaled_matmul(a, b, a_scales, b_scales)
    wide = [x.astype("float64") for x in (a, a_scales, b, b_scales)]
    want = np.einsum(
        "bmk,bnk->bmn", wide[0] * np.repeat(wide[1], 32, 2), wide[2] * np.repeat(wide[3], 16, 2)
    )
    assert out.dtype == jnp.float32
    np.testing.assert_allclose(out, want, rtol=1e-5, atol=1e-5 * abs(want).max())
    assert nn.scaled_matmul(a, b, a_scales, b_scales, jnp.bfloat16).dtype == jnp.bfloat16


@pytest.mark.parametrize(("mode", "block", "bits"), [("mxfp8", 32, 3), ("nvfp4", 16, 1)])
def test_blocks_are_rounded_to_the_narrow_type(mode: Any, block: int, bits: int) -> None:
    x = draw(2, 3, 64) * np.exp2(np.arange(-3, 3).reshape(2, 3, 1)).astype("float32")
    q, scales = quantize(x, nn.get_scaled_dot_general_config(mode))
    assert scales.shape == (2, 3, 64 // block)
    back = np.asarray(q.astype("float32")) * np.repeat(
        np.asarray(scales.astype("float32")), block, 2
    )
    greatest = np.repeat(abs(x).reshape(2, 3, -1, block).max(-1), block, 2)
    assert np.all(abs(back - x) <= np.maximum(2.0 ** -(bits + 1) * abs(x), greatest / 10))
    if mode == "mxfp8":
        powers = np.log2(np.asarray(scales.astype("float32")))
        np.testing.assert_array_equal(powers, np.round(powers))
        assert float(abs(q.astype("float32")).max()) <= 448


def test_nothing_and_zeros() -> None:
    config = nn.get_scaled_dot_general_config("mxfp8")
    q, scales = quantize(jnp.zeros((1, 2, 32)), config)
    assert not np.any(np.asarray(q.astype("float32")))
    assert np.all(np.isfinite(np.asarray(scales.astype("float32"))))
    out = nn.scaled_dot_general(
        jnp.zeros((0, 3, 32)), jnp.zeros((0, 4, 32)), NUMBERS, configs=[config] * 3
    )
    assert out.shape == (0, 3, 4)
    nothing = nn.scaled_dot_general(
        jnp.zeros((2, 3, 0)), jnp.zeros((2, 4, 0)), NUMBERS, configs=[config] * 3
    )
    np.testing.assert_array_equal(nothing, np.zeros((2, 3, 4)))


@pytest.mark.parametrize(("mode", "error"), [("mxfp8", 0.04), ("nvfp4", 0.2)])
def test_scaled_dot_general_is_near_the_product(mode: Any, error: float) -> None:
    configs = [nn.get_scaled_dot_general_config(mode)] * 3
    lhs, rhs = draw(3, 8, 40), draw(3, 40, 6)  # 40: blocks that are filled up
    numbers = (((2,), (1,)), ((0,), (0,)))

    def loss(lhs: Any, rhs: Any, configs: Any) -> Any:
        return (nn.scaled_dot_general(lhs, rhs, numbers, configs=configs) ** 2).sum()

    plain = np.asarray(jax.lax.dot_general(lhs, rhs, numbers))
    out = nn.scaled_dot_general(lhs, rhs, numbers, configs=configs)
    assert 0 < float(abs(out - plain).max()) < error * abs(plain).max()
    exact = nn.scaled_dot_general(lhs, rhs, numbers)
    np.testing.assert_allclose(exact, plain, rtol=1e-5, atol=1e-5)
    wants = sf.grad(loss, (0, 1))(lhs, rhs, None)
    for got, want in zip(sf.jit(sf.grad(lambda *x: loss(*x, configs), (0, 1)))(lhs, rhs), wants):
        assert got.shape == want.shape
        assert 0 < float(abs(got - want).max()) < 2 * error * float(abs(want).max())


def test_a_global_scale_changes_the_rounding_and_not_the_size() -> None:
    lhs, rhs = draw(1, 4, 32), draw(1, 5, 32)
    scale = jnp.array([0.5], jnp.float32)
    configs = [nn.get_scaled_dot_general_config("nvfp4", scale)] * 3
    out = nn.scaled_dot_general(lhs, rhs, NUMBERS, configs=configs)
    np.testing.assert_allclose(out, lhs @ rhs.swapaxes(1, 2), atol=2.5)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: nn.get_scaled_dot_general_config("mxfp4"), "the formats are 'nvfp4' and 'mxfp8'"),
        (lambda: nn.get_scaled_dot_general_config("mxfp8", 1.0), "only the former has a global"),
        (lambda: nn.scaled_matmul(draw(1, 2, 32), draw(1, 2, 64), draw(1, 2, 1), draw(1, 2, 2)),
         r"lhs of shape \(1, 2, 32\) and rhs of shape \(1, 2, 64\)"),
        (lambda: nn.scaled_matmul(draw(1, 2, 32), draw(1, 2, 32), draw(1, 2, 5), draw(1, 2, 1)),
         r"lhs_scales of shape \(1, 2, 5\)"),
    ],
)  # fmt: skip
def test_refusals(call: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call()
