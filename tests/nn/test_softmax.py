"""softmax and its relatives against jax.nn."""

from __future__ import annotations

from functools import partial

import jax
import numpy as np
import pytest

import scratchfn.numpy as jnp
from scratchfn import grad, jit, nn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4, 5)).astype(np.float32) * 10
W = RNG.normal(size=(3, 4, 5)).astype(np.float32)
MASK = RNG.random(size=(3, 4, 5)) < 0.7
MASK[..., 0] = True  # no line is masked altogether
AXES = [-1, 0, (0, 2), None]


def check(ours, theirs, *args, tol: float = 5e-6) -> None:
    """Value, and gradient of a weighted sum, which no symmetry makes zero."""

    def total(f, xp):
        return lambda x: xp.sum(xp.where(weights > 0, f(x), 0) * weights)

    value, expected = ours(*args), theirs(*args)
    assert value.dtype == expected.dtype
    np.testing.assert_allclose(value, expected, rtol=tol, atol=1e-6)
    weights = W.reshape(-1)[: value.size].reshape(value.shape)
    slope = grad(total(ours, jnp))(*args)
    expected = jax.grad(total(theirs, jax.numpy))(*args)
    np.testing.assert_allclose(slope, expected, rtol=tol, atol=1e-6)
    np.testing.assert_allclose(jit(grad(total(ours, jnp)))(*args), slope, rtol=tol, atol=1e-6)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "standardize"])
def test_along_axes(name: str, axis) -> None:
    check(partial(getattr(nn, name), axis=axis), partial(getattr(jax.nn, name), axis=axis), X)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", ["logsumexp", "logmeanexp"])
def test_reductions(name: str, axis, keepdims: bool) -> None:
    options = {"axis": axis, "keepdims": keepdims}
    check(partial(getattr(nn, name), **options), partial(getattr(jax.nn, name), **options), X)


@pytest.mark.parametrize("name", ["softmax", "logsumexp", "logmeanexp", "standardize"])
def test_where_leaves_elements_out(name: str) -> None:
    options = {"axis": -1, "where": MASK}
    check(partial(getattr(nn, name), **options), partial(getattr(jax.nn, name), **options), X)


def test_a_mask_is_of_booleans() -> None:
    for library in (nn, jax.nn):
        with pytest.raises(ValueError, match=r"where=\.\.\.|boolean"):
            library.softmax(np.ones((2, 3), "float32"), where=np.ones((2, 3), "int32"))


def test_log_softmax_where() -> None:
    np.testing.assert_allclose(
        nn.log_softmax(X, where=MASK), jax.nn.log_softmax(X, where=MASK), rtol=5e-6, atol=1e-6
    )


def test_large_and_infinite_elements() -> None:
    x = np.array([[1000.0, 0.0, -1000.0], [-np.inf, 1.0, 2.0]], np.float32)
    for name in ["softmax", "log_softmax", "logsumexp"]:
        np.testing.assert_allclose(
            getattr(nn, name)(x, axis=-1), getattr(jax.nn, name)(x, axis=-1), rtol=5e-6
        )
    nothing = np.full(3, -np.inf, np.float32)
    assert nn.logsumexp(nothing) == -np.inf


def test_weighted_logsumexp() -> None:
    for ours, theirs in zip(
        nn.logsumexp(X, axis=1, b=W, return_sign=True),
        jax.nn.logsumexp(X, axis=1, b=W, return_sign=True),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, rtol=5e-6)
    np.testing.assert_allclose(
        nn.logsumexp(X, axis=1, b=W), jax.nn.logsumexp(X, axis=1, b=W), rtol=5e-6
    )


def test_standardize_by_given_moments() -> None:
    for options in [{"mean": 1.0, "variance": 4.0}, {"algorithm": "stable"}, {"epsilon": 0.1}]:
        np.testing.assert_allclose(
            nn.standardize(X, **options), jax.nn.standardize(X, **options), rtol=1e-5, atol=1e-6
        )
    with pytest.raises(ValueError, match="algorithm='slow'"):
        nn.standardize(X, algorithm="slow")


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_second_derivatives(name: str) -> None:
    def twice(grad, f):
        return grad(lambda x: grad(lambda x: f(x)[1])(x)[2])

    x = X[0, 0] / 10
    ours, theirs = twice(grad, getattr(nn, name)), twice(jax.grad, getattr(jax.nn, name))
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-5, atol=1e-7)
