"""Unitary similarities that make a matrix simpler: schur (triangular), hessenberg (one diagonal
below), tridiagonal (of a Hermitian matrix). The first steps of algorithms for eigenvalues; they
have no derivatives.

Read next: `primitives/linalg/updates.py`.
"""

from __future__ import annotations

from typing import Any

from scratchfn import errors
from scratchfn.backends.numpy.kernels import linalg as kernels
from scratchfn.backends.numpy.kernels.lapack import real_of
from scratchfn.core.avals import ShapedArray
from scratchfn.core.template import expression, kernel
from scratchfn.core.trace import Primitive
from scratchfn.primitives.linalg.algebra import batch_leading, require_matrices, weak_if_all


def _schur_aval(
    x: ShapedArray, *, compute_schur_vectors: bool, sort_eig_vals: bool, select_callable: Any
) -> list[ShapedArray]:
    require_matrices("schur", x, square=True)
    if sort_eig_vals:
        raise NotImplementedError(
            errors.explain(
                f"schur({x})",
                "sort_eig_vals=True",
                "LAPACK would call back for each eigenvalue, which a program cannot",
                "sort_eig_vals=False, and lax.linalg.eig for eigenvalues to be sorted",
            )
        )
    return [ShapedArray(x.shape, x.dtype)] * (1 + compute_schur_vectors)


def _hessenberg_aval(a: ShapedArray) -> list[ShapedArray]:
    require_matrices("hessenberg", a, square=True)
    taus = (*a.shape[:-2], max(a.shape[-1] - 1, 0))
    return [ShapedArray(a.shape, a.dtype), ShapedArray(taus, a.dtype)]


def _tridiagonal_aval(a: ShapedArray, *, lower: bool) -> list[ShapedArray]:
    require_matrices("tridiagonal", a, square=True)
    *batch, n = a.shape[:-1]
    if n == 0:
        raise ValueError(
            errors.explain(
                f"tridiagonal({a})",
                "matrices without elements",
                "a diagonal next to the main one has one element less than it",
                "a test of a.shape first",
            )
        )
    real, beside = real_of(a.dtype), (*batch, n - 1)
    return [
        ShapedArray(a.shape, a.dtype),
        ShapedArray((*batch, n), real),
        ShapedArray(beside, real),
        ShapedArray(beside, a.dtype),
    ]


for function in (kernels.schur, kernels.hessenberg, kernels.tridiagonal):
    kernel(function)

schur_p = Primitive(
    "schur",
    many=True,
    aval=weak_if_all(_schur_aval),
    **expression("schur({0}, compute_schur_vectors={compute_schur_vectors})"),
)
schur_p.batch = batch_leading(schur_p)

hessenberg_p = Primitive(
    "hessenberg", many=True, aval=weak_if_all(_hessenberg_aval), **expression("hessenberg({0})")
)
hessenberg_p.batch = batch_leading(hessenberg_p)

tridiagonal_p = Primitive(
    "tridiagonal",
    many=True,
    aval=weak_if_all(_tridiagonal_aval),
    **expression("tridiagonal({0}, lower={lower})"),
)
tridiagonal_p.batch = batch_leading(tridiagonal_p)
