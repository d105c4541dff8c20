"""Comparisons, logic, bits and selection.

Read next: `numpy/ufuncs.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.array import Array
from scratchfn.core.dtypes import bool_ as BOOL
from scratchfn.numpy.arguments import no_out
from scratchfn.numpy.promotion import (
    broadcast_shapes,
    numeric,
    operand,
    promote,
    promote_dtypes,
    spread,
)
from scratchfn.primitives import arithmetic, logic
from scratchfn.primitives.base import broadcast_in_dim
from scratchfn.primitives.convert import imag_p, real_p, select_n
from scratchfn.primitives.random_bits import random_unwrap
from scratchfn.primitives.reduction import reduce_and, reduce_or
from scratchfn.primitives.rules import scalar_like, strong_scalar


def choose(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, else y: `where` with three arguments."""
    condition = truth("where", condition)
    x, y = promote_dtypes(x, y)
    shape = broadcast_shapes("where", [condition.shape, x.shape, y.shape], ValueError, True)
    which = condition if condition.shape == () else spread(condition, shape)
    return select_n(which, spread(y, shape), spread(x, shape))


def _comparison(name: str, prim: Any, doc: str) -> Callable[[Any, Any], Any]:
    lexicographic = name in ("less", "less_equal", "greater", "greater_equal")

    def f(x: Any, y: Any, /) -> Any:
        x, y = promote(name, x, y)
        if lexicographic and dtypes.kind(x.dtype) == "c":
            first = (real_p.bind(x), real_p.bind(y))
            strict = (logic.lt_p if name.startswith("less") else logic.gt_p).bind(*first)
            second = prim.bind(imag_p.bind(x), imag_p.bind(y))
            return choose(logic.eq_p.bind(*first), second, strict)
        return prim.bind(x, y)

    f.__name__ = f.__qualname__ = name
    f.__doc__ = doc
    return f


def _equality(name: str, prim: Any, combine: Callable[..., Any], doc: str) -> Any:
    of_numbers = _comparison(name, prim, doc)

    def f(x: Any, y: Any, /) -> Any:
        if _are_keys(x) and _are_keys(y):  # which are the same if all of their words are
            words = of_numbers(random_unwrap(x, False), random_unwrap(y, False))
            return combine(words, (words.ndim - 1,))
        return of_numbers(x, y)

    f.__name__ = f.__qualname__ = name
    f.__doc__ = doc
    return f


def _are_keys(x: Any) -> bool:
    return getattr(x, "dtype", None) == dtypes.key_dtype


equal = _equality("equal", logic.eq_p, reduce_and, "x == y, element by element; of keys too.")
not_equal = _equality("not_equal", logic.ne_p, reduce_or, "x != y, element by element; keys too.")
less = _comparison("less", logic.lt_p, "x < y, element by element.")
less_equal = _comparison("less_equal", logic.le_p, "x <= y, element by element.")
greater = _comparison("greater", logic.gt_p, "x > y, element by element.")
greater_equal = _comparison("greater_equal", logic.ge_p, "x >= y, element by element.")


def truth(name: str, x: Any) -> Any:
    """x as booleans: x != 0."""
    x = operand(name, x)
    if x.dtype == BOOL:
        return x
    zero = strong_scalar(x, 0) if x.ndim else scalar_like(x, 0)  # weak of weak scalars, as in JAX
    return not_equal(x, zero)


def _logical(name: str, prim: Any, doc: str) -> Callable[[Any, Any], Any]:
    def f(x: Any, y: Any, /) -> Any:
        return prim.bind(*promote(name, truth(name, x), truth(name, y)))

    f.__name__ = f.__qualname__ = name
    f.__doc__ = doc
    return f


logical_and = _logical("logical_and", logic.and_p, "x and y, element by element.")
logical_or = _logical("logical_or", logic.or_p, "x or y, element by element.")
logical_xor = _logical("logical_xor", logic.xor_p, "x or y but not both, element by element.")


def logical_not(x: Any, /) -> Any:
    """not x, element by element."""
    return logic.not_p.bind(truth("logical_not", x))


def _bitwise(name: str, prim: Any, doc: str) -> Callable[[Any, Any], Any]:
    def f(x: Any, y: Any, /) -> Any:
        return prim.bind(*promote(name, x, y))

    f.__name__ = f.__qualname__ = name
    f.__doc__ = doc
    return f


bitwise_and = _bitwise("bitwise_and", logic.and_p, "The bits set in both x and y.")
bitwise_or = _bitwise("bitwise_or", logic.or_p, "The bits set in x or y.")
bitwise_xor = _bitwise("bitwise_xor", logic.xor_p, "The bits set in one of x and y.")


def left_shift(x: Any, y: Any, /) -> Any:
    """x times 2 ** y, in bits."""
    return logic.shift_left_p.bind(*numeric("left_shift", x, y))


bitwise_left_shift = left_shift


def right_shift(x: Any, y: Any, /) -> Any:
    """x divided by 2 ** y, rounding down."""
    x, y = numeric("right_shift", x, y)
    signed = dtypes.kind(x.dtype) == "i"
    return (logic.shift_right_arithmetic_p if signed else logic.shift_right_logical_p).bind(x, y)


bitwise_right_shift = right_shift


def bitwise_not(x: Any, /) -> Any:
    """The bits not set in x."""
    return logic.not_p.bind(operand("bitwise_not", x))


bitwise_invert = invert = bitwise_not


def isfinite(x: Any, /) -> Any:
    """Neither nan nor infinite."""
    x = operand("isfinite", x)
    kind = dtypes.kind(x.dtype)
    if kind == "c":
        return logical_and(isfinite(real_p.bind(x)), isfinite(imag_p.bind(x)))
    if kind != "f":
        return broadcast_in_dim(Array(np.asarray(True)), x.shape, ())
    return logic.is_finite_p.bind(x)


def isnan(x: Any, /) -> Any:
    """Not a number."""
    x = operand("isnan", x)
    return not_equal(x, x)


def isinf(x: Any, /) -> Any:
    """Infinite, of either sign."""
    x = operand("isinf", x)
    kind = dtypes.kind(x.dtype)
    if kind == "c":
        return logical_or(isinf(real_p.bind(x)), isinf(imag_p.bind(x)))
    if kind != "f":
        return broadcast_in_dim(Array(np.asarray(False)), x.shape, ())
    return equal(arithmetic.abs_p.bind(x), strong_scalar(x, np.inf))


def isposinf(x: Any, /, out: None = None) -> Any:
    """Plus infinity."""
    no_out("isposinf", out)
    x = _real("isposinf", x)
    return equal(x, strong_scalar(x, np.inf)) if dtypes.kind(x.dtype) == "f" else isinf(x)


def isneginf(x: Any, /, out: None = None) -> Any:
    """Minus infinity."""
    no_out("isneginf", out)
    x = _real("isneginf", x)
    return equal(x, strong_scalar(x, -np.inf)) if dtypes.kind(x.dtype) == "f" else isinf(x)


def _real(name: str, x: Any) -> Any:
    x = operand(name, x)
    if dtypes.kind(x.dtype) == "c":
        raise ValueError(
            errors.explain(
                f"jnp.{name}",
                f"an array of type {x.aval}",
                "complex numbers have no sign",
                f"jnp.{name}(x.real)",
            )
        )
    return x
