"""A density from samples of it: the mean of normal densities around each (Scott, 1992).

    p(x) = Σ_i w_i N(x; x_i, h² Σ)        Σ the samples' covariance, h the bandwidth

Read next: `scipy/optimize/__init__.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import scratchfn.numpy as jnp
from scratchfn import errors, random
from scratchfn.core import dtypes
from scratchfn.numpy import linalg
from scratchfn.numpy.promotion import inexact, operand
from scratchfn.numpy.softmax import logsumexp
from scratchfn.scipy.special.normal import distribution
from scratchfn.scipy.stats import multivariate_normal
from scratchfn.tree_util import register_pytree_node_class

_NAME = "scipy.stats.gaussian_kde"


@register_pytree_node_class
@dataclass(frozen=True, init=False)
class gaussian_kde:
    """The density estimated from n samples of d numbers.

    Args:
      dataset: f32[d, n] or f32[n].
      bw_method: the bandwidth: "scott" (the default) for n^(-1/(d + 4)), "silverman" for
        (n (d + 2) / 4)^(-1/(d + 4)), a number, or a function of the estimate, which has `neff`,
        `n` and `d` by then.
      weights: of the samples, f32[n]; all equal if None.

    Attributes:
      neff: the effective number of samples, (Σ w)² / Σ w².
      dataset, weights: f32[d, n], and f32[n] of sum 1.
      covariance, inv_cov: h² Σ, and its inverse, f32[d, d].
    """

    neff: Any
    dataset: Any
    weights: Any
    covariance: Any
    inv_cov: Any

    def __init__(self, dataset: Any, bw_method: Any = None, weights: Any = None):
        dataset = jnp.atleast_2d(inexact(_NAME, operand(_NAME, dataset)))
        _check_dataset(dataset)
        n = dataset.shape[1]
        if weights is None:
            weights = jnp.full(n, 1 / n, dataset.dtype)
        else:
            weights = inexact(_NAME, operand(_NAME, weights, 2))
            _check_weights(weights, n)
            weights = weights / jnp.sum(weights)
        self._set(dataset=dataset, weights=weights, neff=1 / jnp.sum(weights**2))
        covariance = jnp.atleast_2d(jnp.cov(dataset, bias=False, aweights=weights))
        scale = _bandwidth(self, bw_method) ** 2
        self._set(covariance=covariance * scale, inv_cov=linalg.inv(covariance) / scale)

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def tree_flatten(self) -> tuple[tuple[Any, ...], None]:
        return (self.neff, self.dataset, self.weights, self.covariance, self.inv_cov), None

    @classmethod
    def tree_unflatten(cls, aux_data: None, children: Any) -> gaussian_kde:
        kde = cls.__new__(cls)
        names = ("neff", "dataset", "weights", "covariance", "inv_cov")
        kde._set(**dict(zip(names, children, strict=True)))
        return kde

    @property
    def d(self) -> int:
        return int(self.dataset.shape[0])

    @property
    def n(self) -> int:
        return int(self.dataset.shape[1])

    def evaluate(self, points: Any) -> Any:
        """The density at points f32[d, m], f32[m] if d is 1, or one point f32[d]."""
        return jnp.exp(self.logpdf(points))

    __call__ = pdf = evaluate

    def logpdf(self, x: Any) -> Any:
        """The logarithm of the density at points, as in `evaluate`."""
        x = operand(_NAME, x)
        points = jnp.atleast_2d(x)  # [d, m]
        if self.d > 1 and x.ndim == 1 and x.shape[0] == self.d:
            points = x[:, None]
        if points.shape[0] != self.d:
            found = f"points of type {points.aval}, a density in {self.d} dimensions"
            _refuse("evaluate(points)", found, "each point is a column", "points.T")
        return logsumexp(self._log_kernels(points, self.covariance), 1, b=self.weights)

    def _log_kernels(self, points: Any, covariance: Any) -> Any:
        """log N(point; x_i, covariance) for points [d, m] and each sample: f32[m, n]."""
        apart = points.T[:, None] - self.dataset.T  # [m, n, d]
        mean = jnp.zeros(self.d, apart.dtype)
        return multivariate_normal.logpdf(apart, mean, covariance)

    def integrate_gaussian(self, mean: Any, cov: Any) -> Any:
        """The integral of the density times that of N(mean, cov), f32[d] and f32[d, d]."""
        mean, cov = jnp.atleast_1d(jnp.squeeze(mean)), jnp.atleast_2d(cov)
        if mean.shape != (self.d,) or cov.shape != (self.d, self.d):
            found = f"mean of type {mean.aval}, cov of type {cov.aval}"
            why = f"the density is one in {self.d} dimensions"
            _refuse("integrate_gaussian(mean, cov)", found, why, "mean of [d], cov of [d, d]")
        logs = self._log_kernels(mean[:, None], self.covariance + cov)[0]
        return jnp.sum(self.weights * jnp.exp(logs))

    def integrate_box_1d(self, low: Any, high: Any) -> Any:
        """The probability of the interval from `low` to `high`, for d = 1."""
        asked, low, high = "integrate_box_1d(low, high)", jnp.asarray(low), jnp.asarray(high)
        if self.d != 1:
            _refuse(asked, f"d = {self.d}", "an interval is of numbers", "marginals of the dataset")
        if low.ndim or high.ndim:
            found = f"bounds of types {low.aval} and {high.aval}"
            _refuse(asked, found, "a bound is one number", "vmap for several")
        deviation, samples = jnp.sqrt(self.covariance[0, 0]), self.dataset[0]
        upper, lower = ((bound - samples) / deviation for bound in (high, low))
        return jnp.sum(self.weights * (distribution(upper) - distribution(lower)))

    def integrate_kde(self, other: gaussian_kde) -> Any:
        """The integral of the product of two such densities."""
        if other.d != self.d:
            found = f"densities in {self.d} and {other.d} dimensions"
            _refuse("integrate_kde(other)", found, "a product needs the same numbers", "equal d")
        logs = self._log_kernels(other.dataset, self.covariance + other.covariance)  # [m, n]
        return jnp.sum(other.weights[:, None] * self.weights * jnp.exp(logs))

    def resample(self, key: Any, shape: tuple[int, ...] = ()) -> Any:
        """Samples of the density, f32[d, *shape]."""
        which, moves = random.split(key)
        chosen = random.choice(which, self.n, shape=shape, p=self.weights)
        zero = jnp.zeros(self.d, self.covariance.dtype)
        step = random.multivariate_normal(moves, zero, self.covariance, shape, self.dataset.dtype)
        return self.dataset[:, chosen] + jnp.moveaxis(step, -1, 0)

    def integrate_box(self, low_bounds: Any, high_bounds: Any, maxpts: Any = None) -> NoReturn:
        """Not available, as in JAX."""
        why, write = "a box's probability has no closed form in JAX's terms", "integrate_box_1d"
        found = f"a density in {self.d} dimensions"
        _refuse("integrate_box", found, why, write, NotImplementedError)

    def set_bandwidth(self, bw_method: Any = None) -> NoReturn:
        """Not available: an estimate does not change."""
        why, write = "values are immutable", "gaussian_kde(dataset, bw_method)"
        _refuse("set_bandwidth", f"{bw_method!r}", why, write, NotImplementedError)


def _check_dataset(dataset: Any) -> None:
    if dtypes.kind(dataset.dtype) == "c":
        found, why = f"a dataset of type {dataset.aval}", "a density of real numbers is estimated"
        write = "jnp.stack([x.real, x.imag])"
        _refuse("gaussian_kde(dataset)", found, why, write, NotImplementedError)
    if dataset.ndim != 2 or dataset.size < 2:
        why = "it holds samples in columns, more than one"
        _refuse("gaussian_kde(dataset)", f"a dataset of type {dataset.aval}", why, "f32[d, n]")


def _check_weights(weights: Any, n: int) -> None:
    if weights.shape != (n,):
        found, why = f"weights of type {weights.aval}", f"each of the {n} samples has one weight"
        _refuse("gaussian_kde(dataset, weights=...)", found, why, f"weights of shape ({n},)")


def _bandwidth(kde: gaussian_kde, method: Any) -> Any:
    n, d = kde.neff, kde.d
    if method is None or (isinstance(method, str) and method == "scott"):
        return n ** (-1 / (d + 4))
    if isinstance(method, str) and method == "silverman":
        return (n * (d + 2) / 4) ** (-1 / (d + 4))
    if callable(method):
        return method(kde)
    if not isinstance(method, str) and jnp.ndim(method) == 0:
        return method
    why, write = "the bandwidth is one number, or a rule for it", 'bw_method="scott"'
    return _refuse("gaussian_kde(dataset, bw_method)", f"bw_method={method!r}", why, write)


def _refuse(
    asked: str, found: str, why: str, write: str, error: type[Exception] = ValueError
) -> NoReturn:
    raise error(errors.explain(f"scipy.stats.{asked}", found, why, write))
