"""What the tests of indices share: names, the tables' format, and random indices.

An expression is Python text over `names`, evaluated in both libraries.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

import scratchfn.numpy as jnp
from tests.numpy.agree import numbers

X = numbers(3, 4, 5)


def names(jnp: Any) -> dict[str, Any]:
    """What expressions may mention."""
    return {
        "jnp": jnp,
        "np": np,
        "x": jnp.asarray(X),
        "z": jnp.asarray(numbers(3, 4, dtype="int32")),
        "s": jnp.asarray(np.float32(2.5)),
        "e": jnp.asarray(np.zeros((0, 3), np.float32)),
        "weak": jnp.asarray(2.0)[None][np.array([0, 0, 0])],
        "long": jnp.asarray(numbers(300)),
        "i": jnp.asarray(np.int32(1)),
        "a": jnp.asarray(np.array([0, 2, 1], np.int32)),
        "b": jnp.asarray(np.array([[1], [-1]], np.int32)),
        "u": jnp.asarray(np.array([2, 0], np.uint8)),
        "h": jnp.asarray(np.array([-1, 1], np.int8)),
        "n": np.array([1, 0, 2, 2]),
        "m": np.arange(3) % 2 == 0,
        "mm": np.arange(12).reshape(3, 4) % 5 < 2,
        "jm": jnp.asarray(np.arange(4) % 2 == 1),
        "t": jnp.asarray(True),
    }


def text(expression: str) -> Callable[[Any], Any]:
    return lambda jnp: eval(expression, names(jnp))


def split(table: str) -> list[str]:
    """The entries of a table: they end at a semicolon or with the line."""
    return [entry.strip() for entry in re.split(r"[;\n]", table) if entry.strip()]


def said(index: Callable[[Any], Any], x: Any = X) -> str:
    with pytest.raises(Exception) as caught:
        index(jnp.asarray(x))
    return str(caught.value)


@st.composite
def indexed(draw: Any) -> tuple[np.ndarray, tuple[Any, ...]]:
    """An array, and an index that fits it: any mixture of parts, all inside."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    block = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
    parts: list[Any] = []
    for size in shape[: draw(st.integers(0, len(shape)))]:
        while draw(st.integers(0, 5)) == 0:
            parts.append(None)
        kind = draw(st.sampled_from(["int", "slice", "slice", "array", "mask"]))
        if kind == "int":
            parts.append(draw(st.integers(-size, size - 1)))
        elif kind == "slice":
            bound = st.none() | st.integers(-size - 1, size + 1)
            parts.append(
                slice(draw(bound), draw(bound), draw(st.sampled_from([None, 1, 2, -1, -2])))
            )
        elif kind == "array":
            broadcast = tuple(draw(st.sampled_from([1, n])) for n in block)
            rng = np.random.default_rng(draw(st.integers(0, 99)))
            parts.append(rng.integers(-size, size, broadcast[draw(st.integers(0, len(block))) :]))
        else:  # as many places as broadcast with the arrays
            mask = np.zeros(size, bool)
            mask[draw(st.integers(0, size - 1))] = True
            parts.append(mask)
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), ...)
        parts += draw(st.lists(st.none(), max_size=1))
    if draw(st.integers(0, 4)) == 0:
        parts.insert(draw(st.integers(0, len(parts))), True)
    return numbers(*shape), tuple(_fit(shape, parts))


def _fit(shape: tuple[int, ...], parts: list[Any]) -> list[Any]:
    """The parts after an ellipsis index other axes than they were drawn for: those that would not
    fit become slices."""
    if not any(part is ... for part in parts):
        return parts
    first = 1 + next(place for place, part in enumerate(parts) if part is ...)
    behind = sum(part is not None and part is not True for part in parts[first:])
    axis = len(shape) - behind
    for place in range(first, len(parts)):
        part = parts[place]
        if part is None or part is True:
            continue
        size, axis = shape[axis], axis + 1
        if isinstance(part, np.ndarray):
            parts[place] = np.resize(part, size) if part.dtype == bool else part % size
        elif isinstance(part, int):
            parts[place] = part % size
    return parts
