"""pad, rev, iota, select_n, clamp, the reductions and the running reductions against jax.lax."""

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from jax.extend.core import primitives as jax_primitives

from scratchfn.backends.numpy.kernels import cumulative, reduce, shape
from tests.kernels.oracle import assert_close, draw

KEY = np.dtype([("fry", "<u4", (2,))])
DTYPES = ["bool", "i1", "u1", "i2", "i4", "u4", "f2", "f4", "c8", "bfloat16", "float8_e4m3fn"]
FLOATS = ["f2", "f4", "bfloat16"]
BITWISE = ["reduce_and", "reduce_or", "reduce_xor"]
ARITHMETIC = ["reduce_sum", "reduce_prod", "reduce_max", "reduce_min"]
CUMULATIVE = ["cumsum", "cumprod", "cummax", "cummin"]


def assert_same(got, want):
    want = np.asarray(want)
    assert isinstance(got, np.ndarray)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    if got.dtype.kind == "V" and not got.dtype.names:  # ml_dtypes: as float32, where nan is nan
        got, want = got.astype(np.float32), want.astype(np.float32)
    np.testing.assert_array_equal(got, want)


# -- pad, rev, iota, select_n, clamp


@pytest.mark.thinned(2)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "config",
    [
        ((1, 2, 0), (0, 0, 0)),
        ((0, 0, 2), (1, 0, 1)),
        ((-1, -2, 0), (0, -1, 0)),
        ((-2, -1, 2), (-3, 4, 1)),
        ((1, -7, 2), (0, 0, 0)),
        ((-9, 4, 0), (1, 1, 0)),
        ((-7, 9, 0), (0, 0, 0)),
        ((-5, 6, 1), (9, -9, 3)),
    ],
)
def test_pad(config, dtype):
    operand, value = draw((5, 3), np.dtype(dtype), 0), np.ones((), dtype)
    got = shape.pad(operand, value, padding_config=config)
    assert_same(got, lax.pad(operand, value, config))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 5), st.integers(-6, 6), st.integers(-6, 6), st.integers(0, 3))
def test_drawn_pads(n, low, high, interior):
    size = low + max((n - 1) * (interior + 1) + 1, 0) + high
    if size < 0:
        return  # JAX refuses it
    operand, value = np.arange(1, n + 1, dtype=np.int32), np.array(-1, np.int32)
    got = shape.pad(operand, value, padding_config=((low, high, interior),))
    assert_same(got, lax.pad(operand, value, [(low, high, interior)]))


def test_pad_of_no_axes_and_of_prng_keys():
    assert_same(shape.pad(np.array(3.0), np.array(4.0), padding_config=()), np.array(3.0))
    keys = np.zeros(2, KEY)
    keys["fry"] = [[1, 2], [3, 4]]
    got = shape.pad(keys, keys[1], padding_config=((1, -1, 0),))
    np.testing.assert_array_equal(got["fry"], [[3, 4], [1, 2]])


@pytest.mark.parametrize("dimensions", [(), (0,), (1, 2), (0, 1, 2)])
def test_rev(dimensions):
    operand = draw((2, 3, 4), np.dtype("f4"), 0)
    assert_same(shape.rev(operand, dimensions=dimensions), lax.rev(operand, dimensions))
    assert_same(shape.rev(np.array(1.5), dimensions=()), np.array(1.5))


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d != "bool"])
def test_iota(dtype):
    for sizes, dimension in [((300,), 0), ((2, 3, 4), 1), ((2, 3), 0), ((2, 0), 1), ((3, 2), 1)]:
        got = shape.iota(np.dtype(dtype), sizes, dimension, sharding=None)
        assert_same(got, lax.broadcasted_iota(dtype, sizes, dimension))


