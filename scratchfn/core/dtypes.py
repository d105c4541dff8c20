"""Which dtypes there are, and what becomes of them: canonical form, promotion, kind, name.

The names below (`float32`, `bfloat16`, ...) are numpy dtype objects. One object stands for each
dtype, so that canonical dtypes may be compared with `is`. The small types come from ml_dtypes,
whose numpy kind is 'V'; `kind` sorts them in properly.

A dtype is weak where it stems from a Python scalar: it yields to the dtype of any array it meets.
Weakness travels beside the dtype as a bool. A boolean is never weak.

64-bit types exist only under `config.enable_x64`. `canonicalize_dtype` is the one place that turns
them into their 32-bit twins; values that are 64-bit already stay so while they meet their like.

Read next: `core/lattice.py` for promotion, `core/avals.py` for what carries a dtype.
"""

from __future__ import annotations

import functools
import warnings
from typing import Any, Literal, overload

import ml_dtypes
import numpy as np

from scratchfn.config import config
from scratchfn.core import lattice
from scratchfn.errors import explain

DType = np.dtype[Any]
DTypeLike = Any  # whatever np.dtype accepts, and key_dtype

bool_ = np.dtype("bool")
int8, int16, int32, int64 = map(np.dtype, ("int8", "int16", "int32", "int64"))
uint8, uint16, uint32, uint64 = map(np.dtype, ("uint8", "uint16", "uint32", "uint64"))
float16, float32, float64 = map(np.dtype, ("float16", "float32", "float64"))
complex64, complex128 = map(np.dtype, ("complex64", "complex128"))
bfloat16 = np.dtype(ml_dtypes.bfloat16)
int2, int4 = np.dtype(ml_dtypes.int2), np.dtype(ml_dtypes.int4)
uint2, uint4 = np.dtype(ml_dtypes.uint2), np.dtype(ml_dtypes.uint4)
float8_e3m4, float8_e4m3 = np.dtype(ml_dtypes.float8_e3m4), np.dtype(ml_dtypes.float8_e4m3)
float8_e4m3fn = np.dtype(ml_dtypes.float8_e4m3fn)
float8_e4m3fnuz = np.dtype(ml_dtypes.float8_e4m3fnuz)
float8_e4m3b11fnuz = np.dtype(ml_dtypes.float8_e4m3b11fnuz)
float8_e5m2 = np.dtype(ml_dtypes.float8_e5m2)
float8_e5m2fnuz = np.dtype(ml_dtypes.float8_e5m2fnuz)
float8_e8m0fnu = np.dtype(ml_dtypes.float8_e8m0fnu)
float4_e2m1fn = np.dtype(ml_dtypes.float4_e2m1fn)
float6_e2m3fn = np.dtype(ml_dtypes.float6_e2m3fn)
float6_e3m2fn = np.dtype(ml_dtypes.float6_e3m2fn)

float0 = np.dtype([("float0", np.void, 0)])  # the tangent of what has no derivative: ints, bools
key_dtype = np.dtype([("fry", "<u4", (2,))])  # one threefry key: two uint32 words in one element


class extended(np.generic):
    """Abstract scalar class of dtypes that are no numbers; for `issubdtype` alone."""


class prng_key(extended):
    """Abstract scalar class of typed PRNG keys: `issubdtype(key.dtype, prng_key)`."""


def _lookup(names: tuple[str, ...]) -> tuple[DType, ...]:
    """The dtypes of these names, less those that this version of ml_dtypes lacks (int1)."""
    known = [name for name in names if hasattr(ml_dtypes, name) or name in np.sctypeDict]
    return tuple(np.dtype(getattr(ml_dtypes, name, name)) for name in known)


_OF_KIND = {
    "b": (bool_,),
    "i": _lookup(tuple(name for name in lattice.INTS if name.startswith("int"))),
    "u": _lookup(tuple(name for name in lattice.INTS if name.startswith("uint"))),
    "f": _lookup(lattice.FLOATS),
    "c": _lookup(lattice.COMPLEXES),
}
_KIND: dict[DType, str] = {dtype: letter for letter, dtypes in _OF_KIND.items() for dtype in dtypes}
_KIND |= {key_dtype: "key", float0: "float0"}
_TO_32: dict[DType, DType] = {int64: int32, uint64: uint32, float64: float32, complex128: complex64}
_AS_64: dict[DType, DType] = {dtype: dtype for dtype in _KIND}  # of equal objects, give out one
_AS_32 = _AS_64 | _TO_32
_PYTHON_SCALARS = {bool: bool_, int: int64, float: float64, complex: complex128}
_PYTHON_TYPE = {"b": bool, "i": int, "u": int, "f": float, "c": complex}
_WIDEST = {"b": bool_, "i": int64, "u": uint64, "f": float64, "c": complex128}


# -- canonical form --


