"""scipy.stats against JAX's: values and derivatives in float32, on the support, at its edges and
off it; and against SciPy's own in float64.

A difference is counted in ulps of the greater of the number and 1: 32 by default, which is what
logarithms of gamma functions and exponentials of them leave.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.scipy.stats as theirs
import numpy as np
import pytest
import scipy.stats

import scratchfn as sf
import scratchfn.numpy as jnp
import scratchfn.scipy.stats as ours
from tests.numpy.agree import outcome, same, same_error
from tests.scipy.test_special import ulps

INF, NAN = np.inf, np.nan
LINE = [-INF, -40.0, -3.1, -0.5, 0.0, 0.2, 0.9, 1.0, 1.6, 3.0, 25.0, INF, NAN]
INTERVAL = [-1.0, 0.0, 1e-3, 0.2, 0.5, 0.75, 0.9, 1.0, 2.0, NAN]
COUNTS = [-1.0, 0.0, 1.0, 2.0, 3.0, 7.0, 12.0, NAN]
QUANTILES = [-0.5, 0.0, 1e-3, 0.3, 0.5, 0.8, 0.999, 1.0, 1.5, NAN]
EVERY = ["pdf", "logpdf", "cdf", "logcdf", "sf", "logsf"]
# module -> (functions, points, parameters)
CASES: dict[str, tuple[list[str], list[float], list[tuple[float, ...]]]] = {
    "bernoulli": (["pmf", "logpmf"], COUNTS[:5], [(0.3,), (0.3, 1.0)]),
    "beta": (EVERY, INTERVAL, [(2.0, 3.5), (0.5, 0.7, 0.1, 0.8)]),
    "betabinom": (["pmf", "logpmf"], COUNTS, [(7.0, 0.6, 2.5), (3.0, 4.0, 5.0)]),
    "binom": (["pmf", "logpmf"], COUNTS, [(7.0, 0.3), (12.0, 0.9, 1.0)]),
    "cauchy": (EVERY, LINE, [(), (0.5, 2.0)]),
    "chi2": (EVERY, LINE, [(3.0,), (1.4, -0.5, 0.7)]),
    "expon": (EVERY, LINE, [(), (0.2, 3.0)]),
    "gamma": (EVERY, LINE, [(2.5,), (0.7, 0.2, 1.5)]),
    "gennorm": (["pdf", "logpdf", "cdf"], LINE[1:-2], [(1.3,), (2.0,)]),
    "geom": (["pmf", "logpmf"], COUNTS, [(0.3,), (0.9, 1.0)]),
    "gumbel_l": (EVERY, LINE[2:-3], [(), (0.5, 2.0)]),
    "gumbel_r": (EVERY, LINE[2:-3], [(), (0.5, 2.0)]),
    "laplace": (["pdf", "logpdf", "cdf"], LINE, [(), (0.5, 2.0)]),
    "logistic": (["pdf", "logpdf", "cdf", "sf"], LINE[1:-2], [(), (0.5, 2.0)]),
    "nbinom": (["pmf", "logpmf"], COUNTS, [(3.0, 0.4), (0.5, 0.8, 1.0)]),
    "norm": (EVERY, LINE[1:-2], [(), (0.5, 2.0)]),
    "pareto": (EVERY, LINE, [(2.5,), (0.7, -1.0, 1.5)]),
    "poisson": (["pmf", "logpmf", "cdf"], COUNTS, [(3.2,), (0.4, 1.0)]),
    "t": (["pdf", "logpdf"], LINE, [(3.0,), (0.8, 0.5, 2.0)]),
    "truncnorm": (EVERY, LINE, [(-1.0, 2.0), (1.5, 4.0, -1.0, 0.9)]),
    "uniform": (["pdf", "logpdf", "cdf"], LINE, [(), (-0.5, 2.0)]),
    "vonmises": (["pdf", "logpdf"], LINE[1:-2], [(0.7,), (20.0,)]),
    "wrapcauchy": (["pdf", "logpdf"], LINE[1:-2], [(0.3,), (0.9,)]),
}
INVERSES = {
    "cauchy": ["ppf", "isf"], "expon": ["ppf"], "gumbel_l": ["ppf"], "gumbel_r": ["ppf"],
    "logistic": ["ppf", "isf"], "norm": ["ppf", "isf"], "pareto": ["ppf"], "uniform": ["ppf"],
}  # fmt: skip
# What JAX has no derivative in, or no finite one: parameters of betainc.
FIXED = {"beta": (1, 2)}


def call(library: Any, module: str, name: str) -> Callable[..., Any]:
    return getattr(getattr(library, module), name)


def table(module: str) -> list[tuple[str, list[np.ndarray]]]:
    """(function, arguments) of a module's cases."""
    functions, points, parameters = CASES[module]
    rows = [(name, points, p) for name in functions for p in parameters]
    rows += [(name, QUANTILES, p) for name in INVERSES.get(module, []) for p in parameters]
    return [(name, [np.asarray(x), *map(np.asarray, p)]) for name, x, p in rows]


