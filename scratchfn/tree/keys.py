"""One step down a tree, and how a path of steps is written: `['layers'][0].w`.

A path is a tuple of keys from the root to a leaf. Each builtin container has its own class of
key, which prints as the Python expression that takes the step.

Read next: `registry.py`, where each container says which keys its children have.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

KeyEntry = Any  # one of the classes below, or whatever a registered type's own function gives
KeyPath = tuple[KeyEntry, ...]


@dataclass(frozen=True, slots=True)
class SequenceKey:
    """The child at position `idx` of a list or a tuple."""

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx}]"


@dataclass(frozen=True, slots=True)
class DictKey:
    """The child under `key` in a dict, an OrderedDict or a defaultdict."""

    key: Hashable

    def __str__(self) -> str:
        return f"[{self.key!r}]"


@dataclass(frozen=True, slots=True)
class GetAttrKey:
    """The child that is the attribute `name` of a namedtuple, a dataclass or another object."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"


@dataclass(frozen=True, slots=True)
class FlattenedIndexKey:
    """Child number `key` of a registered type that gives its children no names."""

    key: int

    def __str__(self) -> str:
        return f"[<flat index {self.key}>]"


def keystr(keys: Iterable[KeyEntry], *, simple: bool = False, separator: str = "") -> str:
    """A path as text: `['a'][0]`, or `a/0` with `simple=True, separator="/"`."""
    return separator.join(map(_bare if simple else str, keys))


def _bare(key: KeyEntry) -> str:
    if isinstance(key, (SequenceKey, DictKey, GetAttrKey, FlattenedIndexKey)):
        return str(getattr(key, key.__match_args__[0]))
    return str(key)
