"""How a table of expressions is held against JAX: `agree(lambda jnp: ...)` evaluates one with
`scratchfn.numpy` and with `jax.numpy`, and wants the same values, dtypes, weak types and shapes,
or errors of the same class.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy
import numpy as np

import scratchfn.numpy
import scratchfn.random

Expression = Callable[[Any], Any]

# One rounding of a sum in another order, or of a function that XLA fuses.
TOLERANCE = {"float16": 2e-3, "bfloat16": 2e-2, "float32": 2e-6, "complex64": 2e-6}


def agree(expression: Expression, tolerance: float | None = None) -> None:
    """Raises AssertionError unless both libraries give the same."""
    ours, theirs = outcome(expression, scratchfn.numpy), outcome(expression, jax.numpy)
    if isinstance(ours, Exception) or isinstance(theirs, Exception):
        same_error(ours, theirs)
    else:
        same(ours, theirs, tolerance)


def outcome(expression: Expression, library: Any) -> Any:
    """The result of the expression, or the exception that it raised."""
    try:
        return expression(library)
    except Exception as error:  # whatever it is, it is compared
        return error


def same_error(ours: Any, theirs: Any) -> None:
    """Both are errors, ours of the builtin class that theirs derives from, or of their name."""
    assert isinstance(theirs, Exception), f"{ours!r} in place of {theirs!r}"
    assert isinstance(ours, Exception), f"{ours!r} in place of {theirs!r}"
    builtin = next(cls for cls in type(theirs).__mro__ if cls.__module__ == "builtins")
    assert isinstance(ours, builtin), f"{ours!r} in place of {theirs!r}"
    if type(theirs).__module__ == "jax.errors":
        assert type(ours).__name__ == type(theirs).__name__, f"{ours!r} in place of {theirs!r}"


def same(ours: Any, theirs: Any, tolerance: float | None = None) -> None:
    """Both have the same structure, types and, up to rounding of their dtype or the tolerance if
    that is more, numbers."""
    if isinstance(theirs, (list, tuple)):
        assert isinstance(ours, type(theirs)) or type(theirs) not in (list, tuple), (
            f"{type(ours)} in place of {type(theirs)}"
        )
        assert len(ours) == len(theirs), f"{len(ours)} results in place of {len(theirs)}"
        for x, y in zip(ours, theirs):
            same(x, y, tolerance)
    elif isinstance(theirs, jax.Array) and jax.dtypes.issubdtype(theirs.dtype, jax.dtypes.prng_key):
        assert ours.shape == theirs.shape
        same(scratchfn.random.key_data(ours), jax.random.key_data(theirs))
    elif isinstance(theirs, jax.Array):
        assert type_of(ours) == type_of(theirs)
        x, y = np.asarray(ours), np.asarray(theirs)
        if scratchfn.numpy.issubdtype(x.dtype, np.inexact):
            rtol = max(TOLERANCE.get(x.dtype.name, 1e-13), tolerance or 0)
            wide = np.complex128 if x.dtype.kind == "c" else np.float64
            np.testing.assert_allclose(x.astype(wide), y.astype(wide), rtol, rtol)
        else:
            np.testing.assert_array_equal(x, y)
    else:
        assert ours == theirs, f"{ours!r} in place of {theirs!r}"


def type_of(x: Any) -> tuple[Any, str, bool]:
    return tuple(x.shape), np.dtype(x.dtype).name, bool(x.weak_type)


def numbers(*shape: int, dtype: str = "float32") -> np.ndarray:
    """Numbers of both signs in no order, all different while they are few."""
    count = int(np.prod(shape, dtype=int))
    flat = (np.arange(count) * (7 if count % 7 else 11) + 3) % (count or 1) - count // 3
    if np.dtype(dtype).kind in "fc" or dtype == "bfloat16":
        flat = flat * 0.75 + 0.125
    if np.dtype(dtype).kind == "u":
        flat = np.abs(flat)
    return flat.astype(dtype).reshape(shape)
