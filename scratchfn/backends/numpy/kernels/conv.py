"""conv_general_dilated: every convolution, its two gradients included, as a matrix product.

    out[n, f, p] = sum over c, k of  x[n, c, stride * p + dilation * k] w[f, c, k]

Whatever the layout, transposed views bring the operands to [batch, feature, *spatial] without
moving an element, and `_correlate` gathers the patches x[n, c, stride * p + dilation * k] in the
order in which they lie in memory, so that long runs are copied; BLAS does the rest. JAX writes the
gradients of a convolution as convolutions with permuted specs, so they come by the same way. Three
things are taken out first:

- groups, of features or of the batch, become a leading axis;
- a dilated lhs (the gradient of a strided convolution) is cut into phases that meet no holes;
- padding, where negative, is a slice.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from scratchfn.core.quiet import quiet

from .dot import BLAS, product, working_dtype
from .strided import Padding, Shape, Window, outer_first, pad

PATCH_BYTES = 2 << 20  # gather this much before each product: the patches are then still in cache
NARROW = 4  # groups of at most this many weights a tap are not worth a matrix product each


@quiet
def conv_general_dilated(
    lhs: np.ndarray,
    rhs: np.ndarray,
    *,
    window_strides: Shape,
    padding: Padding,
    lhs_dilation: Shape,
    rhs_dilation: Shape,
    dimension_numbers: tuple[Shape, Shape, Shape],
    feature_group_count: int,
    batch_group_count: int,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> np.ndarray:
    """lax.conv_general_dilated. `precision` and `out_sharding` have no meaning on one CPU."""
    result = np.dtype(preferred_element_type or lhs.dtype)
    work = working_dtype(result)
    lhs_spec, rhs_spec, out_spec = dimension_numbers
    x = lhs.astype(work, copy=False).transpose(lhs_spec)  # [n, c, *s]
    w = rhs.astype(work, copy=False).transpose(rhs_spec)  # [f, c, *k]
    axes = tuple(
        _Axis(*fields)
        for fields in zip(
            window_strides, (low for low, _ in padding), lhs_dilation, rhs_dilation, strict=True
        )
    )
    window = Window(w.shape[2:], window_strides, rhs_dilation)
    spread = [(n - 1) * d + 1 if n else 0 for n, d in zip(x.shape[2:], lhs_dilation, strict=True)]
    positions = window.positions(
        [n + low + high for n, (low, high) in zip(spread, padding, strict=True)]
    )
    shape = (x.shape[0] // batch_group_count, w.shape[0], *positions)
    out = np.zeros([shape[out_spec.index(i)] for i in range(len(shape))], work)
    if out.size and w.size and x.size:
        y = out.transpose(out_spec)  # [n, f, *p]
        x, w, y = _split_groups(x, w, y, feature_group_count, batch_group_count)
        _convolve(x, w, y, axes)
    return out.astype(result, copy=False)


class _Axis(NamedTuple):
    """One spatial axis. The padding above follows from the size of the output."""

    stride: int
    low: int
    lhs_dilation: int
    rhs_dilation: int


def _split_groups(
    x: np.ndarray, w: np.ndarray, out: np.ndarray, feature_groups: int, batch_groups: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give all three a leading axis of groups: x [g, n, c, *s], w [g, f, c, *k], out [g, n, f, *p].

    Axes are only split and moved, so these stay views.
    """
    groups = feature_groups * batch_groups  # one of the two is 1
    n, f = out.shape[:2]
    if batch_groups > 1:
        x = x.reshape(groups, n, *x.shape[1:])
    else:
        x = x.reshape(n, groups, x.shape[1] // groups, *x.shape[2:]).swapaxes(0, 1)
    w = w.reshape(groups, f // groups, *w.shape[1:])
    return x, w, out.reshape(n, groups, f // groups, *out.shape[2:]).swapaxes(0, 1)


def _convolve(x: np.ndarray, w: np.ndarray, out: np.ndarray, axes: tuple[_Axis, ...]) -> None:
    """Write the convolution into `out`, which holds zeros."""
    for i, axis in enumerate(axes):
        if axis.lhs_dilation > 1 and axis.stride == 1:
            for phase in _phases(w.shape[3 + i], out.shape[3 + i], axis):
                taps = (slice(None),) * (3 + i) + (phase.taps,)
                places = (slice(None),) * (3 + i) + (phase.places,)
                inner = (*axes[:i], phase.axis, *axes[i + 1 :])
                _convolve(x, w[taps], out[places], inner)
            return
    strides, dilations = (tuple(a[i] for a in axes) for i in (0, 3))
    window = Window(w.shape[3:], strides, dilations)
    padding = [(0, 0)] * 3 + [
        (a.low, (k - 1) * a.rhs_dilation + (p - 1) * a.stride - (s - 1) * a.lhs_dilation - a.low)
        for a, k, p, s in zip(axes, w.shape[3:], out.shape[3:], x.shape[3:], strict=True)
    ]
    x = pad(x, x.dtype.type(0), padding, (1, 1, 1, *(a.lhs_dilation for a in axes)))
    groups, f, c = w.shape[:3]
    if groups > 1 and f * c <= NARROW:
        _correlate_narrow_groups(x, w, out, window)
    else:
        for g in range(groups):
            _correlate(x[g], w[g], out[g], window)


# -- a dilated lhs


class _Phase(NamedTuple):
    taps: slice  # of the kernel
    places: slice  # of the output
    axis: _Axis


def _phases(taps: int, places: int, axis: _Axis) -> Iterator[_Phase]:
    """Split an axis with holes in its lhs into convolutions without.

    The output at q, q + d, q + 2d, ... (d the lhs dilation) meets an element, not a hole, at every
    d-th tap only, or at every (d / gcd)-th if the kernel is dilated too.
    """
    _, low, d, r = axis
    common = math.gcd(r, d)
    for q in range(min(d, places)):
        for first in range(min(d // common, taps)):
            offset = q + first * r - low
            if offset % d == 0:
                yield _Phase(
                    slice(first, None, d // common),
                    slice(q, None, d),
                    _Axis(1, -(offset // d), 1, r // common),
                )
                break


# -- the product


def _correlate(x: np.ndarray, w: np.ndarray, out: np.ndarray, window: Window) -> None:
    """One group: x [n, c, *s] padded, w [f, c, *k], out [n, f, *p]."""
    spatial = len(window.sizes)
    steps = x.strides[2:]
    patches = as_strided(  # [n, *p, c, *k]
        x,
        (x.shape[0], *out.shape[2:], *w.shape[1:]),
        (
            x.strides[0],
            *(step * s for step, s in zip(steps, window.strides, strict=True)),
            x.strides[1],
            *(step * d for step, d in zip(steps, window.dilations, strict=True)),
        ),
        writeable=False,
    )
    rows = outer_first(patches, range(spatial + 1))  # n and p, one row of the product each
    terms = outer_first(patches, range(spatial + 1, patches.ndim))  # c and k, summed over
    out = out.transpose([*(i + (i > 0) for i in rows), 1])  # [*rows, f]
    w = w.transpose([*(i - spatial for i in terms), 0])  # [*terms, f]
    rows_inside = _run(patches, rows) > _run(patches, terms)
    order = [*rows, *terms]
    patches = patches.transpose(order)  # [*rows, *terms]
    # Cut along the outermost axis of memory. If that is summed over, the products add up.
    split = min(range(len(order)), key=lambda i: (patches.shape[i] == 1, -abs(patches.strides[i])))
    count = patches.shape[split]
    step = max(1, PATCH_BYTES * count // patches.nbytes)
    if math.prod(window.sizes) == 1:
        step = count  # there is nothing to gather
    for start in range(0, count, step):
        part = _cut(patches, split, start, step)
        if split < len(rows):
            _multiply(part, w, _cut(out, split, start, step), rows_inside, accumulate=False)
        else:
            w_part = _cut(w, split - len(rows), start, step)
            _multiply(part, w_part, out, rows_inside, accumulate=start > 0)


def _cut(x: np.ndarray, axis: int, start: int, step: int) -> np.ndarray:
    return x[(slice(None),) * axis + (slice(start, start + step),)]


def _multiply(
    patches: np.ndarray, w: np.ndarray, out: np.ndarray, rows_inside: bool, *, accumulate: bool
) -> None:
    """out [*rows, f] = patches [*rows, *terms] times w [*terms, f]; gathers the patches."""
    f = w.shape[-1]
    w = w.reshape(-1, f)
    if rows_inside:
        rows = out.ndim - 1
        inside_out = (*range(rows, patches.ndim), *range(rows))
        a = patches.transpose(inside_out).reshape(w.shape[0], -1).T
    else:
        a = patches.reshape(-1, w.shape[0])
    if not accumulate and out.flags.c_contiguous and out.dtype.char in BLAS:
        np.matmul(a, w, out=out.reshape(-1, f))
        return
    # A product in the order of the output's memory makes the copy into it a straight one.
    feature_last = abs(out.strides[-1]) == min(map(abs, out.strides))
    block = product(a, w) if feature_last else product(w.T, a.T).T
    if accumulate:
        out += block.reshape(out.shape)
    else:
        out[...] = block.reshape(out.shape)


def _run(x: np.ndarray, axes: Sequence[int]) -> int:
    """How many elements lie side by side in memory if `axes` are x's last."""
    run = 1
    for i in reversed(axes):
        if x.shape[i] > 1:
            if x.strides[i] != run * x.itemsize:
                break
            run *= x.shape[i]
    return run


def _correlate_narrow_groups(x: np.ndarray, w: np.ndarray, out: np.ndarray, window: Window) -> None:
    """Depthwise convolutions: all groups at once, one tap (or one output place) after another."""
    pairs = list(itertools.product(range(w.shape[1]), range(w.shape[2])))
    space = range(3, x.ndim)
    x, w, out = (a.transpose(*space, 0, 1, 2) for a in (x, w, out))  # [*space, g, ...]
    positions = out.shape[:-3]
    if math.prod(window.sizes) <= math.prod(positions):
        for offset in window.offsets():
            seen = x[window.slices(offset, positions)]  # [*p, g, n, c]
            for f, c in pairs:
                out[..., f] += seen[..., c] * w[offset][:, f, c, None]
        return
    # The gradient of the kernel: a wide window at few places. Swap the roles of the two.
    across = Window(positions, window.dilations, window.strides)
    for place in across.offsets():
        seen = x[across.slices(place, window.sizes)]  # [*k, g, n, c]
        for f, c in pairs:
            terms = seen[..., c] * w[..., f, c, None]
            out[place][..., f] += terms.sum(axis=tuple(range(len(space))), dtype=terms.dtype)
