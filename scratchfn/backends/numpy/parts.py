"""Vectors that are put together from buffers: each part is written to its place at once.

    a = mul ...                     np.multiply(..., whole_0_64)
    b = dot_general ...             np.dot(..., whole_64_128)
    whole = concatenate a b

That goes for buffers that nothing reads after the concatenation, or reshapes of such.

Read next: `memory.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from scratchfn.core.jaxpr import Atom, Eqn, Var


class Part(NamedTuple):
    """Where a buffer lies: in a longer vector, from an element on."""

    whole: Var
    start: int


Parts = dict[Atom, Part]


def find_parts(
    steps: Sequence[object], dead: Iterable[Collection[Atom]], buffers: Collection[Atom]
) -> Parts:
    """The buffers that are parts of others, and the reshapes of them; `dead` has for each step the
    buffers that it is the last to read."""
    parts: Parts = {}
    wholes: set[Var] = set()
    reshaped: dict[Atom, Atom] = {}
    for step, dying in zip(steps, dead, strict=True):
        if not isinstance(step, Eqn) or len(step.outvars) != 1:
            continue
        (out,) = step.outvars
        if step.primitive.name == "reshape":
            reshaped[out] = reshaped.get(step.invars[0], step.invars[0])
        if step.primitive.name != "concatenate" or out not in buffers or out.aval.ndim != 1:
            continue
        start = 0
        for v in step.invars:
            buffer = reshaped.get(v, v)
            free = buffer in buffers and buffer not in parts and buffer not in wholes
            if free and buffer in dying:
                parts[buffer] = parts[v] = Part(out, start)
                wholes.add(out)
            start += v.aval.size
    return parts


def places(whole: Var, offset: int, parts: Parts, buffers: Collection[Atom]) -> dict[Var, int]:
    """The offsets of the buffers that are parts of a vector which lies at an offset."""
    size = whole.aval.dtype.itemsize
    return {
        v: offset + part.start * size
        for v, part in parts.items()
        if part.whole is whole and type(v) is Var and v in buffers
    }
