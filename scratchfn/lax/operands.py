"""How the elementwise functions of lax treat their operands: numbers become arrays, dtypes must be
ones that the operation takes, and equal, and shapes must fit. Nothing is promoted.

Eager execution of elementwise operations relies on these checks and makes no others.

Read next: `lax/elementwise.py`.
"""

from __future__ import annotations

import functools
from typing import Any

from scratchfn.core import dtypes
from scratchfn.core.array import Array, as_value
from scratchfn.core.trace import Primitive
from scratchfn.primitives.check import broadcast_shape, require_equal_dtypes, require_kind
from scratchfn.primitives.rules import KINDS


@functools.cache
def takes(prim: Primitive, dtype: Any) -> bool:
    """Does the primitive take arguments of this dtype?"""
    return dtypes.kind(dtype) in KINDS[prim]


def unary(prim: Primitive, x: Any, **params: Any) -> Any:
    """The primitive of one operand. Raises TypeError for a dtype that it does not take."""
    if type(x) is not Array:
        x = as_value(x)
    if not takes(prim, x.dtype):
        require_kind(prim.name, [x.aval], KINDS[prim])
    return prim.bind(x, **params)


def binary(prim: Primitive, x: Any, y: Any) -> Any:
    """The primitive of two operands. Raises TypeError for dtypes that it does not take or that are
    not equal, and for shapes that do not fit each other."""
    if type(x) is not Array:
        x = as_value(x)
    if type(y) is not Array:
        y = as_value(y)
    dtype, shape = x.dtype, x.shape
    fit = shape == y.shape or not shape or not y.shape
    if not fit or dtype is not y.dtype or not takes(prim, dtype):
        require_fitting(prim, x, y)
    return prim.bind(x, y)


def require_fitting(prim: Primitive, *operands: Any) -> None:
    """Raises TypeError unless the operands, all of one dtype, may meet in the primitive."""
    avals = [x.aval for x in operands]
    require_kind(prim.name, avals, KINDS[prim])
    require_equal_dtypes(prim.name, avals)
    broadcast_shape(f"lax.{prim.name}", [a.shape for a in avals])
