"""Convolutions and correlations of arrays of any number of axes, directly or by Fourier transforms.

    convolution  y[n] = sum_k x[k] h[n - k]         correlation  y[n] = sum_k x[n + k] conj(h[k])

The full result has an element wherever the two overlap; the other modes are its middle.

Read next: `lax/convolution.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.lax.convolution import conv_general_dilated
from scratchfn.numpy.arguments import as_tuple, axes_of
from scratchfn.numpy.elementwise import conjugate
from scratchfn.numpy.fft import fftn, ifftn, irfftn, rfftn
from scratchfn.numpy.manipulation import flip, slice_along
from scratchfn.numpy.promotion import operand, promote_dtypes_inexact
from scratchfn.numpy.ufuncs import multiply
from scratchfn.primitives import base

MODES = ("full", "same", "valid")


def convolve(
    in1: Any, in2: Any, mode: str = "full", method: str = "auto", precision: Any = None
) -> Any:
    """The convolution of two arrays with as many axes.

    Args:
      mode: "full", "same" for the middle part of the shape of `in1`, "valid" for the part where the
        smaller array lies inside the larger one.
      method: "direct", "fft", or "auto", which is direct.

    Raises ValueError for another mode or method, for empty arrays, and unless one array is the
    smaller one along all axes.
    """
    x, h = _operands("convolve", in1, in2, mode, method)
    if method == "fft":
        return fftconvolve(x, h, mode)
    return _direct(x, h, *_middle(x.shape, h.shape, mode), precision)


def correlate(
    in1: Any, in2: Any, mode: str = "full", method: str = "auto", precision: Any = None
) -> Any:
    """The correlation of two arrays with as many axes, `in2` conjugated: see `convolve`."""
    x, h = _operands("correlate", in1, in2, mode, method)
    h = conjugate(flip(h))
    if method == "fft":
        return fftconvolve(x, h, mode)
    return _direct(x, h, *_middle(x.shape, h.shape, mode), precision)


def convolve2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: float = 0,
    precision: Any = None,
) -> Any:  # fmt: skip
    """`convolve` of two matrices. Raises NotImplementedError for another boundary than zeros."""
    x, h = _matrices("convolve2d", in1, in2, mode, boundary, fillvalue)
    return _direct(x, h, *_middle(x.shape, h.shape, mode), precision)


def correlate2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: float = 0,
    precision: Any = None,
) -> Any:  # fmt: skip
    """`correlate` of two matrices; "same" is centred on the later of two middle elements of `in2`,
    as in SciPy. Raises NotImplementedError for another boundary than zeros."""
    x, h = _matrices("correlate2d", in1, in2, mode, boundary, fillvalue)
    starts, sizes = _middle(x.shape, h.shape, mode)
    if mode == "same":
        starts = [n // 2 for n in h.shape]
    return _direct(x, conjugate(flip(h)), starts, sizes, precision)


def fftconvolve(in1: Any, in2: Any, mode: str = "full", axes: Sequence[int] | None = None) -> Any:
    """`convolve` along some axes or all, by Fourier transforms: quicker than sums if both arrays
    are large. Along the other axes both have one size, and are multiplied."""
    name = "scipy.signal.fftconvolve"
    x, h = promote_dtypes_inexact(operand(name, in1), operand(name, in2, 1))
    places = None
    if x.ndim == h.ndim:
        places = axes_of(name, axes if axes is None else as_tuple(axes), x.ndim)
        mapped = [i for i in range(x.ndim) if i not in places]
    if places is None or mode not in MODES or any(x.shape[i] != h.shape[i] for i in mapped):
        why = "both have as many axes, sizes are equal along those that are not transformed, and "
        why += f"the mode is one of {', '.join(MODES)}"
        raise ValueError(_explain("fftconvolve", x, h, f"axes={axes}, mode={mode!r}", why))
    ours, theirs = ([s[i] for i in places] for s in (x.shape, h.shape))
    if mode == "valid" and not _nested(ours, theirs):
        raise ValueError(_explain("fftconvolve", x, h, "mode='valid'", _NESTED))
    if not places:
        return multiply(x, h)
    sizes = [n + k - 1 for n, k in zip(ours, theirs)]
    if min(sizes) < 0:
        why = "along each axis one of the two has elements"
        raise ValueError(_explain("fftconvolve", x, h, f"mode={mode!r}", why))
    starts, lengths = _middle(ours, theirs, mode)
    if 0 in (*x.shape, *h.shape):
        sizes_of = dict(zip(places, lengths))
        return base.full([sizes_of.get(i, n) for i, n in enumerate(x.shape)], 0, x.dtype)
    forth, back = (fftn, ifftn) if dtypes.kind(x.dtype) == "c" else (rfftn, irfftn)
    y = back(multiply(forth(x, sizes, places), forth(h, sizes, places)), sizes, places)
    for place, start, length in zip(places, starts, lengths):
        y = slice_along(y, start, start + length, place)
    return y


# -- how -------------------------------------------------------------------------------------------

_NESTED = "one of the arrays is the smaller one along all axes"


def _nested(ours: Sequence[int], theirs: Sequence[int]) -> bool:
    return all(n >= k for n, k in zip(ours, theirs)) or all(n <= k for n, k in zip(ours, theirs))


def _operands(name: str, in1: Any, in2: Any, mode: str, method: str) -> list[Any]:
    long_name = f"scipy.signal.{name}"
    x, h = promote_dtypes_inexact(operand(long_name, in1), operand(long_name, in2, 1))
    if method not in ("auto", "direct", "fft"):
        why = "the methods are 'auto', 'direct' and 'fft'"
        raise ValueError(_explain(name, x, h, f"method={method!r}", why))
    if mode not in MODES or x.ndim != h.ndim or not x.size or not h.size:
        why = f"both have as many axes and elements at all, and the mode is one of {MODES}"
        raise ValueError(_explain(name, x, h, f"mode={mode!r}", why))
    if not _nested(x.shape, h.shape):
        raise ValueError(_explain(name, x, h, f"mode={mode!r}", _NESTED))
    return [x, h]


def _matrices(
    name: str, in1: Any, in2: Any, mode: str, boundary: str, fillvalue: float
) -> list[Any]:
    if boundary != "fill" or fillvalue != 0:
        found = f"boundary={boundary!r}, fillvalue={fillvalue}"
        why, write = "there are zeros around the matrices", f"jsp.signal.{name}(jnp.pad(x, ...), h)"
        raise NotImplementedError(errors.explain(f"jsp.signal.{name}", found, why, write))
    x, h = _operands(name, in1, in2, mode, "direct")
    if x.ndim != 2:
        why = "it takes two matrices"
        raise ValueError(_explain(name, x, h, f"{x.ndim} axes", why))
    return [x, h]


def _explain(name: str, x: Any, h: Any, found: str, why: str) -> str:
    asked = f"jsp.signal.{name} of {x.aval} and {h.aval}"
    return errors.explain(asked, found, why, f"jsp.signal.{name}(x, h, mode='same')")


def _middle(ours: Sequence[int], theirs: Sequence[int], mode: str) -> tuple[list[int], list[int]]:
    """Where the part of the full result that the mode asks for starts, and how long it is."""
    full = [max(n + k - 1, 0) for n, k in zip(ours, theirs)]
    if mode == "full":
        return [0] * len(full), full
    if mode == "same":
        return [(size - n) // 2 for size, n in zip(full, ours)], list(ours)
    lengths = [abs(n - k) + 1 for n, k in zip(ours, theirs)]
    return [min(n, k) - 1 for n, k in zip(ours, theirs)], lengths


def _direct(x: Any, h: Any, starts: Sequence[int], sizes: Sequence[int], precision: Any) -> Any:
    """The part of the full convolution from `starts` on, of the given sizes."""
    if not x.ndim:
        return multiply(x, h)
    margins = [
        (k - 1 - start, start + size - n)
        for n, k, start, size in zip(x.shape, h.shape, starts, sizes)
    ]
    batch = base.expand_dims(x, [0, 1]), base.expand_dims(flip(h), [0, 1])  # [1, 1, ...]
    y = conv_general_dilated(*batch, (1,) * x.ndim, margins, precision=precision)
    return base.squeeze(y, [0, 1])
