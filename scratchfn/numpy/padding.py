"""`pad`: arrays with margins, in NumPy's modes. Each mode pads one axis after another.

Read next: `numpy/reductions.py`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.numpy.arguments import known
from scratchfn.numpy.conversion import asarray
from scratchfn.numpy.elementwise import round as round_
from scratchfn.numpy.indexing import take
from scratchfn.numpy.manipulation import broadcast_to, flip, repeat, slice_along, squeeze
from scratchfn.numpy.promotion import operand
from scratchfn.numpy.quantiles import median
from scratchfn.numpy.ranges import linspace
from scratchfn.numpy.reductions import max as max_
from scratchfn.numpy.reductions import mean
from scratchfn.numpy.reductions import min as min_
from scratchfn.numpy.ufuncs import multiply, subtract
from scratchfn.primitives import structural
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.joining import concatenate

Pairs = list[tuple[Any, Any]]

_OPTION = {
    "constant": "constant_values", "linear_ramp": "end_values", "maximum": "stat_length",
    "mean": "stat_length", "median": "stat_length", "minimum": "stat_length",
    "reflect": "reflect_type", "symmetric": "reflect_type", "edge": "", "empty": "", "wrap": "",
}  # fmt: skip
_STATISTICS: dict[str, Callable[..., Any]] = {
    "maximum": max_,
    "mean": mean,
    "median": median,
    "minimum": min_,
}


def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """`array` with margins of `pad_width` elements.

    Args:
      pad_width: one int; (before, after) for all axes; or such a pair for each axis.
      mode: "constant" (with `constant_values`, 0 by default), "edge", "reflect" and "symmetric"
        (with `reflect_type` "even" or "odd"), "wrap", "linear_ramp" (with `end_values`),
        "maximum", "mean", "median", "minimum" (with `stat_length`), or "empty".

    Raises NotImplementedError for a mode that is not among these, ValueError for an option that the
    mode does not have.
    """
    x = operand("pad", array)
    widths = _widths(pad_width, x.ndim)
    if mode not in _OPTION:
        raise NotImplementedError(_explain(f"mode={mode!r}", "mode is one of " + _listed(_OPTION)))
    option = _OPTION[mode]
    if not set(kwargs) <= {option}:
        takes = f"mode {mode!r} takes {option}" if option else f"mode {mode!r} takes no option"
        raise ValueError(_explain(f"the options {_listed(kwargs)}", takes))
    if not x.ndim:
        return x
    if mode == "constant":
        return _pad_constant(x, widths, kwargs.get(option, 0))
    if mode == "linear_ramp":
        ends = _pairs(kwargs.get(option, 0), x.ndim, option)
        return _each_axis(x, widths, partial(_ramp, ends=ends))
    if mode in _STATISTICS:
        lengths = kwargs.get(option)
        lengths = None if lengths is None else _pairs(lengths, x.ndim, option)
        margins = partial(_pad_with_statistic, statistic=_STATISTICS[mode], lengths=lengths)
        return _each_axis(x, widths, margins)
    if mode in ("reflect", "symmetric") and kwargs.get(option) == "odd":
        return _each_axis(x, widths, partial(_mirror_odd, mode=mode))
    if mode == "empty":
        return _pad_constant(x, widths, 0)
    return _each_axis(x, widths, partial(_pad_with_own, mode=mode))


def _explain(found: str, why: str) -> str:
    asked, write = "jnp.pad(x, pad_width, mode, ...)", "jnp.pad(x, ((1, 2), (0, 0)))"
    return errors.explain(asked, found, why, write)


def _listed(words: Any) -> str:
    return ", ".join(map(repr, words))


def _pairs(given: Any, ndim: int, name: str) -> Pairs:
    """A (before, after) pair for each axis, from one number, one pair, or all of them."""
    try:
        values = np.asarray(known("pad", name, given))
    except ValueError:
        raise TypeError(_explain(f"{name}={given!r}", "its parts have one shape")) from None
    if values.shape not in ((ndim, 2), (1, 2), (2,), (1,), ()):
        shapes = f"({ndim}, 2), (1, 2), (2,), (1,) or ()"
        raise ValueError(_explain(f"{name} of shape {values.shape}", f"its shape is {shapes}"))
    return [(low, high) for low, high in np.broadcast_to(values, (ndim, 2)).tolist()]


def _widths(pad_width: Any, ndim: int) -> Pairs:
    pairs = _pairs(pad_width, ndim, "pad_width")
    try:
        widths = [(operator.index(low), operator.index(high)) for low, high in pairs]
    except TypeError:
        raise TypeError(_explain(f"pad_width={pad_width!r}", "it counts elements")) from None
    if min((width for pair in widths for width in pair), default=0) < 0:
        raise ValueError(_explain(f"pad_width={pad_width!r}", "a margin is 0 or more elements"))
    return widths


def _each_axis(x: Any, widths: Pairs, pad_axis: Callable[..., Any]) -> Any:
    for axis, (low, high) in enumerate(widths):
        if low or high:
            x = pad_axis(x, axis, low, high)
    return x


def _pad_constant(x: Any, widths: Pairs, values: Any) -> Any:
    """One number everywhere, or one for each side of each axis."""
    values = convert_element_type(asarray(values), x.dtype, x.weak_type)
    if values.size == 1:
        number = squeeze(values)
        return structural.pad(x, number, [(low, high, 0) for low, high in widths])
    pairs = broadcast_to(values, (x.ndim, 2))

    def one_axis(x: Any, axis: int, low: int, high: int) -> Any:
        for side, edges in enumerate([(low, 0, 0), (0, high, 0)]):
            number = take(take(pairs, axis, 0), side)
            config = [edges if i == axis else (0, 0, 0) for i in range(x.ndim)]
            x = structural.pad(x, number, config) if any(edges) else x
        return x

    return _each_axis(x, widths, one_axis)


def _pad_with_own(x: Any, axis: int, low: int, high: int, mode: Any) -> Any:
    """Modes whose margins repeat elements of the array: each margin is a list of pieces of it."""
    size = x.shape[axis]
    if size == 0:
        raise ValueError(
            _explain(f"axis {axis} of size 0", f"mode {mode!r} fills margins with its elements")
        )
    sources = np.pad(np.arange(size), (low, high), mode)  # where each element comes from
    return concatenate(_runs(x, axis, sources.tolist()), axis)


def _runs(x: Any, axis: int, places: list[int]) -> list[Any]:
    """x at the given places along an axis, as pieces in which places rise, fall or stay."""
    pieces, start = [], 0
    while start < len(places):
        stop = start + 1
        step = places[stop] - places[start] if stop < len(places) else 1
        while abs(step) <= 1 and stop < len(places) and places[stop] - places[stop - 1] == step:
            stop += 1
        pieces.append(_run(x, axis, places[start], places[stop - 1], stop - start))
        start = stop
    return pieces


def _run(x: Any, axis: int, first: int, last: int, count: int) -> Any:
    """x[first], ..., x[last] along an axis; x[first] `count` times if they are the same."""
    piece = slice_along(x, min(first, last), max(first, last) + 1, axis)
    if first == last:
        return repeat(piece, count, axis) if count > 1 else piece
    return flip(piece, axis) if first > last else piece


def _mirror_odd(x: Any, axis: int, low: int, high: int, mode: str) -> Any:
    """Mirrored at the edge both in place and in value: 2 * edge - x."""
    size = x.shape[axis]
    skip = 1 if mode == "reflect" and size > 1 else 0  # "reflect" does not repeat the edge itself

    def before(x: Any, count: int) -> Any:
        while count > 0:
            n = min(count, size - skip)
            mirrored = flip(slice_along(x, skip, skip + n, axis), axis)
            edge = slice_along(x, 0, 1, axis)
            x = concatenate([subtract(multiply(2, edge), mirrored), x], axis)
            count -= n
        return x

    return flip(before(flip(before(x, low), axis), high), axis)


def _ramp(x: Any, axis: int, low: int, high: int, ends: Pairs) -> Any:
    """Evenly spaced from the end values to the edges."""
    edges = slice_along(x, 0, 1, axis), slice_along(x, x.shape[axis] - 1, x.shape[axis], axis)
    ramps = [
        linspace(end, squeeze(edge, axis), width, endpoint=False, dtype=x.dtype, axis=axis)
        for end, edge, width in zip(ends[axis], edges, (low, high))
    ]
    first, last = (convert_element_type(ramp, x.dtype, x.weak_type) for ramp in ramps)
    return concatenate([first, x, flip(last, axis)], axis)


def _pad_with_statistic(
    x: Any, axis: int, low: int, high: int, statistic: Callable[..., Any], lengths: Pairs | None
) -> Any:
    """The statistic of as many elements at either end as `lengths` says, or of all of them."""
    size = x.shape[axis]
    first, last = (size, size) if lengths is None else lengths[axis]
    if first == 0 or last == 0:
        raise ValueError(_explain("stat_length=0", "there is no statistic of no elements"))
    ends = (
        slice_along(x, 0, min(first, size), axis),
        slice_along(x, max(size - last, 0), size, axis),
    )
    values = [statistic(end, axis=axis, keepdims=True) for end in ends]
    if dtypes.kind(x.dtype) in "iu":
        values = [round_(value) for value in values]
    before, after = (convert_element_type(value, x.dtype, x.weak_type) for value in values)
    return concatenate([repeat(before, low, axis), x, repeat(after, high, axis)], axis)
