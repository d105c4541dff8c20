"""Counting: how often each integer occurs, and how many numbers fall between edges.

Read next: `numpy/statistics.py`.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.numpy.arguments import known, placed, scalar
from scratchfn.numpy.at import IndexHelper
from scratchfn.numpy.bisection import count_before
from scratchfn.numpy.comparison import choose, equal, greater_equal
from scratchfn.numpy.indexing import take
from scratchfn.numpy.manipulation import flip, ravel, slice_along
from scratchfn.numpy.promotion import cast, operand, promote_dtypes, promote_dtypes_inexact
from scratchfn.numpy.ranges import linspace
from scratchfn.numpy.reductions import max, min, sum
from scratchfn.numpy.searching import searchsorted
from scratchfn.numpy.ufuncs import add, divide, maximum, subtract
from scratchfn.primitives import base


def bincount(
    x: Any, weights: Any = None, minlength: int = 0, *, length: int | None = None,
    out_sharding: Any = None,
) -> Any:  # fmt: skip
    """How often each integer from 0 on occurs in the vector `x`, or the sum of its `weights`.

    Args:
      length: the length of the result, which a program has to know. Greater integers do not count;
        negative ones count as 0.
    """
    x = operand("bincount", x)
    if x.dtype == dtypes.bool_:
        x = cast(x, dtypes.int32)
    if dtypes.kind(x.dtype) not in "iu":
        raise TypeError(_explain_bincount(x, "only integers number the places of the result"))
    if x.ndim != 1:
        raise ValueError(_explain_bincount(x, "it counts the elements of one vector"))
    if length is None:
        numbers = np.asarray(known("bincount", "x (without length)", x))
        length = int(numbers.max(initial=-1)) + 1
        length = length if length > minlength else operator.index(minlength)
    if weights is None:
        weights = scalar(1, dtypes.default_dtype("i"))
    else:
        weights = operand("bincount", weights, 1)
        if weights.shape != x.shape:
            raise ValueError(_explain_bincount(x, f"the weights have shape {weights.shape}"))
    counts = base.full((length,), 0, weights.dtype)
    return placed(IndexHelper(counts)[maximum(x, 0)].add(weights, mode="drop"), out_sharding)


def _explain_bincount(x: Any, why: str) -> str:
    return errors.explain(
        "jnp.bincount", f"x of type {x.aval}", why, "jnp.bincount(x.astype(int).ravel(), length=n)"
    )


def digitize(x: Any, bins: Any, right: bool = False, *, method: str | None = None) -> Any:
    """Which of the intervals between the sorted edges `bins` each number lies in: 0 before the
    first edge. An edge belongs to the interval after it; to the one before it, if `right`."""
    x, bins = promote_dtypes(operand("digitize", x), operand("digitize", bins, 1))
    n = bins.size
    if bins.ndim != 1:
        raise ValueError(
            errors.explain(
                "jnp.digitize", f"bins of type {bins.aval}",
                "edges are one vector, sorted up or down",
                "jnp.digitize(x, jnp.sort(bins.ravel()))",
            )
        )  # fmt: skip
    if n == 0:
        return base.full(x.shape, 0, dtypes.int32)
    side = "left" if right else "right"
    rising = greater_equal(take(bins, n - 1), take(bins, 0))
    up = count_before(bins, x, side)
    down = subtract(scalar(n, dtypes.int32), count_before(flip(bins), x, side))
    return choose(rising, up, down)


def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """The edges of `bins` intervals of one width, from the least to the greatest element or over
    `range`; edges that are given are returned."""
    (a,) = promote_dtypes_inexact(operand("histogram_bin_edges", a))
    edges = operand("histogram_bin_edges", bins, 1)
    if edges.ndim == 1:
        return cast(edges, a.dtype)
    count = operator.index(known("histogram_bin_edges", "the number of bins", bins))
    if range is None:
        low, high = min(a), max(a)
    else:
        low, high = (cast(operand("histogram_bin_edges", end), a.dtype) for end in range)
    single = equal(subtract(high, low), 0)
    low = choose(single, subtract(low, 0.5), low)
    high = choose(single, add(high, 0.5), high)
    return linspace(low, high, count + 1, dtype=a.dtype)


def histogram(
    a: Any, bins: Any = 10, range: Any = None, weights: Any = None, density: bool | None = None
) -> tuple[Any, Any]:
    """How many elements, or what sum of their `weights`, lie in each interval; and the edges.

    The last interval has both its edges. With `density`, the area under the result is 1.
    """
    (x,) = promote_dtypes_inexact(ravel(operand("histogram", a)))
    if weights is None:
        weights = base.full(x.shape, 1, x.dtype)
    else:
        x, weights = promote_dtypes_inexact(x, ravel(operand("histogram", weights, 3)))
    if x.shape != weights.shape:
        raise ValueError(
            errors.explain(
                "jnp.histogram", f"{x.size} elements and {weights.size} weights",
                "each element has a weight", "jnp.histogram(x, weights=jnp.ones_like(x))",
            )
        )  # fmt: skip
    edges = histogram_bin_edges(x, bins, range, weights)
    n = edges.size
    places = searchsorted(edges, x, side="right")
    last = equal(x, take(edges, n - 1))
    places = choose(last, scalar(n - 1, places.dtype), places)
    counts = IndexHelper(base.full((n,), 0, weights.dtype))[places].add(weights)
    counts = slice_along(counts, 1, n, 0)
    if density:
        widths = subtract(slice_along(edges, 1, n, 0), slice_along(edges, 0, n - 1, 0))
        counts = divide(divide(counts, widths), sum(counts))
    return counts, edges
