"""Sums, products, and truth over axes, and the frame that all reductions share.

Sums and products of integers are at least 32 bits wide; those of 16-bit floats are computed in
float32. A result is never weakly typed.

Read next: `numpy/extremes.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.dtypes import bool_ as BOOL
from scratchfn.numpy.arguments import axes_of, dtype_of, no_out, scalar
from scratchfn.numpy.comparison import choose, not_equal
from scratchfn.numpy.promotion import called, cast, operand
from scratchfn.primitives import base, reduction
from scratchfn.primitives.arithmetic import add_p, mul_p
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.logic import and_p, or_p
from scratchfn.primitives.rules import scalar_like

# -- sums and products ----------------------------------------------------------------------------


def sum(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False,
    initial: Any = None, where: Any = None, promote_integers: bool = True,
) -> Any:  # fmt: skip
    """The sum over `axis`, over all axes by default.

    Args:
      dtype: of the computation and the result; by default that of `a`, integers and booleans
        widened to 32 bits if `promote_integers`.
      keepdims: leaves axes of size 1 in place of those summed over.
      initial: a number added to the sum.
      where: booleans; elements where they are False do not count.
    """
    no_out("sum", out)
    how = base.reduce_sum, add_p, 0
    return _total("sum", a, how, axis, dtype, keepdims, initial, where, promote_integers)


def prod(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False,
    initial: Any = None, where: Any = None, promote_integers: bool = True,
) -> Any:  # fmt: skip
    """The product over `axis`; the arguments are those of `sum`."""
    no_out("prod", out)
    how = reduction.reduce_prod, mul_p, 1
    return _total("prod", a, how, axis, dtype, keepdims, initial, where, promote_integers)


def _total(
    name: str, a: Any, how: Any, axis: Any, dtype: Any, keepdims: bool, initial: Any,
    where: Any, promote_integers: bool,
) -> Any:  # fmt: skip
    a = operand(name, a)
    function, combine, unit = how
    if dtype is None:
        result = working = total_dtype(a.dtype, promote_integers)
        if working in (dtypes.float16, dtypes.bfloat16):
            working = dtypes.float32
    else:
        result = working = dtype_of(name, dtype)
    if working == BOOL:  # a sum of booleans is whether there is one, a product whether all are
        a = not_equal(a, scalar_like(a, 0)) if a.dtype != BOOL else a
        function, combine = _OF_BOOLS[name]
    x = convert_element_type(a, working)
    x = reduce(name, x, function, axis, keepdims, where, unit)
    if initial is not None:
        x = combine.bind(initial_of(name, initial, x.dtype), x)
    return convert_element_type(x, result)


_OF_BOOLS = {
    "sum": (reduction.reduce_or, or_p),
    "prod": (reduction.reduce_and, and_p),
}


def total_dtype(dtype: np.dtype, promote_integers: bool = True) -> np.dtype:
    """The dtype of a sum: booleans and small integers give the default integers."""
    kind = dtypes.kind(dtype)
    if kind == "b":
        return dtypes.default_dtype("i") if promote_integers else dtypes.int32
    if promote_integers and kind in "iu":
        default = dtypes.default_dtype(kind)
        return default if dtypes.itemsize_bits(dtype) < dtypes.itemsize_bits(default) else dtype
    return dtype


def reduce(
    name: str, x: Any, function: Callable[..., Any], axis: Any, keepdims: bool, where: Any,
    fill: Any,
) -> Any:  # fmt: skip
    """A reduction over axes, with `fill` in place of the elements that do not count."""
    axes = axes_of(name, axis, x.ndim)
    if where is not None:
        x = choose(mask_of(name, where), x, scalar(fill, x.dtype))
    out = function(x, axes)
    if keepdims:
        kept = [1 if i in axes else size for i, size in enumerate(x.shape)]
        return base.broadcast_in_dim(out, kept, [i for i in range(x.ndim) if i not in axes])
    return out


def mask_of(name: str, where: Any) -> Any:
    """The mask of the elements that count. Raises ValueError if it is not of booleans."""
    where = operand(name, where)
    if where.dtype == BOOL:
        return where
    raise ValueError(
        errors.explain(
            f"{called(name)}(x, where=...)", f"a mask of type {where.aval}",
            "an element counts or it does not: a mask is of booleans",
            f"{called(name)}(x, where=mask != 0)",
        )
    )  # fmt: skip


def initial_of(name: str, initial: Any, dtype: np.dtype) -> Any:
    initial = operand(name, initial)
    if initial.ndim == 0:
        return cast(initial, dtype)
    raise ValueError(
        errors.explain(
            f"jnp.{name}(x, initial=...)", f"an array of type {initial.aval}",
            "it is the one number that every sum starts from", f"jnp.{name}(x, initial=0)",
        )
    )  # fmt: skip


# -- truth ----------------------------------------------------------------------------------------


def all(
    a: Any, axis: Any = None, out: None = None, keepdims: bool = False, *, where: Any = None
) -> Any:
    """Are all elements along `axis` true?"""
    no_out("all", out)
    return reduce("all", _truth("all", a), reduction.reduce_and, axis, keepdims, where, True)


def any(
    a: Any, axis: Any = None, out: None = None, keepdims: bool = False, *, where: Any = None
) -> Any:
    """Is one element along `axis` true?"""
    no_out("any", out)
    return reduce("any", _truth("any", a), reduction.reduce_or, axis, keepdims, where, False)


def _truth(name: str, a: Any) -> Any:
    return convert_element_type(operand(name, a), BOOL)


def count_nonzero(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """How many elements along `axis` are not zero."""
    a = operand("count_nonzero", a)
    counted = not_equal(a, scalar_like(a, 0))
    return sum(counted, axis, dtypes.default_dtype("i"), keepdims=keepdims)
