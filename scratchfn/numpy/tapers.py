"""Windows that signals are multiplied with before a Fourier transform: they fall off to both ends.

The formulas are NumPy's; see F. J. Harris, On the use of windows for harmonic analysis, 1978.

Read next: `scipy/signal/__init__.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.lax.math import bessel_i0e, bessel_i1e
from scratchfn.numpy.arguments import shape_of
from scratchfn.numpy.promotion import inexact
from scratchfn.numpy.ufuncs import absolute, cos, divide, exp, multiply, sqrt, square, subtract
from scratchfn.primitives.base import full
from scratchfn.primitives.structural import iota
from scratchfn.transforms.custom_jvp import custom_jvp


def bartlett(M: int) -> Any:
    """A triangle of `M` points from 0 up to 1 and down to 0."""
    n = _points("bartlett", M)
    return _ones(M) if M <= 1 else 1 - absolute(n * (2 / (M - 1)) - 1)


def hanning(M: int) -> Any:
    """`M` points of 0.5 - 0.5 cos: one period of a raised cosine."""
    n = _points("hanning", M)
    return _ones(M) if M <= 1 else 0.5 - 0.5 * cos(n * (2 * np.pi / (M - 1)))


def hamming(M: int) -> Any:
    """`M` points of 0.54 - 0.46 cos: a raised cosine that does not quite reach 0."""
    n = _points("hamming", M)
    return _ones(M) if M <= 1 else 0.54 - 0.46 * cos(n * (2 * np.pi / (M - 1)))


def blackman(M: int) -> Any:
    """`M` points of 0.42 - 0.5 cos + 0.08 cos of twice the angle."""
    n = _points("blackman", M)
    if M <= 1:
        return _ones(M)
    angle = n * (2 * np.pi / (M - 1))
    return 0.42 - 0.5 * cos(angle) + 0.08 * cos(2 * angle)


def kaiser(M: int, beta: Any) -> Any:
    """`M` points of Kaiser's window i0(beta sqrt(1 - x^2)) / i0(beta), x from -1 to 1: the greater
    `beta`, the narrower it is."""
    n = _points("kaiser", M)
    if M <= 1:
        return _ones(M)
    middle = (M - 1) / 2
    x = divide(subtract(n, middle), middle)
    return divide(i0(multiply(beta, sqrt(subtract(1, square(x))))), i0(beta))


def _points(name: str, M: Any) -> Any:
    (count,) = shape_of(name, M)
    return iota(dtypes.default_dtype("f"), (count,))


def _ones(M: int) -> Any:
    return full((M,), 1, dtypes.default_dtype("f"))


def i0(x: Any) -> Any:
    """The modified Bessel function of the first kind and order 0. Raises ValueError for complex
    numbers."""
    x = inexact("i0", x)
    if dtypes.kind(x.dtype) == "c":
        why, write = "it is defined for real numbers here", "jnp.i0(x.real)"
        raise ValueError(errors.explain("jnp.i0", f"x of type {x.aval}", why, write))
    return _i0(x)


@custom_jvp
def _i0(x: Any) -> Any:
    return multiply(exp(absolute(x)), bessel_i0e(x))


@_i0.defjvp
def _i0_jvp(primals: Any, tangents: Any) -> Any:
    (x,), (dx,) = primals, tangents
    return _i0(x), multiply(dx, multiply(exp(absolute(x)), bessel_i1e(x)))
