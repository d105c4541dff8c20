"""lu: P A = L U, with unit lower triangular L, upper triangular U and a permutation of rows P.

The permutation does not change with small changes of A, so that

    L^-1 (P dA) U^-1 = L^-1 dL + dU U^-1,

of which the first term is strictly lower triangular and the second one upper triangular. Where A
is not square, its L and U are made square with rows and columns of the identity.

Read next: `primitives/linalg/qr.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.backends.numpy.kernels import linalg as kernels
from scratchfn.core import dtypes
from scratchfn.core.avals import ShapedArray
from scratchfn.core.params import GatherDimensionNumbers, GatherScatterMode
from scratchfn.core.tangents import zero_tangent
from scratchfn.core.template import expression, kernel
from scratchfn.core.trace import Primitive
from scratchfn.primitives.arithmetic import add
from scratchfn.primitives.indexing import gather
from scratchfn.primitives.linalg.algebra import (
    as_column,
    batch_leading,
    by_jaxs_linalg,
    columns,
    eye_like,
    matmul,
    require_matrices,
    rows,
    tril,
    triu,
    weak_if_all,
)
from scratchfn.primitives.linalg.triangular import triangular_solve
from scratchfn.primitives.rules import no_derivative, scalar_like
from scratchfn.primitives.sorting import sort
from scratchfn.primitives.structural import iota, pad

# -- lu -------------------------------------------------------------------------------------------


def _lu_aval(x: ShapedArray) -> list[ShapedArray]:
    require_matrices("lu", x)
    *batch, m, n = x.shape
    pivots = ShapedArray((*batch, min(m, n)), dtypes.int32)
    return [ShapedArray(x.shape, x.dtype), pivots, ShapedArray((*batch, m), dtypes.int32)]


def _lu_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (dx,) = primals, tangents
    factors, pivots, order = lu_p.bind(x)
    m, n = x.shape[-2:]
    k = min(m, n)
    lower = _square(tril(columns(factors, 0, k), -1), m)
    upper = _square(triu(rows(factors, 0, k)), n, start=k)
    moved = permute_rows(dx, order)
    both = triangular_solve(lower, moved, left_side=True, lower=True, unit_diagonal=True)
    both = triangular_solve(upper, both)
    d_factors = add(matmul(lower, tril(both, -1)), matmul(triu(both), upper))
    outs = [factors, pivots, order]
    return outs, [d_factors, zero_tangent(pivots), zero_tangent(order)]


def _square(x: Any, size: int, start: int = 0) -> Any:
    """A matrix filled up with zeros to `size` rows and columns, and with ones on the diagonal from
    `start` on."""
    wide = [(0, 0, 0)] * (x.ndim - 2) + [(0, size - s, 0) for s in x.shape[-2:]]
    x = pad(x, scalar_like(x, 0), wide)
    ones = [(0, 0, 0)] * (x.ndim - 2) + [(start, 0, 0)] * 2
    eye = eye_like(columns(rows(x, start, size), start, size))
    return add(x, pad(eye, scalar_like(x, 0), ones))


def permute_rows(x: Any, order: Any) -> Any:
    """The rows of each matrix [..., m, n] in the order [..., m]."""
    axis, outer = x.ndim - 2, tuple(range(x.ndim - 2))
    numbers = GatherDimensionNumbers(
        offset_dims=(axis + 1,),
        collapsed_slice_dims=(axis,),
        start_index_map=(axis,),
        operand_batching_dims=outer,
        start_indices_batching_dims=outer,
    )
    sizes = (1,) * (axis + 1) + x.shape[-1:]
    mode = GatherScatterMode.PROMISE_IN_BOUNDS
    return gather(x, as_column(order), numbers, sizes, mode=mode)


kernel(kernels.lu)

lu_p = Primitive("lu", many=True, aval=weak_if_all(_lu_aval), jvp=_lu_jvp, **expression("lu({0})"))
lu_p.batch = batch_leading(lu_p)


def solve(a: Any, b: Any, *, transpose_a: bool = False, conjugate_a: bool = False) -> Any:
    """X with A X = B, or op(A) X = B, for matrices with the same leading axes."""
    factors, _, order = lu_p.bind(a)
    return solve_factored(factors, order, b, transpose_a=transpose_a, conjugate_a=conjugate_a)


def solve_factored(
    factors: Any, order: Any, b: Any, *, transpose_a: bool = False, conjugate_a: bool = False
) -> Any:
    """`solve` with the results of `lu`: A = P^T L U."""
    lower = {"left_side": True, "lower": True, "unit_diagonal": True}
    upper = {"left_side": True}
    if not transpose_a:
        b = permute_rows(b, order)
        for side in (lower, upper):
            b = triangular_solve(factors, b, **side, conjugate_a=conjugate_a)
        return b
    for side in (upper, lower):
        b = triangular_solve(factors, b, **side, transpose_a=True, conjugate_a=conjugate_a)
    return permute_rows(b, _inverse_order(order))


def _inverse_order(order: Any) -> Any:
    position = iota(np.dtype(np.int32), order.shape, order.ndim - 1)
    return sort([order, position], order.ndim - 1)[1]


# -- lu_pivots_to_permutation ---------------------------------------------------------------------


def _order_aval(pivots: ShapedArray, *, permutation_size: int) -> ShapedArray:
    name = "lu_pivots_to_permutation"
    if pivots.dtype != dtypes.int32 or not pivots.ndim:
        raise TypeError(
            errors.explain(
                f"{name}({pivots})",
                f"pivots of type {pivots}",
                "they are rows of a matrix, one axis of int32 or more, as lax.linalg.lu gives them",
                f"lax.linalg.{name}(pivots.astype(jnp.int32), n)",
            )
        )
    *batch, count = pivots.shape
    if permutation_size < count:
        raise ValueError(
            errors.explain(
                f"{name}({pivots}, {permutation_size})",
                f"{count} pivots, more than rows",
                "each pivot swaps a row of its own with another one",
                f"lax.linalg.{name}(pivots, {count})",
            )
        )
    return ShapedArray((*batch, permutation_size), dtypes.int32)


kernel(kernels.lu_pivots_to_permutation)

lu_pivots_to_permutation_p = Primitive(
    "lu_pivots_to_permutation",
    aval=weak_if_all(_order_aval),
    jax=by_jaxs_linalg("lu_pivots_to_permutation"),
    **expression("lu_pivots_to_permutation({0}, {permutation_size})"),
)
lu_pivots_to_permutation_p.jvp = no_derivative(lu_pivots_to_permutation_p)
lu_pivots_to_permutation_p.batch = batch_leading(lu_pivots_to_permutation_p)