def canonicalize_dtype(dtype: DTypeLike, x64: bool | None = None) -> DType:
    """The dtype itself, or its 32-bit twin where 64-bit types are off. `x64=None` asks config."""
    asked: DType = dtype if isinstance(dtype, np.dtype) else as_dtype(dtype)
    return (_AS_64 if (config.enable_x64 if x64 is None else x64) else _AS_32).get(asked, asked)


def as_dtype(dtype: DTypeLike) -> DType:
    """`np.dtype(dtype)`, with advice where there is no such dtype."""
    try:
        return np.dtype(dtype)
    except TypeError:
        why = "neither numpy nor ml_dtypes has such a dtype"
        text = explain("A dtype", repr(dtype), why, "a dtype such as 'float32', jnp.int8 or bool")
        raise TypeError(text) from None


def default_dtype(kind: str) -> DType:
    """The dtype of a Python scalar of that kind, one of 'b', 'i', 'u', 'f', 'c': f32 for 'f'."""
    return canonicalize_dtype(_WIDEST[kind])


def explicit_dtype(dtype: DTypeLike, asker: str = "") -> DType:
    """The canonical form of a dtype that the user wrote; warns where that loses 64 bits.

    Python's `int`, `float` and `complex` mean the default dtypes and lose nothing.
    """
    if isinstance(dtype, type) and dtype in _PYTHON_SCALARS:
        return canonicalize_dtype(_PYTHON_SCALARS[dtype])
    asked = check_dtype(as_dtype(dtype))
    given = canonicalize_dtype(asked)
    if given != asked:
        warnings.warn(
            f"{asker or 'The call'} asked for {asked} and gets {given}: 64-bit types are off. "
            'Write config.update("enable_x64", True) to have them, '
            f"or ask for {given} to be rid of this warning.",
            UserWarning,
            stacklevel=3,
        )
    return given


def is_supported(dtype: DType) -> bool:
    """May an array have this dtype? Not strings, objects, dates or foreign byte orders."""
    return dtype in _KIND


def check_dtype(dtype: DType) -> DType:
    """The dtype, if arrays can have it; TypeError otherwise."""
    if is_supported(dtype):
        return _AS_64[dtype]
    why = "arrays hold booleans, numbers and PRNG keys, in this machine's byte order"
    raise TypeError(explain("An array's dtype", str(dtype), why, "np.asarray(x, 'float32')"))


# -- questions about one dtype --


def kind(dtype: DTypeLike) -> str:
    """'b', 'i', 'u', 'f' or 'c'; 'key' for typed PRNG keys and 'float0' for float0."""
    try:
        return _KIND[dtype]
    except (KeyError, TypeError):  # the name of a dtype, or what is none
        return _KIND[check_dtype(as_dtype(dtype))]


@functools.cache
def short_name(dtype: DTypeLike) -> str:
    """The name that avals print: 'f32', 'bf16', 'u8', 'c64', 'bool', 'f8_e4m3fn', 'key<fry>'."""
    dtype = as_dtype(dtype)
    if dtype == key_dtype:
        return "key<fry>"
    if dtype == float0:
        return "float0"
    name = dtype.name.replace("float", "f").replace("uint", "u")
    return name.replace("int", "i").replace("complex", "c")


def _scalar_class(dtype: DTypeLike) -> type:
    """The numpy scalar class that stands for a dtype, or the abstract class itself."""
    if isinstance(dtype, type) and issubclass(dtype, np.generic):
        return dtype
    dtype = as_dtype(dtype)
    return prng_key if dtype == key_dtype else dtype.type


_ML_PARENT = {
    dtype.type: {"i": np.signedinteger, "u": np.unsignedinteger, "f": np.floating}[letter]
    for dtype, letter in _KIND.items()
    if dtype.name in dir(ml_dtypes)
}


def issubdtype(arg1: DTypeLike, arg2: DTypeLike) -> bool:
    """`np.issubdtype` that knows the small types as numbers, and PRNG keys as keys."""
    class_a, class_b = _scalar_class(arg1), _scalar_class(arg2)
    return class_a is class_b or issubclass(_ML_PARENT.get(class_a, class_a), class_b)


_ISDTYPE = {
    "bool": "b",
    "signed integer": "i",
    "unsigned integer": "u",
    "integral": "iu",
    "real floating": "f",
    "complex floating": "c",
    "numeric": "iufc",
}


def isdtype(dtype: DTypeLike, kind: Any) -> bool:
    """Is the dtype of that kind: a dtype, an array-API word such as 'integral', or a tuple?"""
    if isinstance(kind, tuple):
        return any(isdtype(dtype, each) for each in kind)
    if isinstance(kind, str) and kind in _ISDTYPE:
        return _KIND.get(as_dtype(dtype), "?") in _ISDTYPE[kind]
    try:
        return as_dtype(dtype) == as_dtype(kind)
    except TypeError:
        if not isinstance(kind, str):
            raise
        why = "it is neither a dtype nor the name of a kind"
        words = f"one of {', '.join(map(repr, _ISDTYPE))}"
        raise ValueError(explain("isdtype(dtype, kind)", f"kind {kind!r}", why, words)) from None


