"""Arrays made longer by repeating them, or shorter by leaving out zeros at their ends.

Read next: `numpy/manipulation.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.numpy.arguments import as_tuple, axes_of, known
from scratchfn.numpy.manipulation import ravel, slice_along, tile
from scratchfn.numpy.promotion import operand
from scratchfn.primitives import base


def resize(a: Any, new_shape: Any) -> Any:
    """The elements of `a`, again and again from the start, in an array of another shape. Of an
    empty array there are zeros. Raises ValueError for a negative size."""
    a = operand("resize", a)
    shape = as_tuple(new_shape)
    if any(size < 0 for size in shape):
        why, write = "a size counts elements", "jnp.resize(x, (2, 3))"
        raise ValueError(errors.explain("jnp.resize", f"the shape {shape}", why, write))
    size = prod(shape)
    if not a.size:
        return base.full(shape, 0, a.dtype)
    flat = tile(ravel(a), -(-size // a.size))
    return base.reshape(slice_along(flat, 0, size, 0), shape)


def trim_zeros(filt: Any, trim: str = "fb", axis: int | Sequence[int] | None = None) -> Any:
    """`filt` without the zeros at the front ("f" in `trim`) and at the back ("b"), along the given
    axes or all. Its values must be known: the result's shape depends on them."""
    x = operand("trim_zeros", filt)
    if not x.ndim:
        return x
    places = np.nonzero(np.asarray(known("trim_zeros", "its values", x)))
    ends = trim.lower()
    for i in axes_of("trim_zeros", axis, x.ndim):
        first, last = (places[i].min(), places[i].max() + 1) if places[i].size else (0, 0)
        start = int(first) if "f" in ends else 0
        stop = int(last) if "b" in ends else x.shape[i]
        x = slice_along(x, start if places[i].size or "b" in ends else stop, stop, i)
    return x
