"""EvalTrace: the trace at the bottom, which computes.

An operation on arrays runs at once, on NumPy or on JAX according to the buffers it is given. This
path is what an eager call costs, so it does as little as it can: elementwise operations are not
type-checked first (their wrappers in `numpy/` and `lax` have done so), all others are, by the
primitive's own `aval`.

Read next: `core/array.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.config import config
from scratchfn.core.array import Array
from scratchfn.core.trace import Primitive, Trace, Tracer, _State, describe, require_alive

try:  # NumPy warns of overflow and 0/0; JAX computes inf and nan in silence, and so do we.
    from numpy._core.umath import _extobj_contextvar, _make_extobj

    _silent = _make_extobj(all="ignore")

    def quietly(f: Callable[..., Any], args: Sequence[Any], params: dict[str, Any]) -> Any:
        """Calls f with NumPy's floating point warnings off; a twelfth of np.errstate's cost."""
        token = _extobj_contextvar.set(_silent)
        try:
            return f(*args, **params)
        finally:
            _extobj_contextvar.reset(token)

except ImportError:  # a NumPy that keeps this state elsewhere

    def quietly(f: Callable[..., Any], args: Sequence[Any], params: dict[str, Any]) -> Any:
        """Calls f with NumPy's floating point warnings off."""
        with np.errstate(all="ignore"):
            return f(*args, **params)


# name of a backend -> run(prim, buffers, params) -> the buffers of the results
runners: dict[str, Callable[..., list[Any]]] = {}


class EvalTrace(Trace):
    """Computes."""

    what = "eager execution"

    def process(self, prim: Primitive, args: Sequence[Any], params: dict[str, Any]) -> list[Any]:
        weak = prim.weak
        buffers = []
        native = True
        for x in args:
            if type(x) is not Array:
                raise _not_an_array(prim, x)
            buffer = x.buffer
            native = native and type(buffer) is np.ndarray
            weak = weak and x.weak_type
            buffers.append(buffer)
        if weak is None or prim.many:
            avals = prim.avals([x.aval for x in args], params)
            weaks = [aval.weak_type for aval in avals]
        else:
            weaks = [weak]
        if not native or (not args and config.backend != "numpy"):
            outs = runners["jax"](prim, buffers, params)
        else:
            out = quietly(prim.impl, buffers, params)
            outs = out if prim.many else (out,)
        return [Array(out, w) for out, w in zip(outs, weaks, strict=True)]


def _not_an_array(prim: Primitive, x: Any) -> Exception:
    if isinstance(x, Tracer):
        require_alive(x)
        return errors.UnexpectedTracerError(
            errors.explain(
                f"{prim.name}, run outside of the transformation its argument belongs to",
                describe(x),
                f"{x.trace.what} is not the trace in force here",
                "pass the value as an argument of the function that uses it",
            )
        )
    return TypeError(
        errors.explain(
            f"{prim.name}.bind",
            f"an argument of type {type(x).__name__}",
            "primitives take arrays only",
            f"the function of that name in scratchfn.numpy or scratchfn.lax, or "
            f"{prim.name}.bind(jnp.asarray(x))",
        )
    )


EVAL = EvalTrace(None)
_State.trace = EVAL  # a class attribute: where every thread begins
