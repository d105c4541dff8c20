"""Indices of diagonals and triangles of an array that is given, not its size.

Read next: `numpy/creation.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.numpy.creation import diag_indices, ones, tril_indices, triu_indices
from scratchfn.numpy.scalars import shape as shape_of_value
from scratchfn.numpy.searching import nonzero


def diag_indices_from(arr: Any) -> tuple[Any, ...]:
    """The indices of the main diagonal of an array, whose axes must be of one size."""
    shape = shape_of_value(arr)
    if len(shape) < 2 or len(set(shape)) > 1:
        why = "a main diagonal runs along two axes or more, all of one size"
        raise ValueError(_explain("diag_indices_from", shape, why, "jnp.diag_indices(n)"))
    return diag_indices(shape[0], ndim=len(shape))


def tril_indices_from(arr: Any, k: int = 0) -> tuple[Any, Any]:
    """The indices of the elements on and below the k-th diagonal of a matrix."""
    return tril_indices(*_rows_and(k, "tril_indices_from", arr))


def triu_indices_from(arr: Any, k: int = 0) -> tuple[Any, Any]:
    """The indices of the elements on and above the k-th diagonal of a matrix."""
    return triu_indices(*_rows_and(k, "triu_indices_from", arr))


def _rows_and(k: int, name: str, arr: Any) -> tuple[int, int, int]:
    shape = shape_of_value(arr)
    if len(shape) != 2:
        write = f"jnp.{name}(x[0]) for the first of many matrices"
        raise ValueError(_explain(name, shape, "a triangle is part of a matrix", write))
    return shape[0], k, shape[1]


def _explain(name: str, shape: tuple[int, ...], why: str, write: str) -> str:
    return errors.explain(f"jnp.{name}", f"an array of shape {shape}", why, write)


def mask_indices(
    n: int, mask_func: Callable[..., Any], k: int = 0, *, size: int | None = None
) -> tuple[Any, Any]:
    """The indices at which `mask_func(x, k)`, as `jnp.triu`, leaves an (n, n) matrix of ones as it
    is. Inside of programs `size` says how many there are."""
    rows, columns = nonzero(mask_func(ones((n, n), dtypes.default_dtype("i")), k), size=size)
    return rows, columns
