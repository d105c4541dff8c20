"""lax functions of convolutions.

What the axes of the operands are is said by `dimension_numbers`, three strings such as
("NHWC", "HWIO", "NHWC") for lhs, rhs and the result: N is the batch, C the features, O and I the
features out and in, any other letter an axis of space. None means "NCHW", "OIHW", "NCHW".

Padding is "SAME", "VALID", "SAME_LOWER", or a pair (low, high) for each axis of space, where
negative numbers crop. No kernel is mirrored: these are correlations.

Read next: `primitives/conv.py`, and `lax/window.py` for pooling.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.array import Array, as_value
from scratchfn.core.params import ConvDimensionNumbers, Precision
from scratchfn.lax.contraction import PrecisionLike, as_precision, dot_general
from scratchfn.lax.layouts import (
    ConvGeneralDilatedDimensionNumbers,
    conv_dimension_numbers,
    transposed_padding,
)
from scratchfn.lax.window import padtype_to_pads
from scratchfn.primitives.base import broadcast_in_dim, inverse, reshape, transpose
from scratchfn.primitives.conv import conv_general_dilated_p
from scratchfn.primitives.conv_types import dilated
from scratchfn.primitives.structural import rev

Shape = tuple[int, ...]
Padding = str | Sequence[tuple[int, int]]


def conv_general_dilated(
    lhs: Any,
    rhs: Any,
    window_strides: Sequence[int],
    padding: Padding,
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: ConvGeneralDilatedDimensionNumbers = None,
    feature_group_count: int = 1,
    batch_group_count: int = 1,
    precision: PrecisionLike = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> Any:
    """The convolution of lhs with the kernel rhs, of the same dtype.

    `lhs_dilation` and `rhs_dilation` put that distance between neighbours. With
    `feature_group_count` groups, each group of output features sees its group of input features;
    with `batch_group_count`, its group of the batch. Raises TypeError or ValueError naming what
    does not fit.
    """
    x, w = as_value(lhs), as_value(rhs)
    numbers = conv_dimension_numbers(x.shape, w.shape, dimension_numbers)
    strides = _integers(window_strides)
    ones = (1,) * (x.ndim - 2)
    lhs_dilation = ones if lhs_dilation is None else _integers(lhs_dilation)
    rhs_dilation = ones if rhs_dilation is None else _integers(rhs_dilation)
    if preferred_element_type is not None:
        preferred_element_type = dtypes.explicit_dtype(
            preferred_element_type, "conv_general_dilated"
        )
    return conv_general_dilated_p.bind(
        x,
        w,
        window_strides=strides,
        padding=_pads(x.shape, w.shape, strides, padding, lhs_dilation, rhs_dilation, numbers),
        lhs_dilation=lhs_dilation,
        rhs_dilation=rhs_dilation,
        dimension_numbers=numbers,
        feature_group_count=operator.index(feature_group_count),
        batch_group_count=operator.index(batch_group_count),
        precision=as_precision(precision),
        preferred_element_type=preferred_element_type,
        out_sharding=None,
    )


def _integers(values: Sequence[int]) -> Shape:
    return tuple(map(operator.index, values))


def _pads(
    lhs_shape: Shape,
    rhs_shape: Shape,
    strides: Shape,
    padding: Padding,
    lhs_dilation: Shape,
    rhs_dilation: Shape,
    numbers: ConvDimensionNumbers,
) -> tuple[tuple[int, int], ...]:
    """The padding as pairs of numbers."""
    if not isinstance(padding, str):
        try:
            return tuple((operator.index(low), operator.index(high)) for low, high in padding)
        except (TypeError, ValueError):
            found, why = f"padding={padding!r}", "each axis of space has a padding on either side"
            write = 'padding="SAME", or ((1, 1), (1, 1)) for two axes'
            raise ValueError(errors.explain("a convolution", found, why, write)) from None
    if any(dilation != 1 for dilation in lhs_dilation):
        raise ValueError(
            errors.explain(
                "a convolution with lhs_dilation",
                f'padding="{padding}" and lhs_dilation={lhs_dilation}',
                "the words for padding are defined by the size of an lhs without holes",
                "pairs of numbers for padding, or lax.conv_transpose, which takes the words",
            )
        )
    space = [lhs_shape[axis] for axis in numbers.lhs_spec[2:]]
    kernel = [rhs_shape[axis] for axis in numbers.rhs_spec[2:]]
    window = list(map(dilated, kernel, rhs_dilation))
    return tuple(padtype_to_pads(space, window, strides, padding))


def conv(
    lhs: Any,
    rhs: Any,
    window_strides: Sequence[int],
    padding: Padding,
    precision: PrecisionLike = None,
    preferred_element_type: Any = None,
) -> Any:
    """A convolution of lhs [n, c, *space] with a kernel [f, c, *space] to [n, f, *space]."""
    return conv_general_dilated(
        lhs, rhs, window_strides, padding,
        precision=precision, preferred_element_type=preferred_element_type,
    )  # fmt: skip


def conv_with_general_padding(
    lhs: Any,
    rhs: Any,
    window_strides: Sequence[int],
    padding: Padding,
    lhs_dilation: Sequence[int] | None,
    rhs_dilation: Sequence[int] | None,
    precision: PrecisionLike = None,
    preferred_element_type: Any = None,
) -> Any:
    """`conv` with dilations."""
    return conv_general_dilated(
        lhs, rhs, window_strides, padding, lhs_dilation, rhs_dilation,
        precision=precision, preferred_element_type=preferred_element_type,
    )  # fmt: skip


# -- the convolution that runs backwards ----------------------------------------------------------

_FEATURES_LAST = {
    2: ("NC", "IO", "NC"),
    3: ("NHC", "HIO", "NHC"),
    4: ("NHWC", "HWIO", "NHWC"),
    5: ("NHWDC", "HWDIO", "NHWDC"),
}


def conv_transpose(
    lhs: Any,
    rhs: Any,
    strides: Sequence[int],
    padding: Padding,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: ConvGeneralDilatedDimensionNumbers = None,
    transpose_kernel: bool = False,
    precision: PrecisionLike = None,
    preferred_element_type: Any = None,
    use_consistent_padding: bool = False,
) -> Any:
    """A convolution that enlarges by `strides`, as the gradient of a strided one does.

    `dimension_numbers=None` means features last, "NHWC", "HWIO", "NHWC". "SAME" and "VALID" are
    the padding of the convolution that this one goes back from; so are pairs of numbers with
    `use_consistent_padding`, and without it they are this one's own. With `transpose_kernel` the
    kernel is mirrored and its input and output features swapped: exactly a gradient's kernel.
    Raises ValueError for more than three axes of space without dimension_numbers.
    """
    x, w = as_value(lhs), as_value(rhs)
    if dimension_numbers is None:
        dimension_numbers = _features_last(x.ndim)
    numbers = conv_dimension_numbers(x.shape, w.shape, dimension_numbers)
    kernel = [w.shape[axis] for axis in numbers.rhs_spec[2:]]
    spread = (1,) * len(kernel) if rhs_dilation is None else _integers(rhs_dilation)
    if use_consistent_padding or padding in ("SAME", "VALID"):
        each = [padding] * len(kernel) if isinstance(padding, str) else padding
        windows = map(dilated, kernel, spread)
        padding = [*map(transposed_padding, windows, strides, each)]
    if transpose_kernel:
        swapped = list(range(w.ndim))
        o, i = numbers.rhs_spec[:2]
        swapped[o], swapped[i] = i, o
        w = transpose(rev(w, numbers.rhs_spec[2:]), swapped)
    return conv_general_dilated(
        x, w, (1,) * len(kernel), padding, strides, spread, numbers,
        precision=precision, preferred_element_type=preferred_element_type,
    )  # fmt: skip


def _features_last(ndim: int) -> tuple[str, str, str]:
    if ndim in _FEATURES_LAST:
        return _FEATURES_LAST[ndim]
    raise ValueError(
        errors.explain(
            "lax.conv_transpose without dimension_numbers",
            f"operands of {ndim} axes",
            "letters for the axes are agreed on for one to three axes of space",
            'dimension_numbers=("NABCDF", ...), a letter for each axis',
        )
    )


# -- patches --------------------------------------------------------------------------------------


def conv_general_dilated_patches(
    lhs: Any,
    filter_shape: Sequence[int],
    window_strides: Sequence[int],
    padding: Padding,
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: ConvGeneralDilatedDimensionNumbers = None,
    precision: Precision | None = None,
    preferred_element_type: Any = None,
) -> Any:
    """What a kernel of `filter_shape` sees at each place: the features of the result are those of
    lhs, and for each of them the elements of the patch, row by row."""
    x, window = as_value(lhs), _integers(filter_shape)
    numbers = conv_dimension_numbers(x.shape, (1, 1, *window), dimension_numbers)
    features, count = x.shape[numbers.lhs_spec[1]], prod(window)
    # Each output feature has a kernel that is 1 at one place.
    each = broadcast_in_dim(Array(np.eye(count, dtype=x.dtype)), (features, count, count), (1, 2))
    kernel = reshape(each, (features * count, 1, *window))
    return conv_general_dilated(
        x,
        transpose(kernel, inverse(numbers.rhs_spec)),
        window_strides,
        padding,
        lhs_dilation,
        rhs_dilation,
        numbers,
        feature_group_count=features,
        precision=None if precision is None else (precision, Precision.DEFAULT),
        preferred_element_type=preferred_element_type,
    )


def conv_general_dilated_local(
    lhs: Any,
    rhs: Any,
    window_strides: Sequence[int],
    padding: Padding,
    filter_shape: Sequence[int],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: ConvGeneralDilatedDimensionNumbers = None,
    precision: PrecisionLike = None,
) -> Any:
    """A convolution whose kernel differs from place to place: rhs has, in the layout of a kernel,
    the axes (out, in * filter_shape, *places of the result)."""
    x, given = as_value(lhs), as_precision(precision)
    patches = conv_general_dilated_patches(
        x, filter_shape, window_strides, padding, lhs_dilation, rhs_dilation, dimension_numbers,
        given[0] if isinstance(given, tuple) else None,
    )  # fmt: skip
    numbers = conv_dimension_numbers(x.shape, (1, 1, *filter_shape), dimension_numbers)
    _, rhs_spec, out_spec = numbers
    places = sorted(zip(out_spec[2:], rhs_spec[2:], strict=True))
    batch = tuple(a for a, _ in places), tuple(b for _, b in places)
    dims = ((out_spec[1],), (rhs_spec[1],)), batch
    out = dot_general(patches, rhs, dims, precision)  # [*places, n, f]
    order = [*(a for a, _ in places), out_spec[0], out_spec[1]]
    return transpose(out, inverse(order))
