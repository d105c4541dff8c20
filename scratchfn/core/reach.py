"""Which results of an operation depend on some of its arguments, and which do not.

Where an operation that holds a program is recorded with some arguments that are known, as a loop
that carries values and tangents is, the results that depend on known ones alone are known as well.
Plain operations have no such results; those that hold programs tell by their `reach` rule.

Read next: `core/stage.py`, which takes operations apart accordingly.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import Any

from scratchfn.core.jaxpr import ClosedJaxpr, Jaxpr, Var, weak_cache
from scratchfn.core.trace import Primitive


def results_reached(
    prim: Primitive, marks: Sequence[bool], params: dict[str, Any]
) -> list[bool] | None:
    """Which results depend on the marked arguments, of which there are some; None if all do."""
    if prim.program:
        return reached(params[prim.program], tuple(marks))
    return None if prim.reach is None else prim.reach(tuple(marks), **params)


@weak_cache
def reached(closed: ClosedJaxpr, marks: tuple[bool, ...]) -> list[bool]:
    """Which results of a program depend on the marked arguments."""
    found = _variables(closed.jaxpr, compress(closed.jaxpr.invars, marks))[0]
    return [v in found for v in closed.jaxpr.outvars]


def has_results_apart(jaxpr: Jaxpr, marked: Sequence[Var]) -> bool:
    """Is there an operation that depends on the marked arguments, but not in all of its results?"""
    holding = any(eqn.primitive.program or eqn.primitive.reach for eqn in jaxpr.eqns)
    return holding and _variables(jaxpr, marked)[1]


def _variables(jaxpr: Jaxpr, marked: Any) -> tuple[set[Any], bool]:
    """The variables that depend on the marked ones, and if an operation has others beside them."""
    found, apart = set(marked), False
    for eqn in jaxpr.eqns:
        marks = [v in found for v in eqn.invars]
        if any(marks):
            of_outs = results_reached(eqn.primitive, marks, eqn.params)
            found.update(eqn.outvars if of_outs is None else compress(eqn.outvars, of_outs))
            apart = apart or not (of_outs is None or all(of_outs))
    return found, apart
