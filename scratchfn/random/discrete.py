"""Discrete distributions: coins, categories, and choices from what is given.

Read next: `random/gamma.py`.
"""

from __future__ import annotations

import math
from math import prod
from typing import Any

import ml_dtypes
import numpy as np

import scratchfn.numpy as jnp
from scratchfn import errors, lax
from scratchfn.core import dtypes
from scratchfn.core.array import as_value
from scratchfn.core.trace import Tracer
from scratchfn.numpy.promotion import lead, operand, promote_dtypes_inexact
from scratchfn.random.arguments import as_dtype, fitting, fitting_shape, parameter, placeable
from scratchfn.random.bits import randint, random_bits, unit_floats
from scratchfn.random.functions import log, log1p
from scratchfn.random.keys import Shape, as_shape, key_words, split_in
from scratchfn.random.samplers import gumbel_floats

# -- coins ----------------------------------------------------------------------------------------


@placeable
def bernoulli(key: Any, p: Any = 0.5, shape: Any = None, mode: str = "low") -> Any:
    """True with probability p.

    Args:
      p: a float, or an array of them that broadcasts to `shape`.
      shape: of the result; None means that of p.
      mode: "high" draws twice the bits, for probabilities near the resolution of p's dtype.

    Returns:
      bool[*shape]

    Raises:
      TypeError: p is no float.
    """
    if mode not in ("high", "low"):
        why = "it says how many bits are drawn"
        text = errors.explain("random.bernoulli", f"mode={mode!r}", why, 'mode="low" or "high"')
        raise ValueError(text)
    words = key_words("bernoulli", key)
    p = as_value(p)
    if dtypes.kind(p.dtype) != "f":
        why = "a probability is a float from 0 to 1"
        text = errors.explain("random.bernoulli", f"p of type {p.aval}", why, "p=p.astype(float)")
        raise TypeError(text)
    shape = fitting_shape("bernoulli", shape, p)
    p = parameter(p, p.dtype, len(shape))
    if mode == "low":
        return unit_floats(words, shape, p.dtype) < p
    coarse, fine = unit_floats(words, (2, *shape), p.dtype)
    return fine * np.array(2.0 ** -ml_dtypes.finfo(p.dtype).nmant, p.dtype) < p - coarse


@placeable
def rademacher(key: Any, shape: Any = (), dtype: Any = None) -> Any:
    """-1 or 1, with equal chances.

    Args:
      dtype: any dtype of numbers; by default the widest enabled integer.
    """
    words = key_words("rademacher", key)
    dtype = as_dtype("rademacher", dtype, "iufcb", int)
    return rademacher_signs(words, as_shape("rademacher", shape), dtype)


def rademacher_signs(words: Any, shape: Shape, dtype: Any) -> Any:
    """2 [u < 1/2] - 1"""
    heads = unit_floats(words, shape, dtypes.default_dtype("f")) < 0.5
    return (2 * heads.astype(dtype) - 1).astype(dtype)


@placeable
def geometric(key: Any, p: Any, shape: Any = None, dtype: Any = None) -> Any:
    """How many throws of a coin until it first shows heads, which it does with probability p.

    P(k) = p (1 - p)^(k - 1) for k = 1, 2, ...

    Args:
      p: a float, or an array of them that broadcasts to `shape`.
      dtype: an integer dtype; by default the widest enabled.
    """
    words = key_words("geometric", key)
    dtype = as_dtype("geometric", dtype, "iu", int)
    shape = fitting_shape("geometric", shape, operand("geometric", p))
    (p,) = promote_dtypes_inexact(p)
    u = unit_floats(words, shape, p.dtype)
    u = jnp.where(u == 0, 1, u)  # whose logarithm is finite
    return (jnp.floor(log(u) / log1p(-p)) + 1).astype(dtype)


# -- categories -----------------------------------------------------------------------------------


