"""The greatest and the least elements over axes, and where they are.

Read next: `numpy/running.py`.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.numpy.arguments import axes_of, axis_of, no_out
from scratchfn.numpy.promotion import operand
from scratchfn.numpy.totals import initial_of, reduce
from scratchfn.numpy.ufuncs import subtract
from scratchfn.primitives import base, reduction
from scratchfn.primitives.arithmetic import max_p, min_p
from scratchfn.primitives.convert import convert_element_type


def max(
    a: Any, axis: Any = None, out: None = None, keepdims: bool = False, initial: Any = None,
    where: Any = None,
) -> Any:  # fmt: skip
    """The greatest element along `axis`, of all by default; nan if there is one.

    Raises ValueError for an axis of size 0 and for a mask `where`, unless there is an `initial`.
    """
    no_out("max", out)
    return _extreme("max", a, axis, keepdims, initial, where)


def min(
    a: Any, axis: Any = None, out: None = None, keepdims: bool = False, initial: Any = None,
    where: Any = None,
) -> Any:  # fmt: skip
    """The least element along `axis`; the arguments are those of `max`."""
    no_out("min", out)
    return _extreme("min", a, axis, keepdims, initial, where)


amax, amin = max, min


def _extreme(name: str, a: Any, axis: Any, keepdims: bool, initial: Any, where: Any) -> Any:
    a = operand(name, a)
    empty = builtins.any(a.shape[i] == 0 for i in axes_of(name, axis, a.ndim))
    if initial is None and (empty or where is not None):
        raise ValueError(
            errors.explain(
                f"jnp.{name} of {a.aval}, axis={axis}",
                "no elements" if empty else "a mask, which may leave no elements",
                f"the {name} of no numbers is no number",
                f"jnp.{name}(x, ..., initial=0.0)",
            )
        )
    function = reduction.reduce_max if name == "max" else reduction.reduce_min
    x = convert_element_type(a, a.dtype)
    x = reduce(name, x, function, axis, keepdims, where, extreme_of(name, a.dtype))
    if initial is not None:
        x = (max_p if name == "max" else min_p).bind(initial_of(name, initial, x.dtype), x)
    return x


def extreme_of(name: str, dtype: np.dtype) -> Any:
    """The number that changes no max (or min): the least (or greatest) of the dtype."""
    kind, least = dtypes.kind(dtype), name == "max"
    if kind == "b":
        return not least
    if kind in "iu":
        limits = dtypes.iinfo(dtype)
        return limits.min if least else limits.max
    with np.errstate(all="ignore"):
        infinite = np.asarray(-np.inf if least else np.inf, dtype)
    if np.isinf(infinite):
        return infinite
    limits = dtypes.finfo(dtype)  # some 8-bit floats have no infinity
    return limits.min if least else limits.max


def ptp(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    """From the least to the greatest element: max - min."""
    no_out("ptp", out)
    return subtract(max(a, axis, None, keepdims), min(a, axis, None, keepdims))


def _position(name: str, prim: Any, a: Any, axis: Any, keepdims: bool | None) -> Any:
    a = operand(name, a)
    ndim = a.ndim
    if axis is None:
        a, place = base.reshape(a, (a.size,)), 0
    else:
        place = axis_of(name, axis, ndim)
    out = prim.bind(a, axes=(place,), index_dtype=dtypes.default_dtype("i"))
    if keepdims:
        return base.expand_dims(out, range(ndim) if axis is None else [place])
    return out


def argmax(a: Any, axis: int | None = None, out: None = None, keepdims: bool | None = None) -> Any:
    """The position of the greatest element (the first nan, the first of equals) along an axis, or
    in the flattened array."""
    no_out("argmax", out)
    return _position("argmax", reduction.argmax_p, a, axis, keepdims)


def argmin(a: Any, axis: int | None = None, out: None = None, keepdims: bool | None = None) -> Any:
    """The position of the least element; as `argmax`."""
    no_out("argmin", out)
    return _position("argmin", reduction.argmin_p, a, axis, keepdims)
