"""Are two arrays equal, or close?

Read next: `numpy/searching.py`.
"""

from __future__ import annotations

from typing import Any

from scratchfn.core import dtypes
from scratchfn.numpy.comparison import (
    equal,
    isfinite,
    isnan,
    less_equal,
    logical_and,
    logical_or,
)
from scratchfn.numpy.conversion import asarray
from scratchfn.numpy.manipulation import broadcast_shapes
from scratchfn.numpy.promotion import operand, promote_inexact
from scratchfn.numpy.totals import all
from scratchfn.numpy.ufuncs import absolute, add, multiply, subtract
from scratchfn.primitives.convert import convert_element_type


def isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    """|a - b| <= atol + rtol * |b|, element by element. nan is close to nan if `equal_nan`."""
    a, b = promote_inexact("isclose", a, b)
    dtype = dtypes.to_floating_dtype(a.dtype)
    rtol, atol = (convert_element_type(operand("isclose", t), dtype) for t in (rtol, atol))
    near = less_equal(absolute(subtract(a, b)), add(atol, multiply(rtol, absolute(b))))
    out = logical_or(equal(a, b), logical_and(isfinite(b), near))
    return logical_or(out, logical_and(isnan(a), isnan(b))) if equal_nan else out


def allclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    """Are all elements close? See `isclose`."""
    return all(isclose(a, b, rtol, atol, equal_nan))


def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    """Do the arrays have one shape and equal elements?"""
    a1, a2 = asarray(a1), asarray(a2)
    if a1.shape != a2.shape:
        return asarray(False)
    same = equal(a1, a2)
    if equal_nan:
        same = logical_or(same, logical_and(isnan(a1), isnan(a2)))
    return all(same)


def array_equiv(a1: Any, a2: Any) -> Any:
    """Do the arrays broadcast to one shape, with equal elements?"""
    a1, a2 = asarray(a1), asarray(a2)
    try:
        broadcast_shapes(a1.shape, a2.shape)
    except ValueError:
        return asarray(False)
    return all(equal(a1, a2))
