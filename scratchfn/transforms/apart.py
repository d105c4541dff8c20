"""A program taken apart: what depends on some of its arguments, and what does not.

Whatever does not is computed now, from the other arguments; the rest is a program of its own, of
what it reads of the former and of those arguments. So a loop that carries values and tangents side
by side becomes a loop of the values and a linear one.

Read next: `control/scan_primitive.py`, where loops are taken apart.
"""

from __future__ import annotations

from itertools import compress
from typing import Any

from scratchfn.core.jaxpr import ClosedJaxpr, Jaxpr, jaxpr_as_fun, prune, weak_cache
from scratchfn.core.stage import StageTrace, stage_closed
from scratchfn.core.trace import current, running

Marks = tuple[bool, ...]


@weak_cache
def split_jaxpr(
    closed: ClosedJaxpr, recorded: Marks, wanted: Marks
) -> tuple[ClosedJaxpr, ClosedJaxpr]:
    """Two programs: from the arguments that are not marked in `recorded` to (the results that are
    not marked in `wanted`, residuals), and from (residuals, the others) to the other results.
    Marked in `wanted` are at least the results that depend on the marked arguments."""
    rest: list[Jaxpr] = []

    def now(*args: Any) -> list[Any]:
        given = iter(args)
        trace = StageTrace(current.trace, partial=True, what="a part of a program")
        with running(trace):
            values = [
                trace.argument(aval) if mark else next(given)
                for aval, mark in zip(closed.in_avals, recorded, strict=True)
            ]
            outs = jaxpr_as_fun(closed)(*values)
            later, residuals = prune(*trace.program(list(compress(outs, wanted))))
        rest.append(later)
        return [*[x for x, want in zip(outs, wanted, strict=True) if not want], *residuals]

    avals = [aval for aval, mark in zip(closed.in_avals, recorded, strict=True) if not mark]
    known = stage_closed(now, avals, "a part of a program")
    later = rest[0]
    invars = later.constvars + later.invars
    return known, ClosedJaxpr(Jaxpr([], invars, later.outvars, later.eqns))


@weak_cache
def known_jaxpr(closed: ClosedJaxpr, recorded: Marks, reached: Marks) -> ClosedJaxpr:
    """The program of the results that are not marked in `reached`, which do not depend on the
    arguments marked in `recorded`."""
    known, _ = split_jaxpr(closed, recorded, reached)
    jaxpr, count = known.jaxpr, reached.count(False)
    some = Jaxpr(jaxpr.constvars, jaxpr.invars, jaxpr.outvars[:count], jaxpr.eqns)
    return ClosedJaxpr(*prune(some, known.consts))
