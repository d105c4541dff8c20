"""Determinants, from the factors of P A = L U: up to the sign of P, the product of U's diagonal.

    d log |det A| = tr(A^-1 dA),   d det A = tr(adj(A) dA),   adj(A) = det(A) A^-1

(Giles 2008, "Collected matrix derivative results", section 2.2.4.) The second one is finite where A
is singular: with U = diag(1, ..., 1, u) V, where u is the last element of U's diagonal and p the
product of the others, adj(A) = det(P) p V^-1 diag(u, ..., u, 1) L^-1 P.

Read next: `numpy/linalg/norms.py`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.numpy.comparison import equal, logical_or
from scratchfn.numpy.creation import diagonal, ones_like, zeros, zeros_like
from scratchfn.numpy.elementwise import real
from scratchfn.numpy.linalg.arguments import square
from scratchfn.numpy.products import trace
from scratchfn.numpy.ranges import arange
from scratchfn.numpy.scalars import inf
from scratchfn.numpy.searching import where
from scratchfn.numpy.totals import any as any_of
from scratchfn.numpy.totals import count_nonzero, prod, sum
from scratchfn.numpy.ufuncs import absolute, log, sign
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.linalg.algebra import as_column, as_row, on_diagonal
from scratchfn.primitives.linalg.lu import lu_p, permute_rows, solve
from scratchfn.primitives.linalg.qr import geqrf_p
from scratchfn.primitives.linalg.triangular import triangular_solve
from scratchfn.transforms.custom_jvp import custom_jvp


class SlogdetResult(NamedTuple):
    """A determinant as sign * exp(logabsdet)."""

    sign: Any
    logabsdet: Any


# -- det ------------------------------------------------------------------------------------------


def det(a: Any) -> Any:
    """The determinant of square matrices [..., n, n]. Raises ValueError for others."""
    a = square("linalg.det", a)
    if a.shape[-1] in (2, 3):
        return _by_cofactors(a)
    return _det(a)


def _by_cofactors(a: Any) -> Any:
    """The sum of signed products along the diagonals, for 2 or 3 rows."""
    n = a.shape[-1]
    x = [[a[..., i, j] for j in range(n)] for i in range(n)]
    if n == 2:
        return x[0][0] * x[1][1] - x[0][1] * x[1][0]
    falling = [x[0][i] * x[1][(i + 1) % 3] * x[2][(i + 2) % 3] for i in range(3)]
    rising = [x[2][i] * x[1][(i + 1) % 3] * x[0][(i + 2) % 3] for i in range(3)]
    return falling[0] + falling[1] + falling[2] - rising[0] - rising[1] - rising[2]


@custom_jvp
def _det(a: Any) -> Any:
    factors, pivots, _ = lu_p.bind(a)
    return prod(diagonal(factors, 0, -2, -1), -1) * _parity(pivots, a.dtype)


@_det.defjvp
def _det_jvp(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Any, Any]:
    (a,), (da,) = primals, tangents
    if a.shape[-1] == 0:
        return _det(a), zeros(a.shape[:-2], a.dtype)
    factors, pivots, order = lu_p.bind(a)
    d = diagonal(factors, 0, -2, -1)  # [..., n]
    last = arange(d.shape[-1]) == d.shape[-1] - 1
    p = prod(where(last, ones_like(d), d), -1) * _parity(pivots, a.dtype)
    # An element 0 before the last makes p, and so the result, 0; as 1 it does no harm in V.
    v_diagonal = where(logical_or(last, equal(d, 0)), ones_like(d), d)
    v = factors - on_diagonal(factors) + on_diagonal(_rows_of(v_diagonal, factors))
    y = triangular_solve(
        factors, permute_rows(da, order), left_side=True, lower=True, unit_diagonal=True
    )
    y = y * as_column(where(last, ones_like(d), d[..., -1:]))
    adjugate = triangular_solve(v, y, left_side=True)
    return p * d[..., -1], p * trace(adjugate, 0, -2, -1)


def _rows_of(x: Any, like: Any) -> Any:
    """Matrices all of whose rows are x [..., n]."""
    return as_row(x) + zeros_like(like)


def _parity(pivots: Any, dtype: Any) -> Any:
    """The sign of a permutation: -1 for an odd number of swaps."""
    swaps = count_nonzero(pivots != arange(pivots.shape[-1]), -1)
    return convert_element_type(1 - 2 * (swaps % 2), dtype)


# -- slogdet --------------------------------------------------------------------------------------


def slogdet(a: Any, *, method: str | None = None) -> SlogdetResult:
    """(sign, logabsdet) with det a = sign * exp(logabsdet), for square matrices [..., n, n]; they
    are 0 and -inf where `a` is singular. The sign of a complex matrix has absolute value 1.

    `method` is "lu", the default, or "qr", for real matrices alone. Raises ValueError for another
    one and for matrices that are not square.
    """
    a = square("linalg.slogdet", a)
    if method not in (None, "lu", "qr"):
        raise ValueError(
            errors.explain(
                "jnp.linalg.slogdet", f"method={method!r}", "it is 'lu' or 'qr'", "method='lu'"
            )
        )
    return SlogdetResult(*(_by_qr(a) if method == "qr" else _by_lu(a)))


@custom_jvp
def _by_lu(a: Any) -> tuple[Any, Any]:
    factors, pivots, _ = lu_p.bind(a)
    d = diagonal(factors, 0, -2, -1)
    singular = any_of(equal(d, 0), -1)
    if dtypes.kind(a.dtype) == "c":
        of_factors = prod(sign(d), -1) * _parity(pivots, a.dtype)
    else:  # counted, so that it is 1 or -1 even where nan takes the size
        of_factors = (1 - 2 * (count_nonzero(d < 0, -1) % 2)).astype(a.dtype)
        of_factors = of_factors * _parity(pivots, a.dtype)
    size = sum(log(absolute(d)), -1)
    return where(singular, zeros_like(of_factors), of_factors), where(singular, -inf, size)


@custom_jvp
def _by_qr(a: Any) -> tuple[Any, Any]:
    if dtypes.kind(a.dtype) == "c":
        raise NotImplementedError(
            errors.explain(
                f"jnp.linalg.slogdet of an array of type {a.aval}", "method='qr'",
                "the determinant of a complex Q is not 1 or -1", "method='lu'",
            )
        )  # fmt: skip
    packed, taus = geqrf_p.bind(a)
    d = diagonal(packed, 0, -2, -1)
    # Each reflector but the last, which is the identity, turns the sign around.
    turns = prod(where(taus[..., :-1] != 0, -1, 1), -1)
    return prod(sign(d), -1) * convert_element_type(turns, a.dtype), sum(log(absolute(d)), -1)


def _slogdet_jvp(
    f: Any, primals: tuple[Any], tangents: tuple[Any]
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    (a,), (da,) = primals, tangents
    of_a, size = f(a)
    slope = trace(solve(a, da), 0, -2, -1)
    if dtypes.kind(a.dtype) != "c":
        return (of_a, size), (zeros_like(of_a), slope)
    return (of_a, size), ((slope - real(slope)) * of_a, real(slope))


_by_lu.defjvp(lambda primals, tangents: _slogdet_jvp(_by_lu, primals, tangents))
_by_qr.defjvp(lambda primals, tangents: _slogdet_jvp(_by_qr, primals, tangents))
