"""Reductions that leave nan out: the ordinary ones, with nan replaced by what changes nothing.

Read next: `numpy/quantiles.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from scratchfn.core import dtypes
from scratchfn.numpy.arguments import dtype_of, no_out, scalar
from scratchfn.numpy.comparison import choose, isnan, less_equal, logical_not
from scratchfn.numpy.elementwise import conjugate, real
from scratchfn.numpy.extremes import argmax, argmin, extreme_of, max, min
from scratchfn.numpy.promotion import operand
from scratchfn.numpy.reductions import mean as plain_mean
from scratchfn.numpy.reductions import var_dtypes
from scratchfn.numpy.running import cumprod, cumsum
from scratchfn.numpy.totals import all, prod, sum
from scratchfn.numpy.ufuncs import multiply, subtract
from scratchfn.primitives.arithmetic import div_p
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.math import sqrt, square


def _has_nan(x: Any) -> bool:
    return dtypes.kind(x.dtype) in "fc"


def _without_nan(name: str, a: Any, fill: Any) -> Any:
    """`a` with `fill` in place of nan."""
    a = operand(name, a)
    return choose(isnan(a), scalar(fill, a.dtype), a) if _has_nan(a) else a


def nansum(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False,
    initial: Any = None, where: Any = None,
) -> Any:  # fmt: skip
    """`sum` of the elements that are not nan; 0 of none."""
    return sum(_without_nan("nansum", a, 0), axis, dtype, out, keepdims, initial, where)


def nanprod(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False,
    initial: Any = None, where: Any = None,
) -> Any:  # fmt: skip
    """`prod` of the elements that are not nan; 1 of none."""
    return prod(_without_nan("nanprod", a, 1), axis, dtype, out, keepdims, initial, where)


def nanmax(
    a: Any, axis: Any = None, out: None = None, keepdims: bool = False, initial: Any = None,
    where: Any = None,
) -> Any:  # fmt: skip
    """`max` of the elements that are not nan; nan of none."""
    return _extreme("max", max, a, axis, out, keepdims, initial, where)


def nanmin(
    a: Any, axis: Any = None, out: None = None, keepdims: bool = False, initial: Any = None,
    where: Any = None,
) -> Any:  # fmt: skip
    """`min` of the elements that are not nan; nan of none."""
    return _extreme("min", min, a, axis, out, keepdims, initial, where)


def _extreme(
    name: str, function: Callable[..., Any], a: Any, axis: Any, out: Any, keepdims: bool,
    initial: Any, where: Any,
) -> Any:  # fmt: skip
    a = operand(f"nan{name}", a)
    filled = _without_nan(name, a, extreme_of(name, a.dtype)) if _has_nan(a) else a
    result = function(filled, axis, out, keepdims, initial, where)
    if initial is not None or not _has_nan(a):
        return result
    return choose(all(isnan(a), axis, keepdims=keepdims), scalar(np.nan, a.dtype), result)


def nanargmax(a: Any, axis: int | None = None, out: None = None, keepdims: Any = None) -> Any:
    """`argmax` of the elements that are not nan; -1 of none."""
    return _position("max", argmax, a, axis, out, keepdims)


def nanargmin(a: Any, axis: int | None = None, out: None = None, keepdims: Any = None) -> Any:
    """`argmin` of the elements that are not nan; -1 of none."""
    return _position("min", argmin, a, axis, out, keepdims)


def _position(
    name: str, function: Callable[..., Any], a: Any, axis: Any, out: Any, keepdims: Any
) -> Any:
    a = operand(f"nanarg{name}", a)
    if not _has_nan(a):
        return function(a, axis, out, keepdims)
    result = function(_without_nan(name, a, extreme_of(name, a.dtype)), axis, out, keepdims)
    none = all(isnan(a), axis, keepdims=bool(keepdims))
    return choose(none, scalar(-1, result.dtype), result)


def nanmean(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False,
    where: Any = None,
) -> Any:  # fmt: skip
    """`mean` of the elements that are not nan; nan of none."""
    no_out("nanmean", out)
    a = operand("nanmean", a)
    if not _has_nan(a):
        return plain_mean(a, axis, dtype, out, keepdims, where=where)
    wanted = dtype_of("nanmean", dtype, a.dtype)
    count = sum(logical_not(isnan(a)), axis, wanted, keepdims=keepdims, where=where)
    total = nansum(a, axis, wanted, keepdims=keepdims, where=where)
    return div_p.bind(total, count)


def nanvar(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, ddof: int = 0,
    keepdims: bool = False, where: Any = None, mean: Any = None,
) -> Any:  # fmt: skip
    """`var` of the elements that are not nan."""
    no_out("nanvar", out)
    a = operand("nanvar", a)
    working, result = var_dtypes(a.dtype, dtype_of("nanvar", dtype))
    x = convert_element_type(a, working)
    if mean is None:
        mean = nanmean(x, axis, working, keepdims=True, where=where)
    centered = subtract(x, convert_element_type(operand("nanvar", mean), working))
    centered = choose(isnan(x), scalar(0, working), centered)
    if dtypes.kind(working) == "c":
        squares = real(multiply(centered, conjugate(centered)))
    else:
        squares = square(centered)
    count = subtract(sum(logical_not(isnan(x)), axis, keepdims=keepdims, where=where), ddof)
    total = sum(squares, axis, keepdims=keepdims, where=where)
    none = less_equal(count, 0)
    total = choose(none, scalar(np.nan, total.dtype), total)
    divisor = convert_element_type(choose(none, scalar(1, count.dtype), count), total.dtype)
    return convert_element_type(div_p.bind(total, divisor), result)


def nanstd(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, ddof: int = 0,
    keepdims: bool = False, where: Any = None, mean: Any = None,
) -> Any:  # fmt: skip
    """`std` of the elements that are not nan."""
    no_out("nanstd", out)
    return sqrt(nanvar(a, axis, dtype, None, ddof, keepdims, where, mean))


def nancumsum(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    """`cumsum` with nan as 0."""
    return cumsum(_without_nan("nancumsum", a, 0), axis, dtype, out)


def nancumprod(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    """`cumprod` with nan as 1."""
    return cumprod(_without_nan("nancumprod", a, 1), axis, dtype, out)
