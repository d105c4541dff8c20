"""fma: x * y + z, rounded once instead of twice.

XLA's compiler contracts a float32 or float64 multiplication and the addition after it to one fused
instruction, which NumPy does not have. A sampler that scales uniform numbers to a range would
differ from JAX's in the last bit of every other number, so it uses this primitive, which computes
what the fused instruction does.

Read next: `random/bits.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn.core import dtypes
from scratchfn.core.template import kernel
from scratchfn.primitives.arithmetic import add, mul
from scratchfn.primitives.base import unbroadcast
from scratchfn.primitives.rules import elementwise, is_linear

_SPLITTER = {4: np.float32(2**12 + 1), 8: np.float64(2**27 + 1)}  # cuts a mantissa into halves


@kernel
def fma(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """float32 goes through float64, where products are exact; float64 carries its error along."""
    if np.ndim(y) == 0 and np.frexp(y)[0] == 0.5:  # times a power of two is exact anyway
        out = np.multiply(x, y)
        return np.add(out, z, out=out) if np.shape(z) == () and np.ndim(out) else np.add(out, z)
    if x.dtype == np.float32:
        wide = np.multiply(x, y, dtype=np.float64)
        return np.add(wide, z).astype(np.float32)
    plain = np.add(np.multiply(x, y), z)
    exact = _fma64(x, y, z)
    return np.where(np.isfinite(exact), exact, plain)


def _fma64(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Dekker's product and Knuth's sum: p + e = x y and s + t = p + z hold exactly, so s + (t + e)
    is x y + z."""
    p = np.multiply(x, y)
    (x1, x0), (y1, y0) = _halves(x), _halves(y)
    e = ((x1 * y1 - p) + x1 * y0 + x0 * y1) + x0 * y0
    s = p + z
    b = s - p
    t = (p - (s - b)) + (z - b)
    return np.add(s, t + e)


def _halves(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two numbers of half the digits whose sum is x: products of such are exact."""
    scaled = x * _SPLITTER[x.dtype.itemsize]
    high = scaled - (scaled - x)
    return high, x - high


def _transpose(ct: Any, x: Any, y: Any, z: Any) -> list[Any]:
    return [
        unbroadcast(mul(ct, y), x.aval) if is_linear(x) else None,
        unbroadcast(mul(x, ct), y.aval) if is_linear(y) else None,
        unbroadcast(ct, z.aval) if is_linear(z) else None,
    ]


fma_p = elementwise(
    "fma", "fma({0}, {1}, {2})", "f",
    lambda dx, ans, x, y, z: mul(dx, y),
    lambda dy, ans, x, y, z: mul(x, dy),
    lambda dz, ans, x, y, z: dz,
    transpose=_transpose,
    jax=lambda lax, x, y, z: x * y + z,
)  # fmt: skip


def multiply_add(x: Any, y: Any, z: Any) -> Any:
    """x y + z with one rounding in the dtypes that XLA fuses in, those of at least 32 bits."""
    wide = z.dtype in (dtypes.float32, dtypes.float64)
    return fma_p.bind(x, y, z) if wide else add(mul(x, y), z)
