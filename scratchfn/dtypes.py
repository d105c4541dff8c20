"""What can be asked of dtypes, under the names of `jax.dtypes`.

Read next: `core/dtypes.py`, where all of it is.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from scratchfn.core import dtypes as _dtypes
from scratchfn.core.dtypes import extended as extended
from scratchfn.core.dtypes import finfo as finfo
from scratchfn.core.dtypes import float0 as float0
from scratchfn.core.dtypes import iinfo as iinfo
from scratchfn.core.dtypes import issubdtype as issubdtype
from scratchfn.core.dtypes import itemsize_bits as itemsize_bits
from scratchfn.core.dtypes import prng_key as prng_key
from scratchfn.core.dtypes import scalar_type_of as scalar_type_of
from scratchfn.errors import TypePromotionError as TypePromotionError

__all__ = [
    "TypePromotionError",
    "bfloat16",
    "canonicalize_dtype",
    "extended",
    "finfo",
    "float0",
    "iinfo",
    "issubdtype",
    "itemsize_bits",
    "prng_key",
    "result_type",
    "scalar_type_of",
]

bfloat16 = ml_dtypes.bfloat16
"""The scalar class of the 16-bit float with the exponent of a float32."""


def canonicalize_dtype(dtype: Any, allow_extended_dtype: bool = False) -> np.dtype:
    """The dtype that values of `dtype` have here: 64-bit types become 32-bit ones unless
    `enable_x64` is set. Raises ValueError for keys unless `allow_extended_dtype`."""
    if not allow_extended_dtype and issubdtype(dtype, extended):
        raise ValueError(f"canonicalize_dtype: {dtype} is an extended dtype, which is not allowed")
    return _dtypes.canonicalize_dtype(dtype)


def result_type(*args: Any, return_weak_type_flag: bool = False) -> Any:
    """The dtype that arrays, numbers and dtypes promote to; with the flag, the pair of it and
    whether it is weak. Raises TypePromotionError where there is none."""
    if return_weak_type_flag:
        return _dtypes.result_type(*args, return_weak_type=True)
    return _dtypes.result_type(*args)
