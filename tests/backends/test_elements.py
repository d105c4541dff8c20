"""Gathers and scatters of single elements, as vectors, against the kernels for any windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp

ROWS, COLUMNS = 6, 10
INSIDE = [3, 0, 9, 3, 5, 9]
ANYWHERE = [3, -1, 12, -11, 9, 2**31 - 1]
DTYPES = [np.int32, np.int8, np.uint8, np.int64, np.uint32]


def table(dtype: Any = np.float32) -> np.ndarray:
    x = np.random.default_rng(0).standard_normal((ROWS, COLUMNS)) * 9
    if dtype is np.float32:
        x[0, 3], x[1, 0] = -0.0, np.inf
    return x.astype(dtype)


def pick(mode: str) -> Callable[..., Any]:
    return lambda x, at: jnp.take_along_axis(x, at[:, None], 1, mode=mode)


def check(f: Callable[..., Any], wanted: str, *args: Any) -> None:
    """The compiled program has such a line, and the eager one's results."""
    args = tuple(map(jnp.asarray, args))
    program = sf.jit(f)
    assert wanted in program.lower(*args).as_text("numpy")
    found, want = np.asarray(program(*args)), np.asarray(f(*args))
    assert found.dtype == want.dtype
    assert found.tobytes() == want.tobytes()


@pytest.mark.parametrize("at", [INSIDE, ANYWHERE])
@pytest.mark.parametrize("mode", ["fill", "clip"])
@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.bool])
def test_one_of_each_row(dtype: Any, mode: str, at: list[int]) -> None:
    check(pick(mode), "read_elements(", table(dtype), np.asarray(at))


@pytest.mark.parametrize("dtype", DTYPES)
def test_types_of_indices(dtype: Any) -> None:
    at = np.asarray(INSIDE).astype(dtype)
    at[1] = np.iinfo(dtype).max
    check(pick("fill"), "read_elements(", table(), at)
    at[2] = np.iinfo(dtype).min
    check(pick("clip"), "read_elements(", table(), at)


@pytest.mark.parametrize("at", [INSIDE, ANYWHERE])
@pytest.mark.parametrize("mode", ["fill", "clip"])
def test_gradient_of_one_of_each_row(mode: str, at: list[int]) -> None:
    def loss(x: Any, at: Any) -> Any:
        return jnp.tanh(pick(mode)(x, at)).sum()

    check(sf.grad(loss), "write_elements(np.add", table(), np.asarray(at))


@pytest.mark.parametrize("at", [INSIDE, ANYWHERE])
def test_last_of_equal_places_stays(at: list[int]) -> None:
    def f(x: Any, at: Any, new: Any) -> Any:
        return x.at[at].set(new, mode="drop")

    x = np.arange(10, dtype=np.float32)
    check(f, "write_elements(None", x, np.asarray(at), -np.arange(6, dtype=np.float32))


@pytest.mark.parametrize("at", [INSIDE, ANYWHERE])
def test_sums_at_equal_places_stay_in_order(at: list[int]) -> None:
    """Places that may be equal are not for one assignment."""

    def f(x: Any, at: Any, new: Any) -> Any:
        return x.at[at].add(new)

    x = np.arange(10, dtype=np.float32)
    check(f, "write_windows(np.add", x, np.asarray(at), 1 / np.arange(3, 9, dtype=np.float32))


@pytest.mark.parametrize("name", ["add", "multiply", "min", "max"])
@pytest.mark.parametrize("mode", ["drop", "clip"])
def test_promised_to_be_apart(name: str, mode: str) -> None:
    def f(x: Any, at: Any, new: Any) -> Any:
        return getattr(x.at[at], name)(new, mode=mode, unique_indices=True)

    x, new = table()[2], np.array([np.nan, 2.0, -0.0], np.float32)
    check(f, "write_elements(np.", x, np.array([2, -3, 30]), new)
