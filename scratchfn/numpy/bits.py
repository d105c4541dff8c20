"""Bits: how many are set, eight of them packed into a byte and taken out of it again.

Read next: `numpy/comparison.py`, which has the operators on bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.array import Array
from scratchfn.lax.elementwise import population_count
from scratchfn.numpy.arguments import axis_of, known, scalar
from scratchfn.numpy.comparison import bitwise_and, left_shift, right_shift, truth
from scratchfn.numpy.manipulation import moveaxis, ravel, slice_along
from scratchfn.numpy.promotion import operand
from scratchfn.numpy.totals import sum
from scratchfn.numpy.ufuncs import absolute
from scratchfn.primitives import base
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.structural import pad


def bitwise_count(x: Any, /) -> Any:
    """The number of bits set in the absolute value of each integer, uint8."""
    x = absolute(operand("bitwise_count", x))
    if x.dtype == dtypes.bool_:
        return convert_element_type(x, dtypes.uint8)
    return convert_element_type(population_count(x), dtypes.uint8)


def packbits(a: Any, axis: int | None = None, bitorder: str = "big") -> Any:
    """Eight elements along an axis, or of the flattened array, as the bits of one uint8: 1 for each
    that is not 0. The last byte is filled up with zeros.

    Args:
      bitorder: "big" for the first element to be the highest bit, "little" for the lowest.

    Raises TypeError unless the elements are integers or booleans.
    """
    x = operand("packbits", a)
    if dtypes.kind(x.dtype) not in "biu":
        why = "integers and booleans are bits, being 0 or not"
        raise TypeError(_explain("packbits", f"an array of type {x.aval}", why))
    shifts = _shifts("packbits", bitorder)
    x, axis = _one_axis("packbits", x, axis)
    bits = convert_element_type(moveaxis(truth("packbits", x), axis, -1), dtypes.uint8)
    *outer, n = bits.shape
    missing = [(0, 0, 0)] * len(outer) + [(0, -n % 8, 0)]
    bits = base.reshape(pad(bits, scalar(0, dtypes.uint8), missing), (*outer, -(-n // 8), 8))
    return moveaxis(sum(left_shift(bits, shifts), -1, dtype=dtypes.uint8), -1, axis)


def unpackbits(
    a: Any, axis: int | None = None, count: int | None = None, bitorder: str = "big"
) -> Any:
    """The bits of each uint8 along an axis, or of the flattened array, as eight elements 0 or 1.

    Args:
      count: how many elements to return: zeros are added if there are fewer; if it is negative, as
        many are left out at the end.
      bitorder: "big" for the highest bit first, "little" for the lowest.

    Raises TypeError unless the elements are uint8.
    """
    x = operand("unpackbits", a)
    if x.dtype != dtypes.uint8:
        raise TypeError(_explain("unpackbits", f"an array of type {x.aval}", "bytes are uint8"))
    shifts = _shifts("unpackbits", bitorder)
    x, axis = _one_axis("unpackbits", x, axis)
    x = base.expand_dims(moveaxis(x, axis, -1), [x.ndim])
    bits = bitwise_and(right_shift(x, shifts), scalar(1, dtypes.uint8))
    n = 8 * x.shape[-2]
    bits = base.reshape(bits, (*x.shape[:-2], n))
    if count is not None:
        count = int(known("unpackbits", "count", count))
        length = count if count >= 0 else max(n + count, 0)
        bits = slice_along(bits, 0, min(n, length), bits.ndim - 1)
        missing = [(0, 0, 0)] * (bits.ndim - 1) + [(0, max(length - n, 0), 0)]
        bits = pad(bits, scalar(0, dtypes.uint8), missing)
    return moveaxis(bits, -1, axis)


def _one_axis(name: str, x: Any, axis: int | None) -> tuple[Any, int]:
    return (ravel(x), 0) if axis is None else (x, axis_of(name, axis, x.ndim))


def _shifts(name: str, bitorder: str) -> Any:
    if bitorder not in ("big", "little"):
        raise ValueError(_explain(name, f"bitorder={bitorder!r}", "it is 'big' or 'little'"))
    places = np.arange(8, dtype=np.uint8)
    return Array(places if bitorder == "little" else places[::-1].copy())


def _explain(name: str, found: str, why: str) -> str:
    return errors.explain(f"jnp.{name}", found, why, f"jnp.{name}(x.astype(jnp.uint8))")
