"""log Γ of complex numbers: Stirling's series where it is good, and the way there.

    log Γ(z) ~ (z - 1/2) log z - z + log(2π)/2 + Σ_j B_2j / (2j (2j - 1) z^(2j-1))    |z| large

The recurrence log Γ(z) = log Γ(z + 1) - log z leads there from the right half plane, and Euler's
reflection Γ(z) Γ(1 - z) = π / sin πz from the left one (Hare, 1997: which branch of its logarithm).

Read next: `scipy/special/beta.py`.
"""

from __future__ import annotations

import math
from typing import Any

import scratchfn.numpy as jnp
from scratchfn import lax
from scratchfn.scipy.special.series import polynomial

# B_2j / (2j (2j - 1)) for j = 1, 2, ...
STIRLING = (
    1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400,
    43867 / 244188,
)  # fmt: skip
_STEPS = 9  # of the recurrence: |z| >= 9 leaves the series an error below 1e-17


def complex_loggamma(z: Any) -> Any:
    """log Γ(z) of complex z, analytic but for the negative axis."""
    left = z.real < 0.5
    right = jnp.where(left, 1 - z, z)
    log_gamma = _right_half(right)
    reflected = math.log(math.pi) - _log_sin_pi(jnp.where(left, z, 0.5)) - log_gamma
    return jnp.where(left, reflected, log_gamma)


def _right_half(z: Any) -> Any:
    logs = sum(jnp.log(z + k) for k in range(_STEPS))
    z = z + _STEPS
    inverse = 1 / z
    total = polynomial(inverse * inverse, STIRLING)
    return (z - 0.5) * jnp.log(z) - z + 0.5 * math.log(2 * math.pi) + total * inverse - logs


def _log_sin_pi(z: Any) -> Any:
    """log sin πz, continued from (0, 1) through either half plane.

    For z in the upper half plane (elsewhere, conjugate), sin πz = (i/2) exp(-πiz) (1 - e) with
    e = exp(2πiz): the first exponential's logarithm is exact, and e does not overflow.
    """
    lower = jnp.signbit(z.imag)
    x, y = z.real, jnp.abs(z.imag)
    turn = 2 * math.pi * (x - jnp.round(x))  # the sine is periodic, so the angle may be small
    e = jnp.exp(-2 * math.pi * y)
    real = -(jnp.expm1(-2 * math.pi * y) + e * _cos_minus_1(turn))
    rest = jnp.log(lax.complex(real, -e * jnp.sin(turn)))
    log_sin = lax.complex(math.pi * y - math.log(2.0) + rest.real, math.pi * (0.5 - x) + rest.imag)
    return jnp.where(lower, jnp.conj(log_sin), log_sin)


def _cos_minus_1(x: Any) -> Any:
    """cos x - 1, exact for small x."""
    return -2 * jnp.sin(x / 2) ** 2