@pytest.mark.parametrize("dtype", [*DTYPES, "f8", "c16"])
def test_select_n(dtype):
    for n in [3, shape.LARGE + 5]:
        cases = [np.roll(draw((n,), np.dtype(dtype), 0), i) for i in range(3)]
        which = np.arange(n) % 3
        assert_same(shape.select_n(which > 1, *cases[:2]), np.where(which > 1, cases[1], cases[0]))
        for kind in [np.int32, np.uint8]:
            want = np.stack(cases)[which, np.arange(n)]
            assert_same(shape.select_n(which.astype(kind), *cases), want)


def test_select_n_with_one_predicate_outside_and_of_keys():
    cases = [np.arange(4, dtype=np.int32) + 10 * i for i in range(3)]
    for which in [np.array(True), np.array(False)]:
        assert_same(shape.select_n(which, *cases[:2]), lax.select_n(which, *cases[:2]))
    which = np.array([-1, 5, 2, 1], np.int32)
    assert_same(shape.select_n(which, *cases), lax.select_n(which, *cases))
    for one in [np.array(2, np.int32), np.array(-7, np.int32)]:
        assert_same(shape.select_n(one, *cases), lax.select_n(one, *cases))
    assert_same(shape.select_n(np.array(True), cases[0]), cases[0])
    keys = np.zeros(2, KEY)
    keys["fry"] = [[1, 2], [3, 4]]
    got = shape.select_n(np.array([True, False]), keys, keys[::-1])
    np.testing.assert_array_equal(got["fry"], [[3, 4], [3, 4]])


def test_select_n_keeps_the_bits_of_what_it_does_not_choose_out_of_the_result():
    n = shape.LARGE
    got = shape.select_n(np.arange(n) % 2 == 0, np.full(n, np.nan, "f4"), np.full(n, -0.0, "f4"))
    assert np.signbit(got[::2]).all() and (got[::2] == 0).all() and np.isnan(got[1::2]).all()


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d != "c8"])
def test_clamp(dtype):
    x = draw((4, 5), np.dtype(dtype), 0)
    lo, hi = np.sort(draw((2,), np.dtype(dtype), 1).astype("f4")).astype(dtype)
    lo, hi = np.asarray(lo), np.asarray(hi)
    assert_same(shape.clamp(lo, x, hi), lax.clamp(lo, x, hi))
    assert_same(shape.clamp(hi, x, lo), lax.clamp(hi, x, lo))
    assert_same(shape.clamp(x, x, x), x)
    assert_same(shape.clamp(lo, x[0, 0], hi), lax.clamp(lo, x[0, 0], hi))


def test_clamp_and_nan():
    nan, x = np.float32(np.nan), np.array([1, np.nan], "f4")
    one, two = np.array(1, "f4"), np.array(2, "f4")
    for args in [(np.asarray(nan), x, two), (one, x, np.asarray(nan)), (one, x, two)]:
        assert_same(shape.clamp(*args), lax.clamp(*args))


# -- reductions


def jax_reduce(name, x, axes):
    params = {"out_sharding": None} if name == "reduce_sum" else {}
    return getattr(jax_primitives, f"{name}_p").bind(jnp.asarray(x), axes=axes, **params)


AXES = [((), ()), ((5,), (0,)), ((3, 4, 5), (0,)), ((3, 4, 5), (1,)), ((3, 4, 5), (2,))]
AXES += [((3, 4, 5), (0, 2)), ((3, 4, 5), (0, 1, 2)), ((3, 4), ()), ((0, 3), (0,)), ((0, 3), (1,))]


