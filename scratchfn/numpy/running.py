"""Running sums and products.

Read next: `numpy/reductions.py`.
"""

from __future__ import annotations

from typing import Any

from scratchfn import errors
from scratchfn.core.dtypes import bool_ as BOOL
from scratchfn.core.trace import Primitive
from scratchfn.numpy.arguments import axis_of, dtype_of, no_out, scalar
from scratchfn.numpy.comparison import not_equal
from scratchfn.numpy.promotion import operand
from scratchfn.numpy.totals import total_dtype
from scratchfn.primitives import base, cumulative
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.rules import scalar_like
from scratchfn.primitives.structural import pad


def cumsum(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    """The sums of all elements up to each, along an axis or in the flattened array."""
    no_out("cumsum", out)
    return _running("cumsum", cumulative.cumsum_p, a, axis, dtype)


def cumprod(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    """The products of all elements up to each, along an axis or in the flattened array."""
    no_out("cumprod", out)
    return _running("cumprod", cumulative.cumprod_p, a, axis, dtype)


def _running(
    name: str, prim: Primitive, a: Any, axis: int | None, dtype: Any,
    promote_integers: bool = False,
) -> Any:  # fmt: skip
    a = operand(name, a)
    if axis is None or a.ndim == 0:
        a, axis = base.reshape(a, (a.size,)), 0 if axis is None else axis
    axis = axis_of(name, axis, a.ndim)
    result = dtype_of(name, dtype)
    if result is None:
        result = total_dtype(a.dtype, promote_integers or a.dtype == BOOL)
    if result == BOOL:
        a = not_equal(a, scalar_like(a, 0)) if a.dtype != BOOL else a
    x = convert_element_type(a, total_dtype(BOOL) if result == BOOL else result)
    return convert_element_type(prim.bind(x, axis=axis, reverse=False), result)


def cumulative_sum(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """`cumsum`, of integers at least 32 bits wide, after a 0 if `include_initial`."""
    return _cumulative("cumulative_sum", cumulative.cumsum_p, 0, x, axis, dtype, include_initial)


def cumulative_prod(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """`cumprod`, after a 1 if `include_initial`."""
    return _cumulative("cumulative_prod", cumulative.cumprod_p, 1, x, axis, dtype, include_initial)


def _cumulative(
    name: str, prim: Primitive, unit: int, x: Any, axis: int | None, dtype: Any, include: bool
) -> Any:
    x = operand(name, x)
    if x.ndim == 0 or (axis is None and x.ndim > 1):
        raise ValueError(
            errors.explain(
                f"jnp.{name} of {x.aval}, axis={axis}", f"{x.ndim} axes",
                "it runs along one axis, which only a vector need not name",
                f"jnp.{name}(x, axis=0)",
            )
        )  # fmt: skip
    axis = axis_of(name, axis or 0, x.ndim)
    out = _running(name, prim, x, axis, dtype, promote_integers=prim is cumulative.cumsum_p)
    if not include:
        return out
    edges = [(1, 0, 0) if i == axis else (0, 0, 0) for i in range(x.ndim)]
    return pad(out, scalar(unit, out.dtype), edges)