def evaluate(library: Any, module: str, rows: Any) -> Any:
    """Values of a module's cases, and derivatives of those that are logarithms or inverses."""
    space = ours if library is sf else theirs
    results = []
    for name, xs in rows:
        f = call(space, module, name)
        total = lambda *xs, f=f: f(*xs).sum()  # noqa: E731
        wrt = differentiable(module, name, len(xs))
        results.append((f(*xs), library.grad(total, wrt)(*xs) if wrt else ()))
    return results


def differentiable(module: str, name: str, count: int) -> tuple[int, ...]:
    """The arguments that derivatives are compared in."""
    if (not name.startswith("log") and name not in ("ppf", "isf")) or module.startswith("gumbel"):
        return ()  # JAX's gumbel functions have none: they raise TypeError
    return tuple(i for i in range(count) if i not in FIXED.get(module, ()) or name == "logpdf")


def compare(module: str, rows: Any) -> None:
    """Compares values and derivatives with JAX's, at finite points, where JAX's are finite. At nan
    some of JAX's functions give what they do off the support; ours give nan."""
    rows = [(name, np.broadcast_arrays(*[x.astype("float32") for x in xs])) for name, xs in rows]
    names = [name for name, _ in rows]
    run = jax.jit(lambda xs: evaluate(jax, module, list(zip(names, xs, strict=True))))
    expected = run([xs for _, xs in rows])
    got = evaluate(sf, module, rows)
    for (name, xs), (value, slopes), (want, want_slopes) in zip(rows, got, expected, strict=True):
        print(module, name, xs)
        assert value.dtype == "float32" and not value.weak_type
        assert np.isnan(np.asarray(value)[np.isnan(xs[0])]).all()
        finite = np.isfinite(xs[0])
        if name in ("ppf", "isf"):  # JAX's are what their formula gives for any number
            finite = (xs[0] > 0.01) & (xs[0] < 0.99)
        close(value, want, 64, finite & ~np.isnan(want))
        for slope, want_slope in zip(slopes, want_slopes, strict=True):
            print(slope, want_slope)
            close(slope, want_slope, 256, finite & np.isfinite(want_slope))


def close(got: Any, want: Any, limit: float, where: Any) -> None:
    ulps(np.asarray(got)[where], np.asarray(want)[where], limit)


@pytest.mark.parametrize("module", CASES)
def test_densities_against_jax(module: str) -> None:
    compare(module, [row for row in table(module) if row[0] in ("logpdf", "logpmf")])


@pytest.mark.full  # JAX takes a minute to compile these
@pytest.mark.parametrize("module", CASES)
def test_against_jax(module: str) -> None:
    compare(module, table(module))


@pytest.mark.parametrize("module", CASES)
def test_against_scipy(module: str) -> None:
    for name, xs in table(module):
        expected = getattr(getattr(scipy.stats, module), name)(*xs)
        with sf.enable_x64(True):
            against_scipy(call(ours, module, name), xs, expected)


def against_scipy(f: Callable[..., Any], xs: list[np.ndarray], expected: np.ndarray) -> None:
    value = f(*xs)
    print(f, [x.tolist() for x in xs], value, expected)
    ulps(value, expected, 256)
    ulps(sf.jit(f)(*xs), value, 8)
    ulps(sf.vmap(lambda x: f(x, *xs[1:]))(jnp.asarray(xs[0])), value, 0)


# -- what is no density of one number -------------------------------------------------------------

