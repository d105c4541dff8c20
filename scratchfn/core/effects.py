"""Effects: what an operation does besides computing its results, such as printing.

A program without effects may be run in any order, in part, or not at all. An operation with one is
never dropped because nobody reads its results, never shared with an equal one, and the NumPy
backend runs all of them in the order in which they were traced. On JAX the *ordered* ones keep
their order among themselves, and the others come as they come.

A primitive says by its `effect` rule what its params let it do; what a program does follows from
its equations (`core/jaxpr.py`).
"""

from __future__ import annotations

from enum import Enum


class Effect(Enum):
    """What a program may do; prints as JAX prints its own."""

    DEBUG = "Debug"
    ORDERED_DEBUG = "OrderedDebug"
    IO = "IO"
    ORDERED_IO = "OrderedIO"

    @property
    def ordered(self) -> bool:
        """Must it keep its place among others like it, on every backend?"""
        return self in (Effect.ORDERED_DEBUG, Effect.ORDERED_IO)

    def __str__(self) -> str:
        return self.value
