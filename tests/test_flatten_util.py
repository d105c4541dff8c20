"""ravel_pytree against JAX's."""

from __future__ import annotations

import jax
import jax.numpy
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree as theirs

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn.flatten_util import ravel_pytree

TREES = {
    "floats": lambda np_: {"a": np_.arange(3.0), "b": [np_.ones((2, 2)), 2.5]},
    "mixed": lambda np_: (np_.arange(3), np_.ones((2, 1), "bfloat16"), np_.float32(2)),
    "complex": lambda np_: [np_.arange(3.0), np_.arange(2) * 1j],
    "numbers": lambda np_: [1.0, 2, True],
    "bools": lambda np_: [np_.ones(2, bool), np_.zeros((1, 1), bool)],
    "empty": lambda np_: [],
    "nothing": lambda np_: None,
    "no_elements": lambda np_: [np_.ones((0, 3)), np_.ones(2)],
}


@pytest.mark.parametrize("name", TREES)
def test_there_and_back(name):
    flat, unravel = ravel_pytree(TREES[name](jnp))
    want, their_unravel = theirs(TREES[name](jax.numpy))
    assert flat.dtype == want.dtype
    assert np.array_equal(flat, want)
    got, back = sf.tree.flatten(unravel(flat)), jax.tree.flatten(their_unravel(want))
    assert str(got[1]) == str(back[1])
    for x, y in zip(got[0], back[0], strict=True):
        assert x.dtype == y.dtype and np.array_equal(x, y)


def test_under_transforms():
    params = {"w": np.ones((2, 2), np.float32), "b": np.arange(2.0, dtype=np.float32)}
    flat, unravel = ravel_pytree(params)
    loss = lambda p: (p["w"] @ p["b"]).sum()  # noqa: E731
    got = sf.jit(sf.grad(lambda v: loss(unravel(v))))(flat)
    assert np.array_equal(got, ravel_pytree(sf.grad(loss)(params))[0])
    many = sf.vmap(unravel)(np.ones((3, 6), np.float32))
    assert many["w"].shape == (3, 2, 2)


def test_unravel_is_a_static_argument():
    traced = []

    def f(unravel, x):
        traced.append(1)
        return unravel(x)["a"]

    jitted = sf.jit(f, static_argnums=0)
    for _ in range(2):
        flat, unravel = ravel_pytree({"a": jnp.ones(2)})
        jitted(unravel, flat)
    assert len(traced) == 1


def test_another_dtype_where_all_are_alike():
    """As in JAX, the leaves then have the vector's dtype."""
    _, unravel = ravel_pytree([jnp.ones(2)])
    assert unravel(jnp.ones(2, int))[0].dtype == np.int32


def test_errors():
    _, unravel = ravel_pytree([jnp.ones(2), jnp.arange(2)])
    with pytest.raises(ValueError, match="the tree has 4 numbers"):
        unravel(jnp.ones(3))
    with pytest.raises(ValueError, match=r"f32\[2,2\]"):
        unravel(jnp.ones((2, 2)))
    with pytest.raises(TypeError, match="what they promote to is float32"):
        unravel(jnp.ones(4, int))
    with pytest.raises(TypeError, match=r"random\.key_data"):
        ravel_pytree([sf.random.key(0)])
    with pytest.raises(TypeError, match="'a' of type str"):
        ravel_pytree(["a"])
