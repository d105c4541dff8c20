"""ShapedArray: what is known of an array while its numbers are not.

The abstract value (aval) of an array is its shape, its dtype and whether the dtype is weak, that
is, stems from a Python scalar and yields to any array it meets. Everything that traces works on
avals; `str` gives the short form that programs and error messages show, `f32[3,4]`.

Read next: `core/trace.py`.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from scratchfn.core import dtypes


class ShapedArray:
    """Shape, dtype and weakness of an array. Immutable by convention, hashable."""

    __slots__ = ("dtype", "shape", "weak_type")

    def __init__(self, shape: tuple[int, ...], dtype: Any, weak_type: bool = False):
        self.shape = shape
        self.dtype = dtype if isinstance(dtype, np.dtype) else np.dtype(dtype)
        self.weak_type = weak_type

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def update(self, **changes: Any) -> ShapedArray:
        """A copy with some of `shape`, `dtype`, `weak_type` changed."""
        fields: dict[str, Any] = {
            "shape": self.shape, "dtype": self.dtype, "weak_type": self.weak_type
        }  # fmt: skip
        return ShapedArray(**(fields | changes))

    def strong(self) -> ShapedArray:
        """The same without weakness."""
        return ShapedArray(self.shape, self.dtype) if self.weak_type else self

    def tangent(self) -> ShapedArray:
        """The aval of a tangent of this value: float0 where no derivative can be."""
        dtype = dtypes.tangent_dtype(self.dtype)
        return ShapedArray(self.shape, dtype, self.weak_type and dtype == self.dtype)

    def str_short(self, short_dtypes: bool = True) -> str:
        return str(self) if short_dtypes else f"{long_name(self.dtype)}[{_dims(self.shape)}]"

    def __eq__(self, other: object) -> bool:
        return (
            type(other) is ShapedArray
            and self.shape == other.shape
            and self.dtype == other.dtype
            and self.weak_type == other.weak_type
        )

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype, self.weak_type))

    def __str__(self) -> str:
        return f"{dtypes.short_name(self.dtype)}[{_dims(self.shape)}]"

    def __repr__(self) -> str:
        weak = ", weak_type=True" if self.weak_type else ""
        return f"ShapedArray({long_name(self.dtype)}[{_dims(self.shape)}]{weak})"


def _dims(shape: tuple[int, ...]) -> str:
    return ",".join(map(str, shape))


def long_name(dtype: np.dtype) -> str:
    """The long name: `float32`; float0 and keys have none of NumPy's."""
    return dtypes.short_name(dtype) if dtype.names else dtype.name
