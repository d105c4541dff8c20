"""Types for annotations: what functions of `numpy` and `lax` take as arrays and as dtypes."""

from __future__ import annotations

from typing import Any, Protocol, Union

import numpy as np

from scratchfn.core.trace import Value

__all__ = ["ArrayLike", "DTypeLike"]


class SupportsDType(Protocol):
    """What has a dtype."""

    @property
    def dtype(self) -> np.dtype: ...


ArrayLike = Union[Value, np.ndarray, np.bool_, np.number, bool, int, float, complex]  # noqa: UP007
"""Arrays, traced or not, and numbers; no lists."""

DTypeLike = Union[str, type[Any], np.dtype, SupportsDType]  # noqa: UP007
"""'float32', np.float32, np.dtype('float32'), jnp.float32."""
