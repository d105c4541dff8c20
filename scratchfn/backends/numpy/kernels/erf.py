"""erf of many float32, to two units in the last place.

x p(x^2) / q(x^2) with the coefficients of `fused_erf.py`, in float64 and rounded once; 1 beyond.
SciPy's takes three times as long for each number, but has no tiles to set up.

Read next: `erf_inv.py`.
"""

from __future__ import annotations

import numpy as np

from scratchfn.backends.numpy.kernels.fused import TILE
from scratchfn.backends.numpy.kernels.fused_erf import DENOMINATOR, MOST, NUMERATOR

SMALL = 4096  # numbers up to which SciPy is as fast


def erf(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    """The error function of float32, written to `out`."""
    flat, result = x.reshape(-1), out.reshape(-1)
    square, p, q = np.empty((3, min(TILE, x.size)))
    for start in range(0, x.size, TILE):
        some = slice(start, start + TILE)
        n = flat[some].size
        _erf_of_tile(flat[some], result[some], square[:n], p[:n], q[:n])
    return out


def _erf_of_tile(
    x: np.ndarray, out: np.ndarray, square: np.ndarray, p: np.ndarray, q: np.ndarray
) -> None:
    beyond = np.abs(x) >= MOST
    np.copyto(q, x)
    np.multiply(q, q, square)
    _polynomial(square, NUMERATOR, p)
    np.multiply(p, q, p)
    _polynomial(square, DENOMINATOR, q)
    np.divide(p, q, p)
    if beyond.any():
        np.copysign(1, x, p, where=beyond)
    np.copyto(out, p, "same_kind")


def _polynomial(x: np.ndarray, coefficients: tuple[np.ndarray, ...], out: np.ndarray) -> None:
    """From the highest power down."""
    first, *between, last = coefficients
    np.multiply(x, first, out)
    for c in between:
        np.add(out, c, out)
        np.multiply(out, x, out)
    np.add(out, last, out)
