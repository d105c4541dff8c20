"""conv_general_dilated: every convolution, its two gradients included, as correlations.

    out[n, f, p] = sum over c, k of  x[n, c, stride * p + dilation * k] w[f, c, k]

Whatever the layout, transposed views bring the operands to [batch, feature, *spatial] without
moving an element; `correlate` does the rest. JAX writes the gradients of a convolution as
convolutions with permuted specs, so they come by the same way. Three things are taken out first:

- groups, of features or of the batch, become a leading axis;
- a dilated lhs (the gradient of a strided convolution) is cut into phases that meet no holes;
- padding, where negative, is a slice.

Read next: `correlate.py`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from scratchfn.core.quiet import quiet
from scratchfn.core.template import kernel

from .correlate import Correlation, correlate
from .dot import working_dtype
from .strided import Padding, Shape, Window, pad

NARROW = 4  # groups of at most this many weights a tap are not worth a matrix product each


class Convolution(NamedTuple):
    """What a convolution is, apart from its operands: the params of conv_general_dilated."""

    window_strides: Shape
    padding: Padding
    lhs_dilation: Shape
    rhs_dilation: Shape
    dimension_numbers: tuple[Shape, Shape, Shape]
    feature_group_count: int
    batch_group_count: int

    def shape(self, lhs: Shape, rhs: Shape) -> Shape:
        """Of the result."""
        lhs_spec, rhs_spec, out_spec = self.dimension_numbers
        n, _, *space = (lhs[i] for i in lhs_spec)
        f, _, *taps = (rhs[i] for i in rhs_spec)
        window = Window(tuple(taps), self.window_strides, self.rhs_dilation)
        spread = [
            (s - 1) * d + 1 if s else 0 for s, d in zip(space, self.lhs_dilation, strict=True)
        ]
        places = window.positions(
            [s + low + high for s, (low, high) in zip(spread, self.padding, strict=True)]
        )
        shape = (n // self.batch_group_count, f, *places)
        return tuple(shape[out_spec.index(i)] for i in range(len(shape)))


def conv_general_dilated(
    lhs: np.ndarray,
    rhs: np.ndarray,
    *,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
    **params: Any,
) -> np.ndarray:
    """lax.conv_general_dilated. `precision` and `out_sharding` have no meaning on one CPU."""
    convolution = Convolution(**params)
    result = np.dtype(preferred_element_type or lhs.dtype)
    out = np.empty(convolution.shape(lhs.shape, rhs.shape), working_dtype(result))
    convolve(lhs, rhs, out, convolution)
    return out.astype(result, copy=False)


@kernel
@quiet
def convolve(lhs: np.ndarray, rhs: np.ndarray, out: np.ndarray, convolution: Convolution) -> None:
    """Writes a convolution, computed in the dtype of `out`."""
    lhs_spec, rhs_spec, out_spec = convolution.dimension_numbers
    x = lhs.astype(out.dtype, copy=False).transpose(lhs_spec)  # [n, c, *s]
    w = rhs.astype(out.dtype, copy=False).transpose(rhs_spec)  # [f, c, *k]
    y = out.transpose(out_spec)  # [n, f, *p]
    if not (out.size and w.size and x.size):
        out.fill(0)
        return
    axes = tuple(
        _Axis(*fields)
        for fields in zip(
            convolution.window_strides,
            (low for low, _ in convolution.padding),
            convolution.lhs_dilation,
            convolution.rhs_dilation,
            strict=True,
        )
    )
    groups = convolution.feature_group_count, convolution.batch_group_count
    _convolve(*_split_groups(x, w, y, *groups), axes)


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
    """Writes the convolution of groups."""
    if _is_lighter_mirrored(x, w, axes):
        axes = tuple(
            _Axis(1, p - 1 - a.low, 1, a.lhs_dilation)
            for a, p in zip(axes, out.shape[3:], strict=True)
        )
        _convolve(w, x, np.flip(out.swapaxes(1, 2), tuple(range(3, out.ndim))), axes)
        return
    for i, axis in enumerate(axes):
        if axis.lhs_dilation > 1 and axis.stride == 1:
            before = (slice(None),) * (3 + i)
            for phase in _phases(w.shape[3 + i], out.shape[3 + i], axis):
                inner = (*axes[:i], phase.axis, *axes[i + 1 :])
                _convolve(x, w[(*before, phase.taps)], out[(*before, phase.places)], inner)
            return
    if not w.size:  # of a phase that meets holes alone
        out.fill(0)
        return
    holes = tuple(axis.lhs_dilation for axis in axes)
    if max(holes, default=1) > 1:
        x = pad(x, x.dtype.type(0), [(0, 0)] * x.ndim, (1, 1, 1, *holes))
    strides, low, _, dilations = zip(*axes, strict=True) if axes else ((),) * 4
    if len(x) > 1 and w.shape[1] * w.shape[2] <= NARROW:
        _correlate_narrow_groups(x, w, out, Window(w.shape[3:], strides, dilations), low)
        return
    for g in range(len(x)):
        correlate(Correlation(x[g], w[g], out[g], strides, dilations, low))


def _is_lighter_mirrored(x: np.ndarray, w: np.ndarray, axes: tuple[_Axis, ...]) -> bool:
    """Without strides, a sum over k of x[p + k - low] w[k] is one over j = p + k - low of
    x[j] w[j - p + low]: x slides over w, and p runs backwards. Of gradients of kernels that may be
    no more products, of fewer patches."""
    if any(axis.stride > 1 or axis.rhs_dilation > 1 for axis in axes):
        return False
    met = (-(-k // a.lhs_dilation) for k, a in zip(w.shape[3:], axes, strict=True))
    return w.shape[1] < x.shape[1] and 1 < math.prod(x.shape[3:]) <= math.prod(met)


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
                met, below = slice(first, None, d // common), -(offset // d)
                break
        else:
            met, below = slice(0), 0  # nothing but holes
        yield _Phase(met, slice(q, None, d), _Axis(1, below, 1, r // common))


# -- depthwise


def _correlate_narrow_groups(
    x: np.ndarray, w: np.ndarray, out: np.ndarray, window: Window, low: Shape
) -> None:
    """Depthwise convolutions: all groups at once, one tap (or one output place) after another."""
    padding = [
        (a, (k - 1) * d + (p - 1) * s + 1 - n - a)
        for a, k, d, p, s, n in zip(
            low, window.sizes, window.dilations, out.shape[3:], window.strides, x.shape[3:],
            strict=True,
        )
    ]  # fmt: skip
    x = pad(x, x.dtype.type(0), [(0, 0)] * 3 + padding, (1,) * x.ndim)
    out.fill(0)
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
