"""The table of calls, and how one is evaluated with either library.

`CALLS` in the files of `calls/` has a call a line. The operands' names are those of `operands.py`;
`sf` is the library, `jnp`, `lax`, `nn`, `random`, `jsp` its namespaces.
"""

from __future__ import annotations

import functools
import importlib
import re
from pathlib import Path
from typing import Any

from tests.surface.operands import operands

NAMESPACES = {
    "sf": "",
    "jnp": ".numpy",
    "lax": ".lax",
    "nn": ".nn",
    "random": ".random",
    "jsp": ".scipy",
}


@functools.cache
def calls() -> list[str]:
    """Every call of the table."""
    found = []
    for path in sorted((Path(__file__).parent / "calls").glob("*.py")):
        module = importlib.import_module(f"tests.surface.calls.{path.stem}")
        found += [line for line in module.CALLS.splitlines() if line]
    return found


def name_of(call: str) -> str:
    """The function that a call is a case of: the first one it names. `jnp.sum(x)` -> `jnp.sum`."""
    found = re.match(r"[a-z_]+(\.\w+)+", call)
    assert found, call
    return found[0]


@functools.cache
def spaces(library: str) -> dict[str, Any]:
    """The names that a call may use besides its operands, of `"jax"` or `"scratchfn"`."""
    if library == "jax":  # whose package scipy does not load these on its own
        for name in ("cluster.vq", "optimize", "spatial.transform"):
            importlib.import_module(f"jax.scipy.{name}")
    return {short: importlib.import_module(library + long) for short, long in NAMESPACES.items()}


def given(library: str, kind: str) -> dict[str, Any]:
    """The operands of a kind as the library's arrays."""
    space = spaces(library)
    arrays = {name: space["jnp"].asarray(x) for name, x in operands(kind).items()}
    return arrays | {"k": space["random"].key(7), "r": space["random"].PRNGKey(7)}


@functools.cache
def compiled(call: str) -> Any:
    return compile(call, call, "eval")


def outcome(call: str, library: str, kind: str) -> Any:
    """The result of a call, or the exception that it raised."""
    try:
        return eval(compiled(call), spaces(library) | given(library, kind))
    except Exception as error:  # whatever it is, it is compared
        return error
