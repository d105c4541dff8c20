"""`fwd_and_bwd`: the two halves of reverse mode as two functions, each compiled once.

Read next: `transforms/vjp.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from scratchfn.transforms.api import vjp
from scratchfn.transforms.flat import check_argnums, close_over, name_of, require_callable
from scratchfn.transforms.jit_api import jit


def fwd_and_bwd(
    fun: Callable[..., Any],
    argnums: int | Sequence[int],
    has_aux: bool = False,
    jitted: bool = True,
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """`fwd(*args) -> (out, residuals)` and `bwd(residuals, ct) -> cotangents`, together
    `vjp(fun, *args)`.

    Args:
      argnums: the argument(s) to differentiate with respect to; for a tuple `bwd` returns one.
      has_aux: `fun` returns (out, auxiliary data), and `fwd` (out, residuals, auxiliary data).
      jitted: compile both; the residuals are a tree of arrays, which passes from one to the other.
    """
    require_callable(fun, "fwd_and_bwd")

    @functools.wraps(fun)
    def fwd(*args: Any, **kwargs: Any) -> Any:
        nums = check_argnums(argnums, len(args), f"fwd_and_bwd of {name_of(fun)}")
        partial, dynamic = close_over(fun, args, kwargs, nums)
        return vjp(partial, *dynamic, has_aux=has_aux)

    def bwd(residuals: Any, ct: Any) -> Any:
        cts = residuals(ct)
        return cts if isinstance(argnums, (tuple, list)) else cts[0]

    return (jit(fwd), jit(bwd)) if jitted else (fwd, bwd)
