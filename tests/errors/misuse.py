"""A misuse: a few lines that are wrong, run in JAX's names against both libraries.

The lines are a script after its import lines; `names_of` is these lines. What goes wrong in them is
compared by the builtin class of the exception, so that `except ValueError:` catches in both.
"""

from __future__ import annotations

import importlib
import re
import warnings
from typing import Any, NamedTuple

import numpy as np

PARTS = ("\n  Found: ", "\n  Why not: ", "\n  Write instead: ")

TOP = (
    "checkpoint", "custom_jvp", "custom_vjp", "grad", "hessian", "jacfwd", "jacrev", "jit", "jvp",
    "linear_transpose", "linearize", "make_jaxpr", "pure_callback", "tree", "value_and_grad", "vjp",
    "vmap",
)  # fmt: skip
SPACES = {"jnp": "numpy", "lax": "lax", "random": "random", "nn": "nn", "tree_util": "tree_util"}


class Misuse(NamedTuple):
    """`code` raises; our message has four parts and each of the fragments `says`."""

    title: str
    code: str
    says: list[str]


class Group(NamedTuple):
    """Misuses of one kind, a section of docs/errors.md."""

    title: str
    intro: str
    misuses: list[Misuse]


def names_of(library: str) -> dict[str, Any]:
    """What the import lines of a script give it: of "jax" or "scratchfn"."""
    top = importlib.import_module(library)
    names = {name: getattr(top, name) for name in TOP}
    names |= {name: importlib.import_module(f"{library}.{of}") for name, of in SPACES.items()}
    return names | {"np": np}


def raised(code: str, library: str) -> Exception:
    """The exception that the lines raise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # JAX warns of some things before it raises
        try:
            exec(compile(code, "script.py", "exec"), names_of(library))
        except Exception as error:  # whatever it is: it is what is compared
            return error
    raise AssertionError(f"{library} lets pass:\n{code}")


def builtin_class(error: Exception) -> type[BaseException]:
    """The first class of an exception, from the most special, that is Python's own."""
    return next(c for c in type(error).__mro__ if c.__module__ == "builtins")


def text_of(error: Exception) -> str:
    """The message, with what differs from run to run taken out: addresses in memory, and lines of
    the files that run the misuse."""
    text = re.sub(r"(?s)\s+at loc\(.*", "", str(error).strip())
    text = re.sub(r"(?s)Traceback \(most.*\n", "", text)  # all but its last line
    return re.sub(r"0x[0-9a-f]+|(?<=object id )\d+", "...", text)
