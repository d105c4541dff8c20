"""Elimination and substitution for many small matrices at once: row by row, with each step taken
for all of them by NumPy, where a call of LAPACK for each would cost more than its arithmetic.

Golub & Van Loan, Matrix Computations, 4th ed. 2013, algorithms 3.1.1 and 3.4.1. The pivots are
LAPACK's.

Read next: `backends/numpy/kernels/linalg.py`.
"""

from __future__ import annotations

import math

import numpy as np


def are_many(x: np.ndarray) -> bool:
    """Are there so many matrices, and so small, that this is the quicker way?"""
    n = x.shape[-1]
    return 0 < n <= 32 and math.prod(x.shape[:-2]) > 8 * n


def eliminate(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(factors, pivots) of matrices [..., m, n], as LAPACK's getrf gives them."""
    *batch, m, n = x.shape
    a = x.reshape((-1, m, n)).copy()
    each = np.arange(len(a))
    pivots = np.empty((len(a), min(m, n)), np.int32)
    for k in range(min(m, n)):
        column = a[:, k:, k]
        size = np.abs(column.real) + np.abs(column.imag) if a.dtype.kind == "c" else np.abs(column)
        pivots[:, k] = row = k + size.argmax(1)
        top, a[each, row] = a[each, row], a[:, k]
        a[:, k] = top
        pivot = np.where(top[:, k] == 0, 1, top[:, k])  # then the column is zero, and stays so
        a[:, k + 1 :, k] /= pivot[:, None]
        a[:, k + 1 :, k + 1 :] -= a[:, k + 1 :, k, None] * top[:, None, k + 1 :]
    return a.reshape(x.shape), pivots.reshape((*batch, min(m, n)))


def swap_rows(order: np.ndarray, pivots: np.ndarray) -> np.ndarray:
    """Fills `order` [..., m] with the places of rows after each row i has been swapped with row
    pivots[..., i]."""
    places, swaps = order.reshape((-1, order.shape[-1])), pivots.reshape((-1, pivots.shape[-1]))
    each = np.arange(len(places))
    places[...] = np.arange(order.shape[-1])
    for i, j in enumerate(swaps.T):
        moved = places[each, j]
        places[each, j] = places[:, i]
        places[:, i] = moved
    return order


def substitute(
    a: np.ndarray, b: np.ndarray, *, left_side: bool, lower: bool, transpose_a: bool,
    conjugate_a: bool, unit_diagonal: bool,
) -> np.ndarray:  # fmt: skip
    """X with op(A) X = B, or X op(A) = B, for triangular A."""
    if conjugate_a:
        a = a.conj()
    if transpose_a:
        a, lower = a.swapaxes(-1, -2), not lower
    if not left_side:  # the transposed equation
        a, b, lower = a.swapaxes(-1, -2), b.swapaxes(-1, -2), not lower
    x = b.copy()
    n = a.shape[-1]
    for step in range(n):
        i = step if lower else n - 1 - step
        known = slice(0, i) if lower else slice(i + 1, n)
        x[..., i, :] -= np.matmul(a[..., i : i + 1, known], x[..., known, :])[..., 0, :]
        if not unit_diagonal:
            x[..., i, :] /= a[..., i, i, None]
    return x if left_side else np.ascontiguousarray(x.swapaxes(-1, -2))
