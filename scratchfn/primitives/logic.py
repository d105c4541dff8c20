"""Comparisons, and operations on bits. None has a derivative.

Read next: `primitives/convert.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn.core.dtypes import bool_ as BOOL
from scratchfn.core.template import kernel
from scratchfn.primitives.rules import elementwise


def _compare(name: str, ufunc: str, kinds: str) -> Any:
    return elementwise(name, f"np.{ufunc}({{0}}, {{1}})", kinds, arity=2, out=BOOL)


eq_p = _compare("eq", "equal", "biufc")
ne_p = _compare("ne", "not_equal", "biufc")
lt_p = _compare("lt", "less", "biuf")
le_p = _compare("le", "less_equal", "biuf")
gt_p = _compare("gt", "greater", "biuf")
ge_p = _compare("ge", "greater_equal", "biuf")

and_p = elementwise("and", "np.bitwise_and({0}, {1})", "biu", arity=2)
or_p = elementwise("or", "np.bitwise_or({0}, {1})", "biu", arity=2)
xor_p = elementwise("xor", "np.bitwise_xor({0}, {1})", "biu", arity=2)
not_p = elementwise("not", "np.bitwise_not({0})", "biu")


# A shift by the width or more leaves no bit of the number, where a CPU's own shift would wrap.


@kernel
def shift_left(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.where(_in_width(x, y), np.left_shift(x, y), x.dtype.type(0))


@kernel
def shift_right_logical(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    unsigned = np.dtype(f"u{x.dtype.name.removeprefix('u')}")
    shifted = np.right_shift(x.view(unsigned), y.view(unsigned)).view(x.dtype)
    return np.where(_in_width(x, y), shifted, x.dtype.type(0))


@kernel
def shift_right_arithmetic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Fills up with the highest bit, of unsigned numbers too."""
    width = 8 * x.dtype.itemsize
    if x.dtype.kind == "i" and not y.ndim and 0 <= y < width:
        return np.right_shift(x, y)
    last = x.dtype.type(width - 1)
    signed = x.dtype.name.removeprefix("u")
    by = np.where(_in_width(x, y), y, last).astype(signed)
    return np.right_shift(x.view(signed), by).view(x.dtype)


def _in_width(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (y >= 0) & (y < 8 * x.dtype.itemsize)


shift_left_p = elementwise("shift_left", "shift_left({0}, {1})", "iu", arity=2)
shift_right_logical_p = elementwise(
    "shift_right_logical", "shift_right_logical({0}, {1})", "iu", arity=2
)
shift_right_arithmetic_p = elementwise(
    "shift_right_arithmetic", "shift_right_arithmetic({0}, {1})", "iu", arity=2
)


@kernel
def population_count(x: np.ndarray) -> np.ndarray:
    unsigned = x.view(f"u{x.dtype.name.removeprefix('u')}")
    return np.bitwise_count(unsigned).astype(x.dtype)


@kernel
def clz(x: np.ndarray) -> np.ndarray:
    """Leading zero bits: spread the highest bit downwards, then count the zeros above it."""
    bits = 8 * x.dtype.itemsize
    spread = x.view(f"u{x.dtype.name.removeprefix('u')}")
    step = 1
    while step < bits:
        spread = spread | (spread >> spread.dtype.type(step))
        step *= 2
    return (bits - np.bitwise_count(spread)).astype(x.dtype)


population_count_p = elementwise("population_count", "population_count({0})", "iu")
clz_p = elementwise("clz", "clz({0})", "iu")
is_finite_p = elementwise("is_finite", "np.isfinite({0})", "f", out=BOOL)

eq, ne, lt, le, gt, ge = (p.bind for p in (eq_p, ne_p, lt_p, le_p, gt_p, ge_p))
bitwise_and, bitwise_or, bitwise_xor, bitwise_not = (p.bind for p in (and_p, or_p, xor_p, not_p))
is_finite = is_finite_p.bind
