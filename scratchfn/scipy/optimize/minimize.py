"""minimize: one function for the methods.

Read next: `scipy/optimize/results.py`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import scratchfn.numpy as jnp
from scratchfn import errors
from scratchfn.scipy.optimize.bfgs import minimize_bfgs
from scratchfn.scipy.optimize.lbfgs import minimize_lbfgs
from scratchfn.scipy.optimize.results import OptimizeResults
from scratchfn.transforms.api import value_and_grad

_METHODS: dict[str, Callable[..., OptimizeResults]] = {
    "bfgs": minimize_bfgs,
    "l-bfgs-experimental-do-not-rely-on-this": minimize_lbfgs,
}


def minimize(
    fun: Callable[..., Any],
    x0: Any,
    args: Any = (),
    *,
    method: str,
    tol: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> OptimizeResults:
    """A local minimum of a function of vectors, found from its gradient.

    Args:
      fun: `fun(x, *args)`, a number, for x of f32[n]; it is traced, and differentiated.
      x0: where to begin, f32[n].
      args: further arguments of `fun`, a tuple.
      method: "BFGS" or, in little memory, "l-bfgs-experimental-do-not-rely-on-this".
      tol: the method's `gtol`, unless the options have one.
      options: the method's: see `minimize_bfgs`, `minimize_lbfgs`.

    Raises:
      TypeError: `args` that are no tuple, options that the method does not have, an x0 that is no
        vector, a function whose result is no real number.
      ValueError: another method.
    """
    if not isinstance(args, tuple):
        found = f"args of type {type(args).__name__}"
        _refuse(TypeError, found, "they are given to fun as they stand", f"args=({args!r},)")
    if method.lower() not in _METHODS:
        why = "these methods are traced, so there are few"
        _refuse(ValueError, f"method={method!r}", why, 'method="BFGS"')
    solve = _METHODS[method.lower()]
    settings = dict(options or {})
    if tol is not None:
        settings.setdefault("gtol", tol)
    known = list(inspect.signature(solve).parameters)[2:]
    if unknown := set(settings) - set(known):
        why = f"the options of {method} are {', '.join(known)}"
        _refuse(TypeError, f"options {', '.join(sorted(unknown))}", why, "options={'gtol': 1e-4}")
    x0 = jnp.asarray(x0)
    if x0.ndim != 1:
        why, write = "the method steps from vector to vector", "x0.reshape(-1), and back in fun"
        _refuse(TypeError, f"x0 of type {x0.aval}", why, write)
    return solve(value_and_grad(lambda x: fun(x, *args)), x0, **settings)


def _refuse(error: type[Exception], found: str, why: str, write: str) -> None:
    raise error(errors.explain("scipy.optimize.minimize(fun, x0, args, ...)", found, why, write))
