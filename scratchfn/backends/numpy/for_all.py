"""Equations of a loop's body run for all its steps at once: each operation by its `batch` rule,
over a leading axis of steps.

Read next: `hoist.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scratchfn.core.jaxpr import Atom, Eqn, Var
from scratchfn.core.source import attributed_to
from scratchfn.core.stage import stage
from scratchfn.core.trace import registry

# Of a variable of the body, the atom outside, and whether that has the values of all steps.
Outside = dict[Var, tuple[Atom, bool]]


def for_all(eqns: Sequence[Eqn], given: Outside, length: int) -> tuple[list[Eqn], dict[Var, Any]]:
    """Equations outside of the loop that compute what `eqns` compute in it, and the constants that
    they need. What `eqns` make is added to `given`, and what they read must be there."""
    made = {v for eqn in eqns for v in eqn.outvars}
    read = [v for eqn in eqns for v in eqn.invars if type(v) is Var and v not in made]
    read = list(dict.fromkeys(read))
    marks: list[bool] = []

    def run(*args: Any) -> list[Any]:
        dims = [0 if given[v][1] else None for v in read]
        values = dict(zip(read, zip(args, dims, strict=True), strict=True))
        for eqn in eqns:
            with attributed_to(eqn.source):
                outs = _run(eqn, values, length)
            values.update(zip(eqn.outvars, outs, strict=True))
        found = [_in_front(*values[v]) for eqn in eqns for v in eqn.outvars]
        marks[:] = [stacked for _, stacked in found]
        return [x for x, _ in found]

    jaxpr, values = stage(run, [given[v][0].aval for v in read], "a loop")
    env = dict(zip(jaxpr.invars, [given[v][0] for v in read], strict=True))
    outs = [env.get(v, v) if type(v) is Var else v for v in jaxpr.outvars]
    results = [v for eqn in eqns for v in eqn.outvars]
    given.update(zip(results, zip(outs, marks, strict=True), strict=True))
    moved = [
        eqn.replace(invars=[env.get(v, v) if type(v) is Var else v for v in eqn.invars])
        for eqn in jaxpr.eqns
    ]
    return moved, dict(zip(jaxpr.constvars, values, strict=True))


def _run(eqn: Eqn, values: dict[Var, Any], length: int) -> list[tuple[Any, int | None]]:
    """The results of one equation, each with the place of the axis of steps."""
    prim = eqn.primitive
    pairs = [values[v] if isinstance(v, Var) else (v.val, None) for v in eqn.invars]
    args, dims = [x for x, _ in pairs], [d for _, d in pairs]
    if all(d is None for d in dims):
        outs = prim.bind(*args, **eqn.params)
        return [(x, None) for x in (outs if prim.many else (outs,))]
    assert prim.batch is not None, prim
    outs, out_dims = prim.batch(length, args, dims, **eqn.params)
    return list(zip(outs, out_dims, strict=True)) if prim.many else [(outs, out_dims)]


def _in_front(x: Any, dim: int | None) -> tuple[Any, bool]:
    """A result with its axis of steps in front, and whether it has one."""
    if not dim:
        return x, dim is not None
    order = (dim, *[i for i in range(x.ndim) if i != dim])
    return registry["transpose"].bind(x, permutation=order), True
