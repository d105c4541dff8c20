"""sort and top_k: elements in order. Their tangents go where the elements went: along with the
elements their positions are computed, and tangents are gathered there.

Read next: `primitives/dot.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.backends.numpy.kernels import sort as kernels
from scratchfn.core import dtypes
from scratchfn.core.avals import ShapedArray
from scratchfn.core.params import GatherDimensionNumbers, GatherScatterMode
from scratchfn.core.tangents import Zero, zero_tangent
from scratchfn.core.template import expression, kernel
from scratchfn.core.trace import Primitive
from scratchfn.primitives.base import expand_dims, instantiate_axis, move_axis
from scratchfn.primitives.check import require_kind
from scratchfn.primitives.indexing import gather
from scratchfn.primitives.structural import iota


def take_along(x: Any, positions: Any, axis: int) -> Any:
    """The elements of `x` at positions along an axis, given for each place along the others."""
    others = tuple(a for a in range(x.ndim) if a != axis)
    numbers = GatherDimensionNumbers(
        offset_dims=(),
        collapsed_slice_dims=(axis,),
        start_index_map=(axis,),
        operand_batching_dims=others,
        start_indices_batching_dims=others,
    )
    return gather(
        x,
        expand_dims(positions, [x.ndim]),
        numbers,
        (1,) * x.ndim,
        mode=GatherScatterMode.PROMISE_IN_BOUNDS,
    )


# -- sort -----------------------------------------------------------------------------------------


def _sort_aval(
    *xs: ShapedArray, dimension: int, is_stable: bool, num_keys: int
) -> list[ShapedArray]:
    what = f"sort of {', '.join(map(str, xs))}"
    if len({x.shape for x in xs}) > 1:
        raise TypeError(
            errors.explain(
                what,
                "operands of different shapes",
                "all are put into the order of the first",
                "jnp.broadcast_to(x, shape) for an operand that is the same along some axes",
            )
        )
    if not 1 <= num_keys <= len(xs):
        raise ValueError(
            errors.explain(
                what,
                f"num_keys={num_keys}",
                f"of {len(xs)} operands, the first 1 to {len(xs)} can decide the order",
                f"num_keys={len(xs)} to compare all",
            )
        )
    if not 0 <= dimension < xs[0].ndim:
        raise ValueError(
            errors.explain(
                what,
                f"dimension={dimension}, for arrays of {xs[0].ndim} axes",
                "elements are put in order along an axis that they have",
                "dimension=-1 for the last axis; x.reshape(-1) to sort all elements",
            )
        )
    return list(xs)


def _sort_jvp(primals: Any, tangents: Any, *, dimension: int, **params: Any) -> Any:
    if primals[0].size == 0:
        outs = sort_p.bind(*primals, dimension=dimension, **params)
        return outs, [zero_tangent(x) for x in outs]
    position = iota(np.dtype(np.uint32), primals[0].shape, dimension)
    *outs, order = sort_p.bind(*primals, position, dimension=dimension, **params)
    moved = [t if type(t) is Zero else take_along(t, order, dimension) for t in tangents]
    return outs, moved


def _sort_batch(size: int, args: Any, dims: Any, *, dimension: int, **params: Any) -> Any:
    xs = [instantiate_axis(x, d, size) for x, d in zip(args, dims, strict=True)]
    return sort_p.bind(*xs, dimension=dimension + 1, **params), [0] * len(xs)


kernel(kernels.sort)

sort_p = Primitive(
    "sort",
    many=True,
    aval=_sort_aval,
    jvp=_sort_jvp,
    batch=_sort_batch,
    **expression("sort({args}, dimension={dimension}, is_stable={is_stable}, num_keys={num_keys})"),
)


def sort(operands: Sequence[Any], dimension: int, num_keys: int = 1) -> list[Any]:
    """All operands in the order of the first `num_keys` of them, along an axis."""
    return sort_p.bind(*operands, dimension=dimension, is_stable=True, num_keys=num_keys)


# -- top_k ----------------------------------------------------------------------------------------


def _top_k_aval(x: ShapedArray, *, k: int, axis: int) -> list[ShapedArray]:
    what = f"top_k of {x} with k={k} along axis {axis}"
    if not 0 <= axis < x.ndim:
        raise ValueError(
            errors.explain(
                what,
                f"an array of {x.ndim} axes",
                "the greatest elements are sought along an axis that it has",
                "axis=-1 for the last axis; x.reshape(-1) for all elements",
            )
        )
    if dtypes.kind(x.dtype) == "c":
        raise ValueError(
            errors.explain(
                what,
                "complex numbers",
                "complex numbers have no order",
                "lax.top_k(jnp.abs(x), k) for the greatest in size",
            )
        )
    require_kind("top_k", [x], "biuf")
    if not 0 <= k <= x.shape[axis]:
        raise ValueError(
            errors.explain(
                what,
                f"{x.shape[axis]} elements along the axis",
                f"there are 0 to {x.shape[axis]} elements to choose",
                f"lax.top_k(x, {min(max(k, 0), x.shape[axis])})",
            )
        )
    shape = (*x.shape[:axis], k, *x.shape[axis + 1 :])
    return [x.update(shape=shape), ShapedArray(shape, dtypes.int32, x.weak_type)]


def _top_k_jvp(primals: Any, tangents: Any, *, k: int, axis: int) -> Any:
    (x,), (dx,) = primals, tangents
    values, positions = top_k(x, k, axis)
    if type(dx) is Zero or values.size == 0:
        return [values, positions], [zero_tangent(values), zero_tangent(positions)]
    return [values, positions], [take_along(dx, positions, axis), zero_tangent(positions)]


def _top_k_batch(size: int, args: Any, dims: Any, *, k: int, axis: int) -> Any:
    return top_k(move_axis(args[0], dims[0], 0), k, axis + 1), [0, 0]


kernel(kernels.top_k)

top_k_p = Primitive(
    "top_k",
    many=True,
    aval=_top_k_aval,
    jvp=_top_k_jvp,
    batch=_top_k_batch,
    **expression("top_k({0}, k={k}, axis={axis})"),
)


def top_k(operand: Any, k: int, axis: int) -> list[Any]:
    """The `k` greatest elements along an axis, greatest first, and their positions."""
    return top_k_p.bind(operand, k=k, axis=axis)
