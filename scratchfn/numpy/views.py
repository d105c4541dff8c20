"""The methods `x.view` and `x.byteswap`: the bytes of an array taken for other numbers.

Read next: `primitives/convert.py`, which has the conversion of bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.trace import Tracer
from scratchfn.numpy.arguments import dtype_of, scalar
from scratchfn.numpy.comparison import not_equal
from scratchfn.numpy.promotion import operand
from scratchfn.primitives.base import reshape
from scratchfn.primitives.convert import (
    bitcast_convert_type,
    complex_p,
    convert_element_type,
    imag,
    real,
)
from scratchfn.primitives.joining import stack
from scratchfn.primitives.structural import rev


def view(self: Any, dtype: Any = None, type: Any = None) -> Any:
    """The bytes of an array as numbers of another dtype, by which its last axis becomes longer or
    shorter.

    Raises ValueError where the bytes of the last axis are no whole number of the new elements.
    """
    x = operand("ndarray.view", self)
    if type is not None:
        found, why = f"type={type!r}", "arrays are of one class"
        raise NotImplementedError(errors.explain("x.view(type=...)", found, why, "x.view(dtype)"))
    wanted = dtype_of("ndarray.view", dtype, x.dtype)
    if wanted == x.dtype:
        return x
    size = x.dtype.itemsize * (x.shape[-1] if x.ndim else 1)
    if (not x.ndim and wanted.itemsize != x.dtype.itemsize) or size % wanted.itemsize:
        asked, found = f"x.view({wanted.name})", f"x of type {x.aval}"
        why = f"the {size} bytes of its last axis are no whole number of elements"
        raise ValueError(errors.explain(asked, found, why, "x.astype(dtype) for the same numbers"))
    return _to(_from(x), wanted)


def _from(x: Any) -> Any:
    """Complex numbers as twice as many floats, booleans as bytes."""
    if x.dtype == dtypes.bool_:
        return convert_element_type(x, dtypes.uint8)
    if dtypes.kind(x.dtype) != "c":
        return x
    pairs = stack([real(x), imag(x)], x.ndim)
    return reshape(pairs, (*x.shape[:-1], 2 * x.shape[-1]))


def _to(x: Any, dtype: np.dtype) -> Any:
    if dtype == dtypes.bool_:
        return not_equal(_to(x, dtypes.uint8), scalar(0, dtypes.uint8))
    if dtypes.kind(dtype) == "c":
        parts = _to(x, dtypes.to_floating_dtype(dtype))
        pairs = reshape(parts, (*parts.shape[:-1], parts.shape[-1] // 2, 2))
        return complex_p.bind(pairs[..., 0], pairs[..., 1])
    if dtype.itemsize > x.dtype.itemsize:
        count = dtype.itemsize // x.dtype.itemsize
        x = reshape(x, (*x.shape[:-1], x.shape[-1] // count, count))
        return bitcast_convert_type(x, dtype)
    out = bitcast_convert_type(x, dtype)
    if out.ndim == x.ndim:
        return out
    return reshape(out, (*x.shape[:-1], x.shape[-1] * out.shape[-1]))


def byteswap(self: Any) -> Any:
    """The array with the bytes of each number in reverse order."""
    x = operand("ndarray.byteswap", self)
    if dtypes.kind(x.dtype) == "c":
        return complex_p.bind(byteswap(real(x)), byteswap(imag(x)))
    if x.dtype.itemsize == 1:
        return x
    parts = bitcast_convert_type(x, dtypes.uint8)  # [..., bytes]
    return bitcast_convert_type(rev(parts, [x.ndim]), x.dtype)


def tobytes(self: Any, order: str = "C") -> bytes:
    """The bytes of a concrete array, the last axis fastest."""
    if isinstance(self, Tracer):
        asked, write = "x.tobytes() of a traced array", "x.tobytes() outside the transformation"
        self = self.need(errors.ConcretizationTypeError, asked, write)
    return np.asarray(self).tobytes(order)  # type: ignore[arg-type]
