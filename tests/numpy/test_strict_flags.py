"""The flags that forbid implicit promotion are about the user's program: what the library does
inside of a function does not trip them, and where JAX's function does not ask, ours does not."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.scipy.signal
import jax.scipy.special
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.scipy.signal
import scratchfn.scipy.special

X = np.arange(12, dtype=np.float32).reshape(4, 3) + 1
Y = np.arange(3, dtype=np.float32)
M = np.eye(3, dtype=np.float32) * 2 + np.float32(0.1)

RANKS: dict[str, Callable[[Any], Any]] = {
    "where": lambda lib: lib.numpy.where(Y > 1, X, 0.0),
    "select": lambda lib: lib.numpy.select([Y > 1], [X], 0.0),
    "quantile": lambda lib: lib.numpy.quantile(X, np.float32([0.2, 0.4]), 0),
    "nanquantile": lambda lib: lib.numpy.nanquantile(X, np.float32(0.3), 1),
    "vander": lambda lib: lib.numpy.vander(Y),
    "polyfit": lambda lib: lib.numpy.polyfit(X[:, 0], X[:, 1] ** 2, 2),
    "polyfit of columns": lambda lib: lib.numpy.polyfit(X[:, 0], X**2, 1),
    "uniform": lambda lib: lib.random.uniform(lib.random.key(0), (2, 3), minval=Y, maxval=4.0),
    "gamma": lambda lib: lib.random.gamma(lib.random.key(0), Y + 1, (2, 3)),
    "categorical": lambda lib: lib.random.categorical(lib.random.key(0), Y, shape=(5,)),
    "categorical, ks": lambda lib: lib.random.categorical(
        lib.random.key(0), X, shape=(2, 4), replace=True
    ),
    "multivariate_normal": lambda lib: lib.random.multivariate_normal(
        lib.random.key(0), Y, M, (4,)
    ),
    "multigammaln": lambda lib: lib.scipy.special.multigammaln(X + 3, 2),
    "bessel_jn": lambda lib: lib.scipy.special.bessel_jn(Y + 1, v=2, n_iter=20),
    "detrend": lambda lib: lib.scipy.signal.detrend(X),
    "welch": lambda lib: lib.scipy.signal.welch(np.arange(64.0, dtype="f"), nperseg=16)[0],
    "stft": lambda lib: abs(lib.scipy.signal.stft(np.arange(64.0, dtype="f"), nperseg=16)[2]),
}


@pytest.mark.parametrize("name", RANKS)
def test_ranks(name: str) -> None:
    with jax.numpy_rank_promotion("raise"):
        expected = RANKS[name](jax)
    with sf.numpy_rank_promotion("raise"):
        found = RANKS[name](sf)
    with sf.numpy_rank_promotion("warn"), warnings.catch_warnings():
        warnings.simplefilter("error")
        RANKS[name](sf)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-4)


def test_dtypes() -> None:
    with jax.numpy_dtype_promotion("strict"), sf.numpy_dtype_promotion("strict"):
        for part, expected in zip(
            sf.numpy.linalg.slogdet(M), jax.numpy.linalg.slogdet(M), strict=True
        ):
            np.testing.assert_allclose(part, expected, rtol=1e-6)


ASKED: dict[str, Callable[[Any, Any, Any], Any]] = {
    "+": lambda jnp, x, y: x + y,
    "==": lambda jnp, x, y: x == y,
    "maximum": lambda jnp, x, y: jnp.maximum(x, y),
    "clip": lambda jnp, x, y: jnp.clip(x, y, 5),
}


@pytest.mark.parametrize("name", ASKED)
def test_what_the_user_asks_for(name: str) -> None:
    for lib in (sf, jax):
        x, y = lib.numpy.asarray(X), lib.numpy.asarray(Y)
        with lib.numpy_rank_promotion("raise"), pytest.raises(ValueError, match="rank"):
            ASKED[name](lib.numpy, x, y)
        with lib.numpy_rank_promotion("warn"), pytest.warns(UserWarning, match="rank"):
            ASKED[name](lib.numpy, x, y)
        with lib.numpy_rank_promotion("raise"):
            assert ASKED[name](lib.numpy, x, y[None]).shape == (4, 3)
