"""What a checkpointed function computes now, for its results and what the policy saves, and what it
computes later, for its derivative.

A policy is asked of the operations inside jitted functions and of those of a scan's body as well.
What it saves of a body is stacked, one row for each step: the scan that runs now has it among its
results, the one that runs later among its `xs`.

Read next: `transforms/saved_residuals.py`, which shows what is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from scratchfn.backends.numpy.simplify import inline_calls
from scratchfn.core.jaxpr import (
    Atom,
    ClosedJaxpr,
    Eqn,
    Jaxpr,
    Literal,
    Var,
    eval_jaxpr,
    prune,
    weak_cache,
)
from scratchfn.core.stage import stage_closed
from scratchfn.transforms.checkpoint_policies import Policy, saves
from scratchfn.transforms.control.programs import reorder
from scratchfn.transforms.control.scan_primitive import scan_p
from scratchfn.transforms.vjp import linearize_jaxpr


class Split(NamedTuple):
    """A program's derivative, apart: `now` maps arguments to (results, saved values), `later` maps
    (saved values, the arguments at `kept`, tangents) to the tangents of results."""

    now: ClosedJaxpr
    later: ClosedJaxpr
    kept: list[int]
    out_nonzeros: list[bool]


@weak_cache
def split_checkpointed(
    closed: ClosedJaxpr, nonzeros: tuple[bool, ...], policy: Policy | None
) -> Split:
    """The derivative of a checkpointed program with respect to the arguments marked nonzero."""
    known, linear, out_nonzeros = linearize_jaxpr(closed, nonzeros)
    jaxpr, consts = (known.jaxpr, known.consts) if policy is None else inline_calls(known)
    count = len(closed.out_avals)
    parts = _parts(jaxpr, jaxpr.outvars[count:], policy)
    kept = [i for i, v in enumerate(jaxpr.invars) if v in parts.needed]

    now = closed
    if parts.saved:
        outs = [*jaxpr.outvars[:count], *parts.saved]
        now = _program(Jaxpr(jaxpr.constvars, jaxpr.invars, outs, parts.now), consts)
    invars = [*parts.saved, *[jaxpr.invars[i] for i in kept]]
    again = Jaxpr(jaxpr.constvars, invars, jaxpr.outvars[count:], parts.later)

    def run(*values: Any) -> list[Any]:
        residuals = eval_jaxpr(again, consts, *values[: len(invars)])
        return eval_jaxpr(linear.jaxpr, linear.consts, *residuals, *values[len(invars) :])

    tangents = [
        a.tangent() for a, nonzero in zip(closed.in_avals, nonzeros, strict=True) if nonzero
    ]
    later = stage_closed(run, [*[v.aval for v in invars], *tangents], "checkpoint")
    return Split(now, _program(later.jaxpr, later.consts), kept, out_nonzeros)


def _program(jaxpr: Jaxpr, consts: Sequence[Any]) -> ClosedJaxpr:
    """A program of what its results need, also of the rows that its scans stack."""
    needed = {v for v in jaxpr.outvars if type(v) is Var}
    eqns = []
    for eqn in reversed(jaxpr.eqns):
        if eqn.primitive is scan_p and not needed.isdisjoint(eqn.outvars):
            eqn = _stacking(eqn, [v in needed for v in eqn.outvars])
        eqns.append(eqn)
        needed.update(v for v in eqn.invars if type(v) is Var)
    return ClosedJaxpr(
        *prune(Jaxpr(jaxpr.constvars, jaxpr.invars, jaxpr.outvars, eqns[::-1]), consts)
    )


def _stacking(eqn: Eqn, marks: Sequence[bool]) -> Eqn:
    """A scan that stacks those rows alone which are marked among its results."""
    count = eqn.params["num_carry"]
    kept = [i for i, mark in enumerate(marks) if i < count or mark]
    params = eqn.params | {"jaxpr": _with_results(eqn.params["jaxpr"], tuple(kept))}
    return Eqn(eqn.primitive, eqn.invars, [eqn.outvars[i] for i in kept], params, eqn.source)


@weak_cache
def _with_results(closed: ClosedJaxpr, kept: tuple[int, ...]) -> ClosedJaxpr:
    some = reorder(closed, range(len(closed.in_avals)), kept)
    return _program(some.jaxpr, some.consts)


class _Parts(NamedTuple):
    """Equations to be run now, and those to be run later, from the values that are `saved` and from
    arguments: `needed` has both."""

    now: list[Eqn]
    later: list[Eqn]
    saved: list[Var]
    needed: set[Atom]


def _parts(jaxpr: Jaxpr, wanted: Sequence[Atom], policy: Policy | None) -> _Parts:
    """The equations of a program, of whose values some are wanted later."""
    needed: set[Atom] = {v for v in wanted if type(v) is not Literal}
    saved: list[Var] = []
    now: list[Eqn] = []
    later: list[Eqn] = []
    for eqn in reversed(jaxpr.eqns):
        first, again, kept = eqn, None, [v for v in eqn.outvars if v in needed]
        if kept and not saves(policy, eqn.primitive, [v.aval for v in eqn.invars], eqn.params):
            first, again, kept = _saving_scan(eqn, policy)
        now.append(first)
        saved += reversed(kept)
        needed.update(kept)
        if again is not None:
            later.append(again)
            needed.update(v for v in again.invars if type(v) is not Literal)
    return _Parts(now[::-1], later[::-1], saved[::-1], needed)


def _saving_scan(eqn: Eqn, policy: Policy | None) -> tuple[Eqn, Eqn, list[Var]]:
    """An equation as it is run now and as it is run later, and what the latter reads of the former:
    of a scan, what the policy saves of its body."""
    if policy is None or eqn.primitive is not scan_p:
        return eqn, eqn, []
    bodies = _saving_body(eqn.params["jaxpr"], policy)
    if bodies is None:
        return eqn, eqn, []
    now, later, avals = bodies
    length = eqn.params["length"]
    rows = [Var(aval.update(shape=(length, *aval.shape))) for aval in avals]
    first = eqn.params | {"jaxpr": now}
    again = eqn.params | {"jaxpr": later}
    return (
        Eqn(scan_p, eqn.invars, [*eqn.outvars, *rows], first, eqn.source),
        Eqn(scan_p, [*eqn.invars, *rows], eqn.outvars, again, eqn.source),
        rows,
    )


@weak_cache
def _saving_body(closed: ClosedJaxpr, policy: Policy) -> Any:
    """A body that returns what the policy saves as well; one that is given it; and its types. None
    if nothing is saved."""
    jaxpr, consts = inline_calls(closed)
    parts = _parts(jaxpr, jaxpr.outvars, policy)
    if not parts.saved:
        return None
    outs, ins = [*jaxpr.outvars, *parts.saved], [*jaxpr.invars, *parts.saved]
    now = _program(Jaxpr(jaxpr.constvars, jaxpr.invars, outs, parts.now), consts)
    later = _program(Jaxpr(jaxpr.constvars, ins, jaxpr.outvars, parts.later), consts)
    return now, later, [v.aval for v in parts.saved]
