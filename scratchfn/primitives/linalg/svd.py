"""svd: A = U diag(s) V^H, with orthonormal columns of U and V and the singular values s, greatest
first.

With M = U^H dA V and F_ij = 1 / (s_j^2 - s_i^2), but 0 where that is 1 / 0,

    ds = Re diag M
    dU = U (F * (M S + S M^H) + i Im diag M / s) + (I - U U^H) dA V / s
    dV = V (F * (S M + M^H S)) + (I - V V^H) dA^H U / s

(Giles 2008, "Collected matrix derivative results", section 3.2; Wan & Zhang 2019, arXiv:1909.02659
for complex matrices, whose phases are taken to move with U alone.)

Read next: `primitives/linalg/eigh.py`.
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
from scratchfn.primitives.convert import convert_element_type, select
from scratchfn.primitives.linalg.algebra import (
    adjoint,
    as_column,
    as_row,
    batch_leading,
    matmul,
    on_diagonal,
    real_diagonal,
    require_matrices,
    weak_if_all,
)
from scratchfn.primitives.logic import eq
from scratchfn.primitives.rules import full_like, is_complex, scalar_like


def _aval(
    x: ShapedArray,
    *,
    full_matrices: bool,
    compute_uv: bool,
    subset_by_index: tuple[int, int] | None,
    algorithm: Any,
) -> list[ShapedArray]:
    require_matrices("svd", x)
    *batch, m, n = x.shape
    start, stop = require_subset("svd", x, subset_by_index, min(m, n))
    whole = stop - start == min(m, n)
    if full_matrices and subset_by_index is not None and not whole:
        raise ValueError(
            errors.explain(
                f"svd({x})",
                f"full_matrices=True and subset_by_index={subset_by_index}",
                "a part of the singular values has a part of the singular vectors",
                "full_matrices=False",
            )
        )
    s = ShapedArray((*batch, stop - start), real_of(x.dtype))
    if not compute_uv:
        return [s]
    u_columns, v_columns = (m, n) if full_matrices else (stop - start,) * 2
    u = ShapedArray((*batch, m, u_columns), x.dtype)
    return [s, u, ShapedArray((*batch, v_columns, n), x.dtype)]


def require_subset(
    name: str, x: ShapedArray, subset: tuple[int, int] | None, count: int
) -> tuple[int, int]:
    """The range of values that are wanted of `count`. Raises ValueError for one beyond them."""
    start, stop = (0, count) if subset is None else subset
    if 0 <= start <= stop <= count:
        return start, stop
    raise ValueError(
        errors.explain(
            f"{name}({x})",
            f"subset_by_index={subset}",
            f"there are {count} values, counted from 0, and the end is excluded",
            f"subset_by_index=(0, {count})",
        )
    )


def _jvp(
    primals: Any, tangents: Any, *, full_matrices: bool, compute_uv: bool,
    subset_by_index: Any, algorithm: Any,
) -> Any:  # fmt: skip
    (x,), (dx,) = primals, tangents
    m, n = x.shape[-2:]
    _refuse(x, full_matrices and compute_uv and m != n, subset_by_index)
    s, u, vh = svd_p.bind(
        x, full_matrices=False, compute_uv=True, subset_by_index=None, algorithm=algorithm
    )
    inner = matmul(matmul(adjoint(u), dx), adjoint(vh))
    ds = real_diagonal(inner)
    if not compute_uv:
        return [s], [ds]
    du, dv = _vectors(s, u, adjoint(vh), dx, inner)
    return [s, u, vh], [ds, du, adjoint(dv)]


def _vectors(s: Any, u: Any, v: Any, dx: Any, inner: Any) -> tuple[Any, Any]:
    """The tangents of U and V; `inner` is U^H dA V."""
    s = convert_element_type(s, u.dtype)
    down, across = as_column(s), as_row(s)
    f = _reciprocal(mul(sub(across, down), add(across, down)))
    scaled_right, scaled_left = mul(inner, across), mul(down, inner)
    du = mul(f, add(scaled_right, adjoint(scaled_right)))
    dv = mul(f, add(scaled_left, adjoint(scaled_left)))
    if is_complex(u):
        imaginary = mul(sub(inner, adjoint(inner)), scalar_like(inner, 0.5))
        du = add(du, mul(on_diagonal(imaginary), _reciprocal(across)))
    du, dv = matmul(u, du), matmul(v, dv)
    m, n = dx.shape[-2:]
    if m > n:
        du = add(du, div(_outside(u, matmul(dx, v)), across))
    if n > m:
        dv = add(dv, div(_outside(v, matmul(adjoint(dx), u)), across))
    return du, dv


def _outside(q: Any, x: Any) -> Any:
    """The part of x's columns that is orthogonal to those of q."""
    return sub(x, matmul(q, matmul(adjoint(q), x)))


def _reciprocal(x: Any) -> Any:
    """1 / x, but 0 where x is 0."""
    zero = eq(x, scalar_like(x, 0))
    inverse = div(scalar_like(x, 1), select(zero, full_like(x, 1), x))
    return select(zero, full_like(x, 0), inverse)


def _refuse(x: Any, complete: bool, subset: Any) -> None:
    """Raises NotImplementedError for what has no derivative."""
    if not complete and (subset is None or subset == (0, min(x.shape[-2:]))):
        return
    found = f"subset_by_index={subset}" if subset else "full_matrices=True"
    raise NotImplementedError(
        errors.explain(
            f"the derivative of svd({x.aval})",
            found,
            "the vectors that make U or V square may be any, and do not move smoothly; and the "
            "derivative of a vector needs all others",
            "full_matrices=False, without subset_by_index",
        )
    )


kernel(kernels.svd)

svd_p = Primitive(
    "svd",
    many=True,
    aval=weak_if_all(_aval),
    jvp=_jvp,
    **expression(
        "svd({0}, full_matrices={full_matrices}, compute_uv={compute_uv}, "
        "subset_by_index={subset_by_index}, algorithm={algorithm})"
    ),
)
svd_p.batch = batch_leading(svd_p)
