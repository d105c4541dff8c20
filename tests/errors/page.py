"""docs/errors.md, written from the table: what each misuse raises in JAX and in scratchfn."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import jax

from tests.errors.cases import GROUPS
from tests.errors.misuse import Group, Misuse, raised, text_of

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"

HEAD = f"""# Errors

What goes wrong, what JAX {jax.__version__} says, and what scratchfn says. This page is written by
`python -m tests.errors` from the tables under `tests/errors/cases/`; a test runs every line of it
with both libraries.

The exceptions are of the same builtin classes, so that `except ValueError:` catches in both, and
those of `jax.errors` have the same names in `scratchfn.errors`. Each message of scratchfn has four
parts: what was asked, what was found, why it cannot be, and what to write instead. Types are
written as programs print them: `f32[3,4]` is an array of float32 of shape (3, 4).

The snippets come after these import lines, with `jax` in the place of `scratchfn` for the one side:

```python
import numpy as np
import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import grad, jit, lax, nn, random, tree, tree_util, vmap  # and the like
```
"""


def page() -> str:
    """The text of the page."""
    contents = "\n".join(f"- [{g.title}](#{_anchor(g.title)}) ({len(g.misuses)})" for g in GROUPS)
    return "\n".join([HEAD, contents, "", *map(_section, GROUPS)])


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _section(group: Group) -> str:
    return "\n".join([f"## {group.title}\n", f"{group.intro}\n", *map(_entry, group.misuses)])


def _entry(misuse: Misuse) -> str:
    theirs = raised(misuse.code, "jax")
    return (
        f"### {misuse.title}\n\n```python\n{misuse.code}\n```\n\n"
        f"JAX raises `{type(theirs).__name__}`:\n\n```text\n{_shortened(text_of(theirs))}\n```\n\n"
        f"{ours(misuse)}"
    )


def ours(misuse: Misuse) -> str:
    """The part of an entry that tells what scratchfn raises."""
    error = raised(misuse.code, "scratchfn")
    return f"scratchfn raises `{type(error).__name__}`:\n\n```text\n{text_of(error)}\n```\n"


def _shortened(text: str, most: int = 400) -> str:
    """The beginning of a message."""
    paragraph = " ".join(text.partition("\n\n")[0].split())
    return textwrap.fill(textwrap.shorten(paragraph, most, placeholder=" ..."), 100)
