"""What a linear loop can have computed ahead of it, for all steps at once.

A weight matrix W that a loop's body multiplies by, h_t W, has at each step the tangent h_t dW, and
going back the loop would add a matrix to the sum of W's cotangents at each step. But the products
h_t dW do not depend on what the loop carries. Computed for all t at once, ahead of the loop, they
are one product H dW; and its transpose, after the loop back, is one product H' CT in place of the
sum of all outer products.

Only what is no larger than its tangents is computed ahead: [n, n] to [n], but not a bias repeated
over a batch.

Read next: `scan_primitive.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from scratchfn.core.jaxpr import (
    Atom,
    ClosedJaxpr,
    Eqn,
    Jaxpr,
    Var,
    effects_of,
    jaxpr_as_fun,
    weak_cache,
)
from scratchfn.transforms.control.programs import cut, used_by
from scratchfn.transforms.vmap import batch_jaxpr


class Groups(NamedTuple):
    """How many arguments of each kind a linear body has: residuals that are the same at each step,
    tangents of consts, tangents of the carry, residuals of each step, tangents of xs."""

    fixed: int
    dconsts: int
    dcarry: int
    moving: int
    dxs: int


class Ahead(NamedTuple):
    """A linear body as a program to be run ahead, (fixed, moving, dconsts) to tangents that are new
    constants (the first `num_consts`) or new rows of the loop; and what is left of the body,
    which reads the arguments marked in `reads` and these."""

    program: ClosedJaxpr
    num_consts: int
    body: ClosedJaxpr
    reads: list[list[bool]]

    def split(self, groups: Sequence[list[Any]]) -> tuple[list[Any], list[Any], list[Any]]:
        """Runs the program; the consts, carry and xs of the loop that is left."""
        fixed, dconsts, dcarry, moving, dxs = groups
        outs = jaxpr_as_fun(self.program)(*fixed, *moving, *dconsts)
        consts, rows = cut(outs, self.num_consts)
        kept = [
            [x for x, read in zip(group, marks, strict=True) if read]
            for group, marks in zip((fixed, dconsts, moving, dxs), self.reads, strict=True)
        ]
        return [*kept[0], *kept[1], *consts], dcarry, [*kept[2], *rows, *kept[3]]


@weak_cache
def ahead_of(body: ClosedJaxpr, groups: Groups, length: int) -> Ahead | None:
    """What to compute ahead of a linear loop; None if there is nothing."""
    jaxpr = body.jaxpr
    fixed, dconsts, dcarry, moving, dxs = cut(jaxpr.invars, *groups[:-1])
    before, steps = _split(jaxpr, dconsts, [*dcarry, *dxs])
    made = [v for eqn in before for v in eqn.outvars]
    needed = used_by(made, steps, jaxpr.outvars)
    if not needed:
        return None
    first = ClosedJaxpr(
        Jaxpr(jaxpr.constvars, [*fixed, *moving, *dconsts], list(needed), before), body.consts
    )
    batched = (*[False] * len(fixed), *[True] * len(moving), *[False] * len(dconsts))
    program, marks = batch_jaxpr(first, length, batched)
    order = sorted(range(len(needed)), key=marks.__getitem__)  # those without the axis in front
    program = ClosedJaxpr(
        Jaxpr(
            program.jaxpr.constvars,
            program.jaxpr.invars,
            [program.jaxpr.outvars[i] for i in order],
            program.jaxpr.eqns,
        ),
        program.consts,
    )
    num_consts = marks.count(False)
    consts, rows = cut([needed[i] for i in order], num_consts)
    kept = [used_by(group, steps, jaxpr.outvars) for group in (fixed, dconsts, moving, dxs)]
    invars = [*kept[0], *kept[1], *consts, *dcarry, *kept[2], *rows, *kept[3]]
    rest = ClosedJaxpr(Jaxpr(jaxpr.constvars, invars, jaxpr.outvars, steps), body.consts)
    reads = [
        [v in read for v in group]
        for group, read in zip((fixed, dconsts, moving, dxs), map(set, kept), strict=True)
    ]
    return Ahead(program, num_consts, rest, reads)


def _split(jaxpr: Jaxpr, dconsts: Sequence[Var], others: Sequence[Var]) -> Any:
    """The equations that can be run ahead, and the rest."""
    ready: set[Atom] = set(dconsts)  # tangents known ahead
    later: set[Atom] = set(others)
    before: list[Eqn] = []
    steps: list[Eqn] = []
    for eqn in jaxpr.eqns:
        inputs = [v for v in eqn.invars if type(v) is Var]
        tangents = [v for v in inputs if v in ready]
        if tangents and not any(v in later for v in inputs) and _is_worth_it(eqn, tangents):
            ready.update(eqn.outvars)
            before.append(eqn)
        else:
            later.update(eqn.outvars)
            steps.append(eqn)
    return before, steps


def _is_worth_it(eqn: Eqn, tangents: Sequence[Var]) -> bool:
    """Is it a plain operation whose results are no larger than the tangents it is given?"""
    if eqn.primitive.batch is None or eqn.primitive.holds_programs or effects_of(eqn):
        return False
    return sum(v.aval.size for v in eqn.outvars) <= max(v.aval.size for v in tangents)
