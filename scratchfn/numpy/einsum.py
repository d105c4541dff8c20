"""einsum: products of arrays whose axes have names, summed over the names the result lacks.

    einsum("bhqd,bhkd->bhqk", queries, keys)

Operands are contracted two at a time, in the order that NumPy's `einsum_path` finds cheapest. A
pair of operands is one `dot_general`: names that both have are batch names if they are needed
later and contracted if not; all other names are free.

Read next: `primitives/dot.py`.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.lax.contraction import as_precision
from scratchfn.numpy.arguments import dtype_of, no_out, operands, placed
from scratchfn.numpy.creation import diagonal
from scratchfn.numpy.promotion import operand
from scratchfn.primitives import base
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.dot import dot_general
from scratchfn.primitives.reduction import reduce_or

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Spec(NamedTuple):
    """Names of the axes of each operand and of the result, one letter an axis."""

    inputs: tuple[str, ...]
    output: str


def einsum(
    subscripts: Any, /, *operands_: Any, out: None = None, optimize: Any = "auto",
    precision: Any = None, preferred_element_type: Any = None, out_sharding: Any = None,
) -> Any:  # fmt: skip
    """The sum of products that `subscripts` describe.

    Args:
      subscripts: names of the operands' axes, "ij,jk->ik". Without "->" the result has the names
        that occur once, in alphabetical order. "..." stands for axes that broadcast. Alternatively
        arrays and lists of integer names alternate: `einsum(x, [0, 1], y, [1, 2], [0, 2])`.
      optimize: "auto", "optimal", "greedy", or False for the order in which they are given; or a
        path as `einsum_path` returns it.

    Raises ValueError for names that do not fit the operands, TypeError for sizes that differ.
    """
    no_out("einsum", out)
    text, arrays = _as_text(subscripts, operands_)
    xs = operands("einsum", arrays)
    spec = parse(text, tuple(x.ndim for x in xs))
    _check_sizes(text, spec, xs)
    if preferred_element_type is None:
        dtype, weak = dtypes.result_type(*xs, return_weak_type=True)
    else:
        dtype, weak = dtype_of("einsum", preferred_element_type), False
    precision = as_precision(precision)
    terms = list(zip(xs, spec.inputs))
    for picked in _path(spec, tuple(x.shape for x in xs), optimize):
        pair = [terms[i] for i in sorted(picked)]
        terms = [term for i, term in enumerate(terms) if i not in picked]
        later = set(spec.output).union(*(names for _, names in terms))
        terms.append(_contract(pair, later, spec.output, precision, dtype))
    x, names = _sum_names(*terms[0], set(spec.output), dtype)
    x = base.transpose(x, [names.index(name) for name in spec.output])
    return placed(convert_element_type(x, dtype, weak), out_sharding)


def einsum_path(subscripts: Any, /, *operands_: Any, optimize: Any = "auto") -> tuple[Any, str]:
    """The order of contractions for `einsum`, a list of the operands that each step takes (its
    result goes to the end), and a description of its cost."""
    text, arrays = _as_text(subscripts, operands_)
    shapes = [operand("einsum_path", x).shape for x in arrays]
    path, description = np.einsum_path(text, *map(_hollow, shapes), optimize=_method(optimize))
    return path[1:], description


def _hollow(shape: tuple[int, ...]) -> np.ndarray:
    """An array of the shape that takes no memory."""
    return np.broadcast_to(np.float32(0), shape)


# -- names ----------------------------------------------------------------------------------------


def _as_text(subscripts: Any, rest: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """The subscripts as text, from alternating arrays and lists of integers if they are not."""
    if isinstance(subscripts, str):
        return subscripts, rest
    items = [subscripts, *rest]
    arrays, lists = items[0 : len(items) // 2 * 2 : 2], items[1::2]
    text = ",".join(map(_as_letters, lists))
    return text + (f"->{_as_letters(items[-1])}" if len(items) % 2 else ""), arrays


def _as_letters(names: Sequence[Any]) -> str:
    return "".join("..." if name is Ellipsis else _LETTERS[name] for name in names)


@functools.lru_cache(maxsize=4096)
def parse(text: str, ndims: tuple[int, ...]) -> Spec:
    """Names for every axis: "..." spelled out, the result's names found if they are not given."""
    left, arrow, right = text.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        raise _wrong(text, f"{len(ndims)} operands for {len(terms)} terms", "one term each")
    hidden = [n - len(term.replace("...", "")) for term, n in zip(terms, ndims)]
    for i, (term, missing) in enumerate(zip(terms, hidden)):
        if missing < 0 or (missing and "..." not in term):
            raise _wrong(text, f"{term!r} for an array of {ndims[i]} axes", "one letter an axis")
    names = _check_letters(text, (*terms, right))
    free = [letter for letter in _LETTERS if letter not in names]
    count = max((n for term, n in zip(terms, hidden) if "..." in term), default=0)
    dots = "".join(free[:count])
    inputs = tuple(term.replace("...", dots[count - n :]) for term, n in zip(terms, hidden))
    if arrow:
        output = right.replace("...", dots)
    else:
        letters = Counter("".join(terms).replace(".", ""))
        output = dots + "".join(sorted(name for name, n in letters.items() if n == 1))
    if len(set(output)) != len(output) or not set(output) <= set("".join(inputs)):
        raise _wrong(text, f"a result {right!r}", "it names each axis once, and only known ones")
    return Spec(inputs, output)


