"""Programs as data: arguments in another order, and the part of a loop's body that never changes.

The rules of `scan`, `while` and `cond` derive one program from another. Most of that is tracing the
program again (`transforms/jvp.py`, `vjp.py`, `vmap.py`); what is here needs no tracing.

Read next: `scan_primitive.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from scratchfn import errors
from scratchfn.core.effects import Effect
from scratchfn.core.jaxpr import Atom, ClosedJaxpr, Eqn, Jaxpr, Var, effects_of, eval_jaxpr, prune
from scratchfn.primitives.base import instantiate_axis

T = TypeVar("T")


def cut(items: Sequence[T], *counts: int) -> list[list[T]]:
    """Consecutive parts of a sequence: one for each count, and the rest."""
    parts, start = [], 0
    for count in counts:
        parts.append(list(items[start : start + count]))
        start += count
    return [*parts, list(items[start:])]


def pick(items: Sequence[T], marks: Sequence[bool]) -> list[T]:
    """The items that are marked."""
    return [item for item, mark in zip(items, marks, strict=True) if mark]


def interleave(primals: Sequence[int], tangents: Sequence[int]) -> list[int]:
    """Places in (a, b, ..., da, db, ...) in the order a, da, b, db, ...; given are the lengths."""
    order: list[int] = []
    p, t = 0, sum(primals)
    for n, m in zip(primals, tangents, strict=True):
        order += [*range(p, p + n), *range(t, t + m)]
        p, t = p + n, t + m
    return order


def reorder(
    closed: ClosedJaxpr, ins: Sequence[int], outs: Sequence[int] | None = None
) -> ClosedJaxpr:
    """The same program with its arguments in another order, and with some of its results."""
    jaxpr = closed.jaxpr
    outvars = jaxpr.outvars if outs is None else [jaxpr.outvars[i] for i in outs]
    arguments = [jaxpr.invars[i] for i in ins]
    return ClosedJaxpr(Jaxpr(jaxpr.constvars, arguments, outvars, jaxpr.eqns), closed.consts)


def with_unused(closed: ClosedJaxpr, like: Sequence[Any], place: int) -> ClosedJaxpr:
    """The same program with more arguments, of the types `like`, that it does not read."""
    jaxpr = closed.jaxpr
    before, after = cut(jaxpr.invars, place)
    invars = [*before, *[Var(aval) for aval in like], *after]
    return ClosedJaxpr(Jaxpr(jaxpr.constvars, invars, jaxpr.outvars, jaxpr.eqns), closed.consts)


class Invariant(NamedTuple):
    """What a loop's body computes from its constants alone: `before` does so ahead of the loop, and
    its results are the values of the body's variables `known`."""

    before: Jaxpr
    consts: list[Any]
    known: list[Var]

    def compute(self, args: Sequence[Any]) -> dict[Atom, Any]:
        """The values of `known`, under the current trace."""
        return dict(zip(self.known, eval_jaxpr(self.before, self.consts, *args), strict=True))


def split_invariant(closed: ClosedJaxpr, num_consts: int) -> tuple[Invariant, list[Eqn]]:
    """Takes a loop's body apart: what depends on its first `num_consts` arguments alone, and the
    equations that have to be run at each step. Effects happen at each step."""
    jaxpr = closed.jaxpr
    consts, varying = cut(jaxpr.invars, num_consts)
    reached: set[Atom] = set(varying)
    before: list[Eqn] = []
    steps: list[Eqn] = []
    for eqn in jaxpr.eqns:
        if any(v in reached for v in eqn.invars if type(v) is Var) or effects_of(eqn):
            reached.update(eqn.outvars)
            steps.append(eqn)
        else:
            before.append(eqn)
    known = [*jaxpr.constvars, *consts, *[v for eqn in before for v in eqn.outvars]]
    needed = _read_by(steps) | {v for v in jaxpr.outvars if type(v) is Var}
    known = [v for v in known if v in needed]
    pruned = prune(Jaxpr(jaxpr.constvars, consts, list(known), before), closed.consts)
    return Invariant(*pruned, known), steps


def _read_by(eqns: Sequence[Eqn]) -> set[Atom]:
    return {v for eqn in eqns for v in eqn.invars if type(v) is Var}


def used_by(known: Sequence[Var], eqns: Sequence[Eqn], outvars: Sequence[Atom]) -> list[Var]:
    """Those of the variables that some equations, or a program's results, read."""
    needed = _read_by(eqns) | {v for v in outvars if type(v) is Var}
    return [v for v in known if v in needed]


def spread_carry(
    carry: Sequence[tuple[Any, int | None]], marks: Sequence[bool], size: int
) -> list[Any]:
    """Start values, given with their batch axes, of which those marked have to have one."""
    return [
        instantiate_axis(x, d, size) if mark else x
        for (x, d), mark in zip(carry, marks, strict=True)
    ]


def require_no_io(asked: str, programs: Sequence[ClosedJaxpr]) -> None:
    """Raises NotImplementedError for programs that are to be run for all examples of a batch, also
    for those whose results are then thrown away, if they do more than to compute and to print."""
    effects = frozenset[Effect]().union(*(program.effects for program in programs))
    if effects & {Effect.IO, Effect.ORDERED_IO}:
        raise NotImplementedError(
            errors.explain(
                f"vmap of {asked} with a condition of its own for each example",
                "an io_callback inside",
                "what is inside is run for all examples, to keep the results of some",
                "the io_callback outside of it, or a condition that is the same for all examples",
            )
        )
