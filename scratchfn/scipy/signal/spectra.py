"""Spectra of signals over time: windows of a signal, each multiplied with a taper and transformed.

    stft    the transforms, window by window; istft puts the signal together again
    csd     the mean over windows of conj(X) Y, the power that two signals share; welch, Y = X

P. D. Welch, The use of FFT for the estimation of power spectra, 1967; J. B. Allen, Short term
spectral analysis, synthesis, and modification by discrete Fourier transform, 1977.

Read next: `numpy/fft.py`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.array import Array
from scratchfn.lax.elementwise import complex as complex_of
from scratchfn.numpy import fft
from scratchfn.numpy.arguments import axis_of, known
from scratchfn.numpy.at import IndexHelper
from scratchfn.numpy.conversion import asarray
from scratchfn.numpy.elementwise import conjugate, imag, real
from scratchfn.numpy.indexing import take
from scratchfn.numpy.manipulation import moveaxis, slice_along
from scratchfn.numpy.padding import pad
from scratchfn.numpy.promotion import lead, operand, promote_dtypes_inexact
from scratchfn.numpy.quantiles import median
from scratchfn.numpy.reductions import mean
from scratchfn.numpy.ufuncs import divide, multiply
from scratchfn.primitives import base
from scratchfn.scipy.signal.trends import detrend as less_trend

# option of stft -> mode and options of pad
_BOUNDARIES: dict[str | None, Any] = {
    "even": ("reflect", {}), "odd": ("reflect", {"reflect_type": "odd"}), "constant": ("edge", {}),
    "zeros": ("constant", {}), None: None,
}  # fmt: skip


class Windows(NamedTuple):
    """How a signal is cut into windows: their length, what neighbours share, the length of their
    transforms, and the taper they are multiplied with."""

    size: int
    overlap: int
    nfft: int
    taper: np.ndarray

    @property
    def step(self) -> int:
        return self.size - self.overlap


def _windows(
    name: str, window: Any, nperseg: Any, noverlap: Any, nfft: Any, length: int, default: int
) -> Windows:
    """The windows of a signal of the given length, from the user's arguments."""
    if nperseg is not None:
        nperseg = operator.index(known(name, "nperseg", nperseg))
        if nperseg < 1:
            raise _wrong(name, f"nperseg={nperseg}", "a window has one element at least")
    if isinstance(window, (str, tuple)):
        size = min(default if nperseg is None else nperseg, length)
        from scipy.signal import get_window  # it takes half a second to import

        taper = get_window(window, size)
    else:
        taper = np.asarray(known(name, "window", window))
        size = taper.size if nperseg is None else nperseg
        if taper.shape != (size,) or size > length:
            why = f"it is a vector of {size} numbers, and the signal has {length}"
            raise _wrong(name, f"a window of shape {taper.shape}", why)
    overlap = size // 2 if noverlap is None else operator.index(noverlap)
    nfft = size if nfft is None else operator.index(nfft)
    if overlap >= size or nfft < size:
        why = f"windows of {size} share less than that, and are transformed as a whole"
        raise _wrong(name, f"noverlap={overlap}, nfft={nfft}", why)
    return Windows(size, overlap, nfft, taper)


def _wrong(name: str, found: str, why: str) -> ValueError:
    return ValueError(
        errors.explain(f"jsp.signal.{name}", found, why, f"jsp.signal.{name}(x, nperseg=256)")
    )


# -- from a signal to its windows ------------------------------------------------------------------


