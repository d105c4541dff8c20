"""`jnp.fft`: discrete Fourier transforms along any axes, and the frequencies that they are at.

Each of the fourteen transforms is `lax.fft` with its axes moved to the end, cropped or filled up
with zeros to the sizes asked for, and scaled. By `norm`, the factor 1/N stands in the inverse
("backward", the default), in the forward transform ("forward"), or as 1/sqrt(N) in both ("ortho").

Read next: `primitives/fft.py`.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from math import prod
from typing import Any

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.params import FftType
from scratchfn.lax.fft import fft as transform
from scratchfn.numpy.arguments import as_tuple, axes_of, axis_of, dtype_of, known, placed, scalar
from scratchfn.numpy.conversion import asarray
from scratchfn.numpy.elementwise import conjugate
from scratchfn.numpy.manipulation import moveaxis, slice_along
from scratchfn.numpy.promotion import operand
from scratchfn.numpy.rolling import roll
from scratchfn.numpy.ufuncs import divide, multiply
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.structural import iota, pad

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]

Sizes = Sequence[int] | None
_SWAPPED = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}
MOST_AXES = 3  # that XLA transforms in one operation

# -- one axis -------------------------------------------------------------------------------------


def fft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The Fourier transform of `a` along an axis, of its first `n` elements or with zeros after
    them: y[k] = sum_m a[m] exp(-2 pi i k m / n)."""
    return _along_one("fft", FftType.FFT, a, n, axis, norm)


def ifft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The inverse of `fft`."""
    return _along_one("ifft", FftType.IFFT, a, n, axis, norm)


def rfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """`fft` of real numbers: the first n // 2 + 1 numbers of it, the others being their
    conjugates. Raises ValueError for complex numbers."""
    return _along_one("rfft", FftType.RFFT, a, n, axis, norm)


def irfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The inverse of `rfft`: `n` real numbers, by default 2 * (size - 1), an even number."""
    return _along_one("irfft", FftType.IRFFT, a, n, axis, norm)


def hfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """`fft` of numbers whose second half is the conjugate of the first, which alone is given: `n`
    real numbers."""
    a = conjugate(operand("fft.hfft", a))
    return _along_one("hfft", FftType.IRFFT, a, n, axis, _swapped("hfft", norm))


def ihfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
    """The inverse of `hfft`."""
    a = asarray(a)  # a list will do here, as in JAX
    return conjugate(_along_one("ihfft", FftType.RFFT, a, n, axis, _swapped("ihfft", norm)))


# -- two axes -------------------------------------------------------------------------------------


def fft2(a: Any, s: Sizes = None, axes: Sequence[int] = (-2, -1), norm: str | None = None) -> Any:
    """`fft` along two axes."""
    return _along_two("fft2", FftType.FFT, a, s, axes, norm)


def ifft2(a: Any, s: Sizes = None, axes: Sequence[int] = (-2, -1), norm: str | None = None) -> Any:
    """The inverse of `fft2`."""
    return _along_two("ifft2", FftType.IFFT, a, s, axes, norm)


def rfft2(a: Any, s: Sizes = None, axes: Sequence[int] = (-2, -1), norm: str | None = None) -> Any:
    """`rfft` along the second of two axes, then `fft` along the first."""
    return _along_two("rfft2", FftType.RFFT, a, s, axes, norm)


def irfft2(a: Any, s: Sizes = None, axes: Sequence[int] = (-2, -1), norm: str | None = None) -> Any:
    """The inverse of `rfft2`."""
    return _along_two("irfft2", FftType.IRFFT, a, s, axes, norm)


# -- any axes -------------------------------------------------------------------------------------


def fftn(
    a: Any, s: Sizes = None, axes: Sequence[int] | None = None, norm: str | None = None
) -> Any:
    """`fft` along several axes: all, the last `len(s)`, or `axes`.

    Args:
      s: the sizes of these axes; what is longer is cropped, what is shorter gets zeros.
    """
    return _transform("fftn", FftType.FFT, a, s, axes, norm)


def ifftn(
    a: Any, s: Sizes = None, axes: Sequence[int] | None = None, norm: str | None = None
) -> Any:
    """The inverse of `fftn`."""
    return _transform("ifftn", FftType.IFFT, a, s, axes, norm)


