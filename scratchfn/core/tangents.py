"""What differentiation adds to values: zeros that are never computed, and holes to be solved for.

Read next: `transforms/jvp.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core.avals import ShapedArray


class Zero:
    """A tangent or cotangent known to be zero, of the tangent type `aval`; nothing is computed with
    it until a rule asks for real zeros with `primitives.base.instantiate`. Users know it as
    `custom_derivatives.SymbolicZero`."""

    __slots__ = ("aval",)

    def __init__(self, aval: ShapedArray):
        self.aval = aval

    @property
    def shape(self) -> tuple[int, ...]:
        return self.aval.shape

    @property
    def dtype(self) -> np.dtype:
        return self.aval.dtype

    @property
    def ndim(self) -> int:
        return self.aval.ndim

    @staticmethod
    def from_primal_value(x: Any) -> Zero:
        """The zero tangent of a value."""
        return zero_tangent(x)

    def __repr__(self) -> str:
        return f"Zero({self.aval})"


class Linear:
    """Stands in a transpose rule for an argument the operation is linear in; only its type, `aval`,
    is known."""

    __slots__ = ("aval",)

    def __init__(self, aval: ShapedArray):
        self.aval = aval

    def __getattr__(self, name: str) -> Any:  # of what has a value: its shape, its dtype
        raise not_linear(self)

    def __repr__(self) -> str:
        return f"Linear({self.aval})"


def not_linear(x: Linear) -> TypeError:
    """The error for a transpose rule that had to compute with what only stands for an argument."""
    return TypeError(
        errors.explain(
            "the transpose of a function (linear_transpose, or reverse mode by a custom_jvp rule)",
            f"a value of type {x.aval} that something is not linear in, as x * x is not in x",
            "only a linear function has a transpose",
            "vjp(f, x) for the derivative of f; or a rule that only adds tangents and multiplies "
            "them by values that do not depend on them",
        )
    )


def zero_tangent(x: Any) -> Zero:
    """The zero tangent of a value."""
    return Zero(x.aval.tangent())