def stft(
    x: Any, fs: Any = 1.0, window: Any = "hann", nperseg: int = 256, noverlap: int | None = None,
    nfft: int | None = None, detrend: Any = False, return_onesided: bool = True,
    boundary: str | None = "zeros", padded: bool = True, axis: int = -1,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """(frequencies, times, transforms): the short-time Fourier transform of `x` along an axis,
    whose place the frequencies take; times come last.

    Args:
      fs: samples in a unit of time.
      window: a name or a tuple that SciPy's `get_window` knows, or a vector.
      nperseg, noverlap: the length of windows, and how much of it neighbours share, by default the
        half.
      nfft: the length that windows are filled up to with zeros.
      detrend: "linear" or "constant", see `detrend`; a function of windows; or False.
      return_onesided: whether to leave out the negative frequencies, for real `x` only.
      boundary: how half a window is added on both sides: "zeros", "even", "odd", "constant", None.
      padded: whether zeros are added to fill the last window.

    Raises ValueError for windows that do not fit.
    """
    if boundary not in _BOUNDARIES:
        why = f"it is one of {', '.join(map(repr, _BOUNDARIES))}"
        raise _wrong("stft", f"boundary={boundary!r}", why)
    (x,) = promote_dtypes_inexact(operand("scipy.signal.stft", x))
    axis = axis_of("scipy.signal.stft", axis, x.ndim)
    if not x.size:
        nothing = base.full(x.shape, 0, dtypes.to_floating_dtype(x.dtype))
        return nothing, nothing, base.full(x.shape, 0, dtypes.to_complex_dtype(x.dtype))
    x = moveaxis(x, axis, -1)
    cut = _windows("stft", window, nperseg, noverlap, nfft, x.shape[-1], 256)
    half = cut.size // 2
    if boundary is not None:
        mode, options = _BOUNDARIES[boundary]
        x = pad(x, [(0, 0)] * (x.ndim - 1) + [(half, half)], mode, **options)
    if padded:
        missing = -(x.shape[-1] - cut.size) % cut.step % cut.size
        x = pad(x, [(0, 0)] * (x.ndim - 1) + [(0, missing)])
    onesided = return_onesided and dtypes.kind(x.dtype) != "c"
    y = _transformed("stft", x, cut, detrend, onesided)  # [..., times, frequencies]
    y = multiply(y, Array(np.asarray(1 / cut.taper.sum(), y.dtype)))
    first = 0 if boundary is not None else cut.size / 2
    middles = first + cut.step * np.arange(y.shape[-2])
    times = divide(asarray(middles, dtypes.to_floating_dtype(x.dtype)), fs)
    return _frequencies(cut.nfft, fs, onesided), times, moveaxis(y, -1, axis)


def _transformed(name: str, x: Any, cut: Windows, detrend: Any, onesided: bool) -> Any:
    """The transforms of the windows of `x` [..., n]: [..., windows, frequencies]."""
    count = (x.shape[-1] - cut.overlap) // cut.step
    places = cut.step * np.arange(count)[:, None] + np.arange(cut.size)
    pieces = _detrended(name, take(x, places, -1), detrend)
    pieces = multiply(pieces, lead(Array(cut.taper.astype(pieces.dtype)), pieces.ndim))
    return (fft.rfft if onesided else fft.fft)(pieces, cut.nfft)


def _detrended(name: str, pieces: Any, detrend: str | bool | Callable[[Any], Any]) -> Any:
    if callable(detrend):
        return detrend(pieces)
    if isinstance(detrend, str):
        return less_trend(pieces, type=detrend)
    if detrend:
        raise _wrong(name, f"detrend={detrend}", "it is a name, a function, or False")
    return pieces


def _frequencies(nfft: int, fs: Any, onesided: bool) -> Any:
    return (fft.rfftfreq if onesided else fft.fftfreq)(nfft, divide(1.0, fs))


# -- from windows to a signal ----------------------------------------------------------------------


def istft(
    Zxx: Any, fs: Any = 1.0, window: Any = "hann", nperseg: int | None = None,
    noverlap: int | None = None, nfft: int | None = None, input_onesided: bool = True,
    boundary: bool = True, time_axis: int = -1, freq_axis: int = -2,
) -> tuple[Any, Any]:  # fmt: skip
    """(times, signal): the inverse of `stft` with the same arguments. Where windows overlap, their
    mean is taken, weighted by the squares of the taper.

    Raises ValueError for fewer than two axes, and for windows that do not fit.
    """
    Z = operand("scipy.signal.istft", Zxx)
    name = "scipy.signal.istft"
    if Z.ndim < 2:
        raise _wrong("istft", f"an array of type {Z.aval}", "it has times and frequencies")
    time, frequency = axis_of(name, time_axis, Z.ndim), axis_of(name, freq_axis, Z.ndim)
    if time == frequency or not Z.shape[time]:
        found = f"axes {time} and {frequency} of {Z.aval}"
        raise _wrong("istft", found, "times and frequencies have one axis each, not empty")
    Z = moveaxis(Z, (time, frequency), (-2, -1))  # [..., times, frequencies]
    cut = _inverse_windows(Z.shape[-1], window, nperseg, noverlap, nfft, input_onesided)
    pieces = (fft.irfft if input_onesided else fft.ifft)(Z, cut.nfft)
    pieces = slice_along(pieces, 0, cut.size, pieces.ndim - 1)
    taper = cut.taper.astype(pieces.dtype)
    pieces = multiply(pieces, lead(Array(taper * taper.sum()), pieces.ndim))
    count = Z.shape[-2]
    length = cut.size + (count - 1) * cut.step
    places = cut.step * np.arange(count)[:, None] + np.arange(cut.size)  # [times, size]
    x = base.full((*Z.shape[:-2], length), 0, pieces.dtype)
    x = IndexHelper(x)[..., places].add(pieces)
    weight = np.bincount(places.ravel(), np.tile(cut.taper**2, count), length)
    half = cut.size // 2 if boundary else 0
    x = slice_along(x, half, length - half, x.ndim - 1)
    weight = weight[half : length - half]
    weight = np.where(weight > 1e-10, weight, 1).astype(x.dtype)
    x = divide(x, lead(Array(weight), x.ndim))
    times = divide(asarray(np.arange(x.shape[-1]), dtypes.to_floating_dtype(x.dtype)), fs)
    return times, moveaxis(x, -1, time - (frequency < time))


def _inverse_windows(
    frequencies: int, window: Any, nperseg: Any, noverlap: Any, nfft: Any, onesided: bool
) -> Windows:
    natural = 2 * (frequencies - 1) if onesided else frequencies
    size = natural if nperseg is None else operator.index(known("istft", "nperseg", nperseg))
    if nfft is None:  # windows of odd length look like those of one element less
        nfft = size if onesided and size == natural + 1 else natural
    if not isinstance(window, (str, tuple)) and np.shape(window) != (size,):
        raise _wrong("istft", f"a window of shape {np.shape(window)}", f"it has {size} numbers")
    if size < 1:
        raise _wrong("istft", f"nperseg={size}", "a window has one element at least")
    return _windows("istft", window, size, noverlap, nfft, size, size)


# -- power -----------------------------------------------------------------------------------------


def csd(
    x: Any, y: Any, fs: Any = 1.0, window: Any = "hann", nperseg: int | None = None,
    noverlap: int | None = None, nfft: int | None = None, detrend: Any = "constant",
    return_onesided: bool = True, scaling: str = "density", axis: int = -1,
    average: str = "mean",
) -> tuple[Any, Any]:  # fmt: skip
    """(frequencies, spectrum): the cross power spectrum of two signals along an axis, the mean over
    windows of conj(X) Y. For `y` None it is that of `x` with itself, which is real.

    Args:
      scaling: "density" for power in a unit of frequency, "spectrum" for power.
      average: "mean" or "median" over windows.

    See `stft` for the others.
    """
    for option, names in ((scaling, ("density", "spectrum")), (average, ("mean", "median"))):
        if option not in names:
            raise _wrong("csd", f"the option {option!r}", f"it is one of {names}")
    given = [operand("scipy.signal.csd", v, i) for i, v in enumerate((x, y)) if v is not None]
    signals = promote_dtypes_inexact(*given)
    if len({v.ndim for v in signals}) > 1:
        raise _wrong("csd", " and ".join(str(v.aval) for v in signals), "both have as many axes")
    axis = axis_of("scipy.signal.csd", axis, signals[0].ndim)
    if not all(v.size for v in signals):
        nothing = base.full(signals[0].shape, 0, dtypes.to_floating_dtype(signals[0].dtype))
        dtype = nothing.dtype if y is None else dtypes.to_complex_dtype(nothing.dtype)
        return nothing, base.full(signals[0].shape, 0, dtype)
    signals = [moveaxis(v, axis, -1) for v in signals]
    length = max(v.shape[-1] for v in signals)
    signals = [pad(v, [(0, 0)] * (v.ndim - 1) + [(0, length - v.shape[-1])]) for v in signals]
    cut = _windows("csd", window, nperseg, noverlap, nfft, length, 256)
    onesided = return_onesided and dtypes.kind(signals[0].dtype) != "c"
    X, Y = ([_transformed("csd", v, cut, detrend, onesided) for v in signals] * 2)[:2]
    power = multiply(conjugate(X), Y)  # [..., windows, frequencies]
    power = real(power) if y is None else power
    power = multiply(power, lead(_power_scale(cut, onesided, scaling, power.dtype), power.ndim))
    if scaling == "density":
        power = divide(power, fs)
    return _frequencies(cut.nfft, fs, onesided), moveaxis(_averaged(power, average), -1, axis)


def welch(
    x: Any, fs: Any = 1.0, window: Any = "hann", nperseg: int | None = None,
    noverlap: int | None = None, nfft: int | None = None, detrend: Any = "constant",
    return_onesided: bool = True, scaling: str = "density", axis: int = -1,
    average: str = "mean",
) -> tuple[Any, Any]:  # fmt: skip
    """(frequencies, spectrum): the power spectrum of a signal along an axis. See `csd`."""
    return csd(
        x, None, fs, window, nperseg, noverlap, nfft, detrend, return_onesided, scaling, axis,
        average,
    )  # fmt: skip


def _power_scale(cut: Windows, onesided: bool, scaling: str, dtype: Any) -> Any:
    """What makes powers of squares: the frequencies that stand for two count twice."""
    total = (cut.taper**2).sum() if scaling == "density" else cut.taper.sum() ** 2
    scale = np.full(cut.nfft // 2 + 1 if onesided else cut.nfft, 1 / total)
    if onesided:
        scale[1 : None if cut.nfft % 2 else -1] *= 2
    return Array(scale.astype(dtype))


def _averaged(power: Any, average: str) -> Any:
    """The mean over windows, or the median, corrected for what it is too small by for squares of
    normal numbers: B. Allen et al., FINDCHIRP, 2012, appendix B."""
    if average == "mean":
        return mean(power, -2)
    count = power.shape[-2]
    k = np.arange(2, count, 2)
    bias = 1 + float((1 / (k + 1) - 1 / k).sum())
    if dtypes.kind(power.dtype) == "c":
        middle = complex_of(median(real(power), -2), median(imag(power), -2))
    else:
        middle = median(power, -2)
    return divide(middle, bias)
