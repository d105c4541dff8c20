"""Arrays end to end, side by side, and with something around them.

Read next: `backends/numpy/spelling/products.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from scratchfn.backends.numpy.kernels.shape import pad_places
from scratchfn.backends.numpy.spelling.base import Line, Operand, Spelling, spells
from scratchfn.core.jaxpr import Eqn


@spells("concatenate")
def _concatenate(eqn: Eqn) -> Spelling | None:
    """Of vectors, only those are copied that were not written to their place at once."""
    axis = eqn.params["dimension"]

    def lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
        ends = [0, *itertools.accumulate(x.aval.shape[axis] for x in xs)]
        missing = [
            f"{out.seen(f'[{start}:{end}]')}[...] = {x}"
            for x, (start, end) in zip(xs, itertools.pairwise(ends), strict=True)
            if not x.is_part(out, start)
        ]
        if len(missing) < len(xs):
            return missing
        return [f"np.concatenate(({', '.join(map(str, xs))},), {axis}, {out})"]

    return Spelling(lines)


@spells("stack")
def _stack(eqn: Eqn) -> Spelling | None:
    axis = eqn.params["axis"]
    new_axis = f"[{':, ' * axis}None]"

    def lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
        apart = ", ".join(x.seen(new_axis) for x in xs)
        return [f"np.concatenate(({apart},), {axis}, {out})"]

    return Spelling(lines)


@spells("pad")
def _pad(eqn: Eqn) -> Spelling | None:
    """What is around is written, then what is inside; all of it first where there are gaps."""
    x, config = eqn.invars[0].aval, eqn.params["padding_config"]
    shape, source, target = pad_places(x.shape, config)
    gaps = any(interior for _, _, interior in config)
    around = ["[...]"] if gaps else _edges(target, shape)

    def lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
        taken = _subscript(source, x.shape)
        seen = xs[0].seen(taken) if taken else str(xs[0])
        inside = out.seen(_subscript(target, shape) or "[...]")
        return [
            *(f"{out.seen(edge)}[...] = {xs[1]}" for edge in around),
            f"{inside}[...] = {seen}",
        ]

    return Spelling(lines)


def _edges(target: Sequence[slice], shape: Sequence[int]) -> list[str]:
    """The parts of an array before and after what is inside, along one axis after another; the
    corners belong to the first."""
    edges: list[str] = []
    for i, (inside, n) in enumerate(zip(target, shape, strict=True)):
        for part in (slice(0, inside.start), slice(inside.stop, n)):
            if part.start < part.stop:
                places = [*target[:i], part, *(slice(0, m) for m in shape[i + 1 :])]
                edges.append(_subscript(places, shape))
    return edges


def _subscript(places: Sequence[slice], shape: Sequence[int]) -> str:
    """Slices as source, "" for all of an array."""
    parts = []
    for place, n in zip(places, shape, strict=True):
        step = "" if place.step in (None, 1) else f":{place.step}"
        whole = (place.start, place.stop) == (0, n)
        parts.append(f":{step}" if whole else f"{place.start}:{place.stop}{step}")
    return f"[{', '.join(parts)}]" if set(parts) - {":"} else ""
