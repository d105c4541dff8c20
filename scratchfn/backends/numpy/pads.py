"""Sums of arrays that are padded with zeros so that they lie side by side: they are put end to end.

    [a 0 0] + [0 b 0] + [0 0 c]   ->   concatenate(a + 0.0, b + 0.0, c + 0.0)

The gradient of a function that cuts an array into parts is such a sum. Adding 0.0, as the sum does,
makes 0.0 of -0.0 and changes nothing else.

Read next: `simplify.py`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scratchfn.backends.numpy.known import Known, derived, is_number, maker
from scratchfn.core.array import Array
from scratchfn.core.avals import ShapedArray
from scratchfn.core.jaxpr import Atom, Eqn, Literal, Var
from scratchfn.core.trace import registry


class Parts(NamedTuple):
    """What lies along an axis: the start of each array; between them are zeros."""

    axis: int
    arrays: dict[int, Atom]


def sum_of_pads(eqn: Eqn, known: Known) -> list[Eqn] | None:
    """The rule for a sum of two, each padded, or such a sum itself."""
    first, second = (_parts(v, known) for v in eqn.invars)
    if first is None or second is None or first.axis != second.axis:
        return None
    axis, out = first.axis, eqn.outvars[0].aval
    pieces: list[Atom] = []
    made: list[Eqn] = []
    reached = 0
    for start, v in sorted([*first.arrays.items(), *second.arrays.items()], key=lambda a: a[0]):
        if start < reached:
            return None  # they overlap
        made += _zeros(start - reached, axis, out, pieces)
        made += _plus_zero(v, known, pieces)
        reached = start + v.aval.shape[axis]
    made += _zeros(out.shape[axis] - reached, axis, out, pieces)
    return [*made, derived(eqn, "concatenate", pieces, dimension=axis)]


def _parts(v: Atom, known: Known) -> Parts | None:
    """What is along the one axis that an array was padded on, or put together on."""
    pad = maker(v, known, "pad")
    if pad is not None:
        x, value = pad.invars
        padded = [(i, edges) for i, edges in enumerate(pad.params["padding_config"]) if any(edges)]
        if len(padded) != 1 or min(padded[0][1]) < 0 or not is_number(value, known, 0.0):
            return None
        ((axis, (low, _, interior)),) = padded
        return None if interior else Parts(axis, {low: x})
    joined = maker(v, known, "concatenate")
    if joined is None:
        return None
    axis, start, arrays = joined.params["dimension"], 0, {}
    for x in joined.invars:
        if not is_number(x, known, 0.0):
            arrays[start] = x
        start += x.aval.shape[axis]
    return Parts(axis, arrays)


def _zeros(size: int, axis: int, out: ShapedArray, pieces: list[Atom]) -> list[Eqn]:
    """The equation, if one is needed, for that many zeros among the pieces."""
    if not size:
        return []
    shape = (*out.shape[:axis], size, *out.shape[axis + 1 :])
    zeros = Var(out.update(shape=shape))
    pieces.append(zeros)
    params = {"shape": shape, "broadcast_dimensions": (), "sharding": None}
    return [Eqn(registry["broadcast_in_dim"], [_zero(out)], [zeros], params)]


def _plus_zero(v: Atom, known: Known, pieces: list[Atom]) -> list[Eqn]:
    """The equation, if one is needed, that adds 0.0 to a piece."""
    before = maker(v, known, "add")
    done = before is not None and is_number(before.invars[1], known, 0.0)
    if v.aval.dtype.kind not in "fc" or done or _is_product(v, known):
        pieces.append(v)
        return []
    added = Var(v.aval)
    pieces.append(added)
    return [Eqn(registry["add"], [v, _zero(v.aval)], [added], {})]


def _is_product(v: Atom, known: Known) -> bool:
    """Is it a product of matrices, whose sums begin with 0.0, or one in another shape?"""
    while (eqn := maker(v, known, "reshape") or maker(v, known, "transpose")) is not None:
        v = eqn.invars[0]
    return maker(v, known, "dot_general") is not None


def _zero(aval: ShapedArray) -> Literal:
    return Literal(Array(np.zeros((), aval.dtype), aval.weak_type))
