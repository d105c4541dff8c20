"""Objects that are indexed to make arrays: jnp.mgrid[0:3, 0:1:5j], jnp.r_[1:4, 0, x].

A slice start:stop:step stands for `arange`; with an imaginary step of n, for `linspace` with n
points.

Read next: `numpy/ranges.py`.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.numpy.conversion import array
from scratchfn.numpy.joining import concatenate, stack
from scratchfn.numpy.promotion import promote_dtypes
from scratchfn.numpy.ranges import arange, linspace, meshgrid
from scratchfn.primitives import base


def _points(part: slice) -> Any:
    start = part.start or 0
    if isinstance(part.step, complex):
        return linspace(start, part.stop, int(abs(part.step)))
    return arange(start, part.stop, part.step)


class Grid:
    """`mgrid` and `ogrid`: the coordinates of a grid, whose axes are given by slices."""

    def __init__(self, name: str, sparse: bool):
        self.name = name
        self.sparse = sparse

    def __getitem__(self, key: slice | tuple[slice, ...]) -> Any:
        if isinstance(key, slice):
            return _points(key)
        if not isinstance(key, tuple) or not all(isinstance(part, slice) for part in key):
            raise TypeError(
                errors.explain(
                    f"jnp.{self.name}[{key}]", f"an index of type {type(key).__name__}",
                    "each axis is given by a slice", f"jnp.{self.name}[0:3, 0:1:5j]",
                )
            )  # fmt: skip
        axes = promote_dtypes(*map(_points, key)) if key else []
        grids = meshgrid(*axes, indexing="ij", sparse=self.sparse)
        if self.sparse:
            return grids
        return stack(grids) if grids else array([], int)

    def __repr__(self) -> str:
        return f"jnp.{self.name}"


class Joiner:
    """`r_` and `c_`: arrays, numbers and slices, joined along an axis.

    A string in front says how: "axis,ndmin,place" has each part get `ndmin` axes, its own from
    `place` on (-1 for the last), before they are joined along `axis`. For r_, "r" and "c" make a
    row and a column.
    """

    def __init__(self, name: str, axis: int, ndmin: int, place: int, doc: str):
        self.name = name
        self.how = axis, ndmin, place
        self.__doc__ = doc

    def __getitem__(self, key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        if not parts:
            raise IndexError(self._explain("nothing", "there is at least one part to join"))
        (axis, ndmin, place), column = self.how, False
        if isinstance(parts[0], str):
            directive, parts = parts[0], parts[1:]
            if directive in ("r", "c"):
                axis, ndmin, column = 0, 2, directive == "c"
                parts = tuple(self._column(part) if column else part for part in parts)
            else:
                axis, ndmin, place = self._parse(directive)
        return concatenate([_part(part, ndmin, place) for part in parts], axis)

    def _column(self, part: Any) -> Any:
        x = _part(part, 1, -1)
        return base.expand_dims(x, [1]) if x.ndim == 1 else x

    def _parse(self, directive: str) -> tuple[int, int, int]:
        given = directive.split(",")
        try:
            numbers = [operator.index(int(each)) for each in given]
        except ValueError:
            why = "it is 'axis', 'axis,ndmin' or 'axis,ndmin,place', or for r_ 'r' or 'c'"
            raise ValueError(self._explain(f"the directive {directive!r}", why)) from None
        axis, ndmin, place = (*numbers[:3], *self.how[len(numbers) :])
        return axis, ndmin, place

    def _explain(self, found: str, why: str) -> str:
        return errors.explain(f"jnp.{self.name}[...]", found, why, f"jnp.{self.name}[1:4, 0, x]")

    def __repr__(self) -> str:
        return f"jnp.{self.name}"


def _part(part: Any, ndmin: int, place: int) -> Any:
    """A slice, a number or an array, with at least `ndmin` axes, its own from `place` on."""
    x = _points(part) if isinstance(part, slice) else array(part)
    ndmin = max(ndmin, 1)
    added = ndmin - x.ndim
    if added <= 0:
        return x
    first = added + place + 1 if place < 0 else place
    first = min(max(first, 0), added)
    own = range(first, first + x.ndim)
    return base.expand_dims(x, [axis for axis in range(ndmin) if axis not in own])


mgrid = Grid("mgrid", sparse=False)
"""mgrid[0:2, 0:3]: the coordinates of a grid, an array of shape (2, 2, 3)."""
ogrid = Grid("ogrid", sparse=True)
"""ogrid[0:2, 0:3]: the same, as a list of arrays of shapes (2, 1) and (1, 3)."""
r_ = Joiner("r_", 0, 1, -1, "r_[1:4, 0, x]: parts joined along the first axis.")
c_ = Joiner("c_", -1, 2, 0, "c_[x, y]: vectors joined as the columns of a matrix.")
s_ = np.s_
"""s_[1:3, ...]: the index itself, to be used later."""
index_exp = np.index_exp
"""`s_`, as a tuple always."""
