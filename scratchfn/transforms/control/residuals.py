"""What the loop back needs of the loop forth, and where it is found without storing it.

A body's derivative comes in two programs: `known` computes results and residuals from (consts,
carry, xs), `linear` maps (residuals, tangents) to tangents. `take_apart` makes two loops of them
that hand over as little as can be: a residual that depends on consts alone is computed once, before
the loop; one that is an x or a y is there already; the others are stacked.

Read next: `scan_primitive.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from scratchfn.core.jaxpr import Atom, ClosedJaxpr, Jaxpr, Literal, Var
from scratchfn.transforms.control.programs import (
    Invariant,
    cut,
    reorder,
    split_invariant,
    used_by,
)


class Parts(NamedTuple):
    """`known` is the body of the first loop: (what `invariant` computes of the consts and it
    `uses`, carry, xs) to (results, stacked residuals). `linear` is that of the second: its consts
    begin with the residuals that are the same at each step (`fixed`), its xs with those that are
    not (`moving`, each the i-th of "x", "y" or "stacked")."""

    invariant: Invariant
    uses: list[Var]
    known: ClosedJaxpr
    linear: ClosedJaxpr
    fixed: list[Atom]
    moving: list[tuple[str, int]]
    num_outs: int

    def run(
        self, bind: Callable[..., list[Any]], consts: Any, carry: Any, xs: Any, params: Any
    ) -> tuple[list[Any], list[Any], list[Any]]:
        """Runs the first loop: its results, and the residuals `fixed` and `moving`."""
        values = self.invariant.compute(consts)
        outs = bind([values[v] for v in self.uses], carry, xs, self.known, **params)
        outs, stacked = cut(outs, self.num_outs)
        places = {"x": xs, "y": outs[len(carry) :], "stacked": stacked}
        same = [v.val if type(v) is Literal else values[v] for v in self.fixed]
        return outs, same, [places[kind][i] for kind, i in self.moving]


def take_apart(
    known: ClosedJaxpr, linear: ClosedJaxpr, num_outs: int, counts: tuple[int, int],
    dots: tuple[int, int],
) -> Parts:  # fmt: skip
    """The two loops. `counts` are the numbers of consts and carries of `known`, whose results begin
    with `num_outs` that are no residuals; `dots` those of `linear`, after the residuals."""
    num_consts, num_carry = counts
    jaxpr = known.jaxpr
    results, residuals = cut(jaxpr.outvars, num_outs)
    invariant, steps = split_invariant(known, num_consts)
    _, carry, xs = cut(jaxpr.invars, num_consts, num_carry)
    found, stacked = _places(residuals, invariant.known, xs, results[num_carry:])
    outvars = [*results, *stacked]
    uses = used_by(invariant.known, steps, outvars)
    fixed = [i for i, (kind, _) in enumerate(found) if kind == "fixed"]
    moving = [i for i, (kind, _) in enumerate(found) if kind != "fixed"]
    tangents = range(len(residuals), len(linear.in_avals))
    dconsts, dcarry, dxs = cut(tangents, *dots)
    return Parts(
        invariant,
        uses,
        ClosedJaxpr(Jaxpr([], [*uses, *carry, *xs], outvars, steps)),
        reorder(linear, [*fixed, *dconsts, *dcarry, *moving, *dxs]),
        [residuals[i] for i in fixed],
        [found[i] for i in moving],
        num_outs,
    )


def _places(
    residuals: Sequence[Atom], known: Sequence[Var], xs: Sequence[Var], ys: Sequence[Atom]
) -> tuple[list[tuple[str, int]], list[Atom]]:
    """Where each residual is found, and those that have to be stacked."""
    fixed = set(known)
    x_of = {v: i for i, v in enumerate(xs)}
    y_of: dict[Atom, int] = {v: i for i, v in enumerate(ys)}
    stacked: dict[Atom, int] = {}
    found = []
    for v in residuals:
        if type(v) is Literal or v in fixed:
            found.append(("fixed", 0))
        elif v in x_of:
            found.append(("x", x_of[v]))
        elif v in y_of:
            found.append(("y", y_of[v]))
        else:
            found.append(("stacked", stacked.setdefault(v, len(stacked))))
    return found, list(stacked)
