"""Derivatives of the user's own, with the names of `jax.custom_derivatives`.

Read next: `transforms/custom_jvp.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn import tree
from scratchfn.core import dtypes
from scratchfn.core.array import as_value
from scratchfn.core.tangents import Zero as SymbolicZero
from scratchfn.core.tangents import zero_tangent
from scratchfn.primitives.base import instantiate
from scratchfn.transforms.closures import closure_convert, custom_gradient
from scratchfn.transforms.custom_jvp import custom_jvp, custom_jvp_call_p
from scratchfn.transforms.custom_vjp import custom_vjp, custom_vjp_call_p
from scratchfn.transforms.custom_vjp_rules import CustomVJPPrimal
from scratchfn.transforms.linear_call import linear_call


def custom_vjp_primal_tree_values(tree_of_primals: Any) -> Any:
    """The values of a tree of `CustomVJPPrimal`s, as a `fwd` with symbolic zeros is given it."""
    return tree.map(
        lambda x: x.value if type(x) is CustomVJPPrimal else x,
        tree_of_primals,
        is_leaf=lambda x: type(x) is CustomVJPPrimal,
    )


def zero_from_primal(val: Any, symbolic_zeros: bool = False) -> Any:
    """A zero tangent for each leaf of `val`: an array of zeros (of dtype float0 for integers), or
    with `symbolic_zeros` a `SymbolicZero`."""

    def zero(x: Any) -> Any:
        found = zero_tangent(as_value(x))
        if symbolic_zeros:
            return found
        none = found.aval.dtype == dtypes.float0
        return np.zeros(found.aval.shape, dtypes.float0) if none else instantiate(found)

    return tree.map(zero, val)


__all__ = [
    "CustomVJPPrimal",
    "SymbolicZero",
    "closure_convert",
    "custom_gradient",
    "custom_jvp",
    "custom_jvp_call_p",
    "custom_vjp",
    "custom_vjp_call_p",
    "custom_vjp_primal_tree_values",
    "linear_call",
    "zero_from_primal",
]
