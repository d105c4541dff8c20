"""Poisson's, binomial and multinomial counts are JAX's, number for number; matrices of normal
numbers are near them.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
import scipy.stats

import scratchfn as sf
from scratchfn import random
from tests.random.agree import assert_same, both_x64, keys

P = np.linspace(0, 1, 200, dtype="float32")
ODD = np.array([np.nan, -1, np.inf, 4.7, 30], "float32")
CALLS = {
    "few": lambda r, k: r.poisson(k, np.linspace(0, 12, 300, dtype="float32")),
    "many": lambda r, k: r.poisson(k, 40.0, (300,)),
    "shape and dtype": lambda r, k: r.poisson(k, 4.0, (5,), "int16"),
    "binomial, few": lambda r, k: r.binomial(k, 20, P),
    "binomial, many": lambda r, k: r.binomial(k, 1000.0, P),
    "binomial, odd n": lambda r, k: r.binomial(k, ODD, 0.3),
    "binomial, odd p": lambda r, k: r.binomial(k, 30, ODD),
    "multinomial": lambda r, k: r.multinomial(k, 10.0, np.array([0.2, 0.5, 0.3], "float32")),
    "multinomials": lambda r, k: r.multinomial(
        k, np.arange(6.0, dtype="float32")[:, None][..., 0] * 50,
        np.tile(np.array([0.2, 0.5, 0.3, 0], "float32"), (6, 1)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", ["raw", "typed"])
def test_numbers(name: str, kind: str) -> None:
    ours, theirs = (CALLS[name](r, k) for r, k in zip((random, jax.random), keys(7, kind)))
    assert_same(ours, theirs)


@pytest.mark.parametrize("name", ["few", "many", "binomial, few", "binomial, many"])
def test_numbers_of_64_bits(name: str) -> None:
    with both_x64():
        ours, theirs = (CALLS[name](r, k) for r, k in zip((random, jax.random), keys(7)))
        assert_same(ours, theirs)


def test_counts_of_many_events() -> None:
    ours, theirs = keys(7)
    calls: list[Any] = [
        lambda r, k: r.poisson(k, 1e3, (20_000,)),
        lambda r, k: r.binomial(k, 30.0, 0.6, (20_000,)),
    ]
    for call in calls:
        assert_same(call(random, ours), call(jax.random, theirs))


def test_distributions() -> None:
    x = np.asarray(random.poisson(random.key(5), 25.0, (20_000,)))
    assert abs(x.mean() - 25) < 0.15
    assert abs(x.var() - 25) < 1
    counts = np.bincount(np.asarray(random.binomial(random.key(6), 8, 0.4, (20_000,)), int))
    expected = 20_000 * scipy.stats.binom(8, 0.4).pmf(np.arange(9))
    assert scipy.stats.chisquare(counts, expected).pvalue > 1e-3
    parts = random.multinomial(random.key(7), 12, np.array([0.5, 0.25, 0.25], "float32"))
    assert parts.sum() == 12


def test_a_probability_of_minus_zero_ends() -> None:
    assert random.binomial(random.key(0), 20, -0.0) == 0


def test_under_vmap_and_jit() -> None:
    ours = random.split(random.key(1), 3)
    rates = np.array([0.5, 5.0, 50.0], "float32")
    rows = sf.jit(sf.vmap(lambda k, rate: random.poisson(k, rate, (4,))))(ours, rates)
    for key, rate, row in zip(ours, rates, rows):
        assert_same(row, random.poisson(key, rate, (4,)))


def test_normal_vectors() -> None:
    ours, theirs = keys(3)
    mean = np.array([1.0, -2.0, 0.5], "float32")
    cov = np.array([[2, 0.3, 0], [0.3, 1, -0.2], [0, -0.2, 0.5]], "float32")
    for method in ("cholesky", "eigh", "svd"):
        found = random.multivariate_normal(ours, mean, cov, (5,), method=method)
        expected = jax.random.multivariate_normal(theirs, mean, cov, (5,), method=method)
        assert_same(found, expected, ulps=64, floor=1)
    many = np.asarray(random.multivariate_normal(ours, mean, cov, (50_000,)))
    np.testing.assert_allclose(np.cov(many.T), cov, atol=0.05)


@pytest.mark.parametrize("n, m", [(3, None), (4, 2), (2, 4), (0, None)])
def test_orthogonal_matrices(n: int, m: int | None) -> None:
    ours, theirs = keys(4)
    q = random.orthogonal(ours, n, (2,), m=m)
    assert_same(q, jax.random.orthogonal(theirs, n, (2,), m=m), ulps=64, floor=1)
    q = np.asarray(q)
    gram = q @ q.mT if n <= (m or n) else q.mT @ q
    np.testing.assert_allclose(gram, np.broadcast_to(np.eye(min(n, m or n)), gram.shape), atol=2e-6)


def test_refusals() -> None:
    key = random.key(0)
    with pytest.raises(ValueError, match="it draws integers"):
        random.poisson(key, 3.0, dtype="float32")
    with pytest.raises(ValueError, match="each outcome has a probability"):
        random.multinomial(key, 3, 0.5)
    with pytest.raises(ValueError, match=r"covariance of shape \[..., n, n\]"):
        random.multivariate_normal(key, np.zeros(3), np.eye(2))
    with pytest.raises(ValueError, match="it is one of 'cholesky', 'eigh', 'svd'"):
        random.multivariate_normal(key, np.zeros(2), np.eye(2), method="lu")
    with pytest.raises(ValueError, match="shapes that do not broadcast together"):
        random.binomial(key, np.ones(3), 0.5, (2,))
