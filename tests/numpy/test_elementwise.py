"""The functions of elements against JAX's: every function by every kind of operand, with special
values. Value, dtype and weak type agree, or the class of the error does."""

from __future__ import annotations

import warnings
from typing import Any

import jax.numpy as theirs
import ml_dtypes
import numpy as np
import pytest

import scratchfn.numpy as ours
from tests.numpy.agree import agree

FLOAT = np.array([-2.5, -1, -0.0, 0, 0.5, 1.5, np.nan, np.inf], np.float32)
OTHER = np.array([1.5, -1, 0, 2, -0.5, 3, 1, np.inf], np.float32)
INT = np.array([-7, -1, 0, 3, 5, 2**31 - 1, -(2**31), 8], np.int32)
DIVISOR = np.array([2, -1, 0, -3, 5, 7, -1, 3], np.int32)
BYTE = np.array([0, 1, 2, 3, 250, 255, 7, 9], np.uint8)
BOOL = np.array([1, 0, 1, 1, 0, 0, 1, 0], bool)
COMPLEX = (FLOAT[:6] + 1j * OTHER[:6]).astype(np.complex64)
SHORT = FLOAT.astype(ml_dtypes.bfloat16)

UNARY = [
    "abs",
    "absolute",
    "acos",
    "acosh",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctanh",
    "angle",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "bitwise_not",
    "cbrt",
    "ceil",
    "conj",
    "conjugate",
    "cos",
    "cosh",
    "deg2rad",
    "degrees",
    "exp",
    "exp2",
    "expm1",
    "fabs",
    "floor",
    "imag",
    "invert",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "log",
    "log10",
    "log1p",
    "log2",
    "logical_not",
    "nan_to_num",
    "negative",
    "positive",
    "rad2deg",
    "radians",
    "real",
    "reciprocal",
    "rint",
    "round",
    "around",
    "sign",
    "signbit",
    "sin",
    "sinc",
    "sinh",
    "sqrt",
    "square",
    "tan",
    "tanh",
    "trunc",
]
BINARY = [
    "add",
    "arctan2",
    "atan2",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "copysign",
    "divide",
    "equal",
    "float_power",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "greater",
    "greater_equal",
    "heaviside",
    "hypot",
    "left_shift",
    "less",
    "less_equal",
    "logaddexp",
    "logaddexp2",
    "logical_and",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "nextafter",
    "not_equal",
    "power",
    "pow",
    "remainder",
    "right_shift",
    "subtract",
    "true_divide",
    "divmod",
]
ONE = {"f32": FLOAT, "i32": INT, "u8": BYTE, "bool": BOOL, "c64": COMPLEX, "bf16": SHORT, "2": 2,
       "2.5": 2.5, "True": True, "empty": FLOAT[:0]}  # fmt: skip
TWO = {
    "f32": (FLOAT, OTHER), "f32,i32": (FLOAT, INT), "i32": (INT, DIVISOR), "u8": (BYTE, BYTE[::-1]),
    "bool": (BOOL, BOOL[::-1]), "c64": (COMPLEX, COMPLEX[::-1]), "f32,2": (FLOAT, 2),
    "2,f32": (2, FLOAT), "i32,2": (INT, 2), "i32,2.5": (INT, 2.5), "bf16": (SHORT, SHORT[::-1]),
    "bf16,2": (SHORT, 2), "u8,2": (BYTE, 2), "i32,u8": (INT, BYTE), "2,3": (2, 3),
    "bool,2": (BOOL, 2), "broadcast": (FLOAT[:, None], OTHER), "shapes": (FLOAT, OTHER[:3]),
    "ranks": (FLOAT.reshape(2, 4), OTHER[:3]),
}  # fmt: skip

# Where we differ, and why we may.
EXCUSED = {
    ("copysign", "shapes"): "a TypeError, as of most functions here; JAX's is a ValueError",
    ("heaviside", "shapes"): "a TypeError, as of most functions here; JAX's is a ValueError",
    ("heaviside", "2,3"): "strongly typed, as of any other operands; JAX's is weak for these",
    ("hypot", "2,3"): "strongly typed, as of any other operands; JAX's is weak for these",
    ("logaddexp2", "2,3"): "strongly typed, as of any other operands; JAX's is weak for these",
}


def outcome(f: Any, args: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return f(*args)
        except Exception as error:
            return error


def compare(name: str, args: Any) -> None:
    mine, jaxs = outcome(getattr(ours, name), args), outcome(getattr(theirs, name), args)
    if isinstance(jaxs, Exception):
        builtin = next(c for c in type(jaxs).__mro__ if c.__module__ == "builtins")
        assert isinstance(mine, builtin), f"JAX raises {jaxs!r}; we give {mine!r}"
        return
    assert not isinstance(mine, Exception), f"we raise {mine!r}"
    for a, b in zip(mine, jaxs, strict=True) if isinstance(jaxs, tuple) else [(mine, jaxs)]:
        assert (a.dtype, a.shape, a.weak_type) == (b.dtype, b.shape, b.weak_type)
        assert_close(np.asarray(a), np.asarray(b))


def assert_close(a: np.ndarray, b: np.ndarray) -> None:
    if b.dtype.kind in "biu":
        np.testing.assert_array_equal(a, b)
        return
    wide = np.complex128 if b.dtype.kind == "c" else np.float64
    rtol = 1e-5 if b.dtype.itemsize >= 4 else 1e-2
    np.testing.assert_allclose(a.astype(wide), b.astype(wide), rtol=rtol, atol=1e-6)


@pytest.mark.thinned(3)
@pytest.mark.parametrize("kind", ONE)
@pytest.mark.parametrize("name", UNARY)
def test_unary(name: str, kind: str) -> None:
    compare(name, (ONE[kind],))


@pytest.mark.thinned(3)
@pytest.mark.parametrize("kind", TWO)
@pytest.mark.parametrize("name", BINARY)
def test_binary(name: str, kind: str) -> None:
    if (name, kind) not in EXCUSED:
        compare(name, TWO[kind])


POWERS = {
    "of_a_number": lambda jnp: 2 ** jnp.arange(4),
    "weak_both": lambda jnp: jnp.full(3, 2) ** jnp.full(3, 3),
    "truth": lambda jnp: 2.5 ** jnp.array([True, False]),
    "true": lambda jnp: jnp.ones(3, bool) ** True,
    "known_array": lambda jnp: jnp.full(3, 1.5) ** jnp.int32(3),
    "known_of_numpy": lambda jnp: jnp.full(3, 15) ** np.uint8(3),
    "known_0d": lambda jnp: jnp.arange(3) ** np.array(2, np.int8),
    "half": lambda jnp: jnp.array([-np.inf, -0.0, np.inf, np.nan, -2, 4]) ** 0.5,
    "half_of_a_number": lambda jnp: jnp.float16(-np.inf) ** 0.5,
    "known_negative": lambda jnp: jnp.arange(3) ** jnp.int32(-1),
}


@pytest.mark.parametrize("name", POWERS)
def test_power(name: str) -> None:
    agree(POWERS[name])


def test_answers_of_yes_and_no_are_not_weak() -> None:
    for x in (lambda jnp: jnp.full(2, 2.5), lambda jnp: jnp.full(2, 2), lambda jnp: BOOL):
        agree(lambda jnp, x=x: [jnp.isreal(x(jnp)), jnp.iscomplex(x(jnp)), jnp.logical_not(x(jnp))])
        agree(lambda jnp, x=x: [jnp.logical_and(x(jnp), 1), jnp.logical_or(1, x(jnp))])
        agree(lambda jnp, x=x: jnp.logical_xor(x(jnp), 2.5))
