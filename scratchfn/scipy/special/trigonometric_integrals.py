"""Integrals of sines and cosines, and Spence's dilogarithm.

    Si x = ∫_0^x sin t / t dt              Ci x = γ + log x + ∫_0^x (cos t - 1) / t dt
    S x = ∫_0^x sin(πt²/2) dt              C x = ∫_0^x cos(πt²/2) dt
    spence x = ∫_1^x log t / (1 - t) dt

Far from 0 the first four are their limit and an oscillation, of two amplitudes f and g that do not
oscillate (Abramowitz & Stegun, 5.2.6 and 7.3.5):

    Si = π/2 - f cos x - g sin x           Ci = f sin x - g cos x
    S = 1/2 - f cos(πx²/2) - g sin(πx²/2)  C = 1/2 + f sin(πx²/2) - g cos(πx²/2)

Read next: `scipy/special/bessel.py`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import scratchfn.numpy as jnp
from scratchfn.scipy.special.arguments import reals, strict_floats, strong
from scratchfn.scipy.special.series import in_32_bits, on_half_line, on_interval, polynomial
from scratchfn.transforms.custom_jvp import custom_jvp

# Si(x) / x and (Ci(x) - log x - γ) / x², for x² in [0, 16]
_SI = (
    0.6488924209268717, -0.26998630593421985, 0.06995436230262994, -0.010180919854579487,
    0.000926043940588566, -5.729510043974918e-05, 2.562902980424153e-06, -8.669329640074211e-08,
    2.294707477809517e-09, -4.8820436536706355e-11, 8.535034668454058e-13, -1.2465253208934712e-14,
)  # fmt: skip
_CI = (
    -0.18000156259038463, 0.058041367082519175, -0.010676245460890443, 0.0011887255711436752,
    -8.738341186863486e-05, 4.535777665967924e-06, -1.7478633681168744e-07, 5.19417924305832e-09,
    -1.2261802782427702e-10, 2.3558809712444187e-12, -3.750854655497162e-14,
)  # fmt: skip
# x f(x) and x² g(x), of x² on the half line from 16, middle 64
_F = (
    0.9778568333377097, 0.03182198680230615, -0.014412525258275537, 0.00712098711241119,
    -0.003628511541777604, 0.0018966489450108238, -0.001006957320750559, 0.0005418664171302387,
    -0.00029439823459310847, 0.00016133290095677935, -8.899378776732481e-05, 4.9390369569838904e-05,
    -2.753240402945625e-05, 1.5418531478087262e-05, -8.712593164960957e-06, 4.934464466981769e-06,
    -2.6404517906738615e-06, 1.4485565543130824e-06, -1.205189731688239e-06, 7.862208613722543e-07,
    2.5396458270568155e-07, -2.880485898507846e-07, -7.857641674635396e-07, 5.99414970024469e-07,
    5.869648043945473e-07, -4.4593707392747705e-07, -3.861737911107421e-07, 2.753028069317901e-07,
    1.3765566680662742e-07, -9.484692075688957e-08, -2.715387013252709e-08, 1.7745007841104908e-08,
)  # fmt: skip
_G = (
    0.9380793498348269, 0.08376429334914212, -0.031662262086325346, 0.014326237603495346,
    -0.006717369532303692, 0.003304916538670838, -0.0016567267573884578, 0.0008510744179150767,
    -0.00044219014509377865, 0.00023334893661702816, -0.00012405411945926292, 6.669403999755856e-05,
    -3.602628731066097e-05, 1.962685288706967e-05, -1.0759881445054104e-05, 5.96308292955379e-06,
    -3.188697749791476e-06, 1.6674127728525824e-06, -1.1929277641646384e-06, 8.890043977723567e-07,
    1.3873991960871683e-08, -3.507490626276394e-07, -5.247752152853025e-07, 6.809338456622149e-07,
    3.5765716617042867e-07, -5.060539628718133e-07, -2.5316457872781974e-07, 3.0439884480969874e-07,
    9.104262941168557e-08, -1.030427397205201e-07, -1.9284726238189002e-08, 1.852499552885221e-08,
)  # fmt: skip
# S(x) / x³ and C(x) / x, for x⁴ in [0, 1.6⁴]
_S = (
    0.2889393626408461, -0.1761356501395447, 0.050132952592302285, -0.007629278744901795,
    0.0007142320312441954, -4.5168950886221886e-05, 2.057811858438048e-06, -7.074441231946028e-08,
    1.9005632610677367e-09, -4.1002408595059026e-11, 7.26426036093387e-13, -1.0746132833319156e-14,
)  # fmt: skip
_C = (
    0.4434581121445708, -0.3498350978515388, 0.16644305991154662, -0.0356266466499555,
    0.004287818385200403, -0.0003307760776428032, 1.776427735528585e-05, -7.028320154789788e-07,
    2.1346443259467077e-08, -5.135327076542383e-10, 1.003601907170353e-11, -1.6229472687215528e-13,
)  # fmt: skip
# π x f(x) and π² x³ g(x), of x⁴ on the half line from 1.6⁴, middle 4 ⋅ 1.6⁴
_FRESNEL_F = (
    0.9915223524313131, 0.012517965207540912, -0.006108820378443892, 0.0031547691733550317,
    -0.0016687470626081864, 0.0008988192811523497, -0.00049004143421303, 0.00026982984031629053,
    -0.00014969918423707996, 8.358710412656738e-05, -4.691614035079337e-05, 2.6454040965412375e-05,
    -1.4966819314530256e-05, 8.497355158527674e-06, -4.870478500371002e-06, 2.7938157012532357e-06,
    -1.4954467249984926e-06, 8.256854355241695e-07, -7.357609452286104e-07, 4.874152921640536e-07,
    1.9990507715331768e-07, -2.0664931064992134e-07, -5.30284542388777e-07, 4.0104539181767734e-07,
    4.032541407919441e-07, -3.018670509677649e-07, -2.6290284005091296e-07, 1.8544926362596077e-07,
    9.385746193447798e-08, -6.401234272559615e-08, -1.8367201357260325e-08, 1.1926933702674594e-08,
)  # fmt: skip
_FRESNEL_G = (
    0.9602274394124608, 0.05558003230729309, -0.023210282124133723, 0.010980086185536971,
    -0.005382515052010005, 0.0027310547567767664, -0.001411167463944128, 0.0007422510663626348,
    -0.0003947924984754368, 0.00021236374778606186, -0.0001150993721252991, 6.288163808869604e-05,
    -3.453055965546755e-05, 1.9075976713043146e-05, -1.062631658196288e-05, 5.94613268168734e-06,
    -3.1770487819638693e-06, 1.7229824885757328e-06, -1.3427883547561603e-06, 8.812991833160062e-07,
    1.9331948685553517e-07, -2.9100658553566047e-07, -7.755251096760903e-07, 6.348699826359441e-07,
    5.656983386080873e-07, -4.6794850443701154e-07, -3.775569428394309e-07, 2.8887261106925205e-07,
    1.3451005038165306e-07, -9.912150361662002e-08, -2.6889723874124094e-08, 1.8496591502805327e-08,
)  # fmt: skip


def sici(x: Any) -> tuple[Any, Any]:
    """The sine and the cosine integral (Si(x), Ci(x)); Ci(-x) is given as Ci(x)."""
    return _sici(*strong(*reals("scipy.special.sici", x)))


@custom_jvp
@in_32_bits
def _sici(x: Any) -> tuple[Any, Any]:
    y = jnp.abs(x)
    u = on_interval(jnp.minimum(y, 4.0) ** 2, 0, 16)
    si_near = y * polynomial(u, _SI)
    ci_near = jnp.log(y) + np.euler_gamma + jnp.minimum(y, 4.0) ** 2 * polynomial(u, _CI)
    far = jnp.maximum(y, 4.0)
    t = on_half_line(far * far, 16, 64)
    f, g = polynomial(t, _F) / far, polynomial(t, _G) / far / far
    angle = jnp.where(y == math.inf, 0.0, y)
    sin, cos = jnp.sin(angle), jnp.cos(angle)
    si = jnp.copysign(jnp.where(y <= 4, si_near, math.pi / 2 - (f * cos + g * sin)), x)
    ci = jnp.where(y <= 4, ci_near, f * sin - g * cos)
    return si, jnp.where(x == -math.inf, math.nan, ci)


@_sici.defjvp
def _sici_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    (x,), (dx,) = primals, tangents
    return _sici(x), (dx * jnp.sinc(x / math.pi), dx * (jnp.cos(x) / x))


def fresnel(x: Any) -> tuple[Any, Any]:
    """Fresnel's integrals (S(x), C(x)). Raises NotImplementedError for complex x."""
    return _fresnel(*strong(*reals("scipy.special.fresnel", x, error=NotImplementedError)))


