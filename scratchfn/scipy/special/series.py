"""How functions without a closed form are computed: polynomials fitted to them, piece by piece.

A table of coefficients is the polynomial through the Chebyshev nodes of an interval, which is
mapped to t in [-1, 1] (or is small and starts at 0), found in arithmetic of 40 digits and cut where
its error is below 1e-17. What is fitted is the function without its singularities and its decay, so
that few terms are enough and no digits cancel. An infinite interval x >= a is mapped by
t = (x - a - c) / (x - a + c) (Shepherd & Laframboise, 1981).

Read next: `scipy/special/error.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from scratchfn.core import dtypes


def polynomial(t: Any, coefficients: Sequence[float]) -> Any:
    """Σ_k coefficients[k] t^k, by Horner's rule."""
    total: Any = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        total = total * t + coefficient
    return total


def on_interval(x: Any, low: float, high: float) -> Any:
    """`x` in [low, high] mapped to [-1, 1]."""
    return (x - (low + high) / 2) * (2 / (high - low))


def on_half_line(x: Any, low: float, middle: float) -> Any:
    """`x` in [low, inf] mapped to [-1, 1], `low + middle` to 0."""
    return 1 - 2 * middle / (x - low + middle)


def in_32_bits(f: Callable[..., Any]) -> Callable[..., Any]:
    """f, on floats of 16 bits computed in float32 and rounded once."""

    @functools.wraps(f)
    def widened(*args: Any) -> Any:
        dtype = args[0].dtype
        if dtype.itemsize >= 4:
            return f(*args)
        outs = f(*(x.astype(dtypes.float32) for x in args))
        if isinstance(outs, tuple):
            return tuple(out.astype(dtype) for out in outs)
        return outs.astype(dtype)

    return widened
