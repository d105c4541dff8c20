"""The gamma function, its logarithm and its logarithmic derivatives, and zeta.

Signs and logarithms are computed apart: |Γ| = exp(log|Γ|) overflows last of all, and ratios of
gammas are differences of logarithms.

Read next: `scipy/special/complex_gamma.py`, then `scipy/special/beta.py`.
"""

from __future__ import annotations

import math
from typing import Any

import scratchfn.numpy as jnp
from scratchfn import errors, lax
from scratchfn.core import dtypes
from scratchfn.numpy.arguments import known
from scratchfn.numpy.promotion import lead, operand
from scratchfn.scipy.special.arguments import floats, reals, strong
from scratchfn.scipy.special.complex_gamma import complex_loggamma
from scratchfn.transforms.api import jvp
from scratchfn.transforms.custom_jvp import custom_jvp


def gammaln(x: Any) -> Any:
    """log |Γ(x)|; inf at the poles 0, -1, -2, ..."""
    return lax.lgamma(*floats("scipy.special.gammaln", x))


def digamma(x: Any) -> Any:
    """The derivative of log Γ; nan at the poles."""
    return lax.digamma(*floats("scipy.special.digamma", x))


def gammasgn(x: Any) -> Any:
    """The sign of Γ(x): that of x at ±0, nan at the other poles."""
    (x,) = strong(*reals("scipy.special.gammasgn", x))
    whole = jnp.floor(x)
    below = jnp.where(jnp.fmod(whole, 2.0) == 0, 1.0, -1.0)
    below = jnp.where(x == whole, math.nan, below)
    sign = jnp.where(x < 0, below, jnp.where(jnp.isnan(x), math.nan, 1.0)).astype(x.dtype)
    return jnp.where(x == 0, jnp.copysign(sign, x), sign)


def gamma(x: Any) -> Any:
    """Γ(x), the integral of t^(x-1) exp(-t) over t > 0, also of complex x."""
    (x,) = strong(*floats("scipy.special.gamma", x))
    if dtypes.kind(x.dtype) == "c":
        return jnp.exp(complex_loggamma(x))
    return gammasgn(x) * jnp.exp(lax.lgamma(x))


def loggamma(x: Any) -> Any:
    """log Γ(x): of real x, nan where Γ is negative or has a pole; of complex x, the branch that is
    real for positive x, cut along the negative axis."""
    (x,) = floats("scipy.special.loggamma", x)
    if dtypes.kind(x.dtype) == "c":
        return complex_loggamma(*strong(x))
    return jnp.where(x > 0, lax.lgamma(x), math.nan)


def multigammaln(a: Any, d: Any) -> Any:
    """log Γ_d(a), the multivariate gamma function of dimension d, which normalizes Wishart's
    distribution:

        Γ_d(a) = π^(d(d-1)/4) Π_j Γ(a - j/2),  j = 0 ... d - 1

    Args:
      a: f32[...].
      d: the dimension, a number known when the program is traced.
    """
    (a,) = strong(*reals("scipy.special.multigammaln", a, error=TypeError))
    d = int(known("scipy.special.multigammaln", "d", d))
    halves = jnp.arange(d, dtype=a.dtype) / 2  # [d]
    each = jnp.expand_dims(a, -1) - lead(halves, a.ndim + 1)  # [..., d]
    total = jnp.sum(lax.lgamma(each), axis=-1)  # [...]
    return total + d * (d - 1) / 4 * math.log(math.pi)


def factorial(n: Any, exact: bool = False) -> Any:
    """n! = Γ(n + 1), and 0 below 0. Raises NotImplementedError for `exact` integers."""
    if exact:
        raise NotImplementedError(
            errors.explain(
                "scipy.special.factorial(n, exact=True)",
                "exact=True",
                "integers of any size are no arrays, and factorials soon leave those that are",
                "factorial(n), as floats, or math.factorial(n) for a Python int",
            )
        )
    (n,) = floats("scipy.special.factorial", n)
    return jnp.where(n < 0, 0.0, jnp.exp(lax.lgamma(n + 1)))


# -- derivatives of digamma, and zeta -------------------------------------------------------------


def polygamma(n: Any, x: Any) -> Any:
    """The derivative of order n of digamma, n a whole number. Raises ValueError for other n."""
    n = operand("scipy.special.polygamma", n)
    if dtypes.kind(n.dtype) not in "iu":
        raise ValueError(
            errors.explain(
                "scipy.special.polygamma(n, x)",
                f"n of type {n.aval}",
                "derivatives are counted in whole numbers",
                "polygamma(n.astype(int), x)",
            )
        )
    return lax.polygamma(*reals("scipy.special.polygamma", n, x))


def zeta(x: Any, q: Any = None) -> Any:
    """Hurwitz's zeta function, the sum of (k + q)^-x over k = 0, 1, 2, ..., for x > 1."""
    if q is None:
        raise NotImplementedError(
            errors.explain(
                "scipy.special.zeta(x)",
                "no q",
                "JAX leaves Riemann's function, q = 1, to its full name",
                "zeta(x, 1.0)",
            )
        )
    return _zeta(*floats("scipy.special.zeta", x, q))


@custom_jvp
def _zeta(x: Any, q: Any) -> Any:
    return lax.zeta(x, q)


_zeta.defjvps(
    lambda dx, ans, x, q: jvp(lambda s: _euler_maclaurin(s, q), (x,), (dx,))[1],
    lambda dq, ans, x, q: dq * -x * _zeta(x + 1, q),
)

# B_2j / (2j)! for j = 1, 2, ..., of the Bernoulli numbers B
_BERNOULLI_RATIOS = (
    1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000,
    1 / 74724249600, -3617 / 10670622842880000, 43867 / 5109094217170944000,
)  # fmt: skip


def _euler_maclaurin(s: Any, q: Any) -> Any:
    """zeta(s, q): N terms of the sum, and the rest as an integral with its corrections, which makes
    the derivative in s that of elementary functions (Johansson, 2015, eq. 2)."""
    terms = 9
    total = sum((q + k) ** -s for k in range(terms))
    a = q + terms
    total = total + a ** (1 - s) / (s - 1) + a**-s / 2
    factor = s * a ** (-s - 1)
    for j, ratio in enumerate(_BERNOULLI_RATIOS, 1):
        total = total + ratio * factor
        factor = factor * (s + (2 * j - 1)) * (s + 2 * j) / (a * a)
    return total


# -- incomplete gamma functions -------------------------------------------------------------------


def gammainc(a: Any, x: Any) -> Any:
    """The lower incomplete gamma function over Γ(a): the distribution function of Gamma(a)."""
    return lax.igamma(*floats("scipy.special.gammainc", a, x))


def gammaincc(a: Any, x: Any) -> Any:
    """1 - gammainc(a, x), exact where gammainc is near 1."""
    return lax.igammac(*floats("scipy.special.gammaincc", a, x))
