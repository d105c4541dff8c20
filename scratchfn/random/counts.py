"""Counts of events: Poisson's distribution, the binomial and the multinomial.

Few expected events are counted one by one. Where there are many, the count is drawn from a curve
that lies above the distribution, and kept or drawn again: Hörmann's transformed rejection, "The
transformed rejection method for generating Poisson random variables", 1993, algorithm PTRS, and
"The generation of binomial random variates", 1993, algorithm BTRS. The letters are those of the
papers. Both ways are computed for the whole sample, and each number takes its own.

Read next: `random/vectors.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import scratchfn.numpy as jnp
from scratchfn import errors, lax
from scratchfn.core import dtypes
from scratchfn.numpy.promotion import promote_dtypes_inexact
from scratchfn.random.arguments import (
    as_dtype,
    fitting_shape,
    float_dtype,
    parameter,
    placeable,
    spread,
)
from scratchfn.random.bits import unit_floats
from scratchfn.random.functions import log, log1p, log_factorial
from scratchfn.random.fused import multiply_add
from scratchfn.random.keys import Shape, key_words, split_in, split_words
from scratchfn.transforms.control import scan, while_loop

FEW = 10  # expected events, up to which they are counted one by one

# -- Poisson --------------------------------------------------------------------------------------


@placeable
def poisson(key: Any, lam: Any, shape: Any = None, dtype: Any = None) -> Any:
    """f(k) = lam^k exp(-lam) / k! for k = 0, 1, 2, ...

    Args:
      lam: the mean, numbers that broadcast to `shape`.
      dtype: an integer dtype, by default the widest enabled.

    Returns:
      int[*shape]
    """
    words = key_words("poisson", key)
    dtype = as_dtype("poisson", dtype, "iu", int)
    shape = fitting_shape("poisson", shape, lam)
    lam = spread(parameter(lam, dtypes.float32, len(shape)), shape)
    few = lam < FEW
    counted = _poisson_counted(words, jnp.where(few, lam, 0), shape, dtype)
    rejected = _poisson_rejection(words, jnp.where(few, 1e5, lam), shape)
    # lam = 0 has no logarithm to count down from
    drawn = jnp.where(few, counted, lax.convert_element_type(rejected, dtype))
    return jnp.where(lam == 0, 0, drawn).astype(dtype)


def _poisson_counted(words: Any, lam: Any, shape: Shape, dtype: Any) -> Any:
    """Knuth's algorithm: how many uniform numbers it takes until their product is below exp(-lam);
    in logarithms."""

    def step(state: Any) -> Any:
        i, k, words, log_product = state
        words, part = split_in(words, 2)
        k = jnp.where(log_product > -lam, k + 1, k)
        return i + 1, k, words, log_product + log(unit_floats(part, shape, dtypes.float32))

    start = (0, jnp.full(shape, -1, dtype), words, jnp.zeros(shape, dtypes.float32))
    most = np.iinfo(dtype).max
    return while_loop(lambda s: jnp.any(s[3] > -lam) & (s[0] < most), step, start)[1]


def _poisson_rejection(words: Any, lam: Any, shape: Shape) -> Any:
    """PTRS, for lam >= 10."""
    log_lam, root = log(lam), jnp.sqrt(lam)
    b = _line(root, 2.53, 0.931)
    a = _line(b, 0.02483, -0.059)
    inv_alpha = 1.1239 + 1.1328 / _line(root, 2.53, 0.931 - 3.4)  # b - 3.4
    v_r = 0.9277 - 3.6224 / _line(root, 2.53, 0.931 - 2)  # b - 2

    def attempt(words_u: Any, words_v: Any) -> tuple[Any, Any]:
        u = unit_floats(words_u, shape, lam.dtype) - 0.5
        v = unit_floats(words_v, shape, lam.dtype)
        us = 0.5 - jnp.abs(u)
        k = jnp.floor(multiply_add(2 * a / us + b, u, lam) + 0.43)
        s = log(v * inv_alpha / (a / (us * us) + b))
        t = multiply_add(k, log_lam, -lam) - log_factorial(k)
        quick = (us >= 0.07) & (v <= v_r)
        refused = (k < 0) | ((us < 0.013) & (v > us))
        return k, quick | (~refused & (s <= t))

    return _first_accepted(attempt, words, jnp.full_like(lam, -1))


def _line(x: Any, slope: float, start: float) -> Any:
    """slope x + start"""
    return multiply_add(x, *(np.array(c, x.dtype) for c in (slope, start)))


def _first_accepted(attempt: Callable[[Any, Any], tuple[Any, Any]], words: Any, start: Any) -> Any:
    """What `attempt`, which draws numbers and says which of them it accepts, gives where it does
    for the last time before all have been accepted."""

    def step(state: Any) -> Any:
        k, accepted, words = state
        words, words_u, words_v = split_in(words, 3)
        drawn, accept = attempt(words_u, words_v)
        return jnp.where(accept, drawn, k), accepted | accept, words

    state = (start, jnp.zeros(start.shape, bool), words)
    return while_loop(lambda s: jnp.any(~s[1]), step, state)[0]


# -- binomial -------------------------------------------------------------------------------------


def binomial(key: Any, n: Any, p: Any, shape: Any = None, dtype: Any = None) -> Any:
    """f(k) = (n over k) p^k (1 - p)^(n - k) for k = 0, ..., n

    Args:
      n: how many trials, numbers that broadcast to `shape`; the part after the point is dropped.
      p: the probability of success in each, likewise. Where it is none, or n is negative, the
        result is nan; where n is infinite, it is so too.
      dtype: a float dtype, by default the widest enabled.

    Returns:
      float[*shape]
    """
    words, dtype = key_words("binomial", key), float_dtype("binomial", dtype)
    shape = fitting_shape("binomial", shape, n, p)
    (p,) = promote_dtypes_inexact(p)  # in whose dtype it is drawn
    n, p = (spread(parameter(x, p.dtype, len(shape)), shape) for x in (n, p))
    return binomial_floats(words, n, p).astype(dtype)


def binomial_floats(words: Any, n: Any, p: Any) -> Any:
    """`binomial` for n and p of the dtype and shape of the result. By symmetry q = min(p, 1 - p) is
    the probability that is drawn with."""
    less_than_half = p < 0.5
    q = jnp.where(less_than_half, p, 1 - p)
    bad_n, bad_q, infinite = jnp.isnan(n) | (n < 0), jnp.isnan(q) | (q < 0), jnp.isinf(n)
    q = jnp.where(bad_q, 0.01, jnp.abs(q))  # -0.0 would make the times below endless
    few = bad_n | (n * q <= FEW)
    n = jnp.floor(n)
    counted = _binomial_counted(words, jnp.where(few, n, 0), q)
    rejected = _binomial_rejection(words, jnp.where(few, 1e4, n), jnp.where(few, 0.5, q))
    k = jnp.where(few, counted, rejected)
    k = jnp.where(bad_q | bad_n, np.nan, k)
    k = jnp.where(infinite & ~(bad_q | bad_n), np.inf, k)
    return jnp.where(less_than_half | bad_n | bad_q | infinite, k, n - k)


def _binomial_counted(words: Any, n: Any, q: Any) -> Any:
    """The trials from one success to the next have the geometric distribution; how many such times
    fit into n?"""
    log_failure = log1p(-q)

    def step(state: Any) -> Any:
        k, trials, words = state
        part, words = split_in(words, 2)
        k = jnp.where(trials <= n, k + 1, k)
        u = unit_floats(part, n.shape, q.dtype)
        return k, trials + jnp.ceil(log(u) / log_failure), words

    start = (jnp.zeros_like(n), jnp.zeros_like(n), words)
    return while_loop(lambda s: jnp.any(s[1] <= n), step, start)[0] - 1


def _binomial_rejection(words: Any, n: Any, p: Any) -> Any:
    """BTRS, for n p >= 10 and p <= 1/2."""
    spq = jnp.sqrt(n * p * (1 - p))
    b = _line(spq, 2.53, 1.15)
    a = multiply_add(p, np.array(0.01, p.dtype), _line(b, 0.0248, -0.0873))
    c = multiply_add(n, p, np.array(0.5, p.dtype))
    v_r = 0.92 - 4.2 / b
    r = p / (1 - p)
    alpha = (2.83 + 5.1 / b) * spq
    m = jnp.floor((n + 1) * p)
    at_m = (m + 0.5) * log((m + 1) / (r * (n - m + 1)))
    error_at_m, error_beyond_m = _stirling_error(m), _stirling_error(n - m)

    def attempt(words_u: Any, words_v: Any) -> tuple[Any, Any]:
        u = unit_floats(words_u, n.shape, n.dtype) - 0.5
        v = unit_floats(words_v, n.shape, n.dtype)
        us = 0.5 - jnp.abs(u)
        k = jnp.floor(multiply_add(2 * a / us + b, u, c))
        quick = (us >= 0.07) & (v <= v_r)
        bound = multiply_add(n + 1, log((n - m + 1) / (n - k + 1)), at_m)
        bound = multiply_add(k + 0.5, log(r * (n - k + 1) / (k + 1)), bound)
        bound = bound + error_at_m + error_beyond_m - _stirling_error(k) - _stirling_error(n - k)
        fits = log(v * alpha / (a / (us * us) + b)) <= bound
        return k, quick | (~((k < 0) | (k > n)) & fits)

    return _first_accepted(attempt, words, jnp.full_like(n, -1))


# log k! - (k + 1/2) log(k + 1) + (k + 1) - log(2 pi) / 2 for k = 0, ..., 9
_STIRLING_ERRORS = np.array([
    0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.0207906721037650,
    0.0166446911898211, 0.0138761288230707, 0.0118967099458917, 0.0104112652619720,
    0.00925546218271273, 0.00833056343336287,
])  # fmt: skip


def _stirling_error(k: Any) -> Any:
    """What Stirling's formula for log k! lacks: from the table, and beyond it, as JAX has it, the
    series for k = 9: too much by less than 0.0084."""
    table = jnp.asarray(_STIRLING_ERRORS, k.dtype)
    k9 = jnp.clip(k, 0, 9)
    k1 = (k9 + 1) * (k9 + 1)
    series = (1 / 12 - (1 / 360 - 1 / 1260 / k1) / k1) / (k9 + 1)
    return jnp.where(k <= 9, table[k9.astype("int32")], series)


# -- multinomial ----------------------------------------------------------------------------------


def multinomial(
    key: Any, n: Any, p: Any, *, shape: Any = None, dtype: Any = None, unroll: int | bool = 1
) -> Any:
    """How often each of the outcomes occurs in n trials: one after the other, each is binomial in
    the trials that the earlier ones have left.

    Args:
      n: float[*batch], how many trials.
      p: float[*batch, outcomes], the probabilities.
      shape: of the result, with the outcomes as its last axis.
      dtype: of the result, by default the widest float enabled.
      unroll: as `lax.scan`'s.

    Returns:
      float[*shape], or of `dtype`
    """
    words = key_words("multinomial", key)
    n, p = promote_dtypes_inexact(n, p)
    if not p.ndim:
        why = "each outcome has a probability"
        write = "random.binomial(key, n, p) for two outcomes"
        found = f"p of type {p.aval}"
        raise ValueError(errors.explain("random.multinomial", found, why, write))
    dtype = as_dtype("multinomial", dtype, "iufcb", float)
    shape = fitting_shape("multinomial", shape, n[..., None], p)
    n, p = jnp.broadcast_to(n, shape[:-1]), jnp.broadcast_to(p, shape)
    left = lax.cumsum(p, axis=p.ndim - 1, reverse=True)
    # of what is left to it and the later ones, how much is an outcome's own?
    own = jnp.moveaxis(p / jnp.where(left == 0, 1, left), -1, 0)

    def step(trials: Any, outcome: Any) -> tuple[Any, Any]:
        share, part = outcome
        count = binomial_floats(part, trials, jnp.clip(share, 0, 1))
        return trials - count, count

    parts = split_words(words, own.shape[:1])
    _, counts = scan(step, n, (own, parts), unroll=unroll)
    return jnp.moveaxis(counts, 0, -1).astype(dtype)
