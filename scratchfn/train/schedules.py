"""Learning rates as functions of the number of steps taken.

Read next: `train/loop.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import scratchfn.numpy as jnp


def cosine(peak: float, steps: int) -> Callable[[Any], Any]:
    """From `peak` at step 0 down half a cosine to 0 at `steps` (Loshchilov & Hutter 2017)."""

    def lr(t: Any) -> Any:
        return 0.5 * peak * (1 + jnp.cos(math.pi / steps * jnp.minimum(t, steps)))

    return lr


__all__ = ["cosine"]
