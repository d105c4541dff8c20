"""The gamma distribution and its kin against JAX's: the same uniform numbers, accepted alike.

What is an exponential of a logarithm has the rounding of terms of the size of that logarithm, so
ulps are counted of numbers of at least the size of `floor`. XLA takes numbers too small for a
normal float for 0, and they are not compared.
"""

from __future__ import annotations

import jax
import numpy as np
import pytest
import scipy.stats

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import errors, random
from tests.random.agree import assert_same, both_x64, keys

A = np.linspace(0.05, 8, 300, dtype="float32")
CALLS = {
    "gamma": lambda r, k: r.gamma(k, A),
    "gamma, shape": lambda r, k: r.gamma(k, 0.7, (200,)),
    "loggamma": lambda r, k: r.loggamma(k, A),
    "beta": lambda r, k: r.beta(k, A, A[::-1]),
    "dirichlet": lambda r, k: r.dirichlet(k, A.reshape(3, 100), (2, 3)),
    "chisquare": lambda r, k: r.chisquare(k, A, (2, 300)),
    "f": lambda r, k: r.f(k, A, 3.0),
    "t": lambda r, k: r.t(k, A),
    "generalized_normal": lambda r, k: r.generalized_normal(k, 1.7, (200,)),
    "ball": lambda r, k: r.ball(k, 3, 1.7, (100,)),
    "ball, round": lambda r, k: r.ball(k, 2, shape=(100,)),
}


@pytest.mark.thinned(2)
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", ["raw", "typed"])
def test_numbers(name: str, kind: str) -> None:
    ours, theirs = (CALLS[name](r, k) for r, k in zip((random, jax.random), keys(7, kind)))
    normal = np.abs(np.asarray(theirs)) > 1e-37
    x, y = np.where(normal, ours, 0), np.where(normal, theirs, 0)
    assert_same(x, y, ulps=80 if name == "f" else 24, floor=1e-3 if name != "loggamma" else 4)
    assert ours.weak_type == theirs.weak_type


@pytest.mark.parametrize("name", ["gamma", "loggamma", "beta", "t"])
def test_numbers_of_64_bits(name: str) -> None:
    with both_x64():
        ours, theirs = (CALLS[name](r, k) for r, k in zip((random, jax.random), keys(7)))
        assert ours.dtype == np.float64
        # XLA's log1p is wrong by up to 128 ulps near -0.4
        assert_same(ours, theirs, ulps=4096, floor=1)


def test_distribution() -> None:
    for a in (0.3, 1.0, 7.5):
        x = np.asarray(random.gamma(random.key(3), a, (20_000,)))
        assert scipy.stats.kstest(x, scipy.stats.gamma(a).cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", ["gamma", "loggamma"])
def test_derivative_in_a(name: str) -> None:
    a = np.linspace(0.6, 5, 50, dtype="float32")
    ours, theirs = keys(2)
    found = sf.grad(lambda a: jnp.sum(getattr(random, name)(ours, a)))(a)
    expected = jax.grad(lambda a: jax.numpy.sum(getattr(jax.random, name)(theirs, a)))(a)
    np.testing.assert_allclose(found, expected, 2e-3, 2e-5)  # JAX's series are of float32


def test_batches_and_programs() -> None:
    ours, theirs = (r.split(k, 4) for r, k in zip((random, jax.random), keys(1, "typed")))
    a = np.ones((4, 3), "float32")
    found = sf.jit(sf.vmap(random.gamma))(ours, a)
    assert_same(found, jax.vmap(jax.random.gamma)(theirs, a), ulps=24)
    one_key = sf.vmap(lambda a: random.gamma(ours[0], a))(a)
    assert_same(one_key, jnp.stack([random.gamma(ours[0], row) for row in a]))
    program = sf.make_jaxpr(random.gamma)(ours[0], a[0])
    assert "random_gamma[log_space=False]" in str(program)
    assert random.gamma(ours[0], np.zeros((0, 2), "float32")).shape == (0, 2)


def test_refusals() -> None:
    key = random.key(0)
    with pytest.raises(ValueError, match="shapes that do not broadcast together"):
        random.gamma(key, A, (7,))
    with pytest.raises(ValueError, match="as many parts as alpha"):
        random.dirichlet(key, 1.0)
    with pytest.raises(ValueError, match="it draws floats"):
        random.beta(key, 1.0, 2.0, dtype="int32")
    with pytest.raises(TypeError, match="a key is uint32"):
        random.t(3, 1.0)
    assert issubclass(errors.TypePromotionError, ValueError)
    for sampler, count in ((random.beta, 2), (random.chisquare, 1), (random.f, 2), (random.t, 1)):
        with pytest.raises(errors.TypePromotionError):
            sampler(key, *[np.complex64(2)] * count)
    with pytest.raises(ValueError, match="parameters of shape"):
        random.generalized_normal(key, np.ones(3))
    assert random.gamma(key, 0.0) == 0
