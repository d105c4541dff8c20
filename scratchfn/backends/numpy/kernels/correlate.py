"""Correlations: every convolution once groups and holes are taken out, as products of matrices.

    out[n, f, p] = sum over c, k of  x[n, c, stride * p + dilation * k - low] w[f, c, k]

The patches x[n, c, stride * p + dilation * k - low] are gathered to a matrix, [n p, c k] or its
transpose, whichever copies longer runs of memory, and BLAS multiplies it by w. That is done in
pieces whose patches stay in the cache, cut along the axis that is outermost in x's memory: where it
is c or k, the products add up. Large correlations are divided among threads along the same axis.

Read next: `conv.py`, where convolutions become correlations.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from scratchfn.backends.numpy.blas import one_thread
from scratchfn.backends.numpy.pool import in_parallel, usable_threads

from .dot import BLAS, product
from .scratch import scratch
from .strided import Shape, merges, outer_first, runs, strided

PATCHES = 1 << 20  # bytes of patches to gather before each product
DIVIDED = 1 << 22  # multiply-adds from which a correlation is divided among threads
# OpenBLAS multiplies matrices of no more multiply-adds than this without copying them first. What
# is larger is cut into such, unless the parts are so thin that more is lost.
SMALL = 10**6
THIN_ROWS, THIN_TERMS = 48, 96


class Correlation(NamedTuple):
    """A correlation to compute, or a part of one. Its axes are numbered as those of the patches:
    n, the places p, c, the taps k."""

    x: np.ndarray  # [n, c, *s]
    w: np.ndarray  # [f, c, *k]
    out: np.ndarray  # [n, f, *p]
    strides: Shape
    dilations: Shape
    low: Shape  # padding below; above it follows from the sizes

    @property
    def shape(self) -> Shape:
        """Of the patches."""
        return (self.x.shape[0], *self.out.shape[2:], *self.w.shape[1:])

    @property
    def sums(self) -> int:
        """The first axis that is summed over."""
        return self.out.ndim - 1

    @property
    def kind(self) -> tuple[Shape, ...]:
        """What its patches depend on, apart from where x lies."""
        return self.x.shape, self.w.shape, self.out.shape, self.low

    def cut(self, axis: int, start: int, stop: int) -> Correlation:
        """The part between two indices of an axis."""
        x, w, out, strides, dilations, low = self
        part = slice(start, stop)
        if axis == 0:
            return Correlation(x[part], w, out[part], strides, dilations, low)
        if axis == self.sums:
            return Correlation(x[:, part], w[:, part], out, strides, dilations, low)
        is_place = axis < self.sums
        i = axis - (1 if is_place else self.sums + 1)
        step = (strides if is_place else dilations)[i]
        index = (*[slice(None)] * (i + 2), part)
        low = (*low[:i], low[i] - start * step, *low[i + 1 :])
        if is_place:
            return Correlation(x, w, out[index], strides, dilations, low)
        return Correlation(x, w[index], out, strides, dilations, low)


def correlate(task: Correlation) -> None:
    """Writes `task.out`."""
    x, w, out, strides, dilations, _ = task
    layout = _layout(x.shape, x.strides, w.shape, out.shape, strides, dilations)
    axis = next((axis for axis in layout.cuts if task.shape[axis] > 1), 0)
    work = out.size * math.prod(w.shape[1:])
    threads = min(usable_threads(), task.shape[axis]) if work >= DIVIDED else 1
    if threads == 1:
        _compute(task, layout)
        return
    ends = [task.shape[axis] * i // threads for i in range(threads + 1)]
    parts = [task.cut(axis, a, b) for a, b in itertools.pairwise(ends)]
    if axis >= task.sums:  # each has a sum of its own
        parts[1:] = [part._replace(out=np.empty_like(task.out)) for part in parts[1:]]
    with one_thread():
        in_parallel(_compute, *[(part, layout) for part in parts])
    if axis >= task.sums:
        for part in parts[1:]:
            np.add(out, part.out, out=out)


# -- layout


class _Layout(NamedTuple):
    """In which order things lie in memory."""

    padded: Shape  # the axes of x once it is padded, outermost first
    rows: Shape  # the axes n and p of the patches
    terms: Shape  # c and k
    rows_inside: bool  # of the matrix that is gathered
    cuts: Shape  # all axes of the patches in the order in which they are cut

    @property
    def order(self) -> Shape:
        return (*self.terms, *self.rows) if self.rows_inside else (*self.rows, *self.terms)


@functools.lru_cache(maxsize=1024)
def _layout(
    x: Shape, x_strides: Shape, w: Shape, out: Shape, strides: Shape, dilations: Shape
) -> _Layout:
    """The one whose copies are of the longest runs of memory."""
    space = range(2, len(x))
    own = tuple(sorted(range(len(x)), key=lambda axis: -abs(x_strides[axis])))
    orders = [own]
    if own[-1] < 2 and math.prod(w[2:]) > 1 < w[1] * x[0]:
        # A few channels make short runs. Places make longer ones once the channels are outside.
        orders.append((*(axis for axis in own if axis < 2), *(axis for axis in own if axis >= 2)))
    shape = (x[0], *out[2:], *w[1:])  # of the patches
    reach = [(w[i] - 1) * dilations[i - 2] + (out[i] - 1) * strides[i - 2] + 1 for i in space]
    now = patch_strides(x_strides, strides, dilations)
    cuts = sorted(range(len(now)), key=lambda i: (-abs(now[i]), -shape[i]))
    found = []
    for order in orders:
        steps = patch_strides(_steps((*x[:2], *reach), order), strides, dilations)
        by_step = sorted(range(len(steps)), key=lambda i: -steps[i])
        rows = tuple(i for i in by_step if i < len(x) - 1)
        terms = tuple(i for i in by_step if i >= len(x) - 1)
        for rows_inside in (False, True):
            run = _run(shape, steps, rows if rows_inside else terms)
            found.append((run, _Layout(order, rows, terms, rows_inside, tuple(cuts))))
    return max(found, key=lambda pair: pair[0])[1]


def _steps(shape: Shape, order: Shape) -> list[int]:
    """The strides, in elements, of an array whose axes lie in an order, the outermost first."""
    steps, step = [0] * len(shape), 1
    for axis in reversed(order):
        steps[axis] = step
        step *= shape[axis]
    return steps


def _run(shape: Sequence[int], steps: Sequence[int], axes: Sequence[int]) -> int:
    """How many elements lie side by side along these axes, the last one innermost."""
    run = 1
    for i in reversed(axes):
        if shape[i] > 1:
            if steps[i] != run:
                break
            run *= shape[i]
    return run


def patch_strides(x: Sequence[int], strides: Shape, dilations: Shape) -> list[int]:
    """The strides of the patches [n, *p, c, *k], from those of x [n, c, *s]."""
    places = [step * s for step, s in zip(x[2:], strides, strict=True)]
    taps = [step * d for step, d in zip(x[2:], dilations, strict=True)]
    return [x[0], *places, x[1], *taps]


# -- pieces


def _compute(
    task: Correlation, layout: _Layout, piece: _Piece | None = None, add: bool = False
) -> _Piece:
    """Writes or adds to `task.out`, piece by piece. Returns what computed the last one, for others
    of the same kind."""
    shape, sums, alike = task.shape, task.sums, False
    size = math.prod(shape) * task.x.itemsize
    axis = next((axis for axis in layout.cuts if shape[axis] > 1), None)
    # Pieces of a picture are padded each in its own way, so only a large one is cut.
    limit = PATCHES if axis in (0, sums) else 4 * PATCHES
    if axis is None or size <= limit:
        if piece is None or piece.kind != task.kind:
            piece = _Piece(task, layout)
        piece.compute(task.x, task.w, task.out, add)
        return piece
    step = max(1, shape[axis] * limit // size)
    step = -(-shape[axis] // -(-shape[axis] // step))  # of nearly equal parts
    for start in range(0, shape[axis], step):
        stop = min(start + step, shape[axis])
        part, more = task.cut(axis, start, stop), add or (axis >= sums and start > 0)
        if piece is not None and alike and stop - start == step:
            piece.compute(part.x, part.w, part.out, more)
        else:
            piece = _compute(part, layout, piece, more)
            alike = axis in (0, sums) and piece.kind == part.kind
    assert piece is not None
    return piece


class _Piece:
    """What all pieces of one kind have in common."""

    def __init__(self, task: Correlation, layout: _Layout):
        x, w, out, strides, dilations, low = task
        self.kind, self.layout, self.strides, self.dilations = task.kind, layout, strides, dilations
        self.shape = task.shape
        self.rows = math.prod(self.shape[: task.sums])
        self.rows_order = (*(i + (i > 0) for i in layout.rows), 1)  # of out, as [*rows, f]
        self.terms_order = (*(i - task.sums + 1 for i in layout.terms), 0)  # of w, as [*terms, f]
        self.w: np.ndarray | None = None
        target = out.transpose(self.rows_order)
        # Can BLAS write to the output? If not, to a block that is in the order of its memory, so
        # that the copy is a straight one.
        self.direct = (
            out.dtype.char in BLAS
            and merges(target, 0, target.ndim - 1)
            and (out.itemsize in (abs(target.strides[-1]), abs(target.strides[-2])))
        )
        self.rows_outside = abs(target.strides[-1]) == min(map(abs, target.strides))
        # Where x lies in what is padded, and how much of it is seen.
        reach = [
            (k - 1) * d + (p - 1) * s + 1
            for k, d, p, s in zip(w.shape[2:], dilations, out.shape[2:], strides, strict=True)
        ]
        whole = slice(None)
        seen, inside, padding = [whole, whole], [whole, whole], False
        for n, below, size in zip(x.shape[2:], low, reach, strict=True):
            first = max(0, -below)
            last = max(first, min(n, size - below))
            seen.append(slice(first, last))
            inside.append(slice(below + first, below + last))
            padding |= (below + first, below + last) != (0, size)
        self.seen, self.padded = tuple(seen), None
        if padding or tuple(outer_first(x, range(x.ndim))) != layout.padded:
            size = (*x.shape[:2], *reach)
            memory = scratch("padded", tuple(size[i] for i in layout.padded), x.dtype)
            memory.fill(0)
            self.padded = memory.transpose(np.argsort(layout.padded))
            self.inside = self.padded[tuple(inside)]
            self.gathering(self.padded)

    def gathering(self, x: np.ndarray) -> None:
        """Prepares to gather from what is padded, or from x itself."""
        layout, strides = self.layout, patch_strides(x.strides, self.strides, self.dilations)
        order = (
            (*layout.terms, *layout.rows) if layout.rows_inside else (*layout.rows, *layout.terms)
        )
        patches = strided(x, [self.shape[i] for i in order], [strides[i] for i in order])
        outer = len(layout.terms if layout.rows_inside else layout.rows)
        self.source: np.ndarray | None = None
        self.target: np.ndarray | None = None
        matrix = patches
        if not (merges(patches, 0, outer) and merges(patches, outer, patches.ndim)):
            matrix = scratch("patches", patches.shape, patches.dtype)
            self.source, self.target = runs(patches, patches), runs(matrix, patches)
        if layout.rows_inside:
            self.matrix = matrix.reshape(-1, self.rows).T  # [rows, terms]
        else:
            self.matrix = matrix.reshape(self.rows, -1)

    def compute(self, x: np.ndarray, w: np.ndarray, out: np.ndarray, add: bool) -> None:
        x = x[self.seen]
        if self.padded is None:
            self.gathering(x)
        else:
            np.copyto(self.inside, x)
        if self.source is not None and self.target is not None:
            np.copyto(self.target, self.source)
        if w is not self.w:
            self.w, self.folded = w, w.transpose(self.terms_order).reshape(-1, w.shape[0])
        out = out.transpose(self.rows_order)
        if self.direct and not add:
            _product(self.matrix, self.folded, out.reshape(self.rows, -1))
            return
        f = out.shape[-1]
        if self.rows_outside:
            block = scratch("block", (self.rows, f), out.dtype)
        else:
            block = scratch("block", (f, self.rows), out.dtype).T
        _product(self.matrix, self.folded, block)
        if add:
            np.add(out, block.reshape(out.shape), out=out)
        else:
            np.copyto(out, block.reshape(out.shape))


def _product(a: np.ndarray, w: np.ndarray, out: np.ndarray) -> None:
    """out [rows, f] = a [rows, terms] times w [terms, f]."""
    (rows, terms), f = a.shape, w.shape[1]
    if a.dtype.char not in BLAS:
        np.copyto(out, product(a, w))
        return
    if rows * terms * f > SMALL:
        if rows >= terms:
            part = _divisor(rows, SMALL // (terms * f))
            if part >= THIN_ROWS:
                np.matmul(a.reshape(-1, part, terms), w, out=out.reshape(-1, part, f))
                return
        else:
            part = _divisor(terms, SMALL // (rows * f))
            if part >= max(THIN_TERMS, f):
                sums = scratch("sums", (terms // part, rows, f), a.dtype)
                np.matmul(a.reshape(rows, -1, part).swapaxes(0, 1), w.reshape(-1, part, f),
                          out=sums)  # fmt: skip
                np.add.reduce(sums, axis=0, out=out)
                return
    np.matmul(a, w, out=out)


@functools.cache
def _divisor(n: int, limit: int) -> int:
    """The largest that is not above the limit; 0 if there is none."""
    return next((d for d in range(min(n, limit), 0, -1) if n % d == 0), 0)
