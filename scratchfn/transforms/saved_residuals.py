"""What reverse mode keeps of a function's forward pass, told by where it comes from.

Read next: `transforms/checkpoint.py`, to keep less.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scratchfn import tree
from scratchfn.core import dtypes
from scratchfn.core.avals import ShapedArray
from scratchfn.core.jaxpr import Eqn, Var
from scratchfn.core.stage import stage
from scratchfn.primitives.identities import name_p
from scratchfn.transforms.flat import FlatFunction, argument_path, flatten_values, name_of
from scratchfn.transforms.vjp import linearize_flat


def print_saved_residuals(f: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Prints what a derivative of `f` at these arguments keeps for the backward pass, one value a
    line: `f32[3,4] output of sin from train.py:12 (loss)`."""
    for aval, origin in saved_residuals(f, *args, **kwargs):
        print(f"{aval.str_short()} {origin}")


def saved_residuals(
    f: Callable[..., Any], *args: Any, **kwargs: Any
) -> list[tuple[ShapedArray, str]]:
    """The type and the origin of each value that is kept: constants, arguments, then results of
    operations, in the order in which they are computed."""
    leaves, in_tree = flatten_values((args, kwargs), f"arguments of {name_of(f)}")
    nonzeros = [dtypes.kind(x.dtype) in "fc" for x in leaves]

    def residuals(*values: Any) -> list[Any]:
        _, program = linearize_flat(FlatFunction(f, in_tree), values, nonzeros)
        return program.consts

    jaxpr, _ = stage(residuals, [x.aval for x in leaves], f"print_saved_residuals({name_of(f)})")
    kept = {v for v in jaxpr.outvars if type(v) is Var}
    paths = [argument_path(f, path) for path, _ in tree.leaves_with_path((args, kwargs))]
    found = [(v.aval, "from a constant") for v in jaxpr.constvars if v in kept]
    found += [
        (v.aval, f"from the argument {path}")
        for v, path in zip(jaxpr.invars, paths, strict=True)
        if v in kept
    ]
    for eqn in jaxpr.eqns:
        found += [(v.aval, _origin(eqn)) for v in eqn.outvars if v in kept]
    return found


def _origin(eqn: Eqn) -> str:
    """Where a value comes from, in words."""
    if eqn.primitive is name_p:
        return f"named '{eqn.params['name']}' from {_line(eqn)}"
    if eqn.primitive.name == "jit":
        return f"output of jitted function '{eqn.params['name']}' from {_line(eqn)}"
    return f"output of {eqn.primitive.name} from {_line(eqn)}"


def _line(eqn: Eqn) -> str:
    """The user's line; functions inside others are named in full."""
    if eqn.source is None:
        return "an unknown line"
    code, line = eqn.source.code, eqn.source.line
    return f"{code.co_filename}:{line} ({code.co_qualname})"
