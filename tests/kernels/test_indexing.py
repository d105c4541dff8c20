"""gather, scatter and the dynamic slices against jax.lax: layouts, modes, dtypes, drawn cases."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jax import lax

from scratchfn.backends.numpy.kernels import gather as kernels
from scratchfn.core.params import (
    GatherDimensionNumbers,
    GatherScatterMode,
    ScatterDimensionNumbers,
)
from tests.kernels.oracle import assert_close, draw

KEY = np.dtype([("fry", "<u4", (2,))])
MODES = list(GatherScatterMode)[:3]  # JAX itself cannot run ONE_HOT
SCATTERS = ["scatter", "scatter_add", "scatter_sub", "scatter_mul", "scatter_min", "scatter_max"]
DTYPES = ["bool", "i1", "u1", "i2", "i4", "u4", "f2", "f4", "c8", "bfloat16", "float8_e4m3fn"]

CASES = {  # name: operand shape, shape of the indices, window, dimension numbers of the gather
    "rows": ((5, 6), (3, 1), (1, 6), ((1,), (0,), (0,))),
    "columns": ((5, 6), (3, 1), (5, 1), ((0,), (1,), (1,))),
    "columns, batch first": ((5, 6), (3, 1), (5, 1), ((1,), (1,), (1,))),
    "points": ((5, 6), (4, 3, 2), (1, 1), ((), (0, 1), (0, 1))),
    "points, index swapped": ((5, 6), (4, 2), (1, 1), ((), (0, 1), (1, 0))),
    "one point": ((5,), (1,), (1,), ((), (0,), (0,))),
    "one row": ((5, 6), (1,), (1, 6), ((0,), (0,), (0,))),
    "one window": ((5, 6), (2,), (2, 3), ((0, 1), (), (0, 1))),
    "windows": ((5, 6, 3), (4, 2), (2, 3, 3), ((0, 1, 3), (), (1, 0))),
    "partial trailing window": ((5, 6), (4, 1), (1, 2), ((1,), (0,), (0,))),
    "middle axis": ((2, 5, 3), (4, 1), (2, 1, 3), ((0, 2), (1,), (1,))),
    "outer axes": ((3, 2, 4), (5, 2), (1, 2, 1), ((0,), (0, 2), (2, 0))),
    "window dims last": ((3, 4, 5), (2, 2, 1), (3, 1, 5), ((2, 3), (1,), (1,))),
    "batched rows": ((4, 5, 6), (4, 3, 1), (1, 1, 6), ((2,), (1,), (1,), (0,), (0,))),
    "batched points": ((4, 5), (4, 1), (1, 1), ((), (1,), (1,), (0,), (0,))),
    "batch axis inside": ((6, 4), (3, 4, 1), (1, 1), ((), (0,), (0,), (1,), (1,))),
    "two batch axes": ((2, 5, 3), (3, 2, 1), (1, 1, 1), ((), (1,), (1,), (0, 2), (1, 0))),
    "batch axis of one": ((1, 5), (1, 1), (1, 2), ((1,), (), (1,), (0,), (0,))),
    "whole operand": ((3, 4), (2, 2), (3, 4), ((1, 2), (), (0, 1))),
    "no index components": ((3, 4), (2, 0), (3, 4), ((1, 2), (), ())),
    "no index components, partial": ((3, 4), (2, 0), (2, 3), ((1, 2), (), ())),
    "operand of no axes": ((), (2, 0), (), ((), (), ())),
    "no windows": ((5, 6), (0, 1), (1, 6), ((1,), (0,), (0,))),
    "empty rows": ((5, 0), (3, 1), (1, 0), ((1,), (0,), (0,))),
    "empty windows": ((5, 6), (3, 1), (0, 6), ((0, 1), (), (0,))),
    "long rows": ((5, 600), (4, 1), (1, 600), ((1,), (0,), (0,))),
    "long columns": ((600, 5), (4, 1), (600, 1), ((0,), (1,), (1,))),
}


def draw_indices(shape, seed):
    """Places mostly inside, with repeats, and some before and after the operand."""
    return np.random.default_rng(seed).integers(-2, 7, shape).astype(np.int32)


def jax_mode(mode):
    return lax.GatherScatterMode[mode.name]


def gather_both(operand, indices, window, numbers, mode, fill_value=None):
    got = kernels.gather(
        operand,
        indices,
        dimension_numbers=GatherDimensionNumbers(*numbers),
        slice_sizes=window,
        mode=mode,
        fill_value=fill_value,
    )
    numbers = lax.GatherDimensionNumbers(*numbers)
    want = lax.gather(operand, indices, numbers, window, mode=jax_mode(mode), fill_value=fill_value)
    return got, np.asarray(want)


def scatter_both(name, operand, indices, updates, numbers, mode):
    params = {"mode": mode, "indices_are_sorted": False, "unique_indices": False}
    params |= {"update_jaxpr": None, "update_consts": ()}
    got = getattr(kernels, name)(
        operand, indices, updates, dimension_numbers=ScatterDimensionNumbers(*numbers), **params
    )
    numbers = lax.ScatterDimensionNumbers(*numbers)
    want = getattr(lax, name)(operand, indices, updates, numbers, mode=jax_mode(mode))
    return got, np.asarray(want)


def assert_same(got, want):
    assert isinstance(got, np.ndarray)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    if got.dtype.kind == "V":  # ml_dtypes: as float32, in which NumPy knows nan
        got, want = got.astype(np.float32), want.astype(np.float32)
    np.testing.assert_array_equal(got, want)


def updates_shape(shape, indices, window, numbers):
    out = jax.eval_shape(
        lambda x, i: lax.gather(x, i, lax.GatherDimensionNumbers(*numbers), window),
        jax.ShapeDtypeStruct(shape, np.float32),
        jax.ShapeDtypeStruct(indices, np.int32),
    )
    return out.shape


@pytest.mark.thinned(2)
@pytest.mark.parametrize("mode", MODES, ids=lambda m: m.name)
@pytest.mark.parametrize("case", CASES)
def test_gather(case, mode):
    shape, index_shape, window, numbers = CASES[case]
    operand = draw(shape, np.dtype("f4"), 0)
    assert_same(*gather_both(operand, draw_indices(index_shape, 1), window, numbers, mode))


@pytest.mark.thinned(3)
@pytest.mark.parametrize("mode", MODES, ids=lambda m: m.name)
@pytest.mark.parametrize("case", [c for c in CASES if c != "operand of no axes"])
def test_scatters(case, mode):
    shape, index_shape, window, numbers = CASES[case]
    operand, indices = draw(shape, np.dtype("f4"), 0), draw_indices(index_shape, 1)
    updates = draw(updates_shape(shape, index_shape, window, numbers), np.dtype("f4"), 2)
    before = operand.copy()
    for name in ["scatter", "scatter_add", "scatter_mul"]:
        assert_same(*scatter_both(name, operand, indices, updates, numbers, mode))
    np.testing.assert_array_equal(operand, before)


@pytest.mark.parametrize("dtype", DTYPES)
def test_gather_keeps_every_dtype_and_fills_as_jax_does(dtype):
    operand, indices = draw((5, 6), np.dtype(dtype), 0), draw_indices((8, 1), 1)
    rows = ((1,), (0,), (0,))
    for window in [(1, 6), (1, 2)]:
        assert_same(*gather_both(operand, indices, window, rows, GatherScatterMode.FILL_OR_DROP))
    got, want = gather_both(operand, indices, (1, 6), rows, GatherScatterMode.FILL_OR_DROP, 1)
    assert_same(got, want)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SCATTERS)
def test_scatters_keep_every_dtype_and_the_order_of_repeated_indices(name, dtype):
    dtype = np.dtype(dtype)
    if dtype.kind == "b" and name in ("scatter_add", "scatter_sub", "scatter_mul"):
        return  # JAX has no arithmetic on bools
    operand, indices = draw((5, 6), dtype, 0), draw_indices((8, 1), 1)
    for width in (1, 6):
        updates = draw((8, width), dtype, 2)
        got, want = scatter_both(
            name, operand, indices, updates, ((1,), (0,), (0,)), GatherScatterMode.FILL_OR_DROP
        )
        assert_close(got, want, terms=1)


def test_scatters_onto_an_operand_of_no_axes():
    numbers, indices = ScatterDimensionNumbers((), (), ()), np.zeros((3, 0), np.int32)
    params = {"dimension_numbers": numbers, "mode": GatherScatterMode.FILL_OR_DROP}
    operand, updates = np.array(1, np.int32), np.array([2, 3, 4], np.int32)
    assert_same(kernels.scatter(operand, indices, updates, **params), np.array(4, np.int32))
    assert_same(kernels.scatter_add(operand, indices, updates, **params), np.array(10, np.int32))


def test_scatter_max_and_min_keep_nan():
    operand, indices = np.array([1, 2, np.nan], "f4"), np.array([[0], [0], [2]], np.int32)
    updates = np.array([np.nan, 9, 0], "f4")
    for name in ["scatter_max", "scatter_min"]:
        mode = GatherScatterMode.CLIP
        assert_same(*scatter_both(name, operand, indices, updates, ((), (0,), (0,)), mode))


def test_integers_wrap_and_floats_overflow_in_silence():
    indices, numbers = np.zeros((9, 1), np.int32), ((), (0,), (0,))
    for dtype, value in [("i1", 100), ("u1", 200), ("f4", 3e38), ("f2", 6e4)]:
        updates = np.full(9, value, dtype)
        args = (np.ones(2, dtype), indices, updates, numbers, GatherScatterMode.CLIP)
        assert_same(*scatter_both("scatter_add", *args))
        assert_same(*scatter_both("scatter_mul", *args))


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u4", "i4"])
def test_indices_of_every_width(dtype):
    operand = np.arange(300, dtype=np.float32)
    info = np.iinfo(dtype)
    indices = np.array([[0], [7], [info.min], [info.max]], dtype)
    for mode in MODES:
        assert_same(*gather_both(operand, indices, (1,), ((), (0,), (0,)), mode))


def test_unsigned_64_bit_indices_stay_large():
    indices = np.array([[0], [2**64 - 1]], np.uint64)
    got = kernels.gather(
        np.arange(3.0),
        indices,
        dimension_numbers=GatherDimensionNumbers((), (0,), (0,)),
        slice_sizes=(1,),
        mode=GatherScatterMode.CLIP,
    )
    np.testing.assert_array_equal(got, [0.0, 2.0])


def test_one_hot_gathers_zeros_outside():
    got = kernels.gather(
        np.arange(1, 4, dtype=np.float32),
        np.array([[2], [3], [-1]]),
        dimension_numbers=GatherDimensionNumbers((), (0,), (0,)),
        slice_sizes=(1,),
        mode=GatherScatterMode.ONE_HOT,
    )
    np.testing.assert_array_equal(got, np.array([3, 0, 0], np.float32))


@pytest.mark.parametrize("name", SCATTERS)
@pytest.mark.parametrize("case", ["rows", "columns", "points", "windows"])
def test_the_promise_of_unique_indices_changes_nothing_when_kept(case, name):
    shape, index_shape, window, numbers = CASES[case]
    columns = np.random.default_rng(3).permuted(np.tile(np.arange(5), (2, 1)), axis=1)
    indices = columns[: index_shape[-1], :3].T.astype(np.int32)  # [3, columns]
    if case == "windows":
        indices = np.array([[0, 0], [3, 0], [0, 2]], np.int32)
    operand = draw(shape, np.dtype("f4"), 0)
    updates = draw(updates_shape(shape, indices.shape, window, numbers), np.dtype("f4"), 2)
    params = {"dimension_numbers": ScatterDimensionNumbers(*numbers), "mode": MODES[1]}
    kernel = getattr(kernels, name)
    got = kernel(operand, indices, updates, unique_indices=True, **params)
    assert_same(got, kernel(operand, indices, updates, **params))


def keys(shape, seed):
    out = np.empty(shape, KEY)
    out["fry"] = np.random.default_rng(seed).integers(0, 2**32, (*shape, 2), np.uint32)
    return out


def test_prng_keys_are_gathered_and_scattered_whole():
    operand, indices, numbers = keys((5,), 0), np.array([[3], [9], [0]]), ((), (0,), (0,))
    got = kernels.gather(
        operand,
        indices,
        dimension_numbers=GatherDimensionNumbers(*numbers),
        slice_sizes=(1,),
        mode=GatherScatterMode.FILL_OR_DROP,
    )
    full = np.uint32(2**32 - 1)
    np.testing.assert_array_equal(got["fry"], [operand["fry"][3], [full, full], operand["fry"][0]])
    updates = keys((3,), 1)
    out = kernels.scatter(
        operand,
        indices,
        updates,
        dimension_numbers=ScatterDimensionNumbers(*numbers),
        mode=GatherScatterMode.FILL_OR_DROP,
    )
    want = operand.copy()
    want[3], want[0] = updates[0], updates[2]
    np.testing.assert_array_equal(out["fry"], want["fry"])
    sliced = kernels.dynamic_slice(operand, np.int32(9), slice_sizes=(2,))
    np.testing.assert_array_equal(sliced["fry"], operand["fry"][3:])
    written = kernels.dynamic_update_slice(operand, updates, np.int32(-4))
    np.testing.assert_array_equal(written["fry"][:3], updates["fry"])


@pytest.mark.thinned(2)
@pytest.mark.parametrize("starts", [(0, 0), (2, 1), (-3, 1), (9, 9), (-9, 0)])
@pytest.mark.parametrize("sizes", [(2, 3), (5, 6), (1, 1), (0, 2)])
@pytest.mark.parametrize("dtype", ["f4", "bool", "bfloat16"])
def test_dynamic_slices(dtype, sizes, starts):
    operand, update = draw((5, 6), np.dtype(dtype), 0), draw(sizes, np.dtype(dtype), 1)
    starts = [np.asarray(s, np.int32) for s in starts]
    want = lax.dynamic_slice_p.bind(jnp.asarray(operand), *starts, slice_sizes=sizes)
    assert_same(kernels.dynamic_slice(operand, *starts, slice_sizes=sizes), np.asarray(want))
    want = lax.dynamic_update_slice_p.bind(jnp.asarray(operand), jnp.asarray(update), *starts)
    before = operand.copy()
    assert_same(kernels.dynamic_update_slice(operand, update, *starts), np.asarray(want))
    np.testing.assert_array_equal(operand, before)


def test_dynamic_slices_of_no_axes_and_of_unsigned_starts():
    assert_same(kernels.dynamic_slice(np.array(3), slice_sizes=()), np.array(3))
    assert_same(kernels.dynamic_update_slice(np.array(3), np.array(4)), np.array(4))
    last = kernels.dynamic_slice(np.arange(5), np.array(2**64 - 1, np.uint64), slice_sizes=(2,))
    assert_same(last, np.array([3, 4]))


@st.composite
def windows_of_operands(draw_from):
    """Any valid (operand shape, indices shape, window, dimension numbers) of up to four axes."""
    rank = draw_from(st.integers(0, 4))
    shape = tuple(draw_from(st.lists(st.integers(1, 4), min_size=rank, max_size=rank)))
    roles = [draw_from(st.sampled_from(["window", "dropped", "batch"])) for _ in range(rank)]
    batching = [d for d in range(rank) if roles[d] == "batch"]
    free = [d for d in range(rank) if roles[d] != "batch"]
    window = tuple(
        draw_from(st.integers(0, n)) if role == "window" else 1
        for n, role in zip(shape, roles, strict=True)
    )
    chosen = draw_from(st.sets(st.sampled_from(free))) if free else set()
    columns = draw_from(st.permutations(sorted(chosen)))
    plain = draw_from(st.lists(st.integers(0, 3), max_size=2))
    batch = draw_from(st.permutations([(d, shape[d]) for d in batching] + [(-1, n) for n in plain]))
    places = {d: i for i, (d, _) in enumerate(batch) if d >= 0}
    kept = roles.count("window")
    spots = st.sets(st.integers(0, kept + len(batch) - 1), min_size=kept, max_size=kept)
    offsets = tuple(sorted(draw_from(spots))) if kept else ()
    collapsed = tuple(d for d in range(rank) if roles[d] == "dropped")
    numbers = (offsets, collapsed, tuple(columns), tuple(batching))
    numbers += (tuple(places[d] for d in batching),)
    return shape, (*(n for _, n in batch), len(columns)), window, numbers


@settings(max_examples=150, deadline=None)
@given(windows_of_operands(), st.sampled_from(MODES), st.integers(0, 99))
def test_drawn_gathers(geometry, mode, seed):
    shape, index_shape, window, numbers = geometry
    operand = draw(shape, np.dtype("f4"), seed)
    indices = np.random.default_rng(seed).integers(-1, 5, index_shape).astype(np.int32)
    assert_same(*gather_both(operand, indices, window, numbers, mode))


@settings(max_examples=150, deadline=None)
@given(
    windows_of_operands(),
    st.sampled_from(MODES),
    st.sampled_from(["scatter", "scatter_add", "scatter_max"]),
    st.integers(0, 99),
)
def test_drawn_scatters(geometry, mode, name, seed):
    shape, index_shape, window, numbers = geometry
    assume(numbers[2])  # XLA fails to compile some scatters that have no index components
    operand = draw(shape, np.dtype("f4"), seed)
    indices = np.random.default_rng(seed).integers(-1, 5, index_shape).astype(np.int32)
    updates = draw(updates_shape(shape, index_shape, window, numbers), np.dtype("f4"), seed + 1)
    assert_same(*scatter_both(name, operand, indices, updates, numbers, mode))