@placeable
def categorical(
    key: Any,
    logits: Any,
    axis: int = -1,
    shape: Any = None,
    replace: bool = True,
    mode: str | None = None,
) -> Any:
    """Categories, with probabilities proportional to exp(logits).

    The category with the largest logit + Gumbel noise has just these probabilities; the k with the
    largest are k of them without replacement (Vieira, "Gumbel-max trick and weighted reservoir
    sampling", 2014).

    Args:
      logits: float[...], unnormalised log probabilities; -inf for what never comes.
      axis: along which the categories lie.
      shape: of the result. It ends in the shape of logits without that axis, or one to which that
        broadcasts; what comes before counts samples. None means one sample.
      replace: False draws samples that differ from each other.
      mode: of `gumbel`.

    Returns:
      int32[*shape], indices into `axis`
    """
    words = key_words("categorical", key)
    logits = operand("categorical", logits, 1)
    if not -logits.ndim <= axis < logits.ndim:
        why = f"the categories lie along one of its {logits.ndim} axes"
        found = f"logits of type {logits.aval}"
        raise IndexError(errors.explain(f"random.categorical(axis={axis})", found, why, "axis=-1"))
    require_float("categorical", "logits", logits)
    axis %= logits.ndim
    batch = logits.shape[:axis] + logits.shape[axis + 1 :]
    shape = (
        batch if shape is None else fitting("categorical", as_shape("categorical", shape), [batch])
    )
    samples = shape[: len(shape) - len(batch)]
    if not replace:
        return _categories_that_differ(words, logits, axis, shape, samples, mode)
    rows = list(shape[len(samples) :])
    rows.insert(axis, logits.shape[axis])
    noise = gumbel_floats(words, (*samples, *rows), logits.dtype, mode)
    return jnp.argmax(noise + lead(logits, noise.ndim), axis=axis + len(samples))


def _categories_that_differ(
    words: Any, logits: Any, axis: int, shape: Shape, samples: Shape, mode: str | None
) -> Any:
    count, categories = prod(samples), logits.shape[axis]
    if count > categories:
        why = f"there are {categories} categories"
        found = f"shape={shape}, {count} samples without replacement"
        raise ValueError(errors.explain("random.categorical", found, why, "replace=True"))
    noise = gumbel_floats(words, logits.shape, logits.dtype, mode)
    _, chosen = lax.top_k(jnp.moveaxis(logits + noise, axis, -1), count)  # [*batch, count]
    return jnp.reshape(jnp.moveaxis(chosen, -1, 0), shape)


def require_float(name: str, what: str, x: Any) -> None:
    """Raises ValueError unless `x` is of floats."""
    if dtypes.kind(x.dtype) != "f":
        why = "noise of its dtype is added to it, so it must be a float"
        text = errors.explain(f"random.{name}", f"{what} of type {x.aval}", why, "x.astype(float)")
        raise ValueError(text)


# -- choices --------------------------------------------------------------------------------------


@placeable
def permutation(key: Any, x: Any, axis: int = 0, independent: bool = False) -> Any:
    """`x` in random order.

    Args:
      x: an array, or an integer n for the numbers from 0 to n - 1.
      axis: along which its slices change places.
      independent: each vector along the axis gets an order of its own.

    Raises:
      TypeError: x is a number that is no integer.
    """
    words = key_words("permutation", key)
    x = operand("permutation", x, 1)
    axis = _axis("permutation", axis, x)
    if x.ndim == 0:
        return shuffled(words, jnp.arange(_size("permutation", x)), 0)
    if independent or x.ndim == 1:
        return shuffled(words, x, axis)
    order = shuffled(words, jnp.arange(x.shape[axis]), 0)
    return jnp.take(x, order, axis)


def shuffled(words: Any, x: Any, axis: int) -> Any:
    """`x` sorted by random words along the axis, again and again.

    32 bits make ties, whose elements keep their order; so many rounds are done that for n elements
    there are n^3 different strings of words, and two equal strings are unlikely.
    """
    rounds = math.ceil(3 * math.log(max(1, x.size)) / math.log(2**32 - 1))
    for _ in range(rounds):
        words, part = split_in(words, 2)
        _, x = lax.sort_key_val(random_bits(part, 32, x.shape), x, axis)
    return x


