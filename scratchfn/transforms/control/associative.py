"""associative_scan: running combinations of any associative function, in log2(n) rounds.

Neighbours are combined pair by pair, the halved sequence is scanned in the same way, which gives
the results at odd places; one more combination with the elements gives those at even places.

Reference: G. Blelloch, Prefix Sums and Their Applications, 1990. JAX combines in the same order, so
sums of floats are equal to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratchfn import errors, tree
from scratchfn.core.array import Array
from scratchfn.primitives.arithmetic import add_p
from scratchfn.primitives.joining import concatenate
from scratchfn.primitives.logic import or_p
from scratchfn.primitives.structural import pad, rev, slice_
from scratchfn.transforms.control.bodies import require_function
from scratchfn.transforms.flat import flatten_values, name_of
from scratchfn.tree.keys import keystr


def associative_scan(
    fn: Callable[..., Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """The running combinations of `elems` along `axis`: element i of the result combines elements
    0 to i, by `fn(a, b)`, which must be associative.

    Args:
      fn: combines two trees like elems, of slices of any equal length along `axis`, elementwise.
      elems: a tree of arrays of one size along `axis`.
      reverse: from the last element to the first.

    Raises:
      ValueError: sizes along `axis` that differ, or an axis that an array does not have.
    """
    require_function("lax.associative_scan", "fn", fn)
    asked = f"lax.associative_scan of {name_of(fn)}"
    values, structure = flatten_values(elems, f"{asked}: elems")
    _require_one_size(asked, elems, values, axis)
    if not values or values[0].shape[axis] == 0:
        return elems
    axis = axis % values[0].ndim

    def combine(xs: Sequence[Any], ys: Sequence[Any]) -> list[Any]:
        out = fn(tree.unflatten(structure, xs), tree.unflatten(structure, ys))
        outs, found = flatten_values(out, f"{asked}: its result")
        if found != structure:
            raise ValueError(
                errors.explain(
                    asked, f"a result of structure {found}",
                    f"it combines two trees of structure {structure} into another",
                    "return a tree like one of the arguments",
                )
            )  # fmt: skip
        return outs

    xs = [rev(x, (axis,)) for x in values] if reverse else values
    outs = _scan(combine, xs, axis)
    return tree.unflatten(structure, [rev(x, (axis,)) for x in outs] if reverse else outs)


def _scan(combine: Callable[..., list[Any]], xs: list[Any], axis: int) -> list[Any]:
    size = xs[0].shape[axis]
    if size < 2:
        return xs
    pairs = combine(
        [_every_other(x, axis, 0, size - 1) for x in xs],
        [_every_other(x, axis, 1, size) for x in xs],
    )
    odd = _scan(combine, pairs, axis)  # of elements 0 to 1, 0 to 3, ...
    before = [_slice(x, axis, 0, x.shape[axis] - 1) for x in odd] if size % 2 == 0 else odd
    even = combine(before, [_every_other(x, axis, 2, size) for x in xs])
    even = [concatenate([_slice(x, axis, 0, 1), y], axis) for x, y in zip(xs, even, strict=True)]
    return [_interleaved(a, b, axis) for a, b in zip(even, odd, strict=True)]


def _slice(x: Any, axis: int, start: int, stop: int, step: int = 1) -> Any:
    starts, stops, steps = [0] * x.ndim, list(x.shape), [1] * x.ndim
    starts[axis], stops[axis], steps[axis] = start, stop, step
    return slice_(x, starts, stops, steps)


def _every_other(x: Any, axis: int, start: int, stop: int) -> Any:
    return _slice(x, axis, min(start, stop), stop, 2)


def _interleaved(even: Any, odd: Any, axis: int) -> Any:
    """Elements in turn from two arrays, of which the first is as long or longer by one."""
    zero = Array(np.zeros((), even.dtype))
    longer = even.shape[axis] > odd.shape[axis]
    join = or_p if even.dtype == np.dtype(bool) else add_p
    config = [(0, 0, 0)] * even.ndim
    config[axis] = (0, 0 if longer else 1, 1)
    spread = pad(even, zero, config)
    config[axis] = (1, 1 if longer else 0, 1)
    return join.bind(spread, pad(odd, zero, config))


def _require_one_size(asked: str, elems: Any, values: list[Any], axis: int) -> None:
    found = []
    for (path, _), x in zip(tree.leaves_with_path(elems), values, strict=True):
        if not -x.ndim <= axis < x.ndim:
            raise ValueError(
                errors.explain(
                    f"{asked} along axis {axis}", f"elems{keystr(path)} of type {x.aval}",
                    f"axis {axis} is out of bounds for array of dimension {x.ndim}", "axis=0",
                )
            )  # fmt: skip
        found.append(f"elems{keystr(path)}: {x.aval} has size {x.shape[axis]} along axis {axis}")
    if len({x.shape[axis] for x in values}) > 1:
        why = "they are combined element by element, so all must have one size"
        write = "elems cut to the shortest: tree.map(lambda x: x[:n], elems)"
        raise ValueError(errors.explain(asked, "\n         ".join(found), why, write))
