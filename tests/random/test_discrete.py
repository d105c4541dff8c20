"""Coins, categories, permutations and choices against JAX's, element for element."""

from __future__ import annotations

import jax
import ml_dtypes
import numpy as np
import pytest

from scratchfn import errors, random
from scratchfn.transforms.jit_api import jit
from scratchfn.transforms.vmap_api import vmap
from tests.random.agree import assert_same, both_x64, keys

ROW = np.linspace(0, 1, 300, dtype="float32")
LOGITS = np.random.default_rng(0).normal(size=(20, 7)).astype("float32")
TABLE = np.arange(20, dtype="float32").reshape(5, 4)
P = np.array([0.1, 0.2, 0.3, 0.25, 0.15], "float32")


def both(name, *args, seed=3, kind="raw", **options):
    """The same call of both libraries must give the same."""
    ours, theirs = keys(seed, kind)
    expected = getattr(jax.random, name)(theirs, *args, **options)
    assert_same(getattr(random, name)(ours, *args, **options), expected)


@pytest.mark.parametrize("mode", ["low", "high"])
@pytest.mark.parametrize("shape", [None, (40, 300)])
def test_bernoulli(mode, shape):
    for p in (ROW, ROW.astype("float16"), ROW.astype(ml_dtypes.bfloat16)):
        both("bernoulli", p, shape, mode)
    both("bernoulli", 0.3, shape, mode=mode)
    both("bernoulli", shape=shape, kind="typed")
    both("bernoulli", np.float64(0.25), shape)


@pytest.mark.parametrize("dtype", [None, "float32", "uint8", "bool", "bfloat16", "complex64"])
def test_rademacher(dtype):
    both("rademacher", (3000,), dtype)
    both("rademacher", dtype=dtype, kind="typed")


def test_geometric():
    for p in (0.3, ROW[1:-1], ROW[1:-1].astype("float16")):
        both("geometric", p)
    both("geometric", ROW[1:-1], (5, 298), "int8", kind="typed")


@pytest.mark.thinned(2)
@pytest.mark.parametrize("mode", [None, "low", "high", "highest"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"axis": 0},
        {"axis": -2},
        {"shape": (30, 20)},
        {"shape": (2, 3, 7), "axis": 0},
        {"shape": (3, 20), "replace": False},
        {"shape": (4, 2, 7), "axis": 0, "replace": False},
        {"replace": False},
    ],
    ids=str,
)
def test_categorical(options, mode):
    both("categorical", LOGITS, **options, mode=mode)


def test_categorical_of_other_logits():
    both("categorical", LOGITS[:1], shape=(30, 20))
    both("categorical", LOGITS[0], kind="typed")
    both("categorical", LOGITS[:0])
    both("categorical", LOGITS.astype("float16"), shape=(50, 20))
    both("categorical", np.array([-np.inf, 0, -np.inf], "float32"), shape=(9,))


def test_categorical_never_draws_what_has_no_chance():
    logits = np.array([0, -np.inf, 0, -np.inf], "float32")
    drawn = np.asarray(random.categorical(random.key(0), logits, shape=(1000,)))
    assert set(drawn) == {0, 2}


X = {
    "0": 0,
    "1": 1,
    "7": 7,
    "5000": 5000,
    "negative": -3,
    "int32": np.int32(6),
    "vector": TABLE[0],
    "matrix": TABLE,
    "cube": np.arange(24).reshape(2, 3, 4),
    "booleans": ROW > 0.5,
    "complex": np.arange(3) + 1j,
    "no rows": TABLE[:0],
    "no columns": TABLE[:, :0],
}


@pytest.mark.parametrize("name", X)
def test_permutation(name):
    x = X[name]
    for axis in range(-np.ndim(x), np.ndim(x)) if np.ndim(x) else (0, -1):
        both("permutation", x, axis)
        both("permutation", x, axis, independent=True, kind="typed")


def test_a_permutation_has_all_elements():
    np.testing.assert_array_equal(np.sort(random.permutation(random.key(0), 3000)), np.arange(3000))


@pytest.mark.thinned(2)
@pytest.mark.parametrize("p", [None, P, np.arange(5)], ids=["even", "p", "integers"])
@pytest.mark.parametrize("replace", [True, False])
@pytest.mark.parametrize("shape", [(), (4,), (2, 2), [3], (0,), (3, 0)], ids=str)
def test_choice(shape, replace, p):
    for a in (5, 5.5, TABLE, TABLE[:, 0], np.arange(5) > 2):
        both("choice", a, shape, replace, p)
    for axis in (1, -1):
        both("choice", TABLE.T, shape, replace, p, axis, kind="typed")
    both("choice", TABLE, (), replace, mode="high")


def test_default_dtypes_of_64_bits():
    with both_x64():
        both("permutation", 7)
        both("choice", 7, (3,))
        both("rademacher", (3,))
        both("geometric", 0.3, (3,))
        both("bernoulli", 0.3, (30,))
        both("categorical", LOGITS)


