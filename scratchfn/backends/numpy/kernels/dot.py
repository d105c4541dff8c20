"""dot_general: any contraction of two arrays, folded into one call of BLAS.

Each operand's axes are of three kinds: batch, contracting and free. Grouped in the order
[batch..., free..., contracting...] and merged, they make the contraction a matrix product:

    out[batch, m, n] = sum_k  lhs[batch, m, k] rhs[batch, k, n]

The grouping is a transpose and a reshape, both views wherever the strides allow it: BLAS reads a
transposed matrix as fast as a straight one, so no copy is made for its sake. How to fold depends
on shapes alone and is remembered. `product` multiplies matrices of one dtype; convolutions
(conv.py, read next) end in it too.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from scratchfn.core.quiet import quietly

_dot = np.ndarray.dot
BLAS = frozenset("fdFD")  # the dtypes that BLAS multiplies, by their character
# ((lhs contracting, rhs contracting), (lhs batch, rhs batch)), in tuples all the way down
DimensionNumbers = tuple[
    tuple[tuple[int, ...], tuple[int, ...]], tuple[tuple[int, ...], tuple[int, ...]]
]
SMALL = 32**3  # multiply-adds below which an integer product gains nothing from BLAS


class Fold(NamedTuple):
    """How two shapes become one matrix product; None stands for 'as it is'."""

    lhs_order: tuple[int, ...] | None
    lhs_shape: tuple[int, ...] | None
    rhs_order: tuple[int, ...] | None
    rhs_shape: tuple[int, ...] | None
    out_shape: tuple[int, ...] | None
    contracts: bool
    folded: tuple[int, ...]  # the product's own shape


def dot_general(
    lhs: np.ndarray,
    rhs: np.ndarray,
    *,
    dimension_numbers: DimensionNumbers,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> np.ndarray:
    """lax.dot_general. `precision` and `out_sharding` have no meaning on one CPU."""
    fold = fold_of(lhs.shape, rhs.shape, dimension_numbers)
    dtype = lhs.dtype
    plain = preferred_element_type is None or preferred_element_type == dtype
    if plain and dtype.char in BLAS and dtype == rhs.dtype:
        return quietly(_dot, lhs, rhs) if fold is None else _apply(fold, lhs, rhs)
    result = np.dtype(preferred_element_type or higher_precision(dtype, rhs.dtype))
    work = working_dtype(result)
    out = _apply(fold, lhs.astype(work, copy=False), rhs.astype(work, copy=False))
    return quietly(out.astype, result)


def spelled(
    lhs: str, rhs: str, lhs_shape: tuple, rhs_shape: tuple, dimension_numbers: DimensionNumbers
) -> str | None:
    """`dot_general` of two variables of one of BLAS's dtypes as an expression that plans nothing
    when it is run; None for batches, which are more than one call."""
    if dimension_numbers[1][0]:
        return None
    fold = fold_of(lhs_shape, rhs_shape, dimension_numbers)
    if fold is None:
        return f"{lhs}.dot({rhs})"
    a = _viewed(lhs, fold.lhs_order, fold.lhs_shape)
    b = _viewed(rhs, fold.rhs_order, fold.rhs_shape)
    return _viewed(f"{a}.dot({b})" if fold.contracts else f"np.multiply({a}, {b})", None,
                   fold.out_shape)  # fmt: skip


def _viewed(x: str, order: tuple | None, shape: tuple | None) -> str:
    transposed = x if order is None else f"{x}.transpose({order})"
    return transposed if shape is None else f"{transposed}.reshape({shape})"


def _apply(fold: Fold | None, lhs: np.ndarray, rhs: np.ndarray) -> np.ndarray:
    if fold is None:
        return product(lhs, rhs)
    lhs_order, lhs_shape, rhs_order, rhs_shape, out_shape, contracts, _ = fold
    if lhs_order is not None:
        lhs = lhs.transpose(lhs_order)
    if lhs_shape is not None:
        lhs = lhs.reshape(lhs_shape)
    if rhs_order is not None:
        rhs = rhs.transpose(rhs_order)
    if rhs_shape is not None:
        rhs = rhs.reshape(rhs_shape)
    out = product(lhs, rhs) if contracts else quietly(np.multiply, lhs, rhs)
    return out if out_shape is None else out.reshape(out_shape)


@functools.lru_cache(maxsize=4096)
def fold_of(lhs_shape: tuple, rhs_shape: tuple, dimension_numbers: DimensionNumbers) -> Fold | None:
    """The plan for these shapes; None for a plain product of two matrices."""
    (lhs_contract, rhs_contract), (lhs_batch, rhs_batch) = dimension_numbers
    # The pairs of contracting axes may be taken in any order. In the order of the larger operand's
    # memory its axes merge without a copy.
    larger = lhs_contract if math.prod(lhs_shape) >= math.prod(rhs_shape) else rhs_contract
    pairs = sorted(range(len(larger)), key=larger.__getitem__)
    lhs_contract = tuple(lhs_contract[i] for i in pairs)
    rhs_contract = tuple(rhs_contract[i] for i in pairs)
    lhs_free = [i for i in range(len(lhs_shape)) if i not in {*lhs_contract, *lhs_batch}]
    rhs_free = [i for i in range(len(rhs_shape)) if i not in {*rhs_contract, *rhs_batch}]
    batch, m, n = (
        tuple(shape[i] for i in axes)
        for shape, axes in ((lhs_shape, lhs_batch), (lhs_shape, lhs_free), (rhs_shape, rhs_free))
    )
    k = math.prod(lhs_shape[i] for i in lhs_contract)
    # A vector is left a vector, unless both are, as then no array would be left: BLAS has a faster
    # routine for it.
    contracts = bool(lhs_contract)
    vector = not batch and not n
    row = contracts and not batch and not m and bool(n)
    lhs_folded = (k,) if row else (*batch, math.prod(m), k)
    rhs_folded = (k,) if vector else (*batch, k, math.prod(n))
    folded = (*batch, *([] if row else [math.prod(m)]), *([] if vector else [math.prod(n)]))
    if vector and not contracts:
        folded = lhs_folded  # multiplied elementwise, [m, 1] by [1] stays [m, 1]
    lhs_order, lhs_target = _unless_same(
        lhs_shape, [*lhs_batch, *lhs_free, *lhs_contract], lhs_folded
    )
    rhs_order, rhs_target = _unless_same(
        rhs_shape, [*rhs_batch, *rhs_contract, *rhs_free], rhs_folded
    )
    fold = Fold(
        lhs_order,
        lhs_target,
        rhs_order,
        rhs_target,
        None if folded == (*batch, *m, *n) else (*batch, *m, *n),
        contracts,
        folded,
    )
    plain = len(lhs_shape) == 2 and fold == (None, None, None, None, None, True, folded)
    return None if plain else fold


def _unless_same(
    shape: tuple, order: list[int], folded: tuple
) -> tuple[tuple | None, tuple | None]:
    ordered = tuple(shape[i] for i in order)
    return (
        None if order == list(range(len(order))) else tuple(order),
        None if ordered == folded else folded,
    )


# -- products of matrices of one dtype


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b for a [..., m, k] and b [..., k, n], in their dtype; a may be [k], and so may b if a
    has no more than two axes."""
    if a.dtype.char not in BLAS:
        return _exact_product(a, b)
    if a.ndim <= 2:
        return quietly(_dot, a, b)  # spares the dispatch of the ufunc np.matmul
    if a.shape[-2] == 1 == b.shape[-1] and a.dtype.kind == "f":
        return quietly(np.vecdot, a, b.swapaxes(-1, -2))[..., None]
    return quietly(np.matmul, a, b)