def finfo(dtype: DTypeLike) -> Any:
    """Limits of a float dtype (`eps`, `max`, `tiny`, ...); of a complex one's real part."""
    return _limits(ml_dtypes.finfo, dtype, "fc", "no floating point numbers", "jnp.iinfo")


def iinfo(int_type: DTypeLike) -> Any:
    """Limits of an integer dtype (`min`, `max`, `bits`)."""
    return _limits(ml_dtypes.iinfo, int_type, "iu", "no integers", "jnp.finfo")


def _limits(limits: Any, dtype: DTypeLike, kinds: str, why: str, other: str) -> Any:
    own = as_dtype(dtype if isinstance(dtype, type) else getattr(dtype, "dtype", dtype))
    if kind(own) in kinds:
        return limits(own)
    asked, found = f"jnp.{limits.__name__}(dtype)", f"dtype {short_name(own)}"
    raise ValueError(explain(asked, found, f"its elements are {why}", f"{other}(dtype)"))


def itemsize_bits(dtype: DTypeLike) -> int:
    """Bits of information in an element: 4 for int4, whose numpy itemsize is a whole byte."""
    dtype, letter = as_dtype(dtype), kind(dtype)
    if letter in "iu":
        return int(iinfo(dtype).bits)
    return int(finfo(dtype).bits) if letter == "f" else 8 * dtype.itemsize


# -- from one dtype to another --


def to_inexact_dtype(dtype: DTypeLike) -> DType:
    """Floats and complexes as they are, the rest as the float that `sin` of it would give."""
    dtype = as_dtype(dtype)
    if kind(dtype) not in "biu":
        return dtype
    return float64 if dtype in (int64, uint64) else float32


def to_numeric_dtype(dtype: DTypeLike) -> DType:
    """Booleans as int32, the rest as it is."""
    dtype = as_dtype(dtype)
    return int32 if dtype == bool_ else dtype


def to_floating_dtype(dtype: DTypeLike) -> DType:
    """The real float of the same width: complex64 -> float32, int32 -> float32."""
    inexact = to_inexact_dtype(dtype)
    return {complex64: float32, complex128: float64}.get(inexact, inexact)


def to_complex_dtype(dtype: DTypeLike) -> DType:
    """The complex dtype that holds it: float64 -> complex128, every narrower one -> complex64."""
    return complex128 if to_inexact_dtype(dtype) in (float64, complex128) else complex64


def tangent_dtype(dtype: DTypeLike) -> DType:
    """Floats and complexes are their own tangents; anything else has a tangent in float0."""
    dtype = as_dtype(dtype)
    return dtype if kind(dtype) in "fc" else float0


# -- values --


def dtype_of(x: Any) -> DType:
    """The canonical dtype of a value: a Python or numpy scalar, or anything with `.dtype`."""
    scalar = _PYTHON_SCALARS.get(type(x))
    if scalar is not None:
        return canonicalize_dtype(scalar)
    if isinstance(x, (np.ndarray, np.generic)):
        return canonicalize_dtype(check_dtype(x.dtype))
    dtype = getattr(x, "dtype", None)
    if isinstance(dtype, np.dtype):  # an array of ours: 64-bit once is 64-bit for good
        return dtype
    for python_type in (int, float, complex):  # IntEnum and other subclasses
        if isinstance(x, python_type):
            return canonicalize_dtype(_PYTHON_SCALARS[python_type])
    found = f"a {type(x).__name__}"
    why = "only scalars and arrays have one"
    raise TypeError(explain("The dtype of a value", found, why, "jnp.asarray(x).dtype"))


def is_weak(x: Any) -> bool:
    """Does the value's dtype yield to others: a Python number, or an array made from one?"""
    if isinstance(x, (int, float, complex)):
        return not isinstance(x, (bool, np.generic))  # np.float64 is a float too, but a strong one
    return bool(getattr(x, "weak_type", False))


def scalar_type_of(x: Any) -> type:
    """The Python type of a value's elements: bool, int, float or complex."""
    dtype = dtype_of(x)
    if kind(dtype) in _PYTHON_TYPE:
        return _PYTHON_TYPE[kind(dtype)]
    found, why = short_name(dtype), "its elements are no numbers"
    raise TypeError(explain("The Python type of a value", found, why, "random.key_data(key)"))


