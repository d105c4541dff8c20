"""What is known of an atom of a program: the equation that makes it, the number that it is.

Read next: `algebra.py`, whose rules ask this.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from scratchfn.core.array import to_numpy
from scratchfn.core.jaxpr import Atom, Eqn, Literal, Var
from scratchfn.core.trace import registry

Known = dict[Var, Eqn]  # the equation that makes each variable
Rule = Callable[[Eqn, Known], Atom | Eqn | list[Eqn] | None]


def maker(v: Atom, known: Known, name: str) -> Eqn | None:
    """The equation that makes an atom, if its primitive has this name."""
    eqn = known.get(v) if type(v) is Var else None
    return eqn if eqn is not None and eqn.primitive.name == name else None


def splat(v: Atom, known: Known) -> np.ndarray | None:
    """The number that all elements of an atom are, as an array of rank 0, if that is known."""
    if type(v) is Literal:
        return to_numpy(v.val)
    eqn = maker(v, known, "broadcast_in_dim")
    return splat(eqn.invars[0], known) if eqn is not None and not eqn.invars[0].aval.shape else None


def is_number(v: Atom, known: Known, number: float) -> bool:
    """Are all its elements this number, of this sign?"""
    value = splat(v, known)
    if value is None or value.dtype.kind not in "iufc":
        return False
    same = value == number
    return bool(same) and (
        value.dtype.kind in "iu" or math.copysign(1, value.real) == math.copysign(1, number)
    )


def derived(eqn: Eqn, name: str, invars: list[Atom], **params: Any) -> Eqn:
    """An equation of another primitive with the same result."""
    return Eqn(registry[name], invars, eqn.outvars, params, eqn.source)
