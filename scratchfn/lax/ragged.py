"""Products of matrices by groups of rows: each group of rows of one array has a matrix of its own.

    ragged_dot(x, w, sizes)     x: [m, k], w: [g, k, n]; the first sizes[0] rows by w[0], and so on

That is a mixture of experts once tokens are sorted by expert. Rows, or whatever else is ragged, are
marked by group, and the marks contracted along with the rest: so derivatives and batching follow
from `dot_general`'s own.

Read next: `lax/contraction.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.array import as_value
from scratchfn.lax.contraction import PrecisionLike, dot_general
from scratchfn.lax.elementwise import select, sub
from scratchfn.lax.reduction import cumsum
from scratchfn.primitives.base import broadcast_in_dim, full, move_axis, transpose
from scratchfn.primitives.logic import bitwise_and, ge, lt
from scratchfn.primitives.structural import iota

Axes = tuple[int, ...]


class RaggedDotDimensionNumbers:
    """Which axes meet in a ragged product: `dot_dimension_numbers` as dot_general's, the one axis
    of `lhs` that is ragged, and, where that is one of rows, the axis of `rhs` with the groups."""

    def __init__(
        self,
        dot_dimension_numbers: Any,
        lhs_ragged_dimensions: Sequence[int],
        rhs_group_dimensions: Sequence[int],
    ):
        contracting, batch = dot_dimension_numbers
        self.dot_dimension_numbers: tuple[tuple[Axes, Axes], tuple[Axes, Axes]] = (
            (tuple(contracting[0]), tuple(contracting[1])), (tuple(batch[0]), tuple(batch[1]))
        )  # fmt: skip
        self.lhs_ragged_dimensions = tuple(lhs_ragged_dimensions)
        self.rhs_group_dimensions = tuple(rhs_group_dimensions)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RaggedDotDimensionNumbers) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    def __repr__(self) -> str:
        parts = ", ".join(f"{name}={value}" for name, value in vars(self).items())
        return f"RaggedDotDimensionNumbers({parts})"


def ragged_dot(
    lhs: Any,
    rhs: Any,
    group_sizes: Any,
    precision: PrecisionLike = None,
    preferred_element_type: Any = None,
    group_offset: Any = None,
    out_sharding: Any = None,
) -> Any:
    """The rows of `lhs`, f[m, k], by the matrices of `rhs`, f[g, k, n]: the first group_sizes[0] of
    them by rhs[0], the next group_sizes[1] by rhs[1], and so on; rows beyond all give zeros.

    Args:
      group_sizes: ints [g].
      precision, preferred_element_type: as `lax.dot`'s.

    Returns:
      f[m, n]
    """
    numbers = RaggedDotDimensionNumbers((((1,), (1,)), ((), ())), [0], [0])
    return ragged_dot_general(
        lhs, rhs, group_sizes, numbers, precision, preferred_element_type, group_offset
    )


def ragged_dot_general(
    lhs: Any,
    rhs: Any,
    group_sizes: Any,
    ragged_dot_dimension_numbers: RaggedDotDimensionNumbers,
    precision: PrecisionLike = None,
    preferred_element_type: Any = None,
    group_offset: Any = None,
    out_sharding: Any = None,
) -> Any:
    """`dot_general` where one axis of `lhs` falls into groups, one after the other. If that axis

    - is kept, each group has its own `rhs`: [b, m, k], [g, b, k, n] -> [b, m, n];
    - is contracted, each group gives its own result: [b, m, k], [b, k, n] -> [g, b, m, n];
    - is a batch axis, groups change nothing: [b, m, k], [b, k, n] -> [b, m, n].

    Args:
      group_sizes: ints [g], or [..., g] with the batch axes of lhs, and those of the ragged axis's
        own kind that come before it, in front.

    Raises:
      TypeError: dimension numbers or sizes that do not fit.
      NotImplementedError: a group_offset.
    """
    if group_offset is not None:
        raise NotImplementedError("ragged_dot_general: there is no group_offset, as in JAX's own")
    lhs, rhs, sizes = as_value(lhs), as_value(rhs), as_value(group_sizes)
    numbers = ragged_dot_dimension_numbers
    (lhs_contract, rhs_contract), (lhs_batch, rhs_batch) = numbers.dot_dimension_numbers
    ragged = _check(lhs, rhs, sizes, numbers)
    options = {"precision": precision, "preferred_element_type": preferred_element_type}
    if ragged in lhs_batch:
        return dot_general(lhs, rhs, numbers.dot_dimension_numbers, **options)
    kind = lhs_contract if ragged in lhs_contract else _kept(lhs.ndim, lhs_contract, lhs_batch)
    prefix = (*lhs_batch, *kind[: kind.index(ragged)]) if sizes.ndim > 1 else ()
    marked = _by_group(lhs, sizes, ragged, prefix)  # [g, *lhs.shape]
    lhs_contract, lhs_batch = (tuple(a + 1 for a in axes) for axes in (lhs_contract, lhs_batch))
    if ragged + 1 not in lhs_contract:
        lhs_contract, rhs_contract = (
            (0, *lhs_contract), (numbers.rhs_group_dimensions[0], *rhs_contract)
        )  # fmt: skip
        both = ((lhs_contract, rhs_contract), (lhs_batch, rhs_batch))
        return dot_general(marked, rhs, both, **options)
    both = ((lhs_contract, rhs_contract), (lhs_batch, rhs_batch))
    return move_axis(dot_general(marked, rhs, both, **options), len(lhs_batch), 0)


def _kept(ndim: int, *used: Axes) -> Axes:
    return tuple(axis for axis in range(ndim) if not any(axis in axes for axes in used))


def _by_group(x: Any, sizes: Any, ragged: int, prefix: Axes) -> Any:
    """x once for each group, zeros in the places of others: [g, *x.shape]. `sizes` has the axes
    `prefix` of x, then that of the groups."""
    ends = cumsum(sizes, axis=sizes.ndim - 1)
    starts = sub(ends, sizes)
    order = sorted(range(len(prefix)), key=prefix.__getitem__)  # axes in the order that x has them
    axes = (sizes.ndim - 1, *(order if sizes.ndim > 1 else ()))
    shape = (sizes.shape[-1], *x.shape)

    def spread(bound: Any) -> Any:
        shown = (0, *(prefix[i] + 1 for i in order))
        return broadcast_in_dim(transpose(bound, axes), shape, shown)

    index = broadcast_in_dim(iota(sizes.dtype, (x.shape[ragged],)), shape, (ragged + 1,))
    inside = bitwise_and(ge(index, spread(starts)), lt(index, spread(ends)))
    every = broadcast_in_dim(x, shape, tuple(range(1, x.ndim + 1)))
    return select(inside, every, full(shape, 0, x.dtype))


def _check(lhs: Any, rhs: Any, sizes: Any, numbers: RaggedDotDimensionNumbers) -> int:
    """The ragged axis. Raises TypeError for numbers and sizes that do not fit."""
    found = f"lhs {lhs.aval}, rhs {rhs.aval}, group_sizes {sizes.aval} and {numbers}"

    def wrong(why: str, write: str) -> TypeError:
        return TypeError(errors.explain("ragged_dot_general", found, why, write))

    if len(numbers.lhs_ragged_dimensions) != 1:
        raise wrong("one axis of lhs is ragged", "lhs_ragged_dimensions=[0]")
    ragged = numbers.lhs_ragged_dimensions[0]
    if not 0 <= ragged < lhs.ndim:
        raise wrong("the ragged axis is not one of lhs's", "lhs_ragged_dimensions=[0]")
    if dtypes.kind(sizes.dtype) not in "iu" or sizes.ndim == 0:
        raise wrong("sizes of groups are integers, along an axis", "group_sizes of type i32[g]")
    (lhs_contract, rhs_contract), (lhs_batch, rhs_batch) = numbers.dot_dimension_numbers
    groups = numbers.rhs_group_dimensions
    if (ragged in lhs_contract or ragged in lhs_batch) and groups:
        raise wrong("rhs has groups only where rows of lhs are kept", "rhs_group_dimensions=[]")
    if ragged in lhs_batch:
        return ragged
    kind = lhs_contract if ragged in lhs_contract else _kept(lhs.ndim, lhs_contract, lhs_batch)
    if kind is not lhs_contract:
        count = sizes.shape[-1]
        free = _kept(rhs.ndim, rhs_contract, rhs_batch)
        if len(groups) != 1 or groups[0] not in free or rhs.shape[groups[0]] != count:
            raise wrong(f"rhs has an axis of {count} groups", "rhs_group_dimensions=[0]")
    outer = [lhs.shape[axis] for axis in (*lhs_batch, *kind[: kind.index(ragged)])]
    if sizes.ndim > 1 and sizes.shape[:-1] != tuple(outer):
        raise wrong(f"the sizes in front of the groups must be {outer}", "group_sizes [g]")
    return ragged
