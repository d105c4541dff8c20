"""Window reductions and selections against jax.lax."""

import warnings
from functools import partial
from types import SimpleNamespace

import jax
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from scratchfn.backends.numpy.kernels import selection, window
from tests.kernels.oracle import assert_close, draw

F32 = np.dtype("float32")
REDUCERS = ("sum", "max", "min")
SELECTS = {"ge": lax.ge_p, "le": lax.le_p}
DTYPES = [np.dtype(d) for d in ("float32", "float16", ml_dtypes.bfloat16, "int32", "int8", "uint8")]

CASES = {  # shape, window, strides, padding, base dilation, window dilation
    "1d": ((7,), (3,), (1,), ((0, 0),), (1,), (1,)),
    "max pool": ((2, 6, 6, 3), (1, 2, 2, 1), (1, 2, 2, 1), ((0, 0),) * 4, (1,) * 4, (1,) * 4),
    "nchw": ((2, 3, 6, 6), (1, 1, 2, 2), (1, 1, 2, 2), ((0, 0),) * 4, (1,) * 4, (1,) * 4),
    "overlapping": ((8, 7), (3, 3), (2, 2), ((1, 1), (0, 1)), (1, 1), (1, 1)),
    "same": ((6, 5), (2, 3), (1, 1), ((0, 1), (1, 1)), (1, 1), (1, 1)),
    "cropped": ((9,), (3,), (2,), ((-2, 1),), (1,), (1,)),
    "cropped to nothing": ((6,), (2,), (1,), ((-4, -4),), (1,), (1,)),
    "dilated window": ((9, 6), (3, 2), (1, 2), ((2, 0), (0, 1)), (1, 1), (2, 3)),
    "dilated base": ((5, 4), (2, 3), (1, 2), ((1, 1), (0, 3)), (2, 3), (1, 1)),
    "dilated and cropped": ((5,), (2,), (1,), ((-2, -3),), (3,), (2,)),
    "global": ((3, 4, 5), (1, 4, 5), (1, 1, 1), ((0, 0),) * 3, (1,) * 3, (1,) * 3),
    "stride past window": ((9,), (2,), (3,), ((0, 0),), (1,), (1,)),
    "strides only": ((9, 4), (1, 1), (3, 1), ((0, 0), (1, 1)), (1, 1), (1, 1)),
    "window too large": ((2,), (3,), (1,), ((0, 0),), (1,), (1,)),
    "empty": ((0, 4), (1, 2), (1, 1), ((0, 0), (0, 0)), (1, 1), (1, 1)),
    "empty padded": ((0, 4), (2, 2), (1, 1), ((1, 2), (0, 0)), (2, 1), (1, 1)),
    "scalar": ((), (), (), (), (), ()),
}
NAMES = ("window_dimensions", "window_strides", "padding", "base_dilation", "window_dilation")


def params(case):
    return dict(zip(NAMES, case[1:], strict=True))


