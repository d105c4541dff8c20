"""The pseudoinverse, and least squares: both by singular values, those near 0 taken to be 0.

    dA+ = -A+ dA A+ + A+ A+^H dA^H (I - A A+) + (I - A+ A) dA^H A+^H A+

where the rank does not change (Golub & Pereyra 1973, "The differentiation of pseudo-inverses and
nonlinear least squares problems whose variables separate", equation 4.12).

Read next: `numpy/linalg/products.py`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from scratchfn import errors
from scratchfn.lax import linalg
from scratchfn.numpy.conversion import asarray, astype
from scratchfn.numpy.creation import ones_like, zeros, zeros_like
from scratchfn.numpy.linalg.arguments import adjoint, eps_of
from scratchfn.numpy.linalg.factorizations import svd
from scratchfn.numpy.linalg.norms import norm
from scratchfn.numpy.manipulation import expand_dims, reshape
from scratchfn.numpy.products import matmul
from scratchfn.numpy.promotion import inexact, operand, promote_dtypes_inexact
from scratchfn.numpy.scalars import inf
from scratchfn.numpy.searching import where
from scratchfn.numpy.totals import sum
from scratchfn.primitives.linalg.algebra import as_column
from scratchfn.transforms.custom_jvp import custom_jvp


def pinv(a: Any, rtol: Any = None, hermitian: bool = False, *, rcond: Any = None) -> Any:
    """The pseudoinverse [..., n, m] of matrices [..., m, n].

    Singular values up to `rtol` times the greatest are taken to be 0; `rcond` is another name for
    it, and 10 * max(m, n) times the type's eps its default. With `hermitian`, `a` is taken to be
    Hermitian. Raises ValueError for both names, and for arrays of fewer than two axes.
    """
    if rtol is not None and rcond is not None:
        raise ValueError(
            errors.explain(
                "jnp.linalg.pinv",
                "both rtol and rcond",
                "they are names of one argument",
                "rtol=...",
            )
        )
    a = inexact("linalg.pinv", a)
    if a.ndim < 2:
        raise ValueError(
            errors.explain(
                f"jnp.linalg.pinv of an array of type {a.aval}", f"{a.ndim} axes",
                "a matrix has two", "x[:, None] for a vector as a matrix of one column",
            )
        )  # fmt: skip
    if a.size == 0:
        return zeros((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)
    limit = rcond if rtol is None else rtol
    if limit is None:
        limit = 10.0 * max(a.shape[-2:]) * eps_of(a)
    return _pinv(linalg.symmetrize(a) if hermitian else a, limit, bool(hermitian))


@partial(custom_jvp, nondiff_argnums=(1, 2))
def _pinv(a: Any, rtol: Any, hermitian: bool) -> Any:
    u, s, vh = svd(a, full_matrices=False, hermitian=hermitian)
    limit = astype(expand_dims(asarray(rtol), -1), s.dtype) * s[..., 0:1]
    s = where(s > limit, s, inf)
    return matmul(adjoint(vh), adjoint(u) / as_column(s), precision="highest")


@_pinv.defjvp
def _pinv_jvp(rtol: Any, hermitian: bool, primals: tuple[Any], tangents: tuple[Any]) -> Any:
    (a,), (da,) = primals, tangents
    p = pinv(a, rtol, hermitian)

    def product(*factors: Any) -> Any:
        out = factors[0]
        for factor in factors[1:]:
            out = matmul(out, factor, precision="highest")
        return out

    left = product(p, adjoint(p), adjoint(da))  # A+ A+^H dA^H, [..., n, m]
    right = product(adjoint(da), adjoint(p), p)  # dA^H A+^H A+, [..., n, m]
    dp = -product(p, da, p) + left - product(left, a, p) + right - product(p, a, right)
    return p, dp


def lstsq(
    a: Any, b: Any, rcond: float | None = None, *, numpy_resid: bool = False
) -> tuple[Any, Any, Any, Any]:
    """(x, residuals, rank, s): the shortest x [n, k] for which the columns of a x - b are shortest,
    their squared lengths [k], the rank of a [m, n] and its singular values; or for b [m], x [n].

    Singular values less than `rcond` times the greatest, by default max(m, n) times the type's eps,
    are taken to be 0. With `numpy_resid` the residuals are empty unless the rank is n < m, as
    NumPy's are; then `lstsq` cannot be traced. Raises ValueError for shapes that do not fit.
    """
    a, b = promote_dtypes_inexact(operand("linalg.lstsq", a), operand("linalg.lstsq", b, 1))
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        raise ValueError(
            errors.explain(
                f"jnp.linalg.lstsq({a.aval}, {b.aval})", f"shapes {a.shape} and {b.shape}",
                "a is [m, n], and b is [m] or [m, k]",
                "vmap(jnp.linalg.lstsq) for stacks of matrices",
            )
        )  # fmt: skip
    m, n = a.shape
    columns = as_column(b) if b.ndim == 1 else b
    if a.size == 0:
        s, rank, x = zeros(0, a.dtype), asarray(0, int), zeros((n, columns.shape[1]), a.dtype)
    else:
        s, rank, x = _shortest(a, columns, rcond)
    if numpy_resid and (int(rank) < n or m <= n):
        residuals = zeros(0, s.dtype)
    else:
        residuals = norm(columns - matmul(a, x, precision="highest"), axis=0) ** 2
    return (reshape(x, (n,)) if b.ndim == 1 else x), residuals, rank, s


def _shortest(a: Any, b: Any, rcond: float | None) -> tuple[Any, Any, Any]:
    if rcond is None:
        rcond = eps_of(a) * max(a.shape)
    else:
        rcond = where(asarray(rcond) < 0, eps_of(a), rcond)
    u, s, vh = svd(a, full_matrices=False)
    large = (s > 0) & (s >= asarray(rcond, s.dtype) * s[0])
    inverse = where(large, 1 / where(large, s, ones_like(s)), zeros_like(s))
    projected = matmul(adjoint(u), b, precision="highest")
    x = matmul(adjoint(vh), as_column(inverse) * projected, precision="highest")
    return s, sum(astype(large, "int32")), x
