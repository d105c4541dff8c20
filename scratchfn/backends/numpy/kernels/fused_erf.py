"""erf of float32 to the bit as a compiled XLA program has it on a CPU: x p(x^2) / q(x^2) up to
|x| = 3.7439, and 1 beyond, in fused steps. (A program of nothing but erf goes on to 3.8325.)

Read next: `erf_inv.py`.
"""

from __future__ import annotations

import numpy as np

from scratchfn.backends.numpy.kernels.fused import horner, tiled, wide

MOST = np.float32(3.7439213)
NUMERATOR = tuple(
    wide(c) for c in (2.2905065e-4, 3.4082910e-3, 5.0955694e-2, 1.8520832e-1, 1.1283791)
)
DENOMINATOR = tuple(
    wide(c)
    for c in (
        -1.1791603e-7, 2.3547966e-5, 1.0179626e-3, 1.4070470e-2, 1.1098505e-1, 4.9746925e-1, 1.0
    )
)  # fmt: skip


@tiled
def erf(x: np.ndarray) -> np.ndarray:
    """The error function of float32."""
    inside = np.clip(x, -MOST, MOST)
    square = (inside * inside).astype(np.float64)
    numerator = inside * horner(square, NUMERATOR).astype(np.float32)
    ratio = numerator / horner(square, DENOMINATOR).astype(np.float32)
    return np.where(np.abs(x) >= MOST, np.copysign(np.float32(1), x), ratio)