K = np.float32([-1, 0, 0.5, 1, 2, NAN, INF])
D1, D2 = np.float32([1, 2, 4, 7]), np.float32([[1, 2, 4, 7], [0, 3, 1, 2]])
W = np.float32([1, 2, 3, 4])
COV = np.float32([[2, 0.5], [0.5, 1]])
TIES = np.float32([[2, 1, 2, 3], [1, 1, 5, 1], [4, 1, 2, 2]])
HOLES = np.float32([2, NAN, 2, 3])
ALPHA = np.float32([1, 2.5, 3])
EXPRESSIONS: list[Callable[..., Any]] = [
    lambda s, r: [s.bernoulli.cdf(K, p) for p in (0.3, 1.5)],
    lambda s, r: s.bernoulli.ppf(np.float32([-0.1, 0, 0.5, 0.7, 0.71, 1, 1.1, NAN]), 0.3),
    lambda s, r: s.bernoulli.ppf(0.5, 1.5),
    lambda s, r: [s.norm.logpdf(1), s.norm.cdf(True), s.gamma.pdf(2.0, 3), s.poisson.pmf(2, 3.0)],
    lambda s, r: s.norm.logpdf(np.ones((2, 1), "float16"), np.ones(3, "float16")),
    lambda s, r: s.dirichlet.logpdf(np.float32([0.2, 0.3, 0.5]), ALPHA),
    lambda s, r: s.dirichlet.pdf(np.float32([0.2, 0.3]), ALPHA),
    lambda s, r: s.dirichlet.logpdf(np.float32([[0.2, 0.3, 0.6], [0.2, 0.7, 0.1]]).T, ALPHA),
    lambda s, r: s.dirichlet.logpdf(np.float32([0, 0.5, 0.5]), ALPHA),
    lambda s, r: s.dirichlet.logpdf(np.float32([0.2]), ALPHA),
    lambda s, r: s.dirichlet.logpdf(np.float32([0.2, 0.3, 0.5]), np.ones((3, 2), "float32")),
    lambda s, r: s.multinomial.logpmf(np.array([1, 2, 3]), 6, np.float32([0.2, 0.3, 0.5])),
    lambda s, r: s.multinomial.pmf(np.array([1, 2, 3]), 5, np.float32([0.2, 0.3, 0.5])),
    lambda s, r: s.multinomial.logpmf(np.array([1, 2, -3]), 0, np.float32([0.2, 0.3, 0.5])),
    lambda s, r: s.multinomial.logpmf(np.float32([1, 2, 3]), 6, np.float32([0.2, 0.3, 0.5])),
    lambda s, r: s.multinomial.logpmf([1, 2, 3], 6, np.float32([0.2, 0.3, 0.5])),
    lambda s, r: s.multivariate_normal.logpdf(1.0, 0.0, 2.0),
    lambda s, r: s.multivariate_normal.logpdf(D1, 0.0, 2.0),
    lambda s, r: s.multivariate_normal.logpdf(D2.T, np.zeros(2, "float32"), COV),
    lambda s, r: s.multivariate_normal.pdf(D2.T, D2.T[::-1], COV * W[:, None, None]),
    lambda s, r: s.multivariate_normal.logpdf(D2[:, 0], D2[:, 1], -COV),
    lambda s, r: s.multivariate_normal.logpdf(D2[:, 0], D2[:, 1], np.eye(3)),
    lambda s, r: s.multivariate_normal.logpdf(D2[:, 0], D2[:, 1], COV, True),
    lambda s, r: s.poisson.entropy(np.float32([0, 1e-3, 0.5, 3, 9, 11, 30, 99, 101, 400, 1e6])),
    lambda s, r: s.poisson.entropy(np.float32([-1, NAN, INF])),
    *[lambda s, r, m=m: s.rankdata(TIES, m) for m in ("average", "min", "max", "dense", "ordinal")],
    lambda s, r: [s.rankdata(TIES, axis=0), s.rankdata(TIES, "min", axis=-1), s.rankdata(HOLES)],
    lambda s, r: [s.rankdata(np.array([2, 1, 2])), s.rankdata(3.0), s.rankdata(np.ones((0, 3)))],
    lambda s, r: s.rankdata(TIES, "x"),
    lambda s, r: s.rankdata(TIES, nan_policy="omit"),
    lambda s, r: s.rankdata(TIES, nan_policy="x"),
    lambda s, r: s.rankdata([2, 1]),
    lambda s, r: s.rankdata(TIES, axis=3),
    lambda s, r: [tuple(s.mode(TIES)), tuple(s.mode(TIES, axis=1)), tuple(s.mode(TIES, None))],
    lambda s, r: [tuple(s.mode(TIES, -1, keepdims=True)), tuple(s.mode(TIES, None, keepdims=True))],
    lambda s, r: [tuple(s.mode(HOLES)), tuple(s.mode(np.float32([NAN, NAN, 1])))],
    lambda s, r: [tuple(s.mode(np.array([True, False]))), tuple(s.mode(3.0))],
    lambda s, r: [tuple(s.mode(np.ones((0, 3)))), tuple(s.mode(np.ones((3, 0))))],
    lambda s, r: s.mode(TIES, nan_policy="raise"),
    lambda s, r: s.mode([1, 2]),
    lambda s, r: [s.sem(TIES), s.sem(TIES, None), s.sem(TIES, 1, 0), s.sem(TIES, keepdims=True)],
    lambda s, r: [s.sem(HOLES), s.sem(HOLES, nan_policy="omit"), s.sem(np.array([2, 1, 2]))],
    lambda s, r: s.sem(HOLES, nan_policy="raise"),
]


def scipy_outcome(expression: Callable[..., Any], space: Any, library: Any) -> Any:
    return outcome(lambda random: expression(space, random), library)


