"""log and log1p of float32 to the bit as a compiled XLA program has them on a CPU.

NumPy's are as good, but differ in the last place of one number in twelve, which every sampler
would show. The approximations are Moshier's (Cephes, 1984: `logf`, `log1p`), in fused steps.

Read next: `fused_exp.py`.
"""

from __future__ import annotations

import numpy as np

from scratchfn.backends.numpy.kernels.fused import fma, horner, tiled, wide

# log(1 + x) = x - x^2 / 2 + x^3 (a x^6 + b x^3 + c); the three polynomials, power by power
_CUBIC = (
    wide(7.0376836292e-2, -1.2420140846e-1, 2.0000714765e-1),
    wide(-1.1514610310e-1, 1.4249322787e-1, -2.4999993993e-1),
    wide(1.1676998740e-1, -1.6668057665e-1, 3.3333331174e-1),
)
# log(1 + x) = x - x^2 / 2 + x^3 n / d near 0; numerator and denominator
_RATIO = (
    wide(4.5270000862445199635215e-5, 1.0),
    wide(4.9854102823193375972212e-1, 1.5062909083469192043167e1),
    wide(6.5787325942061044846969, 8.3047565967967209469434e1),
    wide(2.9911919328553073277375e1, 2.2176239823732856465394e2),
    wide(6.0949667980987787057556e1, 3.0909872225312059774938e2),
    wide(5.7112963590585538103336e1, 2.1642788614495947685003e2),
    wide(2.0039553499201281259648e1, 6.0118660497603843919306e1),
)
LN2_LOW, LN2_HIGH = np.float32(-2.12194440e-4), np.float32(0.693359375)
_HALF, _ONE = np.float32(0.5), np.float32(1)
_ROOT_HALF = np.float32(0.707106781186547524).view(np.int32)
_NEAR = np.float32(0.41421356237309504880)
TINY = np.finfo(np.float32).tiny


@tiled
def log(y: np.ndarray) -> np.ndarray:
    """The logarithm of float32; of what is too small for a normal number it is -inf."""
    return _log(y)


@tiled
def log1p(x: np.ndarray) -> np.ndarray:
    """log(1 + x) of float32."""
    near = np.abs(x) < _NEAR
    if near.all():
        return _log1p_near(x)
    here, there = np.flatnonzero(near), np.flatnonzero(~near)
    out = np.empty_like(x)
    out[here] = _log1p_near(x[here])
    out[there] = _log(_ONE + x[there])
    return out


def _log(y: np.ndarray) -> np.ndarray:
    """y = (1 + x) 2^e with 1 + x in [sqrt(1/2), sqrt(2)), taken apart by its bits."""
    bits = y.view(np.int32) - _ROOT_HALF
    e = (bits >> 23).astype(np.float32)
    bits &= 0x7FFFFF
    bits += _ROOT_HALF
    x = bits.view(np.float32) - _ONE
    square = x * x
    cube = (square * x).astype(np.float64)
    a, b, c = horner(x.astype(np.float64), _CUBIC)
    out = fma(fma(a, cube, b), cube, c)
    np.multiply(out, cube, out)
    tail = np.add(out, LN2_LOW * e).astype(np.float32)
    tail += x - _HALF * square
    tail += e * LN2_HIGH
    if not (np.min(y, initial=1) >= TINY and np.max(y, initial=1) < np.inf):
        odd = np.flatnonzero(~((y >= TINY) & (y < np.inf)))
        tail[odd] = np.log(np.where(np.abs(y[odd]) < TINY, np.float32(0), y[odd]))
    return tail


def _log1p_near(x: np.ndarray) -> np.ndarray:
    numerator, denominator = horner(x.astype(np.float64), _RATIO)
    out = (numerator / denominator).astype(np.float32)
    square = x * x
    out *= x * square
    out -= _HALF * square
    out += x
    return out
