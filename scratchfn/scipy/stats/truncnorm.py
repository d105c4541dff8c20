"""The normal distribution cut to [a, b], in units of the standard one.

    p₀(z) = φ(z) / (Φ(b) - Φ(a))

Probabilities are kept as logarithms, and intervals in the right tail are mirrored into the left
one, where Φ is small and exact.

Read next: `scipy/stats/vonmises.py`.
"""

from __future__ import annotations

import math
from typing import Any

import scratchfn.numpy as jnp
from scratchfn.scipy.special.arguments import strong
from scratchfn.scipy.special.normal import log_distribution
from scratchfn.scipy.stats.standard import off_support, standard

__all__ = ["cdf", "logcdf", "logpdf", "logsf", "pdf", "sf"]


def _log_between(a: Any, b: Any) -> Any:
    """log (Φ(b) - Φ(a)) for a <= b."""
    mirrored = a > 0
    low, high = jnp.where(mirrored, -b, a), jnp.where(mirrored, -a, b)
    upper, lower = (log_distribution(*strong(x)) for x in (high, low))
    empty = low >= high
    difference = upper + _log_minus_exp(jnp.where(empty, -1.0, lower - upper))
    return jnp.where(empty, -math.inf, difference)


def _log_minus_exp(x: Any) -> Any:
    """log(1 - exp(x)) for x <= 0 (Mächler, 2012)."""
    near = x > -math.log(2)
    x_near, x_far = jnp.where(near, x, -1.0), jnp.where(near, -1.0, x)
    return jnp.where(near, jnp.log(-jnp.expm1(x_near)), jnp.log1p(-jnp.exp(x_far)))


def logpdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the density."""
    z, scale, a, b = standard("truncnorm.logpdf", x, loc, scale, a, b)
    normal = -0.5 * (z * z + math.log(2 * math.pi)) - jnp.log(scale)
    value = off_support((z < a) | (z > b), normal - _log_between(a, b))
    return jnp.where(a >= b, math.nan, value)


def pdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density."""
    return jnp.exp(logpdf(x, a, b, loc, scale))


def logcdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the distribution function."""
    z, _, a, b = standard("truncnorm.logcdf", x, loc, scale, a, b)
    return _log_part(z <= a, z >= b, a, jnp.clip(z, a, b), a, b)


def cdf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The distribution function."""
    return jnp.exp(logcdf(x, a, b, loc, scale))


def logsf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the survival function."""
    z, _, a, b = standard("truncnorm.logsf", x, loc, scale, a, b)
    return _log_part(z >= b, z <= a, jnp.clip(z, a, b), b, a, b)


def sf(x: Any, a: Any, b: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The survival function."""
    return jnp.exp(logsf(x, a, b, loc, scale))


def _log_part(none: Any, all_: Any, low: Any, high: Any, a: Any, b: Any) -> Any:
    """log of the part of [a, b] that [low, high] has, which may be none or all of it; nan unless
    a < b."""
    part = off_support(all_, _log_between(low, high) - _log_between(a, b), 0.0)
    return jnp.where(a >= b, math.nan, off_support(none, part))
