"""Quantiles, percentiles and medians, with and without nan.

The q-quantile of n sorted numbers lies at position q (n - 1), between two of them as a rule. By the
method "inverted_cdf" it is the first number at which the sum of weights so far, 1 for each number
unless they are given, reaches q times the sum of all.

Read next: `numpy/histograms.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.numpy.arguments import axes_of, no_out, placed, scalar
from scratchfn.numpy.comparison import choose, isnan, less, less_equal, logical_not
from scratchfn.numpy.elementwise import ceil, floor
from scratchfn.numpy.manipulation import slice_along
from scratchfn.numpy.promotion import inexact, lead, operand, promote_dtypes_inexact
from scratchfn.numpy.reductions import any, sum
from scratchfn.numpy.ufuncs import add, clip, divide, multiply, subtract
from scratchfn.primitives import base
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.cumulative import cumsum_p
from scratchfn.primitives.reduction import flatten_front
from scratchfn.primitives.sorting import sort, take_along

_METHODS = ("linear", "lower", "higher", "midpoint", "nearest", "inverted_cdf")


def quantile(
    a: Any, q: Any, axis: Any = None, out: None = None, overwrite_input: bool = False,
    method: str = "linear", keepdims: bool = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    """The numbers that a fraction `q` of the elements along `axis` lies below.

    Args:
      q: a number from 0 to 1, or a vector of them, along which the result has a new first axis.
      method: what is taken between two elements: "linear" interpolation, the "lower", the "higher",
        the "nearest", or their "midpoint"; or always an element, by "inverted_cdf".
      weights: how often each element counts, for "inverted_cdf" only: of the shape of `a`, or of
        its axes `axis`.

    nan if there is a nan, or a negative weight.
    """
    return _quantile("quantile", a, q, axis, out, overwrite_input, method, keepdims, weights)


def nanquantile(
    a: Any, q: Any, axis: Any = None, out: None = None, overwrite_input: bool = False,
    method: str = "linear", keepdims: bool = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    """`quantile` of the elements that are not nan."""
    return _quantile("nanquantile", a, q, axis, out, overwrite_input, method, keepdims, weights)


def percentile(
    a: Any, q: Any, axis: Any = None, out: None = None, overwrite_input: bool = False,
    method: str = "linear", keepdims: bool = False, *, weights: Any = None,
    out_sharding: Any = None,
) -> Any:  # fmt: skip
    """`quantile` with `q` from 0 to 100."""
    q = divide(inexact("percentile", q), 100)
    result = _quantile("percentile", a, q, axis, out, overwrite_input, method, keepdims, weights)
    return placed(result, out_sharding)


def nanpercentile(
    a: Any, q: Any, axis: Any = None, out: None = None, overwrite_input: bool = False,
    method: str = "linear", keepdims: bool = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    """`percentile` of the elements that are not nan."""
    q = divide(inexact("nanpercentile", q), 100)
    return _quantile("nanpercentile", a, q, axis, out, overwrite_input, method, keepdims, weights)


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
    name: str, a: Any, q: Any, axis: Any, out: Any, overwrite: bool, method: str, keepdims: bool,
    weights: Any = None,
) -> Any:  # fmt: skip
    no_out(name, out)
    x, q = inexact(name, a), operand(name, q, 1)
    if weights is not None:
        x, weights = promote_dtypes_inexact(x, operand(name, weights, 7))
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
    missing = isnan(lines)
    if not name.startswith("nan"):
        missing = any(missing, 0, keepdims=True)
        lines = choose(missing, scalar(np.nan, x.dtype), lines)
    q = base.reshape(q, (*q.shape, *(1 for _ in lines.shape[1:])))  # [q, ...]
    if method == "inverted_cdf":
        parts = _weights_of(name, x, weights, axes, axis is None)
        if name.startswith("nan"):
            parts = choose(missing, scalar(0, parts.dtype), parts)
        result = _first_reaching(lines, q, parts)
    elif weights is not None:
        why, write = "only 'inverted_cdf' has weights", f"jnp.{name}(..., method='inverted_cdf')"
        asked = f"jnp.{name}(..., weights=...)"
        raise NotImplementedError(errors.explain(asked, f"method={method!r}", why, write))
    else:
        counts = base.full(lines.shape[1:], lines.shape[0], q.dtype)
        if name.startswith("nan"):
            counts = sum(logical_not(missing), 0, dtype=q.dtype)
        (lines,) = sort([lines], 0)
        result = _between(lines, q, counts, method)
    result = convert_element_type(result, x.dtype)
    if not keepdims:
        return result
    return base.reshape(result, (*result.shape[: q.ndim - lines.ndim + 1], *kept))


def _weights_of(name: str, x: Any, weights: Any, axes: tuple[int, ...], whole: bool) -> Any:
    """The weights [n, ...] of the elements that are reduced."""
    if weights is None:
        return flatten_front(base.full(x.shape, 1, x.dtype), axes)
    if weights.shape == x.shape:
        return flatten_front(weights, axes)
    reduced = tuple(x.shape[i] for i in axes)
    if whole or weights.shape != reduced:
        why = f"they have the shape of x, or of the axes that are reduced, {reduced}"
        asked, write = f"jnp.{name} of {x.aval}", "weights=jnp.ones_like(x)"
        found = f"weights of type {weights.aval}"
        raise ValueError(errors.explain(asked, found, why, write))
    order = sorted(range(len(axes)), key=axes.__getitem__)
    spread = base.broadcast_in_dim(base.transpose(weights, order), x.shape, sorted(axes))
    return flatten_front(spread, axes)


def _first_reaching(lines: Any, q: Any, weights: Any) -> Any:
    """The first of each line's elements [n, ...] at which the weights so far reach the part q."""
    bad = any(less(weights, 0), 0, keepdims=True)
    lines, weights = sort([choose(bad, scalar(np.nan, lines.dtype), lines), weights], 0)
    sums = cumsum_p.bind(weights, axis=0, reverse=False)
    total = base.squeeze(slice_along(sums, sums.shape[0] - 1, sums.shape[0], 0), [0])
    target = multiply(q, total)  # [q, ...]
    before = less(sums, base.expand_dims(target, [target.ndim - total.ndim]))  # [q, n, ...]
    place = sum(before, before.ndim - sums.ndim)
    return _element(lines, clip(place, 0, lines.shape[0] - 1))


def _between(lines: Any, q: Any, counts: Any, method: str) -> Any:
    """What lies at position q (n - 1) of sorted lines [n, ...]."""
    last = lead(subtract(counts, 1), q.ndim)
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
