"""Binary search in a sorted vector, for many values at once.

The number of elements that come before a value is found bit by bit, from the highest: a bit is set
if the element that many places in still comes before the value.

Read next: `numpy/searching.py`.
"""

from __future__ import annotations

from typing import Any

from scratchfn.core import dtypes
from scratchfn.numpy.arguments import scalar
from scratchfn.numpy.comparison import (
    choose,
    isnan,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
)
from scratchfn.numpy.indexing import take
from scratchfn.numpy.ufuncs import add, minimum, subtract
from scratchfn.primitives.base import full


def count_before(a: Any, v: Any, side: str) -> Any:
    """How many elements of the sorted vector `a` are less than each value of `v`; or, if `side` is
    "right", not greater. nan is greater than all numbers. Both are of one dtype."""
    n = a.shape[0]
    count = full(v.shape, 0, dtypes.int32)
    bit = 1 << n.bit_length() >> 1
    while bit:
        tried = add(count, scalar(bit, dtypes.int32))
        place = subtract(minimum(tried, scalar(n, dtypes.int32)), scalar(1, dtypes.int32))
        before = _before(take(a, place, mode="clip"), v, side)
        inside = less_equal(tried, scalar(n, dtypes.int32))
        count = choose(logical_and(inside, before), tried, count)
        bit >>= 1
    return count


def _before(x: Any, v: Any, side: str) -> Any:
    if dtypes.kind(x.dtype) not in "fc":
        return less(x, v) if side == "left" else less_equal(x, v)
    if side == "left":
        return logical_or(less(x, v), logical_and(isnan(v), logical_not(isnan(x))))
    return logical_or(less_equal(x, v), isnan(v))