@pytest.mark.thinned(2)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ARITHMETIC)
def test_reductions(name, dtype):
    dtype = np.dtype(dtype)
    if dtype.kind == "b" and name in ("reduce_sum", "reduce_prod"):
        return  # JAX has no arithmetic on bools
    for sizes, axes in AXES:
        x = draw(sizes, dtype, 0)
        before = x.copy()
        got, want = getattr(reduce, name)(x, axes=axes), np.asarray(jax_reduce(name, x, axes))
        if name in ("reduce_max", "reduce_min"):
            assert_same(got, want)
        elif dtype.kind not in "biu" and dtype.itemsize < 4:
            assert (got.dtype, got.shape) == (want.dtype, want.shape)
            exact = {"reduce_sum": np.sum, "reduce_prod": np.prod}[name]
            assert_same(got, exact(x.astype("f4"), axis=axes).astype(dtype))
            if x.size and dtype.itemsize == 2:
                rtol = 64 * float(ml_dtypes.finfo(dtype).eps)
                atol = rtol if name == "reduce_sum" else 1e-6
                np.testing.assert_allclose(got.astype("f4"), want.astype("f4"), rtol, atol)
        else:
            assert_close(got, want, terms=60)
        assert_same(x, before)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("dtype", ["bool", "i1", "u1", "i4", "u4"])
@pytest.mark.parametrize("name", BITWISE)
def test_bitwise_reductions(name, dtype):
    for sizes, axes in AXES:
        x = draw(sizes, np.dtype(dtype), 0)
        assert_same(getattr(reduce, name)(x, axes=axes), jax_reduce(name, x, axes))


LAYOUTS = [((512, 8), (1,)), ((512, 8), (0,)), ((64, 100), (1,)), ((64, 100), (0,))]
LAYOUTS += [
    ((8, 16, 4, 4), (2, 3)),
    ((8, 16, 4, 4), (3, 2)),
    ((8, 16, 4, 4), (0, 1)),
    ((5000,), (0,)),
]
LAYOUTS += [((8, 16, 20), (1,)), ((2, 5000), (1,)), ((2, 5000), (0,)), ((2048, 1), (1,))]
LAYOUTS += [((0, 2000), (0,)), ((2000, 0), (1,))]


@pytest.mark.thinned(3)
@pytest.mark.parametrize("dtype", ["i1", "i4", "f4", "c8", "bfloat16"])
@pytest.mark.parametrize("sizes,axes", LAYOUTS)
def test_every_way_of_spelling_a_large_reduction(sizes, axes, dtype):
    x = draw(sizes, np.dtype(dtype), 0)
    for layout in [x, np.asfortranarray(x), x[..., ::-1]]:
        for name in ["reduce_max", "reduce_min"]:
            assert_same(getattr(reduce, name)(layout, axes=axes), jax_reduce(name, layout, axes))
        got = reduce.reduce_sum(layout, axes=axes)
        if dtype == "bfloat16":  # XLA rounds partial sums to bfloat16
            assert_close(got, layout.astype("f8").sum(axes).astype(dtype), terms=5000)
        else:
            assert_close(got, np.asarray(jax_reduce("reduce_sum", layout, axes)), terms=5000)


@pytest.mark.parametrize("n", [3, 2000])
@pytest.mark.parametrize("dtype", FLOATS)
def test_reductions_of_nan_and_infinities(dtype, n):
    x = np.zeros((6, n), dtype)
    x[0, 1], x[1, 0], x[2, 2], x[3, 1], x[4, 0] = np.nan, np.inf, -np.inf, -0.0, np.inf
    x[4, 1] = -np.inf
    wide = x.astype("f4")
    for layout, axes in [(x, (1,)), (x.T.copy(), (0,))]:
        for name in ["reduce_sum", "reduce_prod"]:
            assert_same(getattr(reduce, name)(layout, axes=axes), jax_reduce(name, layout, axes))
        # XLA loses the nan of long rows on a CPU, so NumPy is the judge.
        assert_same(reduce.reduce_max(layout, axes=axes), wide.max(axis=1).astype(dtype))
        assert_same(reduce.reduce_min(layout, axes=axes), wide.min(axis=1).astype(dtype))


def test_complex_maxima_compare_real_parts_first():
    x = np.array([[1, 2 - 1j, 2 + 1j], [1j, -1j, 0], [-np.inf, 1, 2]], np.complex64)
    for name in ["reduce_max", "reduce_min"]:
        assert_same(getattr(reduce, name)(x, axes=(1,)), jax_reduce(name, x, (1,)))


