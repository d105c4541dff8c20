"""What the scheduler puts into one region."""

from __future__ import annotations

from typing import Any

import numpy as np

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn.backends.numpy.regions import Region, schedule
from scratchfn.backends.numpy.simplify import simplify
from scratchfn.config import setting

LARGE = np.linspace(-1, 1, 1 << 18, dtype=np.float32).reshape(512, 512)


def regions(f: Any, *args: Any) -> list[Region]:
    steps = schedule(simplify(sf.jit(f).trace(*args).jaxpr).jaxpr)
    return [step for step in steps if isinstance(step, Region)]


def adam(p: Any, g: Any, m: Any, v: Any, t: Any) -> tuple[Any, Any, Any]:
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * (g * g)
    direction = (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return p - 1e-3 * direction, m, v


def test_numbers_that_a_region_waits_for_are_computed_ahead_of_it() -> None:
    """Adam's corrections, two operations one after the other, do not cut its region in two."""
    (region,) = regions(adam, LARGE, LARGE, LARGE, LARGE, 1.0)
    assert len(region.jaxpr.eqns) == 14
    args = (LARGE, LARGE, LARGE, LARGE**2, np.float32(3))
    for ours, plain in zip(sf.jit(adam)(*args), adam(*map(jnp.asarray, args)), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-6)


def test_long_chains_of_numbers_are_not_followed() -> None:
    def f(x: Any, t: Any) -> Any:
        y = x * 2.0
        for _ in range(100):
            t = t * t + 1.0
        return jnp.tanh(y) * t

    first, *others = schedule(simplify(sf.jit(f).trace(LARGE, 0.5).jaxpr).jaxpr)
    assert isinstance(first, Region) and len(first.jaxpr.eqns) == 2
    assert len(others) == 201 and not any(isinstance(step, Region) for step in others)


def test_a_very_large_operation_is_divided_though_it_is_alone() -> None:
    x = np.ones((1024, 512), np.float32)
    w = np.ones((512, 3), np.float32)
    with setting("numpy_threads", 2):
        assert len(regions(lambda x, w: jnp.tanh(x) @ w, x, w)) == 1
        assert regions(lambda x, w: jnp.broadcast_to(x[0], x.shape) @ w, x, w) == []  # a view