def _check_letters(text: str, terms: Sequence[str]) -> set[str]:
    names = set("".join(term.replace("...", "", 1) for term in terms))
    if not names <= set(_LETTERS):
        raise _wrong(text, f"{''.join(sorted(names - set(_LETTERS)))!r}", "axes have letters")
    return names


def _wrong(text: str, found: str, why: str) -> Exception:
    return ValueError(
        errors.explain(
            f"jnp.einsum({text!r}, ...)", found, why, 'jnp.einsum("...ij,...jk->...ik", x, y)'
        )
    )


def _check_sizes(text: str, spec: Spec, xs: Sequence[Any]) -> None:
    sizes: dict[str, int] = {}
    for names, x in zip(spec.inputs, xs):
        for name, size in zip(names, x.shape):
            if size != 1 and sizes.setdefault(name, size) != size:
                raise ValueError(
                    errors.explain(
                        f"jnp.einsum({text!r}) of {' and '.join(str(x.aval) for x in xs)}",
                        f"axis {name!r} of sizes {sizes[name]} and {size}",
                        "axes of one name are paired element by element",
                        "another letter for an axis that is not the same",
                    )
                )


# -- the order ------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=4096)
def _auto_path(spec: Spec, shapes: tuple[tuple[int, ...], ...], method: Any) -> tuple[Any, ...]:
    text = f"{','.join(spec.inputs)}->{spec.output}"
    path = np.einsum_path(text, *map(_hollow, shapes), optimize=method)[0][1:]
    return _in_pairs(path, len(shapes))


def _path(spec: Spec, shapes: tuple[tuple[int, ...], ...], optimize: Any) -> Sequence[Any]:
    """Which operands each step takes: one or two of those that are left."""
    if len(shapes) <= 2:
        return [tuple(range(len(shapes)))]
    if isinstance(optimize, (list, tuple)):
        steps = [step for step in optimize if not isinstance(step, str)]
        return _in_pairs(steps, len(shapes))
    if optimize is False:
        return [(0, 1)] * (len(shapes) - 1)
    return _auto_path(spec, shapes, _method(optimize))


def _method(optimize: Any) -> Any:
    if optimize is True:
        return "optimal"
    return "greedy" if optimize == "auto" else optimize


def _in_pairs(path: Sequence[Any], count: int) -> tuple[Any, ...]:
    """A path in which no step takes more than two operands."""
    steps: list[Any] = []
    for step in path:
        picked = sorted(step)
        while len(picked) > 2:  # the result of a pair goes to the end
            first, second = picked[:2]
            steps.append((first, second))
            count -= 1
            picked = [i - 2 for i in picked[2:]] + [count - 1]
        steps.append(tuple(picked))
        count -= len(picked) - 1
    return tuple(steps)


# -- one contraction ------------------------------------------------------------------------------


def _contract(
    terms: list[tuple[Any, str]], later: set[str], output: str, precision: Any, dtype: np.dtype
) -> tuple[Any, str]:
    """One or two operands contracted: the result, and the names of its axes."""
    if len(terms) == 1:
        return _sum_names(*terms[0], later, dtype)
    (x, x_names), (y, y_names) = terms
    x, x_names = _drop_broadcast(x, x_names, y, y_names)
    y, y_names = _drop_broadcast(y, y_names, x, x_names)
    x, x_names = _sum_names(x, x_names, later | set(y_names), dtype)
    y, y_names = _sum_names(y, y_names, later | set(x_names), dtype)
    shared = [name for name in x_names if name in y_names]
    batch = [name for name in output if name in shared and name in later]
    batch += [name for name in shared if name in later and name not in batch]
    summed = [name for name in shared if name not in later]
    x_free = [name for name in x_names if name not in shared]
    y_free = [name for name in y_names if name not in shared]
    if [*batch, *y_free, *x_free] == [n for n in output if n in {*batch, *x_free, *y_free}]:
        x, y, x_names, y_names, x_free, y_free = y, x, y_names, x_names, y_free, x_free
    contracting, kept = (
        (tuple(map(x_names.index, names)), tuple(map(y_names.index, names)))
        for names in (summed, batch)
    )
    out = dot_general(x, y, (contracting, kept), precision, dtype)
    return out, "".join([*batch, *x_free, *y_free])


def _drop_broadcast(x: Any, names: str, y: Any, y_names: str) -> tuple[Any, str]:
    """`x` without its axes of size 1 that the other operand has at full size."""
    single = [
        i for i, name in enumerate(names)
        if x.shape[i] == 1 and name in y_names and y.shape[y_names.index(name)] != 1
    ]  # fmt: skip
    if not single:
        return x, names
    return base.squeeze(x, single), "".join(n for i, n in enumerate(names) if i not in single)


def _sum_names(x: Any, names: str, kept: set[str], dtype: np.dtype) -> tuple[Any, str]:
    """One operand: diagonals along names that occur twice, sums over names that are not kept."""
    for name, count in Counter(names).items():
        for _ in range(count - 1):
            first = names.index(name)
            second = names.index(name, first + 1)
            x = diagonal(x, 0, first, second)
            names = names[:first] + names[first + 1 : second] + names[second + 1 :] + name
    summed = [i for i, name in enumerate(names) if name not in kept]
    if not summed:
        return x, names
    x = convert_element_type(x, dtypes.promote_types(x.dtype, dtype))
    x = (reduce_or if x.dtype == dtypes.bool_ else base.reduce_sum)(x, summed)
    return x, "".join(name for name in names if name in kept)
