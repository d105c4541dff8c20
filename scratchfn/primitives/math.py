"""The functions of analysis on elements: exponentials, logarithms, roots, circles and hyperbolas.

Each block is a function's NumPy expression and its derivative, written with the result `ans` where
that saves work. Derivatives take JAX's form, so that they are nan, inf and zero where JAX's are.

Read next: `primitives/special.py`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchfn.core.template import kernel
from scratchfn.primitives.arithmetic import add, div, integer_pow, log_p, mul, neg, sub
from scratchfn.primitives.rules import approximate, elementwise, scalar_like


def _one(x: Any) -> Any:
    return scalar_like(x, 1)


# -- exponentials and logarithms (log itself is in arithmetic.py, which needs it for powers) -------


@kernel
def exp2_complex(x: np.ndarray) -> np.ndarray:
    return np.exp(np.multiply(x, x.dtype.type(math.log(2))))


@kernel
def logistic_kernel(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)); where exp overflows to inf, its reciprocal is the right 0."""
    if x.dtype.itemsize < 4:
        return logistic_kernel(x.astype(np.float32)).astype(x.dtype)
    y = np.exp(np.negative(x))
    y += 1
    return np.reciprocal(y)


exp_p = approximate("exp", "np.exp({0})", "fc", lambda dx, ans, x: mul(dx, ans))
exp2_p = approximate(
    "exp2", {"f": "np.exp2({0})", "c": "exp2_complex({0})"}, "fc",
    lambda dx, ans, x: mul(log(scalar_like(x, 2)), mul(dx, ans)),
)  # fmt: skip
expm1_p = approximate("expm1", "np.expm1({0})", "fc", lambda dx, ans, x: mul(dx, add(ans, _one(x))))
log1p_p = approximate("log1p", "np.log1p({0})", "fc", lambda dx, ans, x: div(dx, add(x, _one(x))))
logistic_p = approximate(
    "logistic", "logistic_kernel({0})", "fc",
    lambda dx, ans, x: mul(dx, mul(ans, sub(_one(x), ans))),
)  # fmt: skip

exp, exp2, expm1, log, log1p, logistic = (
    p.bind for p in (exp_p, exp2_p, expm1_p, log_p, log1p_p, logistic_p)
)

# -- squares and roots ----------------------------------------------------------------------------

square_p = elementwise(
    "square", "np.square({0})", "iufc", lambda dx, ans, x: mul(dx, mul(scalar_like(x, 2), x))
)


@kernel
def rsqrt_kernel(x: np.ndarray) -> np.ndarray:
    if x.dtype.itemsize < 4:
        return rsqrt_kernel(x.astype(np.float32)).astype(x.dtype)
    return np.reciprocal(np.sqrt(x))


sqrt_p = approximate(
    "sqrt", "np.sqrt({0})", "fc", lambda dx, ans, x: mul(dx, div(scalar_like(x, 0.5), ans))
)
rsqrt_p = approximate(
    "rsqrt", "rsqrt_kernel({0})", "fc",
    lambda dx, ans, x: mul(dx, mul(scalar_like(x, -0.5), div(ans, x))),
)  # fmt: skip
cbrt_p = approximate(
    "cbrt", "np.cbrt({0})", "f",
    lambda dx, ans, x: mul(dx, mul(scalar_like(x, 1 / 3), integer_pow(ans, -2))),
)  # fmt: skip

square, sqrt, rsqrt, cbrt = (p.bind for p in (square_p, sqrt_p, rsqrt_p, cbrt_p))

# -- circles --------------------------------------------------------------------------------------

sin_p = approximate("sin", "np.sin({0})", "fc", lambda dx, ans, x: mul(dx, cos(x)))
cos_p = approximate("cos", "np.cos({0})", "fc", lambda dx, ans, x: neg(mul(dx, sin(x))))
tan_p = approximate(
    "tan", "np.tan({0})", "fc", lambda dx, ans, x: mul(dx, add(_one(x), square(ans)))
)

asin_p = elementwise(
    "asin", "np.arcsin({0})", "fc",
    lambda dx, ans, x: mul(dx, rsqrt(sub(_one(x), square(x)))),
)  # fmt: skip
acos_p = elementwise(
    "acos", "np.arccos({0})", "fc",
    lambda dx, ans, x: mul(dx, neg(rsqrt(sub(_one(x), square(x))))),
)  # fmt: skip
atan_p = elementwise(
    "atan", "np.arctan({0})", "fc", lambda dx, ans, x: div(dx, add(_one(x), square(x)))
)


@kernel
def atan2_complex(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """-i log((x + iy) / sqrt(x^2 + y^2)): the angle of (x, y), continued to complex numbers."""
    i = x.dtype.type(1j)
    radius = np.sqrt(np.add(np.square(x), np.square(y)))
    return np.negative(i * np.log((x + i * y) / radius))


atan2_p = elementwise(
    "atan2", {"f": "np.arctan2({0}, {1})", "c": "atan2_complex({0}, {1})"}, "fc",
    lambda dy, ans, y, x: mul(dy, div(x, add(square(y), square(x)))),
    lambda dx, ans, y, x: mul(dx, div(neg(y), add(square(y), square(x)))),
)  # fmt: skip

sin, cos, tan, asin, acos, atan, atan2 = (
    p.bind for p in (sin_p, cos_p, tan_p, asin_p, acos_p, atan_p, atan2_p)
)

# -- hyperbolas -----------------------------------------------------------------------------------

sinh_p = elementwise("sinh", "np.sinh({0})", "fc", lambda dx, ans, x: mul(dx, cosh(x)))
cosh_p = elementwise("cosh", "np.cosh({0})", "fc", lambda dx, ans, x: mul(dx, sinh(x)))
tanh_p = approximate(
    "tanh", "np.tanh({0})", "fc",
    # (1 + ans) (1 - ans), because 1 - ans^2 loses its digits where ans is near 1
    lambda dx, ans, x: mul(add(dx, mul(dx, ans)), sub(_one(x), ans)),
)  # fmt: skip
asinh_p = elementwise(
    "asinh", "np.arcsinh({0})", "fc",
    lambda dx, ans, x: mul(dx, rsqrt(add(square(x), _one(x)))),
)  # fmt: skip
acosh_p = elementwise(
    "acosh", "np.arccosh({0})", "fc",
    lambda dx, ans, x: mul(dx, rsqrt(sub(square(x), _one(x)))),
)  # fmt: skip
atanh_p = elementwise(
    "atanh", "np.arctanh({0})", "fc",
    lambda dx, ans, x: mul(integer_pow(add(_one(x), x), -1), div(dx, sub(_one(x), x))),
)  # fmt: skip

sinh, cosh, tanh, asinh, acosh, atanh = (
    p.bind for p in (sinh_p, cosh_p, tanh_p, asinh_p, acosh_p, atanh_p)
)
