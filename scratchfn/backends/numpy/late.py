"""What a loop's body computes for its results alone is computed after the loop: sums that are only
added to, ys that no carry depends on.

Read next: `between.py`.
"""

from __future__ import annotations

from typing import Any

from scratchfn.backends.numpy.ahead import (
    FIXED,
    SMALL,
    VIEWS,
    is_better_at_once,
    is_movable,
    kinds_of,
    memory_for,
    saved_by,
)
from scratchfn.backends.numpy.between import Readers, is_cheap, is_read_by_loops
from scratchfn.backends.numpy.for_all import Outside, for_all
from scratchfn.backends.numpy.scans import Carry, Loop, Y, needed_by
from scratchfn.core.jaxpr import Atom, Eqn, Var, effects_of
from scratchfn.core.trace import registry

RESHAPES = frozenset({"reshape", "squeeze"})
READ_AGAIN = 1 << 23  # bytes that are sooner read from memory after a loop than added up in it

# -- sums -----------------------------------------------------------------------------------------


def sums_after(loop: Loop) -> None:
    """A carry that each step adds a product, or a sum, to: its factors are kept, and one product
    after the loop contracts the axis of steps too."""
    for carry in list(loop.carries):
        readers = loop.readers()
        term = _only_added(carry, readers)
        total = None if term is None else _Totals(loop).of(term)
        if total is not None:
            (eqn,) = readers[carry.var]
            assert isinstance(eqn, Eqn)
            loop.after.append(eqn.replace(invars=[carry.start, total], outvars=[carry.last]))
            loop.carries.remove(carry)
            loop.eqns.remove(eqn)
            loop.changed = True


def _only_added(carry: Carry, readers: dict[Var, list[Any]]) -> Var | None:
    """What each step adds to a carry that nobody else sees, if that is so."""
    (eqn, *others) = readers.get(carry.var, [None])
    if not isinstance(eqn, Eqn) or others or eqn.primitive.name not in ("add", "add_any"):
        return None
    if eqn.outvars[0] is not carry.new or readers[eqn.outvars[0]] != [carry]:
        return None
    terms = [v for v in eqn.invars if v is not carry.var]
    dtype = carry.var.aval.dtype
    rounds = dtype.kind not in "iufc" or (dtype.kind == "f" and dtype.itemsize < 4)
    if len(terms) != 1 or type(terms[0]) is not Var or rounds:
        return None
    return terms[0] if terms[0].aval.shape == carry.var.aval.shape else None


