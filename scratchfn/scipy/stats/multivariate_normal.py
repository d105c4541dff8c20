"""The normal distribution of vectors, of mean μ and covariance Σ.

    log p(x) = -((x - μ)ᵀ Σ⁻¹ (x - μ) + log |Σ| + n log 2π) / 2

With Cholesky's Σ = L Lᵀ, the quadratic form is |L⁻¹ (x - μ)|², and log |Σ| twice the sum of the
logarithms of L's diagonal.

Read next: `scipy/stats/bernoulli.py`.
"""

from __future__ import annotations

import math
from typing import Any

import scratchfn.numpy as jnp
from scratchfn import errors
from scratchfn.lax import linalg
from scratchfn.numpy.promotion import operand, promote_dtypes_inexact
from scratchfn.scipy.stats import norm

__all__ = ["logpdf", "pdf"]


def logpdf(x: Any, mean: Any, cov: Any, allow_singular: bool | None = None) -> Any:
    """The logarithm of the density; nan where the covariance is not positive definite.

    Args:
      x: f32[..., n].
      mean: f32[..., n] or a number.
      cov: f32[..., n, n]; with a number as the mean, also a variance, for independent numbers x.
      allow_singular: JAX takes no singular covariance either: None.
    """
    name = "scipy.stats.multivariate_normal.logpdf"
    if allow_singular is not None:
        found, why = f"allow_singular={allow_singular!r}", "a density needs a regular covariance"
        raise NotImplementedError(errors.explain(name, found, why, f"{name}(x, mean, cov)"))
    args = [operand(name, arg, i) for i, arg in enumerate((x, mean, cov))]
    x, mean, cov = promote_dtypes_inexact(*args)
    if not mean.shape:
        return norm.logpdf(x, mean, jnp.sqrt(cov))
    n = mean.shape[-1]
    if not cov.shape:
        return -0.5 * (jnp.sum((x - mean) ** 2, -1) / cov + n * jnp.log(2 * math.pi * cov))
    if cov.ndim < 2 or cov.shape[-2:] != (n, n):
        found = f"mean of type {mean.aval}, cov of type {cov.aval}"
        why = "a covariance has a row and a column for each entry of the mean"
        raise ValueError(errors.explain(name, found, why, "cov=jnp.diag(variances)"))
    return _log_density(x - mean, linalg.cholesky(cov), n)


def _log_density(x: Any, lower: Any, n: int) -> Any:
    """The logarithm of the density at x of mean 0, from the factor L of the covariance."""
    if lower.ndim == 2:  # one factor for all, so each x is a column of one system
        columns = x.reshape(-1, n).T  # [n, ...]
        y = linalg.triangular_solve(lower, columns, left_side=True, lower=True)
        square = jnp.sum(y * y, 0).reshape(x.shape[:-1])
    else:
        batch = jnp.broadcast_shapes(x.shape[:-1], lower.shape[:-2])
        x, lower = jnp.broadcast_to(x, (*batch, n)), jnp.broadcast_to(lower, (*batch, n, n))
        y = linalg.triangular_solve(lower, x[..., None], left_side=True, lower=True)
        square = jnp.sum(y * y, (-2, -1))
    log_det = jnp.sum(jnp.log(jnp.diagonal(lower, axis1=-2, axis2=-1)), -1)  # log |Σ| / 2
    return -0.5 * (square + n * math.log(2 * math.pi)) - log_det


def pdf(x: Any, mean: Any, cov: Any) -> Any:
    """The density."""
    return jnp.exp(logpdf(x, mean, cov))
