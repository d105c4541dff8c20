"""gather and the scatters with random dimension numbers: JAX's values, derivatives and batches.

A random problem is built from the outside: which of the operand's axes are indexed, collapsed or
common with the indices, in which order their axes stand, and how far places may lie outside.
"""

from __future__ import annotations

import jax
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import scratchfn.lax
from scratchfn.core.array import as_value
from scratchfn.primitives.random_bits import random_unwrap, random_wrap
from scratchfn.transforms import api
from scratchfn.transforms.jit_api import jit
from scratchfn.transforms.vmap_api import vmap

SCATTERS = ("scatter", "scatter_add", "scatter_sub", "scatter_mul", "scatter_min", "scatter_max")
SETTINGS = settings(max_examples=60)


class Problem:
    """Shapes and numbers of one gather, and of the scatter with the same numbers."""

    def __init__(self, draw):
        self.shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
        axes = draw(st.permutations(range(len(self.shape))))
        cut = sorted(draw(st.integers(0, len(axes))) for _ in range(2))
        common = sorted(axes[: draw(st.integers(0, min(2, cut[0])))])
        indexed = [d for d in axes[: cut[1]] if d not in common]
        collapsed = sorted(set(axes[: cut[0]]) - set(common))
        dropped = {*collapsed, *common}
        self.window = tuple(
            1 if d in dropped else draw(st.integers(0, n)) for d, n in enumerate(self.shape)
        )
        own = draw(st.lists(st.integers(1, 3), max_size=2))
        batch = [(n, None) for n in own] + [(self.shape[d], d) for d in common]
        batch = draw(st.permutations(batch))
        self.indices_shape = (*(n for n, _ in batch), len(indexed))
        places = tuple([d for _, d in batch].index(d) for d in common)
        kept = [n for d, n in enumerate(self.window) if d not in dropped]
        ndim = len(batch) + len(kept)
        offsets = tuple(sorted(draw(st.permutations(range(ndim)))[: len(kept)]))
        self.numbers = (offsets, tuple(collapsed), tuple(indexed), tuple(common), places)
        sizes = iter(kept), iter(n for n, _ in batch)
        self.out_shape = tuple(next(sizes[d not in offsets]) for d in range(ndim))
        self.seed = draw(st.integers(0, 2**16))
        self.mode = draw(st.sampled_from(["clip", "fill"]))

    def draw_arguments(self, *batch: int, inside: bool = False):
        """(operand, indices, updates), each with these axes in front."""
        rng = np.random.default_rng(self.seed)
        limits = [self.shape[d] - self.window[d] for d in self.numbers[2]]
        beyond = 0 if inside else 2
        columns = [
            rng.integers(-beyond, n + beyond + 1, (*batch, *self.indices_shape[:-1]))
            for n in limits
        ]
        indices = np.stack(columns, -1) if columns else np.zeros((*batch, *self.indices_shape))
        operand = rng.normal(size=(*batch, *self.shape)).astype("float32")
        updates = rng.normal(size=(*batch, *self.out_shape)).astype("float32")
        return operand, indices.astype("int32"), updates

    def gather(self, lax):
        numbers = lax.GatherDimensionNumbers(*self.numbers)
        return lambda x, i: lax.gather(x, i, numbers, self.window, mode=self.mode, fill_value=7)

    def scatter(self, lax, name, **options):
        numbers = lax.ScatterDimensionNumbers(*self.numbers)
        return lambda x, i, y: getattr(lax, name)(x, i, y, numbers, mode=self.mode, **options)

    def __repr__(self):
        return (
            f"operand {self.shape}, indices {self.indices_shape}, windows {self.window}, "
            f"{self.numbers}, result {self.out_shape}, mode {self.mode}, seed {self.seed}"
        )


problems = st.composite(lambda draw: Problem(draw))()
scatters = st.sampled_from(SCATTERS)


def values(*arrays):
    return tuple(map(as_value, arrays))


def close(got, want):
    for x, y in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        np.testing.assert_allclose(np.asarray(x), np.asarray(y), rtol=2e-5, atol=2e-5)


@SETTINGS
@given(problems)
def test_gather_and_its_transpose_are_jaxs(problem):
    assume(problem.indices_shape[-1])  # of windows at the same place for lack of any, XLA adds one
    operand, indices, ct = problem.draw_arguments()
    out, pull = api.vjp(lambda x: problem.gather(scratchfn.lax)(x, *values(indices)), operand)
    want, their_pull = jax.vjp(lambda x: problem.gather(jax.lax)(x, indices), operand)
    close(out, want)
    close(pull(as_value(ct)), their_pull(ct))


