"""Poisson's distribution: P(k) = μ^k exp(-μ) / k!.

Read next: `scipy/stats/multinomial.py`.
"""

from __future__ import annotations

import math
from typing import Any

import scratchfn.numpy as jnp
from scratchfn import lax
from scratchfn.scipy.special import xlogy
from scratchfn.scipy.special.series import polynomial
from scratchfn.scipy.stats.standard import off_support, promoted

__all__ = ["cdf", "entropy", "logpmf", "pmf"]


def logpmf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """The logarithm of the probability of k."""
    k, mu, loc = promoted("poisson.logpmf", k, mu, loc, keep_weak=True)
    y = k - loc
    y_ = jnp.where(y < 0, 0.0, y)
    return off_support(y < 0, xlogy(y_, mu) - lax.lgamma(y_ + 1) - mu)


def pmf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """The probability of k."""
    return jnp.exp(logpmf(k, mu, loc))


def cdf(k: Any, mu: Any, loc: Any = 0) -> Any:
    """The distribution function."""
    k, mu, loc = promoted("poisson.cdf", k, mu, loc)
    y = k - loc
    y_ = jnp.where(y < 0, 0.0, y)
    return off_support(y < 0, lax.igammac(jnp.floor(y_) + 1, mu), 0.0)


_LARGE = 100.0  # from here on the series has an error below 1e-12
# of Σ_j c_j / μ^j (Evans & Boersma, 1988, "The entropy of a Poisson distribution")
_ENTROPY = (0.0, -1 / 12, -1 / 24, -19 / 360, -9 / 80, -863 / 2520, -1375 / 1008)


def entropy(mu: Any, loc: Any = 0) -> Any:
    """-Σ P(k) log P(k), in nats; it does not depend on `loc`. nan for μ < 0."""
    mu, _ = promoted("poisson.entropy", mu, loc)
    small, large = jnp.minimum(mu, _LARGE), jnp.maximum(mu, _LARGE)
    k = jnp.arange(260, dtype=mu.dtype)  # beyond, P(k) is nothing for μ <= 100
    log_p = xlogy(k, small[..., None]) - lax.lgamma(k + 1) - small[..., None]  # [..., k]
    total = -jnp.sum(jnp.exp(log_p) * jnp.where(jnp.isinf(log_p), 0.0, log_p), -1)
    series = 0.5 * jnp.log(2 * math.pi * math.e * large) + polynomial(1 / large, _ENTROPY)
    return off_support(mu < 0, jnp.where(mu < _LARGE, total, series), math.nan)