def silently(function, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return function(*args, **kwargs)


def check_reduction(name, x, case):
    primitive = getattr(lax, f"reduce_window_{name}_p")
    want = np.asarray(primitive.bind(x, **params(case)))
    got = silently(getattr(window, f"reduce_window_{name}"), x, **params(case))
    assert_close(got, want, int(np.prod(case[1])))


def check_gather(select, tangents, x, case):
    want = lax.select_and_gather_add_p.bind(
        tangents, x, select_prim=SELECTS[select], **params(case)
    )
    got = silently(
        selection.select_and_gather_add,
        tangents,
        x,
        select_prim=SimpleNamespace(name=select),
        **params(case),
    )
    np.testing.assert_array_equal(got, np.asarray(want))
    assert got.dtype == want.dtype


def check_scatter(select, x, case):
    kept = {k: v for k, v in params(case).items() if "dilation" not in k}
    pooled = window.reduce_window_max(x, **(params(case) | ones(x)))
    source = draw(pooled.shape, x.dtype, 1)
    want = lax.select_and_scatter_add_p.bind(source, x, select_prim=SELECTS[select], **kept)
    name = SimpleNamespace(name=select)
    got = silently(selection.select_and_scatter_add, source, x, select_prim=name, **kept)
    assert_close(got, np.asarray(want), int(np.prod(case[1])))


def ties(shape):
    return np.random.default_rng(3).integers(0, 3, shape).astype(F32)


def crops(case):
    """JAX does not differentiate max pooling with negative padding."""
    return any(low < 0 or high < 0 for low, high in case[3])


def ones(x):
    return dict(base_dilation=(1,) * x.ndim, window_dilation=(1,) * x.ndim)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", REDUCERS)
def test_reductions(name, case):
    shape = CASES[case][0]
    x = draw(shape, F32, 0)
    check_reduction(name, x, CASES[case])
    check_reduction(name, x.copy(order="F"), CASES[case])


@pytest.mark.thinned(2)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("case", ["same", "dilated base", "global", "cropped"])
def test_dtypes(case, dtype):
    for name in REDUCERS:
        check_reduction(name, draw(CASES[case][0], dtype, 0), CASES[case])


def test_complex_and_bool():
    x = draw((6, 5), np.dtype("complex64"), 0)
    check_reduction("sum", x, CASES["same"])
    for name in ("max", "min"):
        check_reduction(name, draw((6, 5), np.dtype(bool), 0), CASES["same"])


def test_double_precision():
    with jax.enable_x64(True):
        for dtype in ("float64", "int64", "complex128"):
            check_reduction("sum", draw((6, 5), np.dtype(dtype), 0), CASES["same"])
        check_reduction("max", draw((6, 5), np.dtype("float64"), 0), CASES["same"])
        for select in SELECTS:
            check_scatter(select, draw((6, 5), np.dtype("float64"), 0), CASES["same"])


def test_extremes():
    x = np.array([[np.nan, np.inf, 1, -np.inf, -np.inf, 3e38], [3e38, 3e38, 0, -0.0, 2, 2]], F32)
    case = (x.shape, (1, 2), (1, 1), ((0, 0), (1, 1)), (1, 1), (1, 1))
    for name in REDUCERS:
        check_reduction(name, x, case)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("select", SELECTS)
def test_selections(select, case):
    shape = CASES[case][0]
    check_gather(select, draw(shape, F32, 1), draw(shape, F32, 0), CASES[case])
    if not crops(CASES[case]) and shape:  # XLA aborts on a scalar
        check_scatter(select, draw(shape, F32, 0), CASES[case])
        check_scatter(select, ties(shape), CASES[case])


# Where windows reach into padding XLA may visit them column by column, as its layout has it, and
# then another of two equal elements wins. Ours is always the first of the row-major order, which is
# what XLA's scatter chooses too; so gathers among ties are compared without padding.
UNPADDED = {
    "max pool": CASES["max pool"],
    "nchw": CASES["nchw"],
    "overlapping": ((12, 12), (3, 3), (2, 2), ((0, 0), (0, 0)), (1, 1), (1, 1)),
    "dilated": ((12, 12), (2, 3), (1, 2), ((0, 0), (0, 0)), (1, 1), (3, 2)),
}


@pytest.mark.parametrize("case", UNPADDED)
@pytest.mark.parametrize("select", SELECTS)
def test_the_first_of_equals_is_chosen(select, case):
    x = ties(UNPADDED[case][0])
    check_gather(select, draw(x.shape, F32, 1), x, UNPADDED[case])
    nans = np.where(x == 1, np.nan, x).astype(F32)
    check_gather(select, draw(x.shape, F32, 1), nans, UNPADDED[case])


@pytest.mark.parametrize("select", SELECTS)
def test_gather_is_the_transpose_of_scatter(select):
    shape, *rest = CASES["overlapping"]
    kept = dict(zip(NAMES[:3], rest[:3], strict=True), select_prim=SimpleNamespace(name=select))
    x, tangents = ties(shape), draw(shape, F32, 1)
    gathered = selection.select_and_gather_add(tangents, x, **kept, **ones(x))
    source = draw(gathered.shape, F32, 2)
    scattered = selection.select_and_scatter_add(source, x, **kept)
    np.testing.assert_allclose(np.vdot(gathered, source), np.vdot(tangents, scattered), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", ml_dtypes.bfloat16])
@pytest.mark.parametrize("select", SELECTS)
def test_selections_of_short_floats(select, dtype):
    dtype = np.dtype(dtype)
    for case in (CASES["same"], CASES["max pool"]):
        check_gather(select, draw(case[0], dtype, 1), draw(case[0], dtype, 0), case)
    check_scatter(select, draw(CASES["max pool"][0], dtype, 0), CASES["max pool"])


@pytest.mark.parametrize("select", SELECTS)
@pytest.mark.parametrize("seed", range(3))
def test_selections_among_nans_and_infinities(select, seed):
    rng = np.random.default_rng(seed)
    x = rng.choice(np.array([np.nan, np.inf, -np.inf, 0, 1, 2], F32), (12, 12))
    infinite = np.where(np.isnan(x), -np.inf, x).astype(F32)
    for operand in (x, infinite):
        check_gather(select, draw(x.shape, F32, 1), operand, UNPADDED["overlapping"])
        check_gather(select, draw(x.shape, F32, 1), operand, UNPADDED["dilated"])
        check_scatter(select, operand, CASES["overlapping"])
        check_scatter(select, operand, CASES["same"])


def test_padding_is_passed_over():
    x = np.array([np.nan, -np.inf, -np.inf], F32)
    case = (x.shape, (2,), (1,), ((1, 1),), (1,), (1,))
    check_gather("ge", np.array([1, 2, 3], F32), x, case)


def test_scalar_scatter():
    source, x = np.array(3, F32), np.array(1, F32)
    no_axes = dict.fromkeys(NAMES[:3], ())
    got = selection.select_and_scatter_add(
        source, x, select_prim=SimpleNamespace(name="ge"), **no_axes
    )
    assert_close(got, source, 1)


def test_infinite_cotangents_stay_where_they_belong():
    x = draw((2, 6, 6, 3), F32, 0)
    case = CASES["max pool"]
    source = np.full((2, 3, 3, 3), np.inf, F32)
    kept = {k: v for k, v in params(case).items() if "dilation" not in k}
    got = silently(
        selection.select_and_scatter_add, source, x, select_prim=SimpleNamespace(name="ge"), **kept
    )
    want = lax.select_and_scatter_add_p.bind(source, x, select_prim=lax.ge_p, **kept)
    np.testing.assert_array_equal(got, np.asarray(want))


@pytest.mark.parametrize("case", ["same", "dilated base", "dilated window", "empty padded"])
def test_general_reduction(case):
    shape, *rest = CASES[case]
    x, y = draw(shape, F32, 0), np.arange(np.prod(shape), dtype=np.int32).reshape(shape)

    def argmax(where, best, index, x, i):
        keep = best >= x
        return where(keep, best, x), where(keep, index, i)

    inits = np.float32(-9), np.int32(-1)
    want = lax.reduce_window(
        (x, y), inits, lambda a, b: argmax(jax.numpy.where, *a, *b), *rest[:3], rest[3], rest[4]
    )
    got = window.reduce_window(
        (x, y), inits, computation=partial(argmax, np.where), **params(CASES[case])
    )
    np.testing.assert_array_equal(got[1], np.asarray(want[1]))
    assert_close(got[0], np.asarray(want[0]), 1)


@st.composite
def windows(draw_):
    axis = st.tuples(
        *(st.integers(0, 6), st.integers(1, 4), st.integers(1, 3)),
        st.tuples(st.integers(-2, 3), st.integers(-2, 3)),
        *(st.integers(1, 3), st.integers(1, 3)),
    )
    axes = draw_(st.lists(axis, min_size=1, max_size=3))
    spread = [(n - 1) * base + 1 if n else 0 for n, _, _, _, base, _ in axes]
    if any(n + sum(a[3]) < 0 for n, a in zip(spread, axes, strict=True)):
        axes = [(*a[:3], (0, 0), *a[4:]) for a in axes]
    return tuple(zip(*axes, strict=True))


@settings(max_examples=40, deadline=None)
@given(windows(), st.sampled_from(REDUCERS), st.sampled_from(["float32", "int16"]))
def test_any_reduction(case, name, dtype):
    check_reduction(name, draw(case[0], np.dtype(dtype), 0), case)


@settings(max_examples=40, deadline=None)
@given(windows(), st.sampled_from(list(SELECTS)))
def test_any_selection(case, select):
    check_gather(select, draw(case[0], F32, 1), draw(case[0], F32, 0), case)
    if not crops(case):
        check_scatter(select, ties(case[0]), case)