CALLS = {
    "bernoulli": lambda r, key: r.bernoulli(key, 0.3, (20,)),
    "categorical": lambda r, key: r.categorical(key, LOGITS),
    "differing": lambda r, key: r.categorical(key, LOGITS, shape=(3, 20), replace=False),
    "permutation": lambda r, key: r.permutation(key, 20),
    "rows": lambda r, key: r.permutation(key, TABLE),
    "independent": lambda r, key: r.permutation(key, TABLE, 1, independent=True),
    "choice": lambda r, key: r.choice(key, TABLE, (3,)),
    "choice once": lambda r, key: r.choice(key, TABLE, (3,), replace=False),
    "choice by p": lambda r, key: r.choice(key, 5, (3,), p=P),
    "choice once by p": lambda r, key: r.choice(key, 5, (3,), False, P),
}


@pytest.mark.thinned(2)
@pytest.mark.parametrize("kind", ["raw", "typed"])
@pytest.mark.parametrize("name", CALLS)
def test_under_transformations(name, kind):
    call, (ours, theirs) = CALLS[name], keys(9, kind)
    assert_same(jit(lambda key: call(random, key))(ours), call(jax.random, theirs))
    batch, others = random.split(ours, 4), jax.random.split(theirs, 4)
    expected = jax.vmap(lambda key: call(jax.random, key))(others)
    assert_same(vmap(lambda key: call(random, key))(batch), expected)
    assert_same(jit(vmap(lambda key: call(random, key)))(batch), expected)


def test_batched_logits_and_chances():
    ours, theirs = keys(2)
    expected = jax.vmap(lambda x: jax.random.categorical(theirs, x))(LOGITS)
    assert_same(vmap(lambda x: random.categorical(ours, x))(LOGITS), expected)
    expected = jax.vmap(lambda p: jax.random.bernoulli(theirs, p, (9,)))(ROW)
    assert_same(vmap(lambda p: random.bernoulli(ours, p, (9,)))(ROW), expected)


WRONG = {
    "integer chance": (lambda r, k: r.bernoulli(k, 1), TypeError, "i32[]"),
    "list of chances": (lambda r, k: r.bernoulli(k, [0.5]), TypeError, "list"),
    "mode": (lambda r, k: r.bernoulli(k, 0.3, (3,), "mid"), ValueError, "mode='mid'"),
    "chances that do not fit": (lambda r, k: r.bernoulli(k, ROW, (3,)), ValueError, "(300,)"),
    "chances that are more": (lambda r, k: r.bernoulli(k, ROW, ()), ValueError, "shape=(300,)"),
    "float throws": (lambda r, k: r.geometric(k, 0.3, (), "float32"), ValueError, "dtype=f32"),
    "no axis": (lambda r, k: r.categorical(k, LOGITS, axis=2), IndexError, "f32[20,7]"),
    "one number": (lambda r, k: r.categorical(k, np.float32(1)), IndexError, "f32[]"),
    "integer logits": (lambda r, k: r.categorical(k, np.arange(3)), ValueError, "i32[3]"),
    "logits in a list": (lambda r, k: r.categorical(k, [0.0, 1.0]), TypeError, "list"),
    "no categories": (lambda r, k: r.categorical(k, LOGITS[:, :0]), ValueError, ""),
    "samples do not fit": (lambda r, k: r.categorical(k, LOGITS, shape=(3,)), ValueError, "(20,)"),
    "too many samples": (
        lambda r, k: r.categorical(k, LOGITS, shape=(8, 20), replace=False),
        ValueError,
        "7 categories",
    ),
    "half a range": (lambda r, k: r.permutation(k, 5.0), TypeError, "f32[]"),
    "a truth": (lambda r, k: r.permutation(k, True), TypeError, "bool[]"),
    "a list": (lambda r, k: r.permutation(k, [1, 2]), TypeError, "list"),
    "axis of a range": (lambda r, k: r.permutation(k, 5, 1), ValueError, "axis=1"),
    "axis of an array": (lambda r, k: r.permutation(k, TABLE, 2), ValueError, "axis=2"),
    "shape as a number": (lambda r, k: r.choice(k, 5, 3), TypeError, "shape=3"),
    "nothing there": (lambda r, k: r.choice(k, 0), ValueError, "only 0"),
    "too few": (lambda r, k: r.choice(k, 5, (6,), replace=False), ValueError, "replace=True"),
    "p too short": (lambda r, k: r.choice(k, 5, p=P[:4]), ValueError, "f32[4]"),
    "p in a list": (lambda r, k: r.choice(k, 5, p=[0.2] * 5), TypeError, "list"),
    "a in a list": (lambda r, k: r.choice(k, [1, 2]), TypeError, "list"),
    "gumbel mode": (lambda r, k: r.categorical(k, LOGITS, mode="x"), ValueError, "mode='x'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_have_jaxs_class_and_say_what_was_found(name):
    call, error, said = WRONG[name]
    with pytest.raises(error):
        call(jax.random, jax.random.PRNGKey(0))
    with pytest.raises(error) as caught:
        call(random, random.PRNGKey(0))
    assert said in str(caught.value)


def test_a_length_must_be_known():
    for call in (random.permutation, random.choice):
        with pytest.raises(errors.ConcretizationTypeError, match="static_argnums"):
            jit(lambda n, call=call: call(random.key(0), n))(5)
