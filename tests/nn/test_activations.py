"""Activations against jax.nn: value, dtype and derivative."""

from __future__ import annotations

import jax
import jax.numpy as jax_jnp
import numpy as np
import pytest

import scratchfn.numpy as jnp
from scratchfn import grad, jit, nn, vmap

NAMES = [
    "celu", "elu", "gelu", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "identity",
    "leaky_relu", "log_sigmoid", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_sign",
    "softplus", "sparse_plus", "sparse_sigmoid", "squareplus", "swish", "tanh",
]  # fmt: skip
# Corners, ties and values whose exponentials overflow or vanish, and ordinary ones.
X = np.array(
    [-200, -90, -6, -3, -1.5, -1, -0.3, -1e-6, 0, 1e-6, 0.2, 1, 1.7, 3, 5, 6, 7, 90, 200],
    np.float32,
)


@pytest.mark.parametrize("name", NAMES)
def test_value_and_derivative_are_jax_nn_s(name: str) -> None:
    ours, theirs = getattr(nn, name), getattr(jax.nn, name)
    value, expected = ours(X), theirs(X)
    assert value.dtype == expected.dtype
    np.testing.assert_allclose(value, expected, rtol=3e-6, atol=1e-12)
    slope = vmap(grad(ours))(X)
    # A derivative is a sum of terms about 1; where they cancel, two last bits of 1 are left.
    np.testing.assert_allclose(slope, jax.vmap(jax.grad(theirs))(X), rtol=5e-6, atol=2.4e-7)
    np.testing.assert_allclose(jit(vmap(grad(ours)))(X), slope, rtol=1e-6, atol=2.4e-7)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int32"])
def test_dtypes_are_jax_nn_s(name: str, dtype: str) -> None:
    x = np.arange(-3, 4)
    try:
        expected = getattr(jax.nn, name)(jax_jnp.asarray(x, dtype))
    except TypeError:  # sigmoid and what is made of it take no integers
        with pytest.raises(TypeError, match=r"i32\[7\]"):
            getattr(nn, name)(jnp.asarray(x, dtype))
        return
    value = getattr(nn, name)(jnp.asarray(x, dtype))
    assert value.dtype == expected.dtype
    tol = {"float16": 4e-3, "bfloat16": 3e-2, "int32": 3e-6}[dtype]  # four roundings
    np.testing.assert_allclose(
        np.asarray(value, "float32"), np.asarray(expected, "float32"), rtol=tol, atol=tol
    )


def test_relu_is_flat_at_its_corner() -> None:
    assert grad(nn.relu)(0.0) == 0
    assert grad(jnp.maximum, argnums=0)(0.0, 0.0) == 0.5


def test_second_derivatives() -> None:
    x = X[abs(X) <= 3]  # beyond, 1 - tanh² is what rounding left of 1 - 1, times 200 in gelu
    for name in ["gelu", "silu", "softplus", "elu", "relu"]:
        ours = vmap(grad(grad(getattr(nn, name))))(x)
        theirs = jax.vmap(jax.grad(jax.grad(getattr(jax.nn, name))))(x)
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6, err_msg=name)


def test_exact_gelu() -> None:
    np.testing.assert_allclose(
        nn.gelu(X, approximate=False), jax.nn.gelu(X, approximate=False), rtol=3e-6, atol=1e-12
    )


def test_glu_gates_one_half_by_the_other() -> None:
    x = X[:18].reshape(3, 6)
    np.testing.assert_allclose(nn.glu(x), jax.nn.glu(x), rtol=3e-6)
    np.testing.assert_allclose(nn.glu(x.T, axis=0), jax.nn.glu(x.T, axis=0), rtol=3e-6)
    with pytest.raises(ValueError, match=r"f32\[3\].*\n.*even"):
        nn.glu(X[:3])


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_one_hot(axis: int) -> None:
    labels = np.array([[0, 2], [-1, 3], [1, 1]], np.int32)
    ours, theirs = nn.one_hot(labels, 3, axis=axis), jax.nn.one_hot(labels, 3, axis=axis)
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(nn.one_hot(labels.tolist(), 3, axis=axis), theirs)
    assert nn.one_hot(labels, 3, dtype=jnp.int8).dtype == jnp.int8


@pytest.mark.parametrize("axis", [2, -3])
def test_one_hot_of_an_axis_that_is_not_there(axis: int) -> None:
    for library in (nn, jax.nn):
        with pytest.raises(ValueError, match=rf"axis {axis}\b"):
            library.one_hot(np.arange(3), 3, axis=axis)


def test_log1mexp() -> None:
    x = np.array([0, 1e-6, 0.3, 0.69, 0.7, 2, 20, 80], np.float32)
    np.testing.assert_allclose(nn.log1mexp(x), jax.nn.log1mexp(x), rtol=3e-6)
    slope = vmap(grad(nn.log1mexp))(x[1:])
    np.testing.assert_allclose(slope, vmap(grad(jit(nn.log1mexp)))(x[1:]), rtol=1e-6)
    np.testing.assert_allclose(slope, jax.vmap(jax.grad(jax.nn.log1mexp))(x[1:]), rtol=5e-6)
