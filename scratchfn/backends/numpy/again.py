"""What regions compute again rather than keep: a large array that takes an operation or two to make
from others that are kept anyway costs less to make than to write and to read.

    region 1:  t = tanh(x);  u = 1 - t                  region 1:  t = tanh(x)
    region 2:  y = t * d;  z = u * y                    region 2:  u = 1 - t;  y = t * d;  z = u * y

Read next: `regions.py`, which calls this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from scratchfn.core.jaxpr import Atom, Eqn, Var, live

CHEAP = frozenset({
    "add", "add_any", "sub", "mul", "neg", "max", "min", "abs", "square", "select_n", "not", "and",
    "or", "lt", "le", "gt", "ge", "eq", "ne", "convert_element_type",
})  # fmt: skip
MOST = 3  # operations
FEW = 32  # an array so many times smaller than another counts for nothing beside it


class Again(NamedTuple):
    """The program's equations with copies of some, and which those are."""

    eqns: list[Eqn]
    copies: set[Eqn]


def computed_again(
    eqns: Sequence[Eqn], home: Sequence[int | None], results: set[Var], given: set[Var], large: int
) -> Again:
    """`home` is the region of each equation, None for those in none; `given` are the program's own
    arguments; an array is large from so many elements on."""
    return _Search(eqns, home, results, given, large).again()


class _Search:
    def __init__(
        self,
        eqns: Sequence[Eqn],
        home: Sequence[int | None],
        results: set[Var],
        given: set[Var],
        large: int,
    ):
        self.eqns, self.home, self.results = eqns, home, results
        self.given, self.large = given, large
        self.maker = {v: i for i, eqn in enumerate(eqns) for v in eqn.outvars}
        self.readers: dict[Atom, list[int]] = {}
        self.reads: dict[int | None, set[Atom]] = {}  # what each region reads
        for i, eqn in enumerate(eqns):
            self.reads.setdefault(home[i], set()).update(eqn.invars)
            for v in dict.fromkeys(eqn.invars):
                self.readers.setdefault(v, []).append(i)
        self.dropped: set[Atom] = set()  # no longer kept

    def again(self) -> Again:
        wanted: dict[int, dict[Var, list[int]]] = {}  # for each region what it makes, and how
        for i, eqn in enumerate(self.eqns):
            others = self.regions_that_read(i)
            trees = {region: self.tree(i, region) for region in others}
            if others and all(tree is not None for tree in trees.values()):
                self.dropped.add(eqn.outvars[0])
                for region, tree in trees.items():
                    wanted.setdefault(region, {})[eqn.outvars[0]] = tree or []
        return self.with_copies(wanted)

    def regions_that_read(self, i: int) -> list[int]:
        """The other regions that a large array is kept for; none if anything else reads it."""
        eqn, here = self.eqns[i], self.home[i]
        if here is None or len(eqn.outvars) != 1:
            return []
        (v,) = eqn.outvars
        if v in self.results or v.aval.size < self.large or eqn.primitive.name not in CHEAP:
            return []
        regions = dict.fromkeys(self.home[j] for j in self.readers.get(v, ()))
        regions.pop(here, None)
        return [] if None in regions else [r for r in regions if r is not None]

    def tree(self, i: int, region: int) -> list[int] | None:
        """The equations that make a result again in a region, in order, if that is cheap."""
        size = self.eqns[i].outvars[0].aval.size
        found: set[int] = set()
        leaves: set[Atom] = set()
        todo = [i]
        while todo:
            j = todo.pop()
            if self.eqns[j].primitive.name not in CHEAP or len(found) == MOST:
                return None
            found.add(j)
            for v in self.eqns[j].invars:
                if type(v) is not Var or v.aval.size * FEW <= size or self.is_kept(v, i):
                    leaves.add(v)
                elif self.home[self.maker[v]] == self.home[i]:
                    todo.append(self.maker[v])
                else:
                    return None
        large = {v for v in leaves if v.aval.size * FEW > size}
        more = large - self.reads[region]
        return sorted(found) if 2 * len(more) + len(found) <= MOST else None

    def is_kept(self, v: Var, i: int) -> bool:
        """Will a variable be there later in any case?"""
        if v in self.given or v not in self.maker:
            return True
        if v in self.dropped:
            return False
        here = self.home[i]
        later = any(self.home[j] != here and j > i for j in self.readers[v])
        return later or v in self.results

    def with_copies(self, wanted: Mapping[int, Mapping[Var, list[int]]]) -> Again:
        """The equations, those of each region reading what it makes itself."""
        env: dict[int, dict[Atom, Atom]] = {region: {} for region in wanted}
        eqns: list[Eqn] = []
        copies: set[Eqn] = set()
        for i, eqn in enumerate(self.eqns):
            region = self.home[i]
            if region is None or region not in wanted:
                eqns.append(eqn)
                continue
            made = env[region]
            for v in eqn.invars:
                for j in wanted[region].get(v, ()) if type(v) is Var else ():
                    (old,) = self.eqns[j].outvars
                    if old not in made:
                        made[old] = Var(old.aval)
                        invars = [made.get(w, w) for w in self.eqns[j].invars]
                        copy = self.eqns[j].replace(invars=invars, outvars=[made[old]])
                        eqns.append(copy)
                        copies.add(copy)
            eqns.append(eqn.replace(invars=[made.get(v, v) for v in eqn.invars]))
        return Again(live(eqns, self.results)[1], copies)
