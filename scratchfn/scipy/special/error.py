"""The error function and its relatives: scaled, inverse, imaginary (Dawson's), complex.

    erf x = 2/√π ∫_0^x exp(-t²) dt                erfcx x = exp(x²) erfc x
    dawsn x = exp(-x²) ∫_0^x exp(t²) dt           wofz z = exp(-z²) erfc(-iz)

Read next: `scipy/special/normal.py`.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

import scratchfn.numpy as jnp
from scratchfn import lax
from scratchfn.core import dtypes
from scratchfn.scipy.special.arguments import floats, reals, strong
from scratchfn.scipy.special.series import in_32_bits, on_half_line, on_interval, polynomial
from scratchfn.transforms.custom_jvp import custom_jvp

SQRT_PI = math.sqrt(math.pi)


def erf(x: Any) -> Any:
    """2/√π times the integral of exp(-t²) from 0 to x."""
    return lax.erf(*floats("scipy.special.erf", x))


def erfc(x: Any) -> Any:
    """1 - erf(x), exact where erf is near 1."""
    return lax.erfc(*floats("scipy.special.erfc", x))


def erfinv(x: Any) -> Any:
    """The inverse of erf, on [-1, 1]."""
    return lax.erf_inv(*floats("scipy.special.erfinv", x))


# -- scaled, and Dawson's -------------------------------------------------------------------------

# (1 + 2x) erfcx(x) for x >= 0, on the half line of middle 3
_ERFCX = (
    1.2530080582697296, -0.13562110612458117, -0.0475622943534492, 0.1296451587027594,
    -0.11927366341538638, 0.0683080273440099, -0.02377051491717134, 0.0025293918156939696,
    0.0018886903449991718, -0.0007798322696543306, -0.00010515971958448065, 0.0001250993424583729,
    4.949196649968345e-06, -2.0100542268525612e-05, -7.308281468783614e-07, 3.472370944977168e-06,
    3.5576086684080595e-07, -6.166011460398726e-07, -1.4047654315428462e-07, 1.0183620603842736e-07,
    4.1064013667940355e-08, -1.3312919661038687e-08, -8.217595058711455e-09, 9.862533510345587e-10,
    8.393734858690877e-10,
)  # fmt: skip
# (1 + 2u) dawsn(x) / x for u = x² in [0, 16], and 2x dawsn(x) for u = 1/x² in [0, 1/16]
_DAWSON_NEAR = (
    1.1491842572069588, -0.1864810030055412, 0.23310329824745513, -0.268849874786566,
    0.2632230147556172, -0.19619359510932882, 0.07611999427194754, 0.06197751205960691,
    -0.17619392207965343, 0.2392485670619832, -0.24749953312478382, 0.21567877371861607,
    -0.16504965297908256, 0.11346269533100006, -0.0710927907259399, 0.0410194011056922,
    -0.02196438136861435, 0.010982348652812505, -0.005153463450441882, 0.002278912771059873,
    -0.0009534398984769742, 0.00037896499339901764, -0.00014314262647859897, 5.1134846193958906e-05,
    -1.764207290462872e-05, 6.151968077522853e-06, -1.938808450867392e-06, 4.3382076188411606e-07,
    -1.3035511561508348e-07, 8.167075398223735e-08, -2.1893514937019218e-08,
)  # fmt: skip
_DAWSON_FAR = (
    1.0164219728980834, 0.01729214628963003, 0.0009536645475219477, 9.585187415866757e-05,
    1.50153555704956e-05, 3.4758584099869038e-06, 1.1936423115198652e-06, 5.941302508630495e-07,
    3.2983033727281776e-07, 7.277563654341759e-08, -1.821513481733954e-07, -2.522764492143697e-07,
    -4.009520159095451e-08, 1.9571682304756699e-07, 1.1177612653457242e-07, -1.3718434316240104e-07,
    -1.1178286827965368e-07, 1.0113611768458064e-07, 8.410110415810892e-08, -7.197278254536135e-08,
    -4.8928465206594306e-08, 4.265846461241908e-08, 2.0496598570409922e-08, -1.84259911819277e-08,
    -5.41602863836242e-09, 4.992377477530636e-09, 6.702783561726906e-10, -6.282823483924461e-10,
)  # fmt: skip


def erfcx(x: Any) -> Any:
    """exp(x²) erfc(x), which neither overflows nor underflows for x > 0; also of complex x."""
    (x,) = strong(*floats("scipy.special.erfcx", x))
    if dtypes.kind(x.dtype) == "c":
        return wofz(lax.complex(-x.imag, x.real))
    return scaled_erfc(x)


@custom_jvp
@in_32_bits
def scaled_erfc(x: Any) -> Any:
    """`erfcx` of real numbers, of their own dtype."""
    y = jnp.abs(x)
    right = polynomial(on_half_line(y, 0, 3), _ERFCX) / (1 + 2 * y)
    return jnp.where(x < 0, 2 * _exp_of_square(y) - right, right)


scaled_erfc.defjvps(lambda dx, ans, x: dx * (2 * (x * ans - 1 / SQRT_PI)))


def _exp_of_square(x: Any) -> Any:
    """exp(x²), without the rounding of x², which exp would amplify: x² = h² + (x - h)(x + h), and
    h², of a few bits, is exact."""
    h = jnp.round(x * 16) / 16
    rest = jnp.where(jnp.isfinite(x), (x - h) * (x + h), 0.0)
    return jnp.exp(h * h) * jnp.exp(rest)


def dawsn(x: Any) -> Any:
    """Dawson's function exp(-x²) ∫_0^x exp(t²) dt."""
    return _dawsn(*strong(*reals("scipy.special.dawsn", x)))


