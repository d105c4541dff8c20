"""Bessel functions of the first kind, modified (I) and not (J).

Read next: `scipy/special/hypergeometric.py`.
"""

from __future__ import annotations

import functools
import operator
from typing import Any

import scratchfn.numpy as jnp
from scratchfn import errors, lax
from scratchfn.scipy.special.arguments import floats, reals, strong
from scratchfn.scipy.special.series import in_32_bits
from scratchfn.transforms.custom_jvp import custom_jvp


def i0e(x: Any) -> Any:
    """exp(-|x|) I0(x), which does not overflow."""
    return lax.bessel_i0e(*floats("scipy.special.i0e", x))


def i0(x: Any) -> Any:
    """I0(x), the modified Bessel function of the first kind, of order 0."""
    (x,) = floats("scipy.special.i0", x)
    return jnp.exp(jnp.abs(x)) * lax.bessel_i0e(x)


def i1e(x: Any) -> Any:
    """exp(-|x|) I1(x), which does not overflow."""
    return lax.bessel_i1e(*floats("scipy.special.i1e", x))


def i1(x: Any) -> Any:
    """I1(x), the modified Bessel function of the first kind, of order 1."""
    (x,) = floats("scipy.special.i1", x)
    return jnp.exp(jnp.abs(x)) * lax.bessel_i1e(x)


def bessel_jn(z: Any, *, v: int, n_iter: int = 50) -> Any:
    """J_0(z) ... J_v(z), the Bessel functions of the first kind of whole orders, f32[v + 1, ...].

    Args:
      z: f32[...].
      v: the highest order, a Python int, 0 or more.
      n_iter: the order from which the recurrence comes down; it has to exceed |z|, and v.
    """
    (z,) = strong(*reals("scipy.special.bessel_jn", z, error=TypeError))
    v = operator.index(v)
    if v < 0:
        why = "orders are counted from 0"
        raise ValueError(
            errors.explain("scipy.special.bessel_jn", f"v={v}", why, "bessel_jn(z, v=0)")
        )
    return in_32_bits(lambda z: _bessel_jn(z, v, operator.index(n_iter)))(z)


@functools.partial(custom_jvp, nondiff_argnums=(1, 2))
def _bessel_jn(z: Any, v: int, n_iter: int) -> Any:
    """Miller's backward recurrence J_(k-1) = 2k/z J_k - J_(k+1), stable because J falls with its
    order. It is one of the ratios r_k = J_k / J_(k-1), which neither overflow nor underflow, and
    J_0 + 2 J_2 + 2 J_4 + ... = 1 gives the scale."""
    nonzero, tiny = jnp.where(z == 0, 1.0, z), float(jnp.finfo(z.dtype).tiny)
    ratio, ratios = jnp.zeros_like(z), []
    for k in range(max(n_iter, v + 1), 0, -1):
        denominator = 2 * k / nonzero - ratio
        ratio = 1 / jnp.where(denominator == 0, tiny, denominator)
        ratios.append(ratio)
    relative, total = [jnp.ones_like(z)], jnp.ones_like(z)  # to J_0
    for k, ratio in enumerate(reversed(ratios), 1):
        relative.append(relative[-1] * ratio)
        total = total + 2 * relative[-1] if k % 2 == 0 else total
    at_zero = jnp.asarray([1.0] + [0.0] * v, z.dtype).reshape(-1, *[1] * z.ndim)
    return jnp.where(z == 0, at_zero, jnp.stack(relative[: v + 1]) / total[None])


@_bessel_jn.defjvp
def _bessel_jn_jvp(v: int, n_iter: int, primals: Any, tangents: Any) -> tuple[Any, Any]:
    # J_0' = -J_1, and J_k' = (J_(k-1) - J_(k+1)) / 2
    more = _bessel_jn(*primals, v + 1, n_iter)
    below = jnp.concatenate([-more[1:2], more[:v]])
    return more[: v + 1], tangents[0][None] * 0.5 * (below - more[1:])
