"""Powers of float32 to the bit as a compiled XLA program has them on a CPU.

Such a program calls the C library's `powf`. That of glibc, which it has from ARM (Nagy, "Optimized
routines", 2017), computes x^y = 2^(y log2 x) in float64, good to 0.52 ulp: one number in 1,500 is
not the nearest to the truth. log2 x is taken from a table for a number near x, and the rest from a
polynomial; 2^t likewise, from the multiple of 1/32 that is nearest to t.

What is too small for a normal number is 0, as XLA's programs have it.

Read next: `fused_tan.py`.
"""

from __future__ import annotations

import numpy as np

from scratchfn.backends.numpy.kernels.fused import tiled
from scratchfn.backends.numpy.kernels.fused_log import TINY

# 1 / c for a number c in each sixteenth of [0.699, 1.398), from whose bits the sixteenth is read
_RECIPROCAL = np.array([
    1.398907162146528, 1.3403141896637998, 1.286432210124115, 1.2367150214269895,
    1.1906977166711752, 1.1479821020556429, 1.1082251448272158, 1.0711297413057381,
    1.036437278977283, 1.0, 0.9492859795739057, 0.8951049428609004, 0.8476821620351103,
    0.8050314851692001, 0.7664671008843108, 0.731428603316328,
])  # fmt: skip
_LOG2 = -np.log2(_RECIPROCAL)
_FIRST = np.int32(0x3F330000)  # the bits of 0.699


@tiled
def power(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x^y for x >= 0 and finite y; others by NumPy's `power`."""
    with np.errstate(all="ignore"):
        out = _exp2(y.astype(np.float64) * _log2(x)).astype(np.float32)
    out[out < TINY] = 0
    ordinary = (x >= TINY) & (x < np.inf) & np.isfinite(y)
    if not ordinary.all():
        odd = np.flatnonzero(~ordinary)
        out[odd] = np.power(x[odd], y[odd])
    return out


def _log2(x: np.ndarray) -> np.ndarray:
    """log2 x = e + log2 c + log2(1 + r) for x = z 2^e and r = z / c - 1."""
    bits = x.view(np.int32)
    place = bits - _FIRST
    which = (place >> 19) & 15
    z = (bits - (place & np.int32(-(1 << 23)))).view(np.float32).astype(np.float64)
    r = z * _RECIPROCAL[which] - 1
    r2 = r * r
    first = 1.4426950408774342 * r + (_LOG2[which] + (place >> 23))
    second = 0.480898481472577 * r - 0.7213474675006291
    third = 0.288457581109214 * r - 0.36092606229713164
    return third * (r2 * r2) + (second * r2 + first)


def _exp2(t: np.ndarray) -> np.ndarray:
    """2^t = 2^k 2^r for k the multiple of 1/32 nearest to t."""
    k = np.round(t * 32) / 32
    r = t - k
    head = 0.6931471806916203 * r + 1
    return np.exp2(k) * ((0.05550361559341535 * r + 0.2402284522445722) * (r * r) + head)
