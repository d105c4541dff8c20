"""dot_product_attention against jax.nn's: values, derivatives, dtypes and refusals."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import nn

RNG = np.random.default_rng(0)
B, T, S, N, K, H = 2, 5, 7, 6, 3, 4


def normal(*shape, dtype=np.float32):
    return RNG.normal(size=shape).astype(dtype)


Q, KEY, V = normal(B, T, N, H), normal(B, S, K, H), normal(B, S, K, H)
BIAS, MASK = normal(B, N, T, S), RNG.random((B, N, T, S)) < 0.7
LENGTHS = {"query_seq_lengths": np.array([2, 5], np.int32),
           "key_value_seq_lengths": np.array([7, 3], np.int32)}  # fmt: skip

OPTIONS = {
    "plain": {},
    "scale": {"scale": 0.3},
    "causal": {"is_causal": True},
    "bias": {"bias": BIAS},
    "bias_for_all_heads": {"bias": BIAS[:1, :1]},
    "bias_without_batch": {"bias": BIAS[0]},
    "mask": {"mask": MASK},
    "mask_for_all_heads": {"mask": MASK[:, :1]},
    "mask_of_keys": {"mask": MASK[:, :1, :1]},
    "nothing_to_read": {"mask": np.zeros((1, 1, T, S), bool)},
    "window": {"local_window_size": 2},
    "left_window": {"local_window_size": (1, 0), "is_causal": True},
    "query_lengths": {"query_seq_lengths": LENGTHS["query_seq_lengths"]},
    "lengths": LENGTHS,
    "all": {"bias": BIAS, "mask": MASK, "is_causal": True, "local_window_size": (3, 1), **LENGTHS},
    "residual": {"return_residual": True, "bias": BIAS, "is_causal": True},
    "xla": {"implementation": "xla"},
}


def assert_same(got, want, tol=3e-6):
    for a, b in zip(sf.tree.leaves(got), jax.tree.leaves(want), strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        np.testing.assert_allclose(
            np.asarray(a, np.float32), np.asarray(b, np.float32), rtol=tol, atol=tol
        )


@pytest.mark.thinned(2)
@pytest.mark.parametrize("name", OPTIONS)
def test_values_and_derivatives(name):
    options = OPTIONS[name]
    want = jax.nn.dot_product_attention(Q, KEY, V, **options)
    assert_same(nn.dot_product_attention(Q, KEY, V, **options), want)

    def loss(lib):
        def f(q, k, v):
            out = lib.nn.dot_product_attention(q, k, v, **options)
            return (out[0] if isinstance(out, tuple) else out).sum() ** 2

        return f

    wanted = jax.grad(loss(jax), argnums=(0, 1, 2))(Q, KEY, V)
    assert_same(sf.grad(loss(sf), argnums=(0, 1, 2))(Q, KEY, V), wanted, tol=1e-4)
    assert_same(sf.jit(sf.grad(loss(sf), argnums=(0, 1, 2)))(Q, KEY, V), wanted, tol=1e-4)


@pytest.mark.parametrize("heads", [1, 2, 3, 6])
def test_shared_keys(heads):
    """Several query heads read from one head of keys: the same as keys repeated."""
    k, v = normal(B, S, heads, H), normal(B, S, heads, H)
    got = nn.dot_product_attention(Q, k, v)
    assert_same(got, jax.nn.dot_product_attention(Q, k, v))
    repeated = [np.repeat(x, N // heads, axis=2) for x in (k, v)]
    assert_same(got, nn.dot_product_attention(Q, *repeated))


def test_without_batch():
    args = Q[0], KEY[0], V[0]
    got = nn.dot_product_attention(*args, return_residual=True)
    assert_same(got, jax.nn.dot_product_attention(*args, return_residual=True))
    assert_same(sf.vmap(nn.dot_product_attention)(Q, KEY, V), nn.dot_product_attention(Q, KEY, V))


@pytest.mark.parametrize(("dtype", "tol"), [("bfloat16", 2e-2), ("float16", 3e-3)])
def test_short_floats(dtype, tol):
    args = [x.astype(jnp.dtype(dtype)) for x in (Q, KEY, V)]
    got = nn.dot_product_attention(*args, is_causal=True)
    assert_same(got, jax.nn.dot_product_attention(*args, is_causal=True), tol)
    f = lambda lib: lambda q: lib.nn.dot_product_attention(q, *args[1:]).astype("f").sum()  # noqa: E731
    assert_same(sf.grad(f(sf))(args[0]), jax.grad(f(jax))(args[0]), tol)


def test_x64():
    args = [x.astype(np.float64) for x in (Q, KEY, V)]
    with sf.enable_x64(True), jax.enable_x64(True):
        assert_same(nn.dot_product_attention(*args), jax.nn.dot_product_attention(*args))


@pytest.mark.parametrize(("args", "options", "words"), [
    ((Q, KEY, V[:, :3]), {}, "they must be"),
    ((Q[..., :2], KEY, V), {}, "they must be"),
    ((Q, KEY[:, :, [0, 1, 2, 0]], V[:, :, [0, 1, 2, 0]]), {}, "n a multiple of k"),
    ((Q, KEY.astype(np.float16), V), {}, "of one dtype"),
    ((Q, KEY, V), {"mask": BIAS}, "a mask is of booleans"),
    ((Q, KEY, V), {"bias": BIAS[:, :4]}, r"it must broadcast to \[2, 6, 5, 7\]"),
    ((Q, KEY, V), {"query_seq_lengths": np.array([1, 2], np.uint8)}, "int32 length for each"),
    ((Q, KEY, V), {"key_value_seq_lengths": np.array([1], np.int32)}, "int32 length for each"),
    ((Q, KEY, V), {"implementation": "other"}, "none of None and 'xla'"),
])  # fmt: skip
def test_errors(args, options, words):
    with pytest.raises(ValueError, match=words):
        nn.dot_product_attention(*args, **options)


def test_cudnn_is_not_there():
    with pytest.raises(RuntimeError, match="this one runs everywhere"):
        nn.dot_product_attention(Q, KEY, V, implementation="cudnn")