@custom_jvp
@in_32_bits
def _fresnel(x: Any) -> tuple[Any, Any]:
    y, edge = jnp.abs(x), 1.6
    near = jnp.minimum(y, edge)
    u = on_interval(near**4, 0, edge**4)
    far = jnp.maximum(y, edge)
    t = on_half_line(far**4, edge**4, 4 * edge**4)
    f = polynomial(t, _FRESNEL_F) / (math.pi * far)
    g = polynomial(t, _FRESNEL_G) / (math.pi * far) ** 2 / far
    sin, cos = _of_half_pi_square(jnp.where(far == math.inf, edge, far))
    s = jnp.where(y <= edge, near**3 * polynomial(u, _S), 0.5 - (f * cos + g * sin))
    c = jnp.where(y <= edge, near * polynomial(u, _C), 0.5 + (f * sin - g * cos))
    return jnp.copysign(s, x), jnp.copysign(c, x)


@_fresnel.defjvp
def _fresnel_jvp(primals: Any, tangents: Any) -> tuple[Any, Any]:
    (x,), (dx,) = primals, tangents
    sin, cos = _of_half_pi_square(x)
    return _fresnel(x), (dx * sin, dx * cos)


def _of_half_pi_square(x: Any) -> tuple[Any, Any]:
    """The sine and cosine of πx²/2, whose period is 4 in x²: with x = n + r for an even n, n² is
    a multiple of it, and x² is r (2n + r), which is smaller and so rounded less."""
    n = 2 * jnp.round(x / 2)
    r = x - n
    angle = math.pi / 2 * jnp.fmod(r * (2 * n + r), 4.0)
    return jnp.sin(angle), jnp.cos(angle)


