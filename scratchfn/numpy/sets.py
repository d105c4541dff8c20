"""Arrays as sets: their distinct elements, and membership.

How many elements are distinct depends on their values, so inside a program `size` says how long
the result is; what is missing is filled up, by the least element unless `fill_value` is given.

Read next: `numpy/histograms.py`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from scratchfn.core import dtypes
from scratchfn.numpy.arguments import axis_of
from scratchfn.numpy.bisection import count_before
from scratchfn.numpy.comparison import (
    choose,
    isnan,
    less,
    logical_and,
    logical_not,
    not_equal,
)
from scratchfn.numpy.conversion import asarray
from scratchfn.numpy.indexing import take
from scratchfn.numpy.joining import concatenate
from scratchfn.numpy.manipulation import ravel, reshape, slice_along
from scratchfn.numpy.promotion import operand, promote_dtypes
from scratchfn.numpy.reductions import any, cumsum, sum
from scratchfn.numpy.searching import argsort, length_of, nonzero, sort
from scratchfn.numpy.ufuncs import subtract
from scratchfn.primitives import base, sorting
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.joining import unstack
from scratchfn.primitives.structural import iota


def unique(
    ar: Any, return_index: bool = False, return_inverse: bool = False,
    return_counts: bool = False, axis: int | None = None, *, equal_nan: bool = True,
    size: int | None = None, fill_value: Any = None, sorted: bool = True,
) -> Any:  # fmt: skip
    """The distinct elements in rising order; along an axis, its distinct entries.

    Args:
      return_index: returns where each first occurs as well.
      return_inverse: returns which of the distinct elements each element is.
      return_counts: returns how often each occurs.
      equal_nan: whether all nan are one element.
      size: the length of the result, which a program has to know.
    """
    x = operand("unique", ar)
    shape = x.shape
    if axis is None:
        x, place = ravel(x), 0
    else:
        place = axis_of("unique", axis, x.ndim)
    rows = base.move_axis(x, place, 0)
    ordered, order, first = _sorted_rows(rows, equal_nan)
    found = sum(first, dtype=dtypes.int32)
    size = length_of("unique", found, size)
    n = rows.shape[0]
    starts = nonzero(first, size=size)[0] if n else base.full((size,), 0, order.dtype)
    distinct = take(ordered, starts, 0) if n else ordered
    if fill_value is not None:
        distinct = _fill(distinct, found, size, fill_value)
    results = [base.move_axis(distinct, 0, place)]
    if return_index:
        results.append(take(order, starts) if n else starts)
    if return_inverse:
        ranks = subtract(cumsum(convert_element_type(first, order.dtype)), 1)
        inverse = take(ranks, argsort(order)) if n else ranks
        results.append(reshape(inverse, shape) if axis is None else inverse)
    if return_counts:
        ends = nonzero(first, size=size + 1, fill_value=n)[0]
        ends = subtract(slice_along(ends, 1, size + 1, 0), slice_along(ends, 0, size, 0))
        results.append(ends)
    return results[0] if len(results) == 1 else tuple(results)


def _sorted_rows(rows: Any, equal_nan: bool) -> tuple[Any, Any, Any]:
    """Rows [n, ...] in order, their places before, and which of them differ from the row above."""
    n = rows.shape[0]
    places = iota(dtypes.default_dtype("i"), (n,))
    flat = base.reshape(rows, (n, rows.size // n if n else 0))
    columns = unstack(flat, 1)
    if columns:
        order = sorting.sort([*columns, places], 0, len(columns))[-1]
    else:
        order = places
    ordered = take(rows, order, 0) if n else rows
    if n == 0:
        return ordered, order, base.full((0,), False, dtypes.bool_)
    above, below = slice_along(ordered, 0, n - 1, 0), slice_along(ordered, 1, n, 0)
    new = not_equal(below, above)
    if equal_nan and dtypes.kind(rows.dtype) in "fc":
        new = logical_and(new, logical_not(logical_and(isnan(below), isnan(above))))
    changed = any(new, tuple(range(1, new.ndim)))
    return ordered, order, concatenate([base.full((1,), True, dtypes.bool_), changed])


def _fill(distinct: Any, found: Any, size: int, fill_value: Any) -> Any:
    valid = base.expand_dims(less(iota(dtypes.int32, (size,)), found), range(1, distinct.ndim))
    fill = convert_element_type(asarray(fill_value), distinct.dtype)
    if distinct.shape[0] == size:
        return choose(valid, distinct, fill)
    return base.broadcast_in_dim(fill, (size, *distinct.shape[1:]), ())


class UniqueAll(NamedTuple):
    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


class UniqueCounts(NamedTuple):
    values: Any
    counts: Any


class UniqueInverse(NamedTuple):
    values: Any
    inverse_indices: Any


def unique_all(x: Any, /, *, size: int | None = None, fill_value: Any = None) -> UniqueAll:
    """The distinct elements, where each first occurs, which each element is, and the counts."""
    return UniqueAll(
        *unique(x, True, True, True, equal_nan=False, size=size, fill_value=fill_value)
    )


def unique_counts(x: Any, /, *, size: int | None = None, fill_value: Any = None) -> UniqueCounts:
    """The distinct elements and how often each occurs."""
    return UniqueCounts(
        *unique(x, return_counts=True, equal_nan=False, size=size, fill_value=fill_value)
    )


def unique_inverse(x: Any, /, *, size: int | None = None, fill_value: Any = None) -> UniqueInverse:
    """The distinct elements and which of them each element is."""
    return UniqueInverse(
        *unique(x, return_inverse=True, equal_nan=False, size=size, fill_value=fill_value)
    )


def unique_values(x: Any, /, *, size: int | None = None, fill_value: Any = None) -> Any:
    """The distinct elements."""
    return unique(x, equal_nan=False, size=size, fill_value=fill_value)


# -- membership -----------------------------------------------------------------------------------


def isin(
    element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, *,
    method: str = "auto",
) -> Any:  # fmt: skip
    """Which elements are among `test_elements` (are not, if `invert`)? JAX's names of methods are
    accepted; there is one, binary search."""
    x, among = operand("isin", element), operand("isin", test_elements, 1)
    x, among = promote_dtypes(x, ravel(among))
    if among.size == 0:
        return base.full(x.shape, invert, dtypes.bool_)
    among = sort(among)
    found = take(among, count_before(among, x, "left"), mode="clip")
    differs = convert_element_type(not_equal(found, x), dtypes.bool_)
    return differs if invert else logical_not(differs)


def union1d(ar1: Any, ar2: Any, *, size: int | None = None, fill_value: Any = None) -> Any:
    """The distinct elements of both arrays."""
    both = concatenate([ar1, ar2], None)
    return unique(both, size=size, fill_value=fill_value)


def intersect1d(
    ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False, *,
    size: int | None = None, fill_value: Any = None,
) -> Any:  # fmt: skip
    """The distinct elements that both arrays have, in rising order.

    Args:
      assume_unique: accepted, and makes nothing quicker.
      return_indices: returns where each first occurs in either array as well; where there is none,
        the size of the array.
      size: the length of the result, which a program has to know. What it lacks is filled up.
      fill_value: what with; by default the least of the elements.
    """
    a, b = promote_dtypes(operand("intersect1d", ar1), operand("intersect1d", ar2, 1))
    ordered, order, first = _sorted_rows(ravel(a), True)
    kept, where, found = _kept(
        "intersect1d", ordered, logical_and(first, isin(ordered, b)), size, fill_value
    )
    if not return_indices:
        return kept
    sorted_b, order_b, _ = _sorted_rows(ravel(b), True)
    in_b = take(order_b, count_before(sorted_b, take(ordered, where), "left"), mode="clip")
    places = zip((take(order, where), in_b), (a.size, b.size))
    return kept, *[_fill(place, found, kept.size, none) for place, none in places]


def setdiff1d(
    ar1: Any, ar2: Any, assume_unique: bool = False, *, size: int | None = None,
    fill_value: Any = None,
) -> Any:  # fmt: skip
    """The distinct elements of the first array that the second lacks, in rising order; in their own
    if `assume_unique`. Filled up to `size` with `fill_value`, by default 0."""
    a, b = operand("setdiff1d", ar1), operand("setdiff1d", ar2, 1)
    a = ravel(a)
    if assume_unique:
        missing = isin(a, b, invert=True)
    else:
        a, missing = _distinct_besides(a, b)
    kept = _kept("setdiff1d", a, missing, size, 0 if fill_value is None else fill_value)[0]
    return convert_element_type(kept, a.dtype, a.weak_type)


def setxor1d(
    ar1: Any, ar2: Any, assume_unique: bool = False, *, size: int | None = None,
    fill_value: Any = None,
) -> Any:  # fmt: skip
    """The distinct elements that one of the arrays has and the other lacks, in rising order. Filled
    up to `size` with `fill_value`, by default the least of them."""
    a, b = promote_dtypes(operand("setxor1d", ar1), operand("setxor1d", ar2, 1))
    a, b = ravel(a), ravel(b)
    parts = zip(_distinct_besides(a, b), _distinct_besides(b, a))
    values, once = (concatenate(list(pair)) for pair in parts)
    order = argsort(values)
    return _kept("setxor1d", take(values, order), take(once, order), size, fill_value)[0]


def _distinct_besides(a: Any, b: Any) -> tuple[Any, Any]:
    """The elements of `a` in rising order, and where one is the first of its kind and `b` lacks it,
    as it lacks nan."""
    ordered, _, first = _sorted_rows(a, True)
    return ordered, logical_and(first, isin(ordered, b, invert=True))


def _kept(name: str, x: Any, mask: Any, size: int | None, fill_value: Any) -> tuple[Any, Any, Any]:
    """The elements where the mask holds, their places, and how many there are. Filled up to `size`
    with `fill_value`, or with the first of them."""
    weak = x.weak_type and size is None
    found = sum(mask, dtype=dtypes.int32)
    size = length_of(name, found, size)
    if not x.size:
        places = base.full((size,), 0, dtypes.int32)
        return base.full((size,), fill_value or 0, x.dtype, weak), places, found
    where = nonzero(mask, size=size)[0]
    kept = convert_element_type(take(x, where), x.dtype, weak)
    if not size or weak:
        return kept, where, found
    if fill_value is None:
        fill_value = choose(less(0, found), kept[0], 0)
    return _fill(kept, found, size, fill_value), where, found
