"""`debug_key_reuse`: no random key is consumed twice.

Each key, that is each element of an array of keys, has a number, its *cell*. Operations that slice,
stack or choose keys do the same to the numbers, so `keys[0]` taken twice is one key. Where a key
is consumed, its cell is crossed out; a second time is an error that names both lines. To see each
operation, compiled programs and loops are run step by step, which is slow: this is for debugging.

Raw keys, uint32[2], are numbers like others, and not followed. `random.clone` makes a new key.

Read next: `primitives/random_bits.py`.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.array import Array, to_numpy
from scratchfn.core.jaxpr import ClosedJaxpr, eval_jaxpr
from scratchfn.core.source import Source, user_source
from scratchfn.core.steps import in_steps
from scratchfn.core.trace import Primitive

_cells: dict[int, np.ndarray] = {}  # of living arrays of keys, by identity
_consumed: dict[int, Source | None] = {}  # cells, and the line that consumed them
_count = itertools.count()
_MAKING = ("random_wrap", "random_clone")  # operations whose keys are new


def tracked(
    prim: Primitive,
    args: Sequence[Array],
    params: dict[str, Any],
    compute: Callable[..., list[Array]],
) -> list[Array]:
    """The results of an operation, with the keys in it followed. Raises KeyReuseError."""
    outs = in_steps(prim, _run, args, params)
    if outs is not None:
        avals = prim.avals([x.aval for x in args], params)
        return [
            x if x.weak_type == aval.weak_type else Array(x.buffer, aval.weak_type)
            for x, aval in zip(outs, avals, strict=True)
        ]
    if prim.consumes is not None and prim.consumes(params):
        for x in filter(_is_key, args):
            _consume(x)
    outs = compute(prim, args, params)
    if prim.name not in _MAKING and any(map(_is_key, outs)):
        _follow(prim, args, params, outs)
    return outs


def _run(closed: ClosedJaxpr, args: Sequence[Any]) -> list[Any]:
    return eval_jaxpr(closed.jaxpr, closed.consts, *args)


def _is_key(x: Array) -> bool:
    return x.dtype == dtypes.key_dtype


def _cells_of(x: Array) -> np.ndarray:
    """The cells of an array of keys, new ones if it has not been seen before."""
    if id(x) not in _cells:
        numbers = itertools.islice(_count, x.size)
        _remember(x, np.fromiter(numbers, np.int64, x.size).reshape(x.shape))
    return _cells[id(x)]


def _remember(x: Array, cells: np.ndarray) -> None:
    _cells[id(x)] = cells
    weakref.finalize(x, _cells.pop, id(x), None)


def _follow(
    prim: Primitive, args: Sequence[Array], params: dict[str, Any], outs: Sequence[Array]
) -> None:
    """Does to the cells what the operation does to the keys."""
    moved = prim.impl(*[_cells_of(x) if _is_key(x) else to_numpy(x) for x in args], **params)
    for out, cells in zip(outs, moved if prim.many else [moved], strict=True):
        if _is_key(out):
            _remember(out, np.asarray(cells))


def _consume(x: Array) -> None:
    here = user_source()
    for cell in _cells_of(x).ravel().tolist():
        if cell in _consumed:
            raise errors.KeyReuseError(
                errors.explain(
                    "a random key consumed a second time",
                    f"an array of type {x.aval}, consumed at {_consumed[cell]} and again at {here}",
                    "debug_key_reuse is on, and the same key gives the same numbers",
                    "key, subkey = random.split(key) and a subkey for each consumer; or "
                    "random.clone(key), if the same numbers are meant",
                )
            )
        _consumed[cell] = here
