"""Systems of equations by factors that are kept: cho_factor and cho_solve, lu_factor and lu_solve,
solve_triangular, solve.

Arguments that tell SciPy what memory it may reuse, or not to look for nan, change nothing.

Read next: `scipy/linalg/factorizations.py`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from scratchfn import errors
from scratchfn.lax import linalg
from scratchfn.numpy import linalg as numpy_linalg
from scratchfn.numpy.creation import eye
from scratchfn.numpy.linalg.arguments import adjoint
from scratchfn.numpy.manipulation import broadcast_shapes, broadcast_to
from scratchfn.numpy.products import matmul
from scratchfn.numpy.promotion import inexact, operand, promote_dtypes_inexact
from scratchfn.primitives.base import expand_dims, squeeze
from scratchfn.primitives.linalg.algebra import columns, eye_like, rows, transposed, tril, triu
from scratchfn.primitives.linalg.lu import permute_rows, solve_factored
from scratchfn.transforms.custom_jvp import custom_jvp


def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The determinant of square matrices [..., n, n]: `jnp.linalg.det`."""
    return numpy_linalg.det(a)


def inv(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The inverse of square matrices [..., n, n]: `jnp.linalg.inv`."""
    return numpy_linalg.inv(a)


# -- shapes ---------------------------------------------------------------------------------------


def _by_columns(name: str, a: Any, b: Any, solve: Callable[[Any, Any], Any]) -> Any:
    """solve(a, b) for matrices a [..., n, n] and b [..., n, k], whose leading axes broadcast, or
    vectors b [n], or b [..., n] with a's leading axes, which JAX is to drop."""
    vectors = b.ndim == 1 or (b.ndim == a.ndim - 1 and b.shape == a.shape[:-1])
    if vectors and b.ndim > 1:
        warnings.warn(
            f"scipy.linalg.{name} of stacks of vectors is deprecated: write b[..., None]",
            FutureWarning, stacklevel=3,
        )  # fmt: skip
    fits = a.ndim >= 2 and b.ndim >= 1 and a.shape[-1] == a.shape[-2]
    if not fits or b.shape[-1 if vectors else -2] != a.shape[-1]:
        raise ValueError(
            errors.explain(
                f"scipy.linalg.{name}({a.aval}, {b.aval})", f"shapes {a.shape} and {b.shape}",
                "a is [..., n, n] and b is [..., n, k], or [n]", "solve(a, b.T)",
            )
        )  # fmt: skip
    if vectors:
        b = expand_dims(b, [b.ndim])
    outer = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    if a.ndim > 2:  # one matrix for all is not repeated: batching and folding take care of it
        a = broadcast_to(a, (*outer, *a.shape[-2:]))
    x = solve(a, broadcast_to(b, (*outer, *b.shape[-2:])))
    return squeeze(x, [x.ndim - 1]) if vectors else x


def _triangular(a: Any, b: Any, **params: bool) -> Any:
    """lax.linalg.triangular_solve from the left; one matrix may meet a stack of sides."""
    if a.ndim < b.ndim:
        a = broadcast_to(a, (*b.shape[:-2], *a.shape[-2:]))
    return linalg.triangular_solve(a, b, left_side=True, **params)


# -- triangular -----------------------------------------------------------------------------------


def solve_triangular(
    a: Any, b: Any, trans: int | str = 0, lower: bool = False, unit_diagonal: bool = False,
    overwrite_b: bool = False, debug: Any = None, check_finite: bool = True,
) -> Any:  # fmt: skip
    """x with op(a) x = b, for triangular matrices a [..., n, n] and b [..., n, k], or [n].

    Of `a` the upper triangle is read, or the `lower` one, without its diagonal, taken to be 1, if
    `unit_diagonal`. op is nothing for `trans` 0 or "N", the transpose for 1 or "T", the adjoint for
    2 or "C"; raises ValueError for another one. A singular `a` gives inf and nan.
    """
    if trans not in (0, 1, 2, "N", "T", "C"):
        raise ValueError(
            errors.explain(
                "scipy.linalg.solve_triangular", f"trans={trans!r}",
                "it is 0, 1 or 2, or 'N', 'T' or 'C'", "trans='T' for the transpose",
            )
        )  # fmt: skip
    a, b = promote_dtypes_inexact(a, b)
    params = {
        "lower": lower,
        "transpose_a": trans not in (0, "N"),
        "conjugate_a": trans in (2, "C"),
        "unit_diagonal": unit_diagonal,
    }
    return _by_columns("solve_triangular", a, b, lambda a, b: _triangular(a, b, **params))


# -- Cholesky -------------------------------------------------------------------------------------


def cholesky(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """The upper triangular U with U^H U = a, or the `lower` triangular L with L L^H = a, of
    positive definite Hermitian matrices [..., n, n], of which that triangle is read; nan where
    there is none."""
    a = inexact("scipy.linalg.cholesky", a)
    factor = linalg.cholesky(a if lower else adjoint(a), symmetrize_input=False)
    return factor if lower else adjoint(factor)


def cho_factor(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> tuple[Any, bool]:
    """(cholesky(a, lower), lower), for `cho_solve`."""
    return cholesky(a, lower), lower


def cho_solve(
    c_and_lower: tuple[Any, bool], b: Any, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """x with a x = b, from `cho_factor(a)`; b is [..., n, k], or [n]."""
    c, lower = c_and_lower
    c, b = promote_dtypes_inexact(c, b)

    def solve(c: Any, b: Any) -> Any:
        for adjoint_first in (not lower, lower):
            b = _triangular(c, b, lower=lower, transpose_a=adjoint_first, conjugate_a=adjoint_first)
        return b

    return _by_columns("cho_solve", c, b, solve)


# -- LU -------------------------------------------------------------------------------------------


def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Any, Any]:
    """(factors, pivots) of matrices [..., m, n], for `lu_solve`: the first two results of
    `lax.linalg.lu`."""
    factors, pivots, _ = linalg.lu(inexact("scipy.linalg.lu_factor", a))
    return factors, pivots


def lu_solve(
    lu_and_piv: tuple[Any, Any], b: Any, trans: int = 0, overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """x with op(a) x = b, from `lu_factor(a)`; b is [..., n, k], or [n]. op is nothing for `trans`
    0, the transpose for 1, the adjoint for 2; raises ValueError for another one."""
    if trans not in (0, 1, 2):
        raise ValueError(
            errors.explain(
                "scipy.linalg.lu_solve", f"trans={trans!r}", "it is 0, 1 or 2",
                "trans=1 for the transpose",
            )
        )  # fmt: skip
    factors, pivots = lu_and_piv
    factors, b = promote_dtypes_inexact(factors, b)
    order = linalg.lu_pivots_to_permutation(operand("lu_solve", pivots), factors.shape[-2])

    def solve(factors: Any, b: Any) -> Any:
        outer = b.shape[:-2]
        return solve_factored(
            broadcast_to(factors, (*outer, *factors.shape[-2:])),
            broadcast_to(order, (*outer, order.shape[-1])),
            b,
            transpose_a=trans > 0,
            conjugate_a=trans == 2,
        )

    return _by_columns("lu_solve", factors, b, solve)


def lu(
    a: Any, permute_l: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> tuple[Any, ...]:
    """(P, L, U), or (P L, U) if `permute_l`, whose product is the matrix `a` [m, n]: a permutation,
    a lower triangular matrix with ones on its diagonal, an upper triangular one. Raises ValueError
    for stacks of matrices."""
    a = inexact("scipy.linalg.lu", a)
    if a.ndim > 2:
        raise ValueError(
            errors.explain(
                f"scipy.linalg.lu of an array of type {a.aval}", f"{a.ndim} axes",
                "it takes one matrix", "vmap(scipy.linalg.lu), or lax.linalg.lu for stacks",
            )
        )  # fmt: skip
    factors, _, order = linalg.lu(a)
    m, n = a.shape
    k = min(m, n)
    lower = tril(columns(factors, 0, k), -1)
    lower, upper = lower + eye_like(lower), triu(rows(factors, 0, k))
    p = transposed(permute_rows(eye(m, dtype=abs(a).dtype), order))
    if permute_l:
        return matmul(p.astype(a.dtype), lower, precision="highest"), upper
    return p, lower, upper


# -- solve ----------------------------------------------------------------------------------------


def solve(
    a: Any, b: Any, lower: bool = False, overwrite_a: bool = False, overwrite_b: bool = False,
    debug: bool = False, check_finite: bool = True, assume_a: str = "gen",
) -> Any:  # fmt: skip
    """x with a x = b, for square matrices a [..., n, n] and b [..., n, k], or [n]: as
    `jnp.linalg.solve`, or by Cholesky factors, of the triangle `lower` or upper, if `assume_a` is
    "pos". Raises ValueError unless it is that, or "gen", "sym" or "her"."""
    if assume_a not in ("gen", "sym", "her", "pos"):
        raise ValueError(
            errors.explain(
                "scipy.linalg.solve", f"assume_a={assume_a!r}",
                "it is 'gen', 'sym', 'her' or 'pos'", "solve_triangular for a triangular matrix",
            )
        )  # fmt: skip
    if assume_a != "pos":
        return numpy_linalg.solve(a, b)
    a, b = promote_dtypes_inexact(a, b)
    if not (a.ndim >= 2 and a.shape[:-1] in (b.shape, b.shape[:-1])):
        raise ValueError(
            errors.explain(
                f"scipy.linalg.solve({a.aval}, {b.aval}, assume_a='pos')",
                f"shapes {a.shape} and {b.shape}",
                "a is [..., n, n], and b is [..., n, k] or [..., n], with equal leading axes",
                "jnp.broadcast_to(a, ...) for equal leading axes",
            )
        )
    if a.ndim != b.ndim:
        return squeeze(_solve_positive(a, expand_dims(b, [b.ndim]), bool(lower)), [b.ndim])
    return _solve_positive(a, b, bool(lower))


@partial(custom_jvp, nondiff_argnums=(2,))
def _solve_positive(a: Any, b: Any, lower: bool) -> Any:
    return cho_solve(cho_factor(a, lower), b)


@_solve_positive.defjvp
def _solve_positive_jvp(
    lower: bool, primals: tuple[Any, Any], tangents: tuple[Any, Any]
) -> tuple[Any, Any]:
    """As for any a: a dx = db - da x, with the same factors."""
    (a, b), (da, db) = primals, tangents
    factor = cho_factor(a, lower)
    x = cho_solve(factor, b)
    return x, cho_solve(factor, db - matmul(da, x, precision="highest"))
