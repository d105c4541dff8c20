"""The discrete Fourier transforms over an array's last axes.

SciPy computes them, in the precision of the operand. Its transforms are the ones that NumPy has
too, and over several axes two to six times as fast as NumPy's; it is imported when the first
transform is run.
"""

from __future__ import annotations

import numpy as np

from scratchfn.core.params import FftType

Axes = tuple[int, ...]


def fft_shape(shape: Axes, fft_type: FftType, lengths: Axes) -> Axes:
    """The result's shape: real transforms halve the last axis, and inverse ones restore it."""
    if not lengths or fft_type in (FftType.FFT, FftType.IFFT):
        return shape
    last = lengths[-1] // 2 + 1 if fft_type == FftType.RFFT else lengths[-1]
    return (*shape[:-1], last)


def fft_kernel(x: np.ndarray, fft_type: FftType, lengths: Axes) -> np.ndarray:
    """The transform of `x` over its last `len(lengths)` axes; `lengths` are their sizes before a
    forward and after an inverse transform."""
    import scipy.fft

    shape = fft_shape(x.shape, fft_type, lengths)
    to = np.result_type(x.dtype, np.complex64)  # the complex dtype of the same precision
    dtype = np.dtype(f"f{to.itemsize // 2}") if fft_type == FftType.IRFFT else to
    if 0 in x.shape or 0 in shape:
        return np.zeros(shape, dtype)
    axes = tuple(range(x.ndim - len(lengths), x.ndim))
    if fft_type == FftType.FFT:
        return scipy.fft.fftn(x, axes=axes)
    if fft_type == FftType.IFFT:
        return scipy.fft.ifftn(x, axes=axes)
    if fft_type == FftType.RFFT:
        return scipy.fft.rfftn(x, axes=axes)
    return scipy.fft.irfftn(x, lengths, axes=axes)
