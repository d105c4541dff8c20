"""Factorizations of matrices and the systems they solve, as JAX's `lax.linalg` has them.

A matrix is the last two axes of an array; leading axes count matrices. Nothing is promoted: dtypes
are float32, float64 and the complex types of them, and equal. A factorization that fails is nan.
`scratchfn.numpy.linalg` and `scratchfn.scipy.linalg` are made of these.

Read next: `numpy/linalg/__init__.py`.
"""

from __future__ import annotations

import enum
import warnings
from collections.abc import Callable
from typing import Any

from scratchfn.core.array import as_value
from scratchfn.lax.qdwh import qdwh as qdwh
from scratchfn.primitives.base import broadcast_in_dim, squeeze
from scratchfn.primitives.linalg import algebra
from scratchfn.primitives.linalg.cholesky import cholesky_p as cholesky_p
from scratchfn.primitives.linalg.eig import eig_p as eig_p
from scratchfn.primitives.linalg.eigh import eigh_p as eigh_p
from scratchfn.primitives.linalg.lu import lu_p as lu_p
from scratchfn.primitives.linalg.lu import lu_pivots_to_permutation_p as lu_pivots_to_permutation_p
from scratchfn.primitives.linalg.qr import qr_p as qr_p
from scratchfn.primitives.linalg.reductions import hessenberg_p as hessenberg_p
from scratchfn.primitives.linalg.reductions import schur_p as schur_p
from scratchfn.primitives.linalg.reductions import tridiagonal_p as tridiagonal_p
from scratchfn.primitives.linalg.svd import svd_p as svd_p
from scratchfn.primitives.linalg.triangular import triangular_solve_p as triangular_solve_p
from scratchfn.primitives.linalg.tridiagonal import tridiagonal_solve_p as tridiagonal_solve_p
from scratchfn.primitives.linalg.updates import cholesky_update_p as cholesky_update_p
from scratchfn.primitives.linalg.updates import householder_product_p as householder_product_p
from scratchfn.primitives.linalg.updates import ormqr_p as ormqr_p
from scratchfn.primitives.linalg.updates import symmetric_product_p as symmetric_product_p

__all__ = [
    "EigImplementation",
    "EighImplementation",
    "SvdAlgorithm",
    "cholesky",
    "cholesky_p",
    "cholesky_update",
    "cholesky_update_p",
    "eig",
    "eig_p",
    "eigh",
    "eigh_p",
    "hessenberg",
    "hessenberg_p",
    "householder_product",
    "householder_product_p",
    "lu",
    "lu_p",
    "lu_pivots_to_permutation",
    "lu_pivots_to_permutation_p",
    "ormqr",
    "ormqr_p",
    "qdwh",
    "qr",
    "qr_p",
    "schur",
    "schur_p",
    "svd",
    "svd_p",
    "symmetric_product",
    "symmetric_product_p",
    "triangular_solve",
    "triangular_solve_p",
    "tridiagonal",
    "tridiagonal_p",
    "tridiagonal_solve",
    "tridiagonal_solve_p",
]


class EigImplementation(enum.Enum):
    """Which library finds eigenvalues; a CPU has LAPACK alone."""

    CUSOLVER = "cusolver"
    MAGMA = "magma"
    LAPACK = "lapack"


class EighImplementation(enum.Enum):
    """Which algorithm finds the eigenvalues of a Hermitian matrix; a CPU has QR alone."""

    QR = "qr"
    JACOBI = "jacobi"
    QDWH = "qdwh"


class SvdAlgorithm(enum.Enum):
    """Which algorithm finds singular values; a CPU has QR and DIVIDE_AND_CONQUER, its default."""

    DEFAULT = "default"
    QR = "QR"
    JACOBI = "Jacobi"
    POLAR = "polar"
    DIVIDE_AND_CONQUER = "divide_and_conquer"


def symmetrize(x: Any) -> Any:
    """The mean of each matrix and its adjoint."""
    return (x + algebra.adjoint(x)) / 2


# -- factorizations -------------------------------------------------------------------------------


def cholesky(x: Any, *, symmetrize_input: bool = True) -> Any:
    """The lower triangular L with L L^H = x, of positive definite Hermitian matrices [..., n, n];
    nan where there is none.

    With `symmetrize_input` x is replaced by the mean of it and its adjoint, so that gradients are
    Hermitian; else only its lower triangle is read. Raises TypeError for an array of fewer than two
    axes, and for matrices that are not square; NotImplementedError for 16-bit floats.
    """
    x = as_value(x)
    if symmetrize_input:
        algebra.require_symmetric_shape("cholesky", x.aval)
        x = symmetrize(x)
    return algebra.tril(cholesky_p.bind(x))


