"""The functions of analysis in lax: of floating point numbers, of complex ones where it says so.

`accuracy` is JAX's: a demand on hardware that has a fast way and an exact one. NumPy's is exact.

Read next: `primitives/math.py` and `primitives/special.py`, which define them.
"""

from __future__ import annotations

from typing import Any

from scratchfn.core.array import as_value
from scratchfn.lax.operands import binary, require_fitting, unary
from scratchfn.primitives import math, special

# -- exponentials and logarithms, also of complex numbers -----------------------------------------


def exp(x: Any, *, accuracy: Any = None) -> Any:
    """e to the power x."""
    return unary(math.exp_p, x, accuracy=accuracy)


def exp2(x: Any, *, accuracy: Any = None) -> Any:
    """2 to the power x."""
    return unary(math.exp2_p, x, accuracy=accuracy)


def expm1(x: Any, *, accuracy: Any = None) -> Any:
    """exp(x) - 1, exact for small x."""
    return unary(math.expm1_p, x, accuracy=accuracy)


def log(x: Any, *, accuracy: Any = None) -> Any:
    """The natural logarithm."""
    return unary(math.log_p, x, accuracy=accuracy)


def log1p(x: Any, *, accuracy: Any = None) -> Any:
    """log(1 + x), exact for small x."""
    return unary(math.log1p_p, x, accuracy=accuracy)


def logistic(x: Any, *, accuracy: Any = None) -> Any:
    """1 / (1 + exp(-x))."""
    return unary(math.logistic_p, x, accuracy=accuracy)


# -- squares and roots, also of complex numbers ---------------------------------------------------


def square(x: Any) -> Any:
    """x * x, also of integers."""
    return unary(math.square_p, x)


def sqrt(x: Any, *, accuracy: Any = None) -> Any:
    """The square root; nan below 0."""
    return unary(math.sqrt_p, x, accuracy=accuracy)


def rsqrt(x: Any, *, accuracy: Any = None) -> Any:
    """1 / sqrt(x)."""
    return unary(math.rsqrt_p, x, accuracy=accuracy)


def cbrt(x: Any, *, accuracy: Any = None) -> Any:
    """The real cube root, of real numbers."""
    return unary(math.cbrt_p, x, accuracy=accuracy)


# -- circles and hyperbolas, also of complex numbers ----------------------------------------------


def sin(x: Any, *, accuracy: Any = None) -> Any:
    """The sine of an angle in radians."""
    return unary(math.sin_p, x, accuracy=accuracy)


def cos(x: Any, *, accuracy: Any = None) -> Any:
    """The cosine of an angle in radians."""
    return unary(math.cos_p, x, accuracy=accuracy)


def tan(x: Any, *, accuracy: Any = None) -> Any:
    """The tangent of an angle in radians."""
    return unary(math.tan_p, x, accuracy=accuracy)


def asin(x: Any) -> Any:
    """The angle from -pi/2 to pi/2 whose sine is x."""
    return unary(math.asin_p, x)


def acos(x: Any) -> Any:
    """The angle from 0 to pi whose cosine is x."""
    return unary(math.acos_p, x)


def atan(x: Any) -> Any:
    """The angle from -pi/2 to pi/2 whose tangent is x."""
    return unary(math.atan_p, x)


def atan2(x: Any, y: Any) -> Any:
    """The angle of the point with ordinate x and abscissa y, from -pi to pi."""
    return binary(math.atan2_p, x, y)


def sinh(x: Any) -> Any:
    """The hyperbolic sine."""
    return unary(math.sinh_p, x)


def cosh(x: Any) -> Any:
    """The hyperbolic cosine."""
    return unary(math.cosh_p, x)


def tanh(x: Any, *, accuracy: Any = None) -> Any:
    """The hyperbolic tangent."""
    return unary(math.tanh_p, x, accuracy=accuracy)


def asinh(x: Any) -> Any:
    """The inverse of sinh."""
    return unary(math.asinh_p, x)


def acosh(x: Any) -> Any:
    """The inverse of cosh, at least 0; nan below 1."""
    return unary(math.acosh_p, x)


def atanh(x: Any) -> Any:
    """The inverse of tanh; nan outside of [-1, 1]."""
    return unary(math.atanh_p, x)


# -- special functions of real numbers ------------------------------------------------------------


def erf(x: Any) -> Any:
    """The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    return unary(special.erf_p, x)


def erfc(x: Any) -> Any:
    """1 - erf(x), exact where erf is near 1."""
    return unary(special.erfc_p, x)


def erf_inv(x: Any) -> Any:
    """The inverse of erf, on [-1, 1]."""
    return unary(special.erf_inv_p, x)


def lgamma(x: Any) -> Any:
    """log |gamma(x)|; inf at the poles 0, -1, -2, ..."""
    return unary(special.lgamma_p, x)


def digamma(x: Any) -> Any:
    """The derivative of log gamma; nan at the poles."""
    return unary(special.digamma_p, x)


def polygamma(m: Any, x: Any) -> Any:
    """The derivative of digamma of order m, a whole number given as a float."""
    return binary(special.polygamma_p, m, x)


def zeta(x: Any, q: Any) -> Any:
    """Hurwitz's zeta function, the sum of (k + q)^-x over k = 0, 1, 2, ..."""
    return binary(special.zeta_p, x, q)


def igamma(a: Any, x: Any) -> Any:
    """The lower incomplete gamma function over gamma(a): the distribution function of Gamma(a)."""
    return binary(special.igamma_p, a, x)


def igammac(a: Any, x: Any) -> Any:
    """1 - igamma(a, x), exact where igamma is near 1."""
    return binary(special.igammac_p, a, x)


def igamma_grad_a(a: Any, x: Any) -> Any:
    """The derivative of igamma(a, x) in a."""
    return binary(special.igamma_grad_a_p, a, x)


def random_gamma_grad(a: Any, x: Any) -> Any:
    """How a sample x of Gamma(a) moves with a when its place in the distribution stays."""
    return binary(special.random_gamma_grad_p, a, x)


def betainc(a: Any, b: Any, x: Any) -> Any:
    """The regularized incomplete beta function: the distribution function of Beta(a, b)."""
    operands = as_value(a), as_value(b), as_value(x)
    require_fitting(special.regularized_incomplete_beta_p, *operands)
    return special.regularized_incomplete_beta_p.bind(*operands)


def bessel_i0e(x: Any) -> Any:
    """exp(-|x|) I0(x), of the modified Bessel function of the first kind, of order 0."""
    return unary(special.bessel_i0e_p, x)


def bessel_i1e(x: Any) -> Any:
    """exp(-|x|) I1(x), of the modified Bessel function of the first kind, of order 1."""
    return unary(special.bessel_i1e_p, x)
