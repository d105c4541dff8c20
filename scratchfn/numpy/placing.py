"""Elements chosen from arrays by number, and put into an array at places or where a mask holds.

The results of `put` and `place` are new arrays: both insist on hearing `inplace=False`, so that
nobody takes them for NumPy's, which return nothing.

Read next: `numpy/at.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.numpy.arguments import known, no_out, operands
from scratchfn.numpy.at import IndexHelper
from scratchfn.numpy.comparison import choose as where
from scratchfn.numpy.comparison import truth
from scratchfn.numpy.elementwise import strong
from scratchfn.numpy.indexing import take, take_along_axis
from scratchfn.numpy.manipulation import broadcast_arrays, ravel
from scratchfn.numpy.promotion import operand, promote_dtypes
from scratchfn.numpy.running import cumsum
from scratchfn.numpy.ufuncs import clip, remainder, subtract
from scratchfn.primitives import base
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.joining import stack


def choose(a: Any, choices: Any, out: None = None, mode: str = "raise") -> Any:
    """Each element from the one of the choices whose number stands in `a` there.

    Args:
      a: integers; it and the choices broadcast to the shape of the result.
      choices: a sequence of arrays, or an array whose first axis they are along.
      mode: what is done about numbers outside: "raise", for which `a` must be known, "clip" or
        "wrap".

    Raises ValueError for an `a` that is no integers, and for numbers outside.
    """
    no_out("choose", out)
    a = operand("choose", a)
    arrays = promote_dtypes(*operands("choose", tuple(choices))) if len(choices) else []
    if dtypes.kind(a.dtype) not in "iu" or mode not in ("raise", "wrap", "clip"):
        why = "a holds the numbers of choices, and mode is 'raise', 'wrap' or 'clip'"
        found = f"a of type {a.aval}, mode={mode!r}"
        write = "jnp.choose(a.astype(int), choices, mode='clip')"
        raise ValueError(errors.explain("jnp.choose", found, why, write))
    n = len(arrays)
    if mode == "raise":
        numbers = np.asarray(known("choose", "a, in mode 'raise',", a))
        if n == 0 or numbers.min(initial=0) < 0 or numbers.max(initial=0) >= n:
            found = f"numbers from {numbers.min()} to {numbers.max()}, and {n} choices"
            why, write = "there is no choice of some number", "jnp.choose(a, x, mode='clip')"
            raise ValueError(errors.explain("jnp.choose", found, why, write))
    else:
        a = clip(a, 0, n - 1) if mode == "clip" else remainder(a, n)
    a, *arrays = broadcast_arrays(a, *arrays)
    return strong(take_along_axis(stack(arrays, 0), base.expand_dims(a, [0]), 0)[0])


def put(a: Any, ind: Any, v: Any, mode: str | None = None, *, inplace: bool = True) -> Any:
    """`a` with the values `v`, again and again from the start, at the places `ind` of its flattened
    form.

    Args:
      mode: for places outside: "clip" for the nearest place inside, "wrap" to count on from the
        start; None as "clip", with negative places counted from the end.
      inplace: must be False.
    """
    _require_new("put", inplace)
    a, ind, v = operand("put", a), ravel(operand("put", ind, 1)), ravel(operand("put", v, 2))
    if mode not in (None, "clip", "wrap"):
        error = NotImplementedError if mode == "raise" else ValueError
        why, write = "whether a place is inside may not be known", "mode='clip' or 'wrap'"
        raise error(errors.explain("jnp.put", f"mode={mode!r}", why, write))
    if not (a.size and ind.size and v.size):
        return a
    if mode == "clip":
        ind = clip(ind, 0, a.size - 1)
    elif mode == "wrap":
        ind = remainder(ind, a.size)
    values = _repeated(v, ind.size)
    return base.reshape(IndexHelper(ravel(a))[ind].set(values, mode="clip"), a.shape)


def place(arr: Any, mask: Any, vals: Any, *, inplace: bool = True) -> Any:
    """`arr` with the values `vals`, again and again from the start, where the mask holds.

    Args:
      inplace: must be False.

    Raises ValueError unless there are as many places in the mask as elements, and a value.
    """
    _require_new("place", inplace)
    arr, vals = operand("place", arr), ravel(operand("place", vals, 2))
    mask = truth("place", operand("place", mask, 1))
    if arr.size != mask.size or not vals.size:
        why = "each element has its place in the mask, and there is a value at least"
        found = f"types {arr.aval}, {mask.aval} and {vals.aval}"
        write = "jnp.where(mask, value, arr)"
        raise ValueError(errors.explain("jnp.place", found, why, write))
    mask = base.reshape(mask, arr.shape)
    count = subtract(cumsum(ravel(mask)), 1)  # of places up to each, from 0
    values = take(vals, remainder(count, vals.size))
    values = convert_element_type(base.reshape(values, arr.shape), arr.dtype)
    return where(mask, values, arr)


def _repeated(v: Any, size: int) -> Any:
    return v if v.size == 1 else take(v, np.arange(size) % v.size)


def _require_new(name: str, inplace: bool) -> None:
    if inplace:
        raise ValueError(
            errors.explain(
                f"jnp.{name}(..., inplace=True)", "an array to be changed",
                "arrays are immutable, so that functions of them are pure",
                f"x = jnp.{name}(x, ..., inplace=False)",
            )
        )  # fmt: skip
