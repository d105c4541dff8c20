"""Continuous distributions, each as a transformation of uniform numbers.

Those on the whole line or half of it are made by inversion: if u is uniform on [0, 1) and F the
cumulative distribution, F^-1(u) has that distribution. In the formulas f is the density.

All take one key of either kind and give floats: of the shape asked for or, where there are
parameters and `shape` is None, of the shape that these broadcast to; of the dtype asked for or the
widest enabled. A dtype that is no float is a ValueError, as is a parameter that does not broadcast
to the shape; one of a wider dtype is a TypePromotionError where JAX has it so.

Read next: `random/discrete.py`.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

import scratchfn.numpy as jnp
from scratchfn import errors, lax
from scratchfn.core import dtypes
from scratchfn.numpy.promotion import promote_inexact
from scratchfn.random.arguments import (
    as_dtype,
    parameter,
    placeable,
    quotient,
    request,
    require_safe,
    spread,
)
from scratchfn.random.bits import random_bits, uniform_between, unit_floats
from scratchfn.random.functions import erf, exp, log, log1p, power, tan
from scratchfn.random.fused import multiply_add
from scratchfn.random.keys import Shape, as_shape, key_words, split_in

# -- normal ---------------------------------------------------------------------------------------


@placeable
def normal(key: Any, shape: Any = (), dtype: Any = None) -> Any:
    """The standard normal distribution; with independent parts of half the variance if complex.

    f(x) = exp(-x^2 / 2) / sqrt(2 pi)

    Returns:
      float[*shape] or complex[*shape]
    """
    words = key_words("normal", key)
    dtype = as_dtype("normal", dtype, "fc", float)
    shape = as_shape("normal", shape)
    if dtypes.kind(dtype) == "f":
        return normal_floats(words, shape, dtype)
    half = dtypes.to_floating_dtype(dtype)
    real, imag = (normal_floats(part, shape, half) for part in split_in(words, 2))
    return lax.complex(real, imag) / np.array(np.sqrt(2), dtype)


def normal_floats(words: Any, shape: Shape, dtype: Any) -> Any:
    """sqrt(2) erf_inv(u) for u in (-1, 1)."""
    return _root_2(dtype) * _erf_inv_floats(words, shape, dtype)


def _erf_inv_floats(words: Any, shape: Shape, dtype: Any) -> Any:
    above_minus_1 = np.nextafter(dtype.type(-1), dtype.type(0), dtype=dtype)
    return lax.erf_inv(uniform_between(words, shape, dtype, above_minus_1, np.ones((), dtype)))


def _root_2(dtype: Any) -> np.ndarray:
    return np.array(np.sqrt(2), dtype)


@placeable
def truncated_normal(key: Any, lower: Any, upper: Any, shape: Any = None, dtype: Any = None) -> Any:
    """The standard normal distribution between two bounds.

    f(x) ~ exp(-x^2 / 2) for lower < x < upper
    """
    words, shape, dtype = request("truncated_normal", key, shape, dtype, lower, upper)
    lower, upper = (parameter(x, dtype, len(shape)) for x in (lower, upper))
    root = _root_2(dtype)
    u = uniform_between(words, shape, dtype, *(erf(x * (1 / root)) for x in (lower, upper)))
    x = root * lax.erf_inv(u)
    # Rounding must not push a number onto or over the bounds.
    inf = np.array(np.inf, dtype)
    least = jnp.nextafter(lax.stop_gradient(lower), inf)
    return jnp.clip(x, least, jnp.nextafter(lax.stop_gradient(upper), -inf))


@placeable
def lognormal(key: Any, sigma: Any = 1.0, shape: Any = None, dtype: Any = None) -> Any:
    """exp(sigma z) for z normal.

    f(x) = exp(-(log x)^2 / (2 sigma^2)) / (x sigma sqrt(2 pi))
    """
    words, shape, dtype = request("lognormal", key, shape, dtype, sigma)
    require_safe("lognormal", dtype, sigma)
    sigma = parameter(sigma, dtype, len(shape))
    if sigma.shape == shape:
        return exp(normal_floats(words, shape, dtype) * sigma)
    # Of a product with two constants, XLA's programs multiply these first.
    return exp(_erf_inv_floats(words, shape, dtype) * (sigma * _root_2(dtype)))


# -- by inversion ---------------------------------------------------------------------------------


@placeable
def exponential(key: Any, shape: Any = (), dtype: Any = None) -> Any:
    """f(x) = exp(-x) for x >= 0"""
    return exponential_floats(*request("exponential", key, shape, dtype))


def exponential_floats(words: Any, shape: Shape, dtype: Any) -> Any:
    """-log(1 - u), since u may be 0 and is never 1."""
    return -log1p(-unit_floats(words, shape, dtype))


def positive_floats(words: Any, shape: Shape, dtype: Any) -> Any:
    """Uniform on (0, 1), so that the logarithm is finite: the least normal number in place of 0."""
    return jnp.maximum(
        unit_floats(words, shape, dtype), np.array(ml_dtypes.finfo(dtype).tiny, dtype)
    )


@placeable
def gumbel(key: Any, shape: Any = (), dtype: Any = None, mode: str | None = None) -> Any:
    """f(x) = exp(-x - exp(-x))

    Args:
      mode: "low" draws as many bits as the mantissa has, "high" twice as many, so that the tails
        reach further. "highest" spends all 64 bits on a float32. None means "low".
    """
    return gumbel_floats(*request("gumbel", key, shape, dtype), mode)


def gumbel_floats(words: Any, shape: Shape, dtype: Any, mode: str | None) -> Any:
    """-log(-log u)"""
    if mode not in (None, "low", "high", "highest"):
        why = "it says how many bits are drawn"
        text = errors.explain("random.gumbel", f"mode={mode!r}", why, 'mode="low" or mode="high"')
        raise ValueError(text)
    info = ml_dtypes.finfo(dtype)
    if mode == "highest" and dtype == dtypes.float32:
        return _gumbel_of_64_bits(words, shape)
    if mode in ("high", "highest"):
        high, low = unit_floats(words, (2, *shape), dtype)
        # In [0, 0.5) the second number's bits follow those of the first; above, there is no room.
        fine = high + np.array(2.0**-info.nmant, dtype) * low + np.array(info.tiny, dtype)
        return -log(-log1p(-jnp.where(high >= 0.5, high, fine)))
    return -log(-log(positive_floats(words, shape, dtype)))


def _gumbel_of_64_bits(words: Any, shape: Shape) -> Any:
    """-log(-log u) for u a fraction of 64 bits, which float32 holds to its full precision near 0,
    and so near 1 if 1 - u is held in its place."""
    high, low = random_bits(words, 32, (2, *shape))
    ones = np.uint32(0xFFFFFFFF)
    below_half = high < np.uint32(1 << 31)
    other_high = ~high + (~low == ones)  # the two's complement of (high, low)
    near = jnp.where(below_half, high, other_high.astype(jnp.uint32))
    x = _fraction(near, jnp.where(below_half, low, ~low + np.uint32(1)))
    return jnp.where(below_half, -log(-log1p(-x)), -log(-log(x)))


def _fraction(high: Any, low: Any) -> Any:
    """(high 2**32 + low) / 2**64 in float32, cut off after its 24 highest bits."""
    zeros_high, zeros_low = lax.clz(high), lax.clz(low)
    empty = zeros_high == np.uint32(32)
    tail = jnp.where(empty, low << zeros_low, low >> (np.uint32(32) - zeros_high))
    digits = (high << zeros_high) | tail
    zeros = jnp.where(empty, np.uint32(32) + zeros_low, zeros_high)
    mantissa = (digits >> np.uint32(8)) & np.uint32((1 << 23) - 1)
    exponent = ((np.uint32(126) - zeros) << np.uint32(23)) & np.uint32((1 << 30) - (1 << 22))
    return lax.bitcast_convert_type(exponent | mantissa, jnp.float32)


@placeable
def laplace(key: Any, shape: Any = (), dtype: Any = None) -> Any:
    """f(x) = exp(-|x|) / 2"""
    words, shape, dtype = request("laplace", key, shape, dtype)
    above_minus_1 = np.array(-1.0 + ml_dtypes.finfo(dtype).epsneg, dtype)
    u = uniform_between(words, shape, dtype, above_minus_1, 1.0)
    return jnp.sign(u) * log1p(-jnp.abs(u))


@placeable
def logistic(key: Any, shape: Any = (), dtype: Any = None) -> Any:
    """f(x) = exp(-x) / (1 + exp(-x))^2"""
    words, shape, dtype = request("logistic", key, shape, dtype)
    u = positive_floats(words, shape, dtype)
    return log(u) - log1p(-u)


@placeable
def cauchy(key: Any, shape: Any = (), dtype: Any = None) -> Any:
    """f(x) = 1 / (pi (1 + x^2))"""
    words, shape, dtype = request("cauchy", key, shape, dtype)
    u = uniform_between(words, shape, dtype, np.array(ml_dtypes.finfo(dtype).eps, dtype), 1.0)
    return tan(np.array(np.pi, dtype) * (u - 0.5))


@placeable
def pareto(key: Any, b: Any, shape: Any = None, dtype: Any = None) -> Any:
    """f(x) = b / x^(b + 1) for x >= 1"""
    words, shape, dtype = request("pareto", key, shape, dtype, b)
    require_safe("pareto", dtype, b)
    e = exponential_floats(words, shape, dtype)
    return exp(quotient(e, parameter(b, dtype, len(shape))))


@placeable
def rayleigh(key: Any, scale: Any, shape: Any = None, dtype: Any = None) -> Any:
    """f(x) = x / scale^2 exp(-x^2 / (2 scale^2)) for x > 0"""
    words, shape, dtype = request("rayleigh", key, shape, dtype, scale)
    require_safe("rayleigh", dtype, scale)
    u = unit_floats(words, shape, dtype)
    return parameter(scale, dtype, len(shape)) * jnp.sqrt(-2 * log(u))


def weibull_min(
    key: Any, scale: Any, concentration: Any, shape: Any = (), dtype: Any = None
) -> Any:
    """f(x) = c / scale (x / scale)^(c - 1) exp(-(x / scale)^c) for x > 0, with c the concentration.

    Both broadcast with a sample of `shape`, which may give a larger result.
    """
    e = exponential_floats(*request("weibull_min", key, shape, dtype))
    return power(*promote_inexact("weibull_min", e, 1 / jnp.asarray(concentration))) * scale


@placeable
def triangular(
    key: Any, left: Any, mode: Any, right: Any, shape: Any = None, dtype: Any = None
) -> Any:
    """f(x) rises linearly from 0 at left to 2 / (right - left) at mode, and falls to 0 at right."""
    words, shape, dtype = request("triangular", key, shape, dtype, left, mode, right)
    require_safe("triangular", dtype, left, mode, right)
    left, mode, right = (parameter(x, dtype, len(shape)) for x in (left, mode, right))
    u = unit_floats(words, shape, dtype)
    rising = left + jnp.sqrt(u * (right - left) * (mode - left))
    falling = right - jnp.sqrt((1 - u) * (right - left) * (right - mode))
    return jnp.where(u < (mode - left) / (right - left), rising, falling)


@placeable
def wald(key: Any, mean: Any, shape: Any = None, dtype: Any = None) -> Any:
    """f(x) = sqrt(1 / (2 pi x^3)) exp(-(x - mean)^2 / (2 mean^2 x)) for x > 0

    Of the two roots of (x - mean)^2 = y mean^2 x for y the square of a normal number, the smaller
    is taken with probability mean / (mean + x) (Michael, Schucany and Haas, 1976).
    """
    words, shape, dtype = request("wald", key, shape, dtype, mean)
    require_safe("wald", dtype, mean)
    mean = spread(parameter(mean, dtype, len(shape)), shape)
    key_normal, key_uniform = split_in(words, 2)
    y = normal_floats(key_normal, shape, dtype) ** 2
    z = unit_floats(key_uniform, shape, dtype)
    root = jnp.sqrt(multiply_add(4 * mean, y, mean**2 * y**2))
    x = multiply_add(-mean / 2, root, mean + mean**2 * y / 2)
    return jnp.where(z <= mean / (mean + x), x, mean**2 / x)
