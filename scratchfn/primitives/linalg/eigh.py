"""eigh: A = V diag(w) V^H of a Hermitian matrix, of which one triangle is read, with orthonormal
columns of V and real w in rising order.

With M = V^H dA V and F_ij = 1 / (w_j - w_i) off the diagonal, 0 on it,

    dw = Re diag M,   dV = V (F * M)

(Giles 2008, "Collected matrix derivative results", section 3.1; Magnus 1985, "On differentiating
eigenvalues and eigenvectors".) Equal eigenvalues have no such derivative: it is not finite there.

Read next: `primitives/linalg/eig.py`.
"""

from __future__ import annotations

from typing import Any

from scratchfn import errors
from scratchfn.backends.numpy.kernels import linalg as kernels
from scratchfn.backends.numpy.kernels.lapack import real_of
from scratchfn.core.avals import ShapedArray
from scratchfn.core.template import expression, kernel
from scratchfn.core.trace import Primitive
from scratchfn.primitives.arithmetic import add, div, mul, sub
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.linalg.algebra import (
    adjoint,
    as_column,
    as_row,
    batch_leading,
    eye_like,
    matmul,
    off_diagonal,
    real_diagonal,
    require_matrices,
    weak_if_all,
)
from scratchfn.primitives.linalg.svd import require_subset
from scratchfn.primitives.rules import scalar_like


def _aval(
    x: ShapedArray,
    *,
    lower: bool,
    sort_eigenvalues: bool,
    subset_by_index: tuple[int, int] | None,
    algorithm: Any,
) -> list[ShapedArray]:
    require_matrices("eigh", x, square=True)
    *batch, n = x.shape[:-1]
    start, stop = require_subset("eigh", x, subset_by_index, n)
    count = stop - start
    v = ShapedArray((*batch, n, count), x.dtype)
    return [v, ShapedArray((*batch, count), real_of(x.dtype))]


def _jvp(primals: Any, tangents: Any, *, subset_by_index: Any, **params: Any) -> Any:
    (x,), (dx,) = primals, tangents
    if subset_by_index not in (None, (0, x.shape[-1])):
        raise NotImplementedError(
            errors.explain(
                f"the derivative of eigh({x.aval})",
                f"subset_by_index={subset_by_index}",
                "the derivative of one eigenvector needs all others",
                "eigh without subset_by_index, and a slice of its results",
            )
        )
    # Both triangles of the tangent count, so for the second derivative both of x have to as well.
    mean = mul(add(x, adjoint(x)), scalar_like(x, 0.5))
    v, w = eigh_p.bind(mean, subset_by_index=None, **params)
    inner = matmul(matmul(adjoint(v), dx), v)
    wide = convert_element_type(w, v.dtype)
    gaps = add(sub(as_row(wide), as_column(wide)), eye_like(inner))
    f = off_diagonal(div(scalar_like(gaps, 1), gaps))
    return [v, w], [matmul(v, mul(f, inner)), real_diagonal(inner)]


kernel(kernels.eigh)

eigh_p = Primitive(
    "eigh",
    many=True,
    aval=weak_if_all(_aval),
    jvp=_jvp,
    **expression(
        "eigh({0}, lower={lower}, sort_eigenvalues={sort_eigenvalues}, "
        "subset_by_index={subset_by_index}, algorithm={algorithm})"
    ),
)
eigh_p.batch = batch_leading(eigh_p)
