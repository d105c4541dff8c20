"""Cases of the operations that compute nothing: name and optimization_barrier."""

from __future__ import annotations

from typing import Any

import jax
import jax.ad_checkpoint

import scratchfn as sf
from tests.primitives.case import Case, integers, normal


def named(lax: Any, x: Any) -> Any:
    return (jax if lax is jax.lax else sf).ad_checkpoint.checkpoint_name(x, "a")


CASES = [
    Case("name", named, normal(3, 4)),
    Case("name", named, integers(2)),
    Case(
        "optimization_barrier",
        lambda lax, x, y: list(lax.optimization_barrier((x, y))),
        normal(3, 4),
        integers(2),
    ),
    Case(
        "optimization_barrier",
        lambda lax, x, y: list(lax.optimization_barrier((x, y))),
        normal(2),
        normal(2, 3),
    ),
]
