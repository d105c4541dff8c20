"""One program for all functions that were traced to the same.

    def loss(w, xs):
        def step(h, x): ...w...           # a new function at each call of loss, of the same code
        return scan(step, h, xs)

A function that closes over a traced value has to be traced each time, and what it is traced to is
each time another program of the same equations. Whatever was derived of the first and compiled is
found by the identity of that program, so it is the first that is used again. Programs are kept for
as long as the code that they are of.

Read next: `bodies.py`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Hashable
from types import CodeType
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from scratchfn.config import config
from scratchfn.core.jaxpr import ClosedJaxpr, Literal, Var
from scratchfn.core.source import is_ours

MOST = 64  # programs of one code; more differ in numbers written into them, and would never end

_programs: WeakKeyDictionary[CodeType, dict[Hashable, ClosedJaxpr]] = WeakKeyDictionary()


def shared(f: Callable[..., Any], closed: ClosedJaxpr) -> ClosedJaxpr:
    """A program equal to `closed`, which has no constants and was traced from `f`."""
    code = getattr(f, "__code__", None)
    if code is None or is_ours(code):  # of the library's own functions, users would share lines
        return closed
    structure = _structure(closed)
    if structure is None:
        return closed
    known = _programs.setdefault(code, {})
    if len(known) >= MOST:
        known.clear()
    return known.setdefault((structure, config.traced_flags), closed)


def _structure(closed: ClosedJaxpr) -> Hashable | None:
    """What makes two programs equal: their equations, with variables by number. None if a param is
    an object that says nothing of what it stands for, such as the rule of a custom derivative."""
    if closed.consts:
        return None
    jaxpr = closed.jaxpr
    number: dict[Any, int] = {v: i for i, v in enumerate(jaxpr.invars)}
    parts: list[Hashable] = [tuple(closed.in_avals)]
    for eqn in jaxpr.eqns:
        params = _plain(tuple(sorted(eqn.params.items())))
        if params is None:
            return None
        parts.append((eqn.primitive, params, *[_atom(v, number) for v in eqn.invars]))
        parts.append(tuple(v.aval for v in eqn.outvars))
        number.update((v, len(number) + i) for i, v in enumerate(eqn.outvars))
    return (*parts, *[_atom(v, number) for v in jaxpr.outvars])


def _atom(v: Var | Literal, number: dict[Any, int]) -> Hashable:
    return (v.aval, v.val.buffer.tobytes()) if isinstance(v, Literal) else number[v]


def _plain(value: Any) -> Hashable | None:
    """A param as what can be compared, with the types of numbers, as 1 == 1.0 == True."""
    if isinstance(value, ClosedJaxpr):
        return _structure(value)
    if isinstance(value, tuple):
        items = tuple(map(_plain, value))
        return None if None in items else (type(value), items)
    known = value is None or isinstance(value, (bool, int, float, str, np.dtype, enum.Enum))
    return (type(value), value) if known else None
