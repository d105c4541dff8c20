"""The transpose of what is not linear: JAX's own fails there by an assertion, ours says why. All
other misuses are in the table under tests/errors/."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp

V = np.ones(3, np.float32)

NOT_LINEAR: list[Callable[[Any], Any]] = [
    lambda x: x * x,
    lambda x: x @ x,
    lambda x: 1 / x,
    lambda x: jnp.where(x > 0, x, 0),
    lambda x: x[jnp.argmax(x)],
]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("f", NOT_LINEAR)
def test_the_transpose_of_what_is_not_linear(f: Callable[[Any], Any], compiled: bool) -> None:
    out = sf.eval_shape(f, V)
    transposed = sf.linear_transpose(f, V)
    with pytest.raises(TypeError, match="only a linear function has a transpose"):
        (sf.jit(transposed) if compiled else transposed)(np.ones(out.shape, np.float32))
