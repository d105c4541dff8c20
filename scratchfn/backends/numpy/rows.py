"""Rows of equations: into how many parts what one computes may be cut, each with its part of the
operands, and what the equation is on such parts.

A *unit* is what one of N rows is of an array: its N equal parts, one after the other in memory.
Elementwise operations, what they broadcast, reshapes that keep rows together, and reductions within
a row all go by rows. A reduction over the rows themselves is a sum, or a maximum, of what it is of
some of them.

Read next: `regions.py`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

from scratchfn.backends.numpy.spelling import into
from scratchfn.core.jaxpr import Atom, Eqn, Var, effects_of
from scratchfn.core.trace import registry

UNIT = 1 << 16  # elements that a unit may have: more than one has to fit into the cache

Shape = tuple[int, ...]


def is_free(eqn: Eqn) -> bool:
    return eqn.primitive.name == "reshape"


def is_sum(eqn: Eqn) -> bool:
    """Is it a reduction over rows?"""
    return eqn.primitive.name in ADDED_UP and 0 in eqn.params["axes"]


# Reductions, and the ufunc that adds up their results.
ADDED_UP = {"reduce_sum": "np.add", "reduce_max": "np.maximum", "reduce_min": "np.minimum"}


def rows_of(eqn: Eqn) -> frozenset[int]:
    """The numbers of rows that an equation may be cut into."""
    dims = _rows_in(eqn)
    return _parts(*dims) if dims else frozenset()


def _rows_in(eqn: Eqn) -> tuple[Shape, int, Shape | None] | None:
    """The shape whose leading axes may be cut, how many of its elements there are to a row at the
    most, and a second shape that has to be cut like it."""
    name = eqn.primitive.name
    if len(eqn.outvars) != 1 or effects_of(eqn) or eqn.outvars[0].aval.dtype.isbuiltin != 1:
        return None
    out = eqn.outvars[0].aval.shape
    if name == "reshape":
        return (eqn.invars[0].aval.shape, eqn.invars[0].aval.size, out)
    if name in ADDED_UP and into(eqn) is not None:
        (x,) = (v.aval for v in eqn.invars)
        return (x.shape[: _whole_axes(eqn.params["axes"])], x.size, None)
    if eqn.primitive.elementwise or (name == "broadcast_in_dim" and _lies_right(eqn)):
        shapes = [v.aval.shape for v in eqn.invars]
        return (out[: _even_axes(shapes, out)], eqn.outvars[0].aval.size, None)
    return None


@functools.lru_cache(maxsize=4096)
def _parts(shape: Shape, size: int, other: Shape | None) -> frozenset[int]:
    """The numbers of equal parts, each together in memory, that arrays can be cut into along their
    leading axes; not less than so many that a part is of UNIT elements."""
    before, found = 1, set[int]()
    for n in shape:
        found |= {before * q for q in divisors(n)}
        before *= n
    least = size / UNIT
    parts = frozenset(n for n in found if n > 1 and n >= least)
    return parts if other is None else parts & _parts(other, size, None)


@functools.lru_cache(maxsize=4096)
def divisors(n: int) -> tuple[int, ...]:
    low = [d for d in range(1, math.isqrt(n) + 1) if n % d == 0]
    return (*low, *(n // d for d in low))


def _whole_axes(axes: Sequence[int]) -> int:
    """How many leading axes a reduction leaves alone, or reduces, together."""
    if 0 not in axes:
        return min(axes, default=0)
    return next(i for i in range(len(axes) + 1) if i not in axes)


def _lies_right(eqn: Eqn) -> bool:
    """Is it a broadcast that NumPy makes by itself?"""
    dims, ndim = eqn.params["broadcast_dimensions"], eqn.outvars[0].aval.ndim
    return len(eqn.invars) == 1 and dims == tuple(range(ndim - len(dims), ndim))


def _even_axes(shapes: Sequence[Shape], out: Shape) -> int:
    """How many leading axes of the result each operand has as a whole, or not at all."""
    has: list[bool | None] = [None] * len(shapes)
    for axis, n in enumerate(out):
        for i, shape in enumerate(shapes):
            at = axis - (len(out) - len(shape))
            full = at >= 0 and shape[at] == n
            if n != 1 and has[i] not in (None, full):
                return axis
            has[i] = full if n != 1 else has[i]
    return len(out)


# -- on units


def unit(shape: Shape, rows: int) -> Shape:
    """The shape of a row's part of an array of this shape."""
    for i, n in enumerate(shape):
        if rows == 1:
            return shape[i:]
        if rows % n:
            return (n // rows, *shape[i + 1 :])
        rows //= n
    return ()


def goes_by_rows(v: Var, eqn: Eqn) -> bool:
    """Has an operand the rows of the result, or is it the same for all of them?"""
    if not (eqn.primitive.elementwise or eqn.primitive.name == "broadcast_in_dim"):
        return True
    out, shape = eqn.outvars[0].aval.shape, v.aval.shape
    axis = next((i for i, n in enumerate(out) if n != 1), 0)  # the first that rows are made of
    at = axis - (len(out) - len(shape))
    return at >= 0 and shape[at] != 1


def on_units(eqn: Eqn, invars: list[Atom], out: Var) -> Eqn:
    """The equation on units."""
    name = eqn.primitive.name
    if name in ADDED_UP:
        moved = invars[0].aval.ndim - eqn.invars[0].aval.ndim
        axes = {axis + moved for axis in eqn.params["axes"] if axis + moved > 0}
        axes |= {0} if is_sum(eqn) else set()
        return eqn.replace(
            invars=invars, outvars=[out], params=eqn.params | {"axes": tuple(sorted(axes))}
        )
    if name == "reshape":
        params = eqn.params | {"new_sizes": out.aval.shape}
        return eqn.replace(invars=invars, outvars=[out], params=params)
    if name == "broadcast_in_dim":  # a conversion to the same dtype, which broadcasts
        params = {"new_dtype": out.aval.dtype, "weak_type": False, "sharding": None}
        return Eqn(registry["convert_element_type"], invars, [out], params, eqn.source)
    return eqn.replace(invars=invars, outvars=[out])