@SETTINGS
@given(problems, scatters)
def test_scatter_and_its_derivatives_are_jaxs(problem, name):
    assume(problem.indices_shape[-1])
    # JAX's share of the derivative of an extreme is wrong where an update was moved inside.
    extreme = name in ("scatter_min", "scatter_max")
    operand, indices, updates = problem.draw_arguments(inside=extreme and problem.mode == "clip")
    which = 1 if name == "scatter_mul" else 2  # factors may meet, which has no derivative

    def of(lax, i, y):
        scatter = problem.scatter(lax, name)
        return (lambda x: scatter(x, i, y)) if which == 1 else (lambda x, y: scatter(x, i, y))

    primals = (operand, updates)[:which]
    tangents = tuple(np.cos(x) for x in primals)
    ct = np.sin(operand)
    out, dot = api.jvp(of(scratchfn.lax, *values(indices, updates)), primals, tangents)
    close((out, dot), jax.jvp(of(jax.lax, indices, updates), primals, tangents))
    _, pull = api.vjp(of(scratchfn.lax, *values(indices, updates)), *primals)
    close(pull(as_value(ct)), jax.vjp(of(jax.lax, indices, updates), *primals)[1](ct))


def axes_of(draw, arrays):
    """An axis for each array to be mapped over, or None, but not for all."""
    axes = [draw(st.none() | st.integers(0, x.ndim - 1)) for x in arrays]
    return axes if any(axis is not None for axis in axes) else [0, *axes[1:]]


def check_batches(draw, fun, arrays, size):
    """vmap gives what a Python loop gives, and jit of it the same."""
    axes = axes_of(draw, arrays)
    given = values(
        *(x[0] if a is None else np.moveaxis(x, 0, a) for x, a in zip(arrays, axes, strict=True))
    )
    rows = [
        fun(*values(*(x[0 if a is None else i] for x, a in zip(arrays, axes, strict=True))))
        for i in range(size)
    ]
    want = [np.stack([np.asarray(x) for x in column]) for column in zip(*rows, strict=True)]
    mapped = vmap(fun, tuple(axes))
    close(mapped(*given), want)
    close(jit(mapped)(*given), want)


@SETTINGS
@given(st.data(), problems, st.integers(1, 3))
def test_batched_gather_is_a_loop(data, problem, size):
    def fun(x, i, ct):
        out, pull = api.vjp(lambda x: problem.gather(scratchfn.lax)(x, i), x)
        return [out, *pull(ct)]

    check_batches(data.draw, fun, problem.draw_arguments(size), size)


@SETTINGS
@given(st.data(), problems, scatters, st.integers(1, 3))
def test_batched_scatter_is_a_loop(data, problem, name, size):
    unique = name == "scatter_mul"  # a promise that nobody checks

    def fun(x, i, y):
        scatter = problem.scatter(scratchfn.lax, name, unique_indices=unique)
        out, pull = api.vjp(lambda x, y: scatter(x, i, y), x, y)
        return [out, *pull(x)]

    check_batches(data.draw, fun, problem.draw_arguments(size), size)


# -- what JAX cannot be asked ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["scatter_min", "scatter_max"])
def test_extremes_of_clipped_updates(name):
    """An update that was moved inside has a full share of the derivative."""
    indices, numbers = as_value(np.array([[9], [0]])), scratchfn.lax.ScatterDimensionNumbers
    sign = 1 if name == "scatter_max" else -1

    def f(x, y):
        scatter = getattr(scratchfn.lax, name)
        return scatter(x, indices, y, numbers((), (0,), (0,)), mode="clip")

    x, y = values(np.zeros(3, "f4"), sign * np.array([2, -2], "f4"))
    _, pull = api.vjp(f, x, y)
    close(pull(as_value(np.array([1, 10, 100], "f4"))), [np.array([1, 10, 0]), np.array([100, 0])])


def test_one_hot_is_filling_with_zero():
    lax = scratchfn.lax
    x, i = values(np.arange(3.0, dtype="f4"), np.array([[1], [5]]))
    got = lax.gather(x, i, lax.GatherDimensionNumbers((), (0,), (0,)), (1,), mode="one_hot")
    close(got, np.array([1, 0]))
    numbers = lax.ScatterDimensionNumbers((), (0,), (0,))
    close(lax.scatter(x, i, lax.slice(x, (0,), (2,)), numbers, mode="one_hot"), np.array([0, 0, 2]))


def test_keys_are_gathered_and_scattered():
    lax = scratchfn.lax
    words = np.arange(8, dtype="uint32").reshape(4, 2)
    keys, i = random_wrap(as_value(words)), as_value(np.array([[2], [7]]))
    got = lax.gather(keys, i, lax.GatherDimensionNumbers((), (0,), (0,)), (1,), mode="fill")
    close(random_unwrap(got), np.array([words[2], [2**32 - 1] * 2]))
    numbers = lax.ScatterDimensionNumbers((), (0,), (0,))
    got = lax.scatter(keys, as_value(np.array([[2], [0]])), lax.slice(keys, (0,), (2,)), numbers)
    close(random_unwrap(got), words[[1, 1, 0, 3]])


def test_scatter_mul_by_factors_that_meet_has_no_derivative():
    lax = scratchfn.lax
    numbers = lax.ScatterDimensionNumbers((), (0,), (0,))
    x, i = values(np.ones(3, "f4"), np.array([[0], [0]]))
    with pytest.raises(NotImplementedError, match="unique_indices=True"):
        api.vjp(lambda y: lax.scatter_mul(x, i, y, numbers), as_value(np.ones(2, "f4")))
