"""`optimization_barrier`: a line that compilers do not optimise across.

Read next: `primitives/identities.py`.
"""

from __future__ import annotations

from typing import Any

from scratchfn import tree
from scratchfn.core.array import as_value
from scratchfn.primitives.identities import optimization_barrier_p


def optimization_barrier(operand: Any, /) -> Any:
    """The tree `operand` as it is. What is computed from the result is not merged with what is
    computed from the operand, nor run before all of the operand is there."""
    leaves, treedef = tree.flatten(operand)
    return tree.unflatten(treedef, optimization_barrier_p.bind(*map(as_value, leaves)))