def test_sums_of_integers_wrap_and_of_floats_overflow_in_silence():
    for dtype, value in [("i1", 100), ("u1", 200), ("i4", 2**30), ("f4", 3e38)]:
        x = np.full((2, 3), value, dtype)
        for name in ["reduce_sum", "reduce_prod"]:
            assert_same(getattr(reduce, name)(x, axes=(1,)), jax_reduce(name, x, (1,)))


def test_short_floats_are_summed_in_float32_and_rounded_once():
    for dtype in ["bfloat16", "f2"]:
        x = np.full(4096, 1, dtype)
        assert reduce.reduce_sum(x, axes=(0,)) == 4096
        assert cumulative.cumsum(x, axis=0, reverse=False)[-1] == 4096
    assert np.isinf(reduce.reduce_sum(np.full(3, 6e4, "f2"), axes=(0,)))


# -- running reductions


@pytest.mark.thinned(3)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("dtype", [d for d in DTYPES if d != "bool"])
@pytest.mark.parametrize("name", CUMULATIVE)
def test_cumulative(name, dtype, reverse):
    dtype = np.dtype(dtype)
    for sizes, axis in [((7,), 0), ((3, 4, 5), 0), ((3, 4, 5), 1), ((3, 4, 5), 2), ((0, 3), 0)]:
        x = draw(sizes, dtype, 0)
        got = getattr(cumulative, name)(x, axis=axis, reverse=reverse)
        if dtype == ml_dtypes.float8_e4m3fn and name in ("cumsum", "cumprod"):
            continue  # three bits of mantissa: XLA's partial rounding leaves nothing to compare
        want = np.asarray(getattr(lax, name)(x, axis=axis, reverse=reverse))
        if name in ("cummax", "cummin"):
            assert_same(got, want)
        elif dtype.itemsize == 2 and dtype.kind not in "iu":
            rtol = 8 * float(ml_dtypes.finfo(dtype).eps)
            np.testing.assert_allclose(got.astype("f4"), want.astype("f4"), rtol, rtol)
        else:
            assert_close(got, want, terms=7)


@pytest.mark.parametrize("name", [*CUMULATIVE, "cumlogsumexp"])
@pytest.mark.parametrize("reverse", [False, True])
def test_cumulative_nan_and_infinities(name, reverse):
    for x in [[1, np.nan, 3], [-np.inf, -np.inf, 1, np.inf, 2], [1, -np.inf, 200, -300]]:
        x = np.array(x, np.float32)
        got = getattr(cumulative, name)(x, axis=0, reverse=reverse)
        want = np.asarray(getattr(lax, name)(x, axis=0, reverse=reverse))
        np.testing.assert_allclose(got, want, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["f4", "f2", "bfloat16", "c8"])
def test_cumlogsumexp(dtype):
    dtype = np.dtype(dtype)
    for sizes, axis in [((7,), 0), ((3, 4), 0), ((3, 4), 1), ((0,), 0)]:
        x = draw(sizes, dtype, 0)
        got = cumulative.cumlogsumexp(x, axis=axis, reverse=False)
        want = np.asarray(lax.cumlogsumexp(x, axis=axis))
        assert (got.dtype, got.shape) == (want.dtype, want.shape)
        wide = np.complex64 if dtype.kind == "c" else np.float32
        rtol = 8 * float(ml_dtypes.finfo(dtype).eps)
        np.testing.assert_allclose(got.astype(wide), want.astype(wide), rtol, rtol)


def test_cumulative_integers_wrap():
    x = np.array([[1, 2], [3, 4]], np.int8) * 50
    for name in CUMULATIVE:
        got = getattr(cumulative, name)(x, axis=1, reverse=True)
        assert_same(got, getattr(lax, name)(x, axis=1, reverse=True))
