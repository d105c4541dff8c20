"""sort, top_k, argmax and argmin against jax.lax: every dtype, nan, both zeros, and ties."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from scratchfn.backends.numpy.kernels import sort as kernels
from tests.kernels.oracle import draw

DTYPES = ["bool", "i1", "u1", "i2", "u2", "i4", "u4", "f2", "f4", "bfloat16", "float8_e4m3fn"]
WIDE = ["i8", "u8", "f8"]
NORMAL = st.floats(width=32, allow_subnormal=False)  # XLA's CPU takes denormal numbers for 0
FLOATS = ["f2", "f4", "f8", "bfloat16"]


@pytest.fixture(autouse=True)
def x64():
    with jax.enable_x64(True):
        yield


def spread(shape, dtype, seed):
    """Numbers over the type's whole range, with ties."""
    dtype = np.dtype(dtype)
    if dtype.kind not in "iu":
        return draw(shape, dtype, seed)
    info, rng = np.iinfo(dtype), np.random.default_rng(seed)
    ends = np.array([info.min, info.max, info.min + 1, info.max // 2, 0], dtype)
    return np.where(
        rng.random(shape) < 0.5, ends[rng.integers(0, 5, shape)], draw(shape, dtype, seed)
    )


def as_comparable(x):
    """ml_dtypes as float32, in which NumPy knows nan."""
    return x.astype(np.float32) if x.dtype.kind == "V" and not x.dtype.names else x


def assert_same(got, want):
    assert len(got) == len(want)
    for g, w in zip(got, map(np.asarray, want), strict=True):
        assert isinstance(g, np.ndarray)
        assert (g.dtype, g.shape) == (w.dtype, w.shape)
        g, w = as_comparable(g), as_comparable(w)
        np.testing.assert_array_equal(g, w)
        if g.dtype.kind == "f":
            number = ~np.isnan(g)
            np.testing.assert_array_equal(np.signbit(g)[number], np.signbit(w)[number])


def check_sort(operands, dimension, num_keys, is_stable=True):
    before = [x.copy() for x in operands]
    got = kernels.sort(*operands, dimension=dimension, is_stable=is_stable, num_keys=num_keys)
    want = lax.sort(operands, dimension=dimension, is_stable=is_stable, num_keys=num_keys)
    assert_same(got, want)
    assert_same(operands, before)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("dtype", DTYPES + WIDE + ["c8", "c16"])
def test_sort(dtype):
    for sizes, dimension in [((20,), 0), ((4, 9), 1), ((9, 4), 0), ((2, 7, 3), 1), ((0, 3), 0)]:
        x = spread(sizes, dtype, 0)
        check_sort([x], dimension, 1)
        positions = np.broadcast_to(np.arange(x.size, dtype=np.int32).reshape(sizes), sizes)
        check_sort([x, positions], dimension, 1)
        check_sort([np.sign(x) if x.dtype.kind == "f" else x, x, positions], dimension, 2)


def special(dtype):
    nan, inf = np.nan, np.inf
    return np.array([0, -0.0, nan, 1, -nan, -1, -inf, inf, -0.0, nan, 0, 1, -1, inf], dtype)


@pytest.mark.parametrize("dtype", FLOATS)
def test_sort_puts_nan_last_and_takes_both_zeros_for_equal(dtype):
    x = special(dtype)
    positions = np.arange(x.size, dtype=np.int32)
    check_sort([x], 0, 1)
    check_sort([x, positions], 0, 1)
    check_sort([x, positions[::-1].copy()], 0, 2)
    check_sort([np.stack([x, x[::-1]])], 1, 1)


def test_complex_numbers_are_sorted_by_real_part_first():
    nan = np.nan
    parts = [
        (0, 1),
        (-0.0, -1),
        (nan, 1),
        (1, nan),
        (1, 2),
        (2, 1),
        (nan, -1),
        (0, -0.0),
        (nan, nan),
    ]
    x = np.array([complex(*p) for p in parts], np.complex64)
    check_sort([x], 0, 1)
    check_sort([x, np.arange(x.size, dtype=np.int32)], 0, 1)


def test_prng_keys_are_carried_along():
    keys = np.zeros(3, np.dtype([("fry", "<u4", (2,))]))
    keys["fry"] = [[1, 2], [3, 4], [5, 6]]
    x = np.array([3, 1, 2], np.int32)
    _, got = kernels.sort(x, keys, dimension=0, is_stable=True, num_keys=1)
    np.testing.assert_array_equal(got["fry"], [[3, 4], [5, 6], [1, 2]])


@pytest.mark.thinned(3)
@pytest.mark.parametrize("dtype", DTYPES + WIDE)
@pytest.mark.parametrize("k", [0, 1, 4, 9])
def test_top_k(k, dtype):
    for sizes, axis in [((9,), 0), ((4, 9), 1), ((9, 4), 0), ((2, 9, 3), 1), ((0, 9), 1)]:
        x = spread(sizes, dtype, 0)
        want = lax.top_k(x, k, axis=axis)
        assert_same(kernels.top_k(x, k=k, axis=axis), want)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("k", [3, 14])
def test_top_k_puts_nan_first_and_zero_above_its_negative(k, dtype):
    x = special(dtype)
    assert_same(kernels.top_k(x, k=k, axis=0), lax.top_k(x, k))


@pytest.mark.thinned(3)
@pytest.mark.parametrize("dtype", DTYPES + WIDE)
@pytest.mark.parametrize("index_dtype", ["int32", "uint8"])
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_arg_extremes(name, index_dtype, dtype):
    for sizes, axis in [((9,), 0), ((4, 9), 1), ((9, 4), 0), ((2, 9, 3), 1), ((0, 9), 1)]:
        x = spread(sizes, dtype, 0)
        got = getattr(kernels, name)(x, axes=(axis,), index_dtype=np.dtype(index_dtype))
        assert_same([got], [getattr(lax, name)(x, axis, index_dtype)])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_arg_extremes_find_the_first_nan_and_the_first_of_equals(name, dtype):
    for values in [[1, np.nan, 3, np.nan], [-0.0, 0.0], [0.0, -0.0], [2, 1, 2, 1], [-np.inf] * 3]:
        x = np.array(values, dtype)
        got = getattr(kernels, name)(x, axes=(0,), index_dtype=np.dtype("int32"))
        assert_same([got], [getattr(lax, name)(jnp.asarray(x), 0, "int32")])


@settings(max_examples=60, deadline=None)
@given(st.lists(NORMAL, min_size=1, max_size=12), st.data())
def test_drawn_orders(values, data):
    x = np.array(values, np.float32)
    k = data.draw(st.integers(0, x.size))
    check_sort([x], 0, 1, is_stable=data.draw(st.booleans()))
    check_sort([x, np.arange(x.size, dtype=np.int32)], 0, 1)
    assert_same(kernels.top_k(x, k=k, axis=0), lax.top_k(x, k))
