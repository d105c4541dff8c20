"""default_matmul_precision: what a product's precision is where none is asked for, as in JAX."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import scratchfn as sf

X = np.ones((2, 2), np.float32)


def program(library: Any, precision: Any) -> str:
    def f(x: Any) -> Any:
        product = x @ library.numpy.dot(x, x, precision="high")
        image = x[None, None]
        return product, library.lax.conv(image, image, (1, 1), "VALID")

    with library.default_matmul_precision(precision):
        return str(library.make_jaxpr(f)(X))


@pytest.mark.parametrize(
    "precision",
    [None, "default", "high", "highest", "bfloat16", "tensorfloat32", "float32", "BF16_BF16_F32"],
)
def test_as_jax(precision: Any) -> None:
    assert program(sf, precision) == program(jax, precision)


def test_a_jitted_product_is_traced_again() -> None:
    f = sf.jit(lambda x: x @ x)
    f(X)
    with sf.default_matmul_precision("highest"):
        assert "HIGHEST" in str(f.trace(X).jaxpr)
    assert "precision" not in str(f.trace(X).jaxpr)
