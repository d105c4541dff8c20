"""Differences, integrals, interpolation, polynomials and convolution of sampled functions.

Read next: `numpy/selection.py`.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.lax.convolution import conv_general_dilated
from scratchfn.numpy.arguments import as_tuple, axes_of, axis_of, known, scalar
from scratchfn.numpy.bisection import count_before
from scratchfn.numpy.comparison import choose, greater, less, less_equal, not_equal
from scratchfn.numpy.conversion import asarray
from scratchfn.numpy.elementwise import conjugate
from scratchfn.numpy.indexing import take
from scratchfn.numpy.joining import concatenate
from scratchfn.numpy.manipulation import (
    broadcast_shapes,
    broadcast_to,
    flip,
    moveaxis,
    ravel,
    slice_along,
)
from scratchfn.numpy.promotion import lead, operand, promote_dtypes, promote_dtypes_inexact
from scratchfn.numpy.reductions import sum
from scratchfn.numpy.ufuncs import absolute, add, clip, divide, multiply, power, remainder, subtract
from scratchfn.primitives import base
from scratchfn.primitives.sorting import sort
from scratchfn.primitives.structural import iota

# -- differences and integrals --------------------------------------------------------------------


def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """The differences of neighbours along an axis, `n` times over; of booleans, where they change.
    `prepend` and `append` are put before and after the elements first."""
    a = operand("diff", a)
    n = operator.index(known("diff", "n", n))
    if n == 0:
        return a
    if n < 0 or a.ndim == 0:
        raise ValueError(
            errors.explain(
                f"jnp.diff(x, n={n})", f"x of type {a.aval}",
                "differences run along an axis, 0 times or more", "jnp.diff(x, n=1, axis=0)",
            )
        )  # fmt: skip
    axis = axis_of("diff", axis, a.ndim)
    edge = tuple(1 if i == axis else size for i, size in enumerate(a.shape))
    parts = [prepend, a, append]
    parts = [operand("diff", part) for part in parts if part is not None]
    a = concatenate([broadcast_to(p, edge) if p.ndim == 0 else p for p in parts], axis)
    difference = not_equal if a.dtype == dtypes.bool_ else subtract
    for _ in range(n):
        size = a.shape[axis]
        a = difference(slice_along(a, min(1, size), size, axis), _before_last(a, axis))
    return a


def _before_last(a: Any, axis: int) -> Any:
    return slice_along(a, 0, max(a.shape[axis] - 1, 0), axis)


def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """The differences of neighbours in the flattened array, between `to_begin` and `to_end`."""
    a = ravel(operand("ediff1d", ary))
    ends = [None if x is None else ravel(asarray(x, a.dtype)) for x in (to_begin, to_end)]
    first = min(1, a.size)
    rises = subtract(slice_along(a, first, a.size, 0), slice_along(a, 0, a.size - first, 0))
    parts = [ends[0], rises, ends[1]]
    return concatenate([part for part in parts if part is not None])


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The integral of samples `y` along an axis by the trapezoidal rule; they are `dx` apart, or at
    the places `x`."""
    if x is None:
        (y,) = promote_dtypes_inexact(operand("trapezoid", y))
        width = operand("trapezoid", dx)
        width = moveaxis(lead(width, y.ndim), axis, -1) if width.ndim else width
    else:
        y, x = promote_dtypes_inexact(operand("trapezoid", y), operand("trapezoid", x, 1))
        width = diff(x) if x.ndim == 1 else moveaxis(diff(x, axis=axis), axis, -1)
    y = moveaxis(y, axis, -1)
    last = y.ndim - 1
    size = y.shape[last]
    steps = max(size - 1, 0)  # nothing, like one sample, has the integral 0
    pairs = add(slice_along(y, size - steps, size, last), slice_along(y, 0, steps, last))
    return multiply(0.5, sum(multiply(width, pairs), -1))


def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int | None = None) -> Any:
    """The derivatives of samples along each axis by central differences, one-sided at the ends.

    Args:
      varargs: the spacing, one number or vector of places for all axes or one for each.
    """
    if edge_order is not None:
        raise NotImplementedError(
            errors.explain(
                f"jnp.gradient(..., edge_order={edge_order})", "an order",
                "at the ends there are differences of the first order only", "jnp.gradient(f)",
            )
        )  # fmt: skip
    a, *spacing = promote_dtypes_inexact(f, *varargs)
    axes = axes_of("gradient", axis if axis is None else as_tuple(axis), a.ndim)
    if len(spacing) not in (0, 1, len(axes)):
        raise TypeError(
            errors.explain(
                f"jnp.gradient along axes {axes}", f"{len(spacing)} spacings",
                "there is one for all axes, or one for each", "jnp.gradient(f, 0.1)",
            )
        )  # fmt: skip
    if any(a.shape[i] < 2 for i in axes):
        raise ValueError(
            errors.explain(
                f"jnp.gradient of {a.aval} along axes {axes}", "fewer than two samples",
                "a difference takes two", "jnp.gradient(f, axis=...) along a longer axis",
            )
        )  # fmt: skip
    steps = spacing * len(axes) if len(spacing) == 1 else spacing or [1.0] * len(axes)
    slopes = [_gradient(a, step, i) for i, step in zip(axes, steps)]
    return slopes[0] if len(slopes) == 1 else slopes


