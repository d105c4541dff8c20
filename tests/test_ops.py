"""Segment reductions against JAX's."""

from __future__ import annotations

import jax
import jax.ops
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.ops

NAMES = ["segment_sum", "segment_prod", "segment_max", "segment_min"]
DATA = np.linspace(-1.0, 2.0, 14, dtype=np.float32).reshape(7, 2)
IDS = np.array([0, 2, 0, 5, 2, 2, 1])


def both(name, *args, **options):
    return getattr(sf.ops, name)(*args, **options), getattr(jax.ops, name)(*args, **options)


def assert_same(got, want):
    assert got.dtype == want.dtype
    np.testing.assert_allclose(got, want, rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", [
    {}, {"num_segments": 6}, {"num_segments": 4}, {"num_segments": 0}, {"bucket_size": 3},
    {"bucket_size": 7}, {"bucket_size": 100}, {"mode": "clip", "num_segments": 3},
    {"mode": "drop", "num_segments": 3}, {"unique_indices": False},
], ids=str)  # fmt: skip
def test_options(name, options):
    assert_same(*both(name, DATA, IDS, **options))
    assert_same(*both(name, DATA[:, 0], np.sort(IDS), **{**options, "indices_are_sorted": True}))


@pytest.mark.parametrize("name", NAMES)
def test_dtypes_and_ids_outside(name):
    ids = np.array([0, -1, 7, 1, 1, 0, -3])
    for dtype in ("int32", "uint8", "float16", "bfloat16"):
        data = np.arange(1, 8).astype(sf.numpy.dtype(dtype))
        assert_same(*both(name, data, ids, 3))
        assert_same(*both(name, data, ids, 3, mode="clip"))
    if name in ("segment_max", "segment_min"):
        assert_same(*both(name, np.arange(7) > 3, ids, 3))


@pytest.mark.parametrize("name", ["segment_sum", "segment_max", "segment_min"])
def test_transforms(name):
    def loss(lib, ops):
        return lambda x: (getattr(ops, name)(x, IDS, 7)[:6] * np.arange(6)[:, None])[IDS].sum()

    ours, theirs = loss(sf, sf.ops), loss(jax, jax.ops)
    assert_same(sf.grad(ours)(DATA), jax.grad(theirs)(DATA))
    assert_same(sf.jit(sf.grad(ours))(DATA), jax.grad(theirs)(DATA))
    many = np.stack([DATA, np.cos(DATA)])
    assert_same(sf.vmap(ours)(many), jax.vmap(theirs)(many))


def test_derivative_of_a_product():
    ids = np.array([3, 0, 1])
    f = lambda ops: lambda x: ops.segment_prod(x, ids, 4, unique_indices=True).sum()  # noqa: E731
    x = DATA[:3, 0]
    assert_same(sf.grad(f(sf.ops))(x), jax.grad(f(jax.ops))(x))


def test_program():
    """One scatter into the neutral element, as JAX's."""
    make = lambda lib: lib.make_jaxpr(  # noqa: E731
        lambda x, ids: lib.ops.segment_max(x, ids, 4)
    )
    assert str(make(sf)(DATA, IDS)) == str(make(jax)(DATA, IDS))


def test_errors():
    with pytest.raises(ValueError, match="num_segments must be non-negative"):
        sf.ops.segment_sum(DATA, IDS, -1)
    with pytest.raises(ValueError, match="there is an id for each row"):
        sf.ops.segment_sum(DATA, IDS[:3], 4)
    with pytest.raises(sf.errors.ConcretizationTypeError, match=r"num_segments=\.\.\."):
        sf.jit(sf.ops.segment_sum)(DATA, IDS)
    with pytest.raises(TypeError, match="only integers"):
        sf.ops.segment_sum(DATA, IDS.astype(float), 4)
    with pytest.raises(ValueError, match="max of no numbers"):
        sf.ops.segment_sum(DATA[:0], IDS[:0])
