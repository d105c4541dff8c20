"""cholesky: the lower triangular L with L L^H = A, of a Hermitian positive definite matrix.

    dL = L phi(L^-1 dA L^-H),   phi(X) = the lower triangle of X with half of its diagonal

(Murray 2016, "Differentiation of the Cholesky decomposition", arXiv:1602.07527, equation 8.)

Read next: `primitives/linalg/lu.py`.
"""

from __future__ import annotations

from typing import Any

from scratchfn.backends.numpy.kernels import linalg as kernels
from scratchfn.core.avals import ShapedArray
from scratchfn.core.template import expression, kernel
from scratchfn.core.trace import Primitive
from scratchfn.primitives.arithmetic import add, div
from scratchfn.primitives.linalg.algebra import (
    batch_leading,
    eye_like,
    matmul,
    require_matrices,
    tril,
    weak_if_all,
)
from scratchfn.primitives.linalg.triangular import triangular_solve
from scratchfn.primitives.rules import scalar_like


def _aval(x: ShapedArray) -> ShapedArray:
    require_matrices("cholesky", x, square=True)
    return ShapedArray(x.shape, x.dtype)


def _jvp(primals: Any, tangents: Any) -> Any:
    (x,), (dx,) = primals, tangents
    factor = tril(cholesky_p.bind(x))
    right = triangular_solve(factor, dx, lower=True, transpose_a=True, conjugate_a=True)
    both = triangular_solve(factor, right, left_side=True, lower=True)
    eye = eye_like(both)
    phi = div(tril(both), add(eye, scalar_like(eye, 1)))
    return factor, matmul(factor, phi)


kernel(kernels.cholesky)

cholesky_p = Primitive("cholesky", aval=weak_if_all(_aval), jvp=_jvp, **expression("cholesky({0})"))
cholesky_p.batch = batch_leading(cholesky_p)

cholesky = cholesky_p.bind
