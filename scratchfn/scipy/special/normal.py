"""The normal distribution: its distribution function, inverse and logarithm, and Owen's T.

    Φ(x) = erfc(-x/√2) / 2

Read next: `scipy/special/exponential_integrals.py`.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

import scratchfn.numpy as jnp
from scratchfn import errors, lax
from scratchfn.scipy.special.arguments import reals, strict_floats
from scratchfn.scipy.special.error import scaled_erfc
from scratchfn.scipy.special.series import in_32_bits, polynomial
from scratchfn.transforms.custom_jvp import custom_jvp

SQRT_HALF = math.sqrt(0.5)
SQRT_2PI = math.sqrt(2 * math.pi)


def ndtr(x: Any) -> Any:
    """Φ(x), the standard normal distribution function. Takes float32 and float64 alone."""
    return distribution(strict_floats("scipy.special.ndtr", x))


def distribution(x: Any) -> Any:
    """Φ(x) of any float dtype."""
    return 0.5 * lax.erfc(-x * SQRT_HALF)


def log_ndtr(x: Any, series_order: int = 3) -> Any:
    """log Φ(x), exact in both tails. Takes float32 and float64 alone.

    Args:
      series_order: the length of the series that JAX takes far from 0, from 0 to 30. No series is
        needed here, so the result is the same for each.
    """
    _check_series_order(series_order)
    return log_distribution(strict_floats("scipy.special.log_ndtr", x))


def _check_series_order(order: Any) -> None:
    whole = isinstance(order, int)
    if whole and 0 <= order <= 30:
        return
    error = ValueError if whole else TypeError
    why = "it counts the terms of a series, 30 at most"
    found, write = f"series_order={order!r}", "log_ndtr(x)"
    raise error(errors.explain("scipy.special.log_ndtr", found, why, write))


@custom_jvp
def log_distribution(x: Any) -> Any:
    """log Φ(x) of any float dtype."""
    left = x < -1
    z = jnp.where(left, x, -1.0)
    below = jnp.log(0.5 * scaled_erfc(-z * SQRT_HALF)) - z * z / 2
    return jnp.where(left, below, jnp.log1p(-0.5 * lax.erfc(jnp.where(left, 0.0, x) * SQRT_HALF)))


# φ(x) / Φ(x), where the exponentials cancel
log_distribution.defjvps(lambda dx, ans, x: dx * (2 / SQRT_2PI / scaled_erfc(-x * SQRT_HALF)))

# -- the inverse ----------------------------------------------------------------------------------

# Wichura (1988), algorithm AS 241: numerators and denominators, lowest power first
_CENTRE = (
    3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
    1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
    3.3430575583588128105e4, 2.5090809287301226727e3,
), (
    1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
    2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
    5.2264952788528545610e3,
)  # fmt: skip
_TAIL = (
    1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
    3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
    2.27238449892691845833e-2, 7.74545014278341407640e-4,
), (
    1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
    1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
    1.05075007164441684324e-9,
)  # fmt: skip
_FAR_TAIL = (
    6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
    2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
    2.71155556874348757815e-5, 2.01033439929228813265e-7,
), (
    1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
    7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
    2.04426310338993978564e-15,
)  # fmt: skip


def ndtri(p: Any) -> Any:
    """The x of Φ(x) = p; nan outside [0, 1]. Takes float32 and float64 alone."""
    return quantile(strict_floats("scipy.special.ndtri", p))


@custom_jvp
@in_32_bits
def quantile(p: Any) -> Any:
    """The x of Φ(x) = p, for p of any float dtype."""
    q = p - 0.5
    central = jnp.abs(q) <= 0.425
    centre = q * _ratio(_CENTRE, 0.180625 - jnp.where(central, q, 0.0) ** 2)
    tail = jnp.where(central, 0.5, jnp.minimum(p, 1 - p))
    r = jnp.sqrt(-jnp.log(tail))
    far = jnp.clip(r, 5, 30)  # 30 is beyond the least float64
    outside = jnp.where(r <= 5, _ratio(_TAIL, jnp.minimum(r, 5) - 1.6), _ratio(_FAR_TAIL, far - 5))
    outside = jnp.where(tail == 0, math.inf, jnp.where(tail < 0, math.nan, outside))
    return jnp.where(central, centre, jnp.where(q < 0, -outside, outside))


def _ratio(tables: tuple[tuple[float, ...], tuple[float, ...]], r: Any) -> Any:
    numerator, denominator = tables
    return polynomial(r, numerator) / polynomial(r, denominator)


@quantile.defjvp
def _quantile_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    (p,), (dp,) = primals, tangents
    x = quantile(p)
    slope = jnp.where(jnp.isinf(x), 0.0, SQRT_2PI * jnp.exp(x * x / 2))  # JAX's at p = 0 and 1
    return x, dp * slope


# -- Owen's T -------------------------------------------------------------------------------------


def owens_t(h: Any, a: Any) -> Any:
    """Owen's T function (1/2π) ∫_0^a exp(-h²(1 + x²)/2) / (1 + x²) dx: the probability of X > h and
    0 < Y < aX for independent standard normal X and Y."""
    h, a = reals("scipy.special.owens_t", h, a)
    dtype = jnp.promote_types(h.dtype, jnp.float32)  # 32 bits at least, as in JAX and SciPy
    return _owens_t(h.astype(dtype), a.astype(dtype))


@custom_jvp
def _owens_t(h: Any, a: Any) -> Any:
    h, slope = jnp.abs(h), jnp.abs(a)
    # where the slope is above 1, T(h, a) = (Q(h) + Q(ah))/2 - Q(h) Q(ah) - T(ah, 1/a), Q = 1 - Φ
    steep = slope > 1
    ah = jnp.where(h == 0, 0.0, slope * h)
    inner = _by_quadrature(jnp.where(steep, ah, h), jnp.where(steep, 1 / slope, slope))
    q, qa = distribution(-h), distribution(-ah)
    t = jnp.where(steep, 0.5 * (q + qa) - q * qa - inner, inner)
    return jnp.sign(a) * jnp.where(jnp.isnan(a), math.nan, t)


def _by_quadrature(h: Any, a: Any) -> Any:
    """T(h, a) for h >= 0 and a in [0, 1]: Gauss and Legendre's rule on the part of [0, a] where
    exp(-h²x²/2) is above rounding."""
    nodes, weights = _gauss_legendre()
    end = jnp.minimum(a, 8.6 / jnp.maximum(h, 1.0))
    hx = jnp.where(jnp.isfinite(h), h, 100.0) * end
    total = 0.0
    for node, weight in zip(nodes, weights, strict=True):
        x = end * node
        total = total + weight * jnp.exp(-0.5 * (hx * node) ** 2) / (1 + x * x)
    return total * end * jnp.exp(-0.5 * h * h) / (2 * math.pi)


@functools.cache
def _gauss_legendre(count: int = 26) -> tuple[list[float], list[float]]:
    """Nodes and weights on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return ((nodes + 1) / 2).tolist(), (weights / 2).tolist()


def _owens_t_h(dh: Any, ans: Any, h: Any, a: Any) -> Any:
    """The derivative in h, -φ(h) erf(ah/√2) / 2."""
    ah = jnp.where(h == 0, 0.0, a * h)
    return dh * (-0.5 / SQRT_2PI) * jnp.exp(-0.5 * h * h) * lax.erf(ah * SQRT_HALF)


def _owens_t_a(da: Any, ans: Any, h: Any, a: Any) -> Any:
    square = 1 + a * a
    return da * jnp.exp(-0.5 * h * h * square) / square / (2 * math.pi)


_owens_t.defjvps(_owens_t_h, _owens_t_a)
