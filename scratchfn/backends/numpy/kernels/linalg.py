"""Factorizations of matrices, which are the last two axes of an array, and solvers built on them.

Each is LAPACK's (Anderson et al., LAPACK Users' Guide, 3rd ed. 1999), as it is in XLA on a CPU, so
that signs and phases, which no equation fixes, agree as well. A factorization that fails is nan.
SciPy's LAPACK is quicker than NumPy's, but takes one matrix at a time, so that stacks of many small
ones go to NumPy where no sign is to be chosen.

Read next: `primitives/linalg/cholesky.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn.backends.numpy.kernels.lapack import (
    blas,
    complex_of,
    each_matrix,
    lapack,
    nan_where_it_fails,
    real_of,
)
from scratchfn.backends.numpy.kernels.many_matrices import (
    are_many,
    eliminate,
    substitute,
    swap_rows,
)

BLOCK = 64  # columns that LAPACK may take at a time: the memory for its block algorithms

# -- Cholesky -------------------------------------------------------------------------------------


def cholesky(x: np.ndarray) -> np.ndarray:
    """The lower triangular L with L L^H = x; only the lower triangle of x is read."""
    if are_many(x):
        return _cholesky_of_many(x)
    out = np.full_like(x, np.nan, order="C")
    if x.size:
        potrf = lapack("potrf", x.dtype)

        def factor(a: np.ndarray) -> Any:
            lower, info = potrf(a, lower=True)
            return () if info else (lower,)

        each_matrix(factor, [x], [out])
    return out


@nan_where_it_fails
def _cholesky_of_many(x: np.ndarray) -> np.ndarray:
    return np.linalg.cholesky(x)


def cholesky_update(r: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The upper triangular R' with R'^T R' = R^T R + w w^T. Row by row a rotation takes an element
    of w into R's diagonal (Golub & Van Loan, Matrix Computations, 4th ed. 2013, 6.5.4). What is
    below the diagonal is rotated too, and means nothing."""
    r = r.copy()
    for k, row in enumerate(r):
        length = np.hypot(row[k], w[k])
        c, s = row[k] / length, w[k] / length
        r[k], w = c * row + s * w, c * w - s * row
    return r


# -- LU -------------------------------------------------------------------------------------------


def lu(x: np.ndarray) -> list[np.ndarray]:
    """L and U in one matrix, the row swapped with each row in turn, and the rows' final order."""
    *batch, m, n = x.shape
    factors = np.empty_like(x, order="C")
    pivots = np.empty((*batch, min(m, n)), np.int32)
    if are_many(x):
        factors, pivots = eliminate(x)
    elif x.size:
        getrf = lapack("getrf", x.dtype)
        each_matrix(lambda a: getrf(a)[:2], [x], [factors, pivots])
    return [factors, pivots, lu_pivots_to_permutation(pivots, m)]


def lu_pivots_to_permutation(pivots: np.ndarray, permutation_size: int) -> np.ndarray:
    """The order of the rows after row i has been swapped with row `pivots[i]`, for each i in
    turn."""
    order = np.empty((*pivots.shape[:-1], permutation_size), pivots.dtype)
    if are_many(pivots[..., None, :]):
        return swap_rows(order, pivots)

    def swap(pivots: np.ndarray) -> tuple[list[int]]:
        places = list(range(permutation_size))
        for i, j in enumerate(pivots.tolist()):
            places[i], places[j] = places[j], places[i]
        return (places,)

    return each_matrix(swap, [pivots], [order], core=1)[0]


# -- triangular and tridiagonal systems -----------------------------------------------------------


def triangular_solve(a: np.ndarray, b: np.ndarray, **params: bool) -> np.ndarray:
    """X with op(A) X = B, or X op(A) = B; `params` are the primitive's."""
    if b.dtype.itemsize < 4:  # float16 and bfloat16
        wide = np.float32
        return triangular_solve(a.astype(wide), b.astype(wide), **params).astype(b.dtype)
    if not b.size:
        return b
    return (substitute if are_many(a) else _trsm)(a, b, **params)


