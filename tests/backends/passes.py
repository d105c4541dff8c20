"""Programs compiled for NumPy with some passes left out."""

from __future__ import annotations

from typing import Any

from scratchfn.config import NUMPY_PASSES, setting


def without(*passes: str) -> Any:
    """Inside the block, programs are compiled by all passes but these."""
    return setting("numpy_passes", set(NUMPY_PASSES).difference(passes))
