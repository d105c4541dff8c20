"""`jax.scipy.fft`: discrete cosine transforms, of type 2, and their inverses.

    y[k] = 2 sum_n x[n] cos(pi k (2 n + 1) / (2 N))

Each is a Fourier transform of as many real numbers, put into another order and turned (J. Makhoul,
A fast cosine transform in one and two dimensions, 1980).

Read next: `numpy/fft.py`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.array import Array
from scratchfn.numpy.arguments import as_tuple, axes_of, axis_of, known, scalar
from scratchfn.numpy.elementwise import imag, real
from scratchfn.numpy.fft import irfft, rfft
from scratchfn.numpy.joining import concatenate
from scratchfn.numpy.manipulation import flip, moveaxis, slice_along
from scratchfn.numpy.promotion import operand
from scratchfn.numpy.ufuncs import multiply, negative
from scratchfn.primitives.base import reshape
from scratchfn.primitives.convert import complex_p, convert_element_type
from scratchfn.primitives.joining import stack
from scratchfn.primitives.structural import pad, slice_

__all__ = ["dct", "dctn", "idct", "idctn"]

__all__ = ["dct", "dctn", "idct", "idctn"]


def dct(
    x: Any, type: int = 2, n: int | None = None, axis: int = -1, norm: str | None = None
) -> Any:
    """The discrete cosine transform of `x` along an axis, of its first `n` elements or with zeros
    after them.

    Args:
      type: 2, the only one there is.
      norm: "ortho" scales it so that it is orthogonal; None or "backward" does not.

    Raises NotImplementedError for another type, ValueError for another norm.
    """
    return _along("dct", _dct, x, type, n, axis, norm)


def idct(
    x: Any, type: int = 2, n: int | None = None, axis: int = -1, norm: str | None = None
) -> Any:
    """The inverse of `dct`."""
    return _along("idct", _idct, x, type, n, axis, norm)


def dctn(
    x: Any, type: int = 2, s: Sequence[int] | None = None, axes: Sequence[int] | None = None,
    norm: str | None = None,
) -> Any:  # fmt: skip
    """`dct` along several axes: all, the last `len(s)`, or `axes`, whose sizes become `s`."""
    return _along_all("dctn", dct, x, type, s, axes, norm)


def idctn(
    x: Any, type: int = 2, s: Sequence[int] | None = None, axes: Sequence[int] | None = None,
    norm: str | None = None,
) -> Any:  # fmt: skip
    """The inverse of `dctn`."""
    return _along_all("idctn", idct, x, type, s, axes, norm)


def _along_all(
    name: str, one: Callable[..., Any], x: Any, type: int, s: Any, axes: Any, norm: str | None
) -> Any:
    x = operand(f"scipy.fft.{name}", x)
    sizes = None if s is None else as_tuple(s)
    if axes is None and sizes is not None:
        axes = range(-len(sizes), 0)
    places = axes_of(f"scipy.fft.{name}", axes if axes is None else as_tuple(axes), x.ndim)
    if sizes is not None and len(sizes) != len(places):
        found, why = f"s={sizes} and axes={places}", "each axis has one size"
        write = f"jsp.fft.{name}(x, s=s) for the last axes"
        raise ValueError(errors.explain(f"jsp.fft.{name}", found, why, write))
    for i, place in enumerate(places):
        x = one(x, type, None if sizes is None else sizes[i], place, norm)
    return x


def _along(
    name: str, transform: Callable[..., Any], x: Any, type: int, n: Any, axis: int, norm: Any
) -> Any:
    x = operand(f"scipy.fft.{name}", x)
    if type != 2 or norm not in (None, "backward", "ortho"):
        why = "the transform of type 2 is here, unscaled or orthogonal"
        asked, found = f"jsp.fft.{name}(x, type={type}, norm={norm!r})", "another one"
        error = NotImplementedError if type != 2 else ValueError
        raise error(errors.explain(asked, found, why, f'jsp.fft.{name}(x, norm="ortho")'))
    axis = axis_of(f"scipy.fft.{name}", axis, x.ndim)
    x = moveaxis(x, axis, -1)
    last = x.ndim - 1
    size = x.shape[last] if n is None else operator.index(known(f"scipy.fft.{name}", "n", n))
    if size < 1:
        why, write = "it takes one element at least", f"jsp.fft.{name}(x)"
        raise ValueError(errors.explain(f"jsp.fft.{name}", f"{size} elements", why, write))
    x = slice_along(x, 0, min(size, x.shape[last]), last)
    x = pad(x, scalar(0, x.dtype), [(0, 0, 0)] * last + [(0, size - x.shape[last], 0)])
    if dtypes.kind(x.dtype) == "c":
        y = complex_p.bind(transform(real(x), size, norm), transform(imag(x), size, norm))
    else:
        y = transform(convert_element_type(x, _working(x.dtype)), size, norm)
    return moveaxis(y, -1, axis)


def _working(dtype: np.dtype) -> np.dtype:
    """float32 for smaller floats and for integers, as in `numpy/fft.py`."""
    wide = dtypes.to_inexact_dtype(dtype) == dtypes.float64
    return dtypes.float64 if wide else dtypes.float32


def _dct(x: Any, n: int, norm: str | None) -> Any:
    last, half = x.ndim - 1, n // 2
    even, odd = _every_other(x, 0), _every_other(x, 1)
    y = rfft(concatenate([even, flip(odd, -1)], -1))  # [..., n // 2 + 1]
    y = multiply(y, _constant(2 * _turn(n)[: half + 1], y.dtype))
    back = flip(slice_along(imag(y), 1, n - half, last), -1)
    return multiply(concatenate([real(y), negative(back)], -1), _scale(n, norm, x.dtype))


def _idct(x: Any, n: int, norm: str | None) -> Any:
    last, half = x.ndim - 1, n // 2
    x = multiply(x, _constant(1 / _scale_of(n, norm), x.dtype))
    front = slice_along(x, 0, half + 1 if n > 1 else 1, last)
    # the k-th comes with the (n - k)-th, and the first with 0
    back = flip(slice_along(x, n - half, n, last), -1)
    zero = pad(back, scalar(0, x.dtype), [(0, 0, 0)] * last + [(1, 0, 0)])
    y = complex_p.bind(front, negative(zero))
    y = irfft(multiply(y, _constant(_turn(n)[: half + 1].conj() / 2, y.dtype)), n)
    even = slice_along(y, 0, n - half, last)
    odd = flip(slice_along(y, n - half, n, last), -1)
    odd = pad(odd, scalar(0, y.dtype), [(0, 0, 0)] * last + [(0, n - 2 * half, 0)])
    both = reshape(stack([even, odd], last + 1), (*y.shape[:-1], 2 * (n - half)))
    return slice_along(both, 0, n, last)


def _every_other(x: Any, start: int) -> Any:
    starts, steps = [0] * x.ndim, [1] * x.ndim
    starts[-1], steps[-1] = min(start, x.shape[-1]), 2
    return slice_(x, starts, x.shape, steps)


def _turn(n: int) -> np.ndarray:
    return np.exp(-0.5j * np.pi / n * np.arange(n))


def _scale_of(n: int, norm: str | None) -> np.ndarray:
    """What the elements of the transform are multiplied with."""
    if norm != "ortho":
        return np.ones(n)
    scale = np.full(n, np.sqrt(1 / (2 * n)))
    scale[0] = np.sqrt(1 / (4 * n))
    return scale


def _scale(n: int, norm: str | None, dtype: Any) -> Any:
    return _constant(_scale_of(n, norm), dtype)


def _constant(numbers: np.ndarray, dtype: Any) -> Any:
    return Array(numbers.astype(dtype))