def _trsm(
    a: np.ndarray, b: np.ndarray, *, left_side: bool, lower: bool, transpose_a: bool,
    conjugate_a: bool, unit_diagonal: bool,
) -> np.ndarray:  # fmt: skip
    """The same by BLAS. It stores matrices by columns, so that ours are the transposes of those
    that it sees: it solves the transposed equation, without a copy."""
    trsm = blas("trsm", b.dtype)
    if conjugate_a and not transpose_a:
        a = a.conj()
    op = 0 if not transpose_a else 2 if conjugate_a else 1
    sides = {"side": int(left_side), "lower": not lower, "trans_a": op, "diag": int(unit_diagonal)}
    out = np.empty_like(b, order="C")
    each_matrix(lambda a, b: (trsm(1, a.T, b.T, **sides).T,), [a, b], [out])
    return out


def tridiagonal_solve(
    dl: np.ndarray, d: np.ndarray, du: np.ndarray, b: np.ndarray, *, perturb_singular: bool = False
) -> np.ndarray:
    """X with T X = B, where T has `d` on its diagonal, `dl[1:]` below and `du[:-1]` above it."""
    out = np.full_like(b, np.nan, order="C")
    if d.shape[-1] == 1:
        return b / d[..., None]
    if not b.size:
        return out
    gtsv = lapack("gtsv", b.dtype)

    def solve(dl: Any, d: Any, du: Any, b: Any) -> Any:
        *_, x, info = gtsv(dl[1:], d, du[:-1], b)
        return (x if info == 0 else np.nan,)

    each_matrix(solve, [dl, d, du, b], [out], core=1)
    return out


# -- QR and Householder reflectors ----------------------------------------------------------------


def qr(x: np.ndarray, *, pivoting: bool, full_matrices: bool, use_magma: Any) -> list[np.ndarray]:
    """Q with orthonormal columns and upper triangular R with Q R = x, or the columns of x in the
    order of the third result."""
    packed, taus, *order = geqp3(x) if pivoting else geqrf(x)
    *batch, m, n = x.shape
    k = m if full_matrices else min(m, n)
    reflectors = np.zeros((*batch, m, k), x.dtype)
    reflectors[..., : min(n, k)] = packed[..., : min(n, k)]
    return [householder_product(reflectors, taus), np.triu(packed[..., :k, :]), *order]


def geqrf(x: np.ndarray) -> list[np.ndarray]:
    """R on and above the diagonal, the reflectors whose product Q is below it, and their scales."""
    if are_many(x):
        packed, taus = np.linalg.qr(x, "raw")
        return [np.ascontiguousarray(np.swapaxes(packed, -1, -2)), taus]
    *batch, m, n = x.shape
    outs = [np.empty_like(x, order="C"), np.empty((*batch, min(m, n)), x.dtype)]
    if not x.size:
        return outs
    routine = lapack("geqrf", x.dtype)
    return each_matrix(lambda a: routine(a, lwork=BLOCK * n)[:2], [x], outs)


def geqp3(x: np.ndarray) -> list[np.ndarray]:
    """The same, of the columns of x in the order of the third result."""
    *batch, m, n = x.shape
    order = np.empty((*batch, n), np.int32)
    outs = [np.empty_like(x, order="C"), np.empty((*batch, min(m, n)), x.dtype), order]
    order[...] = np.arange(n)
    if not x.size:
        return outs
    routine = lapack("geqp3", x.dtype)

    def factor(a: np.ndarray) -> Any:
        packed, places, taus, *_ = routine(a, lwork=BLOCK * (n + 1))
        return packed, taus, places - 1

    return each_matrix(factor, [x], outs)


def householder_product(a: np.ndarray, taus: np.ndarray) -> np.ndarray:
    """The first columns of H_1 H_2 ... H_k, of reflectors H_i = I - taus_i v_i v_i^H; v_i is 1 at i
    and has the elements below the diagonal of column i of `a` after that."""
    out = np.empty_like(a, order="C")
    if not a.size:
        return out
    if not taus.shape[-1]:
        out[...] = np.eye(*a.shape[-2:])
        return out
    orgqr = lapack("ungqr" if a.dtype.kind == "c" else "orgqr", a.dtype)
    lwork = BLOCK * a.shape[-1]
    each_matrix(lambda a, taus: orgqr(a, taus, lwork=lwork)[:1], [a, taus], [out])
    return out