@custom_jvp
@in_32_bits
def _dawsn(x: Any) -> Any:
    near = jnp.abs(x) <= 4
    u = jnp.where(near, x, 1.0) ** 2
    y = jnp.where(near, 4.0, x)
    inside = x * polynomial(on_interval(u, 0, 16), _DAWSON_NEAR) / (1 + 2 * u)
    outside = polynomial(on_interval(1 / y / y, 0, 1 / 16), _DAWSON_FAR) / y / 2
    return jnp.where(near, inside, outside)


_dawsn.defjvps(lambda dx, ans, x: dx * (1 - 2 * x * ans))

# -- of complex numbers ---------------------------------------------------------------------------


def wofz(z: Any) -> Any:
    """The Faddeeva function exp(-z²) erfc(-iz), as a complex number."""
    (z,) = strong(*floats("scipy.special.wofz", z))
    return _wofz(z if dtypes.kind(z.dtype) == "c" else lax.complex(*_pair(z)))


def _pair(x: Any) -> tuple[Any, Any]:
    """Real numbers as real and imaginary parts that a complex dtype has."""
    x = x.astype(dtypes.float32) if x.dtype.itemsize < 4 else x
    return x, jnp.zeros_like(x)


@custom_jvp
def _wofz(z: Any) -> Any:
    lower = z.imag < 0
    upper = _upper_half(jnp.where(lower, -z, z))
    x, y = z.real, z.imag
    size, angle = jnp.exp(jnp.where(lower, (y - x) * (y + x), 0.0)), -2 * x * y
    exp_square = lax.complex(size * jnp.cos(angle), size * jnp.sin(angle))  # exp(-z²)
    return jnp.where(lower, 2 * exp_square - upper, upper)


_wofz.defjvps(lambda dz, ans, z: dz * (2j / SQRT_PI - 2 * z * ans))


def _upper_half(z: Any) -> Any:
    """w(z) for Im z >= 0: a polynomial in Z = (L + iz) / (L - iz), which maps the half plane to the
    unit disc (Weideman, 1994, "Computation of the complex error function")."""
    low, coefficients = _weideman()
    iz = lax.complex(-z.imag, z.real)
    inverse = 1 / (low - iz)
    p = polynomial((low + iz) * inverse, coefficients)
    return (2 * p * inverse + 1 / SQRT_PI) * inverse


@functools.cache
def _weideman(count: int = 56) -> tuple[float, tuple[float, ...]]:
    """L, and the first Fourier coefficients of exp(-t²) (L² + t²) in θ, t = L tan(θ/2)."""
    low = math.sqrt(count / math.sqrt(2))
    theta = np.arange(-2 * count + 1, 2 * count) * np.pi / (2 * count)
    t = low * np.tan(theta / 2)
    samples = np.concatenate([[0.0], np.exp(-(t**2)) * (low**2 + t**2)])
    fourier = np.fft.fft(np.fft.fftshift(samples)).real / len(samples)
    return low, tuple(map(float, fourier[1 : count + 1]))
