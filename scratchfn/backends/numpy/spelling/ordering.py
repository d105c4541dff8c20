"""Along an axis: positions of extremes, running sums and the like, order, and counting.

Read next: `backends/numpy/spelling/indexing.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scratchfn.backends.numpy.kernels import cumulative, shape
from scratchfn.backends.numpy.kernels.sort import sort_in_place
from scratchfn.backends.numpy.spelling.base import Line, Operand, Spelling, copied, spells, steps
from scratchfn.core.jaxpr import Eqn
from scratchfn.core.template import kernel

kernel(cumulative.accumulate)
kernel(sort_in_place)


@spells("argmax", "argmin")
def _position(eqn: Eqn) -> Spelling | None:
    if eqn.invars[0].aval.dtype.isbuiltin != 1:
        return None
    (axis,) = eqn.params["axes"]
    return steps(f"np.copyto({{out}}, {{0}}.{eqn.primitive.name}({axis}), 'unsafe')")


def _cumulative(ufunc: str) -> Any:
    def spelled(eqn: Eqn) -> Spelling | None:
        axis, reverse = eqn.params["axis"], eqn.params["reverse"]
        if eqn.invars[0].aval.dtype.char not in "fdFDilqILQ":
            return None
        return steps(f"accumulate({ufunc}, {{0}}, {axis}, {reverse}, {{out}})")

    return spelled


spells("cumsum")(_cumulative("np.add"))
spells("cumprod")(_cumulative("np.multiply"))
spells("cummax")(_cumulative("np.maximum"))
spells("cummin")(_cumulative("np.minimum"))


@spells("sort")
def _sort(eqn: Eqn) -> Spelling | None:
    if len(eqn.invars) > 1 or eqn.invars[0].aval.dtype.char not in "bBhHilqILQ?fd":
        return None
    axis = eqn.params["dimension"]

    def lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
        return [*copied(xs[0], out), f"sort_in_place({out}, {axis})"]

    return Spelling(lines, heirs=(0,))


@spells("iota")
def _iota(eqn: Eqn) -> Spelling | None:
    """A copy of a constant that counts along its axis."""
    dtype, sizes, axis = (eqn.params[name] for name in ("dtype", "shape", "dimension"))
    if dtype.isbuiltin != 1:
        return None
    sizes = tuple(n if i == axis else 1 for i, n in enumerate(sizes))

    def lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
        counted = out.constant(shape.iota(dtype, sizes, axis), "counted")
        return [f"np.copyto({out}, {counted})"]

    return Spelling(lines)
