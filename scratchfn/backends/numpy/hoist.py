"""Work moved out of loops: what a scan's body need not do step by step is done at once.

    def step(h, x):                      xw = xs @ wx          # for all t together
        h = tanh(x @ wx + h @ wh)   ->   def step(h, xw):
        return h, h @ wo                     h = tanh(xw + h @ wh)
                                             return h, h
                                         ys = hs @ wo          # for all t together

A product of many rows is faster than many products of few, and a small operation costs NumPy more
to call than to compute. Large elementwise work stays where it is: in the loop its operands are in
the cache, outside they come from memory. For the same reason such work between two loops is done in
the one that reads it.

Every move is exact, but for the order of sums: what is carried only to be added to is added up
after the loop.

Read next: `backends/numpy/scans.py`, then `ahead.py`, `late.py` and `between.py`, the moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scratchfn.backends.numpy.ahead import fixed_ahead, rows_ahead
from scratchfn.backends.numpy.between import into_reader, readers_of, same_at_each_step
from scratchfn.backends.numpy.inline import inline_calls
from scratchfn.backends.numpy.late import results_after, rows_again, sums_after
from scratchfn.backends.numpy.scans import Loop, read_all
from scratchfn.core.jaxpr import Atom, ClosedJaxpr, Eqn, Jaxpr, Literal, Var, effects_of
from scratchfn.core.trace import registry


def hoist(jaxpr: Jaxpr, consts: Sequence[Any]) -> tuple[Jaxpr, list[Any]]:
    """The program with work moved out of its scans, and its constants."""
    if not any(eqn.primitive.name == "scan" for eqn in jaxpr.eqns):
        return jaxpr, list(consts)
    jaxpr = drop_unread(jaxpr)
    readers = readers_of(jaxpr)
    held = dict(zip(jaxpr.constvars, consts, strict=True))
    env: dict[Var, Atom] = {}
    known: dict[Var, Eqn] = {}
    eqns: list[Eqn] = []
    for old in jaxpr.eqns:
        eqn = _inner_loops_first(old.replace(invars=read_all(old.invars, env)))
        new = [eqn]
        if eqn.primitive.name == "scan" and eqn.params["length"] > 1:
            loop = Loop(eqn)
            _move(loop, known, readers, env, old)
            loop.drop_unread()
            if loop.changed:
                new = [*loop.ahead, loop.put_together(), *loop.after]
                held.update(loop.held)
        eqns += new
        known.update({v: e for e in new for v in e.outvars})
    outvars = read_all(jaxpr.outvars, env)
    moved = drop_unread(Jaxpr(list(held), jaxpr.invars, outvars, eqns))
    return moved, list(held.values())


def _inner_loops_first(eqn: Eqn) -> Eqn:
    """A scan with work moved out of the loops that it holds: it may be moved further."""
    if eqn.primitive.name != "scan":
        return eqn
    jaxpr, consts = inline_calls(eqn.params["jaxpr"])
    if not any(inner.primitive.name == "scan" for inner in jaxpr.eqns):
        return eqn
    return eqn.replace(params=eqn.params | {"jaxpr": ClosedJaxpr(*hoist(jaxpr, consts))})


def _move(loop: Loop, known: dict[Var, Eqn], readers: Any, env: dict[Var, Atom], old: Eqn) -> None:
    """All the moves, one after the other. What stands for the loop's results is put in `env`."""
    same_at_each_step(loop, known)
    into_reader(loop, known, readers, old)
    fixed_ahead(loop)
    _unchanged_carries(loop, env)
    rows_ahead(loop)
    _known_ys(loop, env)
    results_after(loop, env)
    sums_after(loop)
    rows_again(loop, readers, env)


def _unchanged_carries(loop: Loop, env: dict[Var, Atom]) -> None:
    """A carry that each step hands on as it got it is a constant."""
    for carry in [c for c in loop.carries if c.new is c.var]:
        loop.carries.remove(carry)
        loop.consts[carry.var] = carry.start
        env[carry.last] = carry.start
        loop.changed = True


def _known_ys(loop: Loop, env: dict[Var, Atom]) -> None:
    """Of equal ys one is stored; none that is there already, as xs."""
    first: dict[Atom, Var] = {}
    for y in list(loop.ys):
        row = y.row
        same = loop.rows.get(row, first.get(row)) if type(row) is Var else None
        if same is not None:
            loop.ys.remove(y)
            env[y.out] = same
            loop.changed = True
        elif type(row) is Literal or row in loop.consts:
            loop.ys.remove(y)
            value = loop.consts[row] if type(row) is Var else row
            axes = tuple(range(1, 1 + row.aval.ndim))
            params = {"shape": y.out.aval.shape, "broadcast_dimensions": axes, "sharding": None}
            spread = registry["broadcast_in_dim"]
            loop.after.append(Eqn(spread, [value], [y.out], params, loop.eqn.source))
            loop.changed = True
        else:
            first[row] = y.out


def drop_unread(jaxpr: Jaxpr) -> Jaxpr:
    """Without the equations, and the results of scans, that nothing reads."""
    read = {v for v in jaxpr.outvars if type(v) is Var}
    eqns: list[Eqn] = []
    for eqn in reversed(jaxpr.eqns):
        unread = [v for v in eqn.outvars if v not in read]
        if len(unread) == len(eqn.outvars) and not effects_of(eqn):
            continue
        if unread and eqn.primitive.name == "scan":
            loop = Loop(eqn)
            loop.drop_unread(read)
            less = loop.put_together()
            if len(less.outvars) < len(eqn.outvars):
                eqn = less
        read.update(v for v in eqn.invars if type(v) is Var)
        eqns.append(eqn)
    return jaxpr.replace(eqns=eqns[::-1])
