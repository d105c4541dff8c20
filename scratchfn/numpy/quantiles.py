"""Quantiles, percentiles and medians, with and without nan.

The q-quantile of n sorted numbers lies at position q (n - 1), between two of them as a rule.

Read next: `numpy/histograms.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.numpy.arguments import axes_of, no_out, scalar
from scratchfn.numpy.comparison import choose, isnan, less_equal, logical_not
from scratchfn.numpy.elementwise import ceil, floor
from scratchfn.numpy.promotion import inexact, operand
from scratchfn.numpy.reductions import any, sum
from scratchfn.numpy.ufuncs import add, clip, divide, multiply, subtract
from scratchfn.primitives import base
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.reduction import flatten_front
from scratchfn.primitives.sorting import sort, take_along

_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


def quantile(
    a: Any, q: Any, axis: Any = None, out: None = None, overwrite_input: bool = False,
    method: str = "linear", keepdims: bool = False,
) -> Any:  # fmt: skip
    """The numbers that a fraction `q` of the elements along `axis` lies below.

    Args:
      q: a number from 0 to 1, or a vector of them, along which the result has a new first axis.
      method: what is taken between two elements: "linear" interpolation, the "lower", the "higher",
        the "nearest", or their "midpoint".

    nan if there is a nan.
    """
    return _quantile("quantile", a, q, axis, out, overwrite_input, method, keepdims)


def nanquantile(
    a: Any, q: Any, axis: Any = None, out: None = None, overwrite_input: bool = False,
    method: str = "linear", keepdims: bool = False,
) -> Any:  # fmt: skip
    """`quantile` of the elements that are not nan."""
    return _quantile("nanquantile", a, q, axis, out, overwrite_input, method, keepdims)


def percentile(
    a: Any, q: Any, axis: Any = None, out: None = None, overwrite_input: bool = False,
    method: str = "linear", keepdims: bool = False,
) -> Any:  # fmt: skip
    """`quantile` with `q` from 0 to 100."""
    q = divide(inexact("percentile", q), 100)
    return _quantile("percentile", a, q, axis, out, overwrite_input, method, keepdims)


def nanpercentile(
    a: Any, q: Any, axis: Any = None, out: None = None, overwrite_input: bool = False,
    method: str = "linear", keepdims: bool = False,
) -> Any:  # fmt: skip
    """`percentile` of the elements that are not nan."""
    q = divide(inexact("nanpercentile", q), 100)
    return _quantile("nanpercentile", a, q, axis, out, overwrite_input, method, keepdims)


def median(
    a: Any, axis: Any = None, out: None = None, overwrite_input: bool = False,
    keepdims: bool = False,
) -> Any:  # fmt: skip
    """The middle element along `axis`, or the mean of the two in the middle."""
    return _quantile("median", a, 0.5, axis, out, overwrite_input, "midpoint", keepdims)


def nanmedian(
    a: Any, axis: Any = None, out: None = None, overwrite_input: bool = False,
    keepdims: bool = False,
) -> Any:  # fmt: skip
    """`median` of the elements that are not nan."""
    return _quantile("nanmedian", a, 0.5, axis, out, overwrite_input, "midpoint", keepdims)


def _quantile(
    name: str, a: Any, q: Any, axis: Any, out: Any, overwrite: bool, method: str, keepdims: bool
) -> Any:
    no_out(name, out)
    x, q = inexact(name, a), operand(name, q, 1)
    if overwrite or method not in _METHODS or q.ndim > 1 or dtypes.kind(x.dtype) == "c":
        raise ValueError(
            errors.explain(
                f"jnp.{name}(x, q, method={method!r}, overwrite_input={overwrite})",
                f"x of type {x.aval}, q of type {q.aval}",
                f"x is real and stays as it is, q is a number or a vector, and method is one of "
                f"{', '.join(_METHODS)}",
                f"jnp.{name}(x, 0.5, method='linear')",
            )
        )
    axes = axes_of(name, axis, x.ndim)
    kept = [1 if i in axes else size for i, size in enumerate(x.shape)]
    lines = flatten_front(x, axes)  # [n, ...]
    if name.startswith("nan"):
        counts = sum(logical_not(isnan(lines)), 0, dtype=q.dtype)
    else:
        lines = choose(any(isnan(lines), 0, keepdims=True), scalar(np.nan, x.dtype), lines)
        counts = base.full(lines.shape[1:], lines.shape[0], q.dtype)
    (lines,) = sort([lines], 0)
    q = base.reshape(q, (*q.shape, *(1 for _ in counts.shape)))  # [q, ...]
    result = convert_element_type(_between(lines, q, counts, method), x.dtype)
    if not keepdims:
        return result
    return base.reshape(result, (*result.shape[: q.ndim - counts.ndim], *kept))


def _between(lines: Any, q: Any, counts: Any, method: str) -> Any:
    """What lies at position q (n - 1) of sorted lines [n, ...]."""
    last = subtract(counts, 1)
    position = multiply(q, last)
    below, above = floor(position), ceil(position)
    weight = subtract(position, below)
    low, high = (_element(lines, clip(place, 0, last)) for place in (below, above))
    if method == "lower":
        return low
    if method == "higher":
        return high
    if method == "nearest":
        return choose(less_equal(weight, 0.5), low, high)
    if method == "midpoint":
        return multiply(add(low, high), 0.5)
    low, high = (convert_element_type(x, q.dtype) for x in (low, high))
    return add(multiply(low, subtract(1, weight)), multiply(high, weight))


def _element(lines: Any, place: Any) -> Any:
    """The elements of lines [n, ...] at places [q, ...] or [...]."""
    place = convert_element_type(place, dtypes.int32)
    many = place if place.ndim == lines.ndim else base.expand_dims(place, [0])
    out = take_along(lines, many, 0)
    return out if place.ndim == lines.ndim else base.squeeze(out, [0])
