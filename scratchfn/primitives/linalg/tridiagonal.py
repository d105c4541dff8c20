"""tridiagonal_solve: X with T X = B, where T has elements on three diagonals alone.

`d` is the diagonal; `dl[1:]` stands below it and `du[:-1]` above it, so that `dl[i]` and `du[i]`
are in row i, and `dl[0]` and `du[-1]` are outside of the matrix. Linear in B; and T dX = dB - dT X.

Read next: `primitives/linalg/cholesky.py`.
"""

from __future__ import annotations

from typing import Any

from scratchfn import errors
from scratchfn.backends.numpy.kernels import linalg as kernels
from scratchfn.core.avals import ShapedArray
from scratchfn.core.tangents import Zero, zero_tangent
from scratchfn.core.template import expression, kernel
from scratchfn.core.trace import Primitive
from scratchfn.primitives.arithmetic import add, mul, neg
from scratchfn.primitives.base import add_tangents, instantiate
from scratchfn.primitives.check import require_equal_dtypes
from scratchfn.primitives.linalg.algebra import (
    as_column,
    batch_leading,
    require_float,
    require_matrices,
    weak_if_all,
)
from scratchfn.primitives.rules import scalar_like
from scratchfn.primitives.structural import pad

NAME = "tridiagonal_solve"


def _aval(
    dl: ShapedArray, d: ShapedArray, du: ShapedArray, b: ShapedArray, *, perturb_singular: bool
) -> ShapedArray:
    require_equal_dtypes(NAME, [dl, d, du, b])
    require_float(NAME, dl, d, du)
    require_matrices(NAME, b)
    if not dl.shape == d.shape == du.shape == b.shape[:-1]:
        raise TypeError(
            errors.explain(
                f"{NAME}({dl}, {d}, {du}, {b})",
                "diagonals of other shapes than the columns of b",
                "the three diagonals are [..., n] and b is [..., n, k]",
                "jnp.pad for a diagonal of n - 1 elements: dl lacks the first, du the last",
            )
        )
    return ShapedArray(b.shape, b.dtype)


def _jvp(primals: Any, tangents: Any, **params: Any) -> Any:
    *diagonals, b = primals
    *d_diagonals, db = tangents
    x = tridiagonal_solve_p.bind(*diagonals, b, **params)
    dx: Any = zero_tangent(x)
    if type(db) is not Zero:
        dx = tridiagonal_solve_p.bind(*diagonals, db, **params)
    if not all(type(t) is Zero for t in d_diagonals):
        ddl, dd, ddu = map(instantiate, d_diagonals)
        moved = neg(_apply(ddl, dd, ddu, x))
        dx = add_tangents(dx, tridiagonal_solve_p.bind(*diagonals, moved, **params))
    return x, dx


def _apply(dl: Any, d: Any, du: Any, x: Any) -> Any:
    """T X."""
    below = mul(as_column(dl), _shifted(x, x.ndim - 2, 1))
    above = mul(as_column(du), _shifted(x, x.ndim - 2, -1))
    return add(mul(as_column(d), x), add(below, above))


def _shifted(x: Any, axis: int, by: int) -> Any:
    """Elements moved along an axis, towards its end if `by` is 1, with zeros coming in."""
    config = [(0, 0, 0)] * x.ndim
    config[axis] = (by, -by, 0)
    return pad(x, scalar_like(x, 0), config)


def _transpose(ct: Any, dl: Any, d: Any, du: Any, b: Any, **params: Any) -> Any:
    last = d.ndim - 1
    below, above = _shifted(du, last, 1), _shifted(dl, last, -1)  # T's transpose
    return [None, None, None, tridiagonal_solve_p.bind(below, d, above, ct, **params)]


kernel(kernels.tridiagonal_solve)

tridiagonal_solve_p = Primitive(
    NAME,
    aval=weak_if_all(_aval),
    jvp=_jvp,
    transpose=_transpose,
    **expression("tridiagonal_solve({0}, {1}, {2}, {3}, perturb_singular={perturb_singular})"),
)
tridiagonal_solve_p.batch = batch_leading(tridiagonal_solve_p)
