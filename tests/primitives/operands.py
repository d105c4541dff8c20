"""Operands and calls that the elementwise families share: numbers that go wrong easily, and one
operation on many dtypes in one case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.primitives.case import Maker, values

INTS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
SHORT = ("float16", "bfloat16")
INF, NAN = float("inf"), float("nan")
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e-3, 1e4, INF, -INF, NAN)


def extremes(dtype: str) -> list[int]:
    """Integers: the ends of the range, zero, and what is next to them."""
    limits = np.iinfo({"int64": "int32", "uint64": "uint32"}.get(dtype, dtype))
    small = [0, 1, 2, 7] if limits.min == 0 else [-7, -1, 0, 1, 2, 7]
    return [limits.min, limits.min + 1, *small, limits.max - 1, limits.max]


def pairs(xs: Sequence[Any], ys: Sequence[Any], dtype: Any = "float32") -> tuple[Maker, Maker]:
    """Two arrays that between them have each pair of the numbers."""
    return values([x for x in xs for _ in ys], dtype), values(list(ys) * len(xs), dtype)


def call(name: str) -> Callable[..., Any]:
    return lambda lax, *xs: getattr(lax, name)(*xs)


def call_pairs(name: str) -> Callable[..., Any]:
    """The function of the 1st and 2nd argument, of the 3rd and 4th, and so on."""
    return lambda lax, *xs: [getattr(lax, name)(*xy) for xy in zip(xs[::2], xs[1::2], strict=True)]


def call_each(name: str) -> Callable[..., Any]:
    return lambda lax, *xs: [getattr(lax, name)(x) for x in xs]
