"""Maxima and minima: of arrays by np.maximum, between numbers by the ufunc `clip`.

With a number for one operand, np.maximum takes its elements one at a time; `clip` takes sixteen.
The two differ where zeros of both signs meet: the greater of 0.0 and -0.0 is 0.0, and `clip` leaves
what is equal to a bound as it is. Adding 0.0 makes 0.0 of -0.0, and changes nothing else.

Read next: `backends/numpy/spelling/reductions.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from scratchfn.backends.numpy.spelling.base import (
    Line,
    Operand,
    Spelling,
    elementwise,
    spells,
    steps,
)
from scratchfn.core.array import to_numpy
from scratchfn.core.jaxpr import Atom, Eqn, Literal
from scratchfn.core.template import kernel

clip = kernel(np._core.umath.clip)  # type: ignore[attr-defined] # np.clip is Python around it


@spells("max", "min")
def _extremum(eqn: Eqn) -> Spelling | None:
    x, y = eqn.invars
    if _number(x) is not None:
        x, y = y, x
    bound, infinity = _number(y), -math.inf if eqn.primitive.name == "min" else math.inf
    ends = (bound, infinity) if eqn.primitive.name == "max" else (infinity, bound)
    index = eqn.invars.index(x)
    clipped = _clipped(index, x.aval.dtype, *ends)
    ufunc = "np.maximum" if eqn.primitive.name == "max" else "np.minimum"
    if bound is None or clipped is not None:
        return clipped or elementwise(ufunc, 2)
    # Of two zeros NumPy returns the second operand, and here that is the one that counts.
    return steps(f"{ufunc}({{{index}}}, {{{1 - index}}}, out={{out}})", heirs=(0, 1))


@spells("clamp")
def _clamp(eqn: Eqn) -> Spelling | None:
    low, x, high = eqn.invars
    clipped = _clipped(1, x.aval.dtype, _number(low), _number(high))
    return clipped or _CLAMP


def _clamp_lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
    low, x, high = xs
    return [f"np.maximum({low}, {x}, out={out})", f"np.minimum({out}, {high}, out={out})"]


_CLAMP = Spelling(_clamp_lines, heirs=(0, 1))


def _number(v: Atom) -> float | None:
    """A bound that is written into the program, if it is one of those that `clip` is right for."""
    if type(v) is not Literal or v.aval.dtype.char not in "fd":
        return None
    number = float(to_numpy(v.val))
    return None if math.isnan(number) else number


def _clipped(index: int, dtype: np.dtype, low: float | None, high: float | None) -> Spelling | None:
    """Operand `index` between two numbers. Not below -0.0, which may be less than what is there."""
    if low is None or high is None or (high == 0 and math.copysign(1, high) < 0):
        return None

    def lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
        ends = [out.constant(np.asarray(end, dtype), "bound") for end in (low, high)]
        found = [f"clip({xs[index]}, {', '.join(ends)}, {out})"]
        if low == 0 and math.copysign(1, low) > 0:
            found.append(f"np.add({out}, {ends[0]}, {out})")
        return found

    return Spelling(lines, heirs=(index,))
