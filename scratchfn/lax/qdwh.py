"""qdwh: the polar decomposition A = U H, with orthonormal columns of U and positive semidefinite H,
by dynamically weighted Halley iterations on QR and Cholesky factorizations:

    X_0 = A / alpha,   X_(k+1) = X_k (a I + b X_k^H X_k) (I + c X_k^H X_k)^-1

The weights a, b, c are the best ones for singular values between l and 1; l, a lower bound of
them, grows to 1 as X converges (Nakatsukasa, Bai & Gygi 2010, "Optimizing Halley's iteration for
computing the matrix polar decomposition").

Read next: `scipy/linalg/polar_factors.py`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.array import as_value
from scratchfn.primitives.arithmetic import abs_
from scratchfn.primitives.base import reduce_sum
from scratchfn.primitives.convert import convert_element_type, real
from scratchfn.primitives.joining import concatenate
from scratchfn.primitives.linalg.algebra import adjoint, eye_like, matmul, require_matrices, rows
from scratchfn.primitives.linalg.cholesky import cholesky_p
from scratchfn.primitives.linalg.qr import qr
from scratchfn.primitives.linalg.triangular import triangular_solve
from scratchfn.primitives.math import cbrt_p, sqrt_p
from scratchfn.primitives.reduction import reduce_max
from scratchfn.primitives.rules import is_complex, strong_scalar
from scratchfn.transforms.control.cond import cond
from scratchfn.transforms.control.while_loop import while_loop
from scratchfn.transforms.jit_api import jit


def qdwh(
    x: Any,
    *,
    is_hermitian: bool = False,
    max_iterations: int | None = None,
    eps: float | None = None,
    dynamic_shape: tuple[int, int] | None = None,
) -> tuple[Any, Any, Any, Any]:
    """(U, H, iterations, converged) with U H = x [m, n], m >= n, orthonormal columns of U and
    Hermitian positive semidefinite H. U is Hermitian too if x is, as `is_hermitian` says.

    It stops when singular values are within `eps`, by default that of the type, of 1, or after
    `max_iterations`, by default 10. Raises ValueError if m < n, NotImplementedError for a
    `dynamic_shape`.
    """
    x = as_value(x)
    require_matrices("qdwh", x.aval)
    if x.ndim != 2 or x.shape[0] < x.shape[1] or (is_hermitian and x.shape[0] != x.shape[1]):
        raise ValueError(
            errors.explain(
                f"lax.linalg.qdwh of an array of type {x.aval}",
                f"shape {x.shape}",
                "it takes one matrix with as many rows as columns, or more; a Hermitian one is "
                "square",
                "qdwh(x.T) for a wide one; vmap(qdwh) for stacks",
            )
        )
    if dynamic_shape is not None and tuple(dynamic_shape) != x.shape:
        raise NotImplementedError(
            errors.explain(
                "lax.linalg.qdwh",
                f"dynamic_shape={dynamic_shape}, of a matrix of shape {x.shape}",
                "sizes of arrays are fixed when a program is traced",
                "qdwh(x[:m, :n])",
            )
        )
    return _iterate(x, is_hermitian, MOST if max_iterations is None else max_iterations, eps)


cbrt, sqrt = cbrt_p.bind, sqrt_p.bind
MOST = 10  # more than double precision needs, whatever the matrix


@partial(jit, static_argnums=(1, 2, 3))  # so that the loop is not traced for each call
def _iterate(x: Any, is_hermitian: bool, most: int, eps: float | None) -> tuple[Any, ...]:
    if eps is None:
        eps = float(dtypes.finfo(x.dtype).eps)
    # Both tolerances are the paper's: l and u converge with order 3, so that a last step of the
    # size of the root takes u to within eps.
    of_least, of_step = 5 * eps, float(np.cbrt(5 * eps))
    alpha = sqrt(_greatest_sum(x, 0)) * sqrt(_greatest_sum(x, 1))  # at least the 2-norm
    u = x / _like(alpha, x)
    least = strong_scalar(alpha, eps)
    start = u, least, strong_scalar(alpha, np.inf), as_value(np.int32(0))

    def unfinished(state: tuple[Any, ...]) -> Any:
        _, least, moved, count = state
        return ((abs(1 - least) > of_least) | (moved > of_step)) & (count < most)

    def step(state: tuple[Any, ...]) -> tuple[Any, ...]:
        u, least, _, count = state
        (a, b, c), least = _weights(least)
        new = cond(c > 100, _by_qr, _by_cholesky, u, a, b, c)
        new = (new + adjoint(new)) / 2 if is_hermitian else new
        return new, least, _norm(new - u), count + 1

    u, least, moved, count = while_loop(unfinished, step, start)
    u = 1.5 * u - 0.5 * matmul(u, matmul(adjoint(u), u))  # one step of Newton's and Schulz's
    h = matmul(adjoint(u), x)
    converged = (abs(1 - least) <= of_least) & (moved <= of_step)
    return u, (h + adjoint(h)) / 2, count, converged


def _weights(least: Any) -> tuple[tuple[Any, Any, Any], Any]:
    """a, b, c for singular values from l to 1, and the l that they lead to."""
    square = least * least
    d = cbrt(4 * (1 / square - 1) / square)
    root = sqrt(1 + d)
    a = root + sqrt(8 - 4 * d + 8 * (2 - square) / (square * root)) / 2
    b = (a - 1) ** 2 / 4
    c = a + b - 1
    return (a, b, c), least * (a + b * square) / (1 + c * square)


def _by_qr(u: Any, a: Any, b: Any, c: Any) -> Any:
    """The next iterate, for large c, from Q1 R = sqrt(c) U and Q2 R = I."""
    m, n = u.shape
    stacked = concatenate([_like(sqrt(c), u) * u, eye_like(rows(u, 0, n))], 0)
    q, _ = qr(stacked, full_matrices=False)
    product = matmul(rows(q, 0, m), adjoint(rows(q, m, m + n)))
    return _like(b / c, u) * u + _like((a - b / c) / sqrt(c), u) * product


def _by_cholesky(u: Any, a: Any, b: Any, c: Any) -> Any:
    """The next iterate, for small c, from I + c U^H U."""
    gram = _like(c, u) * matmul(adjoint(u), u)
    factor = cholesky_p.bind(gram + eye_like(gram))
    half = triangular_solve(factor, adjoint(u), left_side=True, lower=True)
    inverse = triangular_solve(
        factor, half, left_side=True, lower=True, transpose_a=True, conjugate_a=True
    )
    return _like(b / c, u) * u + _like(a - b / c, u) * adjoint(inverse)


def _like(x: Any, u: Any) -> Any:
    """A number in the type of u."""
    return convert_element_type(x, u.dtype)


def _greatest_sum(x: Any, axis: int) -> Any:
    return reduce_max(reduce_sum(abs_(x), [axis]), [0])


def _norm(x: Any) -> Any:
    """Frobenius' norm."""
    square = abs_(x) * abs_(x) if is_complex(x) else x * x
    return sqrt(reduce_sum(real(square) if is_complex(square) else square, [0, 1]))