def cholesky_update(r_matrix: Any, w_vector: Any) -> Any:
    """The upper triangular R' with R'^T R' = R^T R + w w^T, for R [n, n] and w [n]. Below the
    diagonal the result means nothing."""
    return cholesky_update_p.bind(as_value(r_matrix), as_value(w_vector))


def lu(x: Any) -> list[Any]:
    """[factors, pivots, permutation] of matrices [..., m, n], with k = min(m, n).

    `factors` [..., m, n] holds the upper triangular U and, below the diagonal, the lower triangular
    L, whose diagonal is 1; L U is `x` with its rows in the order `permutation` [..., m]. As
    `pivots` [..., k] have it, row i was swapped with row pivots[i].
    """
    return lu_p.bind(as_value(x))


def lu_pivots_to_permutation(pivots: Any, permutation_size: int) -> Any:
    """The order of rows [..., permutation_size] that swapping row i with row pivots[i], for each i
    in turn, ends in. Pivots are int32."""
    return lu_pivots_to_permutation_p.bind(as_value(pivots), permutation_size=int(permutation_size))


def qr(
    x: Any, *, pivoting: bool = False, full_matrices: bool = True, use_magma: bool | None = None
) -> tuple[Any, ...]:
    """(Q, R), with orthonormal columns of Q and upper triangular R, whose product is `x`
    [..., m, n]. Q is [..., m, m], or [..., m, min(m, n)] unless `full_matrices`. With `pivoting`
    the product is `x` with its columns in the order of a third result, chosen so that the diagonal
    of R falls in size."""
    return tuple(
        qr_p.bind(
            as_value(x),
            pivoting=bool(pivoting),
            full_matrices=bool(full_matrices),
            use_magma=use_magma,
        )
    )


def svd(
    x: Any,
    *,
    full_matrices: bool = True,
    compute_uv: bool = True,
    subset_by_index: tuple[int, int] | None = None,
    algorithm: SvdAlgorithm | None = None,
) -> Any:
    """(U, s, V^H), with U diag(s) V^H = x [..., m, n] and the singular values s falling; s alone
    unless `compute_uv`. U and V^H are square if `full_matrices`, else they have min(m, n) columns
    and rows. `subset_by_index=(i, j)` keeps the values i to j - 1.

    Differentiable unless `full_matrices` of a matrix that is not square or a subset is asked for.
    """
    outs = svd_p.bind(
        as_value(x),
        full_matrices=bool(full_matrices),
        compute_uv=bool(compute_uv),
        subset_by_index=None if subset_by_index is None else tuple(subset_by_index),
        algorithm=algorithm,
    )
    if not compute_uv:
        return outs[0]
    s, u, vh = outs
    return u, s, vh


def eigh(
    x: Any,
    *,
    lower: bool = True,
    symmetrize_input: bool = True,
    sort_eigenvalues: bool = True,
    subset_by_index: tuple[int, int] | None = None,
    implementation: EighImplementation | None = None,
) -> tuple[Any, Any]:
    """(V, w): eigenvectors of Hermitian matrices [..., n, n], as columns, and eigenvalues, real and
    rising. With `symmetrize_input` x is replaced by the mean of it and its adjoint; else only its
    `lower` or upper triangle is read. `subset_by_index=(i, j)` keeps the values i to j - 1."""
    x = as_value(x)
    if symmetrize_input:
        algebra.require_symmetric_shape("eigh", x.aval)
        x = symmetrize(x)
    v, w = eigh_p.bind(
        x,
        lower=bool(lower),
        sort_eigenvalues=bool(sort_eigenvalues),
        subset_by_index=None if subset_by_index is None else tuple(subset_by_index),
        algorithm=implementation,
    )
    return v, w


def eig(
    x: Any,
    *,
    compute_left_eigenvectors: bool = True,
    compute_right_eigenvectors: bool = True,
    enable_eigvec_derivs: bool = False,
    implementation: EigImplementation | None = None,
    use_magma: bool | None = None,
) -> list[Any]:
    """[w, left eigenvectors, right eigenvectors], all complex, of square matrices [..., n, n]: the
    vectors that are wanted, as columns of length 1 whose largest element is real.

    The derivative of w always exists; that of the vectors has to be asked for, since it is right
    only while the largest element of each stays the largest.
    """
    if use_magma is not None:
        write = "implementation=EigImplementation.MAGMA"
        warnings.warn(
            f"lax.linalg.eig(use_magma=...) is deprecated: {write}", DeprecationWarning, 2
        )
        implementation = EigImplementation.MAGMA if use_magma else implementation
    return eig_p.bind(
        as_value(x),
        compute_left_eigenvectors=bool(compute_left_eigenvectors),
        compute_right_eigenvectors=bool(compute_right_eigenvectors),
        enable_eigvec_derivs=bool(enable_eigvec_derivs),
        implementation=implementation,
    )


