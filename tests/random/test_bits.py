"""Bits, uniform floats and integers against JAX's, bit for bit."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from scratchfn import random
from scratchfn.transforms.api import grad, jvp
from scratchfn.transforms.jit_api import jit
from scratchfn.transforms.vmap_api import vmap
from tests.random.agree import assert_same, both_x64, keys

SHAPES = [(), (0,), (1,), (5,), (2, 0, 3), (3, 7), 4, [2, 2], (40000,)]
FLOATS = ["float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"]
INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int4", "uint4"]
ENDS = np.float32(1.3), np.float32(4)
LINE = np.linspace(-3, 3, 500, dtype="float32")
RANGES = {
    "unit": (0, 1),
    "symmetric": (-1.0, 1.0),
    "inexact": (0.3, 1.7),
    "across 0": (-5, 3.3),
    "power of two": (2, 10),
    "downwards": (100, -100),
    "strong": (np.float32(0.3), np.float64(0.8)),
    "vector": (LINE, 3.5),
    "vectors": (LINE[:, None][:3], LINE),
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32"])
def test_bits(shape, dtype):
    for seed in (0, 7):
        ours, theirs = keys(seed)
        assert_same(random.bits(ours, shape, dtype), jax.random.bits(theirs, shape, dtype))


@pytest.mark.thinned(2)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", FLOATS)
def test_uniform(shape, dtype):
    for kind in ("raw", "typed"):
        ours, theirs = keys(7, kind)
        assert_same(random.uniform(ours, shape, dtype), jax.random.uniform(theirs, shape, dtype))


@pytest.mark.thinned(2)
@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_uniform_between(name, dtype):
    bounds, (ours, theirs) = RANGES[name], keys(3)
    expected = jax.random.uniform(theirs, (3, 500), dtype, *bounds)
    assert_same(random.uniform(ours, (3, 500), dtype, *bounds), expected)
    assert_same(jit(lambda key: random.uniform(key, (3, 500), dtype, *bounds))(ours), expected)


def test_64_bits():
    with both_x64():
        ours, theirs = keys(2**40 + 5)
        assert_same(random.bits(ours, (100,)), jax.random.bits(theirs, (100,)))
        for bounds in RANGES.values():
            expected = jax.random.uniform(theirs, (3, 500), None, *bounds)
            assert_same(random.uniform(ours, (3, 500), None, *bounds), expected)
        for bounds in [(0, 10), (-(2**63), 2**63 - 1), (0, 2**40), (-(2**62), 2**62)]:
            for dtype in (None, "int32", "uint64", "uint32", "int8"):
                expected = jax.random.randint(theirs, (300,), *bounds, dtype)
                assert_same(random.randint(ours, (300,), *bounds, dtype), expected)


SPANS = {
    "small": (0, 10),
    "empty": (5, 5),
    "inverted": (5, 1),
    "negative": (-10, 5),
    "bytes": (0, 256),
    "all of int8": (-128, 128),
    "beyond": (-1000, 70000),
    "all but one": (-(2**31), 2**31 - 1),
    "floats": (0.5, 10.9),
    "booleans": (False, True),
    "unsigned": (np.uint32(5), np.uint32(2**32 - 1)),
    "mixed": (np.uint32(3), np.int32(9)),
    "vector": (np.arange(500), 600),
    "vectors": (np.arange(500), np.arange(3)[:, None] * 400),
}


@pytest.mark.thinned(4)
@pytest.mark.parametrize("name", SPANS)
@pytest.mark.parametrize("dtype", INTEGERS)
def test_randint(name, dtype):
    bounds, (ours, theirs) = SPANS[name], keys(11)
    for shape in [(3, 500)] if "vector" in name else [(), (0,), (5000,)]:
        expected = jax.random.randint(theirs, shape, *bounds, dtype)
        assert_same(random.randint(ours, shape, *bounds, dtype), expected)


def test_default_dtypes():
    for x64 in (False, True):
        with both_x64(x64):
            ours, theirs = keys(0)
            assert_same(random.bits(ours), jax.random.bits(theirs))
            assert_same(random.uniform(ours), jax.random.uniform(theirs))
            assert_same(random.randint(ours, (), 0, 9), jax.random.randint(theirs, (), 0, 9))


CALLS = {
    "bits": lambda r, key: r.bits(key, (7,)),
    "uniform": lambda r, key: r.uniform(key, (3, 2)),
    "scalar": lambda r, key: r.uniform(key),
    "between": lambda r, key: r.uniform(key, (40,), minval=-0.3, maxval=0.8),
    "randint": lambda r, key: r.randint(key, (40,), 0, 9),
    "randint of few bits": lambda r, key: r.randint(key, (40,), 0, 256, "uint8"),
}


@pytest.mark.thinned(2)
@pytest.mark.parametrize("kind", ["raw", "typed"])
@pytest.mark.parametrize("name", CALLS)
def test_under_transformations(name, kind):
    call, (ours, theirs) = CALLS[name], keys(9, kind)
    assert_same(jit(lambda key: call(random, key))(ours), call(jax.random, theirs))
    batch, others = random.split(ours, 5), jax.random.split(theirs, 5)
    expected = jax.vmap(lambda key: call(jax.random, key))(others)
    assert_same(vmap(lambda key: call(random, key))(batch), expected)
    assert_same(jit(vmap(lambda key: call(random, key)))(batch), expected)


@pytest.mark.parametrize("kind", ["raw", "typed"])
@pytest.mark.parametrize("name", [name for name in CALLS if name != "between"])
def test_on_jax(name, kind):
    call, (ours, theirs) = CALLS[name], keys(9, kind)
    assert_same(jit(lambda key: call(random, key), backend="jax")(ours), call(jax.random, theirs))


def test_bounds_on_jax():
    ours, theirs = keys(9)

    def draw(r):  # jitted with known bounds: XLA computes with constants in another order
        return lambda key: r.uniform(key, (500,), minval=-0.3, maxval=0.8)

    assert_same(jit(draw(random), backend="jax")(ours), jax.jit(draw(jax.random))(theirs))


def test_batched_bounds():
    low = np.linspace(-2, 1, 4, dtype="float32")
    ours, theirs = keys(1)

    def draw(r, key, low):
        return r.uniform(key, (3,), minval=low, maxval=2.0)

    expected = jax.vmap(lambda x: draw(jax.random, theirs, x))(low)
    assert_same(vmap(lambda x: draw(random, ours, x))(low), expected)
    expected = jax.vmap(lambda n: jax.random.randint(theirs, (3,), 0, n))(np.arange(5))
    assert_same(vmap(lambda n: random.randint(ours, (3,), 0, n))(np.arange(5)), expected)


def test_derivatives_in_the_bounds():
    ours, theirs = keys(1)

    def loss(r, key):
        return lambda low, high: (r.uniform(key, (5,), minval=low * low, maxval=high) ** 2).sum()

    for argument in (0, 1):
        expected = jax.grad(loss(jax.random, theirs), argument)(*ENDS)
        assert_same(grad(loss(random, ours), argument)(*ENDS), expected, ulps=4)
    tangents = np.float32(1), np.float32(0.5)
    _, expected = jax.jvp(loss(jax.random, theirs), ENDS, tangents)
    assert_same(jvp(loss(random, ours), ENDS, tangents)[1], expected, ulps=4)


def test_a_key_has_no_derivative():
    ours, theirs = keys(1)
    expected = jax.grad(lambda x: (jax.random.uniform(theirs, (3,)) * x).sum())(np.float32(2))
    assert_same(
        grad(lambda x: (random.uniform(ours, (3,)) * x).sum())(np.float32(2)), expected, ulps=2
    )


WRONG = {
    "bits of no integer": (lambda r, k: r.bits(k, (2,), "int32"), ValueError, "dtype=i32"),
    "no shape": (lambda r, k: r.bits(k, (2.0,)), TypeError, "shape=(2.0,)"),
    "None as shape": (lambda r, k: r.uniform(k, None), TypeError, "shape=None"),
    "uniform integers": (lambda r, k: r.uniform(k, (2,), int), ValueError, "dtype=i32"),
    "uniform complex": (lambda r, k: r.uniform(k, (2,), "complex64"), ValueError, "dtype=c64"),
    "4 bits": (lambda r, k: r.uniform(k, (2,), "float4_e2m1fn"), TypeError, "8, 16, 32 or 64"),
    "bounds that do not fit": (
        lambda r, k: r.uniform(k, (2,), minval=np.zeros(3)),
        TypeError,
        "(2,)",
    ),
    "bounds that are more": (
        lambda r, k: r.uniform(k, (1,), minval=np.zeros(2)),
        ValueError,
        "shape=(2,)",
    ),
    "bounds in a list": (lambda r, k: r.uniform(k, (2,), minval=[0, 1]), TypeError, "list"),
    "many keys": (lambda r, k: r.uniform(r.split(k), (2,)), ValueError, "vmap"),
    "randint of floats": (
        lambda r, k: r.randint(k, (3,), 0, 9, "float32"),
        TypeError,
        "dtype=f32",
    ),
    "span that does not fit": (
        lambda r, k: r.randint(k, (3,), np.arange(2), 9),
        ValueError,
        "(3,)",
    ),
    "span that is more": (
        lambda r, k: r.randint(k, (), np.arange(2), 9),
        ValueError,
        "shape=(2,)",
    ),
    "span beyond int32": (lambda r, k: r.randint(k, (3,), 0, 2**31), OverflowError, ""),
    "no span": (lambda r, k: r.randint(k, (3,), None, 9), TypeError, "None"),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_have_jaxs_class_and_say_what_was_found(name):
    call, error, said = WRONG[name]
    with pytest.raises(error):
        call(jax.random, jax.random.PRNGKey(0))
    with pytest.raises(error) as caught:
        call(random, random.PRNGKey(0))
    assert said in str(caught.value)


def test_a_negative_shape():
    with pytest.raises(ValueError, match=r"shape=\(0,\)"):  # JAX's compiler fails instead
        random.bits(random.PRNGKey(0), (-1,))
