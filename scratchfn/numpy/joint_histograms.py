"""Histograms of points: how many of them lie in each cell of a grid.

Read next: `numpy/histograms.py`.
"""

from __future__ import annotations

import math
from typing import Any

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.numpy.arguments import scalar
from scratchfn.numpy.calculus import diff
from scratchfn.numpy.comparison import choose, equal
from scratchfn.numpy.histograms import bincount, histogram_bin_edges
from scratchfn.numpy.indexing import take
from scratchfn.numpy.joining import stack
from scratchfn.numpy.manipulation import slice_along
from scratchfn.numpy.promotion import operand, promote_dtypes, promote_dtypes_inexact
from scratchfn.numpy.searching import searchsorted
from scratchfn.numpy.totals import sum
from scratchfn.numpy.ufuncs import add, divide, multiply
from scratchfn.primitives import base


def histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Any = None, weights: Any = None,
    density: bool | None = None,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """(counts, edges of x, edges of y) of the points (x, y): see `histogramdd`. A vector of three
    edges or more is for both axes."""
    x, y = promote_dtypes(operand("histogram2d", x), operand("histogram2d", y, 1))
    if x.ndim != 1 or x.shape != y.shape:
        why, write = "each point has an x and a y", "jnp.histogram2d(x.ravel(), y.ravel())"
        found = f"types {x.aval} and {y.aval}"
        error = ValueError if x.shape == y.shape else TypeError
        raise error(errors.explain("jnp.histogram2d", found, why, write))
    if hasattr(bins, "__len__") and len(bins) not in (1, 2):
        bins = [bins, bins]
    counts, (x_edges, y_edges) = histogramdd(stack([x, y], 1), bins, range, weights, density)
    return counts, x_edges, y_edges


def histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, weights: Any = None,
    density: bool | None = None,
) -> tuple[Any, list[Any]]:  # fmt: skip
    """(counts, list of edges): how many points, or what sum of their `weights`, lie in each cell of
    a grid. Points on its far borders count, those outside do not.

    Args:
      sample: [n, d], a point a row.
      bins: the number of intervals, or a sequence of d such numbers or vectors of edges.
      range: for each axis its (first, last) edge, or None for those of the points.
      density: whether to make the integral of the result 1.
    """
    (points,) = promote_dtypes_inexact(operand("histogramdd", sample))
    if points.ndim != 2:
        raise _wrong(points, "a point is a row of a matrix", "jnp.histogramdd(x[:, None])")
    if weights is not None:
        weights = operand("histogramdd", weights, 3)
        if weights.shape != points.shape[:1]:
            why = f"each point has one weight, and they are of type {weights.aval}"
            raise _wrong(points, why, "weights=jnp.ones(len(sample))")
    edges = _edges(points, bins, range)
    shape = [each.size + 1 for each in edges]  # with a margin of cells all around
    cells = scalar(0, dtypes.default_dtype("i"))
    for i, each in enumerate(edges):
        x, last = take(points, i, 1), each.size - 1
        places = searchsorted(each, x, side="right")
        places = choose(equal(x, take(each, last)), scalar(last, places.dtype), places)
        cells = add(multiply(cells, shape[i]), places)
    counts = base.reshape(bincount(cells, weights, length=math.prod(shape)), shape)
    for i, size in enumerate(shape):
        counts = slice_along(counts, 1, size - 1, i)
    return (_density(counts, edges) if density else counts), edges


def _edges(points: Any, bins: Any, ranges: Any) -> list[Any]:
    """The edges along each axis."""
    d = points.shape[1]
    each_bins = bins if hasattr(bins, "__len__") else [bins] * d
    each_range = [None] * d if ranges is None else ranges
    if len(each_bins) != d or len(each_range) != d:
        why = f"there is one number of bins for all axes or one for each of the {d}; as for ranges"
        raise _wrong(points, why, "bins=(10, 20), range=((0, 1), None)")
    return [
        histogram_bin_edges(take(points, i, 1), b, r)
        for i, (b, r) in enumerate(zip(each_bins, each_range))
    ]


def _density(counts: Any, edges: list[Any]) -> Any:
    counts = divide(counts, sum(counts))
    for i, each in enumerate(edges):
        widths = diff(each)
        others = [axis for axis in range(counts.ndim) if axis != i]
        counts = divide(counts, base.expand_dims(widths, others))
    return counts


def _wrong(points: Any, why: str, write: str) -> ValueError:
    found = f"a sample of type {points.aval}"
    return ValueError(errors.explain("jnp.histogramdd", found, why, write))
