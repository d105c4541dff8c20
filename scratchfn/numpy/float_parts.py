"""The parts that floating-point numbers are made of: fraction and exponent, what is before and
after the point, the distance to the next number.

Read next: `numpy/elementwise.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.numpy.arguments import no_out, scalar
from scratchfn.numpy.comparison import (
    bitwise_and,
    bitwise_or,
    choose,
    equal,
    greater,
    isfinite,
    less,
    logical_and,
    logical_not,
    not_equal,
    right_shift,
    truth,
)
from scratchfn.numpy.elementwise import copysign, imag, strong, trunc
from scratchfn.numpy.promotion import align_ranks, inexact, operand
from scratchfn.numpy.ufuncs import absolute, add, exp2, multiply, subtract
from scratchfn.primitives.arithmetic import nextafter_p
from scratchfn.primitives.convert import bitcast_convert_type, convert_element_type
from scratchfn.transforms.custom_jvp import custom_jvp

INTEGER = {2: dtypes.int16, 4: dtypes.int32, 8: dtypes.int64}  # of as many bytes as the float


def _real(error: type[Exception], name: str, x: Any) -> Any:
    x = inexact(name, x)
    if dtypes.kind(x.dtype) == "c":
        why, write = "complex numbers have no such parts", f"jnp.{name}(x.real)"
        raise error(errors.explain(f"jnp.{name}", f"x of type {x.aval}", why, write))
    return x


# -- fraction and exponent ------------------------------------------------------------------------


def frexp(x: Any, /) -> tuple[Any, Any]:
    """(m, e) such that x = m * 2 ** e, with m from 0.5 to 1 in size and integers e, int32. For 0,
    inf and nan, m is the number itself and e is 0."""
    return _frexp(strong(_real(TypeError, "frexp", x)))


@custom_jvp
def _frexp(x: Any) -> tuple[Any, Any]:
    info = dtypes.finfo(x.dtype)
    integer = INTEGER[x.dtype.itemsize]
    mask, bias = (1 << info.nexp) - 1, 1 - int(info.minexp)  # of the exponent's bits
    subnormal = less(absolute(x), float(info.smallest_normal))
    shift = choose(subnormal, scalar(info.nmant, integer), scalar(0, integer))
    scaled = choose(subnormal, multiply(x, 2.0**info.nmant), x)
    bits = bitcast_convert_type(scaled, integer)
    exponent = bitwise_and(right_shift(bits, scalar(info.nmant, integer)), scalar(mask, integer))
    exponent = subtract(subtract(exponent, scalar(bias - 1, integer)), shift)
    fraction = bitwise_and(bits, scalar(~(mask << info.nmant), integer))
    half = scalar((bias - 1) << info.nmant, integer)  # the bits of 0.5
    fraction = bitcast_convert_type(bitwise_or(fraction, half), x.dtype)
    ordinary = logical_and(isfinite(x), not_equal(x, 0))
    exponent = choose(ordinary, exponent, scalar(0, integer))
    return choose(ordinary, fraction, x), convert_element_type(exponent, dtypes.int32)


@_frexp.defjvp
def _frexp_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (dx,) = primals, tangents
    m, e = _frexp(x)
    no_tangent = np.zeros(e.shape, dtypes.float0)
    return (m, e), (multiply(dx, exp2(convert_element_type(-e, x.dtype))), no_tangent)


def ldexp(x1: Any, x2: Any, /) -> Any:
    """x1 * 2 ** x2 for integers x2, where 2 ** x2 alone may be out of range. Raises ValueError for
    complex `x1` and for an `x2` that is no integer."""
    x, k = operand("ldexp", x1), operand("ldexp", x2, 1)
    if dtypes.kind(x.dtype) == "c" or dtypes.kind(k.dtype) not in "biu":
        raise ValueError(
            errors.explain(
                "jnp.ldexp", f"types {x.aval} and {k.aval}",
                "a real number is multiplied with 2 to the power of an integer",
                "x1 * 2.0**x2",
            )
        )  # fmt: skip
    x = strong(inexact("ldexp", x))
    x, k = align_ranks("ldexp", x, convert_element_type(k, x.dtype))
    return _ldexp(x, k)


@custom_jvp
def _ldexp(x: Any, k: Any) -> Any:
    m, e = frexp(x)
    power = add(convert_element_type(e, x.dtype), k)
    # 2 ** power may be too great for its dtype although m, below 1, times it is not
    large = greater(power, 0)
    m, power = choose(large, multiply(m, 2), m), choose(large, subtract(power, 1), power)
    ordinary = logical_and(isfinite(x), not_equal(x, 0))
    return choose(ordinary, multiply(m, exp2(power)), x)


@_ldexp.defjvp
def _ldexp_jvp(primals: Any, tangents: Any) -> Any:
    x, k = primals
    return _ldexp(x, k), multiply(tangents[0], exp2(k))


# -- before and after the point, and between numbers ----------------------------------------------


def modf(x: Any, /, out: None = None) -> tuple[Any, Any]:
    """(what is after the point, what is before it), both of the sign of x."""
    no_out("modf", out)
    x = _real(TypeError, "modf", x)
    whole = trunc(x)
    return subtract(x, whole), whole


def spacing(x: Any, /) -> Any:
    """The distance from each number to the next one away from zero, of the sign of x; nan for inf
    and nan."""
    x = strong(_real(ValueError, "spacing", x))
    away = copysign(scalar(np.inf, x.dtype), x)
    distance = subtract(nextafter_p.bind(*align_ranks("spacing", x, away)), x)
    # XLA takes numbers as small as this for 0
    least = copysign(scalar(dtypes.finfo(x.dtype).smallest_subnormal, x.dtype), x)
    return choose(equal(distance, 0), least, distance)


def iscomplex(x: Any) -> Any:
    """Where the imaginary part is not 0."""
    return truth("iscomplex", imag(x))


def isreal(x: Any) -> Any:
    """Where the imaginary part is 0."""
    return logical_not(imag(x))
