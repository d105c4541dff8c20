"""What a convolution demands of its operands, and the type of its result.

The checks come in the order in which a reader would make them: ranks, the lists with an entry for
each spatial axis, then features and groups. Read next: `primitives/conv.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core.avals import ShapedArray
from scratchfn.core.params import ConvDimensionNumbers
from scratchfn.primitives.check import require_kind

Axes = tuple[int, ...]


def dilated(size: int, dilation: int) -> int:
    """The length of an axis with `dilation - 1` holes between neighbours."""
    return (size - 1) * dilation + 1 if size else 0


def positions(size: int, window: int, stride: int) -> int:
    """In how many places a window of that length fits."""
    return max(0, (size - window) // stride + 1)


def conv_aval(
    lhs: ShapedArray,
    rhs: ShapedArray,
    *,
    window_strides: Axes,
    padding: Sequence[tuple[int, int]],
    lhs_dilation: Axes,
    rhs_dilation: Axes,
    dimension_numbers: ConvDimensionNumbers,
    feature_group_count: int,
    batch_group_count: int,
    preferred_element_type: np.dtype | None = None,
    **_: Any,
) -> ShapedArray:
    """The result's type. Raises TypeError or ValueError naming what does not fit."""
    require_kind("conv_general_dilated", [lhs, rhs], "biufc")
    what = f"a convolution of {lhs} with a kernel {rhs}"
    if lhs.dtype != rhs.dtype:
        found = f"dtypes {lhs.dtype.name} and {rhs.dtype.name}"
        why, write = "lax does not promote its arguments", f"rhs.astype(jnp.{lhs.dtype.name})"
        raise TypeError(errors.explain(what, found, why, write))
    _check_ranks(what, lhs, rhs, dimension_numbers)
    spatial = lhs.ndim - 2
    _check_lists(
        what,
        spatial,
        {"window_strides": window_strides, "lhs_dilation": lhs_dilation,
         "rhs_dilation": rhs_dilation},
    )  # fmt: skip
    if len(padding) != spatial:
        raise _wrong_number(what, "padding", padding, spatial, TypeError)
    lhs_spec, rhs_spec, out_spec = dimension_numbers
    groups = {"feature_group_count": feature_group_count, "batch_group_count": batch_group_count}
    _check_groups(what, lhs.shape[lhs_spec[0]], rhs.shape[rhs_spec[0]], groups)
    _check_features(what, lhs, rhs, dimension_numbers, feature_group_count)
    sizes = [lhs.shape[lhs_spec[0]] // batch_group_count, rhs.shape[rhs_spec[0]]]
    for i, (low, high) in enumerate(padding):
        size = dilated(lhs.shape[lhs_spec[2 + i]], lhs_dilation[i]) + low + high
        if size < 0:
            raise _cropped_to_nothing(what, padding, -size)
        window = dilated(rhs.shape[rhs_spec[2 + i]], rhs_dilation[i])
        sizes.append(positions(size, window, window_strides[i]))
    shape = [0] * len(sizes)
    for axis, size in zip(out_spec, sizes, strict=True):
        shape[axis] = size
    dtype = _result_dtype(what, lhs.dtype, preferred_element_type)
    return ShapedArray(tuple(shape), dtype, lhs.weak_type and rhs.weak_type)


def _result_dtype(what: str, dtype: np.dtype, preferred: np.dtype | None) -> np.dtype:
    if preferred is None or preferred == dtype:
        return dtype
    if preferred.itemsize < dtype.itemsize:
        raise TypeError(
            errors.explain(
                what,
                f"preferred_element_type={preferred.name}",
                f"the result would be narrower than the operands, {dtype.name}",
                f"lax.conv_general_dilated(...).astype(jnp.{preferred.name})",
            )
        )
    return preferred


def _check_ranks(
    what: str, lhs: ShapedArray, rhs: ShapedArray, numbers: ConvDimensionNumbers
) -> None:
    if lhs.ndim != rhs.ndim:
        raise TypeError(
            errors.explain(
                what,
                f"an lhs of {lhs.ndim} axes and a kernel of {rhs.ndim}",
                "both have two axes (batch and feature, out and in) and one for each axis of space",
                "lax.conv_general_dilated(x[None], w, ...) where the batch axis is missing",
            )
        )
    for name, spec in numbers._asdict().items():
        if sorted(spec) != list(range(lhs.ndim)) or lhs.ndim < 2:
            raise ValueError(
                errors.explain(
                    what,
                    f"{name}={tuple(spec)} in dimension_numbers",
                    f"it must name each of the axes 0 to {lhs.ndim - 1} once, at least two",
                    "dimension_numbers=('NHWC', 'HWIO', 'NHWC'), with a letter for each axis",
                )
            )


def _wrong_number(
    what: str, name: str, value: Sequence[Any], spatial: int, error: type[Exception]
) -> Exception:
    return error(
        errors.explain(
            what,
            f"{name}={tuple(value)}, {len(value)} entries",
            f"the operands have {spatial} axes of space, each with an entry of its own",
            f"{name}=({', '.join([str(value[0] if len(value) else 1)] * spatial)})",
        )
    )


def _cropped_to_nothing(what: str, padding: Sequence[tuple[int, int]], excess: int) -> Exception:
    found = f"padding={tuple(padding)}"
    why = f"negative padding crops, and here it crops {excess} more than there are"
    return ValueError(errors.explain(what, found, why, "padding of -1 to drop one element"))


def _check_lists(what: str, spatial: int, lists: dict[str, Axes]) -> None:
    """Strides and dilations: one for each axis of space, all positive."""
    for name, value in lists.items():
        if len(value) != spatial:
            error = ValueError if name == "window_strides" else TypeError
            raise _wrong_number(what, name, value, spatial, error)
        if any(entry < 1 for entry in value):
            error = ValueError if name == "window_strides" else TypeError
            raise error(
                errors.explain(
                    what,
                    f"{name}={tuple(value)}",
                    "strides and dilations are positive: 1 moves, or spreads, by one element",
                    f"{name}={tuple(max(entry, 1) for entry in value)}",
                )
            )


def _check_groups(what: str, n: int, f: int, groups: dict[str, int]) -> None:
    """At least one group, of one kind, of equal size: `n` examples, `f` output features."""
    for name, count in groups.items():
        if count < 1:
            reason = "all that is not grouped is one group"
            raise ValueError(errors.explain(what, f"{name}={count}", reason, f"{name}=1"))
    if all(count > 1 for count in groups.values()):
        raise ValueError(
            errors.explain(
                what,
                " and ".join(f"{name}={count}" for name, count in groups.items()),
                "only one of the two can be grouped",
                "feature_group_count alone; batch_group_count occurs in gradients of kernels",
            )
        )
    for name, count in groups.items():
        if f % count or (name == "batch_group_count" and n % count):
            size, of = (f, "output features") if f % count else (n, "examples")
            raise ValueError(
                errors.explain(
                    what,
                    f"{name}={count} and {size} {of}",
                    f"{size} is not a multiple of {count}, so the groups would be unequal",
                    f"{name}={max(d for d in range(1, count) if size % d == 0)}",
                )
            )


def _check_features(
    what: str, lhs: ShapedArray, rhs: ShapedArray, numbers: ConvDimensionNumbers, groups: int
) -> None:
    """As many features in lhs as the kernel takes, in every group."""
    axis, kernel_axis = numbers.lhs_spec[1], numbers.rhs_spec[1]
    c, kernel_c = lhs.shape[axis], rhs.shape[kernel_axis]
    if c == groups * kernel_c:
        return
    grouped = f" in {groups} groups" if groups > 1 else ""
    raise ValueError(
        errors.explain(
            what,
            f"{c} features (axis {axis} of {lhs}){grouped}, and a kernel that takes {kernel_c} "
            f"(axis {kernel_axis} of {rhs})",
            "each output feature is a sum over all features of its group; or the axes are not "
            "where dimension_numbers says",
            f"a kernel that takes {c // groups}, or dimension_numbers=('NHWC', 'HWIO', 'NHWC') if "
            "features are the last axis",
        )
    )
