"""Spherical harmonics.

Read next: `scipy/special/numbers.py`.
"""

from __future__ import annotations

import math
from typing import Any

import scratchfn.numpy as jnp
from scratchfn import errors, lax
from scratchfn.core.array import as_value
from scratchfn.numpy.arguments import known


def sph_harm_y(
    n: Any, m: Any, theta: Any, phi: Any, diff_n: int | None = None, n_max: int | None = None
) -> Any:
    """The spherical harmonics Y_n^m(θ, φ) = P_n^m(cos θ) exp(imφ), orthonormal on the sphere.

    Args:
      n, m: degrees and orders, -n <= m <= n, i32[k].
      theta, phi: polar and azimuthal angles, f32[k].
      diff_n: JAX takes no derivatives here either: None.
      n_max: the greatest degree, which has to be known when the program is traced; by default that
        of n, if n is known.
    """
    if diff_n is not None:
        raise NotImplementedError(
            errors.explain(
                "scipy.special.sph_harm_y(..., diff_n=...)", f"diff_n={diff_n!r}",
                "derivatives are those of the program", "sf.jvp over theta and phi",
            )
        )  # fmt: skip
    n, m, theta, phi = map(as_value, (n, m, theta, phi))
    if n_max is None:
        n_max = int(known("scipy.special.sph_harm_y", "n_max", jnp.max(n)))
    order = jnp.abs(m)
    legendre = _legendre(n, order, jnp.cos(theta), jnp.sin(theta), n_max)
    angle = order * phi
    harmonic = lax.complex(legendre * jnp.cos(angle), legendre * jnp.sin(angle))
    sign = jnp.where(order % 2 == 0, 1.0, -1.0)
    return jnp.where(m < 0, sign * jnp.conj(harmonic), harmonic)


def _legendre(n: Any, m: Any, x: Any, sine: Any, n_max: int) -> Any:
    """The associated Legendre functions of x = cos θ, normalized, for m >= 0.

    From degree l = m, where P is a power of sin θ, upwards by the recurrence in three terms (Press
    et al., Numerical Recipes, 6.7.9); each element follows its own m and stops at its own n.
    """
    before, current = jnp.zeros_like(x), jnp.full_like(x, 1 / math.sqrt(4 * math.pi))  # l = 0
    found = jnp.where(n == 0, current, 0.0)
    square = (m * m).astype(x.dtype)
    for degree in range(1, n_max + 1):
        on_diagonal = degree <= m
        rising = -math.sqrt((2 * degree + 1) / (2 * degree)) * sine * current
        low = degree - 1
        last = jnp.sqrt(jnp.maximum(low * low - square, 0) / (4 * low * low - 1))
        scale = jnp.sqrt((4 * degree * degree - 1) / jnp.maximum(degree * degree - square, 1))
        next_ = jnp.where(on_diagonal, rising, scale * (x * current - last * before))
        before, current = current, next_
        found = jnp.where(n == degree, current, found)
    return jnp.where(m > n, 0.0, found)
