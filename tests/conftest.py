"""What all tests share: JAX on the CPU, hypothesis without a clock, and tables that are thinned."""

from __future__ import annotations

import os
import sys
from collections import Counter

import pytest
from hypothesis import settings

# Before any test imports JAX: the oracle's numbers are those of one CPU, wherever the tests run.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# XLA computes the same, but for a last bit here and there, when it optimizes less, and compiles
# random numbers, for one, four times as fast.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=1")

# A first call compiles, so the time of an example says nothing. Fixed seeds keep a red test red.
settings.register_profile("scratchfn", deadline=None, derandomize=True)
settings.load_profile("scratchfn")

_since_cleared = 0


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`@pytest.mark.thinned(n)`: of each n cases in a row of a test one runs always, the others are
    `full`. It is another of the n each time, so that of two parameters neither loses a value."""
    seen: Counter[str] = Counter()
    for item in items:
        if mark := item.get_closest_marker("thinned"):
            test = item.nodeid.partition("[")[0]
            block, place = divmod(seen[test], mark.args[0])
            seen[test] += 1
            if (block + place) % mark.args[0]:
                item.add_marker(pytest.mark.full)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """JAX keeps all that it has compiled: over all tests, gigabytes in each worker."""
    global _since_cleared
    _since_cleared += 1
    if _since_cleared >= 1000:
        _since_cleared = 0
        if "jax" in sys.modules:
            sys.modules["jax"].clear_caches()
