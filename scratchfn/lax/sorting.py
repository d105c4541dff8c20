"""lax functions that put elements in order.

Read next: `primitives/sorting.py`.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.array import as_value
from scratchfn.lax.structural import as_axis
from scratchfn.primitives import sorting
from scratchfn.primitives.convert import neg_p


def sort(
    operand: Any, dimension: int = -1, is_stable: bool = True, num_keys: int = 1
) -> Any | tuple[Any, ...]:
    """`operand` in rising order along an axis, nan last. A sequence of arrays of one shape is put
    into the order of its first `num_keys`, and returned as a tuple. Complex numbers are ordered by
    real part, then by imaginary part; equal elements keep their order.

    Raises TypeError for operands of different shapes, ValueError for an axis or `num_keys` that
    does not exist.
    """
    several = isinstance(operand, Sequence)
    xs = list(map(as_value, operand)) if several else [as_value(operand)]
    if not xs:
        found, why = "an empty sequence", "there is no array to sort"
        raise TypeError(errors.explain("lax.sort", found, why, "lax.sort(x) with an array x"))
    outs = sorting.sort_p.bind(
        *xs,
        dimension=as_axis("lax.sort", dimension, xs[0].ndim),
        is_stable=bool(is_stable),
        num_keys=operator.index(num_keys),
    )
    return tuple(outs) if several else outs[0]


def sort_key_val(
    keys: Any, values: Any, dimension: int = -1, is_stable: bool = True
) -> tuple[Any, Any]:
    """`keys` in rising order along an axis, and `values`, of the same shape, in the same order."""
    out_keys, out_values = sort((keys, values), dimension, is_stable)
    return out_keys, out_values


def top_k(operand: Any, k: int, *, axis: int = -1) -> list[Any]:
    """[values, positions]: the `k` greatest elements along an axis, greatest first, nan before all,
    and their places, int32; of equal elements the first comes first.

    Raises ValueError unless 0 <= k <= the axis's size, and for complex numbers.
    """
    x = as_value(operand)
    return sorting.top_k(x, operator.index(k), as_axis("lax.top_k", axis, x.ndim))


def approx_max_k(
    operand: Any,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
) -> list[Any]:
    """The `k` greatest floating point numbers along an axis, greatest first, and their positions.

    A TPU may miss some, in proportion to `recall_target`; here they are exact, and the last three
    arguments change nothing.
    """
    x, axis = _floating("lax.approx_max_k", operand, reduction_dimension)
    return sorting.top_k(x, operator.index(k), axis)


def approx_min_k(
    operand: Any,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
) -> list[Any]:
    """The `k` least floating point numbers along an axis, least first, and their positions; exact,
    as `approx_max_k` is."""
    x, axis = _floating("lax.approx_min_k", operand, reduction_dimension)
    values, positions = sorting.top_k(neg_p.bind(x), operator.index(k), axis)
    return [neg_p.bind(values), positions]


def _floating(asked: str, operand: Any, axis: int) -> tuple[Any, int]:
    """The operand as a value, and the axis counted from 0. Raises TypeError for a number, which has
    no axis, and ValueError for what is no array of floating point numbers."""
    x = as_value(operand)
    found = f"an operand of type {x.aval}"
    if not x.ndim:
        why = "the elements along an axis are compared"
        raise TypeError(errors.explain(asked, found, why, f"{asked}(x[None], 1)"))
    if dtypes.kind(x.dtype) != "f":
        why = "approximate search is for floating point numbers"
        write = "lax.top_k, which is exact for every type"
        raise ValueError(errors.explain(asked, found, why, write))
    return x, as_axis(asked, axis, x.ndim)