def python_scalar_dtype(python_type: type, value: Any = None) -> DType:
    """The default dtype of `bool`, `int`, `float` or `complex`.

    Raises OverflowError where the value, an int, does not fit, as JAX does: 2**31 is no int32.
    """
    dtype = canonicalize_dtype(_PYTHON_SCALARS[python_type])
    if python_type is not int or value is None:
        return dtype
    require_in_range(value, dtype)
    return dtype


def require_in_range(value: int, dtype: DType) -> None:
    """Raises OverflowError unless an integer dtype can hold the number."""
    limits = iinfo(dtype)
    if limits.min <= value <= limits.max:
        return
    found = f"a number outside {limits.min} .. {limits.max}"
    remedy = f"jnp.int32({value})" if dtype.itemsize < 4 else f"float({value})"
    if dtype == int32:
        remedy = 'config.update("enable_x64", True)'
    asked, why = f"The Python int {value} as {short_name(dtype)}", "it would wrap to another number"
    raise OverflowError(explain(asked, found, why, remedy))


# -- promotion --


def promote(dtype_a: DType, weak_a: bool, dtype_b: DType, weak_b: bool) -> tuple[DType, bool]:
    """The dtype in which two operands meet, and whether it is weak. The operators' fast path."""
    if dtype_a is dtype_b and not (weak_a and weak_b):
        return dtype_a, False
    return _promote_two(
        dtype_a, weak_a, dtype_b, weak_b, config.enable_x64, config.numpy_dtype_promotion
    )


def promote_all(types: tuple[tuple[DType, bool], ...]) -> tuple[DType, bool]:
    """`promote` for any number of (dtype, weak) pairs."""
    return _promote_all(types, config.enable_x64, config.numpy_dtype_promotion)


def promote_types(a: DTypeLike, b: DTypeLike) -> DType:
    """The dtype in which two dtypes meet; `int`, `float` and `complex` count as weak."""
    mode, x64 = config.numpy_dtype_promotion, config.enable_x64
    node = lattice.join([_node_of_argument(a), _node_of_argument(b)], mode, x64)
    return _WIDEST[node[0]] if node.endswith("*") else as_dtype(node)


@overload
def result_type(*args: Any, return_weak_type: Literal[False] = False) -> DType: ...
@overload
def result_type(*args: Any, return_weak_type: Literal[True]) -> tuple[DType, bool]: ...
def result_type(*args: Any, return_weak_type: bool = False) -> DType | tuple[DType, bool]:
    """The dtype in which values and dtypes meet. A weak result is the default of its kind."""
    if not args:
        why = "there is no dtype to give"
        raise ValueError(explain("result_type()", "no argument", why, "result_type(x, y)"))
    dtype, weak = promote_all(tuple(map(_type_of_argument, args)))
    if weak:
        dtype = default_dtype(kind(dtype))
    return (dtype, weak) if return_weak_type else dtype


def _type_of_argument(x: Any) -> tuple[DType, bool]:
    """(dtype, weak) of an argument of `result_type`: a value or a dtype. None is the float."""
    if x is None:
        return default_dtype("f"), False
    if isinstance(x, type) and x in _PYTHON_SCALARS:
        return canonicalize_dtype(_PYTHON_SCALARS[x]), x is not bool
    if isinstance(x, (str, type, np.dtype)):
        return canonicalize_dtype(check_dtype(as_dtype(x))), False
    return dtype_of(x), is_weak(x)


def _node_of_argument(x: DTypeLike) -> str:
    """The lattice node of an argument of `promote_types`."""
    weak = isinstance(x, type) and x in (int, float, complex)
    return _node(_PYTHON_SCALARS[x] if weak else as_dtype(x), weak)


def _node(dtype: DType, weak: bool) -> str:
    return lattice.WEAK.get(_KIND.get(dtype, ""), dtype.name) if weak else dtype.name


@functools.cache
def _promote_two(
    dtype_a: DType, weak_a: bool, dtype_b: DType, weak_b: bool, x64: bool, mode: str
) -> tuple[DType, bool]:
    return _promote_all(((dtype_a, weak_a), (dtype_b, weak_b)), x64, mode)


@functools.cache
def _promote_all(types: tuple[tuple[DType, bool], ...], x64: bool, mode: str) -> tuple[DType, bool]:
    first = types[0][0]
    all_weak = all(weak for _, weak in types)
    if len(types) == 1:
        return first, all_weak and first != bool_
    if not all_weak and all(dtype == first for dtype, _ in types):
        return first, False  # also the way through for keys and float0, which are in no lattice
    # Weak with weak meets by dtype, so that a weak bf16 with a weak int stays bf16.
    by_dtype = all_weak and mode == "standard"
    node = lattice.join([_node(dtype, weak and not by_dtype) for dtype, weak in types], mode, x64)
    if node.endswith("*"):
        return canonicalize_dtype(_WIDEST[node[0]], x64), True
    dtype = canonicalize_dtype(as_dtype(node), x64)
    return dtype, by_dtype and dtype != bool_
