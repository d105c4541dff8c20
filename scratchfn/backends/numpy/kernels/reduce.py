"""reduce_sum, reduce_max and their like: one ufunc over some axes, in the operand's own dtype.

NumPy would turn a sum of int32 into int64, call a reduction to one number a scalar, and take a
nanosecond and more for each element of a short row. Here the dtype stays, the result is an array,
and the common layouts, rows and columns of a contiguous matrix, are spelled as NumPy runs them
fastest. Short floats are reduced in float32 and rounded once; XLA rounds some partial results too,
so there the two agree to the short type's own precision.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from scratchfn.core.dtypes import finfo, iinfo, kind
from scratchfn.core.quiet import quiet

from .dot import working_dtype

Axes = tuple[int, ...]

SMALL = 1024  # elements below which the way of spelling a reduction does not matter
NARROW = 32  # length up to which rows are reduced faster across than along
LONG = 4096  # length from which a row's sum is best kept in pairs, for its rounding errors


def reduce_sum(x: np.ndarray, *, axes: Axes, out_sharding: object = None) -> np.ndarray:
    """lax.reduce_sum: 0 where nothing is summed."""
    return _reduce(np.add, x, axes, 0)


def reduce_prod(x: np.ndarray, *, axes: Axes) -> np.ndarray:
    """lax.reduce_prod: 1 where nothing is multiplied."""
    return _reduce(np.multiply, x, axes, 1)


def reduce_max(x: np.ndarray, *, axes: Axes) -> np.ndarray:
    """lax.reduce_max: nan if there is one; complex numbers by real part, then imaginary part."""
    return _reduce(np.maximum, x, axes, lowest(x.dtype))


def reduce_min(x: np.ndarray, *, axes: Axes) -> np.ndarray:
    """lax.reduce_min: nan if there is one; complex numbers by real part, then imaginary part."""
    return _reduce(np.minimum, x, axes, highest(x.dtype))


def reduce_and(x: np.ndarray, *, axes: Axes) -> np.ndarray:
    """lax.reduce_and, bit by bit for integers."""
    return _reduce(np.bitwise_and, x, axes, _all_ones(x.dtype))


def reduce_or(x: np.ndarray, *, axes: Axes) -> np.ndarray:
    """lax.reduce_or, bit by bit for integers."""
    return _reduce(np.bitwise_or, x, axes, 0)


def reduce_xor(x: np.ndarray, *, axes: Axes) -> np.ndarray:
    """lax.reduce_xor, bit by bit for integers."""
    return _reduce(np.bitwise_xor, x, axes, 0)


def lowest(dtype: np.dtype) -> object:
    """The identity of max: -inf, or the least value of a type without infinities."""
    return _extreme(dtype, "min", -math.inf)


def highest(dtype: np.dtype) -> object:
    """The identity of min: inf, or the greatest value of a type without infinities."""
    return _extreme(dtype, "max", math.inf)


@functools.cache
def _extreme(dtype: np.dtype, name: str, infinity: float) -> object:
    letter = kind(dtype)
    if letter in "iu":
        return int(getattr(iinfo(dtype), name))
    if letter == "b":
        return name == "max"
    if dtype.kind == "V" and not np.isinf(np.float32(infinity).astype(dtype).astype(np.float32)):
        return float(getattr(finfo(dtype), name))
    return infinity


@functools.cache
def _all_ones(dtype: np.dtype) -> object:
    """The identity of `and`: -1, or its bits in an unsigned type."""
    return highest(dtype) if kind(dtype) in "bu" else -1


@quiet
def _reduce(ufunc: np.ufunc, x: np.ndarray, axes: Axes, identity: object) -> np.ndarray:
    dtype, work = x.dtype, working_dtype(x.dtype)
    if work != dtype:
        x = x.astype(work)
    # With `initial` a maximum along the last axis is vectorised, and empty ones have a value.
    out = _reduce_matrix(ufunc, x, axes, identity) if x.size >= SMALL else None
    if out is None:
        out = np.asarray(ufunc.reduce(x, axis=axes, dtype=work, initial=identity))
    return out if work == dtype else out.astype(dtype)


def _reduce_matrix(
    ufunc: np.ufunc, x: np.ndarray, axes: Axes, identity: object
) -> np.ndarray | None:
    """A contiguous array reduced along its last or first axes, where there is a faster way."""
    if not x.flags.c_contiguous or not 0 < len(axes) < x.ndim:
        return None
    rest = x.ndim - len(axes)
    if sorted(axes) == list(range(rest, x.ndim)):
        along, shape = 1, x.shape[:rest]
        matrix = x.reshape(math.prod(shape), -1)
    elif sorted(axes) == list(range(len(axes))):
        along, shape = 0, x.shape[len(axes) :]
        matrix = x.reshape(-1, math.prod(shape))
    else:
        return None
    if ufunc is np.add and x.dtype.kind in "fc" and matrix.shape[1] <= LONG:
        out = np.einsum("ij->i" if along else "ij->j", matrix)
    elif matrix.shape[1] <= NARROW:
        across = np.ascontiguousarray(matrix.T)
        out = ufunc.reduce(across, axis=1 - along, dtype=x.dtype, initial=identity)
    else:
        return None
    return out.reshape(shape)
