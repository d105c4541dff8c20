"""What the rules of factorizations are written in: products, adjoints, triangles and diagonals of
the matrices in the last two axes; and what their `aval` and `batch` rules share.

Read next: `primitives/linalg/triangular.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.avals import ShapedArray
from scratchfn.core.params import Precision
from scratchfn.core.trace import Primitive
from scratchfn.primitives.arithmetic import add
from scratchfn.primitives.base import (
    broadcast_in_dim,
    expand_dims,
    instantiate_axis,
    reduce_sum,
    transpose,
)
from scratchfn.primitives.check import require_kind
from scratchfn.primitives.convert import conj, convert_element_type, real, select
from scratchfn.primitives.dot import dot_general
from scratchfn.primitives.logic import eq, ge
from scratchfn.primitives.rules import full_like, is_complex, scalar_like
from scratchfn.primitives.structural import iota, slice_

# -- products and triangles -----------------------------------------------------------------------


def matmul(x: Any, y: Any) -> Any:
    """[..., m, k] times [..., k, n], in full precision on accelerators too."""
    batch = tuple(range(x.ndim - 2))
    axes = ((x.ndim - 1,), (y.ndim - 2,)), (batch, batch)
    return dot_general(x, y, axes, precision=(Precision.HIGHEST, Precision.HIGHEST))


def transposed(x: Any) -> Any:
    """Each matrix with its axes swapped."""
    return transpose(x, [*range(x.ndim - 2), x.ndim - 1, x.ndim - 2])


def adjoint(x: Any) -> Any:
    """The conjugate transpose of each matrix."""
    return conj(transposed(x)) if is_complex(x) else transposed(x)


def as_row(x: Any) -> Any:
    """[..., n] as [..., 1, n]."""
    return expand_dims(x, [x.ndim - 1])


def as_column(x: Any) -> Any:
    """[..., n] as [..., n, 1]."""
    return expand_dims(x, [x.ndim])


def _mask(x: Any, compare: Callable[[Any, Any], Any], k: int) -> Any:
    """Where `compare(row + k, column)` holds, in the shape of `x`."""
    *_, m, n = x.shape
    rows = iota(np.dtype(np.int32), (m, n), 0)
    if k:
        rows = add(rows, scalar_like(rows, k))
    mask = compare(rows, iota(np.dtype(np.int32), (m, n), 1))
    return broadcast_in_dim(mask, x.shape, (x.ndim - 2, x.ndim - 1))


def tril(x: Any, k: int = 0) -> Any:
    """Each matrix with zeros above its k-th diagonal."""
    return select(_mask(x, ge, k), x, full_like(x, 0))


def triu(x: Any, k: int = 0) -> Any:
    """Each matrix with zeros below its k-th diagonal."""
    return select(_mask(x, ge, k - 1), full_like(x, 0), x)


def on_diagonal(x: Any) -> Any:
    """Each matrix with zeros off its diagonal."""
    return select(_mask(x, eq, 0), x, full_like(x, 0))


def off_diagonal(x: Any) -> Any:
    """Each matrix with zeros on its diagonal."""
    return select(_mask(x, eq, 0), full_like(x, 0), x)


def eye_like(x: Any) -> Any:
    """The identity, in the place of each matrix."""
    return convert_element_type(_mask(x, eq, 0), x.dtype)


def diagonal(x: Any) -> Any:
    """The diagonals [..., n] of matrices [..., n, n]."""
    return reduce_sum(on_diagonal(x), [x.ndim - 1])


def real_diagonal(x: Any) -> Any:
    """The real parts of the diagonals."""
    return real(diagonal(x)) if is_complex(x) else diagonal(x)


def columns(x: Any, start: int, stop: int) -> Any:
    """Columns `start` to `stop - 1` of each matrix."""
    limits = (*x.shape[:-1], stop)
    return slice_(x, (*(0,) * (x.ndim - 1), start), limits)


def rows(x: Any, start: int, stop: int) -> Any:
    """Rows `start` to `stop - 1` of each matrix."""
    limits = (*x.shape[:-2], stop, x.shape[-1])
    return slice_(x, (*(0,) * (x.ndim - 2), start, 0), limits)


# -- types and batches ----------------------------------------------------------------------------


def require_matrices(
    name: str, *xs: ShapedArray, square: bool = False, short: bool = False
) -> None:
    """Raises unless the arguments are floating point matrices: TypeError for other dtypes and for
    fewer than two axes, NotImplementedError for floats of 16 bits unless `short`, ValueError for
    matrices that are not square if they have to be."""
    asked = f"{name}({', '.join(map(str, xs))})"
    require_float(name, *xs, short=short)
    for i, x in enumerate(xs):
        if x.ndim < 2:
            raise TypeError(
                errors.explain(
                    asked,
                    f"argument {i} of {x.ndim} axes",
                    "a matrix has two axes, and leading axes count matrices",
                    "x[:, None] for a vector as a matrix of one column",
                )
            )
        if square and x.shape[-1] != x.shape[-2]:
            raise ValueError(
                errors.explain(
                    asked,
                    f"argument {i} of {x.shape[-2]} rows and {x.shape[-1]} columns",
                    f"{name} is defined for square matrices",
                    "jnp.linalg.svd, qr or lstsq, which take matrices of any shape",
                )
            )


def require_symmetric_shape(name: str, x: ShapedArray) -> None:
    """Raises TypeError unless a matrix and its transpose can be added, as JAX does."""
    if x.ndim >= 2 and x.shape[-1] == x.shape[-2]:
        return
    raise TypeError(
        errors.explain(
            f"{name}({x}), symmetrized",
            f"an array of shape {x.shape}",
            "the mean of a matrix and its transpose is taken, so that it must be square",
            f"lax.linalg.{name}(x, symmetrize_input=False) if one triangle of it is meant",
        )
    )


def require_float(name: str, *xs: ShapedArray, short: bool = False) -> None:
    """Raises TypeError for dtypes that are not floating point, NotImplementedError for those of 16
    bits unless `short`."""
    require_kind(name, xs, "fc")
    for i, x in enumerate(xs):
        if not short and dtypes.itemsize_bits(x.dtype) < 32:
            raise NotImplementedError(
                errors.explain(
                    f"{name}({', '.join(map(str, xs))})",
                    f"argument {i} of type {x}",
                    "LAPACK computes in 32 and 64 bits",
                    f"{name}(x.astype(jnp.float32)).astype(x.dtype)",
                )
            )


def weak_if_all(aval: Callable[..., Any]) -> Callable[..., Any]:
    """The `aval` rule whose results are weakly typed if all arguments are, as JAX's are."""

    def rule(*avals: ShapedArray, **params: Any) -> Any:
        outs = aval(*avals, **params)
        if not all(x.weak_type for x in avals):
            return outs
        if isinstance(outs, ShapedArray):
            return outs.update(weak_type=True)
        return [out.update(weak_type=True) for out in outs]

    return rule


def batch_leading(prim: Primitive) -> Callable[..., Any]:
    """The batch rule of a primitive for which leading axes count examples already."""

    def batch(size: int, args: Sequence[Any], dims: Sequence[Any], **params: Any) -> Any:
        xs = [instantiate_axis(x, d, size) for x, d in zip(args, dims, strict=True)]
        outs = prim.bind(*xs, **params)
        return outs, [0] * len(outs) if prim.many else 0

    return batch


def by_jaxs_linalg(name: str) -> Callable[..., Any]:
    """The `jax` rule of a primitive that JAX has in lax.linalg alone."""
    return lambda lax, *operands, **params: getattr(lax.linalg, f"{name}_p").bind(
        *operands, **params
    )