def _gradient(a: Any, step: Any, axis: int) -> Any:
    n = a.shape[axis]
    h = operand("gradient", step)
    if h.ndim > 1 or (h.ndim == 1 and h.shape[0] != n):
        raise ValueError(
            errors.explain(
                f"jnp.gradient of {a.aval} along axis {axis}", f"a spacing of type {h.aval}",
                f"it is a number, or the places of the {n} samples", "jnp.gradient(f, 0.1)",
            )
        )  # fmt: skip
    rises = diff(a, axis=axis)
    if h.ndim == 0:
        slopes = divide(rises, h)
        before, after = _before_last(slopes, axis), slice_along(slopes, 1, n - 1, axis)
        inner = multiply(add(before, after), 0.5)
    else:  # the mean of the two slopes, each weighted by the width of the other side
        widths = base.reshape(diff(h), [n - 1 if i == axis else 1 for i in range(a.ndim)])
        slopes = divide(rises, widths)
        before, after = _before_last(slopes, axis), slice_along(slopes, 1, n - 1, axis)
        left, right = _before_last(widths, axis), slice_along(widths, 1, n - 1, axis)
        inner = divide(add(multiply(right, before), multiply(left, after)), add(left, right))
    first, last = slice_along(slopes, 0, 1, axis), slice_along(slopes, n - 2, n - 1, axis)
    return concatenate([first, inner, last], axis)


def unwrap(p: Any, discont: Any = None, axis: int = -1, period: Any = 2 * np.pi) -> Any:
    """Angles along an axis made continuous: steps greater than `discont`, half a period by default,
    are made smaller by whole periods."""
    p, period = promote_dtypes(operand("unwrap", p), operand("unwrap", period, 3))
    if dtypes.kind(p.dtype) == "c":
        why, write = "complex numbers have no order to step up in", "jnp.unwrap(jnp.angle(p))"
        raise ValueError(errors.explain("jnp.unwrap", f"angles of type {p.aval}", why, write))
    axis = axis_of("unwrap", axis, p.ndim)
    if p.shape[axis] == 0:
        return p
    discont = divide(period, 2) if discont is None else discont
    half = period // 2 if dtypes.kind(p.dtype) in "iu" else divide(period, 2)
    steps = diff(p, axis=axis)
    wrapped = subtract(remainder(add(steps, half), period), half)
    wrapped = choose((wrapped == -half) & greater(steps, 0), half, wrapped)
    change = choose(less(absolute(steps), discont), 0, subtract(wrapped, steps))
    first, rest = slice_along(p, 0, 1, axis), slice_along(p, 1, p.shape[axis], axis)
    return concatenate([first, add(rest, change.cumsum(axis))], axis)


# -- functions through given points ---------------------------------------------------------------


def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """The values at `x` of the function that runs straight from point to point of (xp, fp), where
    xp rises.

    Args:
      left, right: the values before the first and after the last point: those of these points by
        default, or "extrapolate" to run on straight.
      period: xp are angles of this period, in any order.
    """
    x, xp, fp = (operand("interp", v, i) for i, v in enumerate((x, xp, fp)))
    bad = [v for v in (left, right) if isinstance(v, str) and v != "extrapolate"]
    complex_ = "c" in (dtypes.kind(x.dtype), dtypes.kind(xp.dtype))
    if xp.shape != fp.shape or xp.ndim != 1 or complex_ or bad:
        raise ValueError(
            errors.explain(
                f"jnp.interp(x, xp, fp, left={left!r}, right={right!r})",
                f"types {x.aval}, {xp.aval} and {fp.aval}",
                "xp and fp are vectors of one length, x and xp are real, and left and right are "
                "numbers or 'extrapolate'",
                "jnp.interp(x, xp, fp)",
            )
        )
    x, xp = promote_dtypes_inexact(x, xp)
    (fp,) = promote_dtypes_inexact(fp)
    if period is not None:
        x, xp, fp = _periodic(x, xp, fp, absolute(operand("interp", period)))
    n = xp.shape[0]
    i = clip(count_before(xp, x, "right"), 1, n - 1)
    x0, f0 = take(xp, i - 1), take(fp, i - 1)
    dx, df = subtract(take(xp, i), x0), subtract(take(fp, i), f0)
    flat = less_equal(absolute(dx), np.spacing(np.finfo(xp.dtype).eps))
    slope = divide(subtract(x, x0), choose(flat, 1, dx))
    f = choose(flat, f0, add(f0, multiply(slope, df)))
    if period is not None:
        return f
    if left != "extrapolate":
        f = choose(less(x, take(xp, 0)), take(fp, 0) if left is None else left, f)
    if right != "extrapolate":
        f = choose(greater(x, take(xp, n - 1)), take(fp, n - 1) if right is None else right, f)
    return f


