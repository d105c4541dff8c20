"""Where results are written: one arena for all of a program's buffers, planned from their lives.

A buffer is taken when an equation writes it and given back after the last equation that reads it,
or anything that may show it; another then lies in its place. An elementwise result takes the very
place of an operand that it is the last to read. What leaves the program - a result, an argument of
a callback - never lies in the arena.

Read next: `emit.py`.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from scratchfn.backends.numpy.parts import Parts, find_parts, places
from scratchfn.backends.numpy.spelling import OWN_RESULT, SPELLINGS, VIEWS, into
from scratchfn.core.jaxpr import Eqn, Jaxpr, Var, effects_of, subjaxprs
from scratchfn.core.trace import registry

ALIGNMENT = 64  # bytes: a cache line; ufuncs that write to one from its start are twice as fast


class Arena:
    """Memory for the buffers of one program in one call at a time."""

    def __init__(self, size: int):
        memory = np.empty(size + ALIGNMENT, np.uint8)
        start = -memory.ctypes.data % ALIGNMENT
        self.memory = memory[start : start + size]

    def __call__(self, offset: int, shape: tuple[int, ...], dtype: type) -> np.ndarray:
        """The array at an offset."""
        return np.ndarray(shape, dtype, self.memory, offset)


class Plan(NamedTuple):
    """The offset of each variable that is a buffer, those that are parts of others, and the bytes
    of them all."""

    offsets: dict[Var, int]
    parts: Parts
    size: int


def plan(jaxpr: Jaxpr) -> Plan:
    """Decides which variables are buffers, and where they lie."""
    shown = _shown(jaxpr)
    escaping = _with_operands(jaxpr, shown, {r for v in _escaping(jaxpr) for r in shown.get(v, ())})
    buffers = {v for v, roots in shown.items() if roots == {v} and v not in escaping}
    dead = _last_reads(jaxpr, shown)
    parts = find_parts(jaxpr.eqns, dead, buffers)
    offsets: dict[Var, int] = {}
    free = _Free()
    for eqn, dying in zip(jaxpr.eqns, dead, strict=True):
        out = eqn.outvars[0] if eqn.outvars else None
        dying = [v for v in dying if v in offsets and v not in parts]
        if out in buffers and out not in offsets:
            heir = None if out in parts else _heir(eqn, dying)
            if heir is not None:
                offsets[out] = offsets[heir]
                dying = [v for v in dying if v is not heir]
            elif out in parts:
                whole = parts[out].whole
                offsets[whole] = free.take(_bytes(whole))
                offsets |= places(whole, offsets[whole], parts, buffers)
            else:
                offsets[out] = free.take(_bytes(out))
        for v in dying:
            free.give(offsets[v], _bytes(v))
    return Plan(offsets, parts, free.size)


def _shown(jaxpr: Jaxpr) -> dict[Var, set[Var]]:
    """For each variable the buffers that it is, or may be a view of."""
    shown: dict[Var, set[Var]] = {}
    for eqn in jaxpr.eqns:
        if _is_buffer(eqn):
            shown[eqn.outvars[0]] = {eqn.outvars[0]}
        elif eqn.primitive.name not in OWN_RESULT:
            roots = set().union(*(shown.get(v, ()) for v in eqn.invars if type(v) is Var))
            shown.update({v: roots for v in eqn.outvars})
    return shown


def _with_operands(jaxpr: Jaxpr, shown: dict[Var, set[Var]], escaping: set[Var]) -> set[Var]:
    """And what they may show: a result that is no buffer may be made by an expression, and that may
    return an operand as it is, as a choice by one condition does."""
    for eqn in reversed(jaxpr.eqns):
        if is_written(eqn) or eqn.primitive.name in OWN_RESULT:
            continue
        if not escaping.isdisjoint(eqn.outvars):
            for v in eqn.invars:
                if type(v) is Var:
                    escaping |= shown.get(v, set())
    return escaping


def _is_buffer(eqn: Eqn) -> bool:
    if len(eqn.outvars) != 1 or eqn.primitive.name in VIEWS or effects_of(eqn):
        return False
    aval = eqn.outvars[0].aval
    return bool(aval.shape and aval.size and aval.dtype.isbuiltin == 1) and into(eqn) is not None


def is_written(eqn: Eqn) -> bool:
    """Is the result written to an array, if not in the arena then to a new one? So it is where a
    spelling says more than the primitive's expression."""
    return eqn.primitive.name in SPELLINGS and _is_buffer(eqn)


