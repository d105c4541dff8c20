"""sort, top_k, argmax and argmin: the order of elements, and where they stand in it.

lax.sort orders numbers with nan last and -0 equal to 0; top_k uses the total order of the bits, in
which nan comes above inf, -nan below -inf and 0 above -0. Either order becomes one of integers: as
a float grows, so do its bits, if those below the sign of a negative number are inverted.

An integer key of 32 bits and a position of 32 bits fit in one word. Sorting such words is stable,
yields the permutation in their low halves, and is several times as fast as NumPy's stable argsort,
since words are sorted with vector instructions.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scratchfn.core.dtypes import kind
from scratchfn.core.quiet import quiet

from .dot import working_dtype

_POSITION = np.array(0xFFFFFFFF, np.int64)


@quiet
def sort(
    *operands: np.ndarray, dimension: int, is_stable: bool, num_keys: int
) -> tuple[np.ndarray, ...]:
    """lax.sort: all operands in the order of the first num_keys, compared one after another.

    It is stable whether or not that was asked for, as XLA is on a CPU.
    """
    if operands[0].size == 0:
        return operands
    if len(operands) == 1 and _sorts_natively(operands[0]):
        return (np.sort(operands[0], axis=dimension),)
    order = _permutation(operands[:num_keys], dimension)
    if order.ndim == 1:
        return tuple(x[order] for x in operands)
    return tuple(np.take_along_axis(x, order, dimension) for x in operands)


def sort_in_place(x: np.ndarray, axis: int) -> None:
    """The same of one operand, in its own place."""
    if _sorts_natively(x):
        x.sort(axis)
    elif x.size:
        (x[...],) = sort(x, dimension=axis, is_stable=True, num_keys=1)


def _sorts_natively(x: np.ndarray) -> bool:
    """Whether NumPy's fastest sort, which is not stable, gives what a stable one would.

    Equal integers are one and the same; among floats, only 0 and -0 are equal yet distinct.
    """
    if x.dtype.kind in "biu":
        return True
    if x.dtype.char not in "fd":
        return False
    return not (np.signbit(x) & (x == 0)).any()


def _permutation(keys: tuple[np.ndarray, ...], axis: int) -> np.ndarray:
    """Positions along the axis in sorted order; of equal elements, the first comes first."""
    if len(keys) == 1 and kind(keys[0].dtype) != "c" and keys[0].dtype.itemsize <= 4:
        words = _with_positions(_as_int32(_canonical(keys[0])), axis)
        words.sort(axis=axis)
        return words & _POSITION
    parts = []
    for key in map(_canonical, keys):
        parts += [key.real, key.imag] if key.dtype.kind == "c" else [key]
    return np.lexsort(parts[::-1], axis=axis)  # its last key is compared first


def _canonical(x: np.ndarray) -> np.ndarray:
    """Short types in one that NumPy orders; one nan; no negative zero."""
    x = x.astype(working_dtype(x.dtype), copy=False)
    if x.dtype.kind != "f":
        return x
    return np.where(np.isnan(x), np.array(np.nan, x.dtype), x + np.array(0, x.dtype))


def _as_int32(x: np.ndarray) -> np.ndarray:
    """Integers ordered as these numbers of at most 32 bits are, floats by their total order."""
    if x.dtype == np.uint32:
        return (x ^ np.uint32(1 << 31)).view(np.int32)
    if x.dtype.kind == "f":
        bits = x.view(np.int32)
        return bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))
    return x.astype(np.int32, copy=False)


def _as_int64(x: np.ndarray) -> np.ndarray:
    """The same for numbers of 64 bits."""
    if x.dtype == np.uint64:
        return (x ^ np.uint64(1 << 63)).view(np.int64)
    if x.dtype.kind == "f":
        bits = x.view(np.int64)
        return bits ^ ((bits >> 63) & np.int64(0x7FFFFFFFFFFFFFFF))
    return x


def _with_positions(key: np.ndarray, axis: int) -> np.ndarray:
    """int64 words that hold a key of 32 bits above its position along the axis."""
    position = np.arange(key.shape[axis]).reshape((-1,) + (1,) * (key.ndim - 1 - axis % key.ndim))
    return (key.astype(np.int64) << 32) | position


def top_k(operand: np.ndarray, *, k: int, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """lax.top_k: the k greatest along an axis, greatest first, and their int32 positions."""
    x = np.moveaxis(operand, axis, -1)
    wide = np.ascontiguousarray(x.astype(working_dtype(x.dtype), copy=False))
    if wide.dtype.itemsize <= 4:
        words = _with_positions(~_as_int32(wide), -1)  # inverted: the greatest comes first
        if 0 < k < x.shape[-1]:
            words = np.partition(words, k - 1, axis=-1)[..., :k]
        positions = np.sort(words, axis=-1)[..., :k] & _POSITION
    else:
        positions = np.argsort(~_as_int64(wide), axis=-1, kind="stable")[..., :k]
    values = np.take_along_axis(x, positions, -1)
    positions = positions.astype(np.int32)
    return np.moveaxis(values, -1, axis), np.moveaxis(positions, -1, axis)


def argmax(operand: np.ndarray, *, axes: tuple[int], index_dtype: np.dtype) -> np.ndarray:
    """lax.argmax: the position of the greatest element, the first of equals; nan is greatest."""
    return _arg_extreme(np.argmax, operand, axes, index_dtype)


def argmin(operand: np.ndarray, *, axes: tuple[int], index_dtype: np.dtype) -> np.ndarray:
    """lax.argmin: the position of the least element, the first of equals; nan is least."""
    return _arg_extreme(np.argmin, operand, axes, index_dtype)


def _arg_extreme(
    find: Callable, operand: np.ndarray, axes: tuple[int], dtype: np.dtype
) -> np.ndarray:
    wide = operand.astype(working_dtype(operand.dtype), copy=False)
    return np.asarray(find(wide, axis=axes[0])).astype(dtype, copy=False)