def schur(
    x: Any,
    *,
    compute_schur_vectors: bool = True,
    sort_eig_vals: bool = False,
    select_callable: Callable[..., Any] | None = None,
) -> list[Any]:
    """[T, Z], with unitary Z and Z T Z^H = x [..., n, n]; [T] unless `compute_schur_vectors`. T is
    upper triangular, but for blocks of two rows, for pairs of complex eigenvalues, where x is
    real."""
    return schur_p.bind(
        as_value(x),
        compute_schur_vectors=bool(compute_schur_vectors),
        sort_eig_vals=bool(sort_eig_vals),
        select_callable=select_callable,
    )


def hessenberg(a: Any) -> list[Any]:
    """[packed, taus]: on and above the diagonal below its main one, `packed` is the upper
    Hessenberg matrix H with Q H Q^H = a [..., n, n]; below it are the reflectors that Q is the
    product of, scaled by `taus` [..., n - 1]."""
    return hessenberg_p.bind(as_value(a))


def tridiagonal(a: Any, *, lower: bool = True) -> list[Any]:
    """[packed, d, e, taus]: the real diagonals d [..., n] and e [..., n - 1] of the symmetric
    tridiagonal T with Q T Q^H = a [..., n, n], of which the `lower` or upper triangle is read;
    `packed` holds the reflectors that Q is the product of, scaled by `taus`."""
    return tridiagonal_p.bind(as_value(a), lower=bool(lower))


# -- systems of equations -------------------------------------------------------------------------


def triangular_solve(
    a: Any,
    b: Any,
    *,
    left_side: bool = False,
    lower: bool = False,
    transpose_a: bool = False,
    conjugate_a: bool = False,
    unit_diagonal: bool = False,
) -> Any:
    """x with op(a) x = b if `left_side`, else x op(a) = b, for triangular matrices a [..., n, n].

    b is [..., n, k], or [..., k, n], or lacks the axis k. op transposes, conjugates, or both. Of a
    the `lower` or upper triangle is read, without its diagonal if that is taken to be 1. There is
    no test for a singular a, which gives inf and nan. Raises ValueError for shapes that do not fit.
    """
    a, b = as_value(a), as_value(b)
    vector = b.ndim == a.ndim - 1 and b.ndim > 0
    if vector:
        place = b.ndim if left_side else b.ndim - 1
        shape = (*b.shape[:place], 1, *b.shape[place:])
        b = broadcast_in_dim(b, shape, [i for i in range(b.ndim + 1) if i != place])
    x = triangular_solve_p.bind(
        a,
        b,
        left_side=bool(left_side),
        lower=bool(lower),
        transpose_a=bool(transpose_a),
        conjugate_a=bool(conjugate_a),
        unit_diagonal=bool(unit_diagonal),
    )
    return squeeze(x, (place,)) if vector else x


def tridiagonal_solve(dl: Any, d: Any, du: Any, b: Any, *, perturb_singular: bool = False) -> Any:
    """x with T x = b [..., n, k], where T has the diagonals `d` and, next to it, `dl[1:]` below and
    `du[:-1]` above, all three given as [..., n]; nan where T is singular. Raises TypeError for
    shapes that do not fit."""
    operands = map(as_value, (dl, d, du, b))
    return tridiagonal_solve_p.bind(*operands, perturb_singular=bool(perturb_singular))


# -- products -------------------------------------------------------------------------------------


def householder_product(a: Any, taus: Any) -> Any:
    """The first n columns of H_1 H_2 ... H_k, where H_i = I - taus_i v_i v_i^H, and v_i has zeros,
    a 1 at i, and then what column i of `a` [..., m, n] has below its diagonal."""
    return householder_product_p.bind(as_value(a), as_value(taus))


def ormqr(a: Any, taus: Any, c: Any, *, left: bool = True, transpose: bool = False) -> Any:
    """Q c, or c Q unless `left`, for the whole Q of `householder_product(a, taus)`, or its adjoint
    if `transpose`."""
    return ormqr_p.bind(
        as_value(a), as_value(taus), as_value(c), left=bool(left), transpose=bool(transpose)
    )


def symmetric_product(
    a_matrix: Any,
    c_matrix: Any,
    *,
    alpha: float = 1.0,
    beta: float = 0.0,
    symmetrize_output: bool = False,
) -> Any:
    """alpha A A^T + beta C, for A [..., m, n] and symmetric C [..., m, m]. With `symmetrize_output`
    the upper triangle is the lower one's image; JAX leaves it undefined otherwise."""
    a, c = as_value(a_matrix), as_value(c_matrix)
    out = symmetric_product_p.bind(a, c, alpha=float(alpha), beta=float(beta))
    if symmetrize_output:
        out = algebra.tril(out) + algebra.transposed(algebra.tril(out, -1))
    return out