class _Totals:
    """Sums over all steps, of values of the body."""

    def __init__(self, loop: Loop):
        self.loop = loop
        self.made = {v: eqn for eqn in loop.eqns for v in eqn.outvars}
        self.kinds = kinds_of(loop)
        self.stored = {y.row: y.out for y in loop.ys if type(y.row) is Var}

    def of(self, v: Var) -> Atom | None:
        """The sum of a value, after the loop; None if it is as well added up step by step."""
        eqn = self.made.get(v)
        if self._cost(v) == 0:
            return self._emit("reduce_sum", [self._all(v)], v, axes=(0,), out_sharding=None)
        if eqn is None or not is_movable(eqn):
            return None
        if eqn.primitive.name in VIEWS - {"broadcast_in_dim"}:
            (inner,) = eqn.invars
            total = self.of(inner) if type(inner) is Var else None
            return None if total is None else self._emit(eqn.primitive.name, [total], v,
                                                         **eqn.params)  # fmt: skip
        if eqn.primitive.name == "reduce_sum" and self._is_worth_reading(eqn.invars[0]):
            axes = (0, *[axis + 1 for axis in eqn.params["axes"]])
            return self._emit("reduce_sum", [self._all(eqn.invars[0])], v,
                              **eqn.params | {"axes": axes})  # fmt: skip
        return self._product(eqn) if eqn.primitive.name == "dot_general" else None

    def _product(self, eqn: Eqn) -> Atom | None:
        """The sum of products, if the factors are no larger than the sum."""
        lhs, rhs = eqn.invars
        largest = max(SMALL, eqn.outvars[0].aval.size)
        if self._cost(lhs) is None or self._cost(rhs) is None:
            return None
        if lhs.aval.size + rhs.aval.size > largest:
            return None
        contract, batch = eqn.params["dimension_numbers"]
        numbers = (
            tuple((0, *[axis + 1 for axis in axes]) for axes in contract),
            tuple(tuple(axis + 1 for axis in axes) for axes in batch),
        )
        operands = [self._all(lhs), self._all(rhs)]
        params = eqn.params | {"dimension_numbers": numbers}
        return self._emit("dot_general", operands, eqn.outvars[0], **params)

    def _cost(self, v: Atom) -> int | None:
        """Elements of a row that have to be stored for it to be known of all steps after the loop;
        None for what is the same at each step."""
        root, _ = self._views(v)
        if type(root) is not Var or self.kinds[root] == FIXED:
            return None
        there = root in self.loop.rows or root in self.stored
        return 0 if there else root.aval.size

    def _is_worth_reading(self, v: Atom) -> bool:
        """Is it stored, and all steps' values are not much?"""
        return self._cost(v) == 0 and self.loop.length * v.aval.nbytes <= READ_AGAIN

    def _views(self, v: Atom) -> tuple[Atom, list[Eqn]]:
        """What it is a view of, and the equations that make it one."""
        views: list[Eqn] = []
        while type(v) is Var and v not in self.stored and v in self.made:
            eqn = self.made[v]
            if eqn.primitive.name not in VIEWS:
                break
            views.insert(0, eqn)
            v = eqn.invars[0]
        return v, views

    def _all(self, v: Atom) -> Atom:
        """The values of all steps."""
        root, views = self._views(v)
        assert type(root) is Var and type(v) is Var
        if root not in self.loop.rows and root not in self.stored:
            self.stored[root] = Var(self.loop.stacked(root.aval))
            self.loop.ys.append(Y(root, self.stored[root]))
        return run_after(self.loop, views)[v][0]

    def _emit(self, name: str, operands: list[Atom], like: Var, **params: Any) -> Var:
        out = Var(like.aval)
        self.loop.after.append(Eqn(registry[name], operands, [out], params, self.loop.eqn.source))
        return out


# -- ys -------------------------------------------------------------------------------------------


def results_after(loop: Loop, env: dict[Var, Atom]) -> None:
    """Operations that no carry depends on, where they are better done for all steps at once, and
    all that reads their results is moved as well."""
    kinds = kinds_of(loop)
    carried = needed_by(loop.eqns, [c.new for c in loop.carries])
    readers = loop.readers()
    moved: list[Eqn] = []
    for eqn in reversed(loop.eqns):
        if eqn in carried or effects_of(eqn) or all(kinds[v] == FIXED for v in eqn.outvars):
            continue
        view = eqn.primitive.name in VIEWS
        light = all(loop.length * v.aval.nbytes <= memory_for(loop) for v in eqn.outvars)
        after = all(isinstance(r, Y) or r in moved for v in eqn.outvars for r in readers.get(v, ()))
        if after and light and (view or is_better_at_once(eqn, kinds)):
            moved.insert(0, eqn)
    _store_what_they_read(loop, moved, kinds, env)


def _store_what_they_read(
    loop: Loop, moved: list[Eqn], kinds: dict[Var, int], env: dict[Var, Atom]
) -> None:
    """Moves equations, if what they then read has to be stored for less than they cost."""
    moved = _with_reshapes(loop, moved)
    made = {v for e in moved for v in e.outvars}
    stored = {y.row for y in loop.ys}
    read = dict.fromkeys(v for e in moved for v in e.invars if type(v) is Var and v not in made)
    new = [v for v in read if kinds[v] != FIXED and v not in loop.rows and v not in stored]
    dropped = [y for y in loop.ys if y.row in made]
    size = loop.length * (sum(v.aval.nbytes for v in new) - sum(y.row.aval.nbytes for y in dropped))
    if size > memory_for(loop) or saved_by(moved) <= len(new) - len(dropped):
        return
    loop.ys += [Y(v, Var(loop.stacked(v.aval))) for v in new]
    _replace(loop, dropped, moved, env)


