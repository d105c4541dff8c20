"""Samplers of float32 give JAX's numbers to the bit: over 100,000 numbers, over a million in full.

Left out is what JAX itself does not fix. Its gamma numbers hold an estimate of 1 / sqrt(d) by the
processor, which is the nearest number for four d in five; the alphas here are such. Its sums over
an axis are in an order that depends on the size of the array.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

from scratchfn import random
from tests.random.agree import assert_same, keys

Call = Callable[[Any, Any, int], Any]
ROW = np.linspace(0.5, 3, 250, dtype="float32")
RATES = np.array([0.2, 0.5, 0.3], "float32")
LOGITS = np.log(np.arange(1, 11, dtype="float32"))

QUICK: dict[str, Call] = {
    "exponential": lambda r, k, n: r.exponential(k, (n,)),
    "gumbel": lambda r, k, n: r.gumbel(k, (n,)),
    "laplace": lambda r, k, n: r.laplace(k, (n,)),
    "logistic": lambda r, k, n: r.logistic(k, (n,)),
    "lognormal": lambda r, k, n: r.lognormal(k, 1.3, (n,)),
    "pareto": lambda r, k, n: r.pareto(k, 1.7, (n,)),
    "weibull_min": lambda r, k, n: r.weibull_min(k, 2.3, 1.7, (n,)),
    "categorical": lambda r, k, n: r.categorical(k, LOGITS, shape=(n,)),
    "geometric": lambda r, k, n: r.geometric(k, 0.1, (n,)),
    "gamma, 0.5": lambda r, k, n: r.gamma(k, 0.5, (n,)),
    "loggamma, 0.3": lambda r, k, n: r.loggamma(k, 0.3, (n,)),
    "poisson, 1e6": lambda r, k, n: r.poisson(k, 1e6, (n,)),
    "binomial, 30": lambda r, k, n: r.binomial(k, 30.0, 0.6, (n,)),
}
MORE: dict[str, Call] = {
    "normal": lambda r, k, n: r.normal(k, (n,)),
    "truncated_normal": lambda r, k, n: r.truncated_normal(k, -1.0, 2.0, (n,)),
    "gumbel, high": lambda r, k, n: r.gumbel(k, (n,), mode="high"),
    "gumbel, highest": lambda r, k, n: r.gumbel(k, (n,), mode="highest"),
    "choice": lambda r, k, n: r.choice(k, 250, (100,), replace=False, p=ROW / ROW.sum()),
    "lognormal, rows": lambda r, k, n: r.lognormal(k, ROW, (n // 250, 250)),
    "pareto, rows": lambda r, k, n: r.pareto(k, ROW, (n // 250, 250)),
    "rayleigh": lambda r, k, n: r.rayleigh(k, 2.3, (n,)),
    "triangular": lambda r, k, n: r.triangular(k, 0.1, 0.7, 1.3, (n,)),
    "wald": lambda r, k, n: r.wald(k, 1.7, (n,)),
    "wald, rows": lambda r, k, n: r.wald(k, ROW, (n // 250, 250)),
    "weibull_min, rows": lambda r, k, n: r.weibull_min(k, ROW, ROW, (n // 250, 250)),
    "maxwell": lambda r, k, n: r.maxwell(k, (n,)),
    "double_sided_maxwell": lambda r, k, n: r.double_sided_maxwell(k, 1.3, 2.7, (n,)),
    "gamma, 0.1": lambda r, k, n: r.gamma(k, 0.1, (n,)),
    "gamma, 1": lambda r, k, n: r.gamma(k, 1.0, (n,)),
    "gamma, 50": lambda r, k, n: r.gamma(k, 50.0, (n,)),
    "beta": lambda r, k, n: r.beta(k, 2.0, 3.0, (n,)),
    "beta, small": lambda r, k, n: r.beta(k, 0.3, 0.5, (n,)),
    "chisquare": lambda r, k, n: r.chisquare(k, 3.0, (n,)),
    "t": lambda r, k, n: r.t(k, 3.0, (n,)),
    "f": lambda r, k, n: r.f(k, 3.0, 5.0, (n,)),
    "generalized_normal": lambda r, k, n: r.generalized_normal(k, 2.0, (n,)),
    "poisson, 3": lambda r, k, n: r.poisson(k, 3.0, (n,)),
    "poisson, 30": lambda r, k, n: r.poisson(k, 30.0, (n,)),
    "binomial, 20": lambda r, k, n: r.binomial(k, 20, 0.2, (n,)),
    "binomial, 1e5": lambda r, k, n: r.binomial(k, 1e5, 0.3, (n,)),
    "multinomial": lambda r, k, n: r.multinomial(k, np.float32(300), RATES, shape=(n // 3, 3)),
}


@pytest.mark.parametrize("name", QUICK)
def test_100_000_numbers(name: str) -> None:
    ours, theirs = keys(3)
    assert_same(QUICK[name](random, ours, 100_000), QUICK[name](jax.random, theirs, 100_000))


@pytest.mark.full
@pytest.mark.parametrize("name", [*QUICK, *MORE])
def test_a_million_numbers(name: str) -> None:
    call = (QUICK | MORE)[name]
    ours, theirs = keys(11)
    assert_same(call(random, ours, 1_000_000), call(jax.random, theirs, 1_000_000))


def test_cauchy_numbers_but_for_a_few_last_digits() -> None:
    ours, theirs = keys(3)
    found, expected = random.cauchy(ours, (100_000,)), jax.random.cauchy(theirs, (100_000,))
    assert_same(found, expected, ulps=1)
    # where the C library has glibc's tangent of before 2.41; that of later ones is the nearest
    assert np.mean(np.asarray(found) != np.asarray(expected)) < 0.05


def test_gamma_numbers_where_the_processor_estimates() -> None:
    """1 / sqrt(d) an ulp away moves v = (1 + c x)^3 by few, but where 1 + c x is nearly 0."""
    ours, theirs = keys(3)
    a = np.linspace(0.05, 8, 20_000, dtype="float32")
    found, expected = (np.asarray(r.gamma(k, a)) for r, k in ((random, ours), (jax.random, theirs)))
    normal = expected > 1e-37
    np.testing.assert_allclose(found[normal], expected[normal], rtol=1e-5)
    apart = np.abs(found.view(np.int32) - expected.view(np.int32))[normal]
    assert np.mean(apart > 4) < 1e-2
