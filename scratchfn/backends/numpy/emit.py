"""From program to Python source: one line of NumPy for each equation.

The text of a line is the primitive's own `source` rule (`core/template.py`). Constants stand
outside of the function, under names that say their value where they are small: `f32_2_0`. A large
array is let go (`del`) after the last line that reads it: its memory serves the next one.

Read next: `backends/numpy/compiler.py`.
"""

from __future__ import annotations

import keyword
import os
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from scratchfn.backends.numpy.scalars import of_numbers
from scratchfn.core.array import Array, to_numpy
from scratchfn.core.jaxpr import Atom, ClosedJaxpr, Eqn, Jaxpr, Literal, Var
from scratchfn.core.pretty import variable_name
from scratchfn.core.template import NAMESPACE

COMMENT_COLUMN = 72
LARGE = 1 << 16  # bytes; smaller arrays are not worth a line


class Writer:
    """Collects the lines of one function and the constants it needs."""

    def __init__(self, name: str):
        identifier = re.sub(r"\W", "_", name).strip("_") or "program"
        taken = keyword.iskeyword(identifier) or identifier in NAMESPACE  # jit(jnp.sort) calls sort
        self.name = f"{identifier}_" if taken else identifier
        self.names: dict[Var, str] = {}
        self.constants: dict[str, Any] = {}
        self.by_identity: dict[int, str] = {}
        self.lines: list[str] = []
        self.indent = "    "

    def program(self, closed: ClosedJaxpr, arguments: Sequence[str]) -> list[str]:
        """Writes the lines of a program whose arguments have these names; the names of its
        results."""
        jaxpr = closed.jaxpr
        self.names.update(zip(jaxpr.invars, arguments, strict=True))
        for i, (v, value) in enumerate(zip(jaxpr.constvars, closed.consts, strict=True)):
            buffer = to_numpy(value) if isinstance(value, Array) else np.asarray(value)
            self.names[v] = self.constant(buffer, f"const{i}")
        for eqn, dead in zip(jaxpr.eqns, _last_uses(jaxpr), strict=True):
            self.equation(eqn)
            self.release(dead)
        return [self.atom(v) for v in jaxpr.outvars]

    def function(self, arguments: Sequence[str], results: Sequence[str]) -> str:
        """The source of the function, once its lines have been written."""
        head = f"def {self.name}({', '.join(arguments)}):"
        return "\n".join([head, *self.lines, f"    return {in_tuple(results)}"]) + "\n"

    def variable(self, v: Var) -> str:
        """The name of a variable, made at its first sight."""
        if v not in self.names:
            name = variable_name(len(self.names))
            self.names[v] = f"{name}_" if keyword.iskeyword(name) or name in NAMESPACE else name
        return self.names[v]

    def constant(self, value: Any, hint: str) -> str:
        """The name of a constant."""
        if id(value) not in self.by_identity:
            name = hint
            while name in self.constants or name in NAMESPACE or name == self.name:
                name = f"{hint}_{len(self.constants)}"
            self.constants[name] = value
            self.by_identity[id(value)] = name
        return self.by_identity[id(value)]

    def atom(self, v: Atom) -> str:
        if isinstance(v, Var):
            return self.variable(v)
        name = literal_name(v)
        self.constants.setdefault(name, to_numpy(v.val))
        return name

    def number(self, v: Atom) -> str:
        """The name of an atom that computes as a NumPy scalar, not as an array of rank 0."""
        if isinstance(v, Var):
            return self.variable(v)
        name = f"{literal_name(v)}_"
        self.constants.setdefault(name, to_numpy(v.val)[()])
        return name

    def equation(self, eqn: Eqn) -> None:
        avals = [v.aval for v in eqn.invars]
        text = of_numbers(eqn, self.number)
        if text is None:
            names = [self.atom(v) for v in eqn.invars]
            text = eqn.primitive.source(names, avals, eqn.params, self.constant)
        targets = ", ".join(self.variable(v) for v in eqn.outvars)
        if eqn.primitive.many and len(eqn.outvars) == 1:
            targets += ","
        line = f"{self.indent}{targets} = {text}" if targets else f"{self.indent}{text}"
        if eqn.source is not None:
            where = f"# {os.path.basename(eqn.source.code.co_filename)}:{eqn.source.line}"
            line = f"{line:<{COMMENT_COLUMN}}  {where}"
        self.lines.append(line)

    def release(self, variables: Sequence[Var]) -> None:
        if variables:
            self.lines.append(f"{self.indent}del {', '.join(map(self.variable, variables))}")


def literal_name(literal: Literal) -> str:
    """A name that tells the value: 2.0:f32[] is f32_2_0."""
    text = str(literal.val)
    short = str(literal.aval).partition("[")[0]
    return f"{short}_{re.sub(r'[^0-9a-zA-Z]', '_', text.replace('-', 'm'))}"


def _last_uses(jaxpr: Jaxpr) -> list[list[Var]]:
    """For each equation the large arrays, made by earlier ones, that nothing after it reads."""
    kept = {v for v in jaxpr.outvars if type(v) is Var}
    kept.update(jaxpr.constvars, jaxpr.invars)  # somebody else holds these
    dead: list[list[Var]] = []
    for eqn in reversed(jaxpr.eqns):
        read = dict.fromkeys(v for v in (*eqn.outvars, *eqn.invars) if type(v) is Var)
        dead.append([v for v in read if v not in kept and _bytes(v) >= LARGE])
        kept.update(read)
    return dead[::-1]


def _bytes(v: Var) -> int:
    return v.aval.size * v.aval.dtype.itemsize


def in_tuple(names: Sequence[str]) -> str:
    return f"({', '.join(names)}{',' if len(names) == 1 else ''})"


def emit(closed: ClosedJaxpr, name: str) -> tuple[str, Writer]:
    """The source of a program as a function of its arguments' buffers that returns a tuple; and its
    writer, which knows the constants that must be in the function's namespace."""
    writer = Writer(name)
    arguments = [writer.variable(v) for v in closed.jaxpr.invars]
    results = writer.program(closed, arguments)
    return writer.function(arguments, results), writer
