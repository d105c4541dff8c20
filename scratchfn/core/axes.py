"""Named axes: what `vmap(f, axis_name="i")` gives to the collectives inside of `f`.

A collective is an operation that names axes in its params, `psum[axes=("i",)]`. It belongs to the
batch trace that bears the name, even where its arguments do not have that axis. So does a program
with such an operation in it, which is why programs are asked for the names they refer to.

Read next: `transforms/vmap.py`, where the traces are, and `transforms/collectives.py`.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from scratchfn import errors
from scratchfn.core.jaxpr import Jaxpr, programs_in, weak_cache
from scratchfn.core.trace import Primitive


class AxisSize(int):
    """The size of a batch axis that has a name. Batch rules of operations that hold programs get
    it as their `size`, and hand it on to whatever maps the program over that axis."""

    name: Hashable

    def __new__(cls, size: int, name: Hashable) -> AxisSize:
        self = super().__new__(cls, size)
        self.name = name
        return self


def name_of_axis(size: int) -> Hashable:
    """The name of the axis that this is the size of, or None."""
    return getattr(size, "name", None)


def collective_axes(params: dict[str, Any]) -> tuple[Any, ...]:
    """What a collective's params name: axes by name, and, for reductions, positions as ints."""
    axes = params["axes"] if "axes" in params else params["axis_name"]
    return axes if isinstance(axes, tuple) else (axes,)


def refers_to(prim: Primitive, params: dict[str, Any], name: Hashable) -> bool:
    """Is this a collective over the axis of that name, or is there one in its programs?"""
    if prim.collective is not None:
        return name in collective_axes(params)
    return any(name in _names_in(program) for program in programs_in(params))


@weak_cache
def _names_in(jaxpr: Jaxpr) -> frozenset[Any]:
    """What the collectives of a program name."""
    found: set[Any] = set()
    for eqn in jaxpr.eqns:
        if eqn.primitive.collective is not None:
            found.update(collective_axes(eqn.params))
        found.update(*map(_names_in, programs_in(eqn.params)))
    return frozenset(found)


def unbound(asked: str, name: Hashable) -> NameError:
    """The error for a name that no axis in force bears."""
    return NameError(
        errors.explain(
            asked,
            f"unbound axis name: {name}",
            "no vmap around it gives this name to its axis",
            f"vmap(f, axis_name={name!r}) around the function that uses it",
        )
    )
