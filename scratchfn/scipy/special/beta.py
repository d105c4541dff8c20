"""The beta function, its logarithm, the incomplete one, and ratios of gamma functions.

log B(a, b) = log Γ(a) + log Γ(b) - log Γ(a + b) is a small difference of large numbers where an
argument is large. There the three are Stirling's series, whose large terms are subtracted by hand
(Didonato & Morris, 1992, "Significant digit computation of the incomplete beta function ratios").

Read next: `scipy/special/error.py`.
"""

from __future__ import annotations

import math
from typing import Any

import scratchfn.numpy as jnp
from scratchfn import lax
from scratchfn.scipy.special.arguments import floats, reals, strong
from scratchfn.scipy.special.complex_gamma import STIRLING
from scratchfn.scipy.special.gamma import gammasgn
from scratchfn.scipy.special.series import polynomial
from scratchfn.transforms.custom_jvp import custom_jvp

_LARGE = 10.0  # from here on Stirling's series has an error below 1e-17


def betaln(a: Any, b: Any) -> Any:
    """log |B(a, b)| of the beta function."""
    return _betaln(*reals("scipy.special.betaln", a, b, error=TypeError))


@custom_jvp
def _betaln(a: Any, b: Any) -> Any:
    p, q = jnp.minimum(a, b), jnp.maximum(a, b)
    plain = lax.lgamma(p) + lax.lgamma(q) - lax.lgamma(p + q)
    large, q_ = jnp.minimum(q, p + q) >= _LARGE, jnp.maximum(q, _LARGE)
    return jnp.where(large, jnp.where(p < _LARGE, _one_large(p, q_), _both_large(p, q_)), plain)


_betaln.defjvps(
    lambda da, ans, a, b: da * (lax.digamma(a) - lax.digamma(a + b)),
    lambda db, ans, a, b: db * (lax.digamma(b) - lax.digamma(a + b)),
)


def _one_large(p: Any, q: Any) -> Any:
    shrinking = p * (jnp.log(q) - 1) + (p + q - 0.5) * jnp.log1p(p / q)
    return lax.lgamma(p) - shrinking + (_stirling(q) - _stirling(p + q))


def _both_large(p: Any, q: Any) -> Any:
    p = jnp.maximum(p, _LARGE)
    ratio = p / q
    rest = _stirling(p) + (_stirling(q) - _stirling(p + q))
    scale = 0.5 * (math.log(2 * math.pi) - jnp.log(q))
    return scale + (p - 0.5) * jnp.log(ratio / (1 + ratio)) - q * jnp.log1p(ratio) + rest


def _stirling(x: Any) -> Any:
    """log Γ(x) - ((x - 1/2) log x - x + log(2π)/2) for x >= 10."""
    inverse = 1 / x
    return polynomial(inverse * inverse, STIRLING) * inverse


def beta(a: Any, b: Any) -> Any:
    """B(a, b) = Γ(a) Γ(b) / Γ(a + b), the integral of t^(a-1) (1-t)^(b-1) over [0, 1]."""
    a, b = strong(*reals("scipy.special.beta", a, b))
    return gammasgn(a) * gammasgn(b) * gammasgn(a + b) * jnp.exp(_betaln(a, b))


def betainc(a: Any, b: Any, x: Any) -> Any:
    """The regularized incomplete beta function: the distribution function of Beta(a, b). Its
    derivatives in a and b have no closed form, and raise ValueError."""
    return lax.betainc(*reals("scipy.special.betainc", a, b, x))


def comb(N: Any, k: Any, *, repetition: bool = False) -> Any:
    """The number of ways to choose k of N things, 0 unless 0 <= k <= N.

    Args:
      N, k: whole numbers, or others between them, f32[...].
      repetition: may a thing be chosen more than once?
    """
    N, k = floats("scipy.special.comb", N, k)
    if repetition:
        return comb(N + k - 1, k)
    possible = (k >= 0) & (k <= N)
    N_, k_ = jnp.where(possible, N, 1.0), jnp.where(possible, k, 1.0)
    ways = jnp.exp(-jnp.log1p(N_) - _betaln(N_ - k_ + 1, k_ + 1))
    return jnp.where(possible, ways, 0.0)


def poch(z: Any, m: Any) -> Any:
    """Pochhammer's symbol Γ(z + m) / Γ(z), which is z (z + 1) ... (z + m - 1) for a whole m."""
    return _poch(*strong(*reals("scipy.special.poch", z, m)))


@custom_jvp
def _poch(z: Any, m: Any) -> Any:
    # Γ(z + m) / Γ(z) = Γ(m) / B(z, m) for m > 0, and the inverse of such a ratio for m < 0: the
    # logarithms of large gammas cancel in B alone
    low, size = jnp.minimum(z, z + m), jnp.abs(m)
    log_ratio = lax.lgamma(size) - _betaln(low, size)
    log_ratio = jnp.where(m < 0, -log_ratio, log_ratio)
    plain = lax.lgamma(z + m) - lax.lgamma(z)
    magnitude = jnp.exp(jnp.where((low > 1) & jnp.isfinite(m), log_ratio, plain))
    return jnp.where(m == 0, 1.0, gammasgn(z) * gammasgn(z + m) * magnitude)


_poch.defjvps(
    lambda dz, ans, z, m: dz * ans * (lax.digamma(z + m) - lax.digamma(z)),
    lambda dm, ans, z, m: dm * ans * lax.digamma(z + m),
)
