"""Functions that other compilers may know by name, and values as programs see them.

Read next: `transforms/jit_api.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratchfn.core.array import Array, as_value


def composite(decomposition: Callable[..., Any], name: str, version: int = 0) -> Callable[..., Any]:
    """`decomposition`, under a name by which a compiler may replace it by something faster. None
    does here, so that it is what its parts are, with their derivatives and batching."""

    @functools.wraps(decomposition)
    def composed(*args: Any, **attributes: Any) -> Any:
        return decomposition(*args, **attributes)

    return composed


def stage(x: Any, /) -> Any:
    """A number or NumPy array as a value of the program around."""
    return as_value(x)


def shape_as_value(shape: Sequence[Any]) -> Any:
    """A shape as an array of int32."""
    return Array(np.asarray(shape, np.int32))
