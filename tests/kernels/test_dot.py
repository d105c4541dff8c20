"""dot_general against jax.lax.dot_general: layouts, dtypes, empties, and drawn contractions."""

import warnings

import jax
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from scratchfn.backends.numpy.kernels.dot import dot_general, higher_precision
from tests.kernels.oracle import assert_close, draw

CASES = {  # name: lhs shape, rhs shape, dimension_numbers
    "matrix": ((3, 4), (4, 5), (((1,), (0,)), ((), ()))),
    "lhs transposed": ((4, 3), (4, 5), (((0,), (0,)), ((), ()))),
    "rhs transposed": ((3, 4), (5, 4), (((1,), (1,)), ((), ()))),
    "both transposed": ((4, 3), (5, 4), (((0,), (1,)), ((), ()))),
    "vectors": ((4,), (4,), (((0,), (0,)), ((), ()))),
    "vector matrix": ((4,), (4, 5), (((0,), (0,)), ((), ()))),
    "matrix vector": ((3, 4), (4,), (((1,), (0,)), ((), ()))),
    "scalars": ((), (), (((), ()), ((), ()))),
    "scalar matrix": ((), (3, 4), (((), ()), ((), ()))),
    "matrix scalar": ((3, 4), (), (((), ()), ((), ()))),
    "outer": ((3,), (4, 2), (((), ()), ((), ()))),
    "dense layer": ((2, 3, 4), (4, 5), (((2,), (0,)), ((), ()))),
    "weight gradient": ((2, 3, 4), (2, 3, 5), (((0, 1), (0, 1)), ((), ()))),
    "crossed contraction": ((2, 3, 4), (3, 2, 5), (((0, 1), (1, 0)), ((), ()))),
    "full contraction": ((2, 3, 4), (4, 3, 2), (((0, 1, 2), (2, 1, 0)), ((), ()))),
    "scores": ((2, 6, 3, 4), (2, 7, 3, 4), (((3,), (3,)), ((0, 2), (0, 2)))),
    "attention": ((2, 3, 6, 7), (2, 7, 3, 4), (((3,), (1,)), ((0, 1), (0, 2)))),
    "row dots": ((5, 4), (5, 4), (((1,), (1,)), ((0,), (0,)))),
    "batched matrix vector": ((5, 3, 4), (5, 4), (((2,), (1,)), ((0,), (0,)))),
    "batch of outer products": ((5, 3), (5, 4), (((), ()), ((0,), (0,)))),
    "elementwise": ((5, 3), (5, 3), (((), ()), ((0, 1), (0, 1)))),
    "batch last": ((3, 4, 2), (4, 5, 2), (((1,), (0,)), ((2,), (2,)))),
    "batch swapped": ((2, 3, 4), (3, 2, 4), (((2,), (2,)), ((1, 0), (0, 1)))),
    "no terms": ((3, 0), (0, 5), (((1,), (0,)), ((), ()))),
    "no rows": ((0, 4), (4, 5), (((1,), (0,)), ((), ()))),
    "no batch": ((0, 3, 4), (0, 4, 5), (((2,), (1,)), ((0,), (0,)))),
    "row dots without terms": ((5, 0), (5, 0), (((1,), (1,)), ((0,), (0,)))),
}
DTYPES = [
    np.dtype(d)
    for d in (
        *("float32", "complex64", "float16", "int32", "int8", "uint8", "uint16", "bool"),
        *(ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.int4, ml_dtypes.uint4),
    )
]


def check(lhs, rhs, dimension_numbers, preferred=None):
    params = dict(dimension_numbers=dimension_numbers, preferred_element_type=preferred)
    want = np.asarray(lax.dot_general(lhs, rhs, **params))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = dot_general(lhs, rhs, **params)
    (contract, _), _ = dimension_numbers
    assert_close(got, want, int(np.prod([lhs.shape[i] for i in contract])))


@pytest.mark.parametrize("name", CASES)
def test_layouts(name):
    lhs_shape, rhs_shape, dimension_numbers = CASES[name]
    f32 = np.dtype("float32")
    lhs, rhs = draw(lhs_shape, f32, 0), draw(rhs_shape, f32, 1)
    check(lhs, rhs, dimension_numbers)
    check(lhs, rhs, dimension_numbers, f32)
    check(lhs.copy(order="F"), rhs.copy(order="F"), dimension_numbers)
    wide_lhs, wide_rhs = draw((*lhs_shape, 2), f32, 2), draw((*rhs_shape, 2), f32, 3)
    check(wide_lhs[..., 1], wide_rhs[..., 0], dimension_numbers)
    lhs_ones, rhs_ones = (np.broadcast_to(np.float32(2), s) for s in (lhs_shape, rhs_shape))
    check(lhs_ones, rhs_ones, dimension_numbers)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", ["matrix", "scores", "vectors", "outer", "row dots", "no terms"])
def test_dtypes(name, dtype):
    lhs_shape, rhs_shape, dimension_numbers = CASES[name]
    check(draw(lhs_shape, dtype, 0), draw(rhs_shape, dtype, 1), dimension_numbers)


