"""Arithmetic on elements: sums, products, quotients, powers, maximum and minimum, absolute value.

Each block is the whole definition of a primitive: the NumPy expression, the dtypes it takes, its
partial derivatives as functions of the tangent, the result and the arguments, and its transpose
where it is linear.

Read next: `primitives/math.py` for the functions of analysis.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.avals import ShapedArray
from scratchfn.core.template import kernel
from scratchfn.primitives.base import unbroadcast
from scratchfn.primitives.check import broadcast_shape, require_equal_dtypes, require_kind
from scratchfn.primitives.convert import conj, convert_element_type, neg_p, real, select
from scratchfn.primitives.logic import eq, ge
from scratchfn.primitives.rules import (
    approximate,
    elementwise,
    full_like,
    is_complex,
    is_linear,
    linear_in,
    scalar_like,
    spread,
)

NUMBERS = "iufc"
neg = neg_p.bind

# -- add, sub, mul --------------------------------------------------------------------------------


def _add_transpose(ct: Any, x: Any, y: Any) -> Any:
    return [unbroadcast(ct, a.aval) if is_linear(a) else None for a in (x, y)]


add_p = elementwise(
    "add", "np.add({0}, {1})", NUMBERS,
    lambda dx, ans, x, y: dx,
    lambda dy, ans, x, y: dy,
    transpose=_add_transpose,
)  # fmt: skip
add = add_p.bind


def _sub_transpose(ct: Any, x: Any, y: Any) -> Any:
    return [
        unbroadcast(ct, x.aval) if is_linear(x) else None,
        unbroadcast(neg(ct), y.aval) if is_linear(y) else None,
    ]


sub_p = elementwise(
    "sub", "np.subtract({0}, {1})", NUMBERS,
    lambda dx, ans, x, y: dx,
    lambda dy, ans, x, y: neg(dy),
    transpose=_sub_transpose,
)  # fmt: skip
sub = sub_p.bind


def _mul_transpose(ct: Any, x: Any, y: Any) -> Any:
    if is_linear(x):
        return [unbroadcast(mul(ct, y), x.aval), None]
    return [None, unbroadcast(mul(x, ct), y.aval)]


mul_p = elementwise(
    "mul", "np.multiply({0}, {1})", NUMBERS,
    lambda dx, ans, x, y: mul(dx, y),
    lambda dy, ans, x, y: mul(x, dy),
    transpose=_mul_transpose,
)  # fmt: skip
mul = mul_p.bind

# -- div, rem: integers round towards zero, and x / 0 is -1, x rem 0 is x, as in XLA ---------------


@kernel
def int_div(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    safe = np.where(y == 0, y.dtype.type(1), y)
    quotient = np.floor_divide(x, safe)
    inexact = np.multiply(quotient, safe) != x
    towards_zero = quotient + (inexact & ((x < 0) != (y < 0)))
    return np.where(y == 0, ~np.zeros((), x.dtype), towards_zero).astype(x.dtype)


@kernel
def int_rem(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    safe = np.where(y == 0, y.dtype.type(1), y)
    return np.where(y == 0, x, np.fmod(x, safe))


div_p = elementwise(
    "div", {"f|c": "np.true_divide({0}, {1})", "i|u": "int_div({0}, {1})"}, NUMBERS,
    lambda dx, ans, x, y: div(dx, y),
    lambda dy, ans, x, y: mul(mul(neg(dy), x), integer_pow(y, -2)),
    transpose=linear_in(0, lambda ct, x, y: div(ct, y)),
)  # fmt: skip
div = div_p.bind

rem_p = elementwise(
    "rem", {"f": "np.fmod({0}, {1})", "i|u": "int_rem({0}, {1})"}, "iuf",
    lambda dx, ans, x, y: dx,
    lambda dy, ans, x, y: mul(neg(dy), mul(sign(div(x, y)), floor_p.bind(abs_(div(x, y))))),
)  # fmt: skip
rem = rem_p.bind


@kernel
def mulhi_kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The high half of a product of integers. In 64 bits, from the products of their halves."""
    bits = 8 * x.dtype.itemsize
    if bits < 64:
        wide = np.int64 if x.dtype.kind == "i" else np.uint64
        return (x.astype(wide) * y.astype(wide) >> wide(bits)).astype(x.dtype)
    half, low = x.dtype.type(32), x.dtype.type(0xFFFFFFFF)
    x1, x0, y1, y0 = x >> half, x & low, y >> half, y & low
    x0y0 = x0.astype(np.uint64) * y0.astype(np.uint64)
    middle = x1 * y0 + (x0y0 >> np.uint64(32)).astype(x.dtype)
    return x1 * y1 + (middle >> half) + ((middle & low) + x0 * y1 >> half)


