"""log k! of float32 to the bit as a compiled XLA program has `lgamma(k + 1)` on a CPU.

Lanczos, "A precision approximation of the gamma function", 1964, with g = 7 and eight terms:

    log k! = (k + 1/2) log t - t + log(2 pi) / 2 + log A(k),  t = k + 7.5

Read next: `fused_erf.py`.
"""

from __future__ import annotations

import numpy as np

from scratchfn.backends.numpy.kernels.fused import tiled
from scratchfn.backends.numpy.kernels.fused_log import log, log1p

_F = np.float32
_TERMS = (
    676.520368121885098567009190444019, -1259.13921672240287047156078755283,
    771.3234287776530788486528258894, -176.61502916214059906584551354,
    12.507343278686904814458936853, -0.13857109526572011689554707,
    9.984369578019570859563e-6, 1.50563273514931155834e-7,
)  # fmt: skip


@tiled
def log_factorial(k: np.ndarray) -> np.ndarray:
    """log k! for k >= 0; for others the logarithm of |gamma(k + 1)| by SciPy."""
    series = np.ones_like(k)
    for n, c in enumerate(_TERMS, 1):
        series += _F(c) / (k + _F(n))
    t = k + _F(7.5)
    log_t = log1p(k * _F(1 / 7.5)) + _F(np.log(7.5))
    difference = (k + _F(0.5)) - t / log_t
    product = np.multiply(difference, log_t, dtype=np.float64)
    out = (product + np.float64(_F(np.log(2 * np.pi) / 2))).astype(np.float32)
    out += log(series)
    if not np.min(k, initial=0) >= 0:
        from scipy.special import gammaln  # here: it takes longer to import than all of scratchfn

        odd = np.flatnonzero(~(k >= 0))
        out[odd] = gammaln(k[odd] + 1)
    return out