def _periodic(x: Any, xp: Any, fp: Any, period: Any) -> tuple[Any, Any, Any]:
    """Points sorted within one period, with one more on either side."""
    x, xp = remainder(x, period), remainder(xp, period)
    xp, fp = sort([xp, fp], 0)
    n = xp.shape[0]
    first, last = (slice_along(xp, i, i + 1, 0) for i in (0, n - 1))
    xp = concatenate([subtract(last, period), xp, add(first, period)])
    fp = concatenate([slice_along(fp, n - 1, n, 0), fp, slice_along(fp, 0, 1, 0)])
    return x, xp, fp


def polyval(p: Any, x: Any, *, unroll: int = 16) -> Any:
    """The value at `x` of the polynomial with coefficients `p`, the highest power first, by
    Horner's rule."""
    p, x = promote_dtypes(operand("polyval", p), operand("polyval", x, 1))
    y = base.full(broadcast_shapes(p.shape[1:], x.shape), 0, x.dtype)
    for i in range(p.shape[0]):
        y = add(multiply(y, x), take(p, i, 0))
    return y


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The matrix whose rows are the powers of the elements of `x`, N of them, falling to 0."""
    x = operand("vander", x)
    if x.ndim != 1 or (N is not None and N < 0):
        raise ValueError(
            errors.explain(
                f"jnp.vander(x, N={N})", f"x of type {x.aval}",
                "each element of one vector gets a row of N powers", "jnp.vander(x.ravel(), 3)",
            )
        )  # fmt: skip
    count = x.shape[0] if N is None else operator.index(known("vander", "N", N))
    powers = iota(x.dtype, (count,))
    if not increasing:
        powers = subtract(scalar(count - 1, x.dtype), powers)
    return power(base.expand_dims(x, [1]), base.expand_dims(powers, [0]))


def convolve(
    a: Any, v: Any, mode: str = "full", *, precision: Any = None, preferred_element_type: Any = None
) -> Any:
    """The convolution of two vectors: sums of products, one of them running backwards.

    Args:
      mode: "full" wherever they overlap; "same" for the size of the longer; "valid" where the
        shorter lies inside the longer.
    """
    x, y = _vectors("convolve", a, v, mode, preferred_element_type)
    if x.shape[0] < y.shape[0]:
        x, y = y, x
    return _correlate(x, flip(y), mode, precision, preferred_element_type)


def correlate(
    a: Any, v: Any, mode: str = "valid", *, precision: Any = None,
    preferred_element_type: Any = None,
) -> Any:  # fmt: skip
    """The correlation of two vectors: sums of products, `v` conjugated; see `convolve`."""
    x, y = _vectors("correlate", a, v, mode, preferred_element_type)
    y = conjugate(y)
    if x.shape[0] < y.shape[0]:
        return flip(_correlate(y, x, mode, precision, preferred_element_type))
    return _correlate(x, y, mode, precision, preferred_element_type)


def _vectors(name: str, a: Any, v: Any, mode: str, preferred: Any) -> list[Any]:
    xs = [operand(name, a), operand(name, v, 1)]
    if any(x.ndim != 1 or x.size == 0 for x in xs) or mode not in ("full", "same", "valid"):
        raise ValueError(
            errors.explain(
                f"jnp.{name}(x, y, mode={mode!r})", f"types {xs[0].aval} and {xs[1].aval}",
                "x and y are vectors with elements, mode is 'full', 'same' or 'valid'",
                "lax.conv_general_dilated for more axes",
            )
        )  # fmt: skip
    return promote_dtypes_inexact(*xs) if preferred is None else promote_dtypes(*xs)


def _correlate(x: Any, y: Any, mode: str, precision: Any, preferred: Any) -> Any:
    """Sums of products of the longer vector x with y moved along it."""
    n = y.shape[0]
    padding = {"valid": (0, 0), "same": (n // 2, n - n // 2 - 1), "full": (n - 1, n - 1)}[mode]
    batch = base.expand_dims(x, [0, 1]), base.expand_dims(y, [0, 1])  # [1, 1, size]
    out = conv_general_dilated(
        *batch, (1,), [padding], precision=precision, preferred_element_type=preferred
    )
    return base.reshape(out, out.shape[2:])
