"""Functions of elements: arithmetic, powers, and the functions of analysis.

Each promotes its operands and binds primitives. Functions of one argument whose primitive has
their name are made by `_unary`; the rest are written out.

Read next: `numpy/operators.py`, where they become the operators of arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.array import Array
from scratchfn.core.dtypes import bool_ as BOOL
from scratchfn.core.params import RoundingMethod
from scratchfn.numpy.comparison import (
    choose,
    equal,
    greater,
    isnan,
    less,
    logical_and,
    logical_or,
    not_equal,
)
from scratchfn.numpy.promotion import (
    align_ranks,
    cast,
    inexact,
    numeric,
    operand,
    promote,
    promote_inexact,
)
from scratchfn.primitives import arithmetic, logic, math
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.rules import scalar_like


def _unary(name: str, prim: Any, doc: str, to_float: bool = True) -> Callable[[Any], Any]:
    """The function of one argument that a primitive is; integers become floats if `to_float`."""
    prepare = inexact if to_float else operand

    def f(x: Any, /) -> Any:
        return prim.bind(prepare(name, x))

    f.__name__ = f.__qualname__ = name
    f.__doc__ = doc
    return f


exp = _unary("exp", math.exp_p, "e to the power of each element.")
exp2 = _unary("exp2", math.exp2_p, "2 to the power of each element.")
expm1 = _unary("expm1", math.expm1_p, "exp(x) - 1, exact for small x.")
log = _unary("log", math.log_p, "The natural logarithm of each element.")
log1p = _unary("log1p", math.log1p_p, "log(1 + x), exact for small x.")
sqrt = _unary("sqrt", math.sqrt_p, "The square root of each element.")
cbrt = _unary("cbrt", math.cbrt_p, "The cube root of each element.")
sin = _unary("sin", math.sin_p, "The sine of each element, in radians.")
cos = _unary("cos", math.cos_p, "The cosine of each element, in radians.")
tan = _unary("tan", math.tan_p, "The tangent of each element, in radians.")
arcsin = asin = _unary("arcsin", math.asin_p, "The inverse sine, in [-pi/2, pi/2].")
arccos = acos = _unary("arccos", math.acos_p, "The inverse cosine, in [0, pi].")
arctan = atan = _unary("arctan", math.atan_p, "The inverse tangent, in (-pi/2, pi/2).")
sinh = _unary("sinh", math.sinh_p, "The hyperbolic sine of each element.")
cosh = _unary("cosh", math.cosh_p, "The hyperbolic cosine of each element.")
tanh = _unary("tanh", math.tanh_p, "The hyperbolic tangent of each element.")
arcsinh = asinh = _unary("arcsinh", math.asinh_p, "The inverse hyperbolic sine.")
arccosh = acosh = _unary("arccosh", math.acosh_p, "The inverse hyperbolic cosine.")
arctanh = atanh = _unary("arctanh", math.atanh_p, "The inverse hyperbolic tangent.")


# -- arithmetic -----------------------------------------------------------------------------------


def add(x: Any, y: Any, /) -> Any:
    """x + y; for booleans, x or y."""
    x, y = promote("add", x, y)
    return (logic.or_p if x.dtype == BOOL else arithmetic.add_p).bind(x, y)


def subtract(x: Any, y: Any, /) -> Any:
    """x - y. Raises TypeError for booleans."""
    return arithmetic.sub_p.bind(*_no_bool("subtract", *promote("subtract", x, y)))


def multiply(x: Any, y: Any, /) -> Any:
    """x * y; for booleans, x and y."""
    x, y = promote("multiply", x, y)
    return (logic.and_p if x.dtype == BOOL else arithmetic.mul_p).bind(x, y)


def true_divide(x: Any, y: Any, /) -> Any:
    """x / y, a float even for integers."""
    return arithmetic.div_p.bind(*promote_inexact("true_divide", x, y))


divide = true_divide


def negative(x: Any, /) -> Any:
    """-x. Raises TypeError for booleans."""
    return arithmetic.neg_p.bind(*_no_bool("negative", operand("negative", x)))


def positive(x: Any, /) -> Any:
    """x itself."""
    return operand("positive", x)


def _no_bool(name: str, *xs: Any) -> tuple[Any, ...]:
    if xs[0].dtype == BOOL:
        raise TypeError(
            errors.explain(
                f"jnp.{name} of booleans",
                " and ".join(str(x.aval) for x in xs),
                "booleans have no such operation",
                "jnp.logical_xor(x, y) or jnp.logical_not(x), or x.astype(int)",
            )
        )
    return xs


def floor_divide(x: Any, y: Any, /) -> Any:
    """The largest integer not above x / y, in the operands' dtype."""
    x, y = numeric("floor_divide", x, y)
    kind = dtypes.kind(x.dtype)
    if kind == "u":
        return arithmetic.div_p.bind(x, y)
    if kind == "i":
        q = arithmetic.div_p.bind(x, y)
        inexact_ = not_equal(arithmetic.rem_p.bind(x, y), 0)
        return choose(logical_and(inexact_, not_equal(sign(x), sign(y))), subtract(q, 1), q)
    if kind == "c":
        raise TypeError(
            errors.explain(
                "jnp.floor_divide", f"{x.aval} and {y.aval}",
                "complex numbers are not ordered, so they have no floor", "jnp.divide(x, y)",
            )
        )  # fmt: skip
    return _float_divmod(x, y)[0]


