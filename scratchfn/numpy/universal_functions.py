"""The functions of `jnp` that are ufuncs, as they are in JAX: jnp.add, jnp.maximum, ...

Each has the name of a plain function, which it calls; operators and the code of this package call
the plain ones, which cost a little less.

Read next: `numpy/universal.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.numpy import comparison, elementwise, extremes, running, totals, ufuncs
from scratchfn.numpy.arguments import dtype_of
from scratchfn.numpy.at import IndexHelper
from scratchfn.numpy.comparison import truth
from scratchfn.numpy.promotion import operand
from scratchfn.numpy.universal import ufunc
from scratchfn.primitives import reduction
from scratchfn.primitives.convert import convert_element_type


def _binary(function: Callable[..., Any], identity: Any, **faster: Any) -> ufunc:
    return ufunc(function, 2, 1, identity=identity, call=function, **faster)


def _at(method: str) -> Callable[..., Any]:
    """`x.at[i].add(b)` and its like, as the method `at`."""

    def at(a: Any, indices: Any, b: Any) -> Any:
        return getattr(IndexHelper(operand("ufunc.at", a))[indices], method)(b)

    return at


def _extreme(function: Callable[..., Any]) -> Callable[..., Any]:
    """The greatest or least element, as the method `reduce`."""

    def reduce(a: Any, *, dtype: Any, **options: Any) -> Any:
        x = operand(function.__name__, a)
        wanted = dtype_of(function.__name__, dtype, x.dtype)
        return function(convert_element_type(x, wanted), **options)

    return reduce


def _of_bits(
    function: Callable[..., Any], reduce_bits: Callable[..., Any], identity: int, logical: bool
) -> ufunc:
    """The ufunc of an operation on bits or, if `logical`, on what is true."""
    name = f"{function.__name__}.reduce"

    def reduce(
        a: Any, *, axis: Any, dtype: Any, keepdims: bool, initial: Any = None, where: Any = None
    ) -> Any:
        x = truth(name, a) if logical else operand(name, a)
        if dtypes.kind(x.dtype) not in "biu":
            why, write = "integers and booleans have bits", f"jnp.{name}(x.astype(int))"
            raise ValueError(errors.explain(f"jnp.{name}", f"x of type {x.aval}", why, write))
        result = totals.reduce(name, x, reduce_bits, axis, keepdims, where, identity)
        result = result if initial is None else function(result, initial)
        return convert_element_type(result, dtype_of(name, dtype, result.dtype))

    return _binary(function, bool(identity) if logical else identity, reduce=reduce)


add = _binary(ufuncs.add, 0, reduce=totals.sum, accumulate=running.cumsum, at=_at("add"))
subtract = _binary(ufuncs.subtract, None, at=_at("subtract"))
multiply = _binary(
    ufuncs.multiply, 1, reduce=totals.prod, accumulate=running.cumprod, at=_at("multiply")
)
negative = ufunc(ufuncs.negative, 1, 1, call=ufuncs.negative)
maximum = _binary(ufuncs.maximum, None, reduce=_extreme(extremes.max), at=_at("max"))
minimum = _binary(ufuncs.minimum, None, reduce=_extreme(extremes.min), at=_at("min"))
logaddexp = _binary(elementwise.logaddexp, float("-inf"))
logaddexp2 = _binary(elementwise.logaddexp2, float("-inf"))
bitwise_and = _of_bits(comparison.bitwise_and, reduction.reduce_and, -1, logical=False)
bitwise_or = _of_bits(comparison.bitwise_or, reduction.reduce_or, 0, logical=False)
bitwise_xor = _of_bits(comparison.bitwise_xor, reduction.reduce_xor, 0, logical=False)
logical_and = _of_bits(comparison.logical_and, reduction.reduce_and, 1, logical=True)
logical_or = _of_bits(comparison.logical_or, reduction.reduce_or, 0, logical=True)
logical_xor = _of_bits(comparison.logical_xor, reduction.reduce_xor, 0, logical=True)
