"""The operands that every call of the surface is tried with.

A call is an expression over these names, evaluated once with JAX's namespaces and once with ours:

    x, y   any numbers, [3, 4]            s      any numbers, [2, 3, 4]
    p, q   numbers in (0, 1), [3, 4]      v, w   any numbers, [4]
    m      well-conditioned, [3, 3]       h      symmetric positive definite, [3, 3]
    b      [3, 2], a right-hand side      c      booleans, [3, 4]
    i, j   indices, int32[4] in [0, 3)    k      a typed key, `r` the same as raw words

Each *kind* gives them another dtype, shape or contents.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

SHAPES = {
    "x": (3, 4),
    "y": (3, 4),
    "p": (3, 4),
    "q": (3, 4),
    "s": (2, 3, 4),
    "v": (4,),
    "w": (4,),
    "m": (3, 3),
    "h": (3, 3),
    "b": (3, 2),
}
DTYPES: dict[str, Any] = {
    "float32": np.float32,
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
    "int8": np.int8,
    "int32": np.int32,
    "uint8": np.uint8,
    "bool": np.bool_,
    "complex64": np.complex64,
}
WIDE_DTYPES: dict[str, Any] = {
    "float64": np.float64,
    "int64": np.int64,
    "uint64": np.uint64,
    "complex128": np.complex128,
}
KINDS = [*DTYPES, "special", "empty", "rank0", "weak", "weak_int"]
WIDE_KINDS = list(WIDE_DTYPES)


def operands(kind: str) -> dict[str, Any]:
    """Name -> NumPy array, or a Python number for the weak kinds."""
    if kind == "weak":
        return {name: value(name) for name, value in _WEAK.items()} | _others()
    if kind == "weak_int":
        return {name: round(4 * value(name)) for name, value in _WEAK.items()} | _others()
    if kind == "rank0":
        return {name: np.float32(value(name)) for name, value in _WEAK.items()} | _others()
    if kind == "empty":
        return {n: np.zeros((0, *s[1:]), np.float32) for n, s in SHAPES.items()} | _empty()
    if kind == "special":
        return {name: _special(_numbers(name)) for name in SHAPES} | _others()
    dtype = (DTYPES | WIDE_DTYPES)[kind]
    return {name: _cast(_numbers(name), dtype) for name in SHAPES} | _others()


# One number for each array of numbers, none of them special to any function.
_WEAK: dict[str, Any] = {
    name: (lambda name, n=n: (0.25 + 0.07 * n) if name in "pq" else (-1) ** n * (0.75 + 0.5 * n))
    for n, name in enumerate(SHAPES)
}


def _numbers(name: str) -> np.ndarray:
    """Float64 numbers, the same in each run, another sequence for each name."""
    draw = np.random.default_rng(list(name.encode()))
    shape = SHAPES[name]
    if name in "pq":
        return draw.uniform(0.05, 0.95, shape)
    if name == "m":
        return draw.normal(size=shape) + 3 * np.eye(3)
    if name == "h":
        a = draw.normal(size=shape)
        return a @ a.T + 2 * np.eye(3)
    return 1.5 * draw.normal(size=shape)


def _cast(numbers: np.ndarray, dtype: Any) -> np.ndarray:
    """Numbers of a dtype: integers are spread out first, so that few are alike."""
    kind = np.dtype(dtype).kind
    if kind == "b":
        return numbers > 0.4
    if kind == "u":
        return np.abs(np.round(4 * numbers)).astype(dtype)
    if kind == "i":
        return np.round(4 * numbers).astype(dtype)
    if kind == "c":
        return (numbers + 0.5j * numbers[::-1]).astype(dtype)
    return numbers.astype(dtype)


def _special(numbers: np.ndarray) -> np.ndarray:
    """Some of the numbers replaced by what functions treat on their own."""
    flat = numbers.astype(np.float32).ravel()
    flat[[0, 1, 2, 3]] = [np.nan, np.inf, -np.inf, -0.0][: flat.size]
    return flat.reshape(numbers.shape)


def _others() -> dict[str, Any]:
    """What is the same for each kind."""
    draw = np.random.default_rng(0)
    return {
        "c": draw.uniform(size=(3, 4)) > 0.5,
        "i": np.array([0, 2, 1, 2], np.int32),
        "j": np.array([1, 0, 2, 0], np.int32),
    }


def _empty() -> dict[str, Any]:
    return {
        "c": np.zeros((0, 4), bool),
        "i": np.zeros(0, np.int32),
        "j": np.zeros(0, np.int32),
    }
