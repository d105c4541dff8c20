"""fft: the discrete Fourier transforms over the last axes of an array.

    FFT    y[k] = sum_n x[n] exp(-2 pi i k n / N)             complex to complex
    IFFT   y[n] = 1/N sum_k x[k] exp(+2 pi i k n / N)         complex to complex
    RFFT   the first N // 2 + 1 of FFT's                      real to complex
    IRFFT  IFFT of the sequence whose first N // 2 + 1 these are, the others their conjugates

`fft_lengths` are the sizes of the transformed axes, N for the last one in the real transforms too.
All are linear. The matrix of exp(-2 pi i k n / N) is symmetric, so FFT and IFFT are their own
transposes; RFFT and IRFFT are each other's, but for counting the frequencies that a real sequence
has twice, as a number and as its conjugate.

Read next: `numpy/fft.py`.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.backends.numpy.kernels import fft as kernels
from scratchfn.core import dtypes
from scratchfn.core.array import Array
from scratchfn.core.avals import ShapedArray
from scratchfn.core.params import FftType
from scratchfn.core.template import expression, kernel
from scratchfn.core.trace import Primitive
from scratchfn.primitives.arithmetic import mul
from scratchfn.primitives.base import Axes, linear_jvp, move_axis
from scratchfn.primitives.convert import conj

kernel(kernels.fft_kernel)

_REAL = (dtypes.float32, dtypes.float64)
_COMPLEX = (dtypes.complex64, dtypes.complex128)


def _fft_aval(x: ShapedArray, *, fft_type: FftType, fft_lengths: Axes) -> ShapedArray:
    takes = _REAL if fft_type == FftType.RFFT else _COMPLEX
    if x.dtype not in takes:
        names = " or ".join(dtype.name for dtype in takes)
        raise ValueError(_explain(x, fft_type, fft_lengths, f"it transforms {names} alone"))
    if len(fft_lengths) > x.ndim:
        why = "each length is the size of an axis, counted from the last"
        raise ValueError(_explain(x, fft_type, fft_lengths, why))
    sizes = x.shape[x.ndim - len(fft_lengths) :]
    wanted = fft_lengths
    if fft_type == FftType.IRFFT and fft_lengths:
        wanted = (*fft_lengths[:-1], fft_lengths[-1] // 2 + 1 if fft_lengths[-1] else sizes[-1])
    if sizes != wanted:
        raise ValueError(
            _explain(x, fft_type, fft_lengths, f"the last axes have sizes {sizes}, not {wanted}")
        )
    if fft_type == FftType.RFFT and fft_lengths[-1:] == (0,):
        why = "a transform of real numbers has at least one"
        raise ValueError(_explain(x, fft_type, fft_lengths, why))
    shape = kernels.fft_shape(x.shape, fft_type, fft_lengths)
    if fft_type == FftType.RFFT:
        return ShapedArray(shape, _COMPLEX[_REAL.index(x.dtype)])
    if fft_type == FftType.IRFFT:
        return ShapedArray(shape, _REAL[_COMPLEX.index(x.dtype)])
    return x.strong()


def _explain(x: ShapedArray, fft_type: FftType, lengths: Axes, why: str) -> str:
    return errors.explain(
        f"lax.fft({x}, {fft_type.name}, {lengths})", f"an array of type {x}", why,
        f"jnp.fft.{fft_type.name.lower()}n(x, s={lengths}), which converts, crops and pads",
    )  # fmt: skip


def _fft_transpose(ct: Any, x: Any, *, fft_type: FftType, fft_lengths: Axes) -> Any:
    if fft_type == FftType.RFFT:
        back = fft(conj(mul(ct, _share(ct, fft_lengths))), FftType.IRFFT, fft_lengths)
        return [mul(back, Array(np.asarray(prod(fft_lengths), back.dtype)))]
    if fft_type == FftType.IRFFT:
        forth = fft(ct, FftType.RFFT, fft_lengths)
        size = prod(fft_lengths)
        return [conj(mul(forth, _share(forth, fft_lengths, lambda share: 1 / share / size)))]
    return [fft(ct, fft_type, fft_lengths)]


def _share(x: Any, lengths: Axes, of: Any = lambda share: share) -> Any:
    """For each frequency of a real transform `x`, a function of 1 if it is its own conjugate, of
    1/2 if it stands for two."""
    n = lengths[-1]
    share = np.full(n // 2 + 1, 0.5)
    share[0] = 1
    if n % 2 == 0:
        share[-1] = 1
    shape = (1,) * (x.ndim - 1) + share.shape
    return Array(of(share).astype(x.dtype).reshape(shape))


def _fft_batch(size: int, args: Any, dims: Any, **params: Any) -> Any:
    return fft_p.bind(move_axis(args[0], dims[0], 0), **params), 0


fft_p = Primitive(
    "fft",
    aval=_fft_aval,
    transpose=_fft_transpose,
    batch=_fft_batch,
    **expression("fft_kernel({0}, {fft_type}, {fft_lengths})"),
)
fft_p.jvp = linear_jvp(fft_p)


def fft(x: Any, fft_type: FftType, fft_lengths: Axes) -> Any:
    """The transform over the last axes of `x`, whose dtype it must be one of."""
    return fft_p.bind(x, fft_type=fft_type, fft_lengths=fft_lengths)
