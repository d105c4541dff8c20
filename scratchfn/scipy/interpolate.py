"""`jax.scipy.interpolate`: functions between the points of a grid.

Read next: `numpy/calculus.py`, whose `interp` is for one axis.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from scratchfn import errors, tree_util
from scratchfn.numpy.bisection import count_before
from scratchfn.numpy.comparison import choose, greater, less, less_equal, logical_or
from scratchfn.numpy.conversion import asarray
from scratchfn.numpy.joining import stack
from scratchfn.numpy.manipulation import broadcast_arrays
from scratchfn.numpy.promotion import operand, promote_dtypes_inexact
from scratchfn.numpy.scalars import can_cast
from scratchfn.numpy.ufuncs import add, clip, divide, multiply, subtract
from scratchfn.primitives.base import expand_dims, reshape

__all__ = ["RegularGridInterpolator"]

METHODS = ("linear", "nearest")


@tree_util.register_pytree_node_class
class RegularGridInterpolator:
    """The function through given values on a grid: called with points, it returns its values there.

    Args:
      points: for each axis of the grid its places, a rising vector.
      values: [*sizes of the axes, ...].
      method: "linear" between the points of the grid, or "nearest".
      bounds_error: JAX's, which must be False: points are not looked at.
      fill_value: the value outside the grid; None to continue the function.

    Raises ValueError for another method, and for values that do not belong to the grid.
    """

    def __init__(
        self, points: Any, values: Any, method: str = "linear", bounds_error: bool = False,
        fill_value: Any = np.nan,
    ):  # fmt: skip
        name = "scipy.interpolate.RegularGridInterpolator"
        if bounds_error:
            why, write = "no program looks at its values to raise an error", "fill_value=nan"
            raise NotImplementedError(errors.explain(name, "bounds_error=True", why, write))
        _check_method(method)
        (self.values,) = promote_dtypes_inexact(operand(name, values, 1))
        self.grid = tuple(promote_dtypes_inexact(*(operand(name, p) for p in points)))
        sizes = tuple(axis.size for axis in self.grid)
        if self.values.shape[: len(sizes)] != sizes or any(axis.ndim != 1 for axis in self.grid):
            why = f"there is a value for each point of the grid, of sizes {sizes}"
            found = f"values of type {self.values.aval}"
            raise ValueError(errors.explain(name, found, why, "values of shape (len(x), len(y))"))
        if fill_value is not None:
            fill_value = asarray(fill_value)
            if not can_cast(fill_value.dtype, self.values.dtype, casting="same_kind"):
                why = f"values are of type {self.values.aval}"
                found = f"fill_value of type {fill_value.aval}"
                raise ValueError(errors.explain(name, found, why, "fill_value=0.0"))
        self.fill_value = fill_value
        self.method = method
        self.bounds_error = bounds_error

    def tree_flatten(self) -> tuple[Any, Any]:
        return (self.grid, self.values, self.fill_value), (self.method, self.bounds_error)

    @classmethod
    def tree_unflatten(cls, static: Any, children: Any) -> RegularGridInterpolator:
        made = object.__new__(cls)
        made.grid, made.values, made.fill_value = children
        made.method, made.bounds_error = static
        return made

    def __call__(self, xi: Any, method: str | None = None) -> Any:
        """The values at points `xi` [..., d], or a tuple of d arrays, of shape [..., *rest]."""
        method = self.method if method is None else _check_method(method)
        d = len(self.grid)
        if isinstance(xi, tuple):
            xi = stack(broadcast_arrays(*(asarray(x) for x in xi)), -1)
        xi = asarray(xi)
        if xi.ndim == 1:
            xi = expand_dims(xi, [1] if d == 1 else [0])
        if xi.shape[-1] != d:
            why, write = f"the grid has {d} axes", f"points of shape (n, {d})"
            found = f"points of type {xi.aval}"
            raise ValueError(errors.explain("RegularGridInterpolator", found, why, write))
        x = reshape(xi, (xi.size // d, d))
        out = self._evaluate([x[:, i] for i in range(d)], method)
        return reshape(out, (*xi.shape[:-1], *self.values.shape[d:]))

    def _evaluate(self, xs: list[Any], method: str) -> Any:
        sides, outside = [], None
        for x, axis in zip(xs, self.grid):
            i = clip(subtract(count_before(axis, x, "left"), 1), 0, axis.size - 2)
            start, end = axis[i], axis[i + 1]
            t = divide(subtract(x, start), subtract(end, start))
            if method == "nearest":
                sides.append([(choose(less_equal(t, 0.5), i, i + 1), None)])
            else:
                sides.append([(i, subtract(1, t)), (i + 1, t)])
            beyond = logical_or(less(x, axis[0]), greater(x, axis[-1]))
            outside = beyond if outside is None else logical_or(outside, beyond)
        rest = range(1, self.values.ndim - len(xs) + 1)
        total: Any = None
        for corner in itertools.product(*sides):
            value = self.values[tuple(i for i, _ in corner)]
            for _, weight in corner:
                value = value if weight is None else multiply(value, expand_dims(weight, rest))
            total = value if total is None else add(total, value)
        if self.fill_value is None:
            return total
        return choose(expand_dims(outside, rest), self.fill_value, total)


def _check_method(method: str) -> str:
    if method in METHODS:
        return method
    why, write = f"the methods are {' and '.join(METHODS)}", 'method="linear"'
    asked = "RegularGridInterpolator"
    raise ValueError(errors.explain(asked, f"method={method!r}", why, write))