def rfftn(
    a: Any, s: Sizes = None, axes: Sequence[int] | None = None, norm: str | None = None
) -> Any:
    """`rfft` along the last of several axes, then `fft` along the others."""
    return _transform("rfftn", FftType.RFFT, a, s, axes, norm)


def irfftn(
    a: Any, s: Sizes = None, axes: Sequence[int] | None = None, norm: str | None = None
) -> Any:
    """The inverse of `rfftn`."""
    return _transform("irfftn", FftType.IRFFT, a, s, axes, norm)


# -- how each is made -----------------------------------------------------------------------------


def _along_one(name: str, kind: FftType, a: Any, n: Any, axis: Any, norm: str | None) -> Any:
    if isinstance(axis, (tuple, list)):
        why, write = "it runs along one axis", f"jnp.fft.{kind.name.lower()}n(a, axes={axis})"
        raise ValueError(errors.explain(f"jnp.fft.{name}", f"axis={axis}", why, write))
    sizes = None if n is None else (operator.index(known(f"fft.{name}", "n", n)),)
    return _transform(name, kind, a, sizes, (axis,), norm)


def _along_two(
    name: str, kind: FftType, a: Any, s: Sizes, axes: Sequence[int], norm: str | None
) -> Any:
    if len(axes) != 2:
        why, write = "it runs along two axes", f"jnp.fft.{name[:-1]}n(a, s, axes)"
        raise ValueError(errors.explain(f"jnp.fft.{name}", f"axes={axes}", why, write))
    return _transform(name, kind, a, s, axes, norm)


def _transform(
    name: str, kind: FftType, a: Any, s: Sizes, axes: Sequence[int] | None, norm: str | None
) -> Any:
    a = operand(f"fft.{name}", a)
    places = _axes(name, a.ndim, s, axes)
    if not places:
        return transform(a, kind, ())
    sizes = [a.shape[place] for place in places] if s is None else _sizes(name, s)
    if kind == FftType.IRFFT and s is None:
        sizes[-1] = max(2 * (sizes[-1] - 1), 0)
    ends = tuple(range(a.ndim - len(places), a.ndim))
    x = moveaxis(a, places, ends)
    if s is not None:
        last = sizes[-1] // 2 + 1 if kind == FftType.IRFFT else sizes[-1]
        x = _fit(x, [*x.shape[: ends[0]], *sizes[:-1], last])
    out = _in_groups(x, kind, sizes)
    factor = _factor(name, kind, norm, prod(sizes))
    if factor != 1:
        out = multiply(out, scalar(factor, out.dtype))
    return moveaxis(out, ends, places)


def _axes(name: str, ndim: int, s: Sizes, axes: Sequence[int] | None) -> tuple[int, ...]:
    """The axes to transform, counted from the front."""
    if axes is None:
        count = ndim if s is None else len(s)
        places = axes_of(f"fft.{name}", tuple(range(-count, 0)), ndim)
    else:
        places = axes_of(f"fft.{name}", tuple(axes), ndim)
    if s is not None and len(s) != len(places):
        raise ValueError(
            errors.explain(
                f"jnp.fft.{name}", f"s={tuple(s)} and axes={places}",
                "each axis has one size", f"jnp.fft.{name}(a, s) for the last axes",
            )
        )  # fmt: skip
    return places


def _sizes(name: str, s: Sequence[int]) -> list[int]:
    sizes = [operator.index(known(f"fft.{name}", "a size", size)) for size in s]
    if min(sizes) < 1:
        why, write = "a transform has at least one element", f"jnp.fft.{name}(a)"
        raise ValueError(errors.explain(f"jnp.fft.{name}", f"sizes {tuple(sizes)}", why, write))
    return sizes


def _fit(x: Any, shape: Sequence[int]) -> Any:
    """`x` cropped, or with zeros at the end, to a shape."""
    for axis, size in enumerate(shape):
        if x.shape[axis] > size:
            x = slice_along(x, 0, size, axis)
    missing = [(0, size - x.shape[axis], 0) for axis, size in enumerate(shape)]
    return pad(x, scalar(0, x.dtype), missing) if x.shape != tuple(shape) else x


