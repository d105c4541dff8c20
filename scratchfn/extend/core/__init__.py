"""What programs are made of, for interpreters and transformations of one's own.

    closed = sf.make_jaxpr(f)(x)
    for eqn in closed.jaxpr.eqns:
        outs = eqn.primitive.bind(*values, **eqn.params)

Read next: `core/jaxpr.py`, and `tests/tutorials/test_interpreters.py` for an interpreter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from scratchfn.core.array import as_value as _as_value
from scratchfn.core.jaxpr import Atom as _Atom
from scratchfn.core.jaxpr import ClosedJaxpr as ClosedJaxpr
from scratchfn.core.jaxpr import Eqn as JaxprEqn
from scratchfn.core.jaxpr import Jaxpr as Jaxpr
from scratchfn.core.jaxpr import Literal as Literal
from scratchfn.core.jaxpr import Var as Var
from scratchfn.core.jaxpr import check_jaxpr as check_jaxpr
from scratchfn.core.jaxpr import eval_jaxpr as _eval_jaxpr
from scratchfn.core.jaxpr import programs_in as _programs_in
from scratchfn.core.jaxpr import subjaxprs as _subjaxprs
from scratchfn.core.trace import Primitive as Primitive
from scratchfn.errors import JaxprTypeError as JaxprTypeError
from scratchfn.extend.core import primitives as primitives

__all__ = [
    "ClosedJaxpr",
    "DropVar",
    "Jaxpr",
    "JaxprEqn",
    "JaxprTypeError",
    "Literal",
    "Primitive",
    "Var",
    "check_jaxpr",
    "jaxpr_as_fun",
    "jaxprs_in_params",
    "new_jaxpr_eqn",
    "subjaxprs",
]


class DropVar(Var):
    """In JAX, a result that nothing reads. Programs here have ordinary variables in these places,
    so that none is an instance."""


def jaxpr_as_fun(closed_jaxpr: ClosedJaxpr, *args: Any) -> list[Any]:
    """Runs a program on arguments, under whatever transformations are around."""
    return _eval_jaxpr(closed_jaxpr.jaxpr, closed_jaxpr.consts, *map(_as_value, args))


def new_jaxpr_eqn(
    invars: Sequence[_Atom],
    outvars: Sequence[Var],
    primitive: Primitive,
    params: dict[str, Any],
    effects: Any = None,
    source_info: Any = None,
    ctx: Any = None,
) -> JaxprEqn:
    """An equation. Its effects follow from its primitive."""
    return JaxprEqn(primitive, list(invars), list(outvars), params, source_info)


def subjaxprs(jaxpr: Jaxpr) -> Iterator[Jaxpr]:
    """The programs in the params of a program's equations."""
    for eqn in jaxpr.eqns:
        yield from _subjaxprs(eqn)


def jaxprs_in_params(params: dict[str, Any]) -> Iterator[Jaxpr]:
    """The programs among an equation's params."""
    return _programs_in(params)
