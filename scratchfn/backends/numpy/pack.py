"""Packing: what is done alike to many small arrays is done once, to all of them end to end.

An optimizer does the same dozen operations to each array of parameters. Where these are small, the
time goes to the calls. So chains of elementwise operations that differ in their arrays alone are
found, as superword-level parallelism is (Larsen & Amarasinghe 2000): from results of the program
that are made alike, back through the operands for as long as these are made alike.

    m1 = add a1 b1        a = concatenate a1 a2        m = add a b        m1 = m[:64]
    m2 = add a2 b2        b = concatenate b1 b2                           m2 = m[64:]

Each of the arrays side by side is a *lane*, each operation, once for every lane, a *row*. Elements
do not see each other, so the numbers stay the same. What a lane brings in costs nothing where its
equation writes it to its part of the whole (`parts.py`). What leaves the program is a view of its
part: such results share one array, of which they are all there is, and do not overlap. Arguments
of a program that users call are taken for the results of its last call, which lie side by side
already.

Read next: `lanes.py`, then `memory.py`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

from scratchfn.backends.numpy.lanes import Lanes, join_lanes_p, split_lanes_p
from scratchfn.backends.numpy.spelling import VIEWS, into
from scratchfn.core.array import to_numpy
from scratchfn.core.jaxpr import Atom, Eqn, Jaxpr, Literal, Var, effects_of
from scratchfn.core.trace import registry

# Nanoseconds, of which only the ratios matter: a call of a ufunc, an assignment to a part of an
# array or a view of one, and what an element adds to it, with what it costs that packed arrays
# leave the cache.
CALL = 270.0
COPY = 140.0
ELEMENT = 0.012
WORTH = 1000.0  # what must be saved for a program to be changed
DEPTH = 3  # of the operations that results must have in common to be tried as lanes

Row = tuple[Any, ...]  # one variable for each lane


def pack(jaxpr: Jaxpr, comes_back: bool = False) -> Jaxpr:
    """The same program, its chains over small arrays packed. It must have no dead equations. Do
    results come back as arguments, as those of training steps do?"""
    while True:
        program = _Program(jaxpr, comes_back)
        groups = [g for seeds in program.seeds() if (g := _best(program, seeds)) is not None]
        if not groups:
            return jaxpr
        jaxpr = max(groups, key=_Group.saves).packed()


class _Program:
    """What is asked of a program: who makes a variable, and who reads it."""

    def __init__(self, jaxpr: Jaxpr, comes_back: bool):
        self.jaxpr = jaxpr
        self.comes_back = comes_back
        self.arguments = frozenset(jaxpr.invars if comes_back else ())
        self.makers: dict[Atom, Eqn] = {v: eqn for eqn in jaxpr.eqns for v in eqn.outvars}
        self.results = {v for v in jaxpr.outvars if type(v) is Var}
        self.reads = Counter(v for eqn in jaxpr.eqns for v in set(eqn.invars))

    def seeds(self) -> list[list[Var]]:
        """Results of the program that are made alike."""
        found: dict[Hashable, list[Var]] = defaultdict(list)
        for v in dict.fromkeys(v for v in self.jaxpr.outvars if type(v) is Var):
            if self.elementwise(v) is not None:
                found[self.signature(v, DEPTH)].append(v)
        return [alike for alike in found.values() if len(alike) > 1]

    def elementwise(self, v: Atom) -> Eqn | None:
        """The equation that makes v, if it pairs elements of arrays that are all of one shape."""
        eqn = self.makers.get(v) if type(v) is Var else None
        if eqn is None or not eqn.primitive.elementwise or not v.aval.shape:
            return None
        shapes = {x.aval.shape for x in eqn.invars} - {()}
        return eqn if shapes == {v.aval.shape} else None

    def signature(self, v: Atom, depth: int) -> Hashable:
        """How a variable is made, whatever its shape, `depth` operations back."""
        if not v.aval.shape:
            return _number(v)
        eqn = self.elementwise(v) if depth else None
        if eqn is None:
            return v.aval.dtype
        return _operation(eqn), *(self.signature(x, depth - 1) for x in eqn.invars)

    def is_placed(self, v: Var, readers: int) -> bool:
        """Can v be written to its part of a packed array at once? It is then a buffer that only
        the packed rows, `readers` of them, read."""
        eqn = self.makers.get(v)
        if eqn is None or v in self.results or self.reads[v] > readers:
            return False
        if eqn.primitive.name == "reshape":
            return type(eqn.invars[0]) is Var and self.is_placed(eqn.invars[0], 1)
        return eqn.primitive.name not in VIEWS and into(eqn) is not None


def _number(v: Atom) -> Hashable:
    return (v.aval, to_numpy(v.val).tobytes()) if type(v) is Literal else v


def _operation(eqn: Eqn) -> Hashable:
    """All of an elementwise equation but its arrays."""
    params = sorted(eqn.params.items(), key=lambda item: item[0])
    numbers = (v.aval.dtype if v.aval.shape else _number(v) for v in eqn.invars)
    return eqn.primitive, tuple(params), eqn.outvars[0].aval.dtype, *numbers


def _best(program: _Program, seeds: Sequence[Var], attempts: int = 4) -> _Group | None:
    """The lanes of some results that gain most by being packed, if any do."""
    group = _Group(program, seeds)
    lanes = group.gaining()
    if len(lanes) == len(seeds):
        return group if group.saves() > WORTH else None
    if not lanes or not attempts:
        return None
    kept = [v for i, v in enumerate(seeds) if i in lanes]
    others = [v for i, v in enumerate(seeds) if i not in lanes]
    found = [_best(program, kept, attempts - 1), _best(program, others, attempts - 1)]
    return max(filter(None, found), key=_Group.saves, default=None)


class _Group:
    """Rows of operations: `rows` has, by the variables that a row makes, its equations; `leaves`
    are what the rows read and others make."""

    def __init__(self, program: _Program, seeds: Sequence[Var]):
        self.program = program
        self.rows: dict[Row, tuple[Eqn, ...]] = {}
        self.members: set[Eqn] = set()
        self._grow(tuple(seeds))
        self._leave_out_last()
        self._leave_out_first()
        self._leave_out_late()
        self.readers = self._readers()
        self.leaves = [lanes for lanes in self.readers if lanes not in self.rows]

    def _grow(self, lanes: Row) -> None:
        """Adds the row that makes these variables, after the rows that make its operands."""
        row = tuple(e for v in lanes if (e := self.program.elementwise(v)) is not None)
        if len(set(row)) < len(lanes) or not self.members.isdisjoint(row):
            return
        if len(set(map(_operation, row))) > 1:
            return
        self.members.update(row)
        for operands in _operands(row):
            if operands not in self.rows:
                self._grow(operands)
        self.rows[lanes] = row

    def _readers(self) -> Counter[Row]:
        """How many rows read each."""
        return Counter(lanes for row in self.rows.values() for lanes in set(_operands(row)))

    def _leave_out_last(self) -> None:
        """What only leaves the program is best made lane by lane if operands would have to come
        in: a new array is needed anyway."""
        read = self._readers()
        self.rows = {
            lanes: row
            for lanes, row in self.rows.items()
            if lanes in read or all(map(self._is_there, _operands(row)))
        }

    def _is_there(self, lanes: Row) -> bool:
        """Do the arrays lie side by side anyway?"""
        return lanes in self.rows or self.program.arguments.issuperset(lanes)

    def _leave_out_first(self) -> None:
        """An operation of one array that would have to be copied is done in place of the copy."""
        readers = self._readers()
        for lanes, row in list(self.rows.items()):
            first, *others = _operands(row)
            if not others and not self._is_there(first) and readers[first] == 1:
                copied = sum(not self.program.is_placed(v, 1) for v in first)
                if 2 * copied > len(lanes):
                    del self.rows[lanes]

    def _leave_out_late(self) -> None:
        """What reads something that is computed from the rows by other means, such as a norm."""
        count = None
        while count != len(self.rows):
            count = len(self.rows)
            self.members = {eqn for row in self.rows.values() for eqn in row}
            self.late = _late(self.program.jaxpr, self.members)
            self.rows = {lanes: row for lanes, row in self.rows.items() if not self._waits(row)}

    def _waits(self, row: tuple[Eqn, ...]) -> bool:
        operands = zip(*(eqn.invars for eqn in row), strict=True)
        return any(all(self.program.makers.get(v) in self.late for v in vs) for vs in operands)

    def gaining(self) -> list[int]:
        """The lanes that gain, and that read nothing that is computed from other lanes."""
        after = self.late | self.members
        tangled = {
            i
            for lanes in self.leaves
            for i, v in enumerate(lanes)
            if self.program.makers.get(v) in after
        }
        count = len(next(iter(self.rows), ()))
        return [i for i in range(count) if i not in tangled and self._lane_saves(i) > 0]

    def _lane_saves(self, lane: int) -> float:
        """Its calls, less what it costs to bring it in and out."""
        size = next(iter(self.rows))[lane].aval.size
        touched = len(self.leaves) + len(self.rows)
        return len(self.rows) * CALL - self._copies(lane) * COPY - touched * size * ELEMENT

    def _copies(self, lane: int) -> int:
        """Arrays of a lane that are copied: leaves that cannot be written in place, and results."""
        leaves = [lanes for lanes in self.leaves if not self._is_there(lanes)]
        placed = (self.program.is_placed(v[lane], self.readers[v]) for v in leaves)
        return sum(not p for p in placed) + sum(v[lane] in self.program.results for v in self.rows)

    def saves(self) -> float:
        """Nanoseconds by which the program becomes faster, about."""
        lanes = self.gaining()
        return sum(map(self._lane_saves, lanes)) - len(self.rows) * CALL

    def packed(self) -> Jaxpr:
        """The program with this group packed. What reads results of it comes after it."""
        jaxpr = self.program.jaxpr
        last = max(i for i, eqn in enumerate(jaxpr.eqns) if eqn in self.members)
        before = [e for e in jaxpr.eqns[:last] if e not in self.members and e not in self.late]
        late = [e for e in jaxpr.eqns[:last] if e in self.late]
        return jaxpr.replace(eqns=[*before, *self._eqns(), *late, *jaxpr.eqns[last + 1 :]])

    def _eqns(self) -> Iterator[Eqn]:
        whole: dict[Row, Var] = {}
        source = next(iter(self.rows.values()))[0].source
        side_by_side = Lanes([v.aval.shape for v in next(iter(self.rows))])
        for lanes in self.leaves:
            whole[lanes] = _vector(lanes)
            if self._is_there(lanes):
                yield Eqn(join_lanes_p, [*lanes], [whole[lanes]], {"lanes": side_by_side}, source)
                continue
            parts = []
            for v in lanes:
                part = Var(v.aval.update(shape=(v.aval.size,))) if v.aval.ndim > 1 else v
                if part is not v:
                    yield reshape(v, part, source)
                parts.append(part)
            yield Eqn(registry["concatenate"], parts, [whole[lanes]], {"dimension": 0}, source)
        for lanes, row in self.rows.items():
            whole[lanes] = _vector(lanes)
            operands = zip(*(eqn.invars for eqn in row), strict=True)
            invars = [whole[o] if o[0].aval.shape else o[0] for o in operands]
            yield row[0].replace(invars=invars, outvars=[whole[lanes]])
            if self.program.comes_back and self.program.results.issuperset(lanes):
                params = {"lanes": side_by_side, "place": side_by_side.place()}
                yield Eqn(split_lanes_p, [whole[lanes]], [*lanes], params, row[0].source)
            else:
                yield from self._parts(lanes, whole[lanes], row[0].source)

    def _parts(self, lanes: Row, whole: Var, source: Any) -> Iterator[Eqn]:
        """The arrays that something else reads, as they were before."""
        inside = Counter(v for eqn in self.members for v in set(eqn.invars) if type(v) is Var)
        end = 0
        for v in lanes:
            start, end = end, end + v.aval.size
            if v not in self.program.results and inside[v] == self.program.reads[v]:
                continue
            part = Var(v.aval.update(shape=(v.aval.size,))) if v.aval.ndim > 1 else v
            ends = {"start_indices": (start,), "limit_indices": (end,), "strides": None}
            yield Eqn(registry["slice"], [whole], [part], ends, source)
            if part is not v:
                yield reshape(part, v, source)


def _operands(row: tuple[Eqn, ...]) -> list[Row]:
    """The arrays that a row reads."""
    operands = zip(*(eqn.invars for eqn in row), strict=True)
    return [lanes for lanes in operands if lanes[0].aval.shape]


def _vector(lanes: Row) -> Var:
    return Var(lanes[0].aval.update(shape=(sum(v.aval.size for v in lanes),)))


def reshape(x: Var, out: Var, source: Any) -> Eqn:
    params = {"new_sizes": out.aval.shape, "dimensions": None, "sharding": None}
    return Eqn(registry["reshape"], [x], [out], params, source)


def _late(jaxpr: Jaxpr, members: set[Eqn]) -> set[Eqn]:
    """The equations that have to come after these, because of what they read or because effects
    keep their order."""
    late: set[Eqn] = set()
    computed = {v for eqn in members for v in eqn.outvars}
    effects = False
    for eqn in jaxpr.eqns:
        if eqn in members:
            continue
        waits = effects and bool(effects_of(eqn))
        if waits or any(v in computed for v in eqn.invars):
            late.add(eqn)
            computed.update(eqn.outvars)
            effects = effects or bool(effects_of(eqn))
    return late