def _escaping(jaxpr: Jaxpr) -> Iterable[Var]:
    """Variables that somebody may keep: results, and what functions of the user's see."""
    yield from (v for v in jaxpr.outvars if type(v) is Var)
    for eqn in jaxpr.eqns:
        if _runs_users_code(eqn):
            yield from (v for v in eqn.invars if type(v) is Var)


def _runs_users_code(eqn: Eqn) -> bool:
    """Is it, or does it hold, a callback or a primitive that is the user's own?"""
    if effects_of(eqn) or eqn.primitive.name == "pure_callback":
        return True
    own = registry.get(eqn.primitive.name) is not eqn.primitive
    return own or any(_runs_users_code(e) for inner in subjaxprs(eqn) for e in inner.eqns)


def _last_reads(jaxpr: Jaxpr, shown: dict[Var, set[Var]]) -> list[list[Var]]:
    """For each equation the buffers that it is the last to read, or to write."""
    seen: set[Var] = set()
    dead: list[list[Var]] = []
    for eqn in reversed(jaxpr.eqns):
        atoms = [v for v in (*eqn.outvars, *eqn.invars) if type(v) is Var]
        roots = dict.fromkeys(root for v in atoms for root in shown.get(v, ()))
        dead.append([v for v in roots if v not in seen])
        seen.update(roots)
    return dead[::-1]


def _heir(eqn: Eqn, dying: list[Var]) -> Var | None:
    """The operand whose place an elementwise result may take."""
    aval, spelling = eqn.outvars[0].aval, into(eqn)
    assert spelling is not None
    later = {v for i, v in enumerate(eqn.invars) if i not in spelling.heirs}
    for v in (eqn.invars[i] for i in spelling.heirs):
        if (v.aval.shape, v.aval.dtype) != (aval.shape, aval.dtype):
            continue
        if v in dying and v not in later:
            return v
    return None


def _bytes(v: Var) -> int:
    size = v.aval.size * v.aval.dtype.itemsize
    return -(-size // ALIGNMENT) * ALIGNMENT


class _Free:
    """The parts of the arena that nothing lies in, by offset."""

    def __init__(self) -> None:
        self.size = 0  # of the arena so far
        self.blocks: list[tuple[int, int]] = []  # (offset, bytes), in order, never touching

    def take(self, size: int) -> int:
        """The smallest block that is large enough, or the end of the arena."""
        fitting = [(have, i) for i, (_, have) in enumerate(self.blocks) if have >= size]
        if not fitting:
            return self._grow(size)
        have, i = min(fitting)
        offset, _ = self.blocks.pop(i)
        if have > size:
            self.blocks.insert(i, (offset + size, have - size))
        return offset

    def _grow(self, size: int) -> int:
        """At the end, together with what is free there."""
        offset = self.size
        if self.blocks and sum(self.blocks[-1]) == self.size:
            offset, _ = self.blocks.pop()
        self.size = offset + size
        return offset

    def give(self, offset: int, size: int) -> None:
        """Frees a block, joined with its free neighbours."""
        i = bisect.bisect(self.blocks, (offset, size))
        if i < len(self.blocks) and self.blocks[i][0] == offset + size:
            size += self.blocks.pop(i)[1]
        if i and sum(self.blocks[i - 1]) == offset:
            offset, before = self.blocks.pop(i - 1)
            size, i = size + before, i - 1
        self.blocks.insert(i, (offset, size))
