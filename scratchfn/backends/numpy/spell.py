"""How an equation is spelled in NumPy: what it writes to, and what it only looks at differently.

A primitive's own `source` rule gives an expression, whose result is a new array. Here are the
spellings that compiled programs prefer:

    views           a reshape or a transpose of a buffer costs nothing: it is made beforehand
    into a buffer   np.add(a, b, c) writes to c, which the memory plan provides

Read next: `memory.py`, which decides where results are written.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from scratchfn.backends.numpy.kernels.dot import BLAS, Fold, fold_of
from scratchfn.backends.numpy.kernels.reduce import LONG, highest, lowest
from scratchfn.backends.numpy.pool import usable_threads
from scratchfn.core.array import to_numpy
from scratchfn.core.avals import ShapedArray
from scratchfn.core.jaxpr import Atom, Eqn, Literal
from scratchfn.core.template import template_of, ufunc_of


class Operand(Protocol):
    """An array in the source: its name, and the name of what an expression of it shows."""

    aval: ShapedArray

    def __str__(self) -> str: ...

    def __format__(self, dtype: str) -> str:
        """Its name; with a dtype, that of its bits seen as numbers of that dtype."""
        ...

    def seen(self, suffix: str) -> str:
        """`name` + `suffix`, such as ".T"; of a buffer it is made beforehand, under a name of its
        own."""
        ...

    def constant(self, value: np.ndarray, hint: str) -> str:
        """The name of a constant."""
        ...


Line = str
Into = Callable[[Sequence[Operand], Operand], list[Line]]

# Results that show their operand, if its layout allows it.
VIEWS = frozenset({"reshape", "transpose", "broadcast_in_dim", "slice", "rev", "squeeze"})

# Kernels that always return arrays of their own. Of others, a result may be (part of) an operand.
OWN_RESULT = frozenset({
    "dot_general", "conv_general_dilated", "reduce_window_sum", "reduce_window_max",
    "select_and_scatter_add", "concatenate", "iota", "cumsum", "sort", "argmax", "argmin", "stack",
    "pow", "erf", "threefry2x32", "reduce_sum", "reduce_max", "reduce_min", "reduce_prod",
    "add", "sub", "mul", "div", "exp", "log", "tanh",
})  # fmt: skip


class Spelling(NamedTuple):
    """The lines that write a result to a buffer, and the operands whose place it may take: those
    that no line reads after the first that writes."""

    lines: Into
    heirs: tuple[int, ...] = ()


def into(eqn: Eqn) -> Spelling | None:
    """How the equation writes to a buffer of its result's type; None if it can only make a new
    array."""
    special = _INTO.get(eqn.primitive.name)
    if special is not None:
        return special(eqn)
    template = template_of(eqn.primitive, [v.aval for v in eqn.invars])
    ufunc = None if template is None else ufunc_of(template)
    if ufunc is None:
        return None
    return elementwise(f"np.{ufunc.__name__}", len(eqn.invars))


def elementwise(call: str, count: int) -> Spelling:
    """One ufunc of all the operands."""
    places = ", ".join(f"{{{i}}}" for i in range(count))
    return steps(f"{call}({places}, {{out}})", heirs=tuple(range(count)))


def steps(*templates: str, heirs: tuple[int, ...] = ()) -> Spelling:
    """Lines in which `{0}`, `{1}` stand for the operands and `{out}` for the buffer."""
    return Spelling(lambda xs, out: [t.format(*xs, out=out) for t in templates], heirs)


# -- products

DIVIDED = 1 << 21  # multiply-adds from which a product is divided among threads
PLAIN = Fold(None, None, None, None, None, True, ())


def _dot(eqn: Eqn) -> Spelling | None:
    """One product of matrices, of views of its operands and into a view of the buffer; a large one
    by rows, or by its batch, on several threads."""
    lhs, rhs = (v.aval for v in eqn.invars)
    wanted = eqn.params["preferred_element_type"] or lhs.dtype
    if not (lhs.dtype == rhs.dtype == wanted and lhs.dtype.char in BLAS) or not (
        lhs.size and rhs.size
    ):
        return None
    fold = fold_of(lhs.shape, rhs.shape, eqn.params["dimension_numbers"])
    if fold is None:
        fold = PLAIN._replace(folded=eqn.outvars[0].aval.shape)
    left = _folded(fold.lhs_order, fold.lhs_shape)
    right = _folded(fold.rhs_order, fold.rhs_shape)
    result = _folded(None, fold.folded if fold.out_shape is not None else None)
    many = len(fold.lhs_shape or lhs.shape) > 2
    call = ("np.matmul" if many else "np.dot") if fold.contracts else "np.multiply"
    count = min(usable_threads(), fold.folded[0]) if work_of(eqn) >= DIVIDED else 1

    def lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
        if count == 1 or not fold.contracts or len(fold.lhs_shape or lhs.shape) < 2:
            operands = xs[0].seen(left), xs[1].seen(right), out.seen(result)
            return [f"{call}({', '.join(operands)})"]
        parts = []
        for start, stop in _parts(fold.folded[0], count):
            rows = f"[{start}:{stop}]"
            b = xs[1].seen(right + rows if many else right)
            parts.append(f"({xs[0].seen(left + rows)}, {b}, {out.seen(result + rows)})")
        return [f"in_parallel({call}, {', '.join(parts)})"]

    return Spelling(lines)


def work_of(eqn: Eqn) -> int:
    """The multiply-adds of a product of matrices."""
    (contract, _), _ = eqn.params["dimension_numbers"]
    lhs = eqn.invars[0].aval.shape
    return eqn.outvars[0].aval.size * math.prod(lhs[axis] for axis in contract)


def _parts(size: int, count: int) -> list[tuple[int, int]]:
    """`count` ranges of nearly equal lengths."""
    ends = [size * i // count for i in range(count + 1)]
    return list(itertools.pairwise(ends))


def _folded(order: tuple[int, ...] | None, shape: tuple[int, ...] | None) -> str:
    transposed = "" if order is None else f".transpose({order})"
    return transposed if shape is None else f"{transposed}.reshape({shape})"


# -- reductions


def _sum(eqn: Eqn) -> Spelling | None:
    """Along the last or the first axes, a product with ones: BLAS adds faster than np.sum."""
    x, axes = eqn.invars[0].aval, eqn.params["axes"]
    matrix = _as_matrix(x.shape, axes)
    if matrix is None or x.dtype.char not in "fd" or matrix[1] > LONG:
        return _reduction("np.add")(eqn)
    rows, columns, along = matrix

    def lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
        seen = xs[0].seen(f".reshape({rows}, {columns})")
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


# -- choices and conversions


def _select(eqn: Eqn) -> Spelling | None:
    """By bits, where each number is as long as an integer: no branch is taken for each element, and
    what is not chosen, be it nan, leaves no trace."""
    which, *cases = (v.aval for v in eqn.invars)
    out = eqn.outvars[0].aval
    bits = _BITS.get(out.dtype.itemsize)
    if len(cases) != 2 or which.dtype.kind != "b" or bits is None or out.dtype.kind not in "iuf":
        return None
    if _is_zero(eqn.invars[1]):
        return steps(f"np.multiply({{2{bits}}}, {{0}}, {{out{bits}}})", heirs=(2,))
    return steps(
        f"np.bitwise_xor({{1{bits}}}, {{2{bits}}}, {{out{bits}}})",
        f"np.multiply({{out{bits}}}, {{0}}, {{out{bits}}})",
        f"np.bitwise_xor({{out{bits}}}, {{1{bits}}}, {{out{bits}}})",
        heirs=(2,),
    )


_BITS = {4: ":np.int32", 8: ":np.int64"}


def _is_zero(v: Atom) -> bool:
    """A literal whose bits are all 0: +0.0, not -0.0."""
    return type(v) is Literal and not any(to_numpy(v.val).tobytes())


def _convert(eqn: Eqn) -> Spelling | None:
    old, new = eqn.invars[0].aval.dtype, eqn.params["new_dtype"]
    fits = old.isbuiltin == 1 and np.can_cast(old, new, "same_kind") and old.kind != "c"
    return steps("np.copyto({out}, {0})") if fits else None


def _sign(eqn: Eqn) -> Spelling | None:
    if eqn.invars[0].aval.dtype.kind != "f":
        return (
            steps("np.sign({0}, {out})", heirs=(0,))
            if eqn.invars[0].aval.dtype.kind in "iu"
            else None
        )
    return steps("np.sign({0}, {out})", "np.copysign({out}, {0}, {out})")


def _power(eqn: Eqn) -> Spelling | None:
    """Small powers by products."""
    if eqn.invars[0].aval.dtype.kind not in "iuf":
        return None
    powers = {
        2: (["np.square({0}, {out})"], (0,)),
        3: (["np.square({0}, {out})", "np.multiply({out}, {0}, {out})"], ()),
        4: (["np.square({0}, {out})", "np.square({out}, {out})"], (0,)),
    }
    found = powers.get(eqn.params["y"])
    return steps(*found[0], heirs=found[1]) if found else None


_CLAMP = steps("np.maximum({0}, {1}, {out})", "np.minimum({out}, {2}, {out})", heirs=(0, 1))

_INTO: dict[str, Callable[[Eqn], Spelling | None]] = {
    "dot_general": _dot,
    "reduce_sum": _sum,
    "reduce_max": _reduction("np.maximum", lowest),
    "reduce_min": _reduction("np.minimum", highest),
    "reduce_prod": _reduction("np.multiply"),
    "select_n": _select,
    "convert_element_type": _convert,
    "sign": _sign,
    "integer_pow": _power,
    "clamp": lambda eqn: _CLAMP,
}
