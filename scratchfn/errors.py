"""The exceptions of scratchfn, with JAX's names and the same builtin bases.

Every message has four parts, put together by `explain`: what was asked, what was found, why it
cannot be, and the line to write instead.

Read next: `core/trace.py`, where most of them are raised.
"""

from __future__ import annotations


def explain(asked: str, found: str, why: str, write: str) -> str:
    """The four-part text of an error, one part a line."""
    return f"{asked}\n  Found: {found}\n  Why not: {why}\n  Write instead: {write}"


def found_in(error: Exception) -> str:
    """What an error of four parts has found, for another one that says it in its own words."""
    return str(error).partition("Found: ")[2].partition("\n")[0]


class JAXTypeError(TypeError):
    """The base of the TypeErrors of tracing. (The names are JAX's, for scripts that catch them.)"""


class JAXIndexError(IndexError):
    """The base of the IndexErrors of tracing."""


class ConcretizationTypeError(JAXTypeError):
    """The value of a traced array was needed while the program was still being traced."""


class TracerBoolConversionError(ConcretizationTypeError):
    """A traced array was used where Python needs True or False (`if`, `while`, `and`)."""


class TracerArrayConversionError(JAXTypeError):
    """A traced array was handed to NumPy, which needs its numbers."""


class TracerIntegerConversionError(JAXTypeError):
    """A traced array was used where Python needs an integer (`range`, a list index, a shape)."""


class NonConcreteBooleanIndexError(JAXIndexError):
    """A traced boolean mask was used as an index: the result's shape would depend on its values."""


class UnexpectedTracerError(JAXTypeError):
    """A traced value outlived the transformation that made it."""


class TypePromotionError(ValueError):
    """Two dtypes have no common type in the promotion lattice, or strict promotion forbids it."""


class KeyReuseError(JAXTypeError):
    """A random key was consumed twice."""


class JaxprTypeError(TypeError):
    """A program that is not well formed."""


class InconclusiveDimensionOperation(Exception):
    """A question about symbolic sizes that has no one answer. Sizes here are numbers, so that
    nothing raises it."""


class JaxRuntimeError(RuntimeError):
    """The backend failed while running a program."""


__all__ = [
    "ConcretizationTypeError",
    "InconclusiveDimensionOperation",
    "JAXIndexError",
    "JAXTypeError",
    "JaxRuntimeError",
    "JaxprTypeError",
    "KeyReuseError",
    "NonConcreteBooleanIndexError",
    "TracerArrayConversionError",
    "TracerBoolConversionError",
    "TracerIntegerConversionError",
    "TypePromotionError",
    "UnexpectedTracerError",
]