def _exact_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Booleans and integers: through BLAS where its floats hold every partial sum exactly."""
    terms = a.shape[-1]
    if a.size * b.shape[-1] <= SMALL:
        return np.matmul(a, b)
    if a.dtype == bool:
        return product(a.astype(np.float32), b.astype(np.float32)) > 0
    bound = terms * _largest(a) * _largest(b)
    if bound >= 2**53:
        return np.matmul(a, b)
    exact = np.float32 if bound < 2**24 else np.float64
    # By way of int64, which holds every sum: the last conversion then wraps, as integers do.
    return product(a.astype(exact), b.astype(exact)).astype(np.int64).astype(a.dtype)


def _largest(x: np.ndarray) -> int:
    return max(int(x.max()), -int(x.min()))


# -- dtypes


def working_dtype(dtype: np.dtype) -> np.dtype:
    """The dtype to accumulate in: short floats in float32, rounded once; sub-byte ints in int32."""
    if dtype.char in BLAS or dtype.kind in "biu":
        return dtype
    return np.dtype(np.float32 if is_float(dtype) else np.int32)


@functools.cache
def higher_precision(a: np.dtype, b: np.dtype) -> np.dtype:
    """XLA's choice for two dtypes: complex, then range, mantissa, width and sign decide."""

    def rank(dtype: np.dtype) -> tuple:
        if is_float(dtype):
            floats = ml_dtypes.finfo(dtype)
            return dtype.kind == "c", floats.maxexp, floats.nmant, floats.bits, True
        if dtype.kind == "b":
            return False, -1, -1, 1, True
        integers = ml_dtypes.iinfo(dtype)
        return False, -1, -1, integers.bits, integers.min < 0

    return max(a, b, key=rank)


def is_float(dtype: np.dtype) -> bool:
    if dtype.kind in "fc":
        return True
    try:
        ml_dtypes.finfo(dtype)
    except ValueError:
        return False
    return True
