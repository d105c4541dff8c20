"""The printed form of programs, character for character as JAX prints its own.

    { lambda ; a:f32[3]. let b:f32[3] = sin a; c:f32[3] = mul b 2.0:f32[] in (c,) }

First a program becomes a *document*: text with places where a line may end, in nested groups.
Then `layout` decides, group by group: one that fits on the rest of the line stays on it, all other
groups end their lines wherever they may (C. Lindig, Strictly Pretty, 2000).

Variables get the names a, b, ..., z, ba, ... in the order in which they are printed, one sequence
for a program and all programs inside it. Results that nobody reads print as `_`. A program that
occurs twice, or is long, is printed once in front and then called by its name.

This file takes programs as it finds them (`eqns` makes a program, `val` a literal), because
`core/jaxpr.py` is built on top of it.

Read next: `transforms/jvp.py`.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

WIDTH = 80


# -- documents ------------------------------------------------------------------------------------


class Break(NamedTuple):
    """A place where a line may end; `flat` is what stands there if it does not."""

    flat: str = " "


class Group(NamedTuple):
    """Stays on one line if it fits; if not, its breaks end lines, those of groups inside aside."""

    doc: Any


class Indent(NamedTuple):
    """Lines that begin inside are moved right by two columns."""

    doc: Any


Doc = str | Break | Group | Indent | list["Doc"]


def layout(doc: Doc, width: int = WIDTH) -> str:
    """The document as text whose lines are at most `width` long where groups can be broken."""
    out: list[str] = []
    column = 0
    todo: list[tuple[int, bool, Doc]] = [(0, False, doc)]  # indentation, on one line?, what
    while todo:
        indent, flat, doc = todo.pop()
        if isinstance(doc, list):
            todo += [(indent, flat, part) for part in reversed(doc)]
        elif isinstance(doc, Indent):
            todo.append((indent + 2, flat, doc.doc))
        elif isinstance(doc, Group):
            todo.append((indent, flat or _fits(doc, width - column), doc.doc))
        elif isinstance(doc, Break) and not flat:
            out.append("\n" + " " * indent)
            column = indent
        else:
            text = doc.flat if isinstance(doc, Break) else doc
            out.append(text)
            column += len(text)
    return "".join(out)


def _fits(doc: Doc, room: int) -> bool:
    """Is the document on one line at most `room` long?"""
    todo = [doc]
    while todo and room >= 0:
        doc = todo.pop()
        if isinstance(doc, list):
            todo += reversed(doc)
        elif isinstance(doc, (Group, Indent)):
            todo.append(doc.doc)
        else:
            room -= len(doc.flat if isinstance(doc, Break) else doc)
    return room >= 0


def _join(separator: Doc, docs: Iterable[Doc]) -> list[Doc]:
    """The documents with a separator between any two."""
    joined: list[Doc] = []
    for doc in docs:
        joined += [separator, doc] if joined else [doc]
    return joined


# -- names ----------------------------------------------------------------------------------------


def variable_name(n: int) -> str:
    """The n-th name of a variable: a, b, ..., z, ba, bb, ..., which is n in base 26."""
    higher, digit = divmod(n, 26)
    return (variable_name(higher) if higher else "") + chr(ord("a") + digit)


class _Names:
    """What variables and shared programs are called in one printed text."""

    def __init__(self, unused: Iterable[Any] = (), shared: dict[Any, str] | None = None):
        self.of: dict[Any, str] = dict.fromkeys(unused, "_")
        self.shared = shared or {}
        self.taken = frozenset(self.shared.values())
        self.count = 0

    def __call__(self, atom: Any) -> str:
        """A literal's value and type, or a variable's name, made at its first sight."""
        if hasattr(atom, "val"):
            return f"{_scalar(atom.val)}:{atom.aval}"
        if atom not in self.of:
            self.of[atom] = self._fresh()
        return self.of[atom]

    def _fresh(self) -> str:
        name = variable_name(self.count)
        self.count += 1
        return self._fresh() if name in self.taken else name

    def call_alike(self, inner: Sequence[Any], outer: Sequence[Any]) -> None:
        """Gives variables inside a called program the names of those they stand for outside."""
        used = set()
        for v, like in zip(inner, outer, strict=True):
            if not (hasattr(v, "val") or hasattr(like, "val") or v in self.of or like in used):
                used.add(like)
                self.of[v] = self(like)


def _scalar(value: Any) -> str:
    """A number as Python writes it: all digits of an f32, but for weak ones what the user wrote."""
    if value.weak_type and np.dtype(value.dtype).kind == "f":
        return str(np.asarray(value)[()])
    return str(value.item())


# -- programs -------------------------------------------------------------------------------------


def show(program: Any) -> str:
    """A `Jaxpr` or `ClosedJaxpr` as text."""
    jaxpr = _open(program)
    names = _Names(_unused(jaxpr), _shared(jaxpr))
    in_front: list[Doc] = [
        [f"let {name} = ", _program(inner, names), " in", Break()]
        for inner, name in names.shared.items()
    ]
    return layout([*in_front, _program(jaxpr, names)])


def show_eqn(eqn: Any) -> str:
    """An equation as text, its variables named as if it stood alone."""
    return layout(_equation(eqn, _Names())).rstrip()


def _open(program: Any) -> Any:
    return getattr(program, "jaxpr", program)


def _is_program(value: Any) -> bool:
    return hasattr(value, "eqns")


def _programs_in(params: dict[str, Any]) -> Iterator[Any]:
    for value in params.values():
        for item in value if isinstance(value, tuple) else (value,):
            if _is_program(item):
                yield _open(item)


def _unused(jaxpr: Any) -> list[Any]:
    """The results of equations that nothing after them reads."""
    read = {v for v in jaxpr.outvars if not hasattr(v, "val")}
    unused = []
    for eqn in reversed(jaxpr.eqns):
        unused += [v for v in eqn.outvars if v not in read]
        read.update(v for v in eqn.invars if not hasattr(v, "val"))
    return unused


def _shared(jaxpr: Any) -> dict[Any, str]:
    """The programs to print in front, and their names: those inside that occur more than once or
    have more than ten equations. They are called after the function they come from."""
    count: Counter[Any] = Counter()
    functions: dict[Any, str] = {}
    todo = deque([jaxpr])
    while todo:
        program = todo.popleft()
        long = program is not jaxpr and len(program.eqns) > 10
        count[program] += 2 if long else 1
        for eqn in program.eqns:
            for inner in _programs_in(eqn.params):
                todo.append(inner)
                if eqn.params.get("name") is not None:
                    functions.setdefault(inner, eqn.params["name"].strip("<>"))
    named: dict[Any, str] = {}
    times: Counter[str] = Counter()
    for program in (program for program, n in count.items() if n > 1):
        function = functions.get(program, "jaxpr")
        named[program] = f"{function}{times[function]}" if times[function] else function
        times[function] += 1
        if named[program] != function:
            times[named[program]] += 1
    return named


def _program(jaxpr: Any, names: _Names) -> Doc:
    constants = _binders(jaxpr.constvars, names)
    arguments = _binders(jaxpr.invars, names)
    equations = _join(Break("; "), [_equation(eqn, names) for eqn in jaxpr.eqns])
    results = _words(map(names, jaxpr.outvars), ",")
    close = ",)" if len(jaxpr.outvars) == 1 else ")"
    head = ["{ lambda ", constants, "; ", arguments, ". let"]
    body: Doc = [*head, Indent([Break(), *equations]), Break(), "in (", results, close]
    return Group([Indent(body), " }"])


def _equation(eqn: Any, names: _Names) -> Doc:
    shown = dict(sorted(eqn.params.items()))
    for hidden in eqn.primitive.hide(eqn.params) if eqn.primitive.hide else ():
        shown.pop(hidden, None)
    if "name" in shown and any(_programs_in(shown)):
        shown = {"name": shown.pop("name"), **shown}
    if eqn.primitive.name == "dot_general":  # JAX writes these as lists, which are shorter
        contracted, batch = shown["dimension_numbers"]
        shown["dimension_numbers"] = tuple(map(list, contracted)), tuple(map(list, batch))
    if eqn.primitive.name == "jit":
        called = _open(eqn.params["jaxpr"])
        if called not in names.shared:
            names.call_alike(called.invars, eqn.invars)
            names.call_alike(called.outvars, eqn.outvars)
    left: Doc = [_binders(eqn.outvars, names), " = "] if eqn.outvars else []
    operation = [eqn.primitive.name, _params(shown, names)]
    return [left, *operation, " ", _words(map(names, eqn.invars))]


def _params(params: dict[str, Any], names: _Names) -> Doc:
    if not params:
        return []
    pairs: list[Doc] = [[f"{name}=", _param(value, names)] for name, value in params.items()]
    return _bracket("[", pairs, "]")


def _param(value: Any, names: _Names) -> Doc:
    if _is_program(value):
        jaxpr = _open(value)
        return names.shared.get(jaxpr) or _program(jaxpr, names)
    if type(value) is tuple and all(map(_is_program, value)):
        return _bracket("(", [_param(item, names) for item in value], ")")
    if isinstance(value, frozenset):
        return f"frozenset({{{', '.join(map(repr, sorted(value)))}}})"
    return re.sub(r" at 0x[0-9a-fA-F]+", _masked, str(value))


def _masked(address: re.Match[str]) -> str:
    """An address in memory, made the same in every run."""
    return " at 0x" + "X" * (len(address[0]) - len(" at 0x"))


def _bracket(left: str, docs: Sequence[Doc], right: str) -> Doc:
    return Group([Indent([left, Break(""), *_join(Break(), docs)]), Break(""), right])


def _binders(variables: Sequence[Any], names: _Names) -> Doc:
    return _words([f"{names(v)}:{v.aval}" for v in variables])


def _words(words: Iterable[str], separator: str = "") -> Doc:
    """Words in as few lines as they fill."""
    return Indent(Group(_join([separator, Group(Break())], words)))
