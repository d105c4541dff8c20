"""log, exp and other functions whose float32 is a compiled XLA program's, to the bit.

The functions of `lax` are NumPy's and SciPy's, which are quicker and as near to the truth, but end
in another last digit for one number in ten. A sampler that used them would draw other numbers than
JAX's, where terms cancel very much other ones, and sometimes accept a number that JAX refuses.

float64 and derivatives are those of `lax`; shorter floats are computed in float32 and rounded. On
the jax backend these are JAX's own functions.

Read next: `random/bits.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from scratchfn.backends.numpy.kernels import (
    fused_erf,
    fused_exp,
    fused_lgamma,
    fused_log,
    fused_pow,
    fused_tan,
)
from scratchfn.core.template import kernel
from scratchfn.primitives.arithmetic import add, div, mul, neg, pow_p
from scratchfn.primitives.math import exp as exp_
from scratchfn.primitives.math import square
from scratchfn.primitives.rules import elementwise, scalar_like
from scratchfn.primitives.special import digamma, erf_kernel, lgamma_kernel

Function = Callable[..., np.ndarray]


def _kernel(name: str, single: Function, double: Function) -> None:
    """Makes a function of float32 and one of float64 known to templates as one."""

    def of_any_float(*args: np.ndarray) -> np.ndarray:
        dtype = args[0].dtype
        if dtype == np.float64:
            return double(*args)
        return single(*(x.astype(np.float32, copy=False) for x in args)).astype(dtype, copy=False)

    of_any_float.__name__ = name
    kernel(of_any_float)


def _rsqrt(x: np.ndarray) -> np.ndarray:
    """1 / sqrt(x), the nearest number. XLA's programs improve an estimate that differs from one
    make of processor to the next: an ulp from this one for a number in five."""
    return np.reciprocal(np.sqrt(x.astype(np.float64))).astype(np.float32)


_kernel("fused_log", fused_log.log, np.log)
_kernel("fused_log1p", fused_log.log1p, np.log1p)
_kernel("fused_exp", fused_exp.exp, np.exp)
_kernel("fused_pow", fused_pow.power, np.power)
_kernel("fused_tan", fused_tan.tan, np.tan)
_kernel("fused_erf", fused_erf.erf, erf_kernel)
_kernel("fused_log_factorial", fused_lgamma.log_factorial, lambda k: lgamma_kernel(k + 1))
_kernel("fused_rsqrt", _rsqrt, lambda x: np.reciprocal(np.sqrt(x)))

fused_log_p = elementwise(
    "fused_log", "fused_log({0})", "f",
    lambda dx, ans, x: div(dx, x),
    jax=lambda lax, x: lax.log(x),
)  # fmt: skip
fused_log1p_p = elementwise(
    "fused_log1p", "fused_log1p({0})", "f",
    lambda dx, ans, x: div(dx, add(x, scalar_like(x, 1))),
    jax=lambda lax, x: lax.log1p(x),
)  # fmt: skip
fused_exp_p = elementwise(
    "fused_exp", "fused_exp({0})", "f",
    lambda dx, ans, x: mul(dx, ans),
    jax=lambda lax, x: lax.exp(x),
)  # fmt: skip
fused_tan_p = elementwise(
    "fused_tan", "fused_tan({0})", "f",
    lambda dx, ans, x: mul(dx, add(scalar_like(x, 1), square(ans))),
    jax=lambda lax, x: lax.tan(x),
)  # fmt: skip

fused_erf_p = elementwise(
    "fused_erf", "fused_erf({0})", "f",
    lambda dx, ans, x: mul(scalar_like(x, 2 / math.sqrt(math.pi)), mul(dx, exp_(neg(square(x))))),
    jax=lambda lax, x: lax.erf(x),
)  # fmt: skip
fused_log_factorial_p = elementwise(
    "fused_log_factorial", "fused_log_factorial({0})", "f",
    lambda dk, ans, k: mul(dk, digamma(add(k, scalar_like(k, 1)))),
    jax=lambda lax, k: lax.lgamma(k + 1),
)  # fmt: skip
fused_rsqrt_p = elementwise(
    "fused_rsqrt", "fused_rsqrt({0})", "f",
    lambda dx, ans, x: mul(dx, mul(scalar_like(x, -0.5), div(ans, x))),
    jax=lambda lax, x: lax.rsqrt(x),
)  # fmt: skip

fused_pow_p = elementwise(
    "fused_pow", "fused_pow({0}, {1})", "f", arity=2, jax=lambda lax, x, y: lax.pow(x, y)
)


def _pow_jvp(primals: Any, tangents: Any) -> Any:
    rule: Any = pow_p.jvp
    return fused_pow_p.bind(*primals), rule(primals, tangents)[1]


fused_pow_p.jvp = _pow_jvp

log, log1p, exp, tan = (p.bind for p in (fused_log_p, fused_log1p_p, fused_exp_p, fused_tan_p))
erf, rsqrt, power, log_factorial = (
    p.bind for p in (fused_erf_p, fused_rsqrt_p, fused_pow_p, fused_log_factorial_p)
)
