"""Elementwise functions of lax that every processor has: arithmetic, comparison, bits, rounding,
choice, and changes of type.

Arguments are arrays or Python numbers, the latter weakly typed: they are float32, int32 or
complex64 arrays of rank 0 (64 bits under `enable_x64`). Operands have equal dtypes, and equal
shapes; rank 0 goes with any shape, and size 1 with any size. Whatever does not fit is a TypeError.

Read next: `lax/math.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn import errors, tree
from scratchfn.core import dtypes
from scratchfn.core.array import as_value
from scratchfn.core.params import RoundingMethod
from scratchfn.lax.operands import binary, unary
from scratchfn.primitives import arithmetic, convert, logic

# -- arithmetic -----------------------------------------------------------------------------------


def add(x: Any, y: Any) -> Any:
    """x + y for numbers."""
    return binary(arithmetic.add_p, x, y)


def sub(x: Any, y: Any) -> Any:
    """x - y for numbers."""
    return binary(arithmetic.sub_p, x, y)


def mul(x: Any, y: Any, *, out_dtype: Any = None) -> Any:
    """x * y for numbers; computed and returned in `out_dtype` if that is given."""
    if out_dtype is not None:
        x, y = convert_element_type(x, out_dtype), convert_element_type(y, out_dtype)
    return binary(arithmetic.mul_p, x, y)


def div(x: Any, y: Any) -> Any:
    """x / y for numbers. Integers round towards zero; x / 0 is -1, all bits set."""
    return binary(arithmetic.div_p, x, y)


def rem(x: Any, y: Any) -> Any:
    """The remainder of x / y, with the sign of x, for real numbers; x where an integer y is 0."""
    return binary(arithmetic.rem_p, x, y)


def mulhi(x: Any, y: Any, /) -> Any:
    """The high half of the bits of x * y, for integers."""
    return binary(arithmetic.mulhi_p, x, y)


def max(x: Any, y: Any) -> Any:
    """The greater of x and y, nan if either is. Complex numbers are ordered by their real parts,
    then by their imaginary parts."""
    return binary(arithmetic.max_p, x, y)


def min(x: Any, y: Any) -> Any:
    """The lesser of x and y, nan if either is; for complex numbers see `max`."""
    return binary(arithmetic.min_p, x, y)


def neg(x: Any) -> Any:
    """-x for numbers; unsigned integers wrap."""
    return unary(convert.neg_p, x)


def sign(x: Any) -> Any:
    """-1, 0 or 1 by the sign of x, nan for nan; x / |x| for complex numbers, 0 at 0."""
    return unary(arithmetic.sign_p, x)


def abs(x: Any) -> Any:
    """|x| for signed numbers; real for complex x. The lowest integer is its own absolute value."""
    return unary(arithmetic.abs_p, x)


def pow(x: Any, y: Any) -> Any:
    """x to the power y, for floating x; y has the dtype of x or is of integers."""
    x, y = as_value(x), as_value(y)
    arithmetic.pow_p.aval(x.aval, y.aval)  # raises if they do not fit
    return arithmetic.pow_p.bind(x, y)


def integer_pow(x: Any, y: Any) -> Any:
    """x to the Python integer y, by multiplication. A negative y needs floating x."""
    if not isinstance(y, (int, np.integer)):
        why, write = "it counts multiplications", "lax.pow(x, y)"
        raise TypeError(errors.explain("lax.integer_pow(x, y)", f"y = {y!r}", why, write))
    if y < 0:
        x = as_value(x)
        arithmetic.integer_pow_p.aval(x.aval, y=y)  # raises for integers
    return unary(arithmetic.integer_pow_p, x, y=y)


def reciprocal(x: Any) -> Any:
    """1 / x for floating x."""
    return integer_pow(x, -1)


# -- rounding -------------------------------------------------------------------------------------


def floor(x: Any) -> Any:
    """The greatest whole number not above x, for floating x."""
    return unary(arithmetic.floor_p, x)


def ceil(x: Any) -> Any:
    """The least whole number not below x, for floating x."""
    return unary(arithmetic.ceil_p, x)


def round(x: Any, rounding_method: RoundingMethod = RoundingMethod.AWAY_FROM_ZERO) -> Any:
    """The nearest whole number, for floating x; `rounding_method` says where a half goes."""
    return unary(arithmetic.round_p, x, rounding_method=RoundingMethod(rounding_method))


def nextafter(x1: Any, x2: Any) -> Any:
    """The floating point number next to x1 in the direction of x2."""
    return binary(arithmetic.nextafter_p, x1, x2)


def is_finite(x: Any) -> Any:
    """Is x neither infinite nor nan? For floating x."""
    return unary(logic.is_finite_p, x)


# -- comparison: bool[...] from operands of one dtype ---------------------------------------------


def eq(x: Any, y: Any) -> Any:
    """x == y."""
    return binary(logic.eq_p, x, y)


def ne(x: Any, y: Any) -> Any:
    """x != y; true for nan."""
    return binary(logic.ne_p, x, y)


def lt(x: Any, y: Any) -> Any:
    """x < y, not for complex numbers."""
    return binary(logic.lt_p, x, y)


def le(x: Any, y: Any) -> Any:
    """x <= y, not for complex numbers."""
    return binary(logic.le_p, x, y)


def gt(x: Any, y: Any) -> Any:
    """x > y, not for complex numbers."""
    return binary(logic.gt_p, x, y)


def ge(x: Any, y: Any) -> Any:
    """x >= y, not for complex numbers."""
    return binary(logic.ge_p, x, y)


# -- bits of booleans and integers ----------------------------------------------------------------


def bitwise_and(x: Any, y: Any) -> Any:
    """x & y."""
    return binary(logic.and_p, x, y)


def bitwise_or(x: Any, y: Any) -> Any:
    """x | y."""
    return binary(logic.or_p, x, y)


def bitwise_xor(x: Any, y: Any) -> Any:
    """x ^ y."""
    return binary(logic.xor_p, x, y)


def bitwise_not(x: Any) -> Any:
    """~x: the logical complement of booleans."""
    return unary(logic.not_p, x)


def shift_left(x: Any, y: Any) -> Any:
    """x << y for integers; 0 where y is negative or not below the width."""
    return binary(logic.shift_left_p, x, y)


def shift_right_arithmetic(x: Any, y: Any) -> Any:
    """x >> y for integers, filled up with the sign bit, also where y is out of the width."""
    return binary(logic.shift_right_arithmetic_p, x, y)


def shift_right_logical(x: Any, y: Any) -> Any:
    """x >> y for integers, filled up with zeros; 0 where y is out of the width."""
    return binary(logic.shift_right_logical_p, x, y)


def population_count(x: Any) -> Any:
    """The number of bits set in an integer, in its own dtype."""
    return unary(logic.population_count_p, x)


def clz(x: Any) -> Any:
    """The number of leading zero bits of an integer, in its own dtype."""
    return unary(logic.clz_p, x)


# -- choice ---------------------------------------------------------------------------------------


def select(pred: Any, on_true: Any, on_false: Any) -> Any:
    """`on_true` where `pred` holds, `on_false` elsewhere; these two are of one shape and dtype, and
    `pred` has that shape or rank 0. Both are computed."""
    return select_n(pred, on_false, on_true)


def select_n(which: Any, *cases: Any) -> Any:
    """Each element from `cases[which]`. `which`, a bool for two cases, else an integer, has the
    cases' common shape or rank 0."""
    if not cases:
        raise ValueError(
            errors.explain(
                "lax.select_n(which)", "no cases", "there must be one to choose",
                "lax.select_n(which, on_false, on_true)",
            )
        )  # fmt: skip
    return convert.select_n_p.bind(as_value(which), *map(as_value, cases))


