"""How an equation is spelled in NumPy: what it writes to, and what it only looks at differently.

A primitive's own `source` rule gives an expression, whose result is a new array. Here are the
spellings that compiled programs prefer:

    views           a reshape or a transpose of a buffer costs nothing: it is made beforehand
    into a buffer   np.add(a, b, c) writes to c, which the memory plan provides

Read next: `memory.py`, which decides where results are written.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from scratchfn.backends.numpy.kernels.dot import BLAS, fold_of
from scratchfn.core.avals import ShapedArray
from scratchfn.core.jaxpr import Eqn
from scratchfn.core.template import template_of, ufunc_of


class Operand(Protocol):
    """An array in the source: its name, and the name of what an expression of it shows."""

    aval: ShapedArray

    def __str__(self) -> str: ...

    def seen(self, suffix: str) -> str:
        """`name` + `suffix`, such as ".T"; of a buffer it is made beforehand, under a name of its
        own."""
        ...


Into = Callable[[list[Operand], Operand], str]

# Results that show their operand, if its layout allows it.
VIEWS = frozenset({"reshape", "transpose", "broadcast_in_dim", "slice", "rev", "squeeze"})

# Kernels that always return arrays of their own. Of others, a result may be (part of) an operand.
OWN_RESULT = frozenset({
    "dot_general", "conv_general_dilated", "reduce_window_sum", "reduce_window_max",
    "select_and_scatter_add", "scatter-add", "scatter", "concatenate", "iota", "cumsum", "sort",
    "argmax", "argmin", "stack", "integer_pow", "pow", "erf", "threefry2x32",
})  # fmt: skip


def into(eqn: Eqn) -> Into | None:
    """How the equation writes to a buffer of its result's type; None if it can only make a new
    array."""
    special = _INTO.get(eqn.primitive.name)
    if special is not None:
        return special(eqn)
    ufunc = ufunc_of(template_of(eqn.primitive, [v.aval for v in eqn.invars]))
    if ufunc is None:
        return None
    return lambda xs, out: f"np.{ufunc.__name__}({', '.join(map(str, xs))}, {out})"


def in_place(eqn: Eqn) -> bool:
    """May the result be written over an operand of the same type? So it is where each element is
    computed from its own place."""
    return eqn.primitive.name not in ("dot_general",)


def _dot(eqn: Eqn) -> Into | None:
    """One product of matrices, of views of its operands and into a view of the buffer."""
    lhs, rhs = (v.aval for v in eqn.invars)
    wanted = eqn.params["preferred_element_type"] or lhs.dtype
    if not (lhs.dtype == rhs.dtype == wanted and lhs.dtype.char in BLAS) or not (
        lhs.size and rhs.size
    ):
        return None
    fold = fold_of(lhs.shape, rhs.shape, eqn.params["dimension_numbers"])
    if fold is None:
        return lambda xs, out: f"np.dot({xs[0]}, {xs[1]}, {out})"
    folded = fold.folded if fold.out_shape is not None else None
    many = len(fold.lhs_shape or lhs.shape) > 2
    call = ("np.matmul" if many else "np.dot") if fold.contracts else "np.multiply"

    def text(xs: list[Operand], out: Operand) -> str:
        a = xs[0].seen(_folded(fold.lhs_order, fold.lhs_shape))
        b = xs[1].seen(_folded(fold.rhs_order, fold.rhs_shape))
        return f"{call}({a}, {b}, {out.seen(_folded(None, folded))})"

    return text


def _folded(order: tuple[int, ...] | None, shape: tuple[int, ...] | None) -> str:
    transposed = "" if order is None else f".transpose({order})"
    return transposed if shape is None else f"{transposed}.reshape({shape})"


_INTO: dict[str, Callable[[Eqn], Into | None]] = {"dot_general": _dot}
