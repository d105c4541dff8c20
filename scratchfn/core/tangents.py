"""What differentiation adds to values: zeros that are never computed, and holes to be solved for.

Read next: `transforms/jvp.py`.
"""

from __future__ import annotations

from typing import Any

from scratchfn.core.avals import ShapedArray


class Zero:
    """A tangent or cotangent known to be zero, of the tangent type `aval`; nothing is computed with
    it until a rule asks for real zeros with `primitives.base.instantiate`."""

    __slots__ = ("aval",)

    def __init__(self, aval: ShapedArray):
        self.aval = aval

    def __repr__(self) -> str:
        return f"Zero({self.aval})"


class Linear:
    """Stands in a transpose rule for an argument the operation is linear in; only its type, `aval`,
    is known."""

    __slots__ = ("aval",)

    def __init__(self, aval: ShapedArray):
        self.aval = aval

    def __repr__(self) -> str:
        return f"Linear({self.aval})"


def zero_tangent(x: Any) -> Zero:
    """The zero tangent of a value."""
    return Zero(x.aval.tangent())
