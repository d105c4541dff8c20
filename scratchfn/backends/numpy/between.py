"""Large elementwise work between two loops, on rows of the one for the other, is done within the
loop that reads it; what is the same in all rows becomes a constant of that loop.

Read next: `backends/numpy/algebra.py`.
"""

from __future__ import annotations

from scratchfn.backends.numpy.ahead import SMALL
from scratchfn.backends.numpy.scans import Loop
from scratchfn.core.jaxpr import Atom, Eqn, Jaxpr, Literal, Var
from scratchfn.core.trace import registry

Known = dict[Var, Eqn]  # the equation that makes each variable
Readers = dict[Var, list[Eqn | None]]  # those that read it; None stands for the results

CHEAP = frozenset({
    "add", "add_any", "sub", "mul", "neg", "abs", "lt", "le", "gt", "ge", "eq", "ne", "and", "or",
    "not", "select_n", "convert_element_type", "broadcast_in_dim", "stop_gradient",
})  # fmt: skip


def is_cheap(eqn: Eqn) -> bool:
    """Is it elementwise, and computed no slower than its result is read from memory?"""
    return eqn.primitive.name in CHEAP


def readers_of(jaxpr: Jaxpr) -> Readers:
    """Who reads each variable of a program."""
    found: Readers = {}
    for eqn in jaxpr.eqns:
        for v in dict.fromkeys(v for v in eqn.invars if type(v) is Var):
            found.setdefault(v, []).append(eqn)
    for result in jaxpr.outvars:
        if isinstance(result, Var):
            found.setdefault(result, []).append(None)
    return found


def is_read_by_loops(v: Var, readers: Readers) -> bool:
    """Is an array read by scans alone, row by row?"""
    return all(
        eqn is not None and eqn.primitive.name == "scan" and v in _rows_of(eqn)
        and eqn.params["length"] > 1
        for eqn in readers.get(v, [None])
    )  # fmt: skip


def _rows_of(scan: Eqn) -> list[Atom]:
    """The xs of a scan, those alone that it does not read otherwise."""
    first = scan.params["num_consts"] + scan.params["num_carry"]
    return [v for v in scan.invars[first:] if v not in scan.invars[:first]]


def same_at_each_step(loop: Loop, known: Known) -> None:
    """Numbers and what is filled with one are written into the body, where they are folded. Rows
    that are all the same become a constant."""
    for v, atom in list(loop.consts.items()):
        if type(atom) is Literal:
            del loop.consts[v]
            loop.substitute({v: atom})
        elif (number := _filled_with(atom, known)) is not None:
            del loop.consts[v]
            _spread(loop, number, (), v)
    for v, atom in list(loop.rows.items()):
        found = _row_of(atom, known)
        if found is not None:
            del loop.rows[v]
            _spread(loop, *found, v)


def _filled_with(atom: Atom, known: Known) -> Literal | None:
    eqn = known.get(atom) if type(atom) is Var else None
    if eqn is None or eqn.primitive.name != "broadcast_in_dim":
        return None
    return eqn.invars[0] if type(eqn.invars[0]) is Literal else None


def _row_of(atom: Atom, known: Known) -> tuple[Atom, tuple[int, ...]] | None:
    """What each row is a broadcast of, if they are all the same, and the places of its axes."""
    eqn = known.get(atom) if type(atom) is Var else None
    if eqn is None or eqn.primitive.name != "broadcast_in_dim" or len(eqn.invars) > 1:
        return None
    axes = eqn.params["broadcast_dimensions"]
    return None if 0 in axes else (eqn.invars[0], tuple(axis - 1 for axis in axes))


def _spread(loop: Loop, atom: Atom, axes: tuple[int, ...], v: Var) -> None:
    """Makes a variable of the body a broadcast of an atom from outside."""
    inner = atom
    if type(atom) is Var:
        inner = Var(atom.aval)
        loop.consts[inner] = atom
    params = {"shape": v.aval.shape, "broadcast_dimensions": axes, "sharding": None}
    spread = Eqn(registry["broadcast_in_dim"], [inner], [v], params, loop.eqn.source)
    loop.eqns = [spread, *loop.eqns]
    loop.changed = True


def into_reader(loop: Loop, known: Known, readers: Readers, eqn: Eqn) -> None:
    """Takes in what makes large xs by cheap equations, if loops alone read these. `eqn` is the loop
    as it was at first, when the readers were counted."""
    first = eqn.params["num_consts"] + eqn.params["num_carry"]
    counted = dict(zip(loop.eqn.invars[first:], eqn.invars[first:], strict=True))
    taken = _Taken(loop, known)
    for v, atom in list(loop.rows.items()):
        original = counted.get(atom)
        if v.aval.size <= SMALL or not isinstance(atom, Var) or not isinstance(original, Var):
            continue
        if is_read_by_loops(original, readers):
            taken.compute(v, atom)
    loop.eqns = [*taken.eqns, *loop.eqns]


class _Taken:
    """Equations outside of a loop, written for one row of their arrays."""

    def __init__(self, loop: Loop, known: Known):
        self.loop = loop
        self.known = known
        self.row_of = {atom: v for v, atom in loop.rows.items()}
        self.eqns: list[Eqn] = []

    def compute(self, v: Var, array: Var, depth: int = 3) -> None:
        """Has a row of the loop computed in it, if its array is made by a cheap equation."""
        eqn = self.known.get(array)
        if not depth or v not in self.loop.rows or eqn is None or not is_cheap(eqn):
            return
        of_row = self._for_row(eqn, v)
        if of_row is None:
            return
        del self.loop.rows[v]
        for atom, row in of_row[1].items():
            if type(atom) is Var:
                self.compute(row, atom, depth - 1)
        self.eqns.append(of_row[0])
        self.loop.changed = True

    def _for_row(self, eqn: Eqn, v: Var) -> tuple[Eqn, dict[Atom, Var]] | None:
        """The equation for one row, and the rows that it reads."""
        out = eqn.outvars[0].aval.shape
        params = eqn.params
        whole = out
        if eqn.primitive.name == "broadcast_in_dim":
            axes = params["broadcast_dimensions"]
            if axes[:1] != (0,) or eqn.invars[0].aval.shape[0] != out[0]:
                return None
            places = tuple(axis - 1 for axis in axes[1:])
            params = params | {"shape": out[1:], "broadcast_dimensions": places}
            whole = eqn.invars[0].aval.shape
        rows: dict[Atom, Var] = {}
        invars: list[Atom] = []
        for atom in eqn.invars:
            if type(atom) is Literal:
                invars.append(atom)
            elif not atom.aval.shape:
                invars.append(self._constant(atom))
            elif atom.aval.shape == whole:
                invars.append(rows.setdefault(atom, self._row(atom)))
            else:
                return None
        return eqn.replace(invars=invars, outvars=[v], params=params), rows

    def _row(self, atom: Atom) -> Var:
        """The variable that is a row of an array."""
        if atom not in self.row_of:
            self.row_of[atom] = Var(atom.aval.update(shape=atom.aval.shape[1:]))
            self.loop.rows[self.row_of[atom]] = atom
        return self.row_of[atom]

    def _constant(self, atom: Atom) -> Var:
        inner = Var(atom.aval)
        self.loop.consts[inner] = atom
        return inner
