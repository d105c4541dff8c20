"""Dimension numbers of convolutions: letters for axes, and the shapes that follow from them.

Read next: `lax/convolution.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scratchfn import errors
from scratchfn.core.params import ConvDimensionNumbers
from scratchfn.lax.window import padtype_to_pads
from scratchfn.primitives.conv_types import positions

Shape = tuple[int, ...]
ConvGeneralDilatedDimensionNumbers = ConvDimensionNumbers | tuple[str, str, str] | None

# The letters with a meaning, for lhs, rhs and the result; the others are axes of space.
_LETTERS = (("N", "C"), ("O", "I"), ("N", "C"))


def conv_dimension_numbers(
    lhs_shape: Sequence[int],
    rhs_shape: Sequence[int],
    dimension_numbers: ConvGeneralDilatedDimensionNumbers,
) -> ConvDimensionNumbers:
    """Letters as positions of axes: (batch, feature, *space) in lhs and the result, (out, in,
    *space) in rhs, where space is in the order of rhs. Raises TypeError for letters that do not
    name the axes of arrays of these shapes."""
    if isinstance(dimension_numbers, ConvDimensionNumbers):
        return dimension_numbers
    ndim = len(lhs_shape)
    if ndim != len(rhs_shape):
        found = f"an lhs of {ndim} axes, {tuple(lhs_shape)}, and a kernel of {len(rhs_shape)}, "
        why = "both have two axes (batch and feature, out and in) and one for each axis of space"
        write = "x[None] where the batch axis is missing"
        raise TypeError(errors.explain("a convolution", f"{found}{tuple(rhs_shape)}", why, write))
    if dimension_numbers is None:
        return ConvDimensionNumbers(*(tuple(range(ndim)),) * 3)
    if not isinstance(dimension_numbers, (tuple, list)) or len(dimension_numbers) != 3:
        raise _wrong(dimension_numbers, "it is a string for each of lhs, rhs and the result")
    if not all(isinstance(spec, str) for spec in dimension_numbers):
        raise _wrong(dimension_numbers, "its elements are strings, a letter for each axis")
    for spec in dimension_numbers:
        if len(spec) != ndim:
            why = f"{spec!r} names {len(spec)} axes, the operands, {lhs_shape} and {rhs_shape}, "
            raise _wrong(dimension_numbers, f"{why}have {ndim}")
    return ConvDimensionNumbers(*conv_general_permutations(dimension_numbers))


def _wrong(dimension_numbers: Any, why: str) -> TypeError:
    return TypeError(
        errors.explain(
            "a convolution",
            f"dimension_numbers={dimension_numbers!r}",
            why,
            'dimension_numbers=("NHWC", "HWIO", "NHWC") for images with features last',
        )
    )


def conv_general_permutations(dimension_numbers: Sequence[str]) -> tuple[Shape, Shape, Shape]:
    """The positions of the letters. Raises TypeError unless each string has its two letters (N and
    C, or O and I) once, and all three the same others."""
    rhs = dimension_numbers[1]
    for spec, letters in zip(dimension_numbers, _LETTERS, strict=True):
        if any(spec.count(letter) != 1 for letter in letters):
            raise _wrong(dimension_numbers, f"{spec!r} must have {' and '.join(letters)} once")
        if len(set(spec)) != len(spec):
            raise _wrong(dimension_numbers, f"{spec!r} has a letter twice")
    space = [set(spec) - set(pair) for spec, pair in zip(dimension_numbers, _LETTERS, strict=True)]
    if not space[0] == space[1] == space[2]:
        raise _wrong(dimension_numbers, "the letters for axes of space must be the same in all")

    def places(spec: str, letters: tuple[str, str]) -> Shape:
        spatial = [letter for letter in rhs if letter not in _LETTERS[1]]
        return tuple(spec.index(letter) for letter in [*letters, *spatial])

    lhs_spec, rhs_spec, out_spec = map(places, dimension_numbers, _LETTERS)
    return lhs_spec, rhs_spec, out_spec


# -- shapes ---------------------------------------------------------------------------------------


def conv_shape_tuple(
    lhs_shape: Sequence[int],
    rhs_shape: Sequence[int],
    strides: Sequence[int],
    pads: str | Sequence[tuple[int, int]],
    batch_group_count: int = 1,
) -> Shape:
    """The shape of a convolution without dilations, [n, f, *space], of an lhs [n, c, *space] with a
    kernel [f, c, *space]."""
    if isinstance(pads, str):
        pads = padtype_to_pads(lhs_shape[2:], rhs_shape[2:], strides, pads)
    if len(pads) != len(lhs_shape) - 2:
        found = f"{len(pads)} pairs of padding for {len(lhs_shape) - 2} axes of space"
        why, write = "each axis of space has a padding on either side", "pads=((1, 1), (1, 1))"
        raise TypeError(errors.explain("lax.conv_shape_tuple", found, why, write))
    space = [
        positions(n + low + high, window, stride)
        for n, window, stride, (low, high) in zip(
            lhs_shape[2:], rhs_shape[2:], strides, pads, strict=True
        )
    ]
    return (lhs_shape[0] // batch_group_count, rhs_shape[0], *space)


def conv_general_shape_tuple(
    lhs_shape: Sequence[int],
    rhs_shape: Sequence[int],
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    dimension_numbers: Sequence[str],
) -> Shape:
    """`conv_shape_tuple` in any layout."""
    lhs_spec, rhs_spec, out_spec = conv_general_permutations(dimension_numbers)
    lhs, rhs = _take(lhs_shape, lhs_spec), _take(rhs_shape, rhs_spec)
    return _put(conv_shape_tuple(lhs, rhs, window_strides, padding), out_spec)


def transposed_padding(window: int, stride: int, padding: Any) -> tuple[int, int]:
    """Padding for the way back along an axis, from that of the way there."""
    if padding == "SAME":
        total = window + stride - 2
        low = window - 1 if stride > window - 1 else -(-total // 2)
        return low, total - low
    if padding == "VALID":
        return window - 1, max(stride - 1, window - 1)
    low, high = padding
    return window - 1 - low, window - 1 - high


def conv_transpose_shape_tuple(
    lhs_shape: Sequence[int],
    rhs_shape: Sequence[int],
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    dimension_numbers: Sequence[str],
) -> Shape:
    """The shape of a `conv_transpose` in any layout; pairs of padding are its own."""
    lhs_spec, rhs_spec, out_spec = conv_general_permutations(dimension_numbers)
    lhs, rhs = _take(lhs_shape, lhs_spec), _take(rhs_shape, rhs_spec)
    if isinstance(padding, str):
        padding = [
            transposed_padding(k, s, padding) for k, s in zip(rhs[2:], window_strides, strict=True)
        ]
    space = [
        (n - 1) * s + 1 + low + high - k + 1
        for n, k, s, (low, high) in zip(lhs[2:], rhs[2:], window_strides, padding, strict=True)
    ]
    return _put((lhs[0], rhs[0], *space), out_spec)


def _take(shape: Sequence[int], spec: Shape) -> Shape:
    return tuple(shape[axis] for axis in spec)


def _put(shape: Shape, spec: Shape) -> Shape:
    placed = dict(zip(spec, shape, strict=True))
    return tuple(placed[axis] for axis in range(len(shape)))