def _float_divmod(x: Any, y: Any) -> tuple[Any, Any]:
    """Quotient rounded down, and the rest, of the sign of y."""
    rest = arithmetic.rem_p.bind(x, y)
    quotient = arithmetic.div_p.bind(choose(equal(y, 0), x, subtract(x, rest)), y)
    below = logical_and(not_equal(rest, 0), not_equal(sign(y), sign(rest)))
    rest = choose(below, add(rest, y), rest)
    quotient = choose(below, subtract(quotient, 1), quotient)
    return arithmetic.round_p.bind(quotient, rounding_method=RoundingMethod.AWAY_FROM_ZERO), rest


def remainder(x: Any, y: Any, /) -> Any:
    """The rest of x divided by y, of the sign of y, as Python's %."""
    x, y = _divisible(*numeric("remainder", x, y))
    rest = arithmetic.rem_p.bind(x, y)
    if dtypes.kind(x.dtype) == "u":
        return rest
    nonzero = not_equal(rest, 0)
    wrong_sign = logical_and(nonzero, not_equal(less(rest, 0), less(y, 0)))
    return choose(wrong_sign, add(rest, y), rest)


mod = remainder


def fmod(x: Any, y: Any, /) -> Any:
    """The rest of x divided by y, of the sign of x, as C's."""
    return arithmetic.rem_p.bind(*numeric("fmod", *_divisible(*promote("fmod", x, y))))


def _divisible(x: Any, y: Any) -> tuple[Any, Any]:
    """Integers with 1 for a divisor of 0, which leaves the rest 0."""
    if dtypes.kind(x.dtype) in "iu":
        y = choose(equal(y, 0), scalar_like(y, 1), y)
    return x, y


def divmod(x: Any, y: Any, /) -> tuple[Any, Any]:
    """(floor_divide(x, y), remainder(x, y))."""
    x, y = numeric("divmod", x, y)
    if dtypes.kind(x.dtype) == "f":
        return _float_divmod(x, y)
    return floor_divide(x, y), remainder(x, y)


def power(x: Any, y: Any, /) -> Any:
    """x to the power y. A known integer y is multiplied out; integers take no negative power."""
    times = _known_integer(y)
    if times is not None:
        x = operand("power", x)
        x = cast(x, dtypes.to_numeric_dtype(x.dtype))
        return arithmetic.integer_pow_p.bind(x, y=times)
    x, y = operand("power", x), operand("power", y, 1)
    if dtypes.kind(y.dtype) in "iu" and dtypes.kind(x.dtype) in "fc":
        return arithmetic.pow_p.bind(*align_ranks("power", x, y))
    x, y = numeric("power", x, y)
    if dtypes.kind(x.dtype) not in "iu":
        return arithmetic.pow_p.bind(x, y)
    return _integer_power(convert_element_type(x, x.dtype), convert_element_type(y, y.dtype))