def check(expression: Callable[..., Any], tolerance: float = 1e-5) -> None:
    mine = scipy_outcome(expression, ours, sf.random)
    believed = scipy_outcome(expression, theirs, jax.random)
    if isinstance(mine, Exception) or isinstance(believed, Exception):
        same_error(mine, believed)
    else:
        same(mine, believed, tolerance)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_other_functions(expression: Callable[..., Any]) -> None:
    check(expression)


KDE: list[Callable[..., Any]] = [
    lambda s, r: [s.gaussian_kde(D1).covariance, s.gaussian_kde(D2, weights=W).inv_cov],
    lambda s, r: [s.gaussian_kde(D1, m).covariance for m in ("scott", "silverman", 0.3)],
    lambda s, r: s.gaussian_kde(D1, lambda kde: kde.n**-0.5).covariance,
    lambda s, r: [s.gaussian_kde(D1)(D1), s.gaussian_kde(D1).pdf(2.0), s.gaussian_kde(D2)(D2)],
    lambda s, r: s.gaussian_kde(D2, weights=W).logpdf(D2[:, 0]),
    lambda s, r: s.gaussian_kde(D1).integrate_gaussian(1.0, 2.0),
    lambda s, r: s.gaussian_kde(D2).integrate_gaussian(D2[:, 0], COV),
    lambda s, r: s.gaussian_kde(D1).integrate_box_1d(0.0, 2.0),
    lambda s, r: s.gaussian_kde(D2, weights=W).integrate_kde(s.gaussian_kde(D2)),
    lambda s, r: s.gaussian_kde(D1).resample(r.key(0), (5,)),
    lambda s, r: s.gaussian_kde(D2, weights=W).resample(r.key(1), (3,)),
    lambda s, r: s.gaussian_kde(D1, "x"),
    lambda s, r: s.gaussian_kde(D1, D1),
    lambda s, r: s.gaussian_kde(D1[:1]),
    lambda s, r: s.gaussian_kde([1.0, 2.0]),
    lambda s, r: s.gaussian_kde(D1 * 1j),
    lambda s, r: s.gaussian_kde(D1, weights=W[:2]),
    lambda s, r: s.gaussian_kde(D2)(W[:3]),
    lambda s, r: s.gaussian_kde(D2).integrate_box_1d(0.0, 2.0),
    lambda s, r: s.gaussian_kde(D1).integrate_box_1d(D1, 2.0),
    lambda s, r: s.gaussian_kde(D2).integrate_kde(s.gaussian_kde(D1)),
    lambda s, r: s.gaussian_kde(D2).integrate_gaussian(D1, COV),
    lambda s, r: s.gaussian_kde(D1).integrate_box(0, 1),
    lambda s, r: s.gaussian_kde(D1).set_bandwidth(0.3),
    lambda s, r: setattr(s.gaussian_kde(D1), "neff", 3),
]


@pytest.mark.parametrize("expression", KDE)
def test_gaussian_kde(expression: Callable[..., Any]) -> None:
    check(expression)


def test_gaussian_kde_is_a_tree() -> None:
    """Estimates pass through transformations, and are differentiated in their samples."""
    kde = ours.gaussian_kde(D1)
    np.testing.assert_allclose(sf.jit(lambda k, x: k(x))(kde, D1), kde(D1), rtol=1e-6)
    slope = sf.grad(lambda d: ours.gaussian_kde(d).logpdf(jnp.float32(1.5)).sum())(D1)
    believed = jax.grad(lambda d: theirs.gaussian_kde(d).logpdf(1.5).sum())(D1)
    np.testing.assert_allclose(slope, believed, rtol=2e-5)
    assert [x.shape for x in sf.tree.leaves(kde)] == [(), (1, 4), (4,), (1, 1), (1, 1)]


def test_rows_of_counts() -> None:
    """JAX adds up the counts of all rows; SciPy, and we, of each."""
    counts, p = np.array([[1, 2, 3], [0, 0, 6]]), np.float32([0.2, 0.3, 0.5])
    expected = scipy.stats.multinomial.logpmf(counts, 6, p)
    np.testing.assert_allclose(ours.multinomial.logpmf(counts, 6, p), expected, rtol=1e-5)


def test_refusals_say_what_to_write() -> None:
    for call in (
        lambda: ours.rankdata(TIES, "x"),
        lambda: ours.gaussian_kde(D2)(W[:3]),
        lambda: ours.dirichlet.logpdf(W[:1], ALPHA),
        lambda: ours.norm.pdf([1.0]),
        lambda: ours.norm.pdf(1j),
    ):
        with pytest.raises((TypeError, ValueError), match=r"scipy\.stats\.[\s\S]*\n"):
            call()
