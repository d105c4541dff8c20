"""The Dirichlet distribution on the simplex: p(x) = Γ(Σ α_i) Π x_i^(α_i - 1) / Γ(α_i).

Read next: `scipy/stats/multivariate_normal.py`.
"""

from __future__ import annotations

from typing import Any

import scratchfn.numpy as jnp
from scratchfn import errors, lax
from scratchfn.numpy.promotion import operand, promote_dtypes_inexact
from scratchfn.scipy.special import xlogy
from scratchfn.scipy.stats.standard import off_support

__all__ = ["logpdf", "pdf"]


def logpdf(x: Any, alpha: Any) -> Any:
    """The logarithm of the density; -inf off the simplex.

    Args:
      x: positive numbers of sum 1 along the first axis, f32[k, ...]; or f32[k - 1, ...], without
        the last of them.
      alpha: f32[k].
    """
    name = "scipy.stats.dirichlet.logpdf"
    x, alpha = promote_dtypes_inexact(operand(name, x), operand(name, alpha, 1))
    if alpha.ndim != 1:
        _refuse(x, alpha, "alpha is one vector", "vmap(logpdf) over several")
    if not x.ndim or x.shape[0] not in (alpha.size, alpha.size - 1):
        _refuse(x, alpha, "x has an entry for each of alpha along its first axis", "x.T")
    if x.shape[0] == alpha.size - 1:
        x = jnp.concatenate([x, 1 - jnp.sum(x, axis=0, keepdims=True)])
    powers = alpha.reshape(-1, *[1] * (x.ndim - 1)) - 1  # [k, 1, ...]
    on_simplex = jnp.all(x > 0, axis=0) & (jnp.abs(jnp.sum(x, axis=0) - 1) < 1e-6)
    log_norm = lax.lgamma(jnp.sum(alpha)) - jnp.sum(lax.lgamma(alpha))
    return off_support(~on_simplex, log_norm + jnp.sum(xlogy(powers, x), axis=0))


def pdf(x: Any, alpha: Any) -> Any:
    """The density."""
    return jnp.exp(logpdf(x, alpha))


def _refuse(x: Any, alpha: Any, why: str, write: str) -> None:
    found = f"x of type {x.aval}, alpha of type {alpha.aval}"
    raise ValueError(errors.explain("scipy.stats.dirichlet.logpdf(x, alpha)", found, why, write))
