"""Loops and branches as Python source: a `for`, a `while` or an `if` around the lines of a program.

    def scan_loop(a, b):
        c = np.empty((5, 3), np.float32)
        for d, e in zip(range(5), b):
            f = np.tanh(e)
            g = np.add(a, f)
            c[d] = f
            a = g
        return (a, c)

The variables of the carry are assigned anew at each step, and a y is written to its row at once, so
a step costs what its operations cost.

Read next: `backends/jax.py`, the other backend.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from scratchfn.backends.numpy.compiler import NumpyProgram, load
from scratchfn.backends.numpy.emit import Writer
from scratchfn.backends.numpy.scalars import is_number
from scratchfn.backends.numpy.simplify import simplify
from scratchfn.core.avals import ShapedArray
from scratchfn.core.jaxpr import ClosedJaxpr, Var, weak_cache
from scratchfn.core.template import in_tuple, kernel, show_param

_INDEX = ShapedArray((), np.dtype("int32"))


@kernel
def key_rows(keys: np.ndarray) -> Any:
    """The elements of a vector of keys, as arrays: operations take keys apart."""
    return (keys[i, ...] for i in range(len(keys)))


@kernel
def of_going(going: np.ndarray, new: np.ndarray, old: np.ndarray) -> np.ndarray:
    """The new values of the examples that go on, whose axes are the leading ones; the old values of
    the others."""
    if going.all():
        return new
    return np.where(going.reshape(going.shape + (1,) * (new.ndim - going.ndim)), new, old)


class _Source:
    """A function that is being written around programs."""

    def __init__(self, name: str, count: int):
        self.writer = Writer(name)
        self.arguments = [self.fresh() for _ in range(count)]

    def take_out(self, names: Sequence[str], avals: Sequence[ShapedArray]) -> None:
        """Makes scalars of arrays of rank 0: the steps of a loop compute faster with them."""
        numbers = [n for n, aval in zip(names, avals, strict=True) if is_number(aval)]
        if numbers:
            self.line(f"{', '.join(numbers)} = {', '.join(f'{n}[()]' for n in numbers)}")

    def fresh(self) -> str:
        """A name that nothing else has."""
        return self.writer.variable(Var(_INDEX))

    def line(self, text: str, depth: int = 1) -> None:
        self.writer.lines.append("    " * depth + text)

    def program(self, closed: ClosedJaxpr, names: Sequence[str], depth: int) -> list[str]:
        """Writes the lines of a program at a depth; the names of its results."""
        self.writer.indent = "    " * depth
        return self.writer.program(closed, names)

    def assign(self, names: Sequence[str], values: Sequence[str], depth: int) -> None:
        """All at once, where a name does not keep its value."""
        changed = [(n, v) for n, v in zip(names, values, strict=True) if n != v]
        if changed:
            left, right = zip(*changed, strict=True)
            self.line(f"{', '.join(left)} = {', '.join(right)}", depth)

    def load(self, owner: ClosedJaxpr, optimized: ClosedJaxpr, results: Any) -> NumpyProgram:
        source = self.writer.function(self.arguments, results)
        return load(owner, optimized, source, self.writer)


@weak_cache
def compile_scan(
    body: ClosedJaxpr, length: int, reverse: bool, num_consts: int, num_carry: int
) -> NumpyProgram:
    """A function of (consts, carry, xs) that returns (carry, ys); its programs are those of `scan`
    in transforms/control."""
    step = simplify(body)
    first_x = num_consts + num_carry
    out = _Source("scan_loop", len(step.in_avals))
    consts, carry, xs = _cut(out.arguments, num_consts, first_x)
    out.take_out([*consts, *carry], step.in_avals[:first_x])
    ys = [out.fresh() for _ in step.out_avals[num_carry:]]
    for y, aval in zip(ys, step.out_avals[num_carry:], strict=True):
        dtype = show_param(aval.dtype, "dtype", out.writer.constant)
        out.line(f"{y} = np.empty({(length, *aval.shape)}, {dtype})")
    index, rows = out.fresh(), [out.fresh() for _ in xs]
    out.line(_for(index, rows, _rows(xs, step.in_avals[first_x:], reverse), length, reverse,
                  bool(ys)))  # fmt: skip
    results = out.program(step, [*consts, *carry, *rows], 2)
    for y, result in zip(ys, results[num_carry:], strict=True):
        out.line(f"{y}[{index}] = {result}", 2)
    out.assign(carry, results[:num_carry], 2)
    if not out.writer.lines[-1].startswith(" " * 8):
        out.line("pass", 2)
    return out.load(body, step, [*carry, *ys])


def _cut(names: list[str], *places: int) -> list[list[str]]:
    ends = [0, *places, len(names)]
    return [names[a:b] for a, b in itertools.pairwise(ends)]


def _rows(xs: Sequence[str], avals: Sequence[ShapedArray], reverse: bool) -> list[str]:
    """What to go through for the rows of the arrays. Those of a vector are NumPy's scalars, which
    are computed with faster than arrays of rank 0."""
    ordered = [f"{x}[::-1]" if reverse else x for x in xs]
    return [
        f"key_rows({x})" if aval.dtype.names and not aval.shape else x
        for x, aval in zip(ordered, avals, strict=True)
    ]


def _for(
    index: str, rows: list[str], iterables: list[str], length: int, reverse: bool, counted: bool
) -> str:
    """The head of the loop over rows and, where ys are written, their places."""
    places = f"range({length - 1}, -1, -1)" if reverse else f"range({length})"
    if not rows:
        return f"for {index} in {places}:"
    row = rows[0] if len(rows) == 1 else f"({', '.join(rows)})"
    zipped = iterables[0] if len(rows) == 1 else f"zip({', '.join(iterables)})"
    if not counted:
        return f"for {row} in {zipped}:"
    return f"for {index}, {row} in zip({places}, {zipped}):"


@weak_cache
def compile_while(
    body: ClosedJaxpr, cond: ClosedJaxpr, body_nconsts: int, cond_nconsts: int
) -> NumpyProgram:
    """A function of (cond consts, body consts, carry) that returns the carry. A condition with axes
    is one for each example of a batch."""
    step, test = simplify(body), simplify(cond)
    num_carry = len(step.out_avals)
    out = _Source("while_loop", cond_nconsts + body_nconsts + num_carry)
    cond_consts, body_consts, carry = _cut(out.arguments, cond_nconsts, cond_nconsts + body_nconsts)
    avals = [*test.in_avals[:cond_nconsts], *step.in_avals]
    out.take_out([*cond_consts, *body_consts, *carry], avals)
    out.line("while True:")
    (going,) = out.program(test, [*cond_consts, *carry], 2)
    batched = bool(test.out_avals[0].shape)
    out.line(f"if not {going}{'.any()' if batched else ''}:", 2)
    out.line("break", 3)
    results = out.program(step, [*body_consts, *carry], 2)
    if batched:
        results = [
            c if x == c else f"of_going({going}, {x}, {c})"
            for x, c in zip(results, carry, strict=True)
        ]
    out.assign(carry, results, 2)
    return out.load(body, step, carry)


@weak_cache
def compile_cond(first: ClosedJaxpr, others: tuple[ClosedJaxpr, ...]) -> NumpyProgram:
    """A function of (index, operands) that returns the results of the branch that the index names;
    one out of range takes the nearest."""
    branches = [simplify(branch) for branch in (first, *others)]
    out = _Source("cond_branches", 1 + len(first.in_avals))
    index, *operands = out.arguments
    for i, branch in enumerate(branches[:-1]):
        out.line(f"if {index} <= {i}:")
        results = out.program(branch, operands, 2)
        out.line(f"return {in_tuple(results)}", 2)
    return out.load(first, branches[0], out.program(branches[-1], operands, 1))
