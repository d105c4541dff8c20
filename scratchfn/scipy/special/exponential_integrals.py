"""The exponential integrals.

    Ei x = ∫_-∞^x exp(t)/t dt      E1 x = ∫_x^∞ exp(-t)/t dt      En x = ∫_1^∞ exp(-xt)/t^n dt

Read next: `scipy/special/trigonometric_integrals.py`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import scratchfn.numpy as jnp
from scratchfn import lax
from scratchfn.scipy.special.arguments import reals, strong
from scratchfn.scipy.special.series import in_32_bits, on_half_line, on_interval, polynomial
from scratchfn.transforms.custom_jvp import custom_jvp

# The root of Ei, as a float32 and what is missing, so that x minus the root is exact near it.
_ROOT = 0.3725074231624603
_ROOT_REST = -1.2381093692686445e-08
# (Ei(x) - log(x / root)) / (x - root) on [0, 6], and x exp(-x) Ei(x) for 1/x in [1/24, 1/6] and
# [0, 1/24]
_EI_NEAR = (
    2.986772243435986, 3.8535675550242976, 3.434770585137441, 2.3217200962908175,
    1.2664576815080542, 0.5800776053968245, 0.2292554580841337, 0.07974156050349793,
    0.024780457941105134, 0.006961836119615334, 0.0017851254499828683, 0.0004210738005420688,
    9.197224255094417e-05, 1.8706885445050278e-05, 3.5604015677784285e-06, 6.368736660828254e-07,
    1.074275183904224e-07, 1.7060187003561097e-08, 2.5855149518422466e-09, 4.1160383817922684e-10,
    5.6375638000251275e-11,
)  # fmt: skip
_EI_MIDDLE = (
    1.139236185366528, 0.11845871649128471, 0.029485745286767596, -0.0013032062940815862,
    -0.008469401682025321, -0.00023447350839905283, 0.002573646792609973, -0.0006776823839059762,
    -0.0005362373178290975, 0.00048140213615799213, -9.777051856995337e-05, -9.675467842944838e-05,
    9.709416154844323e-05, -3.6856324937581264e-05, -4.993580300235927e-06, 1.6243787233720964e-05,
    -1.1278656736708385e-05, 3.865210937897595e-06, 3.816527954558081e-07, -1.7894069570778293e-06,
    1.7815350032070524e-06, -7.176389535770342e-07, -4.1086863998933084e-07, 2.5733889008701003e-07,
    3.45053664330218e-07, -4.71422402479487e-08, -3.812449012385921e-07, 1.2629333634907772e-07,
    1.5110379791024768e-07, -7.183533737038511e-08, -2.0776444696463477e-08, 1.2137695053161862e-08,
)  # fmt: skip
_EI_FAR = (
    1.0217607036601566, 0.02275307202736118, 0.001063768785547162, 7.863790796106851e-05,
    8.211967484590294e-06, 1.1430194165809206e-06, 2.053127853729203e-07, 4.683932673507851e-08,
    1.3569421721248852e-08, 5.066618689029302e-09, 2.4525109826562722e-09, 1.5501316315948316e-09,
    1.0652237994055923e-09, 1.3533583887966027e-10, -9.45986420556208e-10, -8.36950879209438e-10,
    1.9271607413852916e-10, 4.710006967535198e-10, 1.0585359469972874e-11, -1.352643885009724e-10,
    -7.958362416674816e-12, 1.7549760804295156e-11,
)  # fmt: skip
# (E1(x) + log x + γ) / x on [0, 1], and (x + 1) exp(x) E1(x) on the half line from 1, middle 4
_E1_NEAR = (
    0.8876841582354967, -0.10074547766076357, 0.010541467229713778, -0.0009496819183999231,
    7.387064025369851e-05, -5.024388272123079e-06, 3.027425014978342e-07, -1.634832596071036e-08,
    7.990920056740073e-10, -3.565610231478228e-11, 1.468861577259427e-12, -5.575070247424053e-14,
)  # fmt: skip
_E1_FAR = (
    1.0225330577083933, -0.05635812805499673, 0.051719000836445296, -0.027972483597771717,
    0.01548161125211012, -0.00837154301219917, 0.004588537281175292, -0.0025162161479672335,
    0.0013921460523387383, -0.0007728942410210305, 0.0004318171351169147, -0.00024210081691969511,
    0.00013639244319274473, -7.707336495351463e-05, 4.3643912218311016e-05, -2.4786018402905982e-05,
    1.4399879660049105e-05, -8.321806059335006e-06, 3.9872655882881335e-06, -2.0721032225076553e-06,
    2.8996088732966225e-06, -2.0452495225253084e-06, -1.6145588196325273e-06,
    1.4134820544938918e-06, 2.5840616263178024e-06, -1.9456923907457435e-06,
    -1.9068237763992049e-06, 1.4038674578742854e-06, 1.111092447437794e-06, -7.780060414345052e-07,
    -3.7088174710157024e-07, 2.512540892687645e-07, 6.60583511850078e-08, -4.28153271647426e-08,
)  # fmt: skip


def expi(x: Any) -> Any:
    """The exponential integral Ei(x), Cauchy's principal value for x > 0; -inf at 0."""
    return _expi(*strong(*reals("scipy.special.expi", x)))


