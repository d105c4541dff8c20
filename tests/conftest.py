"""What all tests share: JAX on the CPU, and hypothesis without a clock."""

from __future__ import annotations

import os

from hypothesis import settings

# Before any test imports JAX: the oracle's numbers are those of one CPU, wherever the tests run.
os.environ.setdefault("JAX_PLATFORMS", "cpu")

# A first call compiles, so the time of an example says nothing. Fixed seeds keep a red test red.
settings.register_profile("scratchfn", deadline=None, derandomize=True)
settings.load_profile("scratchfn")
