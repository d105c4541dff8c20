"""Special functions on elements: error functions, the gamma family, beta, zeta, Bessel's.

SciPy computes the values, and is imported when the first of them is needed. Types of 16 bits and
fewer are computed in float32 and rounded once. Which derivatives there are is JAX's choice.

Read next: `backends/numpy/kernels/gamma.py` for the one function that SciPy lacks.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.backends.numpy.kernels import gamma as kernels
from scratchfn.backends.numpy.kernels.erf import SMALL, erf
from scratchfn.backends.numpy.kernels.erf_inv import erf_inv
from scratchfn.core import dtypes
from scratchfn.core.template import kernel
from scratchfn.primitives.arithmetic import abs_, add, integer_pow, mul, neg, sign, sub
from scratchfn.primitives.convert import select
from scratchfn.primitives.logic import gt
from scratchfn.primitives.math import exp, log, log1p, square
from scratchfn.primitives.rules import elementwise, full_like, scalar_like


def _in_32_bits(f: Callable[..., Any]) -> Callable[..., Any]:
    """f, on shorter floats computed in float32."""

    @functools.wraps(f)
    def widened(*args: np.ndarray) -> Any:
        dtype = args[0].dtype
        if dtype.itemsize >= 4:
            return f(*args)
        return f(*(x.astype(np.float32) for x in args)).astype(dtype)

    return widened


@functools.cache
def scipy_special() -> Any:
    import scipy.special  # here, because importing it takes longer than importing all of scratchfn

    return scipy.special


# -- error functions ------------------------------------------------------------------------------


@kernel
def erf_kernel(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    if x.dtype == np.float32 and x.size >= SMALL:
        return erf(x, np.empty(x.shape, x.dtype) if out is None else out)
    return _erf_of_scipy(x, out) if out is not None else _erf_of_scipy(x)


@_in_32_bits
def _erf_of_scipy(*args: np.ndarray) -> np.ndarray:
    return scipy_special().erf(*args)


@kernel
@_in_32_bits
def erfc_kernel(x: np.ndarray) -> np.ndarray:
    return scipy_special().erfc(x)


@kernel
@_in_32_bits
def erf_inv_kernel(x: np.ndarray) -> np.ndarray:
    return erf_inv(x)


def _gauss(dx: Any, x: Any, scale: float) -> Any:
    """scale * exp(-x^2) dx."""
    return mul(scalar_like(x, scale), mul(dx, exp(neg(square(x)))))


erf_p = elementwise(
    "erf", "erf_kernel({0})", "f", lambda dx, ans, x: _gauss(dx, x, 2 / math.sqrt(math.pi))
)
erfc_p = elementwise(
    "erfc", "erfc_kernel({0})", "f", lambda dx, ans, x: _gauss(dx, x, -2 / math.sqrt(math.pi))
)
erf_inv_p = elementwise(
    "erf_inv", "erf_inv_kernel({0})", "f",
    lambda dx, ans, x: mul(scalar_like(x, math.sqrt(math.pi) / 2), mul(dx, exp(square(ans)))),
)  # fmt: skip

# -- log gamma and its derivatives ----------------------------------------------------------------


@kernel
@_in_32_bits
def lgamma_kernel(x: np.ndarray) -> np.ndarray:
    return np.where(x == -np.inf, x.dtype.type(np.inf), scipy_special().gammaln(x))


@kernel
@_in_32_bits
def digamma_kernel(x: np.ndarray) -> np.ndarray:
    return np.where(x == 0, x.dtype.type(np.nan), scipy_special().psi(x))


@kernel
@_in_32_bits
def zeta_kernel(x: np.ndarray, q: np.ndarray) -> np.ndarray:
    """SciPy's, and XLA's at the poles q = 0, -1, ...: inf for even x, else nan; nan at infinity."""
    inf, nan = x.dtype.type(np.inf), x.dtype.type(np.nan)
    value = np.where((x == inf) | (q == inf), nan, scipy_special().zeta(x, q))
    at_pole = np.where(np.fmod(x, 2) == 0, inf, nan)
    value = np.where((q <= 0) & (q == np.floor(q)), at_pole, value)
    return np.where(x == 1, inf, np.where(np.isnan(x), nan, value))


@kernel
@_in_32_bits
def polygamma_kernel(m: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(-1)^(m+1) m! zeta(m + 1, x); digamma for m = 0; nan unless m is a whole number."""
    sign = np.where(np.fmod(m, 2) == 1, 1.0, -1.0)
    order = m.astype(np.float64) + 1
    value = sign * np.exp(scipy_special().gammaln(order)) * zeta_kernel(order, x.astype(np.float64))
    value = np.where(m == 0, digamma_kernel(x), value)
    whole = (m == np.floor(m)) & (m >= 0) & (m < np.inf)
    return np.where(whole, value, np.nan).astype(m.dtype)


def _no_derivative_in(name: str, argument: str) -> Callable[..., Any]:
    def rule(*_: Any, **__: Any) -> Any:
        raise ValueError(
            errors.explain(
                f"the derivative of lax.{name} in {argument}",
                f"a traced {argument}",
                "it has no known closed form, and JAX does not have it either",
                f"lax.stop_gradient({argument}), or grad with respect to x alone",
            )
        )

    return rule