def choice(
    key: Any,
    a: Any,
    shape: Any = (),
    replace: bool = True,
    p: Any = None,
    axis: int = 0,
    mode: str | None = None,
) -> Any:
    """Elements of an array, drawn at random.

    Args:
      a: an array, or an integer n for the numbers from 0 to n - 1.
      shape: a tuple, how many are drawn.
      replace: False draws each element of `a` once at most.
      p: float[n], the probability of each; None for equal ones.
      axis: of which slices are drawn.
      mode: of `gumbel`, which is used without replacement and with p.

    Returns:
      `a` with `axis` replaced by `shape`

    Raises:
      TypeError: shape is no tuple.
      ValueError: there is nothing to draw from, or too little; or p is of another shape.
    """
    words = key_words("choice", key)
    a = operand("choice", a, 1)
    shape = _many("choice", shape)
    axis = _axis("choice", axis, a) if a.ndim else 0
    n = a.shape[axis] if a.ndim else _size("choice", a, whole=False)
    drawn = prod(shape)
    if drawn == 0:
        return jnp.zeros(shape, a.dtype)
    if n <= 0 or (drawn > n and not replace):
        why = f"only {max(n, 0)} are there" + (
            "" if replace else ", and each is drawn once at most"
        )
        write = "replace=True" if n > 0 else "shape=(0,)"
        raise ValueError(
            errors.explain("random.choice", f"shape={shape}, {drawn} draws", why, write)
        )
    if p is None and not replace:
        order = permutation(words, a if a.ndim else n, axis)
        chosen = lax.slice_in_dim(order, 0, drawn, axis=axis)
    else:
        indices = _choose(words, n, shape, replace, p, mode)
        chosen = jnp.take(a, indices, axis) if a.ndim else indices
    return chosen.reshape(a.shape[:axis] + shape + a.shape[axis + 1 :] if a.ndim else shape)


def _choose(words: Any, n: int, shape: Shape, replace: bool, p: Any, mode: str | None) -> Any:
    """Indices below n, with replacement or with probabilities or with both."""
    if p is None:
        return randint(words, shape, 0, n)
    operand("choice", p, 4)
    (p,) = promote_dtypes_inexact(p)
    if p.shape != (n,):
        why = f"each of the {n} to draw from has a probability"
        raise ValueError(
            errors.explain("random.choice", f"p of type {p.aval}", why, f"p of f32[{n}]")
        )
    if replace:  # by inversion of the cumulative sum, which need not end in 1
        sums = jnp.cumsum(p)
        u = sums[-1] * (1 - unit_floats(words, shape, p.dtype))
        return jnp.searchsorted(sums, u).astype(int)
    noise = gumbel_floats(words, (n,), p.dtype, mode)
    return lax.top_k(noise + log(p), prod(shape))[1].astype(int)


def _many(name: str, shape: Any) -> Shape:
    if isinstance(shape, (tuple, list)):
        return as_shape(name, shape)
    why = "here a shape is a tuple, also of one axis"
    raise TypeError(errors.explain(f"random.{name}", f"shape={shape!r}", why, "shape=(3,)"))


def _axis(name: str, axis: int, x: Any) -> int:
    ndim = x.ndim or 1  # a number stands for a range
    if -ndim <= axis < ndim:
        return axis % ndim
    why = f"it has {ndim} axes"
    text = errors.explain(f"random.{name}", f"axis={axis} of {x.aval}", why, "axis=0")
    raise ValueError(text)


def _size(name: str, x: Any, whole: bool = True) -> int:
    """A number that stands for as many numbers; it must be known."""
    if whole and dtypes.kind(x.dtype) not in "iu":
        why = "it is the length of a range, so it must be an integer"
        text = errors.explain(f"random.{name}", f"x of type {x.aval}", why, "x.astype(int)")
        raise TypeError(text)
    if isinstance(x, Tracer):
        write = f"jit(f, static_argnums=...), so that random.{name} is given a Python integer"
        return int(
            x.need(errors.ConcretizationTypeError, f"random.{name} of a traced length", write)
        )
    return int(x)
