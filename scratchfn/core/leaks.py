"""`check_tracer_leaks`: no traced value outlives the transformation that made it.

When a transformation has returned, nothing should refer to its trace any more. If something does,
it is a traced value that the user's function has put away, in a global or on an object; using it
later would raise, perhaps far from here. Under the flag it is found at once, and named with the
user's line that made it and with what holds it. That is when the outermost transformation returns:
before, functions of ours that are still running may hold values too.

Read next: `core/trace.py`, which keeps the list of traces that have ended.
"""

from __future__ import annotations

import functools
import gc
import itertools
import types
from collections.abc import Callable
from typing import Any, TypeVar

from scratchfn import errors
from scratchfn.config import config
from scratchfn.core.trace import Tracer, current, describe

F = TypeVar("F", bound=Callable[..., Any])


def leak_checked(transformation: F) -> F:
    """A decorator for functions that open a trace, run the user's function and close it."""

    @functools.wraps(transformation)
    def checked(*args: Any, **kwargs: Any) -> Any:
        if not config.check_tracer_leaks or current.ended is not None:
            return transformation(*args, **kwargs)
        ended = current.ended = []
        try:
            result = transformation(*args, **kwargs)
        finally:
            current.ended = None
        _require_dead(ended)
        return result

    return checked  # type: ignore[return-value]


def _require_dead(traces: list[Any]) -> None:
    """Raises UnexpectedTracerError if a tracer of one of the traces (weak references) lives."""
    if all(trace() is None for trace in traces):
        return
    gc.collect()  # what only refers to itself has not leaked
    for reference in traces:
        trace = reference()
        leaked = [x for x in gc.get_referrers(trace) if isinstance(x, Tracer)] if trace else []
        if leaked:
            raise errors.UnexpectedTracerError(
                errors.explain(
                    f"Leaked traced values: {trace.what} has returned, and some outlived it",
                    "; ".join(f"{describe(x)}, held by {_holders(x, leaked)}" for x in leaked),
                    "they stand for every value of their type, and mean nothing outside of it",
                    "return such a value from the function instead of storing it outside of it",
                )
            )


def _holders(x: Tracer, ours: Any) -> str:
    """What refers to a tracer, our own search aside."""
    search = (types.FrameType, types.GeneratorType)
    holders = [h for h in gc.get_referrers(x) if h is not ours and not isinstance(h, search)]
    return ", ".join(map(_describe, holders, itertools.repeat(x))) or "a frame"


def _describe(holder: Any, x: Tracer) -> str:
    if not isinstance(holder, dict):
        return f"an object of type {type(holder).__name__}"
    name = next(repr(key) for key, value in holder.items() if value is x)
    module = holder.get("__name__")  # the variables of a module are a dict too
    return f"{name} of {f'module {module}' if isinstance(module, str) else 'a dict'}"
