"""qr: A = Q R, with orthonormal columns of Q and upper triangular R, as Householder reflectors give
it; with `pivoting`, of A's columns in the order of the third result.

With dA R^-1 = C and M = Q^H C, the equations dA = dQ R + Q dR and dQ^H Q + Q^H dQ = 0 give

    dR = (M - S) R,   dQ = C - Q (M - S),   S = L - L^H + i Im diag M

where L is M below its diagonal; S is skew-Hermitian and leaves R's diagonal real (Walter & Lehmann
2018, "Algorithmic differentiation of linear algebra functions", section 2). Two cases reduce to it:

- A wide: the first columns have the Q of all (Roberts & Roberts 2020, arXiv:2009.10071).
- All of Q wanted for A tall: its other columns follow from the first. As a product of reflectors
  Q = I - Y T Y^H; with I's columns E1, E2 and N = Q1 - E1, of which N1 are the upper rows and N2
  the lower ones, Q2 = E2 + N (N1^H)^-1 N2^H.

Read next: `primitives/linalg/svd.py`.
"""

from __future__ import annotations

from typing import Any

from scratchfn.backends.numpy.kernels import linalg as kernels
from scratchfn.core import dtypes
from scratchfn.core.avals import ShapedArray
from scratchfn.core.tangents import zero_tangent
from scratchfn.core.template import expression, kernel
from scratchfn.core.trace import Primitive
from scratchfn.primitives.arithmetic import add, sub
from scratchfn.primitives.convert import convert_element_type, real
from scratchfn.primitives.joining import concatenate
from scratchfn.primitives.linalg.algebra import (
    adjoint,
    batch_leading,
    columns,
    eye_like,
    matmul,
    on_diagonal,
    require_matrices,
    rows,
    transposed,
    tril,
    weak_if_all,
)
from scratchfn.primitives.linalg.lu import permute_rows, solve
from scratchfn.primitives.linalg.triangular import triangular_solve
from scratchfn.primitives.rules import is_complex, scalar_like
from scratchfn.primitives.structural import pad


def _aval(
    x: ShapedArray, *, pivoting: bool, full_matrices: bool, use_magma: Any
) -> list[ShapedArray]:
    require_matrices("qr", x)
    *batch, m, n = x.shape
    k = m if full_matrices else min(m, n)
    q, r = ShapedArray((*batch, m, k), x.dtype), ShapedArray((*batch, k, n), x.dtype)
    return [q, r, ShapedArray((*batch, n), dtypes.int32)] if pivoting else [q, r]


def _jvp(primals: Any, tangents: Any, **params: Any) -> Any:
    (x,), (dx,) = primals, tangents
    outs = qr_p.bind(x, **params)
    q, r, *order = outs
    if order:
        x, dx = (transposed(permute_rows(transposed(y), order[0])) for y in (x, dx))
    m, n = x.shape[-2:]
    if m < n:
        dq, dr = _wide(q, r, x, dx)
    elif params["full_matrices"] and m > n:
        dq, dr = _complete(q, r, dx)
    else:
        dq, dr = _reduced(q, r, dx)
    return outs, [dq, dr, *map(zero_tangent, order)]


def _reduced(q: Any, r: Any, dx: Any) -> tuple[Any, Any]:
    c = triangular_solve(r, dx)
    m = matmul(adjoint(q), c)
    below = tril(m, -1)
    skew = sub(below, adjoint(below))
    if is_complex(m):
        skew = add(skew, on_diagonal(sub(m, convert_element_type(real(m), m.dtype))))
    rest = sub(m, skew)
    return sub(c, matmul(q, rest)), matmul(rest, r)


def _wide(q: Any, r: Any, x: Any, dx: Any) -> tuple[Any, Any]:
    m, n = x.shape[-2:]
    dq, dr = _reduced(q, columns(r, 0, m), columns(dx, 0, m))
    others = add(matmul(adjoint(dq), columns(x, m, n)), matmul(adjoint(q), columns(dx, m, n)))
    return dq, concatenate([dr, others], x.ndim - 1)


def _complete(q: Any, r: Any, dx: Any) -> tuple[Any, Any]:
    m, n = dx.shape[-2:]
    q1 = columns(q, 0, n)
    dq1, dr = _reduced(q1, rows(r, 0, n), dx)
    y = sub(q1, columns(eye_like(q), 0, n))
    top, bottom = rows(y, 0, n), rows(y, n, m)
    d_top, d_bottom = rows(dq1, 0, n), rows(dq1, n, m)
    w = solve(adjoint(top), adjoint(bottom))
    dw = solve(adjoint(top), sub(adjoint(d_bottom), matmul(adjoint(d_top), w)))
    dq2 = add(matmul(dq1, w), matmul(y, dw))
    new_rows = [(0, 0, 0)] * (dr.ndim - 2) + [(0, m - n, 0), (0, 0, 0)]
    dr = pad(dr, scalar_like(dr, 0), new_rows)
    return concatenate([dq1, dq2], dx.ndim - 1), dr


kernel(kernels.qr)

qr_p = Primitive(
    "qr",
    many=True,
    aval=weak_if_all(_aval),
    jvp=_jvp,
    **expression(
        "qr({0}, pivoting={pivoting}, full_matrices={full_matrices}, use_magma={use_magma})"
    ),
)
qr_p.batch = batch_leading(qr_p)


def qr(x: Any, *, full_matrices: bool = True) -> list[Any]:
    """[Q, R] of each matrix."""
    return qr_p.bind(x, pivoting=False, full_matrices=full_matrices, use_magma=None)


# -- geqrf: the same as LAPACK leaves it ----------------------------------------------------------


def _geqrf_aval(x: ShapedArray) -> list[ShapedArray]:
    require_matrices("geqrf", x)
    taus = (*x.shape[:-2], min(x.shape[-2:]))
    return [ShapedArray(x.shape, x.dtype), ShapedArray(taus, x.dtype)]


kernel(kernels.geqrf)

geqrf_p = Primitive("geqrf", many=True, aval=weak_if_all(_geqrf_aval), **expression("geqrf({0})"))
geqrf_p.batch = batch_leading(geqrf_p)
