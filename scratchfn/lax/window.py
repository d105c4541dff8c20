"""lax functions of sliding windows: padding by a word, and reduce_window.

Read next: `primitives/window.py`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from scratchfn import errors, tree
from scratchfn.core.array import as_value
from scratchfn.primitives.conv_types import dilated, positions
from scratchfn.primitives.window import Windows
from scratchfn.transforms import reduce as reduce_by

Shape = tuple[int, ...]
Padding = str | Sequence[tuple[int, int]]


def padtype_to_pads(
    in_shape: Sequence[int],
    window_shape: Sequence[int],
    window_strides: Sequence[int],
    padding: str,
) -> list[tuple[int, int]]:
    """The padding (low, high) of each axis that a word stands for.

    "VALID" is none. "SAME" is what gives size / stride windows, rounded up, the odd one at the high
    end; "SAME_LOWER" has it at the low end. Raises RuntimeError for another word.
    """
    word = padding.upper() if isinstance(padding, str) else padding
    if word not in ("SAME", "SAME_LOWER", "VALID"):
        error = RuntimeError if isinstance(padding, str) else TypeError
        why = "padding is a word, or a pair of numbers for each axis"
        write = 'padding="SAME", "SAME_LOWER" or "VALID"'
        raise error(errors.explain("windows with padding", f"padding={padding!r}", why, write))
    if word == "VALID":
        return [(0, 0)] * len(in_shape)
    if not len(in_shape) == len(window_shape) == len(window_strides):
        raise ValueError(
            errors.explain(
                f'windows with padding="{padding}"',
                f"{len(in_shape)} axes, windows {tuple(window_shape)}, "
                f"strides {tuple(window_strides)}",
                "a window has an extent and a stride along each axis",
                "(1, 3, 3, 1) with strides (1, 2, 2, 1) for images with features last",
            )
        )
    if any(stride < 1 for stride in window_strides):
        found, why = f"strides {tuple(window_strides)}", "windows begin at least one element apart"
        write = f"strides {tuple(max(stride, 1) for stride in window_strides)}"
        raise ValueError(errors.explain(f'windows with padding="{padding}"', found, why, write))
    pads = []
    for n, window, stride in zip(in_shape, window_shape, window_strides, strict=True):
        count = -(-n // stride)
        total = int(max((count - 1) * stride + window - n, 0))
        small, large = total // 2, total - total // 2
        pads.append((small, large) if word == "SAME" else (large, small))
    return pads


def reduce_window(
    operand: Any,
    init_value: Any,
    computation: Callable[[Any, Any], Any],
    window_dimensions: Sequence[int],
    window_strides: Sequence[int] | None = None,
    padding: Padding = "VALID",
    base_dilation: Sequence[int] | None = None,
    window_dilation: Sequence[int] | None = None,
) -> Any:
    """Combines the elements of every window of extent `window_dimensions`, and the init value, by
    `computation(accumulated, element)`.

    Windows begin `window_strides` apart; `base_dilation` spreads the operand and `window_dilation`
    the window. `operand` may be a pytree of arrays of one shape, and `init_value` of scalars.
    Padding and holes count as the init value. A sum, max or min that starts from its identity
    becomes reduce_window_sum, _max or _min. Raises TypeError where the numbers do not fit the axes.
    """
    flat, structure = tree.flatten(operand)
    inits, init_structure = tree.flatten(init_value)
    reduce_by.require_same_structure("lax.reduce_window", structure, init_structure)
    xs = list(map(as_value, flat))
    windows = _windows(
        xs[0].shape, window_dimensions, window_strides, padding, base_dilation, window_dilation
    )
    starts = list(map(as_value, inits))
    program = reduce_by.stage_computation("lax.reduce_window", computation, starts, structure)
    outs = reduce_by.reduce_window(xs, starts, program, windows)
    return tree.unflatten(structure, outs)


def _windows(
    shape: Shape,
    window: Sequence[int],
    strides: Sequence[int] | None,
    padding: Padding,
    base_dilation: Sequence[int] | None,
    window_dilation: Sequence[int] | None,
) -> Windows:
    window = tuple(map(operator.index, window))
    ones = (1,) * len(window)
    given = [
        ones if x is None else tuple(map(operator.index, x))
        for x in (strides, base_dilation, window_dilation)
    ]
    if isinstance(padding, str):
        padding = padtype_to_pads(shape, list(map(dilated, window, given[2])), given[0], padding)
    pads = tuple((operator.index(low), operator.index(high)) for low, high in padding)
    return Windows(window, given[0], pads, given[1], given[2])


def reduce_window_shape_tuple(
    operand_shape: Sequence[int],
    window_dimensions: Sequence[int],
    window_strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    base_dilation: Sequence[int] | None = None,
    window_dilation: Sequence[int] | None = None,
) -> Shape:
    """How many windows there are along each axis: the shape of a `reduce_window`."""
    ones = (1,) * len(operand_shape)
    return tuple(
        positions(dilated(n, base) + low + high, dilated(w, dilation), stride)
        for n, w, stride, (low, high), base, dilation in zip(
            operand_shape, window_dimensions, window_strides, padding,
            base_dilation or ones, window_dilation or ones,
            strict=True,
        )
    )  # fmt: skip
