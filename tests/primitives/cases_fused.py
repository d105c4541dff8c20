"""Cases of fma, which JAX has no primitive for: its compiler fuses a product and a sum."""

from __future__ import annotations

from typing import Any

import scratchfn.random.fused  # noqa: F401  (defines the primitive)
from tests.primitives.case import Case, bind, is_ours, normal, values


def fma(lax: Any, x: Any, y: Any, z: Any) -> Any:
    return bind(lax, "fma", x, y, z) if is_ours(lax) else lax.add(lax.mul(x, y), z)


CASES = [
    Case("fma", fma, normal(3, 4), normal(3, 4), normal(3, 4)),
    Case("fma", fma, normal(3, 4), normal(), normal(), id="scalars"),
    Case("fma", fma, normal(3, 4), values(0.5), normal(1, 4), id="power of two"),
    Case("fma", fma, normal(3, 4), normal(1, 4), normal(3, 1), id="size 1"),
    Case("fma", fma, normal(), normal(), normal(), id="rank 0"),
]
