"""Keys against JAX's, word for word: making, splitting, folding in, both kinds alike."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import scratchfn as sf
from scratchfn import random
from scratchfn.core import dtypes
from scratchfn.random import keys as module
from scratchfn.transforms.jit_api import jit
from scratchfn.transforms.vmap_api import vmap
from tests.random.agree import assert_same, both_x64, keys

SEEDS = [0, 1, 42, -1, 2**31 - 1, 2**32 - 1, 2**40 + 5, -(2**63), True]
SEEDS += [np.int8(-3), np.uint8(200), np.int32(-7), np.int64(2**40 + 5), np.uint32(2**32 - 1)]


@pytest.mark.parametrize("seed", SEEDS, ids=repr)
@pytest.mark.parametrize("x64", [False, True])
def test_seeds(seed, x64):
    with both_x64(x64):
        for kind in ("raw", "typed"):
            assert_same(*keys(seed, kind))


@pytest.mark.parametrize("kind", ["raw", "typed"])
@pytest.mark.parametrize("num", [0, 1, 2, 5, 1000, np.int64(3), (), (2,), (2, 3), [2, 3], (0, 4)])
def test_split(kind, num):
    ours, theirs = keys(7, kind)
    assert_same(random.split(ours, num), jax.random.split(theirs, num))


@pytest.mark.parametrize("kind", ["raw", "typed"])
@pytest.mark.parametrize("data", [0, 1, 2**32 - 1, True, 1.5, np.int32(-1), np.uint8(9)])
def test_fold_in(kind, data):
    ours, theirs = keys(7, kind)
    assert_same(random.fold_in(ours, data), jax.random.fold_in(theirs, data))


def test_a_tree_of_keys():
    ours, theirs = keys(3, "typed")
    for step in range(4):
        ours, theirs = random.split(ours, 3)[1], jax.random.split(theirs, 3)[1]
        ours, theirs = random.fold_in(ours, step), jax.random.fold_in(theirs, step)
        assert_same(ours, theirs)


def test_the_two_kinds_are_one_key():
    raw, typed = random.PRNGKey(5), random.key(5)
    assert typed.dtype == dtypes.key_dtype == random.key_dtype()
    assert typed.shape == ()
    assert_same(random.key_data(typed), raw)
    assert_same(random.key_data(raw), raw)
    assert_same(random.wrap_key_data(raw), typed)
    assert_same(random.uniform(raw, (3,)), random.uniform(typed, (3,)))
    assert random.key_impl(raw) == random.key_impl(typed) == "threefry2x32"
    assert_same(random.clone(typed), typed)


def test_arrays_of_keys():
    ours, theirs = keys(5, "typed")
    many, others = random.split(ours, (2, 3)), jax.random.split(theirs, (2, 3))
    assert many.shape == (2, 3)
    assert_same(random.key_data(many), jax.random.key_data(others))
    assert_same(random.wrap_key_data(random.key_data(many)), others)
    assert random.key_impl(many) == "threefry2x32"


def test_keys_are_compared():
    """As a whole: words that are the same in part make no equal keys."""

    def compared(lib):
        key, keys = lib.random.key(1), lib.random.split(lib.random.key(0), (2, 3))
        near = lib.random.wrap_key_data(lib.numpy.array([[0, 1], [0, 2], [1, 1]], "uint32"))
        same = lib.jit(lambda a, b: (a == b, a != b))
        each = lib.vmap(lambda a: a == keys[0])(keys)
        where = lib.random.key_data(lib.numpy.where(near == key, near, key))
        return [key == key, keys != keys[0], *same(near, key), each, where, key == None]  # noqa: E711

    for ours, theirs in zip(compared(sf), compared(jax), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for wrong in (lambda k: k < k, lambda k: k == 1, lambda k: k != np.zeros(2)):
        for lib in (sf, jax):
            with pytest.raises(TypeError):
                wrong(lib.random.key(0))
    shape = sf.eval_shape(random.split, random.key(0))
    assert repr(shape) == repr(jax.eval_shape(jax.random.split, jax.random.key(0)))


@pytest.mark.parametrize("kind", ["raw", "typed"])
def test_under_transformations(kind):
    ours, theirs = keys(5, kind)
    assert_same(jit(random.split)(ours), jax.random.split(theirs))
    data, make = np.arange(6), {"raw": "PRNGKey", "typed": "key"}[kind]
    folded = vmap(random.fold_in, in_axes=(None, 0))(ours, data)
    expected = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(theirs, data)
    assert_same(folded, expected)
    assert_same(vmap(random.split)(folded), jax.vmap(jax.random.split)(expected))
    assert_same(jit(vmap(random.split))(folded), jax.vmap(jax.random.split)(expected))
    seeded = vmap(getattr(random, make))(data)
    assert_same(seeded, jax.vmap(getattr(jax.random, make))(data))
    assert_same(jit(getattr(random, make))(9), getattr(jax.random, make)(9))


def test_counters_go_on_past_32_bits(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 5)  # in place of 2**32 counters, which fill 16 GB
    high, low = module.counters((3, 4))
    np.testing.assert_array_equal(high, np.reshape([0] * 5 + [1] * 5 + [2] * 2, (3, 4)))
    np.testing.assert_array_equal(low, np.reshape([0, 1, 2, 3, 4] * 2 + [0, 1], (3, 4)))


WRONG = {
    "a list": (lambda r, k: r.split([0, 1]), TypeError, "a list"),
    "None": (lambda r, k: r.split(None), TypeError, "a NoneType"),
    "a number": (lambda r, k: r.split(0), TypeError, "a int"),
    "words of another dtype": (lambda r, k: r.split(np.array([1, 2])), TypeError, "i32[2]"),
    "words too many": (lambda r, k: r.split(np.zeros(3, "u4")), TypeError, "u32[3]"),
    "one word": (lambda r, k: r.split(np.uint32(1)), TypeError, "u32[]"),
    "many raw keys": (lambda r, k: r.split(r.split(k)), ValueError, "vmap"),
    "many typed keys": (lambda r, k: r.split(r.split(r.key(0))), ValueError, "vmap"),
    "split in a half": (lambda r, k: r.split(k, 2.5), TypeError, "num=2.5"),
    "data, many": (lambda r, k: r.fold_in(k, np.arange(3)), TypeError, "vmap(random.fold_in"),
    "data below 0": (lambda r, k: r.fold_in(k, -1), OverflowError, "data % 2**32"),
    "data too large": (lambda r, k: r.fold_in(k, 2**32), OverflowError, "data % 2**32"),
    "seeds": (lambda r, k: r.PRNGKey(np.arange(3)), TypeError, "vmap(random.PRNGKey)"),
    "list of seeds": (lambda r, k: r.key([1]), TypeError, "a list"),
    "float seed": (lambda r, k: r.key(1.5), TypeError, "f32[]"),
    "key as seed": (lambda r, k: r.key(r.key(0)), TypeError, "fold_in"),
    "65 bits": (lambda r, k: r.PRNGKey(2**64), OverflowError, "64 bits"),
    "no such generator": (lambda r, k: r.key(0, impl="rbh"), ValueError, "threefry2x32"),
    "no generator": (lambda r, k: r.key(0, impl=3), TypeError, "threefry2x32"),
    "two generators": (
        lambda r, k: r.key(0, impl="threefry2x32", dtype="threefry2x32"),
        ValueError,
        "both name",
    ),
    "wrapping a list": (lambda r, k: r.wrap_key_data([0, 1]), TypeError, "a list"),
    "wrapping three": (lambda r, k: r.wrap_key_data(np.zeros(3, "u4")), TypeError, "u32[3]"),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_have_jaxs_class_and_say_what_to_write(name):
    call, error, said = WRONG[name]
    with pytest.raises(error):
        call(jax.random, jax.random.PRNGKey(0))
    with pytest.raises(error) as caught:
        call(random, random.PRNGKey(0))
    text = str(caught.value)
    assert said in text
    assert all(part in text for part in ("random.", "Found: ", "Why not: ", "Write instead: "))


def test_a_negative_number_of_keys():
    with pytest.raises(ValueError, match="fewer than 0"):  # JAX's compiler fails instead
        random.split(random.PRNGKey(0), -1)
