"""Cases of the factorizations and solvers of lax.linalg.

Matrices are far from singular, and eigenvalues and singular values far from each other, so that
rounding stays small. A LAPACK routine and its counterpart in XLA may sum in another order.
"""

from __future__ import annotations

import jax.numpy
import numpy as np

import scratchfn.numpy
from tests.primitives.case import Case, Maker, is_ours, normal


def shifted(*shape: int, dtype: str = "float32") -> Maker:
    """A random matrix with 1, 2, 3, ... added to its diagonal: fit to be inverted."""
    random = normal(*shape, dtype=dtype)
    offset = np.zeros(shape[-2:])
    np.fill_diagonal(offset, 2.0 * np.arange(1, min(shape[-2:]) + 1))
    return Maker(lambda rng: 0.5 * random.draw(rng) + offset, dtype)


def hermitian(*shape: int, dtype: str = "float32") -> Maker:
    """Hermitian matrices whose eigenvalues are about 2, 4, 6, ..."""
    base = shifted(*shape, dtype=dtype)

    def draw(rng: np.random.Generator) -> np.ndarray:
        x = base.draw(rng)
        return (x + np.conj(np.swapaxes(x, -1, -2))) / 2

    return Maker(draw, dtype)


CHOLESKY = [
    Case("cholesky", lambda lax, x: lax.linalg.cholesky(x), hermitian(3, 3), tol=2e-5),
    Case(
        "cholesky", lambda lax, x: lax.linalg.cholesky(x), hermitian(2, 3, 3, dtype="complex64"),
        tol=2e-5,
    ),
    Case(  # half of the tangent is ignored by the value but not by the rule, which is JAX's too
        "cholesky", lambda lax, x: lax.linalg.cholesky(x, symmetrize_input=False),
        hermitian(3, 3), order=1, smooth=False, tol=2e-5, id="as_it_is",
    ),
    Case("cholesky", lambda lax, x: lax.linalg.cholesky(x), hermitian(0, 0)),
    Case(
        "cholesky", lambda lax, x: lax.linalg.cholesky(-x), hermitian(3, 3), order=0,
        id="not_positive",
    ),
    Case(
        "cholesky_update", lambda lax, r, w: lax.linalg.cholesky_update(r, w),
        shifted(4, 4), normal(4), order=0, tol=4e-6,
    ),
]  # fmt: skip


def solve_case(a, b, **options):
    params = {k: options.pop(k) for k in list(options) if k not in ("tol", "order", "smooth")}
    label = "-".join([str(b.make(0).shape), *params])
    return Case(
        "triangular_solve",
        lambda lax, a, b: lax.linalg.triangular_solve(a, b, **params),
        a, b, tol=2e-5, id=f"{a.dtype}{label}", **options,
    )  # fmt: skip


TRIANGULAR = [
    solve_case(shifted(3, 3), normal(2, 3)),
    solve_case(shifted(3, 3), normal(3, 2), left_side=True),
    solve_case(shifted(3, 3), normal(3, 2), left_side=True, lower=True),
    solve_case(shifted(3, 3), normal(3, 2), left_side=True, transpose_a=True),
    solve_case(shifted(3, 3), normal(2, 3), lower=True, transpose_a=True, unit_diagonal=True),
    solve_case(shifted(3, 3), normal(3), left_side=True),
    solve_case(shifted(3, 3), normal(3), lower=True),
    solve_case(shifted(2, 3, 3), normal(2, 3, 2), left_side=True, lower=True),
    solve_case(shifted(0, 0), normal(0, 2), left_side=True),
    solve_case(
        shifted(3, 3, dtype="complex64"), normal(3, 2, dtype="complex64"),
        left_side=True, conjugate_a=True,
    ),
    solve_case(
        shifted(3, 3, dtype="complex64"), normal(2, 3, dtype="complex64"),
        lower=True, transpose_a=True, conjugate_a=True,
    ),
]  # fmt: skip

