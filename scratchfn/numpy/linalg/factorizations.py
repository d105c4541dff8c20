"""Factorizations of matrices: cholesky, qr, svd, eigenvalues and eigenvectors.

Read next: `numpy/linalg/pseudoinverse.py`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from scratchfn import errors
from scratchfn.lax import linalg
from scratchfn.numpy.indexing import take_along_axis
from scratchfn.numpy.linalg.arguments import adjoint
from scratchfn.numpy.manipulation import flip, matrix_transpose
from scratchfn.numpy.promotion import inexact
from scratchfn.numpy.searching import argsort, sort
from scratchfn.numpy.ufuncs import absolute, sign
from scratchfn.primitives.linalg.algebra import as_row
from scratchfn.primitives.linalg.qr import geqrf_p


class EigResult(NamedTuple):
    """Eigenvalues and, as columns, eigenvectors of any matrix; complex."""

    eigenvalues: Any
    eigenvectors: Any


class EighResult(NamedTuple):
    """Eigenvalues, real and rising, and, as columns, eigenvectors of a Hermitian matrix."""

    eigenvalues: Any
    eigenvectors: Any


class QRResult(NamedTuple):
    """Orthonormal Q and upper triangular R."""

    Q: Any
    R: Any


class SVDResult(NamedTuple):
    """Orthonormal U and Vh, and the singular values S, falling."""

    U: Any
    S: Any
    Vh: Any


def cholesky(a: Any, *, upper: bool = False, symmetrize_input: bool = True) -> Any:
    """The lower triangular L with L L^H = a, or its adjoint if `upper`, of positive definite
    Hermitian matrices [..., n, n]; nan where there is none. See `lax.linalg.cholesky`."""
    factor = linalg.cholesky(inexact("linalg.cholesky", a), symmetrize_input=symmetrize_input)
    return adjoint(factor) if upper else factor


def qr(a: Any, mode: str = "reduced") -> Any:
    """(Q, R) with Q R = a [..., m, n], orthonormal columns of Q and upper triangular R.

    `mode` is "reduced" (or "full") for Q [..., m, k] with k = min(m, n), "complete" for [..., m,
    m], "r" for R alone, or "raw" for LAPACK's form: reflectors, transposed, and their scales.
    Raises ValueError for another one.
    """
    a = inexact("linalg.qr", a)
    if mode not in ("reduced", "full", "complete", "r", "raw"):
        raise ValueError(
            errors.explain(
                "jnp.linalg.qr", f"mode={mode!r}", "it is 'reduced', 'complete', 'r' or 'raw'",
                "mode='reduced'",
            )
        )  # fmt: skip
    if mode == "raw":
        packed, taus = geqrf_p.bind(a)
        return QRResult(matrix_transpose(packed), taus)
    q, r = linalg.qr(a, full_matrices=mode == "complete")
    return r if mode == "r" else QRResult(q, r)


def svd(
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    hermitian: bool = False,
    subset_by_index: tuple[int, int] | None = None,
) -> Any:
    """(U, S, Vh) with U diag(S) Vh = a [..., m, n], or S alone unless `compute_uv`. See
    `lax.linalg.svd`. With `hermitian`, `a` is taken to be Hermitian, and eigenvalues are found."""
    a = inexact("linalg.svd", a)
    if hermitian:
        return _hermitian_svd(a, compute_uv)
    out = linalg.svd(
        a,
        full_matrices=full_matrices,
        compute_uv=compute_uv,
        subset_by_index=subset_by_index,
    )
    return SVDResult(*out) if compute_uv else out


def _hermitian_svd(a: Any, compute_uv: bool) -> Any:
    """The absolute values of eigenvalues; a negative one turns its right vector around."""
    v, w = linalg.eigh(a)
    size = absolute(w)
    if not compute_uv:
        return flip(sort(size, -1), -1)
    order = flip(argsort(size, -1), -1)
    u = take_along_axis(v, as_row(order), -1)
    signs = as_row(take_along_axis(sign(w), order, -1))
    return SVDResult(u, take_along_axis(size, order, -1), adjoint(u * signs))


def svdvals(x: Any, /) -> Any:
    """The singular values of matrices [..., m, n], falling."""
    return svd(x, compute_uv=False)


def eigh(a: Any, UPLO: str | None = None, symmetrize_input: bool = True) -> EighResult:
    """Eigenvalues, rising, and eigenvectors, as columns, of Hermitian matrices [..., n, n]. With
    `symmetrize_input` the mean of `a` and its adjoint is meant, else the triangle `UPLO`: "L" or
    "U". Raises ValueError for another one."""
    if UPLO not in (None, "L", "U"):
        raise ValueError(
            errors.explain(
                "jnp.linalg.eigh", f"UPLO={UPLO!r}", "the lower triangle is 'L', the upper one 'U'",
                "UPLO='L'",
            )
        )  # fmt: skip
    v, w = linalg.eigh(
        inexact("linalg.eigh", a), lower=UPLO != "U", symmetrize_input=symmetrize_input
    )
    return EighResult(w, v)


def eigvalsh(a: Any, UPLO: str | None = "L", *, symmetrize_input: bool = True) -> Any:
    """The eigenvalues of `eigh`."""
    return eigh(a, UPLO, symmetrize_input).eigenvalues


def eig(a: Any) -> EigResult:
    """Eigenvalues and eigenvectors, as columns, of square matrices [..., n, n]; all complex. The
    derivative of the vectors is `lax.linalg.eig`'s to give."""
    w, v = linalg.eig(inexact("linalg.eig", a), compute_left_eigenvectors=False)
    return EigResult(w, v)


def eigvals(a: Any) -> Any:
    """The eigenvalues of square matrices [..., n, n], complex."""
    (w,) = linalg.eig(
        inexact("linalg.eigvals", a),
        compute_left_eigenvectors=False,
        compute_right_eigenvectors=False,
    )
    return w
