"""Cases of what JAX has no primitives for: a product and a sum that its compiler fuses, and the
functions that are rounded as its compiler rounds them."""

from __future__ import annotations

from typing import Any

import scratchfn.random.functions
import scratchfn.random.fused  # noqa: F401  (define the primitives)
from tests.primitives.case import Case, bind, is_ours, normal, positive, uniform, values


def fma(lax: Any, x: Any, y: Any, z: Any) -> Any:
    return bind(lax, "fma", x, y, z) if is_ours(lax) else lax.add(lax.mul(x, y), z)


def function(name: str) -> Any:
    """A function of `lax` in the sampler's rounding."""

    def call(lax: Any, *args: Any) -> Any:
        return bind(lax, f"fused_{name}", *args) if is_ours(lax) else getattr(lax, name)(*args)

    return call


def log_factorial(lax: Any, k: Any) -> Any:
    return bind(lax, "fused_log_factorial", k) if is_ours(lax) else lax.lgamma(k + 1)


CASES = [
    Case("fma", fma, normal(3, 4), normal(3, 4), normal(3, 4)),
    Case("fma", fma, normal(3, 4), normal(), normal(), id="scalars"),
    Case("fma", fma, normal(3, 4), values(0.5), normal(1, 4), id="power of two"),
    Case("fma", fma, normal(3, 4), normal(1, 4), normal(3, 1), id="size 1"),
    Case("fma", fma, normal(), normal(), normal(), id="rank 0"),
    Case("fused_log", function("log"), positive(3, 4)),
    Case("fused_log1p", function("log1p"), uniform(3, 4, low=-0.9, high=3)),
    Case("fused_exp", function("exp"), normal(3, 4)),
    Case("fused_tan", function("tan"), uniform(3, 4, low=-1.4, high=1.4)),
    Case("fused_erf", function("erf"), normal(3, 4)),
    Case("fused_log_factorial", log_factorial, positive(3, 4)),
    Case("fused_rsqrt", function("rsqrt"), positive(3, 4)),
    Case("fused_pow", function("pow"), positive(3, 4), normal(3, 4)),
    Case("fused_pow", function("pow"), positive(3, 4), normal(), id="scalar"),
    Case("fused_pow", function("pow"), positive(3, 1), normal(1, 4), id="size 1"),
]
