"""Elements shifted along axes: what leaves at one end enters at the other.

Read next: `numpy/joining.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.trace import Tracer
from scratchfn.numpy.arguments import as_tuple, axis_of, scalar
from scratchfn.numpy.indexing import take
from scratchfn.numpy.manipulation import cut_at, ravel, reshape
from scratchfn.numpy.promotion import operand
from scratchfn.numpy.ufuncs import remainder, subtract
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.dynamic import dynamic_slice
from scratchfn.primitives.joining import concatenate


def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """`a` shifted along axes, each by its own number or all by one; what leaves at one end enters
    at the other. Without an axis, it is shifted as one line.

    Raises ValueError unless there is one shift or one axis, or as many of both.
    """
    a = operand("roll", a)
    if axis is None:
        return reshape(roll(ravel(a), shift, 0), a.shape)
    axes = [axis_of("roll", each, a.ndim) for each in as_tuple(axis)]
    shifts = _shifts(shift)
    if len(axes) == 1:
        axes = axes * len(shifts)
    elif len(shifts) == 1:
        shifts = shifts * len(axes)
    if len(axes) != len(shifts):
        raise _no_match(f"{len(shifts)} shifts and {len(axes)} axes")
    for place, by in zip(axes, shifts):
        a = _roll(a, by, place)
    return a


def _no_match(found: str) -> ValueError:
    why = "there is one number for each axis, or one for all"
    return ValueError(errors.explain("jnp.roll", found, why, "jnp.roll(x, (1, -2), axis=(0, 1))"))


def _shifts(shift: Any) -> list[Any]:
    """The shifts, ints or traced integers."""
    if isinstance(shift, (tuple, list)):
        return list(shift)
    x = shift if isinstance(shift, Tracer) else np.asarray(shift)
    if x.ndim > 1:
        raise _no_match(f"shifts of shape {x.shape}")
    if isinstance(x, Tracer):
        return [x] if x.ndim == 0 else [take(x, i) for i in range(x.shape[0])]
    return np.ravel(x).tolist()


def _roll(a: Any, shift: Any, axis: int) -> Any:
    size = a.shape[axis]
    if size == 0:
        return a
    if isinstance(shift, Tracer):
        twice = concatenate([a, a], axis)
        length = scalar(size, dtypes.int32)
        start = subtract(length, remainder(convert_element_type(shift, dtypes.int32), length))
        zero = scalar(0, dtypes.int32)
        starts = [start if i == axis else zero for i in range(a.ndim)]
        return dynamic_slice(twice, starts, a.shape)
    cut = -int(shift) % size  # JAX cuts fractions off, as for a traced number
    return concatenate(cut_at(a, [cut], axis)[::-1], axis)