def _with_reshapes(loop: Loop, eqns: list[Eqn]) -> list[Eqn]:
    """And those that reshape what they read: what is reshaped is as well stored as it was."""
    found = list(eqns)
    for eqn in reversed(loop.eqns):
        read = any(v in e.invars for e in found for v in eqn.outvars)
        if read and eqn.primitive.name in RESHAPES and eqn not in found:
            found.insert(0, eqn)
    return found


def views_after(loop: Loop, env: dict[Var, Atom]) -> None:
    """Of a y that is a reshape, what it is one of is stored: the step can write that to its row."""
    made = {v: eqn for eqn in loop.eqns for v in eqn.outvars}
    for y in list(loop.ys):
        eqn = made.get(y.row) if type(y.row) is Var else None
        if eqn is None or eqn.primitive.name not in RESHAPES:
            continue
        (source,) = eqn.invars
        if type(source) is not Var or source not in made or loop.is_read_after(y.out):
            continue
        if all(other.row is not source for other in loop.ys):
            loop.ys.append(Y(source, Var(loop.stacked(source.aval))))
        _replace(loop, [y], [eqn], env)


def rows_again(loop: Loop, readers: Readers, env: dict[Var, Atom]) -> None:
    """Of large ys that other loops read, those that follow cheaply from others are not stored: the
    loop that reads them computes them again (`between.py`)."""
    made = {v: eqn for eqn in loop.eqns for v in eqn.outvars}
    there: set[Atom] = {*loop.consts, *loop.rows, *[y.row for y in loop.ys]}
    for y in list(loop.ys):
        row = y.row
        if type(row) is not Var or row.aval.size <= SMALL or loop.is_read_after(y.out):
            continue
        if sum(other.row is row for other in loop.ys) > 1 or not is_read_by_loops(y.out, readers):
            continue
        eqns = _cheaply(row, made, there - {row})
        if eqns:
            there.remove(row)
            _replace(loop, [y], eqns, env)


def _cheaply(v: Atom, made: dict[Var, Eqn], there: set[Atom], depth: int = 3) -> list[Eqn] | None:
    """The few cheap equations that make an atom from what is there; None if there are no such."""
    if type(v) is not Var or v in there:
        return []
    eqn = made.get(v)
    if eqn is None or not depth or not is_cheap(eqn):
        return None
    parts = [_cheaply(w, made, there, depth - 1) for w in eqn.invars]
    if any(part is None for part in parts):
        return None
    return list(dict.fromkeys([*[e for part in parts for e in part or ()], eqn]))


def _replace(loop: Loop, ys: list[Y], eqns: list[Eqn], env: dict[Var, Atom]) -> None:
    """Has ys computed after the loop, by equations of the body."""
    found = run_after(loop, eqns)
    for y in ys:
        loop.ys.remove(y)
        assert type(y.row) is Var
        env[y.out] = found[y.row][0]
    loop.changed = True


def run_after(loop: Loop, eqns: list[Eqn]) -> Outside:
    """Runs equations of the body for all steps after the loop, with what they need that is the same
    at each step. What is then known outside."""
    operands = [v for e in eqns for v in e.invars]
    kinds = kinds_of(loop)
    fixed = [e for e in needed_by(loop.eqns, operands) if is_movable(e)
             and all(kinds[v] == FIXED for v in e.outvars)]  # fmt: skip
    given: Outside = {v: (atom, False) for v, atom in loop.consts.items()}
    given |= {y.row: (y.out, True) for y in loop.ys if type(y.row) is Var}
    given |= {v: (atom, True) for v, atom in loop.rows.items()}
    moved, held = for_all([e for e in loop.eqns if e in fixed or e in eqns], given, loop.length)
    loop.after += moved
    loop.held |= held
    return given
