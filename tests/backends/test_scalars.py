"""Operations on single numbers are written as operators, and give what they give on arrays."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import lax

VALUES = {
    "float32": [0.1, -3.5, 0.0, -0.0, np.inf, np.nan, 3e38, 1e-40],
    "float16": [0.1, -3.5, 0.0, 6e4],
    "int32": [0, 7, -7, 2**31 - 1, -(2**31)],
    "int8": [3, -128, 127],
    "uint8": [0, 3, 255],
    "uint32": [0, 5, 2**32 - 1],
    "bool": [False, True],
}
OPERATIONS: dict[str, tuple[str, Any]] = {
    "add": ("iuf", lax.add),
    "sub": ("iuf", lax.sub),
    "mul": ("iuf", lax.mul),
    "div": ("f", lax.div),
    "neg": ("if", lambda x, y: lax.neg(x)),
    "lt": ("iuf", lax.lt),
    "le": ("iuf", lax.le),
    "gt": ("iuf", lax.gt),
    "ge": ("iuf", lax.ge),
    "eq": ("biuf", lax.eq),
    "ne": ("biuf", lax.ne),
    "and": ("biu", lax.bitwise_and),
    "or": ("biu", lax.bitwise_or),
    "xor": ("biu", lax.bitwise_xor),
    "select_n": ("biuf", lambda x, y: lax.select(lax.ne(x, y), x, y)),
    "to f32": ("biuf", lambda x, y: lax.convert_element_type(x, np.float32)),
    "to i32": ("biu", lambda x, y: lax.convert_element_type(x, np.int32)),
    "with a number": ("iuf", lambda x, y: x * 3 + 1),
}
CASES = [
    (name, dtype)
    for name, (kinds, _) in OPERATIONS.items()
    for dtype in VALUES
    if np.dtype(dtype).kind in kinds
]


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_as_on_arrays(name: str, dtype: str) -> None:
    operation = OPERATIONS[name][1]
    left, right = (np.ravel(x) for x in np.meshgrid(*[np.asarray(VALUES[dtype], dtype)] * 2))
    wanted = np.asarray(sf.jit(operation)(left, right))
    one = sf.jit(operation)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # an overflow is no news
        found = [np.asarray(one(x, y)) for x, y in zip(left, right, strict=True)]
        inside = lax.scan(lambda c, xy: (c, operation(*xy)), 0, (left, right))[1]
    assert all(x.dtype == wanted.dtype and x.shape == () for x in found)
    np.testing.assert_array_equal(np.stack(found), wanted)
    np.testing.assert_array_equal(np.signbit(np.stack(found)), np.signbit(wanted))
    np.testing.assert_array_equal(inside, wanted)
    assert inside.dtype == wanted.dtype


def test_they_are_operators() -> None:
    f = sf.jit(lambda i, x: lax.fori_loop(0, i, lambda i, x: x * 1.5 + i, x))
    text = f.lower(3, jnp.float32(1)).as_text()
    for line in ("a, b, c = a[()], b[()], c[()]", "a < b", "a + i32_1_", "c * f32_1_5_"):
        assert line in text
    assert "np.add" not in text


def test_so_are_those_of_arguments() -> None:
    f = sf.jit(lambda t, x: x * (t + 1))
    assert "a[()] + f32_1_0_" in f.lower(jnp.float32(2), jnp.ones(3)).as_text("numpy")
    np.testing.assert_array_equal(f(2.0, jnp.ones(3)), [3, 3, 3])
