"""Factorizations under SciPy's names and signatures: qr, svd, eigh, schur, hessenberg.

Arguments that tell SciPy what memory it may reuse, which LAPACK routine to call, or not to look for
nan, change nothing.

Read next: `scipy/linalg/matrix_functions.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.lax import linalg
from scratchfn.numpy import linalg as numpy_linalg
from scratchfn.numpy.creation import eye, zeros_like
from scratchfn.numpy.manipulation import broadcast_to
from scratchfn.numpy.products import matmul
from scratchfn.numpy.promotion import inexact, operand, promote_dtypes, promote_dtypes_inexact
from scratchfn.primitives.base import expand_dims, squeeze
from scratchfn.primitives.convert import conj
from scratchfn.primitives.linalg.algebra import columns, rows, triu

# -- QR -------------------------------------------------------------------------------------------


def qr(
    a: Any, overwrite_a: bool = False, lwork: Any = None, mode: str = "full",
    pivoting: bool = False, check_finite: bool = True,
) -> tuple[Any, ...]:  # fmt: skip
    """(Q, R) with Q R = a [..., m, n], orthonormal columns of Q and upper triangular R.

    `mode` is "full" for Q [..., m, m], "economic" for [..., m, min(m, n)], or "r" for (R,) alone.
    With `pivoting` Q R has the columns of `a` in the order of one more result, chosen so that the
    diagonal of R falls. Raises ValueError for another mode.
    """
    if mode not in ("full", "economic", "r"):
        raise ValueError(
            errors.explain(
                "scipy.linalg.qr", f"mode={mode!r}", "it is 'full', 'economic' or 'r'",
                "mode='economic'",
            )
        )  # fmt: skip
    a = inexact("scipy.linalg.qr", a)
    q, *rest = linalg.qr(a, pivoting=pivoting, full_matrices=mode != "economic")
    return tuple(rest) if mode == "r" else (q, *rest)


def qr_multiply(
    a: Any, c: Any, mode: str = "right", pivoting: bool = False, conjugate: bool = False,
    overwrite_a: bool = False, overwrite_c: bool = False,
) -> tuple[Any, ...]:  # fmt: skip
    """(c Q, R), or (Q c, R) if `mode` is "left", for the Q and R, and the order of columns as a
    third result, of `qr(a, mode="economic", pivoting=pivoting)`. c may be a vector; with
    `conjugate` Q is conjugated. Raises ValueError for another mode, and for unfit shapes."""
    if mode not in ("left", "right"):
        raise ValueError(
            errors.explain(
                "scipy.linalg.qr_multiply", f"mode={mode!r}", "it is 'left' or 'right'",
                "mode='right' for c Q",
            )
        )  # fmt: skip
    a, c = promote_dtypes_inexact(a, c)
    q, *rest = linalg.qr(a, pivoting=pivoting, full_matrices=False)
    q = conj(q) if conjugate else q
    left, vector = mode == "left", c.ndim == 1
    if vector:
        c = expand_dims(c, [1 if left else 0])
    if c.shape[-2 if left else -1] != q.shape[-1 if left else -2]:
        raise ValueError(
            errors.explain(
                f"scipy.linalg.qr_multiply({a.aval}, {c.aval}, mode={mode!r})",
                f"{c.shape[-2 if left else -1]} {'rows' if left else 'columns'} of c",
                f"Q has {q.shape[-2]} rows and {q.shape[-1]} columns",
                "c.T, or the other mode",
            )
        )
    product = matmul(q, c, precision="highest") if left else matmul(c, q, precision="highest")
    if vector:
        product = squeeze(product, [product.ndim - 1 if left else product.ndim - 2])
    return product, *rest


# -- singular values and eigenvalues --------------------------------------------------------------


def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, overwrite_a: bool = False,
    check_finite: bool = True, lapack_driver: str = "gesdd",
) -> Any:  # fmt: skip
    """(U, s, V^H) with U diag(s) V^H = a [..., m, n], or s alone: `jnp.linalg.svd`, as a tuple."""
    out = numpy_linalg.svd(a, full_matrices, compute_uv)
    return tuple(out) if compute_uv else out


def eigh(
    a: Any, b: None = None, lower: bool = True, eigvals_only: bool = False,
    overwrite_a: bool = False, overwrite_b: bool = False, turbo: bool = True, eigvals: None = None,
    type: int = 1, check_finite: bool = True,
) -> Any:  # fmt: skip
    """(w, V): eigenvalues, rising, and eigenvectors, as columns, of Hermitian matrices [..., n, n],
    or w alone. Raises NotImplementedError for `b`, `eigvals` and `type` other than 1, as JAX."""
    for name, given in (
        ("b", b is not None),
        ("eigvals", eigvals is not None),
        ("type", type != 1),
    ):
        if given:
            raise NotImplementedError(
                errors.explain(
                    "scipy.linalg.eigh", f"the argument {name}",
                    "the problem a v = w v is solved, for all eigenvalues",
                    "eigh(a), and a slice of its results; eigh(inv(l) a inv(l)^H) with "
                    "l = cholesky(b)",
                )
            )  # fmt: skip
    v, w = linalg.eigh(inexact("scipy.linalg.eigh", a), lower=lower)
    return w if eigvals_only else (w, v)


def eigh_tridiagonal(
    d: Any, e: Any, *, eigvals_only: bool = False, select: str = "a",
    select_range: tuple[float, float] | None = None, tol: float | None = None, key: Any = None,
) -> Any:  # fmt: skip
    """(w, V): eigenvalues, rising, and eigenvectors, as columns, of the Hermitian tridiagonal
    matrix with the diagonal `d` [n], `e` [n - 1] above it and its conjugate below; or w alone.

    `select="i"` keeps those numbered `select_range[0]` to `select_range[1]`, both included. All are
    computed, from the full matrix; `tol` and `key`, of JAX's way to do it, change nothing. Raises
    NotImplementedError for `select="v"`, ValueError for another one.
    """
    if select not in ("a", "i"):
        error = NotImplementedError if select == "v" else ValueError
        raise error(
            errors.explain(
                "scipy.linalg.eigh_tridiagonal",
                f"select={select!r}",
                "eigenvalues are kept by number: how many there are must not depend on values",
                "select='a', and a mask of w",
            )
        )
    d, e = promote_dtypes(operand("eigh_tridiagonal", d), operand("eigh_tridiagonal", e, 1))
    if dtypes.kind(d.dtype) not in "fc" or dtypes.itemsize_bits(d.dtype) < 32:
        raise TypeError(
            errors.explain(
                f"scipy.linalg.eigh_tridiagonal({d.aval}, {e.aval})",
                f"elements of type {d.dtype.name}",
                "it takes floats of 32 and 64 bits",
                "eigh_tridiagonal(d.astype(jnp.float32), e)",
            )
        )
    n = d.shape[-1] if d.ndim else 0
    if d.ndim != 1 or e.shape != (max(n - 1, 0),):
        raise ValueError(
            errors.explain(
                f"scipy.linalg.eigh_tridiagonal({d.aval}, {e.aval})",
                f"shapes {d.shape} and {e.shape}",
                "the diagonal has n elements, and the one next to it n - 1",
                "eigh_tridiagonal(d, e[:-1])",
            )
        )
    i = np.arange(n)
    t = zeros_like(d, shape=(n, n)).at[i, i].set(d)
    t = t.at[i[:-1], i[1:]].set(e).at[i[1:], i[:-1]].set(conj(e))
    v, w = linalg.eigh(t, symmetrize_input=False)
    if select == "i":
        first, last = (0, n - 1) if select_range is None else select_range
        w, v = w[int(first) : int(last) + 1], v[:, int(first) : int(last) + 1]
    return w if eigvals_only else (w, v)


# -- Schur and Hessenberg -------------------------------------------------------------------------


def schur(a: Any, output: str = "real") -> list[Any]:
    """[T, Z] with unitary Z and Z T Z^H = a [..., n, n]. T is upper triangular, but for blocks of
    two rows for pairs of complex eigenvalues of a real matrix, unless `output` is "complex". Raises
    ValueError for another one than that and "real", TypeError for integers."""
    if output not in ("real", "complex"):
        raise ValueError(
            errors.explain(
                "scipy.linalg.schur", f"output={output!r}", "it is 'real' or 'complex'",
                "output='complex' for a triangular T",
            )
        )  # fmt: skip
    a = operand("scipy.linalg.schur", a)
    if output == "complex" and dtypes.kind(a.dtype) == "f":
        a = a.astype(dtypes.to_complex_dtype(a.dtype))
    return linalg.schur(a)


def hessenberg(
    a: Any, *, calc_q: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """H with zeros below the diagonal next to its main one, or (H, Q) if `calc_q`, with unitary Q
    and Q H Q^H = a [..., n, n]. Raises TypeError for integers."""
    packed, taus = linalg.hessenberg(a)
    h = triu(packed, -1)
    if not calc_q:
        return h
    n = packed.shape[-1]
    q = broadcast_to(eye(n, dtype=packed.dtype), packed.shape)
    if n < 2:
        return h, q
    # The reflectors leave the first row and column alone.
    inner = linalg.householder_product(columns(rows(packed, 1, n), 0, n - 1), taus)
    return h, q.at[..., 1:, 1:].set(inner)
