"""Scalar types, constants, and questions about types and shapes.

`jnp.float32` names a dtype wherever one is asked for, equals NumPy's class of that name, and makes
an array when it is called: `jnp.float32(3)`.

Read next: `core/dtypes.py` for promotion.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchfn.core import dtypes
from scratchfn.core.dtypes import finfo, iinfo, isdtype, issubdtype, promote_types
from scratchfn.core.trace import Value
from scratchfn.numpy.arguments import axes_of
from scratchfn.numpy.conversion import asarray

__all__ = ["finfo", "iinfo", "isdtype", "issubdtype", "promote_types"]

# -- constants ------------------------------------------------------------------------------------

pi: float = np.pi
e: float = np.e
euler_gamma: float = np.euler_gamma
inf: float = np.inf
nan: float = np.nan
newaxis = None

# -- scalar types ---------------------------------------------------------------------------------


class ScalarType(type):
    """The class of `jnp.float32` and its like."""

    dtype: np.dtype

    @property
    def __numpy_dtype__(cls) -> np.dtype:  # how np.dtype(jnp.float32) knows
        return cls.dtype

    def __call__(cls, x: Any) -> Any:
        return asarray(x, cls.dtype)

    def __instancecheck__(cls, x: Any) -> Any:
        return isinstance(x, cls.dtype.type)

    def __eq__(cls, other: object) -> Any:
        return cls is other or cls.dtype.type == other

    def __hash__(cls) -> int:
        return hash(cls.dtype.type)


def _scalar_type(dtype: np.dtype) -> ScalarType:
    name = "bool_" if dtype == dtypes.bool_ else dtype.name
    doc = f"The dtype {dtype.name}; called with a number or a list, an array of that dtype."
    return ScalarType(name, (object,), {"dtype": dtype, "__doc__": doc, "__module__": __name__})


bool_ = _scalar_type(dtypes.bool_)
bool = bool_
int2, int4 = _scalar_type(dtypes.int2), _scalar_type(dtypes.int4)
int8, int16 = _scalar_type(dtypes.int8), _scalar_type(dtypes.int16)
int32, int64 = _scalar_type(dtypes.int32), _scalar_type(dtypes.int64)
uint2, uint4 = _scalar_type(dtypes.uint2), _scalar_type(dtypes.uint4)
uint8, uint16 = _scalar_type(dtypes.uint8), _scalar_type(dtypes.uint16)
uint32, uint64 = _scalar_type(dtypes.uint32), _scalar_type(dtypes.uint64)
float4_e2m1fn = _scalar_type(dtypes.float4_e2m1fn)
float6_e2m3fn = _scalar_type(dtypes.float6_e2m3fn)
float6_e3m2fn = _scalar_type(dtypes.float6_e3m2fn)
float8_e3m4 = _scalar_type(dtypes.float8_e3m4)
float8_e4m3 = _scalar_type(dtypes.float8_e4m3)
float8_e4m3b11fnuz = _scalar_type(dtypes.float8_e4m3b11fnuz)
float8_e4m3fn = _scalar_type(dtypes.float8_e4m3fn)
float8_e4m3fnuz = _scalar_type(dtypes.float8_e4m3fnuz)
float8_e5m2 = _scalar_type(dtypes.float8_e5m2)
float8_e5m2fnuz = _scalar_type(dtypes.float8_e5m2fnuz)
float8_e8m0fnu = _scalar_type(dtypes.float8_e8m0fnu)
bfloat16, float16 = _scalar_type(dtypes.bfloat16), _scalar_type(dtypes.float16)
float32, float64 = _scalar_type(dtypes.float32), _scalar_type(dtypes.float64)
complex64, complex128 = _scalar_type(dtypes.complex64), _scalar_type(dtypes.complex128)

# NumPy's other names for them
single, double, csingle, cdouble = float32, float64, complex64, complex128
int_, uint, float_, complex_ = int64, uint64, float64, complex128

# -- classes of types -----------------------------------------------------------------------------

generic, number, inexact = np.generic, np.number, np.inexact
integer, signedinteger, unsignedinteger = np.integer, np.signedinteger, np.unsignedinteger
floating, complexfloating = np.floating, np.complexfloating
character, flexible, object_ = np.character, np.flexible, np.object_
dtype = np.dtype
ndarray = Value  # isinstance(x, jnp.ndarray) holds for arrays and traced values


def result_type(*args: Any) -> np.dtype:
    """The dtype in which values and dtypes meet."""
    return dtypes.result_type(*args)


def can_cast(from_: Any, to: Any, casting: Any = "safe") -> Any:
    """Can one dtype be cast to another under NumPy's rule of that name?"""
    return np.can_cast(dtypes.as_dtype(from_), dtypes.as_dtype(to), casting=casting)


# -- shapes and kinds of values -------------------------------------------------------------------


def shape(a: Any) -> tuple[int, ...]:
    """The shape of an array, a number or a list."""
    return tuple(a.shape if hasattr(a, "shape") else np.shape(a))


def ndim(a: Any) -> int:
    """The number of axes."""
    return len(shape(a))


def size(a: Any, axis: Any = None) -> int:
    """The number of elements, or the size along one axis or several."""
    sizes = shape(a)
    return math.prod(sizes[i] for i in axes_of("size", axis, len(sizes)))


def isscalar(element: Any) -> Any:
    """Is it a number or a 0-d array?"""
    if isinstance(element, (Value, np.ndarray)):
        return element.ndim == 0
    if hasattr(element, "__jax_array__"):
        return asarray(element).ndim == 0
    return np.isscalar(element)


def iscomplexobj(x: Any) -> Any:
    """Is its dtype complex?"""
    if x is None or isinstance(x, str):
        return False
    return dtypes.kind(x.dtype if hasattr(x, "dtype") else asarray(x).dtype) == "c"


def isrealobj(x: Any) -> Any:
    """Is its dtype not complex?"""
    return not iscomplexobj(x)
