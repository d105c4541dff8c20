"""`@config`: settings of a model, frozen, and a pytree without leaves.

    @config
    class Config:
        width: int = 16

Such a value passes through jit, vmap and grad as an ordinary argument: it has no arrays to trace,
and it is part of what a compiled program is looked up by.

Read next: `models/vision/mlp.py`.
"""

from __future__ import annotations

import dataclasses
from typing import TypeVar, dataclass_transform

from scratchfn.tree_util import register_static

Class = TypeVar("Class")


@dataclass_transform(frozen_default=True)
def config(cls: type[Class]) -> type[Class]:
    """Class decorator: a frozen dataclass, static under every transform. Fields are hashable."""
    return register_static(dataclasses.dataclass(frozen=True)(cls))


__all__ = ["config"]