def spence(x: Any) -> Any:
    """Spence's function, the dilogarithm of 1 - x, for x >= 0; nan below."""
    return _spence(strict_floats("scipy.special.spence", x))


# B_2k / (2k + 1)! for k = 1, 2, ..., of the Bernoulli numbers B
_BERNOULLI_RATIOS = (
    1 / 36, -1 / 3600, 1 / 211680, -1 / 10886400, 1 / 526901760, -691 / 16999766784000,
    1 / 1120863744000, -3617 / 181400588328960000, 43867 / 97072790126247936000,
)  # fmt: skip


@custom_jvp
def _spence(x: Any) -> Any:
    # Into [1/2, 3/2], by Li2(1 - x) + Li2(x) = π²/6 - log x log(1 - x) and, where x > 3/2,
    # Li2(1 - x) + Li2(1 - 1/x) = -log² x / 2
    inverted, low = x > 1.5, x < 0.5
    y = jnp.where(inverted, 1 / jnp.where(inverted, x, 1.0), x)
    reflected = jnp.where(inverted, y < 0.5, low)
    z = jnp.where(reflected, 1 - y, y)
    value = _near_one(z)
    logs = jnp.log(jnp.where(y == 0, 1.0, y)) * jnp.log1p(-jnp.minimum(y, 0.5))
    value = jnp.where(reflected, math.pi**2 / 6 - logs - value, value)
    value = jnp.where(inverted, -0.5 * jnp.log(jnp.where(inverted, x, 1.0)) ** 2 - value, value)
    return jnp.where(x < 0, math.nan, value)


def _near_one(x: Any) -> Any:
    """The dilogarithm of 1 - x for x in [1/2, 1.5], a series of Bernoulli numbers in
    u = -log x ('t Hooft & Veltman, 1979): u - u²/4 + Σ_k B_2k u^(2k+1) / (2k + 1)!."""
    u = -jnp.log(x)
    square = u * u
    return u - square / 4 + u * square * polynomial(square, _BERNOULLI_RATIOS)


_spence.defjvps(lambda dx, ans, x: dx * _spence_slope(x))


def _spence_slope(x: Any) -> Any:
    """log x / (1 - x), and its limit -1 at x = 1."""
    y = jnp.where(x == 1, 2.0, x)
    return jnp.where(x == 1, -1.0, jnp.log(y) / (1 - y))
