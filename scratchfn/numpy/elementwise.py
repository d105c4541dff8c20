"""Functions of elements that are made of several operations: rounding, signs, parts of complex
numbers, logarithms in other bases, safe sums of logarithms.

Read next: `numpy/operators.py`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.params import RoundingMethod
from scratchfn.numpy.arguments import integer
from scratchfn.numpy.comparison import choose, equal, greater, isnan, less, not_equal
from scratchfn.numpy.promotion import cast, inexact, operand, promote_inexact
from scratchfn.numpy.ufuncs import (
    absolute,
    add,
    divide,
    exp,
    exp2,
    log,
    log1p,
    maximum,
    minimum,
    multiply,
    negative,
    remainder,
    sin,
    sqrt,
    square,
    subtract,
)
from scratchfn.primitives import arithmetic, convert, math
from scratchfn.primitives.base import zeros
from scratchfn.primitives.rules import scalar_like, strong_scalar
from scratchfn.transforms.custom_jvp import custom_jvp


def _whole(x: Any) -> bool:
    return dtypes.kind(x.dtype) in "biu"


def strong(x: Any) -> Any:
    """`x` without weakness."""
    return convert.convert_element_type(x, x.dtype)


def _no_complex(error: type[Exception], name: str, x: Any) -> Any:
    if dtypes.kind(x.dtype) != "c":
        return x
    raise error(
        errors.explain(
            f"jnp.{name}",
            f"an array of type {x.aval}",
            "it is not defined for complex numbers",
            f"jnp.{name}(abs(x)), or of x.real",
        )
    )


def floor(x: Any, /) -> Any:
    """The largest integer not above each element, as a float."""
    x = operand("floor", x)
    return x if _whole(x) else arithmetic.floor_p.bind(x)


def ceil(x: Any, /) -> Any:
    """The smallest integer not below each element, as a float."""
    x = operand("ceil", x)
    return x if _whole(x) else arithmetic.ceil_p.bind(x)


def trunc(x: Any) -> Any:
    """The integer part of each element, towards zero."""
    x = operand("trunc", x)
    return x if _whole(x) else choose(less(x, 0), ceil(x), floor(x))


def rint(x: Any, /) -> Any:
    """Each element rounded to the nearest integer, halves to even, as a float."""
    x = operand("rint", x)
    if _whole(x):
        x = cast(x, dtypes.to_inexact_dtype(x.dtype))
    if dtypes.kind(x.dtype) == "c":
        return convert.complex_p.bind(rint(real(x)), rint(imag(x)))
    return arithmetic.round_p.bind(x, rounding_method=RoundingMethod.TO_NEAREST_EVEN)


def round(a: Any, decimals: int = 0, out: None = None) -> Any:
    """Each element rounded to `decimals` places, halves to even."""
    a = operand("round", a)
    decimals = integer("round", "the number of decimals", decimals, "jnp.round(x, 2)")
    if a.dtype == dtypes.bool_:
        raise ValueError(
            errors.explain(
                "jnp.round of booleans", f"an array of type {a.aval}", "there is nothing to round",
                "x.astype(int)",
            )
        )  # fmt: skip
    if _whole(a) and decimals >= 0:
        return a
    if _whole(a):
        factor = 10**-decimals
        rounded = rint(divide(a, factor))
        return cast(multiply(rounded, factor), a.dtype)
    if decimals == 0:
        return rint(a)
    factor = scalar_like(a, 10.0**decimals)
    return divide(rint(multiply(a, factor)), factor)


around = round


def real(val: Any, /) -> Any:
    """The real part."""
    val = operand("real", val)
    return convert.real(val) if dtypes.kind(val.dtype) == "c" else val


def imag(val: Any, /) -> Any:
    """The imaginary part; zeros for real numbers."""
    val = operand("imag", val)
    return convert.imag(val) if dtypes.kind(val.dtype) == "c" else zeros(val.aval)


def conjugate(x: Any, /) -> Any:
    """The complex conjugate."""
    return convert.conj(operand("conjugate", x))


conj = conjugate


def angle(z: Any, deg: bool = False) -> Any:
    """The angle of complex numbers with the positive real axis, in radians (degrees if `deg`)."""
    z = inexact("angle", z)
    height = imag(z) if dtypes.kind(z.dtype) == "c" else strong(imag(z))
    result = math.atan2_p.bind(height, real(z))
    return degrees(result) if deg else result


def arctan2(x1: Any, x2: Any, /) -> Any:
    """The angle of the point (x2, x1) with the positive first axis, in (-pi, pi]."""
    return math.atan2_p.bind(*promote_inexact("arctan2", x1, x2))


atan2 = arctan2


def degrees(x: Any, /) -> Any:
    """Radians in degrees."""
    x = inexact("degrees", x)
    return multiply(x, scalar_like(x, 180 / np.pi))


def radians(x: Any, /) -> Any:
    """Degrees in radians."""
    x = inexact("radians", x)
    return multiply(x, scalar_like(x, np.pi / 180))


rad2deg, deg2rad = degrees, radians


def fabs(x: Any, /) -> Any:
    """The absolute value, as a float."""
    return absolute(inexact("fabs", _no_complex(TypeError, "fabs", operand("fabs", x))))


def log2(x: Any, /) -> Any:
    """The logarithm to base 2."""
    return _scaled_log(inexact("log2", x), 1 / np.log(2))


def log10(x: Any, /) -> Any:
    """The logarithm to base 10."""
    return _scaled_log(inexact("log10", x), np.log10(np.e))  # 1 / np.log(10) is one rounding away


def _scaled_log(x: Any, factor: float) -> Any:
    """The logarithm to another base. Complex parts are scaled apart, so that -inf stays -inf."""
    y = log(x)
    if dtypes.kind(y.dtype) != "c":
        return multiply(y, strong_scalar(y, factor))
    scale = strong_scalar(real(y), factor)
    return convert.complex_p.bind(multiply(real(y), scale), multiply(imag(y), scale))


@custom_jvp
def _logaddexp(x: Any, y: Any) -> Any:
    difference = subtract(x, y)
    stable = add(maximum(x, y), log1p(exp(negative(absolute(difference)))))
    return choose(isnan(difference), add(x, y), stable)


@_logaddexp.defjvp
def _logaddexp_jvp(primals: Any, tangents: Any) -> Any:
    """d log(e^x + e^y) = e^(x - out) dx + e^(y - out) dy, with inf - inf taken as 0."""
    out = _logaddexp(*primals)
    parts = [
        multiply(t, exp(subtract(_no_inf(x), _no_inf(out))))
        for x, t in zip(primals, tangents, strict=True)
    ]
    return out, add(*parts)


def _no_inf(x: Any) -> Any:
    return choose(equal(x, np.inf), 0, x)


def logaddexp(x1: Any, x2: Any, /) -> Any:
    """log(exp(x1) + exp(x2)), without overflow."""
    x, y = promote_inexact("logaddexp", x1, x2)
    return _complex_logaddexp(x, y) if dtypes.kind(x.dtype) == "c" else _logaddexp(x, y)


def _complex_logaddexp(x: Any, y: Any) -> Any:
    """The principal value, by factoring out the number of larger real part."""
    larger = choose(greater(real(x), real(y)), x, y)
    out = add(larger, log(add(exp(subtract(x, larger)), exp(subtract(y, larger)))))
    turn = strong_scalar(imag(out), 2 * np.pi)
    half = strong_scalar(imag(out), np.pi)
    wrapped = subtract(remainder(add(imag(out), half), turn), half)
    return convert.complex_p.bind(real(out), wrapped)


def logaddexp2(x1: Any, x2: Any, /) -> Any:
    """log2(2 ** x1 + 2 ** x2), without overflow."""
    x, y = promote_inexact("logaddexp2", x1, x2)
    if dtypes.kind(x.dtype) == "c":
        ln2 = strong_scalar(x, np.log(2))
        return divide(_complex_logaddexp(multiply(x, ln2), multiply(y, ln2)), ln2)
    difference = subtract(x, y)
    scale = _scalar(x, 1 / np.log(2), x1, x2)
    stable = add(maximum(x, y), multiply(scale, log1p(exp2(negative(absolute(difference))))))
    return choose(isnan(difference), add(x, y), stable)


def hypot(x1: Any, x2: Any, /) -> Any:
    """sqrt(x1 ** 2 + x2 ** 2), without overflow."""
    pair = promote_inexact("hypot", x1, x2)
    x, y = (absolute(_no_complex(ValueError, "hypot", v)) for v in pair)
    longer, shorter = maximum(x, y), minimum(x, y)
    nonzero = choose(equal(longer, 0), 1, longer)
    length = multiply(longer, sqrt(add(1, square(divide(shorter, nonzero)))))
    infinite = equal(maximum(choose(isnan(x), 0, x), choose(isnan(y), 0, y)), np.inf)
    return choose(infinite, _scalar(x, np.inf, x1, x2), choose(equal(longer, 0), longer, length))


def signbit(x: Any, /) -> Any:
    """Whether the sign is negative, of -0.0 and nan too."""
    x = _no_complex(ValueError, "signbit", operand("signbit", x))
    if _whole(x):
        return less(strong(x), 0) if dtypes.kind(x.dtype) == "i" else not_equal(x, x)
    bits = np.dtype(f"int{8 * x.dtype.itemsize}")
    return less(convert.bitcast_convert_type(x, bits), 0)


def copysign(x1: Any, x2: Any, /) -> Any:
    """The size of x1 with the sign of x2."""
    pair = promote_inexact("copysign", x1, x2)
    x, y = (_no_complex(TypeError, "copysign", v) for v in pair)
    size = absolute(x)
    return choose(signbit(y), negative(size), size)


def nextafter(x: Any, y: Any, /) -> Any:
    """The next number that the dtype can hold after x on the way to y."""
    return arithmetic.nextafter_p.bind(*promote_inexact("nextafter", x, y))


def heaviside(x1: Any, x2: Any, /) -> Any:
    """0 where x1 < 0, 1 where x1 > 0, and x2 where x1 is 0."""
    pair = promote_inexact("heaviside", x1, x2)
    x, y = (_no_complex(TypeError, "heaviside", v) for v in pair)
    at_zero = choose(isnan(x), x, y)
    above = choose(greater(x, 0), _scalar(x, 1, x1), at_zero)
    return choose(less(x, 0), _scalar(x, 0, x1), above)


def _scalar(x: Any, value: float, *given: Any) -> Any:
    """A number of the dtype of `x`, weakly typed where all of the user's operands were: a weak
    float next to strong integers has made `x` weak, and the result is not to be."""
    weak = all(operand("asarray", each).weak_type for each in given)
    return (scalar_like if weak else strong_scalar)(x, value)


def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """nan replaced by 0 and infinities by the largest finite numbers, or as given."""
    x = operand("nan_to_num", x)
    if _whole(x):
        return x
    if dtypes.kind(x.dtype) == "c":
        parts = (nan_to_num(part, copy, nan, posinf, neginf) for part in (real(x), imag(x)))
        return convert.complex_p.bind(*parts)
    limits = dtypes.finfo(x.dtype)
    posinf = limits.max if posinf is None else posinf
    neginf = limits.min if neginf is None else neginf
    x = choose(isnan(x), _like(x, nan), x)
    x = choose(equal(x, np.inf), _like(x, posinf), x)
    return choose(equal(x, -np.inf), _like(x, neginf), x)


def _like(x: Any, value: Any) -> Any:
    return cast(operand("nan_to_num", value), x.dtype)


@partial(custom_jvp, nondiff_argnums=(0,))
def _sinc_at_zero(k: int, x: Any) -> Any:
    """The k-th derivative of sin(x) / x at 0, spread to the shape of x."""
    value = 0.0 if k % 2 else (-1) ** (k // 2) / (k + 1)
    return add(multiply(x, 0), value)


@_sinc_at_zero.defjvp
def _sinc_at_zero_jvp(k: int, primals: Any, tangents: Any) -> Any:
    (x,), (dx,) = primals, tangents
    return _sinc_at_zero(k, x), multiply(_sinc_at_zero(k + 1, x), dx)


def sinc(x: Any, /) -> Any:
    """sin(pi x) / (pi x), which is 1 at 0; its derivatives there are right too."""
    x = inexact("sinc", x)
    at_zero = equal(x, 0)
    angle_ = multiply(scalar_like(x, np.pi), x)
    safe = choose(at_zero, scalar_like(x, 1), angle_)
    return choose(at_zero, _sinc_at_zero(0, angle_), divide(sin(safe), safe))
