"""lax functions that reduce along axes, and those that keep every step of it.

Axes are counted from 0 and never from the end. Nothing is promoted: the result has the operand's
dtype, and what the operation is not defined for is a TypeError.

Read next: `transforms/reduce.py`, for reductions by a computation of the user's.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from scratchfn import tree
from scratchfn.core import dtypes
from scratchfn.core.array import as_value
from scratchfn.core.trace import Primitive
from scratchfn.lax.structural import as_shape
from scratchfn.primitives import cumulative, reduction
from scratchfn.primitives.base import reduce_sum_p
from scratchfn.transforms import reduce as reduce_by


def reduce_sum(operand: Any, axes: Sequence[int], *, out_sharding: Any = None) -> Any:
    """The sum over `axes`, for numbers; 0 where nothing is summed."""
    x, axes = as_value(operand), as_shape("lax.reduce_sum", axes)
    reduction.require_axes("lax.reduce_sum", x.aval, axes)
    return reduce_sum_p.bind(x, axes=axes, out_sharding=None)


def reduce_prod(operand: Any, axes: Sequence[int]) -> Any:
    """The product over `axes`, for numbers; 1 where nothing is multiplied."""
    return _reduce(reduction.reduce_prod_p, operand, axes)


def reduce_max(operand: Any, axes: Sequence[int]) -> Any:
    """The greatest over `axes`, nan if there is one; -inf or the least integer over none. Complex
    numbers are ordered by real part, then by imaginary part."""
    return _reduce(reduction.reduce_max_p, operand, axes)


def reduce_min(operand: Any, axes: Sequence[int]) -> Any:
    """The least over `axes`, nan if there is one; inf or the greatest integer over none."""
    return _reduce(reduction.reduce_min_p, operand, axes)


def reduce_and(operand: Any, axes: Sequence[int]) -> Any:
    """Whether all are true over `axes`; for integers bit by bit."""
    return _reduce(reduction.reduce_and_p, operand, axes)


def reduce_or(operand: Any, axes: Sequence[int]) -> Any:
    """Whether any is true over `axes`; for integers bit by bit."""
    return _reduce(reduction.reduce_or_p, operand, axes)


def reduce_xor(operand: Any, axes: Sequence[int]) -> Any:
    """Whether an odd number are true over `axes`; for integers bit by bit."""
    return _reduce(reduction.reduce_xor_p, operand, axes)


def _reduce(prim: Primitive, operand: Any, axes: Sequence[int]) -> Any:
    return prim.bind(as_value(operand), axes=as_shape(f"lax.{prim.name}", axes))


def reduce(
    operands: Any,
    init_values: Any,
    computation: Callable[[Any, Any], Any],
    dimensions: Sequence[int],
    out_sharding: Any = None,
) -> Any:
    """Combines all elements along `dimensions`, and the init value, by
    `computation(accumulated, element)`.

    `operands` is an array or a pytree of arrays of one shape, reduced together; `init_values` is
    one of scalars. The computation, of scalars, must be associative: elements are combined in
    order, but grouped in any way. A sum, product, max, min or bitwise operation that starts from
    its identity becomes the primitive of that name. Raises ValueError where the trees or dtypes do
    not match.
    """
    flat, structure = tree.flatten(operands)
    inits, init_structure = tree.flatten(init_values)
    reduce_by.require_same_structure("lax.reduce", structure, init_structure)
    xs = list(map(as_value, flat))
    starts = list(map(as_value, inits))
    program = reduce_by.stage_computation("lax.reduce", computation, starts, structure)
    axes = as_shape("lax.reduce", dimensions)
    outs = reduce_by.reduce(xs, starts, computation, program, axes)
    return tree.unflatten(structure, outs)


# -- positions ------------------------------------------------------------------------------------


def argmax(operand: Any, axis: int, index_dtype: Any) -> Any:
    """Where along `axis` the greatest element stands, in an integer dtype: the first of several,
    nan before all. Raises ValueError for an axis of no elements."""
    return _position(reduction.argmax_p, operand, axis, index_dtype)


def argmin(operand: Any, axis: int, index_dtype: Any) -> Any:
    """Where along `axis` the least element stands, in an integer dtype: the first of several, nan
    before all. Raises ValueError for an axis of no elements."""
    return _position(reduction.argmin_p, operand, axis, index_dtype)


def _position(prim: Primitive, operand: Any, axis: int, index_dtype: Any) -> Any:
    dtype = dtypes.explicit_dtype(index_dtype, prim.name)
    return prim.bind(as_value(operand), axes=(operator.index(axis),), index_dtype=dtype)


# -- running reductions ---------------------------------------------------------------------------


def cumsum(operand: Any, axis: int = 0, reverse: bool = False) -> Any:
    """The sums of all elements up to each along `axis`, or from each on if `reverse`."""
    return _running(cumulative.cumsum_p, operand, axis, reverse)


def cumprod(operand: Any, axis: int = 0, reverse: bool = False) -> Any:
    """The products of all elements up to each along `axis`, or from each on if `reverse`."""
    return _running(cumulative.cumprod_p, operand, axis, reverse)


def cummax(operand: Any, axis: int = 0, reverse: bool = False) -> Any:
    """The greatest of all elements up to each along `axis`, or from each on if `reverse`."""
    return _running(cumulative.cummax_p, operand, axis, reverse)


def cummin(operand: Any, axis: int = 0, reverse: bool = False) -> Any:
    """The least of all elements up to each along `axis`, or from each on if `reverse`."""
    return _running(cumulative.cummin_p, operand, axis, reverse)


def cumlogsumexp(operand: Any, axis: int = 0, reverse: bool = False) -> Any:
    """log of the sum of e^x over all elements up to each along `axis`, or from each on if
    `reverse`; without overflow, for floating point and complex numbers."""
    return _running(cumulative.cumlogsumexp_p, operand, axis, reverse)


def _running(prim: Primitive, operand: Any, axis: int, reverse: bool) -> Any:
    return prim.bind(as_value(operand), axis=operator.index(axis), reverse=bool(reverse))
