"""Derivative rules for primitives of one's own.

- `primitive_jvps[p] = rule`, with `rule(primals, tangents, **params) -> (out, tangent)`; a tangent
  that is zero may come, and go, as a `Zero`. Or `defjvp`, by partial derivatives.
- `primitive_transposes[p] = rule`, with `rule(ct, *args, **params)` a cotangent for each argument:
  None for those whose value is given, while an `UndefinedPrimal` stands for those to be solved for.

Read next: `primitives/rules.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scratchfn.core.tangents import Linear as UndefinedPrimal
from scratchfn.core.tangents import Zero as Zero
from scratchfn.core.trace import Primitive
from scratchfn.interpreters.rules import RuleTable
from scratchfn.primitives.base import add_tangents as add_tangents
from scratchfn.primitives.base import instantiate as instantiate_zeros
from scratchfn.primitives.base import linear_jvp
from scratchfn.primitives.base import zeros as zeros_like_aval
from scratchfn.primitives.rules import is_linear as is_undefined_primal
from scratchfn.primitives.rules import partials

Rule = Callable[..., Any]


def _same(rule: Rule) -> Rule:
    return rule


primitive_jvps = RuleTable("jvp", _same, _same)
primitive_transposes = RuleTable("transpose", _same, _same)


def defjvp(primitive: Primitive, *jvprules: Rule | None) -> None:
    """Sets the jvp rule by a rule for each argument: `rule(tangent, *args, **params)` is its part
    of the result's tangent; None for arguments without a derivative."""
    defjvp2(primitive, *(None if rule is None else _without_answer(rule) for rule in jvprules))


def _without_answer(rule: Rule) -> Rule:
    return lambda dx, ans, *args, **params: rule(dx, *args, **params)


def defjvp2(primitive: Primitive, *jvprules: Rule | None) -> None:
    """`defjvp` by rules that are given the result too: `rule(tangent, ans, *args, **params)`."""
    primitive.jvp = partials(primitive, *jvprules)


def deflinear(primitive: Primitive, transpose_rule: Rule) -> None:
    """Sets both rules of an operation that is linear in all its arguments together.
    `transpose_rule(ct, **params)` gives the arguments' cotangents."""
    deflinear2(primitive, lambda ct, *args, **params: transpose_rule(ct, **params))


def deflinear2(primitive: Primitive, transpose_rule: Rule) -> None:
    """`deflinear` by a rule that is given the arguments too."""
    primitive.jvp = linear_jvp(primitive)
    primitive.transpose = transpose_rule


def defbilinear(prim: Primitive, lhs_rule: Rule, rhs_rule: Rule) -> None:
    """Sets both rules of an operation linear in each of its two arguments.
    `lhs_rule(ct, x, y, **params)` is the cotangent of x, where x is an UndefinedPrimal, and
    `rhs_rule` that of y."""
    defjvp(
        prim,
        lambda dx, x, y, **params: prim.bind(dx, y, **params),
        lambda dy, x, y, **params: prim.bind(x, dy, **params),
    )

    def transpose(ct: Any, x: Any, y: Any, **params: Any) -> list[Any]:
        if is_undefined_primal(x):
            return [lhs_rule(ct, x, y, **params), None]
        return [None, rhs_rule(ct, x, y, **params)]

    prim.transpose = transpose


__all__ = [
    "UndefinedPrimal", "Zero", "add_tangents", "defbilinear", "defjvp", "defjvp2", "deflinear",
    "deflinear2", "instantiate_zeros", "is_undefined_primal", "primitive_jvps",
    "primitive_transposes", "zeros_like_aval",
]  # fmt: skip
