"""exp of float32 to the bit as a compiled XLA program has it on a CPU.

The approximation is Moshier's (Cephes, 1984: `expf`), in fused steps. What is too small for a
normal number is 0, as such programs have it.

Read next: `fused_pow.py`.
"""

from __future__ import annotations

import numpy as np

from scratchfn.backends.numpy.kernels.fused import fma, horner, rounded, tiled, wide
from scratchfn.backends.numpy.kernels.fused_log import LN2_HIGH, LN2_LOW, TINY

_LEAST, _MOST = np.float32(-87.8), np.float32(88.8)
_LOG2_E = wide(1.44269504088896341)
_COEFFICIENTS = tuple(
    wide(c)
    for c in (
        1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5
    )
)  # fmt: skip


@tiled
def exp(x: np.ndarray) -> np.ndarray:
    """exp x = 2^n exp r for r = x - n log 2, and exp r = 1 + r + r^2 p(r)."""
    x = np.clip(x, _LEAST, _MOST)
    n = np.floor(fma(x.astype(np.float64), _LOG2_E, 0.5)).clip(-127, 127)
    r = fma(n, -np.float64(LN2_LOW), (x - n * LN2_HIGH).astype(np.float32))
    p = np.multiply(horner(r, _COEFFICIENTS), rounded(r * r))
    out = np.add(p, r).astype(np.float32)
    out += np.float32(1)
    out *= power_of_2(n)
    out[out < TINY] = 0
    return out


def power_of_2(n: np.ndarray) -> np.ndarray:
    """2^n in float32 for whole n from -126 to 127, made of its bits; 0 for -127."""
    bits = n.astype(np.int32)
    bits += 127
    bits <<= 23
    return bits.view(np.float32)
