"""How a primitive's computation is written: once, as a template of a NumPy expression.

    expression("np.sum({0}, axis={axes}, dtype={0}.dtype)")

`{0}`, `{1}` stand for the arguments, `{args}` for all of them, and a name for a param. The same
template gives the function that eager execution calls and the line that generated programs
contain, so the two cannot differ. Where the spelling depends on the dtype, a dict of templates is
given by kind: "b" bool, "i" signed, "u" unsigned, "f" float, "c" complex.

Longer computations are functions, *kernels*; `kernel` makes one known to templates by name.

Read next: `backends/numpy/emit.py`, which puts such lines together.
"""

from __future__ import annotations

import enum
import functools
import re
import string
from collections.abc import Callable, Sequence
from typing import Any

import ml_dtypes
import numpy as np

from scratchfn.core import dtypes
from scratchfn.core.avals import ShapedArray

Template = str | dict[str, str]

# The names that templates, and so generated programs, may use.
NAMESPACE: dict[str, Any] = {"np": np, "ml_dtypes": ml_dtypes}


def kernel(f: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a NumPy function known to templates under its own name."""
    if NAMESPACE.setdefault(f.__name__, f) is not f:
        raise ValueError(f"two kernels are named {f.__name__}")
    return f


def expression(template: Template) -> dict[str, Any]:
    """The `impl` and `source` rules of a primitive from its template."""
    if isinstance(template, str):
        return {"impl": _compile(template), "source": functools.partial(_render, template)}
    by_kind = {kind: text for kinds, text in template.items() for kind in kinds.split("|")}
    return {"impl": _Dispatch(by_kind), "source": functools.partial(_render_by_kind, by_kind)}


def ufunc_of(template: Template) -> np.ufunc | None:
    """The ufunc that a template merely calls with its arguments in order, if that is all."""
    match = (
        re.fullmatch(r"np\.(\w+)\(\{0\}(, \{1\})?\)", template)
        if isinstance(template, str)
        else None
    )
    found = getattr(np, match[1]) if match else None
    return found if isinstance(found, np.ufunc) else None


def template_of(primitive: Any, avals: Sequence[ShapedArray]) -> Template | None:
    """The template that a primitive's `source` rule fills in for arguments of these types; None if
    the rule does something else."""
    rule = getattr(primitive, "source", None)
    if not isinstance(rule, functools.partial) or rule.func not in (_render, _render_by_kind):
        return None
    template = rule.args[0]
    return template if isinstance(template, str) else template[dtypes.kind(avals[0].dtype)]


class _Dispatch(dict[Any, Callable[..., Any]]):
    """dtype of the first argument -> compiled template, filled on demand."""

    def __init__(self, by_kind: dict[str, str]):
        self.by_kind = {kind: _compile(text) for kind, text in by_kind.items()}

    def __missing__(self, dtype: np.dtype) -> Callable[..., Any]:
        self[dtype] = self.by_kind[dtypes.kind(dtype)]
        return self[dtype]

    def __call__(self, x: np.ndarray, *rest: np.ndarray, **params: Any) -> Any:
        return self[x.dtype](x, *rest, **params)


def _fields(template: str) -> list[str]:
    names = (name for _, name, _, _ in string.Formatter().parse(template) if name)
    return list(dict.fromkeys(name.partition(".")[0] for name in names))


def _compile(template: str) -> Callable[..., Any]:
    """The template as a function of the arguments and, by keyword, the params."""
    fields = _fields(template)
    params = [f for f in fields if not f.isdigit() and f != "args"]
    if "args" in fields:
        names, arguments = [], "*args"
    else:
        names = [
            f"x{i}" for i in range(1 + max((int(f) for f in fields if f.isdigit()), default=-1))
        ]
        arguments = ", ".join(names)
    keywords = ", ".join([*params, "**_"]) if params else "**_"
    star = ", *, " if arguments and params and "args" not in fields else ", " if arguments else ""
    body = template.format(*names, args="*args", **{p: p for p in params})
    return eval(f"lambda {arguments}{star}{keywords}: {body}", NAMESPACE)


def _render(
    template: str,
    names: Sequence[str],
    avals: Sequence[ShapedArray],
    params: dict[str, Any],
    constant: Callable[[Any, str], str],
) -> str:
    """The template as source text; `constant(value, hint)` names a value with no literal form."""
    shown = {f: show_param(params[f], f, constant) for f in _fields(template) if f in params}
    return template.format(*names, args=", ".join(names), **shown)


def _render_by_kind(by_kind: dict[str, str], names: Any, avals: Any, *rest: Any) -> str:
    return _render(by_kind[dtypes.kind(avals[0].dtype)], names, avals, *rest)


def in_tuple(names: Sequence[str]) -> str:
    """A tuple of these names, as source text."""
    return f"({', '.join(names)}{',' if len(names) == 1 else ''})"


def show_param(value: Any, hint: str, constant: Callable[[Any, str], str]) -> str:
    """A static param as source text."""
    if isinstance(value, np.dtype):
        if value.names:
            return constant(value, "key_dtype")
        return f"np.{value.name}" if value.isbuiltin == 1 else f"ml_dtypes.{value.name}"
    if isinstance(value, tuple) and type(value) is tuple:
        inner = ", ".join(show_param(v, hint, constant) for v in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    plain = value is None or isinstance(value, (bool, int, float, str))
    if plain and not isinstance(value, enum.Enum) and type(value).__module__ == "builtins":
        return (
            repr(value)
            if value == value and value not in (np.inf, -np.inf)
            else f"np.float64('{value}')"
        )
    return constant(value, hint)
