"""Softmax, its logarithm, and log-sum-exp: below both of their users, `nn` and `scipy.special`.

    softmax(x)_i = exp(x_i) / Σ_j exp(x_j)        logsumexp(x) = log Σ_j exp(x_j)

Every exponential is of x - max(x), which overflows nowhere and changes neither quotient nor
derivative; so the maximum is a constant to differentiation.

Read next: `nn/softmax.py`.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import scratchfn.numpy as jnp
from scratchfn import lax
from scratchfn.numpy.arguments import axes_of
from scratchfn.numpy.promotion import inexact, operand, promote_inexact
from scratchfn.numpy.totals import mask_of
from scratchfn.transforms.custom_jvp import custom_jvp

Axes = int | tuple[int, ...] | None


def softmax(x: Any, axis: Axes = -1, where: Any = None) -> Any:
    """exp(x) / Σ exp(x) along `axis`: positive numbers of sum 1.

    Args:
      x: floats, f32[...].
      axis: an axis, several, or None for all of them together.
      where: booleans that broadcast to x's shape; False elements get probability 0.
    """
    if where is None:
        return _softmax(x, axis)
    x, where = operand("nn.softmax", x), mask_of("nn.softmax", where)
    axes_of("nn.softmax", axis, x.ndim)  # raises where only the mask has the axis
    return jnp.where(where, _softmax(jnp.where(where, x, -math.inf), axis), 0)


@functools.partial(custom_jvp, nondiff_argnums=(1,))
def _softmax(x: Any, axis: Axes) -> Any:
    unnormalized = jnp.exp(x - jnp.max(x, axis, keepdims=True, initial=-math.inf))
    return unnormalized / jnp.sum(unnormalized, axis, keepdims=True)


@_softmax.defjvp
def _softmax_jvp(axis: Axes, primals: Any, tangents: Any) -> tuple[Any, Any]:
    # The derivative needs the result y alone: dy = y (dx - Σ y dx).
    y = _softmax(*primals, axis)
    (dx,) = tangents
    return y, y * (dx - jnp.sum(y * dx, axis, keepdims=True))


def log_softmax(x: Any, axis: Axes = -1, where: Any = None) -> Any:
    """log softmax(x) along `axis`, exact where the softmax itself would underflow.

    Args: as of `softmax`; elements with where=False get -inf.
    """
    x = operand("nn.log_softmax", x)
    x_max = jnp.max(x, axis, where=where, initial=-math.inf, keepdims=True)
    shown = x if where is None else jnp.where(where, x, -math.inf)
    shifted = shown - lax.stop_gradient(x_max)
    total = jnp.sum(jnp.exp(shifted), axis, where=where, keepdims=True)
    logs = shifted - jnp.log(total)
    return logs if where is None else jnp.where(where, logs, -math.inf)


def logsumexp(
    a: Any,
    axis: Axes = None,
    b: Any = None,
    keepdims: bool = False,
    return_sign: bool = False,
    where: Any = None,
) -> Any:
    """log Σ b exp(a) along `axis`.

    Args:
      b: weights that broadcast to a's shape; 1 if None. Where they make the sum negative, the
        result is nan, unless its sign is asked for.
      return_sign: return (log |Σ|, sign of Σ).
      where: booleans that broadcast to a's shape; False elements do not take part.
    """
    a = inexact("nn.logsumexp", a)
    if where is not None:
        a = jnp.where(where, a, 0)
    if b is not None:
        a, b = promote_inexact("nn.logsumexp", a, b)
        a = jnp.where(b != 0, a, -math.inf)  # 0 exp(inf) would be nan
    a_max = jnp.max(a.real, axis, where=where, initial=-math.inf, keepdims=True)
    a_max = lax.stop_gradient(jnp.where(jnp.isfinite(a_max), a_max, 0))
    terms = jnp.exp(a - a_max)
    total = jnp.sum(terms if b is None else terms * b, axis, where=where, keepdims=True)
    sign = jnp.sign(total)
    if return_sign or not jnp.iscomplexobj(total):
        total = jnp.abs(total)
    out = jnp.log(total) + a_max
    if not keepdims:
        out, sign = jnp.squeeze(out, axis), jnp.squeeze(sign, axis)
    if return_sign:
        return out, sign
    if b is not None and not jnp.iscomplexobj(out):
        out = jnp.where(sign < 0, math.nan, out)
    return out
