"""Arrays made from nothing: constants, matrices of ones and zeros, diagonals.

Eagerly a constant is allocated at once. In a program it is a number that is broadcast, so it costs
nothing to record.

Read next: `numpy/ranges.py`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.config import config
from scratchfn.core import dtypes
from scratchfn.core.array import Array
from scratchfn.core.avals import ShapedArray
from scratchfn.core.eager import EVAL
from scratchfn.core.trace import current
from scratchfn.numpy.arguments import axis_of, dtype_of, known, placed, scalar, shape_of
from scratchfn.numpy.conversion import array, asarray, astype, copy
from scratchfn.numpy.promotion import broadcast_shapes, cast, operand
from scratchfn.primitives import base
from scratchfn.primitives.arithmetic import add_p
from scratchfn.primitives.convert import convert_element_type, select
from scratchfn.primitives.logic import eq_p, ge_p
from scratchfn.primitives.structural import iota, pad, slice_

__all__ = [
    "array", "asarray", "astype", "copy", "diag", "diag_indices", "diagflat", "diagonal", "empty",
    "empty_like", "eye", "fromfunction", "full", "full_like", "identity", "ones", "ones_like",
    "tri", "tril", "tril_indices", "triu", "triu_indices", "zeros", "zeros_like",
]  # fmt: skip

# -- constants ------------------------------------------------------------------------------------


def constant(shape: tuple[int, ...], value: Any, dtype: np.dtype, weak: bool = False) -> Any:
    """An array of one repeated number."""
    if current.trace is EVAL and config.backend == "numpy":
        return Array(np.full(shape, value, dtype) if value else np.zeros(shape, dtype), weak)
    return base.full(shape, value, dtype, weak)


def zeros(shape: Any, dtype: Any = None, *, device: Any = None, out_sharding: Any = None) -> Any:
    """An array of zeros, float32 by default."""
    shape = shape_of("zeros", shape)
    wanted = dtype_of("zeros", dtype, dtypes.default_dtype("f"))
    return placed(constant(shape, 0, wanted), device, out_sharding)


def ones(shape: Any, dtype: Any = None, *, device: Any = None, out_sharding: Any = None) -> Any:
    """An array of ones, float32 by default."""
    shape = shape_of("ones", shape)
    wanted = dtype_of("ones", dtype, dtypes.default_dtype("f"))
    return placed(constant(shape, 1, wanted), device, out_sharding)


def empty(shape: Any, dtype: Any = None, *, device: Any = None, out_sharding: Any = None) -> Any:
    """An array whose elements do not matter; they are zeros."""
    return zeros(shape, dtype, device=device, out_sharding=out_sharding)


def full(
    shape: Any, fill_value: Any, dtype: Any = None, *, device: Any = None, out_sharding: Any = None
) -> Any:
    """An array of one number, or of an array broadcast to the shape. The dtype is that of
    `fill_value` by default."""
    fill = operand("full", fill_value, 1)
    wanted = dtype_of("full", dtype)
    out = _filled("full", shape_of("full", shape), fill, wanted, fill.weak_type)
    return placed(out, device, out_sharding)


def _filled(name: str, shape: tuple[int, ...], fill: Any, dtype: Any, weak: bool) -> Any:
    """`fill` broadcast to the shape, in `dtype`; None keeps its own dtype, and weakness `weak`."""
    if dtype is None:
        dtype = fill.dtype
    else:
        weak = False
    if type(fill) is Array and fill.ndim == 0 and type(fill.buffer) is np.ndarray:
        return constant(shape, cast(fill, dtype).buffer, dtype, weak)
    fill = convert_element_type(fill, dtype, weak and fill.ndim == 0)
    if broadcast_shapes(name, [fill.shape, shape], ValueError) != shape:
        raise ValueError(
            errors.explain(
                f"jnp.{name} of shape {shape}",
                f"a fill_value of shape {fill.shape}",
                "it is repeated along axes where it has size 1, and never cut",
                f"jnp.{name}(..., fill_value[0])",
            )
        )
    return base.broadcast_in_dim(fill, shape, range(len(shape) - fill.ndim, len(shape)))


def full_like(
    a: Any, fill_value: Any, dtype: Any = None, shape: Any = None, *, device: Any = None,
    out_sharding: Any = None,
) -> Any:  # fmt: skip
    """`full` with the shape and dtype of `a`."""
    aval = _like("full_like", a, dtype, shape)
    fill = operand("full_like", fill_value, 1)
    out = _filled("full_like", aval.shape, fill, aval.dtype, False)
    if aval.weak_type and fill.ndim == 0:
        out = convert_element_type(out, aval.dtype, True)
    return placed(out, device, out_sharding)


def zeros_like(
    a: Any, dtype: Any = None, shape: Any = None, *, device: Any = None, out_sharding: Any = None
) -> Any:
    """Zeros of the shape and dtype of `a`."""
    aval = _like("zeros_like", a, dtype, shape)
    if aval.dtype.names:  # random keys and float0
        return base.zeros(aval)
    return placed(constant(aval.shape, 0, aval.dtype, aval.weak_type), device, out_sharding)


def ones_like(
    a: Any, dtype: Any = None, shape: Any = None, *, device: Any = None, out_sharding: Any = None
) -> Any:
    """Ones of the shape and dtype of `a`."""
    aval = _like("ones_like", a, dtype, shape)
    return placed(constant(aval.shape, 1, aval.dtype, aval.weak_type), device, out_sharding)


def empty_like(prototype: Any, dtype: Any = None, shape: Any = None, *, device: Any = None) -> Any:
    """`empty` with the shape and dtype of `prototype`."""
    return zeros_like(prototype, dtype, shape, device=device)


def _like(name: str, a: Any, dtype: Any, shape: Any) -> ShapedArray:
    """The type that is asked for; `a` may be anything with a shape and a dtype."""
    if not (hasattr(a, "shape") and hasattr(a, "dtype")):
        a = operand(name, a)
    weak = dtype is None and dtypes.is_weak(a)
    wanted = dtypes.canonicalize_dtype(a.dtype) if dtype is None else dtype_of(name, dtype)
    return ShapedArray(tuple(a.shape) if shape is None else shape_of(name, shape), wanted, weak)


def fromfunction(
    function: Callable[..., Any], shape: Any, *, dtype: Any = float, **kwargs: Any
) -> Any:
    """`function(i, j, ...)` of the indices of an array of the given shape, all at once."""
    shape = shape_of("fromfunction", shape)
    wanted = dtype_of("fromfunction", dtype)
    return function(*(iota(wanted, shape, axis) for axis in range(len(shape))), **kwargs)


# -- matrices of ones and zeros -------------------------------------------------------------------


def eye(N: Any, M: Any = None, k: Any = 0, dtype: Any = None, *, device: Any = None) -> Any:
    """The (N, M) matrix with ones on the k-th diagonal; k counts up from the main one."""
    shape = _matrix_shape("eye", N, M)
    wanted = dtype_of("eye", dtype, dtypes.default_dtype("f"))
    offset = operand("eye", k, 2)
    if offset.ndim or dtypes.kind(offset.dtype) not in "iu":
        raise ValueError(
            errors.explain(
                "jnp.eye(N, M, k)", f"k of type {offset.aval}",
                "k counts diagonals: it is one integer", "jnp.eye(N, M, 1)",
            )
        )  # fmt: skip
    rows, columns = (iota(offset.dtype, shape, axis) for axis in (0, 1))
    rows = rows if isinstance(k, int) and k == 0 else add_p.bind(rows, offset)
    return placed(convert_element_type(eq_p.bind(rows, columns), wanted), device)


def identity(n: Any, dtype: Any = None) -> Any:
    """The (n, n) matrix with ones on the main diagonal."""
    return eye(n, dtype=dtype)


def _matrix_shape(name: str, N: Any, M: Any) -> tuple[int, int]:
    negative = ValueError if name == "eye" else TypeError  # as JAX's differ
    return shape_of(name, (N, N if M is None else M), negative)  # type: ignore[return-value]


def tri(N: Any, M: Any = None, k: Any = 0, dtype: Any = None) -> Any:
    """The (N, M) matrix with ones on and below the k-th diagonal."""
    below = _below(_matrix_shape("tri", N, M), _diagonal_number("tri", k))
    return convert_element_type(below, dtype_of("tri", dtype, dtypes.float32))


def _below(shape: tuple[int, int], k: int) -> Any:
    """True on and below the k-th diagonal."""
    rows, columns = (iota(dtypes.int32, shape, axis) for axis in (0, 1))
    return ge_p.bind(add_p.bind(rows, scalar(k, dtypes.int32)) if k else rows, columns)


def _diagonal_number(name: str, k: Any) -> int:
    return operator.index(known(name, "the number k of a diagonal", k))


def _triangle(name: str, m: Any, k: Any) -> tuple[Any, Any]:
    """The mask of the lower triangle, broadcast to `m`, and `m`."""
    m = operand(name, m)
    if m.ndim < 2:
        raise ValueError(
            errors.explain(
                f"jnp.{name} of an array of type {m.aval}", "fewer than two axes",
                "a triangle is a part of a matrix", f"jnp.{name}(x.reshape(rows, columns))",
            )
        )  # fmt: skip
    shift = _diagonal_number(name, k) - (name == "triu")
    mask = _below(m.shape[-2:], shift)
    return base.broadcast_in_dim(mask, m.shape, (m.ndim - 2, m.ndim - 1)), m


def tril(m: Any, k: Any = 0) -> Any:
    """`m` with zeros above the k-th diagonal."""
    mask, m = _triangle("tril", m, k)
    return select(mask, m, zeros_like(m))


def triu(m: Any, k: Any = 0) -> Any:
    """`m` with zeros below the k-th diagonal."""
    mask, m = _triangle("triu", m, k)
    return select(mask, zeros_like(m), m)


def tril_indices(n: Any, k: Any = 0, m: Any = None) -> tuple[Any, Any]:
    """The indices of the elements on and below the k-th diagonal of an (n, m) matrix."""
    return _triangle_indices(np.tril_indices, "tril_indices", n, k, m)


def triu_indices(n: Any, k: Any = 0, m: Any = None) -> tuple[Any, Any]:
    """The indices of the elements on and above the k-th diagonal of an (n, m) matrix."""
    return _triangle_indices(np.triu_indices, "triu_indices", n, k, m)


def _triangle_indices(f: Callable[..., Any], name: str, n: Any, k: Any, m: Any) -> tuple[Any, Any]:
    rows, columns = _matrix_shape(name, n, m)
    i, j = f(rows, _diagonal_number(name, k), columns)
    return asarray(i, int), asarray(j, int)


def diag_indices(n: Any, ndim: int = 2) -> tuple[Any, ...]:
    """The indices of the main diagonal of an array of `ndim` axes of size n."""
    (n,) = shape_of("diag_indices", n)
    return (iota(dtypes.default_dtype("i"), (n,)),) * ndim


# -- diagonals: of a flattened matrix of M columns, a diagonal is every (M + 1)-th element ---------


def diagonal(a: Any, offset: Any = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The `offset`-th diagonal of the matrices along two axes, as a new last axis."""
    a = operand("diagonal", a)
    if a.ndim < 2:
        raise ValueError(
            errors.explain(
                f"jnp.diagonal of an array of type {a.aval}", "fewer than two axes",
                "a diagonal runs along two axes", "jnp.diag(x) for a matrix with the diagonal x",
            )
        )  # fmt: skip
    k = _diagonal_number("diagonal", offset)
    rows_axis, columns_axis = (axis_of("diagonal", axis, a.ndim) for axis in (axis1, axis2))
    kept = [axis for axis in range(a.ndim) if axis not in (rows_axis, columns_axis)]
    a = base.transpose(a, [*kept, rows_axis, columns_axis])
    *outer, rows, columns = a.shape
    count = max(0, min(rows + min(k, 0), columns - max(k, 0)))
    start = k if k >= 0 else -k * columns
    stop = start + (count - 1) * (columns + 1) + 1 if count else start
    flat = base.reshape(a, (*outer, rows * columns))
    start, stop = (min(place, rows * columns) for place in (start, stop))
    return slice_(
        flat, (*(0 for _ in outer), start), (*outer, stop), (*(1 for _ in outer), columns + 1)
    )


def diag(v: Any, k: Any = 0) -> Any:
    """A matrix with the vector `v` on its k-th diagonal; or that diagonal of a matrix `v`."""
    v = operand("diag", v)
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ValueError(
            errors.explain(
                f"jnp.diag of an array of type {v.aval}", f"{v.ndim} axes",
                "it turns vectors into matrices and takes the diagonal of matrices",
                "jnp.diagonal(x, axis1=-2, axis2=-1) for the diagonals of many matrices",
            )
        )  # fmt: skip
    k = _diagonal_number("diag", k)
    n = v.size + abs(k)
    if not v.size:
        return zeros_like(v, shape=(n, n))
    start = k if k >= 0 else -k * n
    reached = start + (v.size - 1) * (n + 1) + 1
    flat = pad(v, scalar(0, v.dtype), ((start, n * n - reached, n),))
    return base.reshape(flat, (n, n))


def diagflat(v: Any, k: Any = 0) -> Any:
    """A matrix with the elements of `v`, in row-major order, on its k-th diagonal."""
    v = operand("diagflat", v)
    return diag(base.reshape(v, (v.size,)), k)
