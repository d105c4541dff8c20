"""tan of float32 to the bit as a compiled XLA program has it on a CPU, but for 5 in a million.

Such a program calls the C library's `tanf`. glibc's was, until version 2.41, that of Sun's fdlibm
(1993): a polynomial of degree 27 on [-pi / 4, pi / 4], in plain float32 steps. Beyond, -1 / tan of
the angle less pi / 2. Later versions of glibc give the nearest number, an ulp from this one for one
angle in 30.

Read next: `fused_lgamma.py`.
"""

from __future__ import annotations

import numpy as np

from scratchfn.backends.numpy.kernels.fused import tiled

_F = np.float32
# tan x = x + c[0] x^3 + c[1] x^5 + ...
_COEFFICIENTS = [
    _F(c)
    for c in (
        3.3333334327e-1, 1.3333334029e-1, 5.3968254477e-2, 2.1869488060e-2, 8.8632395491e-3,
        3.5920790397e-3, 1.4562094584e-3, 5.8804126456e-4, 2.4646313977e-4, 7.8179444245e-5,
        7.1407252108e-5, -1.8558637748e-5, 2.5907305826e-5,
    )
]  # fmt: skip
_QUARTER_PI, _QUARTER_PI_LOW = _F(7.8539812565e-1), _F(3.7748947079e-8)
# pi / 2 in parts of 17 bits each, and what is left of it after one and after two of them
_FIRST, _AFTER_FIRST = _F(1.5707855225), _F(1.0804334124e-5)
_SECOND, _AFTER_SECOND = _F(1.0804273188e-5), _F(6.0770999344e-11)
_NEAR_HALF_PI = _F(1.5625)  # where the first part cancels, the second is needed
_STEEP = np.int32(0x3F2CA140).view(np.float32)  # 0.674, from where the polynomial takes pi / 4 - x
_SMALL = _F(2.0**-13)


def tan(x: np.ndarray) -> np.ndarray:
    """tan x for |x| <= pi / 2; other x by NumPy's `tan`."""
    if np.all(np.abs(x) <= _F(1.5707964)):
        return _tan(x)
    return np.where(np.abs(x) <= _F(1.5707964), _tan(x), np.tan(x))


@tiled
def _tan(x: np.ndarray) -> np.ndarray:
    angle = np.abs(x)
    beyond = angle > _QUARTER_PI
    high, low = _less_half_pi(angle)
    high, low = np.where(beyond, high, angle), np.where(beyond, low, _F(0))
    which = np.where(beyond, _F(-1), _F(1))  # -1: of a right triangle's other angle
    sign = np.copysign(_F(1), high)
    steep = np.abs(high) >= _STEEP
    rest = (_QUARTER_PI - high * sign) + (_QUARTER_PI_LOW - low * sign)
    high, low = np.where(steep, rest, high), np.where(steep, _F(0), low)
    tail = _tail(high, low)
    total = high + tail
    flat = np.where(beyond, _minus_reciprocal(high, tail, total), total)
    # tan(pi / 4 - t) = 1 - 2 (t - ...)
    bent = which - _F(2) * (high - (total * total / (total + which) - tail))
    bent = np.where(np.abs(high) < _SMALL, which * (_F(1) - _F(2) * which * high), bent)
    return np.copysign(_F(1), x) * np.where(steep, sign * bent, flat)


def _less_half_pi(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x - pi / 2, and what rounding takes from it."""
    near = x >= _NEAR_HALF_PI
    part = np.where(near, (x - _FIRST) - _SECOND, x - _FIRST)
    left = np.where(near, _AFTER_SECOND, _AFTER_FIRST)
    high = part - left
    return high, (part - high) - left


def _tail(x: np.ndarray, low: np.ndarray) -> np.ndarray:
    """tan(x + low) - x"""
    z = x * x
    w = z * z
    odd, even = _powers(w, _COEFFICIENTS[1::2]), z * _powers(w, _COEFFICIENTS[2::2])
    cube = z * x
    return (low + z * (cube * (odd + even) + low)) + _COEFFICIENTS[0] * cube


def _powers(w: np.ndarray, coefficients: list[np.float32]) -> np.ndarray:
    value = np.full_like(w, coefficients[-1])
    for c in coefficients[-2::-1]:
        value = c + w * value
    return value


def _minus_reciprocal(x: np.ndarray, tail: np.ndarray, total: np.ndarray) -> np.ndarray:
    """-1 / (x + tail), whose sum is `total`: corrected by what the half-length parts of `total` and
    of the quotient, whose products are exact, leave over."""
    short = _shortened(total)
    left = tail - (short - x)
    quotient = _F(-1) / total
    head = _shortened(quotient)
    error = (_F(1) + head * short) + head * left
    return np.where(np.abs(x) < _SMALL, _F(-1) / x, head + quotient * error)


def _shortened(x: np.ndarray) -> np.ndarray:
    return (x.view(np.int32) & np.int32(-4096)).view(np.float32)
