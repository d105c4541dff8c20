"""Sums, maxima, minima and products over axes.

Read next: `backends/numpy/spelling/products.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratchfn.backends.numpy.kernels.reduce import LONG, highest, lowest
from scratchfn.backends.numpy.spelling.base import Line, Operand, Spelling, spells
from scratchfn.core.jaxpr import Eqn


@spells("reduce_sum")
def _sum(eqn: Eqn) -> Spelling | None:
    """Along the last or the first axes, a product with ones: BLAS adds faster than np.sum."""
    x, axes = eqn.invars[0].aval, eqn.params["axes"]
    matrix = _as_matrix(x.shape, axes)
    if matrix is None or x.dtype.char not in "fd" or matrix[1] > LONG:
        return _reduction("np.add")(eqn)
    rows, columns, along = matrix

    def lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
        seen = xs[0].seen(f".reshape(-1, {columns})" if len(x.shape) > 2 else "")
        ones = out.constant(np.ones(columns if along else rows, x.dtype), "ones")
        flat = out.seen(".reshape(-1)") if len(out.aval.shape) > 1 else str(out)
        return [f"np.dot({seen}, {ones}, {flat})" if along else f"np.dot({ones}, {seen}, {flat})"]

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

        def lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
            last = ""
            if identity is not None:
                start = np.asarray(identity(x.dtype), x.dtype)
                last = f", False, {out.constant(start, 'initial')}"
            return [f"{ufunc}.reduce({xs[0]}, {axes}, None, {out}{last})"]

        return Spelling(lines)

    return spelled


spells("reduce_max")(_reduction("np.maximum", lowest))
spells("reduce_min")(_reduction("np.minimum", highest))
spells("reduce_prod")(_reduction("np.multiply"))
