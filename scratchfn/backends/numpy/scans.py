"""A loop taken apart, so that passes can move its equations out of its body.

    (constants, carries, rows) -> (carries, ys)

`Loop` knows which variable of the body stands for which atom of the program around it; values that
the body holds itself stand under variables of their own there, `held`. `ahead` and `after` collect
the equations that are to be run before and after the loop; `put_together` makes an equation of what
is left.

Read next: `hoist.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from scratchfn.backends.numpy.inline import inline_calls, share_equal_equations
from scratchfn.config import config
from scratchfn.core.avals import ShapedArray
from scratchfn.core.jaxpr import Atom, ClosedJaxpr, Eqn, Jaxpr, Var, live


class Carry(NamedTuple):
    """A carried value: its variable in the body, the atom outside that it starts as, the atom of
    the body that is its next value, and the variable outside that is its last."""

    var: Var
    start: Atom
    new: Atom
    last: Var


class Y(NamedTuple):
    """A result of each step: an atom of the body, and the variable outside that is all of them."""

    row: Atom
    out: Var


class Loop:
    """A loop whose parts may change."""

    def __init__(
        self, eqn: Eqn, body: ClosedJaxpr, consts: Sequence[Atom], starts: Sequence[Atom],
        xs: Sequence[Atom], length: int,
    ):  # fmt: skip
        jaxpr, values = inline_calls(body)
        if "share" in config.numpy_passes:
            jaxpr = share_equal_equations(jaxpr)
        first, last = len(consts), len(consts) + len(starts)
        self.eqn = eqn
        self.length = length
        self.held = {Var(v.aval): x for v, x in zip(jaxpr.constvars, values, strict=True)}
        names, atoms = [*jaxpr.constvars, *jaxpr.invars[:first]], [*self.held, *consts]
        self.consts: dict[Var, Atom] = dict(zip(names, atoms, strict=True))
        self.rows: dict[Var, Atom] = dict(zip(jaxpr.invars[last:], xs, strict=True))
        pairs = list(zip(jaxpr.outvars, eqn.outvars, strict=True))
        carried = zip(jaxpr.invars[first:last], starts, pairs[: len(starts)], strict=True)
        self.carries = [Carry(v, start, new, out) for v, start, (new, out) in carried]
        self.ys = [Y(row, out) for row, out in pairs[len(starts) :]]
        self.eqns = jaxpr.eqns
        self.ahead: list[Eqn] = []
        self.after: list[Eqn] = []
        self.changed = False

    def stacked(self, aval: ShapedArray) -> ShapedArray:
        """The type of all steps' values together."""
        return aval.update(shape=(self.length, *aval.shape))

    def substitute(self, env: dict[Var, Atom]) -> None:
        """Puts atoms of the body in place of variables."""
        if env:
            self.changed = True
            self.eqns = [e.replace(invars=read_all(e.invars, env)) for e in self.eqns]
            self.carries = [c._replace(new=read_all([c.new], env)[0]) for c in self.carries]
            self.ys = [y._replace(row=read_all([y.row], env)[0]) for y in self.ys]

    def readers(self) -> dict[Var, list[Eqn | Carry | Y]]:
        """Who reads each variable of the body."""
        found: dict[Var, list[Eqn | Carry | Y]] = {}
        for eqn in self.eqns:
            for v in dict.fromkeys(v for v in eqn.invars if type(v) is Var):
                found.setdefault(v, []).append(eqn)
        results: list[tuple[Atom, Carry | Y]] = [(c.new, c) for c in self.carries]
        results += [(y.row, y) for y in self.ys]
        for atom, result in results:
            if isinstance(atom, Var):
                found.setdefault(atom, []).append(result)
        return found

    def is_read_after(self, v: Var) -> bool:
        """Does an equation read it that has been moved after the loop?"""
        return any(v in eqn.invars for eqn in self.after)

    def drop_unread(self, read: set[Var] | None = None) -> None:
        """Lets go what does not matter to an effect or to the results outside that are `read`: all
        of them if it is not said which."""
        self.ys = [y for y in self.ys if read is None or y.out in read]
        kept = [c for c in self.carries if read is None or c.last in read]
        while True:
            results = [*[c.new for c in kept], *[y.row for y in self.ys]]
            needed, eqns = live(self.eqns, results)
            more = [c for c in self.carries if c in kept or c.var in needed]
            if len(more) == len(kept):
                break
            kept = more
        self.carries, self.eqns = kept, eqns
        self.consts = {v: atom for v, atom in self.consts.items() if v in needed}
        self.rows = {v: atom for v, atom in self.rows.items() if v in needed}

    def body(self) -> tuple[ClosedJaxpr, list[Atom]]:
        """The body as it is now, and its constants outside."""
        held = {v: self.held[a] for v, a in self.consts.items() if a in self.held}
        consts = {v: a for v, a in self.consts.items() if a not in self.held}
        invars = [*consts, *[c.var for c in self.carries], *self.rows]
        outvars = [*[c.new for c in self.carries], *[y.row for y in self.ys]]
        jaxpr = Jaxpr(list(held), invars, outvars, self.eqns)
        return ClosedJaxpr(jaxpr, list(held.values())), list(consts.values())


class Scan(Loop):
    """A loop over rows."""

    def __init__(self, eqn: Eqn):
        first, count = eqn.params["num_consts"], eqn.params["num_carry"]
        consts, starts = eqn.invars[:first], eqn.invars[first : first + count]
        xs = eqn.invars[first + count :]
        super().__init__(eqn, eqn.params["jaxpr"], consts, starts, xs, eqn.params["length"])

    def put_together(self) -> Eqn:
        """The equation of what is left."""
        body, consts = self.body()
        counts = {"num_consts": len(consts), "num_carry": len(self.carries)}
        invars = [*consts, *[c.start for c in self.carries], *self.rows.values()]
        outvars = [*[c.last for c in self.carries], *[y.out for y in self.ys]]
        params = self.eqn.params | {"jaxpr": body, **counts}
        return self.eqn.replace(invars=invars, outvars=outvars, params=params)


class While(Loop):
    """A loop as long as a condition holds, which stays as it is."""

    def __init__(self, eqn: Eqn):
        first, count = eqn.params["cond_nconsts"], eqn.params["body_nconsts"]
        self.of_condition = eqn.invars[:first]
        consts, starts = eqn.invars[first : first + count], eqn.invars[first + count :]
        super().__init__(eqn, eqn.params["body_jaxpr"], consts, starts, [], 1)

    def put_together(self) -> Eqn:
        """The equation of what is left."""
        body, consts = self.body()
        invars = [*self.of_condition, *consts, *[c.start for c in self.carries]]
        params = self.eqn.params | {"body_jaxpr": body, "body_nconsts": len(consts)}
        return self.eqn.replace(invars=invars, params=params)


def needed_by(eqns: Sequence[Eqn], results: Iterable[Atom]) -> list[Eqn]:
    """The equations that some results need."""
    return live(eqns, results, effects=False)[1]


def read_all(atoms: Iterable[Atom], env: dict[Var, Atom]) -> list[Atom]:
    """What stands for each of the atoms in the end."""

    def read(v: Atom) -> Atom:
        while type(v) is Var and v in env:
            v = env[v]
        return v

    return list(map(read, atoms))