mulhi_p = elementwise(
    "mulhi", "mulhi_kernel({0}, {1})", "iu", arity=2, jax=lambda lax, x, y: lax.mulhi(x, y)
)

# -- rounding, sign, absolute value ---------------------------------------------------------------

floor_p = elementwise("floor", "np.floor({0})", "f")
ceil_p = elementwise("ceil", "np.ceil({0})", "f")


@kernel
def nextafter_kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.where(x == y, y, np.nextafter(x, y))  # from 0 to -0 and back, which NumPy does not


nextafter_p = elementwise("nextafter", "nextafter_kernel({0}, {1})", "f", arity=2, jvp=None)


@kernel
def round_kernel(x: np.ndarray, rounding_method: int) -> np.ndarray:
    """Method 1 rounds halves to even, method 0 away from zero."""
    if rounding_method == 1:
        return np.rint(x)
    whole, one = np.trunc(x), x.dtype.type(1)
    return np.where(np.abs(x - whole) >= x.dtype.type(0.5), whole + np.copysign(one, x), whole)


def _round_aval(x: ShapedArray, *, rounding_method: int) -> ShapedArray:
    require_kind("round", [x], "f")
    return x


round_p = elementwise("round", "round_kernel({0}, {rounding_method})", "f")
round_p.aval = _round_aval


@kernel
def complex_sign(x: np.ndarray) -> np.ndarray:
    return np.where(x == 0, x, x / np.abs(x)).astype(x.dtype)


sign_p = elementwise(
    "sign",
    {"i|u": "np.sign({0})", "f": "np.copysign(np.sign({0}), {0})", "c": "complex_sign({0})"},
    NUMBERS,
)
sign = sign_p.bind


def _abs_partial(dx: Any, ans: Any, x: Any) -> Any:
    """The sign of x, which at 0 is taken to be +1; for complex x the part of dx along x."""
    if is_complex(x):
        length = convert_element_type(ans, x.dtype)
        length = select(eq(length, scalar_like(length, 0)), full_like(length, 1), length)
        return real(mul(dx, div(conj(x), length)))
    return select(ge(x, scalar_like(x, 0)), dx, neg(dx))


def _abs_aval(x: ShapedArray) -> ShapedArray:
    require_kind("abs", [x], "ifc")
    real_dtype = dtypes.to_floating_dtype(x.dtype) if dtypes.kind(x.dtype) == "c" else x.dtype
    return ShapedArray(x.shape, real_dtype, x.weak_type)


abs_p = elementwise("abs", "np.absolute({0})", "ifc", _abs_partial, aval=_abs_aval)
abs_ = abs_p.bind

# -- maximum, minimum: a tie gives half of the derivative to each side -----------------------------


def _share(x: Any, ans: Any, y: Any) -> Any:
    """1 where x is the result alone, 1/2 where y is it too, 0 elsewhere."""
    one, zero, two = (full_like(ans, v) for v in (1, 0, 2))
    return div(select(eq(x, ans), one, zero), select(eq(y, ans), two, one))


max_p = elementwise(
    "max", "np.maximum({0}, {1})", "biufc",
    lambda dx, ans, x, y: mul(dx, _share(x, ans, y)),
    lambda dy, ans, x, y: mul(dy, _share(y, ans, x)),
)  # fmt: skip
min_p = elementwise(
    "min", "np.minimum({0}, {1})", "biufc",
    lambda dx, ans, x, y: mul(dx, _share(x, ans, y)),
    lambda dy, ans, x, y: mul(dy, _share(y, ans, x)),
)  # fmt: skip
max_, min_ = max_p.bind, min_p.bind