TRIDIAGONAL = [
    Case(
        "tridiagonal_solve",
        lambda lax, dl, d, du, b: lax.linalg.tridiagonal_solve(dl, 4 + d, du, b),
        normal(*outer, 4, dtype=dtype), normal(*outer, 4, dtype=dtype),
        normal(*outer, 4, dtype=dtype), normal(*outer, 4, 2, dtype=dtype), tol=2e-5,
    )
    for outer, dtype in (((), "float32"), ((2,), "complex64"))
]  # fmt: skip

LU = [
    *(
        Case("lu", lambda lax, x: lax.linalg.lu(x), shifted(*shape, dtype=dtype), tol=2e-5)
        for shape, dtype in [
            ((3, 3), "float32"), ((4, 3), "float32"), ((3, 4), "float32"),
            ((2, 3, 3), "complex64"), ((0, 0), "float32"), ((3, 0), "float32"),
        ]
    ),
    Case("lu", lambda lax, x: lax.linalg.lu(x), np.ones((3, 3), "f"), order=0, id="singular"),
    Case(
        "lu_pivots_to_permutation",
        lambda lax, p: lax.linalg.lu_pivots_to_permutation(p, 5),
        np.array([[2, 1, 4], [3, 3, 3]], np.int32),
    ),
]  # fmt: skip


def geqrf(lax, x):
    """LAPACK's form, which is for jnp.linalg.qr alone to ask for; transposed."""
    jnp = scratchfn.numpy if is_ours(lax) else jax.numpy
    return list(jnp.linalg.qr(x, "raw"))


def qr_case(x, **options):
    params = {k: options.pop(k) for k in list(options) if k in ("pivoting", "full_matrices")}
    return Case(
        "qr", lambda lax, x: list(lax.linalg.qr(x, **params)), x, tol=1e-4,
        id="-".join([str(x.dtype), *map(str, x.make(0).shape), *params]), **options,
    )  # fmt: skip


QR = [
    qr_case(shifted(3, 3)),
    qr_case(shifted(5, 3)),
    qr_case(shifted(5, 3), full_matrices=False),
    qr_case(shifted(3, 5), full_matrices=False),
    qr_case(shifted(5, 3), pivoting=True),
    qr_case(shifted(2, 4, 3, dtype="complex64"), full_matrices=False),
    qr_case(shifted(5, 3, dtype="complex64")),
    qr_case(shifted(3, 0), order=0),
    qr_case(shifted(0, 3, 3), order=0),
    Case(
        "geqrf", lambda lax, x: geqrf(lax, x), shifted(4, 3), order=0, tol=2e-5
    ),
    Case(
        "geqrf", lambda lax, x: geqrf(lax, x), shifted(2, 3, 4, dtype="complex64"), order=0,
        tol=2e-5,
    ),
]  # fmt: skip


def svd_case(x, **options):
    names = ("full_matrices", "compute_uv")
    params = {k: options.pop(k) for k in list(options) if k in names}
    return Case(
        "svd", lambda lax, x: lax.linalg.svd(x, **params), x, tol=2e-4,
        id="-".join([str(x.dtype), *map(str, x.make(0).shape), *params]), **options,
    )  # fmt: skip


SVD = [
    svd_case(shifted(3, 3)),
    svd_case(shifted(4, 3), order=0),
    svd_case(shifted(4, 3), full_matrices=False),
    svd_case(shifted(3, 4), full_matrices=False),
    svd_case(shifted(4, 3), compute_uv=False),
    # the phases of complex vectors are LAPACK's, and stand still in the rule
    svd_case(shifted(2, 3, 3, dtype="complex64"), full_matrices=False, smooth=False, order=1),
    svd_case(shifted(2, 4, 3, dtype="complex64"), compute_uv=False),
    Case(
        "svd", lambda lax, x: lax.linalg.svd(x, algorithm=lax.linalg.SvdAlgorithm.DEFAULT),
        shifted(3, 3), order=0, tol=2e-5, id="algorithm",
    ),
    svd_case(shifted(3, 0), order=0),
    svd_case(shifted(0, 3, 3), order=0),
]  # fmt: skip

