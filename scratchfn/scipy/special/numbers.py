"""The Bernoulli numbers.

Read next: `scipy/stats/__init__.py`.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import scratchfn.numpy as jnp
from scratchfn import errors


def bernoulli(n: int) -> Any:
    """The Bernoulli numbers B_0 ... B_n, f32[n + 1]; B_1 is -1/2. Raises ValueError for n < 0."""
    n = operator.index(n)
    if n < 0:
        why = "the numbers are counted from 0"
        raise ValueError(
            errors.explain("scipy.special.bernoulli(n)", f"n={n}", why, "bernoulli(0)")
        )
    numbers = [1.0, -0.5] + [0.0] * (n - 1)
    for k, tangent in enumerate(_tangent_numbers(n // 2), 1):
        numbers[2 * k] = (-1) ** (k - 1) * _ratio(2 * k * tangent, 4**k * (4**k - 1))
    return jnp.array(numbers[: n + 1], float)


def _tangent_numbers(count: int) -> list[int]:
    """T_1 ... T_count, of tan x = Σ T_k x^(2k-1) / (2k-1)!, by additions and small multiples alone
    (Brent & Harvey, 2011, "Fast computation of Bernoulli, tangent and secant numbers")."""
    t = [math.factorial(k) for k in range(count)]
    for k in range(1, count):
        for j in range(k, count):
            t[j] = (j - k) * t[j - 1] + (j - k + 2) * t[j]
    return t


def _ratio(a: int, b: int) -> float:
    """a / b of positive integers, inf where no float is as large."""
    return math.inf if a.bit_length() - b.bit_length() > 1023 else a / b
