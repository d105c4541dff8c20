"""Vectors that a program cuts into its results, and that it gets back part by part.

    m = lanes.join(a, b)        # the vector that a and b were cut from, or a new one
    n = ...
    c, d = lanes.split(n, 0)

A training step returns what it is called with next. So the vectors of the last call are kept until
the next one, and where its arguments are those very parts, all of them and in order, the vector is
there already. Nobody writes to arrays that have left a program: it is as it was.

Read next: `memory.py`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from operator import is_
from typing import Any

import numpy as np

from scratchfn.core.trace import Primitive


class Lanes:
    """Arrays of these shapes, side by side in a vector."""

    def __init__(self, shapes: Sequence[tuple[int, ...]]):
        ends = itertools.accumulate(map(math.prod, shapes), initial=0)
        self.cuts = [slice(start, end) for start, end in itertools.pairwise(ends)]
        self.shaped = [(i, shape) for i, shape in enumerate(shapes) if len(shape) != 1]
        # For each place where the program cuts a vector, the last one with its parts. An entry is
        # replaced as a whole: calls on several threads see one or the other.
        self.recent: list[tuple[np.ndarray, list[np.ndarray]] | None] = []

    def __repr__(self) -> str:
        return f"Lanes({len(self.cuts)})"

    def join(self, *arrays: np.ndarray) -> np.ndarray:
        """The vector of these arrays; nobody may write to it."""
        for recent in self.recent:
            if recent is not None and recent[1][0] is arrays[0]:
                whole, parts = recent
                if all(map(is_, parts, arrays)):
                    return whole
        return np.concatenate(arrays, None)

    def split(self, whole: np.ndarray, place: int) -> list[np.ndarray]:
        """Views of the parts of a vector."""
        parts = [whole[cut] for cut in self.cuts]
        for i, shape in self.shaped:
            parts[i] = parts[i].reshape(shape)
        self.recent[place] = whole, parts
        return parts

    def place(self) -> int:
        """Another place where the program cuts a vector."""
        self.recent.append(None)
        return len(self.recent) - 1


def _join_source(
    names: Sequence[str], avals: Any, params: dict[str, Any], constant: Callable[[Any, str], str]
) -> str:
    return f"{constant(params['lanes'], 'lanes')}.join({', '.join(names)})"


def _split_source(
    names: Sequence[str], avals: Any, params: dict[str, Any], constant: Callable[[Any, str], str]
) -> str:
    return f"{constant(params['lanes'], 'lanes')}.split({names[0]}, {params['place']})"


join_lanes_p = Primitive(
    "join_lanes", source=_join_source, impl=lambda *arrays, lanes: lanes.join(*arrays)
)
split_lanes_p = Primitive(
    "split_lanes",
    many=True,
    source=_split_source,
    impl=lambda whole, *, lanes, place: lanes.split(whole, place),
)