@custom_jvp
@in_32_bits
def _expi(x: Any) -> Any:
    return jnp.where(x < 0, -_e1(jnp.where(x < 0, -x, 1.0)), _ei(jnp.where(x < 0, 1.0, x)))


_expi.defjvps(lambda dx, ans, x: dx * (jnp.exp(x) / x))


def _ei(x: Any) -> Any:
    """Ei(x) for x >= 0."""
    near = jnp.minimum(x, 6.0)
    root, from_root = _ROOT + _ROOT_REST, (near - _ROOT) - _ROOT_REST
    slope = polynomial(on_interval(near, 0, 6), _EI_NEAR)
    # the logarithm of x / root; log1p is exact near the root, log near 0
    logs = jnp.where(jnp.abs(from_root) < 0.25, jnp.log1p(from_root / root), jnp.log(near / root))
    u = 1 / jnp.maximum(x, 6.0)
    middle = polynomial(on_interval(jnp.maximum(u, 1 / 24), 1 / 24, 1 / 6), _EI_MIDDLE)
    far = polynomial(on_interval(jnp.minimum(u, 1 / 24), 0, 1 / 24), _EI_FAR)
    # exp(x) in two factors: the result may be finite where exp(x) is not
    scaled = jnp.exp(x / 2) * (u * jnp.where(x < 24, middle, far)) * jnp.exp(x / 2)
    scaled = jnp.where(x == math.inf, math.inf, scaled)
    return jnp.where(x <= 6, logs + from_root * slope, scaled)


def exp1(x: Any) -> Any:
    """The exponential integral E1(x), for x >= 0; inf at 0, nan below."""
    return _exp1(*strong(*reals("scipy.special.exp1", x)))


@custom_jvp
@in_32_bits
def _exp1(x: Any) -> Any:
    return jnp.where(x < 0, math.nan, _e1(x))


_exp1.defjvps(lambda dx, ans, x: dx * -(jnp.exp(-x) / x))


def _e1(x: Any) -> Any:
    """E1(x) for x >= 0."""
    near = jnp.minimum(x, 1.0)
    inside = near * polynomial(on_interval(near, 0, 1), _E1_NEAR) - jnp.log(near) - np.euler_gamma
    far = jnp.maximum(x, 1.0)
    outside = jnp.exp(-far) * (polynomial(on_half_line(far, 1, 4), _E1_FAR) / (far + 1))
    return jnp.where(x <= 1, inside, outside)


def expn(n: Any, x: Any) -> Any:
    """The exponential integral En(x) for x >= 0, of order n >= 0, whole if x <= 1; else nan."""
    return _expn(*strong(*reals("scipy.special.expn", n, x)))


@custom_jvp
@in_32_bits
def _expn(n: Any, x: Any) -> Any:
    n_ = jnp.maximum(n, 1.0)
    value = jnp.where(x <= 1, _en_series(n_, jnp.minimum(x, 1.0)), _en_fraction(n_, x))
    value = jnp.where(x == 0, jnp.where(n > 1, 1 / (n - 1), math.inf), value)
    value = jnp.where(n == 0, jnp.exp(-x) / x, value)
    unknown = (x <= 1) & (n != jnp.floor(n))  # the fraction takes any order, the series does not
    return jnp.where((x < 0) | (n < 0) | unknown, math.nan, value)


def _en_series(n: Any, x: Any) -> Any:
    """En(x) for 0 < x <= 1 (Abramowitz & Stegun, 5.1.12)."""
    log_x = jnp.log(jnp.where(x <= 0, 1.0, x))
    power, total = 1.0, 0.0  # (-x)^m / m!
    for m in range(20):
        order = jnp.where(n == m + 1, 1.0, m + 1 - n)
        total = total + jnp.where(n == m + 1, 0.0, power / order)
        power = power * -x / (m + 1)
    sign = jnp.where(n % 2 == 0, -1.0, 1.0)
    last = sign * jnp.exp((n - 1) * log_x - lax.lgamma(n))  # (-x)^(n-1) / (n-1)!
    return last * (lax.digamma(n) - log_x) - total


def _en_fraction(n: Any, x: Any) -> Any:
    """En(x) for x > 1: a continued fraction, from its end (5.1.22, contracted)."""
    x = jnp.clip(x, 1.0, 1e4)  # beyond, En is 0 in any dtype
    depth = 90
    tail = x + n + 2 * depth
    for k in range(depth, 0, -1):
        tail = x + n + 2 * (k - 1) - k * (n + k - 1) / tail
    return jnp.exp(-x) / tail


_expn.defjvps(None, lambda dx, ans, n, x: dx * -_expn(n - 1, x))
