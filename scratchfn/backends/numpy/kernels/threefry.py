"""threefry2x32: the random bits of every key, equal to JAX's bit for bit.

Threefry-2x32 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011) maps a counter
of two words to two random words under a key of two words. Each of its 20 rounds mixes

    x0 += x1;  x1 = rotate_left(x1, r) ^ x0

and after every four of them two of the words k0, k1 and k2 = k0 ^ k1 ^ PARITY are added in.

That is a hundred passes over an array, so they run in place over tiles that stay in the cache, on
all threads. For a handful of counters, such as those of a `split`, Python's integers beat a hundred
NumPy calls.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scratchfn.backends.numpy.pool import in_tiles

PARITY = 0x1BD11BDA
ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24)) * 2 + ((13, 15, 26, 6),)  # five groups of four
TILE = 1 << 16  # counters at a time: two words each and a temporary, 768 KiB
FEW = 4  # counters up to which Python's integers are faster

_WORD = 0xFFFFFFFF
_SHIFTS = [[(np.array(r, "u4"), np.array(32 - r, "u4")) for r in group] for group in ROTATIONS]
_COUNTS = [np.array(i, "u4") for i in range(6)]
_PARITY = np.array(PARITY, "u4")


def threefry2x32(
    k0: np.ndarray, k1: np.ndarray, x0: np.ndarray, x1: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """lax's threefry2x32: two uint32 words for each counter (x0, x1) under its key (k0, k1)."""
    shape = np.broadcast_shapes(k0.shape, k1.shape, x0.shape, x1.shape)
    out0, out1 = np.empty(shape, np.uint32), np.empty(shape, np.uint32)
    y0, y1 = out0.reshape(-1), out1.reshape(-1)  # views: from here on there is one axis, or none
    words = [_flat(x, shape) for x in (k0, k1, x0, x1)]
    if y0.size <= FEW:
        for i, counter in enumerate(zip(*_lists(words, y0.size), strict=True)):
            y0[i], y1[i] = _encrypt(*counter)
        return out0, out1

    def encrypt(tile: slice) -> None:
        _encrypt_tile([x[tile] if x.ndim else x for x in words], y0[tile], y1[tile])

    in_tiles(encrypt, y0.size, TILE)
    return out0, out1


def _flat(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if x.size == 1:
        return np.asarray(x).reshape(())  # a row of a key is a NumPy number
    return (x if x.shape == shape else np.broadcast_to(x, shape)).reshape(-1)


def _lists(words: list[np.ndarray], size: int) -> list[list[int]]:
    return [np.broadcast_to(x, size).tolist() for x in words]


def _encrypt(k0: int, k1: int, x0: int, x1: int) -> tuple[int, int]:
    """One counter, in Python's integers."""
    keys = (k0, k1, k0 ^ k1 ^ PARITY)
    x0, x1 = (x0 + k0) & _WORD, (x1 + k1) & _WORD
    for i, group in enumerate(ROTATIONS, 1):
        for r in group:
            x0 = (x0 + x1) & _WORD
            x1 = ((x1 << r) & _WORD | x1 >> (32 - r)) ^ x0
        x0 = (x0 + keys[i % 3]) & _WORD
        x1 = (x1 + keys[(i + 1) % 3] + i) & _WORD
    return x0, x1


def _encrypt_tile(words: Sequence[np.ndarray], y0: np.ndarray, y1: np.ndarray) -> None:
    """The random words of (k0, k1, x0, x1), to (y0, y1)."""
    k0, k1, x0, x1 = words
    keys = (k0, k1, np.asarray(k0 ^ k1 ^ _PARITY))
    np.add(x0, k0, y0)
    np.add(x1, k1, y1)
    high = np.empty_like(y1)  # the bits shifted out
    for i, group in enumerate(_SHIFTS, 1):
        for left, right in group:
            np.add(y0, y1, y0)
            np.right_shift(y1, right, high)
            np.left_shift(y1, left, y1)
            np.bitwise_or(y1, high, y1)
            np.bitwise_xor(y1, y0, y1)
        np.add(y0, keys[i % 3], y0)
        np.add(y1, np.add(keys[(i + 1) % 3], _COUNTS[i]), y1)