def ormqr(
    a: np.ndarray, taus: np.ndarray, c: np.ndarray, *, left: bool, transpose: bool
) -> np.ndarray:
    """Q C, or C Q, or with Q's adjoint, for the whole Q of `householder_product`."""
    out = np.empty_like(c, order="C")
    k = taus.shape[-1]
    if not c.size or not k:
        out[...] = c
        return out
    is_complex = c.dtype.kind == "c"
    routine = lapack("unmqr" if is_complex else "ormqr", c.dtype)
    side, op = "L" if left else "R", ("C" if is_complex else "T") if transpose else "N"
    lwork = BLOCK * max(c.shape[-2:])
    each_matrix(
        lambda a, taus, c: routine(side, op, a[:, :k], taus, c, lwork)[:1], [a, taus, c], [out]
    )
    return out


# -- singular values ------------------------------------------------------------------------------


def svd(
    x: np.ndarray, *, full_matrices: bool, compute_uv: bool, subset_by_index: Any, algorithm: Any
) -> list[np.ndarray]:
    """The singular values, greatest first; then U and V^H, with U diag(s) V^H = x."""
    keep = slice(*subset_by_index) if subset_by_index else slice(None)
    if not compute_uv:
        values = _singular_values_of_many(x) if are_many(x) else _svd(x, False, False)[0]
        return [values[..., keep]]
    u, s, vh = _svd(x, full_matrices, True)
    if subset_by_index:
        u, vh = u[..., keep], vh[..., keep, :]
    return [s[..., keep], u, vh]


def _svd(x: np.ndarray, full_matrices: bool, compute_uv: bool) -> list[np.ndarray]:
    *batch, m, n = x.shape
    k = min(m, n)
    u, vh = (m, n) if full_matrices else (k, k)
    outs = [np.full((*batch, k), np.nan, real_of(x.dtype))]
    if compute_uv:
        sides = [np.full((*batch, *shape), np.nan, x.dtype) for shape in ((m, u), (vh, n))]
        outs = [sides[0], outs[0], sides[1]]
    if not x.size:
        if compute_uv:
            outs[0][...], outs[2][...] = np.eye(m, u), np.eye(vh, n)
        return outs
    options = {"compute_uv": compute_uv, "full_matrices": full_matrices}
    lwork = int(lapack("gesdd_lwork", x.dtype)(m, n, **options)[0].real)
    gesdd = lapack("gesdd", x.dtype)

    def factor(a: np.ndarray) -> Any:
        if not np.isfinite(a).all():
            return ()
        u, s, vh, info = gesdd(a, **options, lwork=lwork)
        return () if info else (u, s, vh) if compute_uv else (s,)

    return each_matrix(factor, [x], outs)


@nan_where_it_fails
def _singular_values_of_many(x: np.ndarray) -> np.ndarray:
    return np.linalg.svd(x, compute_uv=False)


# -- eigenvalues ----------------------------------------------------------------------------------


def eigh(
    x: np.ndarray, *, lower: bool, sort_eigenvalues: bool, subset_by_index: Any, algorithm: Any
) -> list[np.ndarray]:
    """Eigenvectors, as columns, and eigenvalues in rising order, of a Hermitian matrix of which one
    triangle is read."""
    keep = slice(*subset_by_index) if subset_by_index else slice(None)
    v = np.full_like(x, np.nan, order="C")
    w = np.full(x.shape[:-1], np.nan, real_of(x.dtype))
    if x.size:
        evd = lapack("heevd" if x.dtype.kind == "c" else "syevd", x.dtype)

        def factor(a: np.ndarray) -> Any:
            w, v, info = evd(a, lower=lower)
            return () if info or not np.isfinite(w).all() else (v, w)

        each_matrix(factor, [x], [v, w])
    return [v[..., keep], w[..., keep]]


