"""float32 computed as a compiled XLA program computes it: each `a * b + c` is rounded once.

Such programs use the processor's fused multiply-add, which NumPy does not have. Here a float32 is
held as a float64 of the same value. The product of two is then exact, and its sum with a third is
off by 2^-53, so that rounding it to float32 rounds `a * b + c` once; but for one sum in 2^29 that
lies just beside a tie. A single sum, product, quotient or root of float32 needs no such care.

A rounding takes two passes over the numbers, so all is done on tiles that stay in the cache, on all
threads.

Read next: `fused_log.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratchfn.backends.numpy.pool import in_tiles

TILE = 1 << 15


def tiled(f: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """f, a function of vectors of equal length, on arrays that broadcast together: tile by tile."""

    @functools.wraps(f)
    def over_tiles(*arrays: np.ndarray) -> np.ndarray:
        if len(arrays) > 1:
            arrays = np.broadcast_arrays(*arrays)
        shape, flat = arrays[0].shape, [x.reshape(-1) for x in arrays]
        size = flat[0].size
        if size <= TILE:
            return f(*flat).reshape(shape)
        out = np.empty(size, arrays[0].dtype)

        def fill(tile: slice) -> None:
            out[tile] = f(*(x[tile] for x in flat))

        in_tiles(fill, size, TILE)
        return out.reshape(shape)

    return over_tiles


def wide(*numbers: float) -> Any:
    """Constants of float32 as float64: a number; of several a column, one for each row of a stack
    of polynomials."""
    held = np.array(numbers, np.float32).astype(np.float64)
    return held.reshape(()) if len(numbers) == 1 else held[:, None]


def rounded(x: np.ndarray) -> np.ndarray:
    """float64 -> the nearest float32, held as float64."""
    return x.astype(np.float32).astype(np.float64)


def fma(a: Any, b: Any, c: Any) -> np.ndarray:
    """a * b + c of float32 held as float64, rounded once."""
    out = np.multiply(a, b)
    return rounded(np.add(out, c, out))


def horner(x: np.ndarray, coefficients: Sequence[Any]) -> np.ndarray:
    """A polynomial in fused steps, from the highest power down, of numbers held as float64. Of
    several polynomials of one length the coefficients are columns: -> [polynomial, n]."""
    first, *rest = coefficients
    value = np.multiply(x, first)
    short = np.empty(value.shape, np.float32)
    for power, c in enumerate(rest):
        if power:
            np.multiply(value, x, value)
        np.add(value, c, value)
        short[...] = value
        value[...] = short
    return value
