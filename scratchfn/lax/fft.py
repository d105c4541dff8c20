"""lax.fft: the discrete Fourier transforms over an array's last axes.

Read next: `primitives/fft.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.array import as_value
from scratchfn.core.params import FftType
from scratchfn.lax.structural import as_shape
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.fft import fft as transform


def fft(x: Any, fft_type: FftType | str, fft_lengths: Sequence[int]) -> Any:
    """The discrete Fourier transform of `x` over its last `len(fft_lengths)` axes.

    Args:
      fft_type: FftType.FFT, IFFT, RFFT or IRFFT, or its name. RFFT takes real numbers, the others
        make complex ones of what they get.
      fft_lengths: the sizes of these axes; for IRFFT those of the result.

    Raises ValueError for lengths that are not those of `x`, and for complex numbers in an RFFT.
    """
    kind = _fft_type(fft_type)
    x = as_value(x)
    lengths = as_shape("lax.fft", fft_lengths)
    if kind == FftType.RFFT:
        if dtypes.kind(x.dtype) == "c":
            raise ValueError(
                errors.explain(
                    f"lax.fft({x.aval}, RFFT, {lengths})", f"complex numbers, {x.aval}",
                    "the transform of real numbers has a half that repeats, others have not",
                    "lax.fft(x, 'fft', ...), or x.real for the real part",
                )
            )  # fmt: skip
        if dtypes.kind(x.dtype) != "f":
            x = convert_element_type(x, dtypes.to_inexact_dtype(x.dtype))
    elif dtypes.kind(x.dtype) != "c":
        x = convert_element_type(x, dtypes.to_complex_dtype(x.dtype))
    return transform(x, kind, lengths) if lengths else convert_element_type(x, x.dtype)  # not weak


def _fft_type(given: FftType | str) -> FftType:
    if isinstance(given, FftType):
        return given
    if isinstance(given, str) and given.upper() in FftType.__members__:
        return FftType[given.upper()]
    error = ValueError if isinstance(given, str) else TypeError
    raise error(
        errors.explain(
            f"lax.fft(x, {given!r}, ...)", f"fft_type={given!r}",
            f"the transforms are {', '.join(FftType.__members__)}",
            "lax.fft(x, lax.FftType.FFT, x.shape[-1:])",
        )
    )  # fmt: skip
