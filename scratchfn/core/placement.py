"""Where a buffer lives, and whether the user put it there.

NumPy's buffers live on the CPU, JAX's wherever JAX keeps them. A buffer that `device_put` has
placed is *committed*: operations run where it is. All other buffers follow those. JAX marks its
committed arrays itself; for NumPy's the mark is the class `Pinned`, which ordinary operations,
whose buffers are plain arrays, never have to look at.

Read next: `backends/devices.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes


class Device:
    """The CPU as NumPy uses it, with the attributes of JAX's devices. Those beyond the first are
    the same CPU under other numbers, for trying programs that want several."""

    __slots__ = ("id",)
    platform = "cpu"
    device_kind = "cpu"
    process_index = 0
    host_id = 0

    def __init__(self, id: int):
        self.id = id

    def __repr__(self) -> str:
        return f"NumpyDevice(id={self.id})"


NUMPY_CPU = Device(0)


class Pinned(np.ndarray):
    """A NumPy buffer that is committed to the CPU."""


def is_committed(buffer: Any) -> bool:
    """Has the user placed this buffer?"""
    return type(buffer) is Pinned if isinstance(buffer, np.ndarray) else bool(buffer.committed)


def backend_of(buffers: Sequence[Any]) -> str:
    """The backend that buffers, at least one of them not plain NumPy's, are to meet on."""
    pinned = [b for b in buffers if type(b) is Pinned]
    if not pinned:
        return "jax"
    placed = [b for b in buffers if type(b) is not Pinned and is_committed(b)]
    if placed:
        raise ValueError(
            errors.explain(
                "an operation on arrays of two backends",
                f"{_describe(pinned[0])} on NumPy's CPU and {_describe(placed[0])} on "
                f"{placed[0].device}, each put there by device_put",
                "an operation runs in one place, and arrays that were put somewhere stay there",
                "device_put(x, y.device) for one of them first",
            )
        )
    return "numpy"


def _describe(buffer: Any) -> str:
    dtype = buffer.dtype  # of a jax.Array of keys, a class of JAX's own that prints as ours
    name = dtypes.short_name(dtype) if isinstance(dtype, np.dtype) else str(dtype)
    return f"{name}[{','.join(map(str, buffer.shape))}]"