def clamp(min: Any, x: Any, max: Any) -> Any:
    """x, but `min` where it is below and `max` where it is above; they have the shape of x or rank
    0."""
    return convert.clamp_p.bind(as_value(min), as_value(x), as_value(max))


# -- types ----------------------------------------------------------------------------------------


def convert_element_type(operand: Any, new_dtype: Any) -> Any:
    """`operand` in another dtype, never weakly typed. Floats become integers towards zero, clamped
    to the range, nan as 0; complex numbers leave their imaginary parts."""
    x = as_value(operand)
    dtype = (
        x.dtype if new_dtype is None else dtypes.explicit_dtype(new_dtype, "convert_element_type")
    )
    return convert.convert_element_type(x, dtype)


def bitcast_convert_type(operand: Any, new_dtype: Any) -> Any:
    """The bits of `operand` as another dtype. Narrower elements add a last axis, wider ones use the
    last axis up. Booleans and complex numbers have no bits to show."""
    x = as_value(operand)
    dtype = dtypes.explicit_dtype(new_dtype, "bitcast_convert_type")
    if x.dtype != dtype:
        for which in (x.dtype, dtype):
            if dtypes.kind(which) in "bc":
                raise TypeError(
                    errors.explain(
                        f"lax.bitcast_convert_type of {x.aval} to {dtypes.short_name(dtype)}",
                        f"dtype {which.name}",
                        "how a bool or a complex number lies in memory is not specified",
                        "x.view(dtype), or lax.real and lax.imag for the parts",
                    )
                )
    return convert.bitcast_convert_type(x, dtype)


def reduce_precision(operand: Any, exponent_bits: int, mantissa_bits: int) -> Any:
    """Floating numbers rounded to a format of fewer bits, in their own dtype."""
    return unary(
        convert.reduce_precision_p,
        operand,
        exponent_bits=int(exponent_bits),
        mantissa_bits=int(mantissa_bits),
    )


def complex(x: Any, y: Any) -> Any:
    """x + iy: complex64 from float32, complex128 from float64."""
    x, y = as_value(x), as_value(y)
    convert.complex_p.aval(x.aval, y.aval)  # raises if they do not fit
    return convert.complex_p.bind(x, y)


def real(x: Any) -> Any:
    """The real part of complex numbers."""
    return unary(convert.real_p, x)


def imag(x: Any) -> Any:
    """The imaginary part of complex numbers."""
    return unary(convert.imag_p, x)


def conj(x: Any) -> Any:
    """The complex conjugate; float32 and float64 become complex."""
    x = as_value(x)
    return convert.conj_p.bind(x, input_dtype=x.dtype)


def stop_gradient(x: Any) -> Any:
    """The tree x as it is, but a constant to differentiation."""
    return tree.map(lambda leaf: convert.stop_gradient_p.bind(as_value(leaf)), x)
