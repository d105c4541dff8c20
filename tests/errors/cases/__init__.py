"""The table of misuses, group by group, in the order of docs/errors.md."""

from __future__ import annotations

from tests.errors.cases import (
    control,
    indexing,
    rules,
    shapes,
    tracing,
    transforms,
    trees,
    values,
)

GROUPS = [
    group
    for module in (transforms, tracing, control, rules, indexing, shapes, values, trees)
    for group in module.GROUPS
]
