"""How far apart two libraries' samples may be: not at all, or some ulps."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

import scratchfn.numpy  # noqa: F401  (operators of arrays)
from scratchfn import random
from scratchfn.config import enable_x64
from scratchfn.core import dtypes

KINDS = {"raw": ("PRNGKey", "PRNGKey"), "typed": ("key", "key")}


def keys(seed: int, kind: str = "raw") -> tuple[Any, Any]:
    """The key of a seed, ours and JAX's."""
    name = {"raw": "PRNGKey", "typed": "key"}[kind]
    return getattr(random, name)(seed), getattr(jax.random, name)(seed)


class both_x64:
    """`with both_x64(on):` sets the width of numbers in both libraries."""

    def __init__(self, on: bool = True):
        self.settings = (enable_x64(on), jax.enable_x64(on))

    def __enter__(self) -> None:
        for setting in self.settings:
            setting.__enter__()

    def __exit__(self, *error: Any) -> None:
        for setting in reversed(self.settings):
            setting.__exit__(*error)


def numbers(x: Any) -> np.ndarray:
    """An array's numbers; a key's words."""
    if getattr(x, "dtype", None) == dtypes.key_dtype:
        return np.asarray(random.key_data(x))
    if isinstance(x, jax.Array) and jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key):
        return np.asarray(jax.random.key_data(x))
    return np.asarray(x)


def assert_same(ours: Any, theirs: Any, ulps: float = 0, floor: float = 0.0) -> None:
    """Equal types, and numbers apart by `ulps` at most. Below `floor` in size, an ulp is that of
    `floor`: where terms cancel, or a logarithm is taken near 1."""
    x, y = numbers(ours), numbers(theirs)
    assert x.dtype == y.dtype
    assert x.shape == y.shape
    if hasattr(theirs, "weak_type"):
        assert ours.weak_type == theirs.weak_type
    if not ulps:
        np.testing.assert_array_equal(x, y)
        return
    if x.dtype.kind == "c":
        x, y = (z.view(z.real.dtype) for z in (np.atleast_1d(x), np.atleast_1d(y)))
    size = np.maximum(np.abs(y), np.array(floor, y.dtype))
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(x.astype(np.float64) - y.astype(np.float64))
        bound = ulps * np.spacing(size).astype(np.float64)
    equal = (x == y) | (np.isnan(x) & np.isnan(y))
    worst = np.max(np.where(equal, 0, apart / bound), initial=0)
    assert worst <= 1, f"{worst * ulps:.1f} ulps apart"