def _known_integer(y: Any) -> int | None:
    """The value of a Python integer, or of a scalar that is no tracer; None for anything else."""
    if isinstance(y, (int, np.integer)):
        return int(y)
    if isinstance(y, (Array, np.ndarray)) and y.ndim == 0 and y.dtype.kind in "iu":
        return int(y)
    return None


def _integer_power(x: Any, y: Any) -> Any:
    """x to the power y by squaring, over the six lowest bits of y, as JAX counts them."""
    zero_base = logical_and(equal(x, 0), not_equal(y, 0))
    result = choose(zero_base, scalar_like(x, 0), scalar_like(x, 1))
    for _ in range(6):
        odd = not_equal(logic.and_p.bind(y, scalar_like(y, 1)), 0)
        result = choose(odd, multiply(result, x), result)
        x = multiply(x, x)
        y = logic.shift_right_logical_p.bind(y, scalar_like(y, 1))
    return result


pow = power


def float_power(x: Any, y: Any, /) -> Any:
    """x to the power y, as floats."""
    return arithmetic.pow_p.bind(*promote_inexact("float_power", x, y))


def reciprocal(x: Any, /) -> Any:
    """1 / x."""
    return arithmetic.integer_pow_p.bind(inexact("reciprocal", x), y=-1)


def maximum(x: Any, y: Any, /) -> Any:
    """The larger of x and y; nan if either is."""
    return arithmetic.max_p.bind(*promote("maximum", x, y))


def minimum(x: Any, y: Any, /) -> Any:
    """The smaller of x and y; nan if either is."""
    return arithmetic.min_p.bind(*promote("minimum", x, y))


def fmax(x1: Any, x2: Any) -> Any:
    """The larger of x1 and x2, ignoring a nan where the other is a number."""
    x, y = promote("fmax", x1, x2)
    return choose(logical_or(greater(x, y), isnan(y)), x, y)


def fmin(x1: Any, x2: Any) -> Any:
    """The smaller of x1 and x2, ignoring a nan where the other is a number."""
    x, y = promote("fmin", x1, x2)
    return choose(logical_or(less(x, y), isnan(y)), x, y)


def clip(arr: Any = None, /, min: Any = None, max: Any = None) -> Any:
    """`arr` with values below `min` raised to it and values above `max` lowered to it. Raises
    ValueError for complex numbers, which have no order."""
    if arr is None:
        asked, why, write = "jnp.clip(x, min, max)", "there is nothing to clip", "jnp.clip(x, 0, 1)"
        raise ValueError(errors.explain(asked, "no x", why, write))
    arr = operand("clip", arr)
    given = [arr, *[operand("clip", x) for x in (min, max) if x is not None]]
    if any(dtypes.kind(x.dtype) == "c" for x in given):
        types = ", ".join(str(x.aval) for x in given)
        why, write = "complex numbers have no order", "jnp.clip(x.real, min, max)"
        raise ValueError(errors.explain("jnp.clip", f"arguments of types {types}", why, write))
    if min is not None:
        arr = maximum(min, arr)
    return arr if max is None else minimum(max, arr)


def square(x: Any, /) -> Any:
    """x * x for each element."""
    x = operand("square", x)
    return math.square_p.bind(cast(x, dtypes.to_numeric_dtype(x.dtype), x.weak_type))


def absolute(x: Any, /) -> Any:
    """The absolute value of each element; for complex numbers their modulus."""
    x = operand("absolute", x)
    return x if dtypes.kind(x.dtype) in "bu" else arithmetic.abs_p.bind(x)


abs = absolute


def sign(x: Any, /) -> Any:
    """-1, 0 or 1 by the sign of each element; x / |x| for complex numbers."""
    return arithmetic.sign_p.bind(*_no_bool("sign", operand("sign", x)))
