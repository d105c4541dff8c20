"""Distributions of vectors and matrices, and of the lengths of vectors.

Read next: `random/keys.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import scratchfn.numpy as jnp
from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.numpy.promotion import promote_dtypes_inexact
from scratchfn.random.arguments import as_dtype, fitting, float_dtype, placeable, request
from scratchfn.random.discrete import rademacher_signs
from scratchfn.random.keys import as_shape, key_words, split_in
from scratchfn.random.samplers import normal, normal_floats


@placeable
def maxwell(key: Any, shape: Any = (), dtype: Any = None) -> Any:
    """The length of a normal vector in three dimensions.

    f(x) = sqrt(2 / pi) x^2 exp(-x^2 / 2)
    """
    words, shape, dtype = request("maxwell", key, shape, dtype)
    wide = dtypes.float32 if dtype.itemsize < 4 else dtype
    z = normal_floats(words, (*shape, 3), dtype)
    x, y, z = jnp.moveaxis((z * z).astype(wide), -1, 0)
    return jnp.sqrt((x + z + y).astype(dtype))  # in the order of XLA's programs


def double_sided_maxwell(key: Any, loc: Any, scale: Any, shape: Any = (), dtype: Any = None) -> Any:
    """loc + scale s x for x of `maxwell` and s = -1 or 1.

    Returns:
      float[*shape, *parameters], where `parameters` is the shape that loc and scale broadcast to.
    """
    words, shape, dtype = request("double_sided_maxwell", key, shape, dtype)
    parameters = jnp.broadcast_shapes(np.shape(loc), np.shape(scale))
    shape = (*(shape or parameters), *parameters)
    key_size, key_sign = split_in(words, 2)
    sign = rademacher_signs(key_sign, shape, dtype)
    return sign * maxwell(key_size, shape, dtype) * scale + loc


@placeable
def multivariate_normal(
    key: Any, mean: Any, cov: Any, shape: Any = None, dtype: Any = None, method: str = "cholesky"
) -> Any:
    """mean + F z for z normal and F F^T = cov.

    Args:
      mean: float[*batch, n]
      cov: float[*batch, n, n], symmetric and positive semidefinite.
      shape: that of the batch.
      method: how F is found: "cholesky" (quickest, cov must be definite), "eigh" or "svd".

    Returns:
      float[*shape, n], by default of the dtype that mean and cov have together

    Raises:
      ValueError: another method, a dtype that is no float, or mean and cov do not fit each other
        or the shape.
    """
    words = key_words("multivariate_normal", key)
    mean, cov = promote_dtypes_inexact(mean, cov)
    dtype = float_dtype("multivariate_normal", mean.dtype if dtype is None else dtype)
    _require_fit(mean, cov, method)
    batch = fitting("multivariate_normal", shape, [mean.shape[:-1], cov.shape[:-2]])
    z = normal_floats(words, (*batch, mean.shape[-1]), dtype)
    spread = jnp.einsum("...ij,...j->...i", _FACTORS[method](cov), z)
    return jnp.broadcast_to(mean, spread.shape) + spread


def _by_svd(cov: Any) -> Any:
    u, s, _ = jnp.linalg.svd(cov)
    return u * jnp.sqrt(s[..., None, :])


def _by_eigh(cov: Any) -> Any:
    w, v = jnp.linalg.eigh(cov)
    return v * jnp.sqrt(w[..., None, :])


_FACTORS: dict[str, Callable[[Any], Any]] = {
    "cholesky": lambda cov: jnp.linalg.cholesky(cov),
    "eigh": _by_eigh,
    "svd": _by_svd,
}


def _require_fit(mean: Any, cov: Any, method: str) -> None:
    asked = "random.multivariate_normal"
    if method not in _FACTORS:
        why = f"it is one of {', '.join(map(repr, _FACTORS))}"
        raise ValueError(errors.explain(asked, f"method={method!r}", why, 'method="cholesky"'))
    if mean.ndim < 1 or cov.ndim < 2 or cov.shape[-2:] != (mean.shape[-1],) * 2:
        found = f"mean of type {mean.aval}, cov of type {cov.aval}"
        why = "n numbers have a mean of shape [..., n] and a covariance of shape [..., n, n]"
        write = "random.multivariate_normal(key, jnp.zeros(n), jnp.eye(n))"
        raise ValueError(errors.explain(asked, found, why, write))


@placeable
def orthogonal(key: Any, n: int, shape: Any = (), dtype: Any = None, m: int | None = None) -> Any:
    """Matrices with orthonormal rows, or columns, none likelier than another: the factor Q of a
    normal matrix, with signs that make the diagonal of R positive.

    Mezzadri, "How to generate random matrices from the classical compact groups", 2007.

    Args:
      n, m: the numbers of rows and of columns, m = n if None.
      dtype: float, or complex for unitary matrices.

    Returns:
      float[*shape, n, m] or complex[*shape, n, m]
    """
    words = key_words("orthogonal", key)
    dtype = as_dtype("orthogonal", dtype, "fc", float)
    shape = as_shape("orthogonal", shape)
    m = n if m is None else m
    z = normal(words, (*shape, max(n, m), min(n, m)), dtype)
    q, r = jnp.linalg.qr(z)
    q = q * jnp.sign(jnp.linalg.diagonal(r))[..., None, :]
    return jnp.matrix_transpose(q) if n < m else q