digamma_p = elementwise(
    "digamma", "digamma_kernel({0})", "f",
    lambda dx, ans, x: mul(dx, polygamma(scalar_like(x, 1), x)),
)  # fmt: skip
lgamma_p = elementwise("lgamma", "lgamma_kernel({0})", "f", lambda dx, ans, x: mul(dx, digamma(x)))
polygamma_p = elementwise(
    "polygamma", "polygamma_kernel({0}, {1})", "f",
    _no_derivative_in("polygamma", "m"),
    lambda dx, ans, m, x: mul(dx, polygamma(add(m, scalar_like(m, 1)), x)),
)  # fmt: skip
zeta_p = elementwise("zeta", "zeta_kernel({0}, {1})", "f", arity=2, jvp=None)

digamma, lgamma, polygamma = digamma_p.bind, lgamma_p.bind, polygamma_p.bind

# -- incomplete gamma and beta --------------------------------------------------------------------


@kernel
@_in_32_bits
def igamma_kernel(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    return scipy_special().gammainc(a, x)


@kernel
@_in_32_bits
def igammac_kernel(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    return scipy_special().gammaincc(a, x)


kernel(_in_32_bits(kernels.igamma_grad_a))
kernel(_in_32_bits(kernels.random_gamma_grad))


@kernel
@_in_32_bits
def betainc_kernel(a: np.ndarray, b: np.ndarray, x: np.ndarray) -> np.ndarray:
    if x.dtype.itemsize < 8:  # its float32 loses two digits
        a, b = a.astype(np.float64), b.astype(np.float64)
    return scipy_special().betainc(a, b, x).astype(x.dtype)


def _gamma_density(dx: Any, a: Any, x: Any) -> Any:
    """x^(a-1) exp(-x) / gamma(a) dx."""
    log_power = mul(sub(a, scalar_like(a, 1)), log(x))
    return mul(dx, exp(sub(add(neg(x), log_power), lgamma(a))))


igamma_p = elementwise(
    "igamma", "igamma_kernel({0}, {1})", "f",
    lambda da, ans, a, x: mul(da, igamma_grad_a_p.bind(a, x)),
    lambda dx, ans, a, x: _gamma_density(dx, a, x),
)  # fmt: skip
igammac_p = elementwise(
    "igammac", "igammac_kernel({0}, {1})", "f",
    lambda da, ans, a, x: neg(mul(da, igamma_grad_a_p.bind(a, x))),
    lambda dx, ans, a, x: neg(_gamma_density(dx, a, x)),
)  # fmt: skip
igamma_grad_a_p = elementwise("igamma_grad_a", "igamma_grad_a({0}, {1})", "f", arity=2, jvp=None)

# How a sample of Gamma(a) moves with a; JAX has no primitive for it, but a program of loops.
random_gamma_grad_p = elementwise(
    "random_gamma_grad", "random_gamma_grad({0}, {1})", "f", arity=2, jvp=None,
    jax=lambda lax, a, x: lax.random_gamma_grad(a, x),
)  # fmt: skip


def _beta_density(dx: Any, ans: Any, a: Any, b: Any, x: Any) -> Any:
    """x^(a-1) (1-x)^(b-1) / beta(a, b) dx."""
    log_beta = sub(add(lgamma(a), lgamma(b)), lgamma(add(a, b)))
    log_right = mul(sub(b, scalar_like(b, 1)), log1p(neg(x)))
    log_left = mul(sub(a, scalar_like(a, 1)), log(x))
    return mul(exp(sub(add(log_right, log_left), log_beta)), dx)


regularized_incomplete_beta_p = elementwise(
    "regularized_incomplete_beta", "betainc_kernel({0}, {1}, {2})", "f",
    _no_derivative_in("betainc", "a"),
    _no_derivative_in("betainc", "b"),
    _beta_density,
)  # fmt: skip

# -- modified Bessel functions, scaled ------------------------------------------------------------


@kernel
@_in_32_bits
def bessel_i0e_kernel(x: np.ndarray) -> np.ndarray:
    return scipy_special().i0e(x)


@kernel
@_in_32_bits
def bessel_i1e_kernel(x: np.ndarray) -> np.ndarray:
    return np.copysign(scipy_special().i1e(x), x)  # SciPy loses the sign of -0


def _i1e_partial(dx: Any, ans: Any, x: Any) -> Any:
    """i0e(x) - ans (sign(x) + 1/x), whose limit at 0 is 1/2."""
    eps = float(dtypes.finfo(x.dtype).eps)
    nonzero = gt(abs_(x), scalar_like(x, eps))
    away = select(nonzero, x, full_like(x, eps))
    slope = sub(bessel_i0e(away), mul(ans, add(sign(away), integer_pow(away, -1))))
    return mul(dx, select(nonzero, slope, full_like(x, 0.5)))


bessel_i0e_p = elementwise(
    "bessel_i0e", "bessel_i0e_kernel({0})", "f",
    lambda dx, ans, x: mul(dx, sub(bessel_i1e_p.bind(x), mul(sign(x), ans))),
)  # fmt: skip
bessel_i1e_p = elementwise("bessel_i1e", "bessel_i1e_kernel({0})", "f", _i1e_partial)
bessel_i0e = bessel_i0e_p.bind
