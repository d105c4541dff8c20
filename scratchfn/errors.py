"""The exceptions of scratchfn, with JAX's names and the same builtin bases.

Every message has four parts, put together by `explain`: what was asked, what was found, why it
cannot be, and the line to write instead.

Read next: `core/trace.py`, where most of them are raised.
"""

from __future__ import annotations


def explain(asked: str, found: str, why: str, write: str) -> str:
    """The four-part text of an error, one part a line."""
    return f"{asked}\n  Found: {found}\n  Why not: {why}\n  Write instead: {write}"


class ConcretizationTypeError(TypeError):
    """The value of a traced array was needed while the program was still being traced."""


class TracerBoolConversionError(ConcretizationTypeError):
    """A traced array was used where Python needs True or False (`if`, `while`, `and`)."""


class TracerArrayConversionError(TypeError):
    """A traced array was handed to NumPy, which needs its numbers."""


class TracerIntegerConversionError(TypeError):
    """A traced array was used where Python needs an integer (`range`, a list index, a shape)."""


class NonConcreteBooleanIndexError(IndexError):
    """A traced boolean mask was used as an index: the result's shape would depend on its values."""


class UnexpectedTracerError(TypeError):
    """A traced value outlived the transformation that made it."""


class TypePromotionError(ValueError):
    """Two dtypes have no common type in the promotion lattice, or strict promotion forbids it."""


class KeyReuseError(RuntimeError):
    """A random key was consumed twice."""


class JaxRuntimeError(RuntimeError):
    """The backend failed while running a program."""


__all__ = [
    "ConcretizationTypeError",
    "JaxRuntimeError",
    "KeyReuseError",
    "NonConcreteBooleanIndexError",
    "TracerArrayConversionError",
    "TracerBoolConversionError",
    "TracerIntegerConversionError",
    "TypePromotionError",
    "UnexpectedTracerError",
]