@pytest.mark.parametrize("name", ["matrix", "scores", "row dots"])
def test_double_precision(name):
    lhs_shape, rhs_shape, dimension_numbers = CASES[name]
    with jax.enable_x64(True):
        for dtype in map(np.dtype, ("float64", "complex128", "int64")):
            check(draw(lhs_shape, dtype, 0), draw(rhs_shape, dtype, 1), dimension_numbers)


@pytest.mark.parametrize(
    "lhs_dtype, rhs_dtype, preferred",
    [
        ("int8", "int8", "int32"),
        ("int8", "int8", "float32"),
        ("int8", "uint8", None),
        ("int8", "bool", None),
        ("bool", "bool", "int32"),
        ("int8", "float32", None),
        ("complex64", "float32", None),
        ("float32", "float32", ml_dtypes.bfloat16),
        ("float16", "float16", "float32"),
        ("float16", ml_dtypes.bfloat16, None),
        (ml_dtypes.bfloat16, "float32", None),
        (ml_dtypes.bfloat16, ml_dtypes.bfloat16, "float32"),
    ],
)
def test_mixed_dtypes(lhs_dtype, rhs_dtype, preferred):
    lhs, rhs = draw((3, 4), np.dtype(lhs_dtype), 0), draw((4, 5), np.dtype(rhs_dtype), 1)
    check(lhs, rhs, CASES["matrix"][2], preferred and np.dtype(preferred))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "uint32", "bool"])
@pytest.mark.parametrize("small", [True, False])
def test_large_integer_products_wrap(dtype, small):
    rng = np.random.default_rng(0)
    dtype = np.dtype(dtype)
    top = 2 if dtype.kind == "b" else 50 if small else np.iinfo(dtype).max
    bottom = 0 if dtype.kind in "bu" else -top
    lhs, rhs = (rng.integers(bottom, top, (60, 60)).astype(dtype) for _ in range(2))
    if dtype.kind == "b":
        lhs, rhs = lhs & (rng.random(lhs.shape) < 0.1), rhs & (rng.random(rhs.shape) < 0.1)
    check(lhs, rhs, CASES["matrix"][2])


def test_short_floats_round_once():
    lhs = draw((8, 300), np.dtype(ml_dtypes.bfloat16), 0)
    rhs = draw((300, 8), np.dtype(ml_dtypes.bfloat16), 1)
    got = dot_general(lhs, rhs, dimension_numbers=CASES["matrix"][2])
    want = (lhs.astype(np.float64) @ rhs.astype(np.float64)).astype(ml_dtypes.bfloat16)
    assert np.mean(got == want) > 0.9  # a sum in bfloat16 itself would be far off


def test_nan_inf_and_overflow_are_silent():
    lhs = np.array([[np.inf, 0.0], [3e38, 3e38], [np.nan, 1.0]], np.float32)
    for rhs in (np.array([[0.0, 1.0], [3.0, 3.0]], np.float32), np.full((2, 2), 3e38, np.float32)):
        check(lhs, rhs, CASES["matrix"][2])
        check(lhs, rhs, CASES["matrix"][2], np.dtype(ml_dtypes.bfloat16))
        with np.errstate(over="ignore"):
            halves = lhs.astype(np.float16), rhs.astype(np.float16)
        check(*halves, CASES["matrix"][2])
        check(lhs[None], rhs[None], (((2,), (1,)), ((0,), (0,))))
        check(lhs[0], rhs[0], (((), ()), ((), ())))


@st.composite
def contractions(draw_):
    axes = draw_(st.lists(st.tuples(st.sampled_from("bklr"), st.integers(0, 4)), max_size=6))
    lhs = draw_(st.permutations([i for i, (kind, _) in enumerate(axes) if kind in "bkl"]))
    rhs = draw_(st.permutations([i for i, (kind, _) in enumerate(axes) if kind in "bkr"]))
    named = [
        tuple(
            tuple(side.index(i) for i, (kind, _) in enumerate(axes) if kind == wanted)
            for side in (lhs, rhs)
        )
        for wanted in "kb"
    ]
    sizes = [size for _, size in axes]
    return tuple(sizes[i] for i in lhs), tuple(sizes[i] for i in rhs), tuple(named)


@settings(max_examples=60, deadline=None)
@given(contractions(), st.sampled_from(["float32", "int16", "complex64"]))
def test_any_contraction(case, dtype):
    lhs_shape, rhs_shape, dimension_numbers = case
    dtype = np.dtype(dtype)
    check(draw(lhs_shape, dtype, 0), draw(rhs_shape, dtype, 1), dimension_numbers)


def test_higher_precision():
    pairs = [("float32", "bfloat16"), ("bfloat16", "float16"), ("int8", "uint8"), ("int8", "bool")]
    for higher, lower in pairs:
        higher, lower = np.dtype(higher), np.dtype(lower)
        assert higher_precision(higher, lower) == higher_precision(lower, higher) == higher
