"""`jax.scipy.ndimage`: the values of an array between its elements.

Read next: `scipy/interpolate.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.params import RoundingMethod
from scratchfn.lax.elementwise import round as lax_round
from scratchfn.numpy.comparison import choose, greater_equal, less, logical_and
from scratchfn.numpy.conversion import asarray
from scratchfn.numpy.elementwise import floor
from scratchfn.numpy.promotion import operand, promote_dtypes_inexact
from scratchfn.numpy.ufuncs import (
    absolute,
    add,
    clip,
    floor_divide,
    multiply,
    remainder,
    subtract,
)
from scratchfn.primitives.convert import convert_element_type

__all__ = ["map_coordinates"]

# mode -> the place inside 0 ... n - 1 that a place stands for


def _mirror(i: Any, n: int) -> Any:
    """c b | a b c | b a: the edge itself is not repeated."""
    last = n - 1
    return (
        subtract(last, absolute(subtract(remainder(i, max(2 * last, 1)), last))) if last else 0 * i
    )


_PLACES: dict[str, Callable[[Any, int], Any]] = {
    "constant": lambda i, n: i,
    "nearest": lambda i, n: clip(i, 0, n - 1),
    "wrap": remainder,
    "mirror": _mirror,
    "reflect": lambda i, n: floor_divide(_mirror(add(multiply(i, 2), 1), 2 * n + 1), 2),
}


def map_coordinates(
    input: Any, coordinates: Sequence[Any], order: int, mode: str = "constant", cval: Any = 0.0
) -> Any:
    """The values of an array at places between its elements.

    Args:
      coordinates: for each axis of `input` an array of places, all of one shape, the result's.
      order: 1 for the straight line between neighbours, 0 for the nearest one.
      mode: what is outside: "constant" for `cval`, "nearest" for the edge, "wrap" for the array
        again, "mirror" and "reflect" for the array backwards, without and with its edge repeated.

    Raises ValueError unless each axis has its coordinates, NotImplementedError for another order or
    mode.
    """
    x = operand("scipy.ndimage.map_coordinates", asarray(input))
    places = [asarray(places) for places in coordinates]
    if len(places) != x.ndim:
        why, write = "each axis has its coordinates", "map_coordinates(x, [rows, columns], 1)"
        found = f"{len(places)} arrays of coordinates for {x.aval}"
        raise ValueError(errors.explain("map_coordinates", found, why, write))
    if order not in (0, 1) or mode not in _PLACES:
        why = f"order is 0 or 1, and mode one of {', '.join(_PLACES)}"
        found, write = f"order={order}, mode={mode!r}", 'map_coordinates(x, places, 1, "nearest")'
        raise NotImplementedError(errors.explain("map_coordinates", found, why, write))
    outside = asarray(cval, x.dtype)
    sides = (
        [_neighbours(place, order) for place in promote_dtypes_inexact(*places)] if places else []
    )
    total: Any = None
    for corner in itertools.product(*sides):
        inside: Any = True
        index = []
        for (place, _), n in zip(corner, x.shape):
            if mode == "constant":
                inside = logical_and(inside, logical_and(greater_equal(place, 0), less(place, n)))
            index.append(_PLACES[mode](place, n))
        value = x[tuple(index)]
        value = choose(inside, value, outside) if mode == "constant" and places else value
        for _, weight in corner:
            value = value if weight is None else multiply(value, weight)
        total = value if total is None else add(total, value)
    return _rounded(total, x.dtype)


def _neighbours(place: Any, order: int) -> list[tuple[Any, Any]]:
    """The elements that count at each place of an axis, and their weights."""
    if order == 0:
        return [(convert_element_type(_nearest(place), dtypes.int32), None)]
    below = floor(place)
    weight = subtract(place, below)
    below = convert_element_type(below, dtypes.int32)
    return [(below, subtract(1, weight)), (add(below, 1), weight)]


def _nearest(x: Any) -> Any:
    return lax_round(x, RoundingMethod.AWAY_FROM_ZERO)


def _rounded(x: Any, dtype: Any) -> Any:
    whole = dtypes.kind(dtype) in "iu" and dtypes.kind(x.dtype) == "f"
    return convert_element_type(_nearest(x) if whole else x, dtype)
