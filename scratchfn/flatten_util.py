"""A pytree of arrays as one vector, and back: what line searches, solvers and curvature code want.

    flat, unravel = ravel_pytree(params)
    unravel(flat - 0.1 * step)             a tree like params

Read next: `tree/api.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from scratchfn import errors, tree
from scratchfn import numpy as jnp
from scratchfn.core import dtypes
from scratchfn.core.array import as_value

__all__ = ["ravel_pytree"]


def ravel_pytree(pytree: Any) -> tuple[Any, Callable[[Any], Any]]:
    """All numbers of a tree as a vector, in the dtype that its leaves promote to, and the function
    that turns such a vector into a tree like it, each leaf in its own dtype again.

    Raises TypeError for leaves that are no arrays of numbers. The function raises ValueError for a
    vector of another length, and TypeError for one of another dtype where the leaves' differ."""
    leaves, treedef = tree.flatten(pytree)
    values = list(map(as_value, leaves))
    for x in values:
        if x.dtype == dtypes.key_dtype:
            raise TypeError(
                errors.explain(
                    "ravel_pytree of a tree with random keys",
                    f"a leaf of type {x.aval}",
                    "a vector holds numbers",
                    "random.key_data(key) in its place, and random.wrap_key_data afterwards",
                )
            )
    unravel = Unravel(treedef, tuple((x.shape, x.dtype) for x in values))
    if not values:
        return jnp.zeros(0), unravel
    return jnp.concatenate([jnp.ravel(x).astype(unravel.dtype) for x in values]), unravel


class Unravel:
    """From a vector to a tree. Those of equal trees are equal, so one may be a static argument."""

    def __init__(self, treedef: Any, types: tuple[tuple[tuple[int, ...], np.dtype], ...]):
        self.treedef = treedef
        self.types = types
        found = [dtype for _, dtype in types]
        self.mixed = len(set(found)) > 1
        self.dtype = dtypes.result_type(*found) if found else dtypes.canonicalize_dtype(float)

    def __call__(self, flat: Any) -> Any:
        sizes = [prod(shape) for shape, _ in self.types]
        flat = as_value(flat)
        if self.mixed and flat.dtype != self.dtype:
            raise TypeError(
                errors.explain(
                    "the unravel function of ravel_pytree",
                    f"an argument of type {flat.aval}",
                    f"the leaves' dtypes differ, and what they promote to is {self.dtype.name}",
                    f"unravel(flat.astype({self.dtype.name!r}))",
                )
            )
        if flat.shape != (sum(sizes),):
            raise ValueError(
                errors.explain(
                    "the unravel function of ravel_pytree",
                    f"an argument of type {flat.aval}",
                    f"the tree has {sum(sizes)} numbers",
                    f"a vector of shape ({sum(sizes)},)",
                )
            )
        parts = jnp.split(flat, np.cumsum(sizes)[:-1]) if sizes else []
        return tree.unflatten(
            self.treedef, [self._restored(x, *t) for x, t in zip(parts, self.types, strict=True)]
        )

    def _restored(self, x: Any, shape: tuple[int, ...], dtype: np.dtype) -> Any:
        x = jnp.reshape(x, shape)
        if not self.mixed:
            return x
        if dtypes.kind(x.dtype) == "c" and dtypes.kind(dtype) != "c":
            x = jnp.real(x)
        return x.astype(dtype)

    def __eq__(self, other: object) -> bool:
        return type(other) is Unravel and (self.treedef, self.types) == (other.treedef, other.types)

    def __hash__(self) -> int:
        return hash((self.treedef, self.types))
