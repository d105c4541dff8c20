"""Sums, maxima, minima and products over axes.

Read next: `backends/numpy/spelling/products.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratchfn.backends.numpy.kernels.reduce import LONG, NARROW, highest, lowest
from scratchfn.backends.numpy.spelling.base import Line, Operand, Spelling, spells
from scratchfn.core.jaxpr import Eqn


@spells("reduce_sum")
def _sum(eqn: Eqn) -> Spelling | None:
    """Along axes side by side, a product with ones: BLAS adds faster than np.sum."""
    x, axes = eqn.invars[0].aval, eqn.params["axes"]
    matrix = _as_matrix(x.shape, axes)
    if x.dtype.char not in "fd" or not x.size or (matrix is not None and matrix[1] > LONG):
        return _reduction("np.add")(eqn)
    if matrix is None:
        return _middle_sum(x.shape, axes, x.dtype) or _reduction("np.add")(eqn)
    rows, columns, along = matrix

    def lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
        seen = xs[0].seen(f".reshape(-1, {columns})" if len(x.shape) > 2 else "")
        ones = out.constant(np.ones(columns if along else rows, x.dtype), "ones")
        flat = out.seen(".reshape(-1)") if len(out.aval.shape) > 1 else str(out)
        return [f"{seen}.dot({ones}, {flat})" if along else f"{ones}.dot({seen}, {flat})"]

    return Spelling(lines)


def _middle_sum(shape: tuple[int, ...], axes: tuple[int, ...], dtype: np.dtype) -> Spelling | None:
    """Of axes that have others on both sides: a row of ones times each matrix."""
    first, last = min(axes, default=0), max(axes, default=0)
    if len(axes) != last - first + 1 or not 0 < first <= last < len(shape) - 1:
        return None
    summed, columns = math.prod(shape[first : last + 1]), math.prod(shape[last + 1 :])

    def lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
        ones = out.constant(np.ones((1, summed), dtype), "ones")
        matrices = xs[0].seen(f".reshape(-1, {summed}, {columns})")
        return [f"np.matmul({ones}, {matrices}, {out.seen(f'.reshape(-1, 1, {columns})')})"]

    return Spelling(lines)


def _as_matrix(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, int, bool] | None:
    """(rows, columns, whether along the rows) of a reduction of the last or the first axes."""
    rest = len(shape) - len(axes)
    if not axes or not rest:
        return None
    if sorted(axes) == list(range(rest, len(shape))):
        return math.prod(shape[:rest]), math.prod(shape[rest:]), True
    if sorted(axes) == list(range(len(axes))):
        return math.prod(shape[: len(axes)]), math.prod(shape[len(axes) :]), False
    return None


def _reduction(ufunc: str, identity: Callable[[np.dtype], object] | None = None) -> Any:
    """A ufunc over axes. With its identity given, a maximum along the last axis is vectorised."""

    def spelled(eqn: Eqn) -> Spelling | None:
        x, axes = eqn.invars[0].aval, eqn.params["axes"]
        if not axes or x.dtype.isbuiltin != 1:
            return None
        if axes == (x.ndim - 1,) and 0 < x.shape[-1] <= NARROW and ufunc != "np.add":
            return _across(ufunc, x.shape[-1])

        def lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
            last = ""
            if identity is not None:
                start = np.asarray(identity(x.dtype), x.dtype)
                last = f", False, {out.constant(start, 'initial')}"
            return [f"{ufunc}.reduce({xs[0]}, {axes}, None, {out}{last})"]

        return Spelling(lines)

    return spelled


def _across(ufunc: str, columns: int) -> Spelling:
    """Of short rows: all of them at once, column by column of a copy that has the columns apart."""

    def lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
        turned = xs[0].seen(f".reshape(-1, {columns})")
        flat = out.seen(".reshape(-1)") if len(out.aval.shape) != 1 else str(out)
        return [f"{ufunc}.reduce({turned}.T.copy(), 0, None, {flat})"]

    return Spelling(lines)


def as_number(eqn: Eqn, x: Operand) -> str | None:
    """A sum, a maximum or a minimum of all elements, as an expression whose result is a number of
    NumPy's."""
    ufunc = _TO_NUMBER.get(eqn.primitive.name)
    if ufunc is None or eqn.outvars[0].aval.shape or x.aval.dtype.char not in "fd":
        return None
    if not x.aval.size or not x.aval.shape:
        return None
    if ufunc == "np.add" and x.aval.ndim == 1 and x.aval.size <= LONG:
        return f"{x}.dot({x.constant(np.ones(x.aval.size, x.aval.dtype), 'ones')})"
    return f"{ufunc}.reduce({x}, None)"


_TO_NUMBER = {"reduce_sum": "np.add", "reduce_max": "np.maximum", "reduce_min": "np.minimum"}


spells("reduce_max")(_reduction("np.maximum", lowest))
spells("reduce_min")(_reduction("np.minimum", highest))
spells("reduce_prod")(_reduction("np.multiply"))
spells("reduce_and")(_reduction("np.bitwise_and"))
spells("reduce_or")(_reduction("np.bitwise_or"))
spells("reduce_xor")(_reduction("np.bitwise_xor"))
