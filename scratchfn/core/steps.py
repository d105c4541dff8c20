"""An operation that holds programs, run step by step: for flags that look at each operation.

Compiled programs, loops and branches are one operation each, and what happens inside is not seen.
Where it has to be, `in_steps` runs them as calls of the programs they hold.

Read next: `core/nonfinite.py` and `core/key_reuse.py`, which look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from scratchfn.core.jaxpr import ClosedJaxpr
from scratchfn.core.trace import Primitive

Run = Callable[[ClosedJaxpr, Sequence[Any]], list[Any]]


def in_steps(prim: Primitive, run: Run, args: Sequence[Any], params: dict[str, Any]) -> Any:
    """The results of an operation by calls `run(program, args)`; None if it holds no programs."""
    if prim.program is not None:
        return run(params[prim.program], args)
    return prim.steps(run, args, **params) if prim.steps is not None else None
