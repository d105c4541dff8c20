"""triangular_solve: X with op(A) X = B, or X op(A) = B, where A is triangular.

op is the identity, the transpose, the conjugate or the adjoint. One triangle of A is read, less its
diagonal if that is taken to be 1. The operation is linear in B, and differentiating the equation
gives it in A as well:

    op(A) dX = dB - op(dA) X                                  (Giles 2008, section 2.3.1)

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
from scratchfn.primitives.arithmetic import neg
from scratchfn.primitives.base import (
    add_tangents,
    instantiate_axis,
    move_axis,
    reshape,
)
from scratchfn.primitives.check import require_equal_dtypes
from scratchfn.primitives.convert import conj
from scratchfn.primitives.linalg.algebra import (
    matmul,
    require_matrices,
    transposed,
    tril,
    triu,
    weak_if_all,
)
from scratchfn.primitives.rules import is_linear

NAME = "triangular_solve"


def _aval(a: ShapedArray, b: ShapedArray, *, left_side: bool, **_: Any) -> ShapedArray:
    require_equal_dtypes(NAME, [a, b])
    require_matrices(NAME, a, square=True, short=True)
    require_matrices(NAME, b, short=True)
    axis = -2 if left_side else -1
    if a.shape[:-2] != b.shape[:-2] or b.shape[axis] != a.shape[-1]:
        raise ValueError(
            errors.explain(
                f"{NAME}({a}, {b}, left_side={left_side})",
                f"axis {axis} of b of size {b.shape[axis]}, and leading axes {b.shape[:-2]}",
                f"A has {a.shape[-1]} rows and columns, and leading axes {a.shape[:-2]}, and "
                f"{'A X = B' if left_side else 'X A = B'} needs them equal",
                f"left_side={not left_side} for the other equation, or jnp.broadcast_to for equal "
                "leading axes",
            )
        )
    return ShapedArray(b.shape, b.dtype)


def _jvp(primals: Any, tangents: Any, **params: Any) -> Any:
    (a, b), (da, db) = primals, tangents
    x = triangular_solve_p.bind(a, b, **params)
    dx: Any = zero_tangent(x)
    if type(db) is not Zero:
        dx = triangular_solve_p.bind(a, db, **params)
    if type(da) is not Zero:
        moved = neg(_apply(_triangle(da, params), x, params))
        dx = add_tangents(dx, triangular_solve_p.bind(a, moved, **params))
    return x, dx


def _triangle(da: Any, params: dict[str, Any]) -> Any:
    """The part of A's tangent that is read."""
    k = int(params["unit_diagonal"])
    return tril(da, -k) if params["lower"] else triu(da, k)


def _apply(a: Any, x: Any, params: dict[str, Any]) -> Any:
    """op(A) X, or X op(A)."""
    a = transposed(a) if params["transpose_a"] else a
    a = conj(a) if params["conjugate_a"] else a
    return matmul(a, x) if params["left_side"] else matmul(x, a)


def _transpose(ct: Any, a: Any, b: Any, *, transpose_a: bool, **params: Any) -> Any:
    assert not is_linear(a) and is_linear(b)
    return [None, triangular_solve_p.bind(a, ct, transpose_a=not transpose_a, **params)]


def _batch(size: int, args: Any, dims: Any, *, left_side: bool, **params: Any) -> Any:
    (a, b), (a_d, b_d) = args, dims
    if a_d is not None or a.ndim > 2:
        xs = [instantiate_axis(x, d, size) for x, d in zip(args, dims, strict=True)]
        return triangular_solve_p.bind(*xs, left_side=left_side, **params), 0
    # One matrix for all examples: theirs are more right-hand sides of one system.
    place = 1 if left_side else 0
    b = move_axis(b, b_d, place)
    rows, columns = (
        (b.shape[0], size * b.shape[2]) if left_side else (size * b.shape[1], b.shape[2])
    )
    x = triangular_solve_p.bind(a, reshape(b, (rows, columns)), left_side=left_side, **params)
    return reshape(x, b.shape), place


kernel(kernels.triangular_solve)

triangular_solve_p = Primitive(
    NAME,
    aval=weak_if_all(_aval),
    jvp=_jvp,
    transpose=_transpose,
    batch=_batch,
    **expression(
        "triangular_solve({0}, {1}, left_side={left_side}, lower={lower}, "
        "transpose_a={transpose_a}, conjugate_a={conjugate_a}, unit_diagonal={unit_diagonal})"
    ),
)


def triangular_solve(
    a: Any,
    b: Any,
    *,
    left_side: bool = False,
    lower: bool = False,
    transpose_a: bool = False,
    conjugate_a: bool = False,
    unit_diagonal: bool = False,
) -> Any:
    """X with op(A) X = B, or X op(A) = B unless `left_side`."""
    return triangular_solve_p.bind(
        a,
        b,
        left_side=left_side,
        lower=lower,
        transpose_a=transpose_a,
        conjugate_a=conjugate_a,
        unit_diagonal=unit_diagonal,
    )
