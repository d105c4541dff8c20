"""log and log1p of float32 to the bit as a compiled XLA program has them on a CPU.

NumPy's are as good, but differ in the last place of one number in twelve, and every normal random
number goes through log1p. The approximations are Moshier's (Cephes, 1984: `logf`, `log1p`), each
`a * b + c` rounded once, as a processor's fused multiply-add does. Here the product is exact in
float64, so it is rounded once as well, but for one sum in 2^29 that lies just beside a tie.

Read next: `erf_inv.py`.
"""

from __future__ import annotations

import numpy as np

_LOG = (
    (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1),
    (-1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1),
    (2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1),
)
_LN2_LOW, _LN2_HIGH = np.float32(-2.12194440e-4), np.float32(0.693359375)
_NUMERATOR = (
    4.5270000862445199635215e-5, 4.9854102823193375972212e-1, 6.5787325942061044846969,
    2.9911919328553073277375e1, 6.0949667980987787057556e1, 5.7112963590585538103336e1,
    2.0039553499201281259648e1,
)  # fmt: skip
_DENOMINATOR = (
    1.0, 1.5062909083469192043167e1, 8.3047565967967209469434e1, 2.2176239823732856465394e2,
    3.0909872225312059774938e2, 2.1642788614495947685003e2, 6.0118660497603843919306e1,
)  # fmt: skip
_HALF = np.float32(0.5)


def fused(a: np.ndarray, b: np.ndarray | np.float32, c: np.ndarray | np.float32) -> np.ndarray:
    """a * b + c of float32, rounded once."""
    return np.add(np.multiply(a, b, dtype=np.float64), c).astype(np.float32)


def fused_polynomial(x: np.ndarray, coefficients: tuple[float, ...]) -> np.ndarray:
    """Horner's rule in fused steps, from the highest power down."""
    first, *rest = map(np.float32, coefficients)
    value = np.full_like(x, first)
    for c in rest:
        value = fused(value, x, c)
    return value


def log(y: np.ndarray) -> np.ndarray:
    """The logarithm of positive, normal float32: y = m 2^e with m in [sqrt(1/2), sqrt(2)), and
    log m = x - x^2 / 2 + x^3 p(x) for x = m - 1."""
    m, exponent = np.frexp(y)
    low = m < np.float32(0.707106781186547524)
    e = (exponent - low).astype(np.float32)
    x = (m - np.float32(1)) + np.where(low, m, np.float32(0))
    square = x * x
    cube = square * x
    a, b, c = (fused_polynomial(x, part) for part in _LOG)
    tail = fused(fused(fused(a, cube, b), cube, c), cube, _LN2_LOW * e)
    return fused(e, _LN2_HIGH, fused(square, -_HALF, x) + tail)


def log1p(x: np.ndarray) -> np.ndarray:
    """log(1 + x) of float32 in (-1, inf): x - x^2 / 2 + x^3 n(x) / d(x) near 0."""
    square = x * x
    ratio = fused_polynomial(x, _NUMERATOR) / fused_polynomial(x, _DENOMINATOR)
    value = x + (-_HALF * square + (x * square) * ratio)
    far = np.flatnonzero(~(np.abs(x) < np.float32(0.41421356237309504880)))
    if far.size:
        y = np.float32(1) + x[far]
        value[far] = np.where((y > 0) & (y < np.inf), log(y), np.log(y))
    return value