def _in_groups(x: Any, kind: FftType, sizes: Sequence[int]) -> Any:
    """The transform of the last axes, a few of them at a time. The real axis is the last one, and
    it is transformed in the first group forwards, in the last backwards."""
    if len(sizes) <= MOST_AXES:
        return transform(x, kind, sizes)
    count = len(sizes) - MOST_AXES
    before = tuple(range(x.ndim - len(sizes), x.ndim - MOST_AXES))
    ends = tuple(range(x.ndim - count, x.ndim))
    rest = FftType.FFT if kind in (FftType.FFT, FftType.RFFT) else FftType.IFFT
    if kind != FftType.IRFFT:
        x = transform(x, kind, sizes[count:])
    x = moveaxis(_in_groups(moveaxis(x, before, ends), rest, sizes[:count]), ends, before)
    return transform(x, kind, sizes[count:]) if kind == FftType.IRFFT else x


def _factor(name: str, kind: FftType, norm: str | None, size: int) -> float:
    """What to multiply the result of `lax.fft` with, whose inverses have a factor 1 / size."""
    if norm not in _SWAPPED:
        raise _no_norm(name, norm)
    size = max(size, 1)
    forward = kind in (FftType.FFT, FftType.RFFT)
    if norm == "ortho":
        return size**-0.5 if forward else size**0.5
    if norm == "forward":
        return 1 / size if forward else size
    return 1


def _swapped(name: str, norm: str | None) -> str:
    if norm not in _SWAPPED:
        raise _no_norm(name, norm)
    return _SWAPPED[norm]


def _no_norm(name: str, norm: Any) -> ValueError:
    why = 'norm is "backward", "ortho" or "forward"'
    found = f"norm={norm!r}"
    return ValueError(
        errors.explain(f"jnp.fft.{name}", found, why, f'jnp.fft.{name}(a, norm="ortho")')
    )


# -- frequencies ----------------------------------------------------------------------------------


def fftfreq(n: int, d: Any = 1.0, *, dtype: Any = None, device: Any = None) -> Any:
    """The frequencies of the elements of `fft`, of `n` samples that are `d` apart: 0 and the
    positive ones, rising, then the negative ones, rising."""
    n = _count("fftfreq", n, d)
    k = iota(dtypes.int32, (n,))
    wanted = dtype_of("fft.fftfreq", dtype, dtypes.default_dtype("f"))
    out = _frequencies(roll(k - n // 2, -(n // 2)), n, d, wanted)
    return placed(convert_element_type(out, wanted), device)


def rfftfreq(n: int, d: Any = 1.0, *, dtype: Any = None, device: Any = None) -> Any:
    """The frequencies of the elements of `rfft`, of `n` samples that are `d` apart."""
    n = _count("rfftfreq", n, d)
    wanted = dtype_of("fft.rfftfreq", dtype, dtypes.default_dtype("f"))
    return placed(_frequencies(iota(dtypes.int32, (n // 2 + 1,)), n, d, wanted), device)


def _count(name: str, n: Any, d: Any) -> int:
    if any(isinstance(x, (tuple, list)) for x in (n, d)):
        why, write = "both are single numbers", f"jnp.fft.{name}(8, 0.1)"
        raise ValueError(errors.explain(f"jnp.fft.{name}", f"n={n!r}, d={d!r}", why, write))
    n = known(f"fft.{name}", "n", n)
    return operator.index(int(n) if isinstance(n, float) and n.is_integer() else n)


def _frequencies(k: Any, n: int, d: Any, dtype: Any) -> Any:
    return divide(convert_element_type(k, dtype), asarray(multiply(d, n), dtype))


def fftshift(x: Any, axes: int | Sequence[int] | None = None) -> Any:
    """`x` with the frequency 0 moved to the middle of the given axes, or of all."""
    return _shift("fftshift", x, axes, lambda size: size // 2)


def ifftshift(x: Any, axes: int | Sequence[int] | None = None) -> Any:
    """The inverse of `fftshift`."""
    return _shift("ifftshift", x, axes, lambda size: -(size // 2))


def _shift(name: str, x: Any, axes: Any, by: Any) -> Any:
    x = operand(f"fft.{name}", x)
    named = range(x.ndim) if axes is None else as_tuple(axes)
    places = [axis_of(f"fft.{name}", axis, x.ndim) for axis in named]
    return roll(x, [by(x.shape[place]) for place in places], places)
