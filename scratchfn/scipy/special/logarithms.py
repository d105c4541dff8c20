"""Logarithms with their limits: x log y at 0, odds, entropies, powers that become logarithms.

The limits are conventions of their users: 0 log 0 = 0 in an entropy, for instance. Which slope a
function has at its limit is JAX's choice.

Read next: `scipy/special/gamma.py`.
"""

from __future__ import annotations

import math
from typing import Any

import scratchfn.numpy as jnp
from scratchfn import lax
from scratchfn.numpy import softmax as along_axis
from scratchfn.numpy.softmax import logsumexp as logsumexp
from scratchfn.scipy.special.arguments import floats, reals
from scratchfn.transforms.custom_jvp import custom_jvp

Axes = along_axis.Axes

# -- sums of exponentials -------------------------------------------------------------------------


def softmax(x: Any, /, *, axis: Axes = None) -> Any:
    """exp(x) / Σ exp(x) along `axis`, or of all elements together."""
    return along_axis.softmax(x, axis)


def log_softmax(x: Any, /, *, axis: Axes = None) -> Any:
    """log softmax(x) along `axis`, or of all elements together."""
    return along_axis.log_softmax(x, axis)


# -- odds -----------------------------------------------------------------------------------------


def expit(x: Any) -> Any:
    """1 / (1 + exp(-x)), the probability whose log odds are x."""
    return lax.logistic(*floats("scipy.special.expit", x))


def logit(x: Any) -> Any:
    """log(x / (1 - x)), the log odds of the probability x; nan outside [0, 1]."""
    return _logit(*floats("scipy.special.logit", x))


@custom_jvp
def _logit(x: Any) -> Any:
    return jnp.log(x / (1 - x))


_logit.defjvps(lambda dx, ans, x: dx / (x * (1 - x)))

# -- x log y --------------------------------------------------------------------------------------


def xlogy(x: Any, y: Any) -> Any:
    """x log y, and 0 where x = 0 unless y is nan."""
    return _xlogy(*floats("scipy.special.xlogy", x, y))


@custom_jvp
def _xlogy(x: Any, y: Any) -> Any:
    return jnp.where(x == 0, jnp.where(jnp.isnan(y), math.nan, 0.0), x * jnp.log(y))


_xlogy.defjvps(lambda dx, ans, x, y: dx * jnp.log(y), lambda dy, ans, x, y: dy * (x / y))


def xlog1py(x: Any, y: Any) -> Any:
    """x log(1 + y), exact for small y, and 0 where x = 0 unless y is nan."""
    return _xlog1py(*floats("scipy.special.xlog1py", x, y))


@custom_jvp
def _xlog1py(x: Any, y: Any) -> Any:
    return jnp.where(x == 0, jnp.where(jnp.isnan(y), math.nan, 0.0), x * jnp.log1p(y))


_xlog1py.defjvps(lambda dx, ans, x, y: dx * jnp.log1p(y), lambda dy, ans, x, y: dy * (x / (1 + y)))

# -- entropies ------------------------------------------------------------------------------------


def entr(x: Any) -> Any:
    """-x log x, what the probability x adds to an entropy: 0 at 0, -inf below."""
    return _entr(*reals("scipy.special.entr", x))


@custom_jvp
def _entr(x: Any) -> Any:
    return jnp.where(x < 0, -math.inf, -_xlogy(x, x))


_entr.defjvps(lambda dx, ans, x: dx * (-1 - jnp.log(x)))


def rel_entr(p: Any, q: Any) -> Any:
    """p log(p / q), what p adds to an entropy relative to q: 0 at p = 0, q >= 0, and inf where
    either is negative or q alone is 0."""
    p, q = reals("scipy.special.rel_entr", p, q)
    inside = (p > 0) & (q > 0)
    p_, q_ = jnp.where(inside, p, 1.0), jnp.where(inside, q, 1.0)
    outside = jnp.where((p == 0) & (q >= 0), 0.0, math.inf)
    return jnp.where(inside, p_ * (jnp.log(p_) - jnp.log(q_)), outside)


def kl_div(p: Any, q: Any) -> Any:
    """p log(p / q) - p + q, never negative where it is finite."""
    p, q = reals("scipy.special.kl_div", p, q)
    return rel_entr(p, q) - p + q


# -- powers that become logarithms ----------------------------------------------------------------


def boxcox(x: Any, lmbda: Any) -> Any:
    """(x^λ - 1) / λ, and log x where λ = 0 (Box & Cox, 1964)."""
    x, lmbda = floats("scipy.special.boxcox", x, lmbda)
    return _power(jnp.log(x), lmbda)


def boxcox1p(x: Any, lmbda: Any) -> Any:
    """boxcox(1 + x, λ), exact for small x."""
    x, lmbda = floats("scipy.special.boxcox1p", x, lmbda)
    return _power(jnp.log1p(x), lmbda)


def _power(log_x: Any, lmbda: Any) -> Any:
    """(exp(λ log x) - 1) / λ."""
    nonzero = jnp.where(lmbda == 0, 1.0, lmbda)
    return jnp.where(lmbda == 0, log_x, jnp.expm1(nonzero * log_x) / nonzero)
