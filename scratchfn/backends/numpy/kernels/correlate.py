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
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from scratchfn.backends.numpy.blas import one_thread
from scratchfn.backends.numpy.pool import in_parallel, usable_threads

from .dot import BLAS, product
from .scratch import KEPT, local, scratch
from .strided import Shape, merges, outer_first, runs, strided

PATCHES = 1 << 20  # bytes of patches to gather before each product
DIVIDED = 1 << 22  # multiply-adds from which a correlation is divided among threads
HELD = 256  # kinds of pieces that a thread is prepared for
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
    own = tuple(sorted(range(len(x)), key=lambda axis: -abs(x_strides[axis])))
    orders = [own]
    if own[-1] < 2 and math.prod(w[2:]) > 1 < w[1] * x[0]:
        # A few channels make short runs. Places make longer ones once the channels are outside.
        orders.append((*(axis for axis in own if axis < 2), *(axis for axis in own if axis >= 2)))
    shape = (x[0], *out[2:], *w[1:])  # of the patches
    size = (*x[:2], *_reach(w, out, strides, dilations))
    now = patch_strides(x_strides, strides, dilations)
    cuts = sorted(range(len(now)), key=lambda i: (-abs(now[i]), -shape[i]))
    found = []
    for order in orders:
        steps = patch_strides(_steps(size, order), strides, dilations)
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


def _compute(task: Correlation, layout: _Layout, add: bool = False) -> _Piece:
    """Writes or adds to `task.out`, piece by piece. Returns what computed the last one."""
    shape, sums = task.shape, task.sums
    size = math.prod(shape) * task.x.itemsize
    axis = next((axis for axis in layout.cuts if shape[axis] > 1), None)
    # Pieces of a picture are padded each in its own way, so only a large one is cut.
    limit = PATCHES if axis in (0, sums) else 4 * PATCHES
    if axis is None or size <= limit:
        piece = _piece(task, layout)
        piece.compute(task.x, piece.fold(task.w), task.out, add)
        return piece
    step = max(1, shape[axis] * limit // size)
    step = -(-shape[axis] // -(-shape[axis] // step))  # of nearly equal parts
    alike, w = False, None  # is the next piece like the last? Its weights, if they are the same
    for start in range(0, shape[axis], step):
        stop = min(start + step, shape[axis])
        part, more = task.cut(axis, start, stop), add or (axis >= sums and start > 0)
        if alike and stop - start == step:
            w = piece.fold(part.w) if w is None or axis else w
            piece.compute(part.x, w, part.out, more)
        else:
            piece = _compute(part, layout, more)
            alike = axis in (0, sums) and piece.kind == part.kind
    return piece


def _piece(task: Correlation, layout: _Layout) -> _Piece:
    """What this thread has for pieces of a kind."""
    held: dict[Hashable, _Piece] = local.__dict__.setdefault("pieces", {})
    x, _, out, strides, dilations, _ = task
    key = task.kind, layout, strides, dilations, x.strides, out.strides, x.dtype
    found = held.get(key)
    if found is None:
        if len(held) == HELD:
            held.clear()
        found = _Piece(task, layout)
        if max(found.sizes) <= KEPT:
            held[key] = found
    found.clear()
    return found


class _Piece:
    """What all pieces of one kind have in common, in one thread, whose memory it gathers to."""

    def __init__(self, task: Correlation, layout: _Layout):
        x, w, out, self.strides, self.dilations, low = task
        self.kind, self.layout, self.shape = task.kind, layout, task.shape
        self.rows = math.prod(self.shape[: task.sums])
        self.rows_order = (*(i + (i > 0) for i in layout.rows), 1)  # of out, as [*rows, f]
        self.terms_order = (*(i - task.sums + 1 for i in layout.terms), 0)  # of w, as [*terms, f]
        # Can BLAS write to the output? If not, to a block that is in the order of its memory, so
        # that the copy is a straight one.
        target = out.transpose(self.rows_order)
        steps = [abs(step) for step in target.strides]
        merged = out.dtype.char in BLAS and merges(target, 0, target.ndim - 1)
        self.direct = merged and out.itemsize in steps[-2:]
        self.rows_outside = steps[-1] == min(steps)
        # Where x lies in what is padded, and how much of it is seen.
        size = [*x.shape[:2], *_reach(w.shape, out.shape, self.strides, self.dilations)]
        whole = slice(None)
        seen, inside = [whole, whole], [whole, whole]
        for n, below, reach in zip(x.shape[2:], low, size[2:], strict=True):
            first = max(0, -below)
            last = max(first, min(n, reach - below))
            seen.append(slice(first, last))
            inside.append(slice(below + first, below + last))
        self.seen, self.padded = tuple(seen), None
        self.has_border = any(
            (part.start, part.stop) != (0, n) for part, n in zip(inside[2:], size[2:], strict=True)
        )
        if self.has_border or tuple(outer_first(x, range(x.ndim))) != layout.padded:
            self.padded = scratch("padded", tuple(size[i] for i in layout.padded), x.dtype)
            padded = self.padded.transpose(np.argsort(layout.padded))
            self.inside = padded[tuple(inside)]
            self.gathered = self.gathering(padded)
        self.sizes = math.prod(size) * x.itemsize, math.prod(self.shape) * x.itemsize

    def clear(self) -> None:
        """Forgets what others have left in the memory."""
        if self.padded is not None and self.has_border:
            self.padded.fill(0)

    def gathering(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The patches of what is padded, where they are copied to, and that as a matrix
        [rows, terms]; where x is such a matrix already, nothing is copied."""
        layout, strides = self.layout, patch_strides(x.strides, self.strides, self.dilations)
        first, last = layout.rows, layout.terms
        if layout.rows_inside:
            first, last = last, first
        order = (*first, *last)
        patches = strided(x, [self.shape[i] for i in order], [strides[i] for i in order])
        source = target = matrix = patches
        if not (merges(patches, 0, len(first)) and merges(patches, len(first), len(order))):
            matrix = scratch("patches", patches.shape, patches.dtype)
            source, target = runs(patches, patches), runs(matrix, patches)
        if layout.rows_inside:
            return source, target, matrix.reshape(-1, self.rows).T
        return source, target, matrix.reshape(self.rows, -1)

    def fold(self, w: np.ndarray) -> np.ndarray:
        """The weights as a matrix [terms, f]."""
        return w.transpose(self.terms_order).reshape(-1, w.shape[0])

    def compute(self, x: np.ndarray, w: np.ndarray, out: np.ndarray, add: bool) -> None:
        x = x[self.seen]
        if self.padded is None:
            source, target, matrix = self.gathering(x)
        else:
            source, target, matrix = self.gathered
            np.copyto(self.inside, x)
        if target is not source:
            np.copyto(target, source)
        out = out.transpose(self.rows_order)
        if self.direct and not add:
            _product(matrix, w, out.reshape(self.rows, -1))
            return
        if self.rows_outside:
            block = scratch("block", (self.rows, w.shape[1]), out.dtype)
        else:
            block = scratch("block", (w.shape[1], self.rows), out.dtype).T
        _product(matrix, w, block)
        if add:
            np.add(out, block.reshape(out.shape), out=out)
        else:
            np.copyto(out, block.reshape(out.shape))


def _reach(w: Shape, out: Shape, strides: Shape, dilations: Shape) -> list[int]:
    """How much the windows see of each spatial axis once it is padded."""
    return [
        (k - 1) * d + (p - 1) * s + 1
        for k, d, p, s in zip(w[2:], dilations, out[2:], strides, strict=True)
    ]


# -- products


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