def eig(
    x: np.ndarray, *, compute_left_eigenvectors: bool, compute_right_eigenvectors: bool, **_: Any
) -> list[np.ndarray]:
    """Eigenvalues, then left eigenvectors and right ones, as columns, if they are wanted; all are
    complex."""
    *batch, n = x.shape[:-1]
    dtype = complex_of(x.dtype)
    values = np.full((*batch, n), np.nan * (1 + 1j), dtype)
    wanted = compute_left_eigenvectors, compute_right_eigenvectors
    vectors = [np.full((*batch, n, n), np.nan * (1 + 1j), dtype) for want in wanted if want]
    outs = [values, *vectors]
    if not x.size:
        return outs
    geev, lwork = lapack("geev", x.dtype), BLOCK * n

    def factor(a: np.ndarray) -> Any:
        if not np.isfinite(a).all():
            return ()
        *w, left, right, info = geev(a, *wanted, lwork=lwork)
        if info:
            return ()
        if len(w) == 1:
            return w[0], *[v for v, want in zip((left, right), wanted) if want]
        pairs = [_from_pairs(w[1], v) for v, want in zip((left, right), wanted) if want]
        return w[0] + 1j * w[1], *pairs

    return each_matrix(factor, [x], outs)


def _from_pairs(imaginary: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Eigenvectors from LAPACK's real form: where an eigenvalue's imaginary part is positive, two
    columns hold the real and the imaginary part of its vector; the next one's is its conjugate."""
    out = v.astype(complex_of(v.dtype))
    first = np.flatnonzero(imaginary > 0)
    out.imag[:, first] = v[:, first + 1]
    out[:, first + 1] = out[:, first].conj()
    return out


# -- other reductions by unitary similarity -------------------------------------------------------


def schur(x: np.ndarray, *, compute_schur_vectors: bool, **_: Any) -> list[np.ndarray]:
    """The (quasi-)triangular T, then the unitary Z with Z T Z^H = x if it is wanted."""
    outs = [np.full_like(x, np.nan, order="C") for _ in range(1 + compute_schur_vectors)]
    if not x.size:
        return outs
    gees, lwork = lapack("gees", x.dtype), BLOCK * x.shape[-1]

    def factor(a: np.ndarray) -> Any:
        t, *_, z, _, info = gees(_no_choice, a, compute_schur_vectors, lwork=lwork)
        return () if info else (t, z)

    return each_matrix(factor, [x], outs)


def _no_choice(*_: Any) -> bool:
    """Which eigenvalues are put first: none."""
    return False


def hessenberg(a: np.ndarray) -> list[np.ndarray]:
    """The upper Hessenberg matrix similar to `a`, with the reflectors below its subdiagonal, and
    their taus."""
    *batch, n = a.shape[:-1]
    outs = [a.copy(), np.zeros((*batch, max(n - 1, 0)), a.dtype)]
    if n < 2 or not a.size:
        return outs
    gehrd = lapack("gehrd", a.dtype)
    return each_matrix(lambda a: gehrd(a, lwork=BLOCK * n)[:2], [a], outs)


def tridiagonal(a: np.ndarray, *, lower: bool) -> list[np.ndarray]:
    """The tridiagonal matrix similar to a Hermitian one of which one triangle is read: in place,
    with the reflectors beside it, then its diagonal, the diagonal next to it, and the taus."""
    *batch, n = a.shape[:-1]
    real = real_of(a.dtype)
    diagonals = [np.zeros((*batch, size), real) for size in (n, n - 1)]
    outs = [a.copy(), *diagonals, np.zeros((*batch, n - 1), a.dtype)]
    if n == 1:
        outs[1][...] = a[..., 0].real
    if n < 2 or not a.size:
        return outs
    trd = lapack("hetrd" if a.dtype.kind == "c" else "sytrd", a.dtype)
    return each_matrix(lambda a: trd(a, lower=lower, lwork=BLOCK * n)[:4], [a], outs)
