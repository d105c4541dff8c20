"""Products with a factorization's parts, and updates of one: householder_product, ormqr,
symmetric_product, cholesky_update. They have no derivatives, in JAX neither.

Read next: `lax/linalg.py`.
"""

from __future__ import annotations

from typing import Any

from scratchfn import errors
from scratchfn.backends.numpy.kernels import linalg as kernels
from scratchfn.core.avals import ShapedArray
from scratchfn.core.template import expression, kernel
from scratchfn.core.trace import Primitive
from scratchfn.primitives.base import instantiate_axis
from scratchfn.primitives.check import require_equal_dtypes, require_kind
from scratchfn.primitives.joining import stack, unstack
from scratchfn.primitives.linalg.algebra import (
    batch_leading,
    by_jaxs_linalg,
    require_matrices,
    weak_if_all,
)

# -- products with the reflectors of a QR factorization -------------------------------------------


def _householder_aval(a: ShapedArray, taus: ShapedArray) -> ShapedArray:
    _require_reflectors("householder_product", a, taus)
    if a.shape[-2] < a.shape[-1]:
        raise ValueError(
            errors.explain(
                f"householder_product({a}, {taus})",
                f"a matrix of {a.shape[-2]} rows and {a.shape[-1]} columns",
                "the product of reflectors is square, and has no more columns than rows",
                "a[..., :, :m] for the first m columns",
            )
        )
    return ShapedArray(a.shape, a.dtype)


def _require_reflectors(name: str, a: ShapedArray, taus: ShapedArray) -> None:
    require_equal_dtypes(name, [a, taus])
    require_matrices(name, a)
    if taus.shape[:-1] != a.shape[:-2] or taus.shape[-1] > min(a.shape[-2:]):
        raise ValueError(
            errors.explain(
                f"{name}({a}, {taus})",
                f"scales of shape {taus.shape}",
                f"each reflector is a column of the matrix, which has {min(a.shape[-2:])} for "
                f"them, with leading axes {a.shape[:-2]}",
                "the two results of one factorization",
            )
        )


def _ormqr_aval(
    a: ShapedArray, taus: ShapedArray, c: ShapedArray, *, left: bool, transpose: bool
) -> ShapedArray:
    require_equal_dtypes("ormqr", [a, taus, c])
    _require_reflectors("ormqr", a, taus)
    require_matrices("ormqr", c)
    axis = -2 if left else -1
    if c.shape[:-2] != a.shape[:-2] or c.shape[axis] != a.shape[-2]:
        raise ValueError(
            errors.explain(
                f"ormqr({a}, {taus}, {c}, left={left})",
                f"axis {axis} of c of size {c.shape[axis]}, leading axes {c.shape[:-2]}",
                f"Q has {a.shape[-2]} rows and columns, with leading axes {a.shape[:-2]}",
                f"left={not left} for a product from the other side",
            )
        )
    return ShapedArray(c.shape, c.dtype)


kernel(kernels.householder_product)
kernel(kernels.ormqr)

householder_product_p = Primitive(
    "householder_product",
    aval=weak_if_all(_householder_aval),
    **expression("householder_product({0}, {1})"),
)
householder_product_p.batch = batch_leading(householder_product_p)

ormqr_p = Primitive(
    "ormqr",
    aval=weak_if_all(_ormqr_aval),
    jax=by_jaxs_linalg("ormqr"),
    **expression("ormqr({0}, {1}, {2}, left={left}, transpose={transpose})"),
)
ormqr_p.batch = batch_leading(ormqr_p)

# -- symmetric_product: alpha A A^T + beta C ------------------------------------------------------


def _symmetric_aval(a: ShapedArray, c: ShapedArray, *, alpha: float, beta: float) -> ShapedArray:
    require_kind("symmetric_product", [a, c], "f")
    require_equal_dtypes("symmetric_product", [a, c])
    if a.ndim != c.ndim or a.ndim < 2:
        raise TypeError(_explain_symmetric(a, c, f"arrays of {a.ndim} and {c.ndim} axes"))
    if a.shape[:-2] != c.shape[:-2] or c.shape[-2:] != a.shape[-2:-1] * 2:
        raise ValueError(_explain_symmetric(a, c, f"shapes {a.shape} and {c.shape}"))
    return ShapedArray(c.shape, c.dtype)


def _explain_symmetric(a: ShapedArray, c: ShapedArray, found: str) -> str:
    return errors.explain(
        f"symmetric_product({a}, {c})",
        found,
        "the product of A with its transpose has the rows of A as rows and columns, and C is added",
        "jnp.zeros((m, m)) for C if A is (m, n)",
    )


symmetric_product_p = Primitive(
    "symmetric_product",
    aval=weak_if_all(_symmetric_aval),
    jax=by_jaxs_linalg("symmetric_product"),
    **expression(
        "np.add({alpha} * np.matmul({0}, np.swapaxes({0}, -1, -2)), {beta} * {1}, dtype={0}.dtype)"
    ),
)
symmetric_product_p.batch = batch_leading(symmetric_product_p)

# -- cholesky_update: the factor of A + w w^T -----------------------------------------------------


def _update_aval(r: ShapedArray, w: ShapedArray) -> ShapedArray:
    require_equal_dtypes("cholesky_update", [r, w])
    require_kind("cholesky_update", [r, w], "f")
    asked = f"cholesky_update({r}, {w})"
    if r.ndim != 2 or w.ndim != 1:
        why = "one matrix is updated by one vector"
        write = "vmap(lax.linalg.cholesky_update) for several"
        found = f"arrays of {r.ndim} and {w.ndim} axes"
        raise TypeError(errors.explain(asked, found, why, write))
    if r.shape != w.shape * 2:
        found, why = f"shapes {r.shape} and {w.shape}", "the sum of R^T R and w w^T is taken"
        raise ValueError(errors.explain(asked, found, why, "a vector as long as R has columns"))
    return ShapedArray(r.shape, r.dtype)


def _update_batch(size: int, args: Any, dims: Any) -> Any:
    pairs = zip(*(unstack(instantiate_axis(x, d, size), 0) for x, d in zip(args, dims)))
    return stack([cholesky_update_p.bind(r, w) for r, w in pairs], 0), 0


kernel(kernels.cholesky_update)

cholesky_update_p = Primitive(
    "cholesky_update",
    aval=weak_if_all(_update_aval),
    jax=by_jaxs_linalg("cholesky_update"),
    batch=_update_batch,
    **expression("cholesky_update({0}, {1})"),
)
