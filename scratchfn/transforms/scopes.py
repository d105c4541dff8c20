"""Parts of a program that run otherwise than the rest of it, or bear a name.

Read next: `core/trace.py`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from scratchfn.core.axes import collective_axes
from scratchfn.core.eager import EVAL
from scratchfn.core.trace import Primitive, Trace, Tracer, current, running, under
from scratchfn.transforms.flat import name_of


class KnownFirst(Trace):
    """Computes what is known at once, and leaves the rest to its parent."""

    what = "ensure_compile_time_eval"

    def process(self, prim: Primitive, args: Sequence[Any], params: dict[str, Any]) -> list[Any]:
        names_axis = prim.collective is not None and bool(collective_axes(params))
        known = not names_axis and not any(isinstance(x, Tracer) for x in args)
        trace = EVAL if known else self.parent
        with under(trace):
            return trace.process(prim, args, params)


@contextlib.contextmanager
def ensure_compile_time_eval() -> Iterator[None]:
    """`with ensure_compile_time_eval():` has operations on known numbers run at once, also while a
    function is being traced, so that Python can ask for their values. Also a decorator.

        with ensure_compile_time_eval():
            n = int(jnp.sum(table))          a number, even under jit
    """
    with running(KnownFirst(current.trace)):
        yield


class named_scope(contextlib.ContextDecorator):
    """`with named_scope("attention"):` gives a part of a program a name. JAX's profiler shows such
    names; here they are accepted, and have no effect. Also a decorator. Raises TypeError for a name
    that is no string."""

    def __init__(self, name: str):
        if not isinstance(name, str):
            raise TypeError(f"named_scope: the name must be a string, not {name!r}")
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def named_call(fun: Callable[..., Any], *, name: str | None = None) -> Callable[..., Any]:
    """`fun` inside a `named_scope` of its name."""
    return named_scope(name_of(fun) if name is None else name)(fun)
