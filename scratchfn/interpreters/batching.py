"""Batching rules for primitives of one's own: `primitive_batchers[p] = rule`, with
`rule(args, dims, **params) -> (out, dim)`. `dims` has the place of the batch axis in each argument,
`not_mapped` (None) where there is none.

Read next: `transforms/vmap.py`.
"""

from __future__ import annotations

from typing import Any

from scratchfn.core.trace import Primitive
from scratchfn.interpreters.rules import Rule, RuleTable
from scratchfn.primitives.base import instantiate_axis
from scratchfn.primitives.rules import batch_elementwise

not_mapped = None


def _adapt(rule: Rule) -> Rule:
    """Our rules are given the size of the axis as well."""
    return lambda size, args, dims, **params: rule(args, dims, **params)


def _restore(rule: Rule) -> Rule:
    def with_size(args: Any, dims: Any, **params: Any) -> Any:
        size = next(x.shape[d] for x, d in zip(args, dims, strict=True) if d is not None)
        return rule(size, args, dims, **params)

    return with_size


primitive_batchers = RuleTable("batch", _adapt, _restore)


def defvectorized(prim: Primitive) -> None:
    """Sets the rule of an operation on elements of one argument, or of several of one shape."""
    prim.batch = batch_elementwise(prim)


defbroadcasting = defvectorized


def bdim_at_front(x: Any, bdim: int | None, size: int) -> Any:
    """x with its batch axis first; repeated, if it has none."""
    return instantiate_axis(x, bdim, size)


__all__ = [
    "bdim_at_front", "defbroadcasting", "defvectorized", "not_mapped", "primitive_batchers",
]  # fmt: skip
