"""What all tests share: JAX on the CPU, and hypothesis without a clock."""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import settings

# Before any test imports JAX: the oracle's numbers are those of one CPU, wherever the tests run.
os.environ.setdefault("JAX_PLATFORMS", "cpu")

# A first call compiles, so the time of an example says nothing. Fixed seeds keep a red test red.
settings.register_profile("scratchfn", deadline=None, derandomize=True)
settings.load_profile("scratchfn")

_since_cleared = 0


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """JAX keeps all that it has compiled: over all tests, gigabytes in each worker."""
    global _since_cleared
    _since_cleared += 1
    if _since_cleared >= 1000:
        _since_cleared = 0
        if "jax" in sys.modules:
            sys.modules["jax"].clear_caches()