# -- powers ---------------------------------------------------------------------------------------


@kernel
def integer_power(x: np.ndarray, y: int) -> np.ndarray:
    """x to a fixed integer, by squaring: np.power is a hundred times slower for negative x."""
    if y < 0 and x.dtype.kind in "iu":
        raise TypeError("no whole number")  # eager execution then lets `aval` say it better
    result, square, n = None, x, abs(y)
    while n:
        if n & 1:
            result = square if result is None else np.multiply(result, square)
        n >>= 1
        if n:
            square = np.multiply(square, square)
    if result is None:
        return np.ones_like(x)
    return np.reciprocal(result) if y < 0 else result


def _integer_pow_aval(x: ShapedArray, *, y: int) -> ShapedArray:
    require_kind("integer_pow", [x], NUMBERS)
    if y < 0 and dtypes.kind(x.dtype) in "iu":
        raise TypeError(
            errors.explain(
                f"integer_pow({x}, {y})",
                "an integer array and a negative exponent",
                "the result would not be an integer",
                f"x.astype(jnp.float32) ** {y}",
            )
        )
    return x


def _integer_pow_partial(dx: Any, ans: Any, x: Any, *, y: int) -> Any:
    if y == 0:
        return mul(dx, scalar_like(x, 0))
    return mul(dx, mul(scalar_like(x, y), integer_pow(x, y - 1)))


integer_pow_p = elementwise(
    "integer_pow", "integer_power({0}, {y})", NUMBERS, _integer_pow_partial,
    aval=_integer_pow_aval,
)  # fmt: skip


def integer_pow(x: Any, y: int) -> Any:
    """x to a Python integer."""
    return x if y == 1 else integer_pow_p.bind(x, y=y)


def _pow_aval(x: ShapedArray, y: ShapedArray) -> ShapedArray:
    require_kind("pow", [x], "fc")
    if dtypes.kind(y.dtype) not in "iu":
        require_kind("pow", [x, y], "fc")
        require_equal_dtypes("pow", [x, y])
    shape = broadcast_shape("pow", [x.shape, y.shape])
    return ShapedArray(shape, x.dtype, x.weak_type and y.weak_type)


def _pow_dx(dx: Any, ans: Any, x: Any, y: Any) -> Any:
    one = full_like(y, 1)
    if dtypes.kind(y.dtype) not in "iu":
        return mul(dx, mul(y, pow_(x, sub(y, one))))
    # The derivative of x ** 0 is 0 also where x ** -1 is infinite; JAX does not say so for float y.
    zero = eq(y, scalar_like(y, 0))
    factor = convert_element_type(select(zero, one, y), x.dtype)
    slope = mul(factor, pow_(x, sub(y, one)))
    return mul(dx, select(spread(zero, slope.shape), full_like(slope, 0), slope))


def _pow_dy(dy: Any, ans: Any, x: Any, y: Any) -> Any:
    nonzero = select(eq(x, scalar_like(x, 0)), full_like(x, 1), x)
    return mul(dy, mul(log_p.bind(nonzero), ans))


@kernel
def power(x: np.ndarray, y: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """x to the power y. That of 0.5 is the square root but for -inf and -0, which np.power takes
    for one throughout."""
    y = y if x.dtype == y.dtype else y.astype(x.dtype)
    if y.ndim or y != 0.5 or x.dtype.kind != "f":
        return np.power(x, y, out)
    low = x == -np.inf
    root = np.sqrt(x, np.empty(x.shape, x.dtype) if out is None else out)
    np.add(root, x.dtype.type(0), root)
    np.copyto(root, np.inf, where=low)
    return root


pow_p = elementwise("pow", "power({0}, {1})", "fc", _pow_dx, _pow_dy, aval=_pow_aval)
pow_ = pow_p.bind

log_p = approximate("log", "np.log({0})", "fc", lambda dx, ans, x: div(dx, x))
