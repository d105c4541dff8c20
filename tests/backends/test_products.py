"""Large products: in pieces, by rows, by columns, by their batch; whatever way operands lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn.backends.numpy.spelling import products
from scratchfn.config import setting

RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def transposed(*shape: int) -> np.ndarray:
    return normal(*shape[::-1]).T


@pytest.mark.parametrize("left", [normal, transposed])
@pytest.mark.parametrize("right", [normal, transposed])
@pytest.mark.parametrize("sizes", [(256, 96, 128), (250, 90, 100), (60, 300, 700), (7, 900, 900)])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_two_dimensions(left: Any, right: Any, sizes: tuple[int, int, int], threads: int) -> None:
    m, k, n = sizes
    a, b = left(m, k), right(k, n)
    with setting("numpy_threads", threads):
        program = sf.jit(lambda a, b: (jnp.cos(a) @ b, (a @ b).sum(), (a @ b).T @ (a * 2)))
        found = program(a, b)
    exact = a.astype(np.float64), b.astype(np.float64)
    wanted = (np.cos(exact[0]) @ exact[1], (exact[0] @ exact[1]).sum(),
              (exact[0] @ exact[1]).T @ (exact[0] * 2))  # fmt: skip
    for x, y in zip(found, wanted, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5 * np.abs(y).max())


@pytest.mark.parametrize("threads", [1, 2])
def test_more_dimensions(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "DIVIDED", 1 << 10)
    x, w, v = normal(4, 6, 64), transposed(64, 48), normal(4, 48, 5)
    with setting("numpy_threads", threads):
        found = sf.jit(lambda x, w, v: jnp.tanh(x @ w) @ v)(x, w, v)
    np.testing.assert_allclose(found, np.tanh(x @ w) @ v, rtol=1e-4, atol=1e-4)


def test_a_matrix_that_is_an_argument_is_put_in_order() -> None:
    text = sf.jit(lambda a, b: a @ b).lower(normal(256, 256), normal(256, 256)).as_text("numpy")
    assert ("ascontiguousarray(b)" in text) == products.has_small_kernels()
