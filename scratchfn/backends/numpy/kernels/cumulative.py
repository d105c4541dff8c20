"""cumsum, cumprod, cummax, cummin and cumlogsumexp: every prefix of a reduction, along one axis.

The ufunc's own `accumulate` does it, in the operand's dtype; short floats are accumulated in
float32 and rounded once. `reverse` accumulates from the end.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scratchfn.core.quiet import quiet

from .dot import working_dtype


def _cumulative(accumulate: Callable[[np.ndarray, int], np.ndarray]) -> Callable[..., np.ndarray]:
    @quiet
    def kernel(x: np.ndarray, *, axis: int, reverse: bool) -> np.ndarray:
        wide = x.astype(working_dtype(x.dtype), copy=False)
        if reverse:
            out = np.flip(accumulate(np.flip(wide, axis), axis), axis)
        else:
            out = accumulate(wide, axis)
        return out.astype(x.dtype, copy=False)

    return kernel


def _by_ufunc(ufunc: np.ufunc) -> Callable[[np.ndarray, int], np.ndarray]:
    return lambda x, axis: ufunc.accumulate(x, axis=axis, dtype=x.dtype)


def _accumulate_logaddexp(x: np.ndarray, axis: int) -> np.ndarray:
    """Step by step: each prefix is scaled by its own greatest element, never by a later one."""
    if x.dtype.kind != "c":
        return np.logaddexp.accumulate(x, axis=axis, dtype=x.dtype)
    out = np.moveaxis(x.copy(), axis, 0)  # [steps, ...], a view of the copy
    for i in range(1, len(out)):
        out[i] = _complex_logaddexp(out[i - 1], out[i])
    return np.moveaxis(out, 0, axis)


def _complex_logaddexp(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    scale = np.maximum(a.real, b.real)
    scale = np.where(np.isfinite(scale), scale, 0)
    return np.log(np.exp(a - scale) + np.exp(b - scale)) + scale


cumsum = _cumulative(_by_ufunc(np.add))
cumprod = _cumulative(_by_ufunc(np.multiply))
cummax = _cumulative(_by_ufunc(np.maximum))
cummin = _cumulative(_by_ufunc(np.minimum))
cumlogsumexp = _cumulative(_accumulate_logaddexp)