EIG = [
    *(
        Case(
            "eigh", lambda lax, x: lax.linalg.eigh(x), hermitian(*shape), tol=2e-4
        )
        for shape in [(3, 3), (2, 3, 3)]
    ),
    Case(
        "eigh", lambda lax, x: lax.linalg.eigh(x), hermitian(3, 3, dtype="complex64"),
        order=1, smooth=False, tol=2e-4,  # as for svd
    ),
    Case(
        "eigh", lambda lax, x: lax.linalg.eigh(x, lower=False, symmetrize_input=False),
        hermitian(3, 3), order=1, smooth=False, tol=2e-4, id="upper",
    ),
    Case("eigh", lambda lax, x: lax.linalg.eigh(x), hermitian(0, 0), order=0),
    Case("eigh", lambda lax, x: lax.linalg.eigh(x + np.nan), hermitian(3, 3), order=0, id="nan"),
    *(
        Case(
            "eig", lambda lax, x: lax.linalg.eig(x, enable_eigvec_derivs=True),
            shifted(*shape, dtype=dtype), tol=2e-4,
        )
        for shape, dtype in [((3, 3), "float32"), ((2, 3, 3), "complex64")]
    ),
    Case(
        "eig",
        lambda lax, x: lax.linalg.eig(
            x, compute_left_eigenvectors=False, compute_right_eigenvectors=False
        ),
        shifted(3, 3), order=1, tol=2e-4, id="values_alone",
    ),
    Case(
        "eig",
        lambda lax, x: lax.linalg.eig(x, enable_eigvec_derivs=True),
        np.array([[0, -2, 0.1], [2, 0, 0.3], [0.2, 0.5, 3]], "f"), tol=2e-4, id="a_complex_pair",
    ),
    Case("eig", lambda lax, x: lax.linalg.eig(x), shifted(0, 0), order=0),
]  # fmt: skip

REDUCTIONS = [
    *(
        Case(name, fun, make(*shape, dtype=dtype), order=0, tol=2e-5)
        for name, fun, make in [
            ("schur", lambda lax, x: lax.linalg.schur(x), shifted),
            ("hessenberg", lambda lax, x: lax.linalg.hessenberg(x), shifted),
            ("tridiagonal", lambda lax, x: lax.linalg.tridiagonal(x), hermitian),
        ]
        for shape, dtype in [((4, 4), "float32"), ((2, 3, 3), "complex64"), ((1, 1), "float32")]
    ),
    Case(
        "tridiagonal", lambda lax, x: lax.linalg.tridiagonal(x, lower=False), hermitian(4, 4),
        order=0, tol=2e-5, id="upper",
    ),
    Case(
        "schur", lambda lax, x: lax.linalg.schur(x, compute_schur_vectors=False), shifted(3, 3),
        order=0, tol=2e-5, id="values_alone",
    ),
]  # fmt: skip

UPDATES = [
    *(
        Case(
            "householder_product",
            lambda lax, a, taus: lax.linalg.householder_product(a, taus),
            normal(*outer, 4, 3, dtype=dtype), normal(*outer, 3, dtype=dtype), order=0, tol=2e-5,
        )
        for outer, dtype in [((), "float32"), ((2,), "complex64")]
    ),
    *(
        Case(
            "ormqr",
            lambda lax, a, taus, c, params=params: lax.linalg.ormqr(a, taus, c, **params),
            normal(4, 3, dtype=dtype), normal(3, dtype=dtype), normal(4, 4, dtype=dtype),
            order=0, tol=2e-5,
        )
        for params, dtype in [
            ({}, "float32"), ({"left": False}, "float32"), ({"transpose": True}, "float32"),
            ({"left": False, "transpose": True}, "complex64"),
        ]
    ),
    Case(
        "symmetric_product",
        lambda lax, a, c: lax.linalg.symmetric_product(
            a, c, alpha=2.0, beta=0.5, symmetrize_output=True
        ),
        normal(2, 3, 4), np.array([[[2, 1, 0], [1, 3, 4], [0, 4, 5]]] * 2, "f"), order=0,
    ),
]  # fmt: skip

CASES = [
    *CHOLESKY, *TRIANGULAR, *TRIDIAGONAL, *LU, *QR, *SVD, *EIG, *REDUCTIONS, *UPDATES
]  # fmt: skip
