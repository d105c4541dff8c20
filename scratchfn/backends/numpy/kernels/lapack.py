"""How LAPACK is reached from NumPy's arrays of matrices.

NumPy's own routines take stacks of matrices, but raise where a factorization fails: XLA gives nan
there, and so does `nan_where_it_fails`. What NumPy lacks is SciPy's, one matrix at a time:
`each_matrix` does the loop. SciPy is imported with the first routine that needs it.

Read next: `backends/numpy/kernels/linalg.py`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


@functools.cache
def lapack(name: str, dtype: np.dtype) -> Callable[..., Any]:
    """LAPACK's routine of that name, without its letter for the type: "getrf" is sgetrf for
    float32."""
    import scipy.linalg.lapack  # takes longer to import than all of scratchfn

    return getattr(scipy.linalg.lapack, _LETTER[dtype.char] + name)


@functools.cache
def blas(name: str, dtype: np.dtype) -> Callable[..., Any]:
    """The routine of BLAS of that name, without its letter for the type."""
    import scipy.linalg.blas

    return getattr(scipy.linalg.blas, _LETTER[dtype.char] + name)


_LETTER = {"f": "s", "d": "d", "F": "c", "D": "z"}


def real_of(dtype: np.dtype) -> np.dtype:
    """The type of the parts of a number."""
    return np.dtype(dtype.char.lower())


def complex_of(dtype: np.dtype) -> np.dtype:
    """The complex type whose parts are of this type."""
    return np.dtype(dtype.char.upper())


def each_matrix(
    f: Callable[..., Any], xs: Sequence[np.ndarray], outs: Sequence[np.ndarray], core: int = 2
) -> list[np.ndarray]:
    """Writes `f(*xs)`, a tuple of arrays, to `outs`, for each place along the leading axes, which
    all `xs` and `outs` share. The first of `xs` has `core` axes more; `outs` are contiguous."""
    outer = xs[0].ndim - core
    places = [xs] if outer == 0 else zip(*(_in_a_row(x, outer) for x in xs))
    targets = [outs] if outer == 0 else zip(*(_in_a_row(out, outer) for out in outs))
    for args, written in zip(places, targets):
        for out, result in zip(written, f(*args)):
            out[...] = result
    return list(outs)


def _in_a_row(x: np.ndarray, outer: int) -> np.ndarray:
    """Its leading axes as one; -1 would not do for a size of 0."""
    return x.reshape((math.prod(x.shape[:outer]), *x.shape[outer:]))


def nan_where_it_fails(f: Callable[..., Any]) -> Callable[..., Any]:
    """The function `f` of a stack of matrices, with nan for those of them for which it raises
    LinAlgError. `f` returns an array or a tuple of arrays."""

    @functools.wraps(f)
    def filled(x: np.ndarray, *rest: Any) -> Any:
        try:
            return f(x, *rest)
        except np.linalg.LinAlgError:
            if x.ndim == 2:
                outs = f(np.zeros_like(x) + np.eye(*x.shape, dtype=x.dtype), *rest)
                return _map(lambda out: np.full_like(out, np.nan), outs)
            rows = [filled(row, *rest) for row in x]
            if isinstance(rows[0], tuple):
                return tuple(map(np.stack, zip(*rows)))
            return np.stack(rows)

    return filled


def _map(f: Callable[[np.ndarray], np.ndarray], outs: Any) -> Any:
    return tuple(map(f, outs)) if isinstance(outs, tuple) else f(outs)
