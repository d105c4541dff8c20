"""Dimension numbers: how the axes of an operand, of indices and of windows belong together.

gather reads windows of its operand, one for each vector along the last axis of the indices, and the
scatters write them. The numbers say, with gather's names:

- `start_index_map`: the operand's axis that each component of an index vector moves along,
- `collapsed_slice_dims`: the operand's axes that a window, being of extent 1 there, does not keep,
- `operand_batching_dims`, `start_indices_batching_dims`: axes that operand and indices have in
  common; a window is taken from the operand's entry of the same number,
- `offset_dims`: where the kept axes of the windows stand in the result (the updates, in a scatter);
  its other axes are those of the indices but the last.

A scatter has the same numbers under other names, in the same order. Source: XLA operation
semantics, Gather and Scatter.

Read next: `primitives/indexing.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.avals import ShapedArray
from scratchfn.core.params import GatherDimensionNumbers, ScatterDimensionNumbers

Axes = tuple[int, ...]
Fault = tuple[str, str]  # what was found, and why it cannot be


@functools.lru_cache(maxsize=4096)
def gathered_shape(
    name: str,
    operand: ShapedArray,
    indices: ShapedArray,
    window: Axes,
    numbers: GatherDimensionNumbers,
) -> Axes:
    """The shape of the windows of extent `window`, put together. Raises TypeError with the first
    fault found, ValueError for indices that are no integers. `name` is the operation's."""
    if dtypes.kind(indices.dtype) not in "iu":
        asked, found = f"{name} of {operand} at {indices}", f"indices of type {indices}"
        write = "indices.astype(jnp.int32)"
        raise ValueError(errors.explain(asked, found, "places are counted", write))
    for found, why in _faults(operand, indices, window, numbers):
        asked = f"{name} of {operand} at {indices}, windows of extent {window}, {numbers}"
        write = "x[indices], x.at[indices].add(y) or jnp.take, which find the dimension numbers"
        raise TypeError(errors.explain(asked, found, why, write))
    dropped = {*numbers.collapsed_slice_dims, *numbers.operand_batching_dims}
    kept = iter([size for d, size in enumerate(window) if d not in dropped])
    batch = iter(indices.shape[:-1])
    ndim = indices.ndim - 1 + operand.ndim - len(dropped)
    return tuple(next(kept if d in numbers.offset_dims else batch) for d in range(ndim))


def _faults(
    operand: ShapedArray, indices: ShapedArray, window: Axes, numbers: GatherDimensionNumbers
) -> Iterator[Fault]:
    """What is wrong. Each check relies on those before it, so the first fault is the one."""
    if not indices.ndim:
        yield f"indices of type {indices}", "their last axis must hold the index vectors"
    yield from _faults_of_operand_axes(operand, indices, numbers)
    yield from _faults_of_batch_axes(operand, indices, numbers)
    collapsed, batch = numbers.collapsed_slice_dims, numbers.operand_batching_dims
    if len(window) != operand.ndim:
        yield f"windows of extent {window}", f"the operand has {operand.ndim} axes"
    limits = operand.shape if indices.size else window  # where nothing is read, anything fits
    if any(not 0 <= size <= limit for size, limit in zip(window, limits, strict=True)):
        yield f"windows of extent {window}", "they must fit into the operand"
    if any(window[d] != 1 for d in collapsed) or any(window[d] > 1 for d in batch):
        yield f"windows of extent {window}", "their extent is 1 along collapsed and batch axes"
    kept = operand.ndim - len(collapsed) - len(batch)
    ndim = indices.ndim - 1 + kept
    if len(numbers.offset_dims) != kept or not _rising(numbers.offset_dims, ndim):
        yield (
            f"kept axes of the windows at {numbers.offset_dims}",
            f"these must be {kept} of the axes 0 to {ndim - 1}, in rising order",
        )


def _faults_of_operand_axes(
    operand: ShapedArray, indices: ShapedArray, numbers: GatherDimensionNumbers
) -> Iterator[Fault]:
    _, collapsed, start_map, batch, _ = numbers
    if len(start_map) != indices.shape[-1] or not _distinct(start_map, operand.ndim):
        yield (
            f"index vectors of length {indices.shape[-1]} for axes {start_map} of the operand",
            f"each component belongs to one of the axes 0 to {operand.ndim - 1}",
        )
    if not (_rising(collapsed, operand.ndim) and _rising(batch, operand.ndim)):
        yield (
            f"collapsed axes {collapsed} and batch axes {batch} of the operand",
            f"they must be among 0 to {operand.ndim - 1}, in rising order",
        )
    if not set(batch).isdisjoint((*collapsed, *start_map)):
        yield f"batch axes {batch} of the operand", "they are neither collapsed nor indexed"


def _faults_of_batch_axes(
    operand: ShapedArray, indices: ShapedArray, numbers: GatherDimensionNumbers
) -> Iterator[Fault]:
    *_, of_operand, of_indices = numbers
    found = f"batch axes {of_operand} of the operand and {of_indices} of the indices"
    if len(of_operand) != len(of_indices) or not _distinct(of_indices, indices.ndim - 1):
        yield found, f"they come in pairs, those of the indices from 0 to {indices.ndim - 2}"
    pairs = zip(of_operand, of_indices, strict=True)
    if any(operand.shape[d] != indices.shape[i] for d, i in pairs):
        yield found, "those of a pair must be of the same size"


def _distinct(axes: Sequence[int], ndim: int) -> bool:
    return len(set(axes)) == len(axes) and all(0 <= d < ndim for d in axes)


def _rising(axes: Sequence[int], ndim: int) -> bool:
    return _distinct(axes, ndim) and list(axes) == sorted(axes)


def as_scatter_numbers(numbers: GatherDimensionNumbers) -> ScatterDimensionNumbers:
    """The scatter that writes where a gather reads."""
    return ScatterDimensionNumbers(*numbers)


def as_gather_numbers(numbers: ScatterDimensionNumbers) -> GatherDimensionNumbers:
    """The gather that reads where a scatter writes."""
    return GatherDimensionNumbers(*numbers)


def batched_numbers(
    numbers: GatherDimensionNumbers, operand_batched: bool, indices_batched: bool
) -> GatherDimensionNumbers:
    """The numbers once the operand, the indices or both have a new first axis.

    The result has one too. Common to both, it is a batch axis. The operand's alone, it is an axis
    of the windows, which span it. The indices' alone, it is one more axis of theirs.
    """
    offsets, collapsed, start_map, of_operand, of_indices = numbers
    offsets = _shifted(offsets)
    if operand_batched:
        collapsed, start_map = _shifted(collapsed), _shifted(start_map)
        of_operand = _shifted(of_operand)
    if indices_batched:
        of_indices = _shifted(of_indices)
    if operand_batched and indices_batched:
        of_operand, of_indices = (0, *of_operand), (0, *of_indices)
    elif operand_batched:
        offsets = (0, *offsets)
    return GatherDimensionNumbers(offsets, collapsed, start_map, of_operand, of_indices)


def _shifted(axes: Axes) -> Axes:
    return tuple(d + 1 for d in axes)
