"""partition and argpartition: the smallest elements first, without more order than is asked for.

They are sorts here: what is left of `kth` comes in rising order. What is right of it is in the
order that JAX has it in: falling values, or rising places.

Read next: `numpy/searching.py`.
"""

from __future__ import annotations

import operator
from typing import Any

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.numpy.arguments import axis_of, known
from scratchfn.numpy.manipulation import flip, slice_along
from scratchfn.numpy.promotion import operand
from scratchfn.primitives import sorting
from scratchfn.primitives.joining import concatenate
from scratchfn.primitives.structural import iota


def partition(a: Any, kth: int, axis: int = -1) -> Any:
    """`a` with its element of rank `kth` along an axis in the place that it has in sorted order,
    smaller ones before it, greater ones after it, nan last.

    Raises TypeError for booleans, NotImplementedError for complex numbers.
    """
    x, kth, axis = _arguments("partition", a, kth, axis)
    (x,) = sorting.sort([x], axis)
    return _joined(x, kth, axis, flip(_after(x, kth, axis), axis))


def argpartition(a: Any, kth: int, axis: int = -1) -> Any:
    """The places, int32, of the elements of `partition(a, kth, axis)`, those after `kth` in rising
    order."""
    x, kth, axis = _arguments("argpartition", a, kth, axis)
    _, places = sorting.sort([x, iota(dtypes.int32, x.shape, axis)], axis)
    (rest,) = sorting.sort([_after(places, kth, axis)], axis)
    return _joined(places, kth, axis, rest)


def _arguments(name: str, a: Any, kth: int, axis: int) -> tuple[Any, int, int]:
    x = operand(name, a)
    axis = axis_of(name, axis, x.ndim)
    place = operator.index(known(name, "kth", kth))
    kind = dtypes.kind(x.dtype)
    if kind in "bc":
        error = TypeError if kind == "b" else NotImplementedError
        why = "it orders integers and real numbers"
        raise error(errors.explain(f"jnp.{name}", f"x of type {x.aval}", why, "jnp.sort(x)"))
    return x, axis_of(f"{name} at kth, and kth", place, x.shape[axis]), axis


def _after(x: Any, kth: int, axis: int) -> Any:
    return slice_along(x, kth + 1, x.shape[axis], axis)


def _joined(x: Any, kth: int, axis: int, rest: Any) -> Any:
    return concatenate([slice_along(x, 0, kth + 1, axis), rest], axis)
