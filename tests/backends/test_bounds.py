"""Maxima and minima with numbers, and reductions to one number: the primitives' own results."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import lax

NUMBERS = [0.0, -0.0, 1.5, -1.5, np.inf, -np.inf, np.nan]
SPECIAL = [0.0, -0.0, 1.0, -2.0, 3e-45, np.inf, -np.inf, np.nan]


def special(dtype: str) -> np.ndarray:
    return np.array(SPECIAL * 5, dtype)  # more than a vector register, and a rest


def same_bits(found: Any, want: Any) -> None:
    found, want = np.asarray(found), np.asarray(want)
    np.testing.assert_array_equal(found, want)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(want))


def extreme(ufunc: np.ufunc, x: Any, y: Any) -> Any:
    """The maximum or minimum of IEEE 754-2019, for which -0.0 is less than 0.0."""
    sign = np.float32(1 if ufunc is np.maximum else -1)
    with np.errstate(invalid="ignore"):
        return np.where((x == 0) & (y == 0), sign * (sign * x + sign * y), ufunc(x, y))


def compiled(f: Any, x: Any) -> Any:
    """The result of a program in which it is a buffer."""
    return sf.jit(lambda x: -f(x))(x)


@pytest.mark.parametrize("number", NUMBERS, ids=str)
@pytest.mark.parametrize("f", [lax.max, lax.min], ids=["max", "min"])
def test_one_bound(f: Any, number: float) -> None:
    x, bound = special("float32"), np.float32(number)
    want = -extreme(np.maximum if f is lax.max else np.minimum, x, bound)
    same_bits(compiled(lambda x: f(x, bound), x), want)
    same_bits(compiled(lambda x: f(bound, x), x), want)


def test_two_bounds() -> None:
    x = special("float32")
    for low, high in itertools.product(map(np.float32, NUMBERS), repeat=2):
        want = -extreme(np.minimum, extreme(np.maximum, x, low), high)
        same_bits(compiled(lambda x, low=low, high=high: lax.clamp(low, x, high), x), want)


def test_a_bound_is_one_vectorised_operation() -> None:
    source = sf.jit(lambda x: -jnp.maximum(x, 1.0)).lower(special("float32")).as_text()
    assert "clip(" in source and "np.maximum" not in source


@pytest.mark.parametrize("shape", [(5,), (3, 4), (1,), (70, 9)], ids=str)
def test_reductions_to_one_number(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    for f in (jnp.sum, jnp.max, jnp.min):
        np.testing.assert_allclose(sf.jit(lambda x, f=f: f(x * 2))(x), f(jnp.asarray(x * 2)), 1e-5)
        assert sf.jit(f)(x).dtype == jnp.float32
        assert np.isnan(sf.jit(f)(x * np.float32(np.nan)))


@pytest.mark.parametrize("shape", [(40, 10), (4, 5, 3), (7, 1), (2, 33)], ids=str)
def test_extremes_of_rows(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    x[0, ..., 0] = np.nan
    x[-1] = -np.inf
    for f in (jnp.max, jnp.min):
        found = sf.jit(lambda x, f=f: -f(x, -1))(x)
        same_bits(found, -f(jnp.asarray(x), -1))


def test_powers_of_numbers() -> None:
    f = sf.jit(lambda x, y: x**y)
    for x, y in itertools.product(map(np.float32, [*SPECIAL, 0.9, 0.999]), [0.5, 3.0, -2.0, 0.0]):
        want = np.asarray(lax.pow(jnp.asarray(x), jnp.float32(y)))
        np.testing.assert_allclose(f(x, np.float32(y)), want, rtol=3e-7)
