"""pad, rev, iota, select_n and clamp: elements moved or chosen, never computed.

Reductions are in reduce.py, running ones in cumulative.py.
"""

from __future__ import annotations

import numpy as np

Shape = tuple[int, ...]

LARGE = 4096  # elements from which choosing by bits beats np.where
_BITS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def pad(
    operand: np.ndarray,
    padding_value: np.ndarray,
    *,
    padding_config: tuple[tuple[int, int, int], ...],
) -> np.ndarray:
    """lax.pad: (low, high, interior) for each axis; negative edges cut elements off."""
    shape, source, target = pad_places(operand.shape, padding_config)
    out = np.empty(shape, operand.dtype)
    out[...] = padding_value
    out[target] = operand[source]
    return out


def pad_places(
    operand: Shape, padding_config: tuple[tuple[int, int, int], ...]
) -> tuple[Shape, tuple[slice, ...], tuple[slice, ...]]:
    """A padded array's shape, what is taken of the operand, and where that goes."""
    source: list[slice] = []
    target: list[slice] = []
    shape: list[int] = []
    for n, (low, high, interior) in zip(operand, padding_config, strict=True):
        step = interior + 1
        size = low + max((n - 1) * step + 1, 0) + high
        first = max(-(low // step), 0)  # the first element that lands at 0 or later
        stop = max(min(n, (size - 1 - low) // step + 1), first)  # and the first beyond the end
        place = low + first * step
        source.append(slice(first, stop))
        target.append(slice(place, max(place + (stop - first - 1) * step + 1, place), step))
        shape.append(size)
    return tuple(shape), tuple(source), tuple(target)


def rev(operand: np.ndarray, *, dimensions: Shape) -> np.ndarray:
    """lax.rev: a view with those axes backwards."""
    steps = (slice(None, None, -1 if d in dimensions else None) for d in range(operand.ndim))
    return operand[(*steps, ...)]


def iota(dtype: np.dtype, shape: Shape, dimension: int, sharding: object = None) -> np.ndarray:
    """lax.iota: 0, 1, 2, ... along one axis."""
    line = np.arange(shape[dimension]).astype(dtype)
    if len(shape) == 1:
        return line
    out = np.empty(shape, dtype)
    out[...] = line.reshape((-1,) + (1,) * (len(shape) - dimension - 1))
    return out


def select_n(which: np.ndarray, *cases: np.ndarray) -> np.ndarray:
    """lax.select_n: of each element the case of that number; a number outside means the nearest."""
    if len(cases) == 1:
        return cases[0]
    if which.ndim == 0:
        return cases[min(max(int(which), 0), len(cases) - 1)]
    if which.dtype.kind == "b":
        return _choose(which, *cases)
    out = cases[0]
    for i, case in enumerate(cases[1:], 1):
        out = _choose(which >= i, out, case)
    return out


def _choose(which: np.ndarray, no: np.ndarray, yes: np.ndarray) -> np.ndarray:
    """np.where(which, yes, no), by bits where that is faster: no ^ ((no ^ yes) * which)."""
    bits = _BITS.get(no.dtype.itemsize)
    if which.size < LARGE or bits is None or no.dtype.names:
        return np.where(which, yes, no)
    if not (no.flags.c_contiguous and yes.flags.c_contiguous):
        return np.where(which, yes, no)
    no_bits, yes_bits = no.view(bits), yes.view(bits)
    out = np.bitwise_xor(no_bits, yes_bits)
    out = np.multiply(out, which, out=out if out.shape == which.shape else None)
    np.bitwise_xor(out, no_bits, out=out)
    return out.view(no.dtype)


def clamp(lo: np.ndarray, x: np.ndarray, hi: np.ndarray) -> np.ndarray:
    """lax.clamp: min(max(lo, x), hi), nan if any of them is; hi wins where lo exceeds it."""
    return np.asarray(np.minimum(np.maximum(lo, x), hi))
