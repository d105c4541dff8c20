"""conv_general_dilated: convolution, with strides, padding, dilations and groups, in any layout.

    out[n, f, p] = sum over c, k of  lhs[n, c, stride * p + rhs_dilation * k - pad] rhs[f, c, k]

where lhs has `lhs_dilation - 1` holes between neighbours. It is linear in each operand, and both
transposes are convolutions again: for lhs with the kernel mirrored, strides and holes swapped; for
rhs with the batch in the place of the features. The rules work on layouts alone: a batch axis is
merged into the batch or the features, groups are split off and merged in.

`primitives/conv_types.py` checks the operands. Read next: `primitives/window.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scratchfn.backends.numpy.kernels import conv as kernels
from scratchfn.core.params import ConvDimensionNumbers
from scratchfn.core.template import expression, kernel
from scratchfn.core.trace import Primitive
from scratchfn.primitives.base import Axes, move_axis, reshape
from scratchfn.primitives.conv_types import conv_aval, dilated
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.rules import is_linear, partials
from scratchfn.primitives.structural import rev

Padding = tuple[tuple[int, int], ...]


# -- axes merged and split ------------------------------------------------------------------------


def merge_axis(x: Any, source: int, into: int) -> Any:
    """Moves axis `source` in front of axis `into` (counted without it) and merges the two."""
    size = x.shape[source]
    x = move_axis(x, source, into)
    return reshape(x, (*x.shape[:into], size * x.shape[into + 1], *x.shape[into + 2 :]))


def split_axis(x: Any, axis: int, size: int) -> Any:
    """Splits an axis in two, [size, rest]."""
    rest = x.shape[axis] // size if size else 0
    return reshape(x, (*x.shape[:axis], size, rest, *x.shape[axis + 1 :]))


def _swapped(spec: Sequence[int]) -> Axes:
    """A spec with its first two entries, batch and feature or out and in, swapped."""
    return (spec[1], spec[0], *spec[2:])


# -- transposes -----------------------------------------------------------------------------------


def _conv_transpose(ct: Any, lhs: Any, rhs: Any, **params: Any) -> list[Any]:
    if is_linear(lhs):
        out = _ct_of_lhs(ct, lhs, rhs, **params)
        return [convert_element_type(out, lhs.aval.dtype), None]
    out = _ct_of_rhs(ct, lhs, rhs, **params)
    return [None, convert_element_type(out, rhs.aval.dtype)]


def _ct_of_lhs(
    ct: Any,
    lhs: Any,
    rhs: Any,
    *,
    window_strides: Axes,
    padding: Padding,
    lhs_dilation: Axes,
    rhs_dilation: Axes,
    dimension_numbers: ConvDimensionNumbers,
    feature_group_count: int,
    batch_group_count: int,
    **params: Any,
) -> Any:
    """The cotangent of lhs: that of the result, with holes for the strides, met by the mirrored
    kernel, in which features in and out have changed places."""
    lhs_spec, rhs_spec, out_spec = dimension_numbers
    groups = feature_group_count * batch_group_count
    if groups > 1:  # rhs is [g * f, c]; the kernel of the transpose has g * c features out, f in
        rhs = merge_axis(split_axis(rhs, rhs_spec[0], groups), rhs_spec[0], rhs_spec[1])
    out = conv_general_dilated_p.bind(
        ct,
        rev(rhs, rhs_spec[2:]),
        window_strides=lhs_dilation,
        padding=_padding_for_lhs(ct, lhs, rhs, window_strides, padding, lhs_dilation, rhs_dilation,
                                 dimension_numbers),
        lhs_dilation=window_strides,
        rhs_dilation=rhs_dilation,
        dimension_numbers=ConvDimensionNumbers(out_spec, _swapped(rhs_spec), lhs_spec),
        feature_group_count=groups,
        batch_group_count=1,
        **params,
    )  # fmt: skip
    if batch_group_count > 1:  # the features are [g * c]; groups belong to the batch, [g * n]
        out = merge_axis(split_axis(out, lhs_spec[1], groups), lhs_spec[1], lhs_spec[0])
    return out


def _padding_for_lhs(
    ct: Any,
    lhs: Any,
    rhs: Any,
    strides: Axes,
    padding: Padding,
    lhs_dilation: Axes,
    rhs_dilation: Axes,
    numbers: ConvDimensionNumbers,
) -> Padding:
    """Padding of ct such that each element of lhs meets the results it took part in."""
    lhs_spec, rhs_spec, out_spec = (spec[2:] for spec in numbers)
    pads = []
    for i, (low, _) in enumerate(padding):
        reach = dilated(rhs.shape[rhs_spec[i]], rhs_dilation[i])
        before = reach - low - 1
        wide = dilated(lhs.aval.shape[lhs_spec[i]], lhs_dilation[i])
        after = wide + reach - 1 - dilated(ct.shape[out_spec[i]], strides[i]) - before
        pads.append((before, after))
    return tuple(pads)


def _ct_of_rhs(
    ct: Any,
    lhs: Any,
    rhs: Any,
    *,
    window_strides: Axes,
    padding: Padding,
    lhs_dilation: Axes,
    rhs_dilation: Axes,
    dimension_numbers: ConvDimensionNumbers,
    feature_group_count: int,
    batch_group_count: int,
    **params: Any,
) -> Any:
    """The cotangent of the kernel: lhs convolved with that of the result, summed over the batch;
    strides and kernel dilation, groups of features and of the batch, have changed places."""
    lhs_spec, rhs_spec, out_spec = dimension_numbers
    pads = []
    for i, (low, _) in enumerate(padding):
        wide = dilated(lhs.shape[lhs_spec[2 + i]], lhs_dilation[i])
        reach = dilated(rhs.aval.shape[rhs_spec[2 + i]], rhs_dilation[i])
        seen = dilated(ct.shape[out_spec[2 + i]], window_strides[i]) + reach - 1
        pads.append((low, seen - wide - low))
    return conv_general_dilated_p.bind(
        lhs,
        ct,
        window_strides=rhs_dilation,
        padding=tuple(pads),
        lhs_dilation=lhs_dilation,
        rhs_dilation=window_strides,
        dimension_numbers=ConvDimensionNumbers(*map(_swapped, (lhs_spec, out_spec, rhs_spec))),
        feature_group_count=batch_group_count,
        batch_group_count=feature_group_count,
        **params,
    )


# -- batching -------------------------------------------------------------------------------------


def _conv_batch(size: int, args: Any, dims: Any, **params: Any) -> Any:
    (lhs, rhs), (lhs_d, rhs_d) = args, dims
    if rhs_d is None:
        return _batch_of_lhs(lhs, lhs_d, rhs, size, **params)
    if lhs_d is None:
        return _batch_of_rhs(lhs, rhs, rhs_d, size, **params)
    return _batch_of_both(lhs, lhs_d, rhs, rhs_d, size, **params)


def _batch_of_lhs(
    lhs: Any, d: int, rhs: Any, size: int, *, dimension_numbers: Any, **params: Any
) -> Any:
    """Many lhs, one kernel: the examples are more of the batch, inside its groups if it has any."""
    lhs_spec, _, out_spec = dimension_numbers
    lhs = _merge_inside_groups(lhs, d, lhs_spec[0], params["batch_group_count"])
    out = conv_general_dilated_p.bind(lhs, rhs, dimension_numbers=dimension_numbers, **params)
    return split_axis(out, out_spec[0], size), out_spec[0]


def _batch_of_rhs(
    lhs: Any, rhs: Any, d: int, size: int, *, dimension_numbers: Any, **params: Any
) -> Any:
    """One lhs, many kernels: the examples are more output features, inside the groups if any."""
    _, rhs_spec, out_spec = dimension_numbers
    groups = params["feature_group_count"] * params["batch_group_count"]
    rhs = _merge_inside_groups(rhs, d, rhs_spec[0], groups)
    out = conv_general_dilated_p.bind(lhs, rhs, dimension_numbers=dimension_numbers, **params)
    f = out_spec[1]
    if groups == 1:
        return split_axis(out, f, size), f
    out = split_axis(split_axis(out, f, groups), f + 1, size)  # [..., g, size, f, ...]
    out = move_axis(out, f + 1, 0)
    return merge_axis(out, f + 1, f + 1), 0


def _merge_inside_groups(x: Any, d: int, axis: int, groups: int) -> Any:
    """Merges batch axis `d` into `axis` (counted without it) of an operand: [g * size * n] if that
    axis is [g * n]."""
    if groups == 1:
        return merge_axis(x, d, axis)
    x = split_axis(move_axis(x, d, 0), axis + 1, groups)  # [size, ..., g, n, ...]
    x = merge_axis(x, 0, axis + 1)  # [..., g, size * n, ...]
    return merge_axis(x, axis, axis)


def _batch_of_both(
    lhs: Any, lhs_d: int, rhs: Any, rhs_d: int, size: int, *, dimension_numbers: Any, **params: Any
) -> Any:
    """Many lhs, each with its own kernel: the examples are groups, outside those there are."""
    lhs_spec, rhs_spec, out_spec = dimension_numbers
    kind = "batch_group_count" if params["batch_group_count"] > 1 else "feature_group_count"
    lhs = merge_axis(lhs, lhs_d, lhs_spec[0 if kind == "batch_group_count" else 1])
    rhs = merge_axis(rhs, rhs_d, rhs_spec[0])
    params[kind] *= size
    out = conv_general_dilated_p.bind(lhs, rhs, dimension_numbers=dimension_numbers, **params)
    return split_axis(out, out_spec[1], size), out_spec[1]


# -- the primitive --------------------------------------------------------------------------------

kernel(kernels.conv_general_dilated)

conv_general_dilated_p = Primitive(
    "conv_general_dilated",
    aval=conv_aval,
    transpose=_conv_transpose,
    batch=_conv_batch,
    **expression(
        "conv_general_dilated({0}, {1}, window_strides={window_strides}, padding={padding}, "
        "lhs_dilation={lhs_dilation}, rhs_dilation={rhs_dilation}, "
        "dimension_numbers={dimension_numbers}, feature_group_count={feature_group_count}, "
        "batch_group_count={batch_group_count}, preferred_element_type={preferred_element_type})"
    ),
)
conv_general_dilated_p.jvp = partials(
    conv_general_dilated_p,
    lambda dx, ans, lhs, rhs, **params: conv_general_dilated_p.bind(dx, rhs, **params),
    lambda dy, ans, lhs, rhs, **params: conv_general_dilated_p.bind(lhs, dy, **params),
)
