"""A kind of rule of all primitives, as a mapping from a primitive to its rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

from scratchfn.core.trace import Primitive, registry

Rule = Callable[..., Any]


class RuleTable(MutableMapping[Primitive, Rule]):
    """`table[primitive] = rule` sets an attribute of the primitive, which `adapt` and `restore`
    turn from JAX's form of the rule into ours and back."""

    def __init__(self, name: str, adapt: Callable[[Rule], Rule], restore: Callable[[Rule], Rule]):
        self.name = name
        self.adapt = adapt
        self.restore = restore

    def __getitem__(self, primitive: Primitive) -> Rule:
        rule = getattr(primitive, self.name)
        if rule is None:
            raise KeyError(primitive)
        return self.restore(rule)

    def __setitem__(self, primitive: Primitive, rule: Rule) -> None:
        setattr(primitive, self.name, self.adapt(rule))

    def __delitem__(self, primitive: Primitive) -> None:
        self[primitive]
        setattr(primitive, self.name, None)

    def __iter__(self) -> Iterator[Primitive]:
        return (p for p in registry.values() if getattr(p, self.name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)
