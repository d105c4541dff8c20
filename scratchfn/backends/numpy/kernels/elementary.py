"""log1p and expm1 of many float32 by way of log, exp and tanh.

NumPy computes the latter with vector instructions on all processors, but the former only on those
with AVX-512; on others they take ten times as long for each number. `calibrate.py` says which is
faster. Errors are those of NumPy's log, exp and tanh and one or two units in the last place more.

Read next: `backends/numpy/calibrate.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from scratchfn.backends.numpy.kernels.fused import TILE

Tile = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray], None]

_ONE, _HALF = np.ones((), np.float32), np.full((), 0.5, np.float32)


def _over_tiles(of_tile: Tile) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A function of float32 to an array, which may be the argument itself, tile by tile. Each tile
    gets two arrays of floats and one of bools to work with."""

    @functools.wraps(of_tile)
    def over_tiles(x: np.ndarray, out: np.ndarray) -> np.ndarray:
        flat, result = x.reshape(-1), out.reshape(-1)
        u, v = np.empty((2, min(TILE, x.size)), np.float32)
        chosen = np.empty(u.shape, np.bool_)
        for start in range(0, x.size, TILE):
            part = flat[start : start + TILE]
            n = part.size
            of_tile(part, result[start : start + TILE], u[:n], v[:n], chosen[:n])
        return out

    return over_tiles


@_over_tiles
def log1p_by_log(
    x: np.ndarray, out: np.ndarray, u: np.ndarray, lost: np.ndarray, some: np.ndarray
) -> None:
    """log u + (x - (u - 1)) / u for u = 1 + x as it is rounded: what the rounding lost is added (W.
    Kahan). Where nothing was, at inf and -1 too, the quotient is made 0 by its bits."""
    np.add(x, _ONE, u)
    np.subtract(u, _ONE, lost)
    np.not_equal(lost, x, some)
    np.subtract(x, lost, lost)
    np.divide(lost, u, lost)
    bits = lost.view(np.int32)
    np.multiply(bits, some, bits)
    np.log(u, u)
    np.add(u, lost, u)
    np.copysign(u, x, out)


@_over_tiles
def expm1_by_exp(
    x: np.ndarray, out: np.ndarray, near: np.ndarray, far: np.ndarray, is_near: np.ndarray
) -> None:
    """2 t / (1 - t) for t = tanh(x / 2) where |x| < 1, else exp(x) - 1, chosen by their bits."""
    np.multiply(x, _HALF, near)
    np.absolute(near, far)
    np.less(far, _HALF, is_near)
    np.tanh(near, near)
    np.subtract(_ONE, near, far)
    np.divide(near, far, near)
    np.add(near, near, near)
    np.exp(x, far)
    np.subtract(far, _ONE, far)
    near_bits, far_bits = near.view(np.int32), far.view(np.int32)
    np.bitwise_xor(near_bits, far_bits, near_bits)
    np.multiply(near_bits, is_near, near_bits)
    np.bitwise_xor(near_bits, far_bits, out.view(np.int32))
