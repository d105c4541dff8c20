"""From program to a Python function on NumPy buffers: simplify, emit, compile.

`compile_program` does so once per program. The source is registered with `linecache`, so that a
traceback or a debugger shows the generated line.

Read next: `backends/jax.py`, the other backend.
"""

from __future__ import annotations

import itertools
import linecache
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from scratchfn.backends.numpy.emit import emit
from scratchfn.backends.numpy.simplify import simplify
from scratchfn.core.compile_log import timed
from scratchfn.core.jaxpr import ClosedJaxpr, weak_cache
from scratchfn.core.template import NAMESPACE

_counter = itertools.count()


class NumpyProgram:
    """A compiled program: call it with the arguments' buffers, get the results' buffers."""

    def __init__(self, optimized: ClosedJaxpr, source: str, function: Callable[..., Any]):
        self.optimized = optimized
        self.source = source
        self.function = function

    def __call__(self, *buffers: Any) -> Sequence[Any]:
        return self.function(*buffers)


@weak_cache
def compile_program(closed: ClosedJaxpr, name: str = "program") -> NumpyProgram:
    """Compiles a program, or finds it compiled."""
    with timed(f"compiling {name} for NumPy"):
        return _compile(closed, name)


def _compile(closed: ClosedJaxpr, name: str) -> NumpyProgram:
    optimized = simplify(closed)
    source, function_name, constants = emit(optimized, name)
    filename = f"<scratchfn {function_name} #{next(_counter)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    weakref.finalize(closed, linecache.cache.pop, filename, None)
    namespace = {**NAMESPACE, **constants}
    exec(compile(source, filename, "exec"), namespace)
    return NumpyProgram(optimized, source, namespace[function_name])
