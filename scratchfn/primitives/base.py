"""The linear primitives that the rules of all others are made of: broadcasting and summing, which
transpose into each other, reshaping, permuting, and adding cotangents.

Beside them stand the helpers that rules use most: `zeros`, `instantiate`, `unbroadcast`,
`move_axis`.

Read next: `primitives/rules.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core.array import Array
from scratchfn.core.avals import ShapedArray
from scratchfn.core.tangents import Zero
from scratchfn.core.template import expression, kernel
from scratchfn.core.trace import Primitive
from scratchfn.primitives.check import (
    broadcast_shape,
    require_equal_dtypes,
    require_kind,
    require_sizes,
)

Axes = tuple[int, ...]


def linear_jvp(prim: Primitive) -> Any:
    """The jvp rule of a primitive that is linear in all its arguments together: it maps tangents as
    it maps values."""

    def jvp(primals: Sequence[Any], tangents: Sequence[Any], **params: Any) -> tuple[Any, Any]:
        ans = prim.bind(*primals, **params)
        return ans, prim.bind(*map(instantiate, tangents), **params)

    return jvp


# -- broadcast_in_dim: the result's axis broadcast_dimensions[i] is the operand's axis i ----------


@kernel
def broadcast_in_dim_kernel(x: np.ndarray, shape: Axes, broadcast_dimensions: Axes) -> np.ndarray:
    if x.ndim:
        sizes = [1] * len(shape)
        for axis, size in zip(broadcast_dimensions, x.shape, strict=True):
            sizes[axis] = size
        x = x.reshape(sizes)
    return x if x.shape == shape else np.broadcast_to(x, shape)


def _broadcast_aval(
    x: ShapedArray, *, shape: Axes, broadcast_dimensions: Axes, sharding: Any = None
) -> ShapedArray:
    require_sizes("broadcast_in_dim", shape)
    fits = len(broadcast_dimensions) == x.ndim and all(
        axis < len(shape) and size in (1, shape[axis])
        for axis, size in zip(broadcast_dimensions, x.shape, strict=False)
    )
    increasing = list(broadcast_dimensions) == sorted(set(broadcast_dimensions))
    if not (fits and increasing):
        raise TypeError(
            errors.explain(
                f"broadcast_in_dim of {x} to shape {shape}",
                f"broadcast_dimensions={broadcast_dimensions}",
                "they name, in rising order, the result's axis for each of the operand's, and the "
                "operand's size there must be 1 or the result's",
                f"jnp.broadcast_to(x, {shape})",
            )
        )
    return x.update(shape=shape)


def _broadcast_transpose(
    ct: Any, x: Any, *, shape: Axes, broadcast_dimensions: Axes, **_: Any
) -> Any:
    added = tuple(axis for axis in range(len(shape)) if axis not in broadcast_dimensions)
    return [unbroadcast(reduce_sum(ct, added), x.aval)]


def _broadcast_batch(
    size: int, args: Any, dims: Any, *, shape: Axes, broadcast_dimensions: Axes, sharding: Any
) -> Any:
    x = move_axis(args[0], dims[0], 0)
    inner = (0, *(axis + 1 for axis in broadcast_dimensions))
    return broadcast_in_dim(x, (size, *shape), inner), 0


broadcast_in_dim_p = Primitive(
    "broadcast_in_dim",
    **expression("broadcast_in_dim_kernel({0}, {shape}, {broadcast_dimensions})"),
    aval=_broadcast_aval,
    transpose=_broadcast_transpose,
    batch=_broadcast_batch,
    hide=lambda params: (
        ["shape", "sharding"] + ([] if params["broadcast_dimensions"] else ["broadcast_dimensions"])
    ),
)
broadcast_in_dim_p.jvp = linear_jvp(broadcast_in_dim_p)


def broadcast_in_dim(
    operand: Any, shape: Sequence[int], broadcast_dimensions: Sequence[int]
) -> Any:
    """`operand` repeated along new axes: its axis i becomes axis `broadcast_dimensions[i]` of the
    result of the given shape. Source: XLA operation semantics, BroadcastInDim."""
    shape, axes = tuple(shape), tuple(broadcast_dimensions)
    if operand.shape == shape and axes == tuple(range(len(shape))):
        return operand
    return broadcast_in_dim_p.bind(operand, shape=shape, broadcast_dimensions=axes, sharding=None)


# -- reduce_sum -----------------------------------------------------------------------------------


def _reduce_sum_aval(x: ShapedArray, *, axes: Axes, out_sharding: Any = None) -> ShapedArray:
    require_kind("reduce_sum", [x], "iufc")
    return x.update(shape=drop_axes(x.shape, axes))


def _reduce_sum_transpose(ct: Any, x: Any, *, axes: Axes, **_: Any) -> Any:
    kept = tuple(axis for axis in range(x.aval.ndim) if axis not in axes)
    return [broadcast_in_dim(ct, x.aval.shape, kept)]


def _reduce_sum_batch(size: int, args: Any, dims: Any, *, axes: Axes, **_: Any) -> Any:
    return reduce_sum(move_axis(args[0], dims[0], 0), tuple(axis + 1 for axis in axes)), 0


reduce_sum_p = Primitive(
    "reduce_sum",
    aval=_reduce_sum_aval,
    transpose=_reduce_sum_transpose,
    batch=_reduce_sum_batch,
    **expression("reduce_sum({0}, axes={axes})"),
)
reduce_sum_p.jvp = linear_jvp(reduce_sum_p)


def reduce_sum(operand: Any, axes: Sequence[int]) -> Any:
    """The sum over `axes`, which go away."""
    return reduce_sum_p.bind(operand, axes=tuple(axes), out_sharding=None) if axes else operand


def drop_axes(shape: Axes, axes: Sequence[int]) -> Axes:
    """`shape` without `axes`."""
    return tuple(size for axis, size in enumerate(shape) if axis not in axes)


# -- reshape --------------------------------------------------------------------------------------


def _reshape_aval(
    x: ShapedArray, *, new_sizes: Axes, dimensions: Any = None, sharding: Any = None
) -> ShapedArray:
    out = x.update(shape=new_sizes)
    if out.size != x.size or any(size < 0 for size in new_sizes):
        raise TypeError(
            errors.explain(
                f"reshape of {x} to {new_sizes}",
                f"{x.size} elements in, {out.size} out",
                "a reshape neither adds nor drops elements",
                f"x.reshape({(*new_sizes[:-1], -1)}) if one size follows from the others",
            )
        )
    return out


def _reshape_batch(size: int, args: Any, dims: Any, *, new_sizes: Axes, **_: Any) -> Any:
    return reshape(move_axis(args[0], dims[0], 0), (size, *new_sizes)), 0


reshape_p = Primitive(
    "reshape",
    aval=_reshape_aval,
    transpose=lambda ct, x, **_: [reshape(ct, x.aval.shape)],
    batch=_reshape_batch,
    **expression("{0}.reshape({new_sizes})"),
)
reshape_p.jvp = linear_jvp(reshape_p)


def reshape(operand: Any, new_sizes: Sequence[int]) -> Any:
    """The same elements in row-major order under another shape."""
    sizes = tuple(new_sizes)
    if operand.shape == sizes:
        return operand
    return reshape_p.bind(operand, new_sizes=sizes, dimensions=None, sharding=None)


# -- transpose ------------------------------------------------------------------------------------


def _transpose_aval(x: ShapedArray, *, permutation: Axes) -> ShapedArray:
    if sorted(permutation) != list(range(x.ndim)):
        raise TypeError(
            errors.explain(
                f"transpose of {x}",
                f"permutation={permutation}",
                f"it must name each of the axes 0 to {x.ndim - 1} once",
                f"lax.transpose(x, {tuple(reversed(range(x.ndim)))})",
            )
        )
    return x.update(shape=tuple(x.shape[axis] for axis in permutation))


def _transpose_batch(size: int, args: Any, dims: Any, *, permutation: Axes) -> Any:
    d = dims[0]
    inner = tuple(axis + (axis >= d) for axis in permutation)
    return transpose(args[0], (d, *inner)), 0


transpose_p = Primitive(
    "transpose",
    aval=_transpose_aval,
    transpose=lambda ct, x, *, permutation: [transpose(ct, inverse(permutation))],
    batch=_transpose_batch,
    **expression("{0}.transpose({permutation})"),
)
transpose_p.jvp = linear_jvp(transpose_p)


def transpose(operand: Any, permutation: Sequence[int]) -> Any:
    """The axes in another order: the result's axis i is the operand's axis `permutation[i]`."""
    permutation = tuple(permutation)
    if permutation == tuple(range(len(permutation))) and len(permutation) == operand.ndim:
        return operand
    return transpose_p.bind(operand, permutation=permutation)


def inverse(permutation: Sequence[int]) -> Axes:
    """The permutation that undoes another."""
    return tuple(sorted(range(len(permutation)), key=permutation.__getitem__))


# -- squeeze --------------------------------------------------------------------------------------


def _squeeze_aval(x: ShapedArray, *, dimensions: Axes) -> ShapedArray:
    if any(x.shape[axis] != 1 for axis in dimensions):
        raise ValueError(
            errors.explain(
                f"squeeze of {x}",
                f"dimensions={dimensions}",
                "only axes of size 1 can be squeezed away",
                "x.squeeze() for all axes of size 1, or x.sum(axis) to reduce one",
            )
        )
    return x.update(shape=drop_axes(x.shape, dimensions))


def _squeeze_batch(size: int, args: Any, dims: Any, *, dimensions: Axes) -> Any:
    return squeeze(move_axis(args[0], dims[0], 0), tuple(axis + 1 for axis in dimensions)), 0


squeeze_p = Primitive(
    "squeeze",
    aval=_squeeze_aval,
    transpose=lambda ct, x, *, dimensions: [reshape(ct, x.aval.shape)],
    batch=_squeeze_batch,
    **expression("np.squeeze({0}, {dimensions})"),
)
squeeze_p.jvp = linear_jvp(squeeze_p)


def squeeze(array: Any, dimensions: Sequence[int]) -> Any:
    """`array` without the given axes, all of size 1."""
    return squeeze_p.bind(array, dimensions=tuple(sorted(dimensions))) if dimensions else array


def expand_dims(array: Any, dimensions: Sequence[int]) -> Any:
    """`array` with axes of size 1 inserted, where they stand in the result."""
    ndim = array.ndim + len(dimensions)
    kept = [axis for axis in range(ndim) if axis not in dimensions]
    shape = [1] * ndim
    for axis, size in zip(kept, array.shape, strict=True):
        shape[axis] = size
    return broadcast_in_dim(array, shape, kept)


# -- add_any: the sum of two cotangents or tangents -----------------------------------------------


def _add_any_aval(x: ShapedArray, y: ShapedArray) -> ShapedArray:
    require_equal_dtypes("add_any", [x, y])
    return ShapedArray(
        broadcast_shape("add_any", [x.shape, y.shape]), x.dtype, x.weak_type and y.weak_type
    )


def _add_any_batch(size: int, args: Any, dims: Any) -> Any:
    x, y = (instantiate_axis(arg, d, size) for arg, d in zip(args, dims, strict=True))
    return add_any_p.bind(x, y), 0


add_any_p = Primitive(
    "add_any",
    weak=True,
    aval=_add_any_aval,
    transpose=lambda ct, x, y: [ct, ct],
    batch=_add_any_batch,
    elementwise=True,
    **expression("np.add({0}, {1})"),
)
add_any_p.jvp = linear_jvp(add_any_p)


def add_tangents(x: Any, y: Any) -> Any:
    """The sum of two tangents or cotangents of one type, either of which may be `Zero`."""
    if type(x) is Zero:
        return y
    return x if type(y) is Zero else add_any_p.bind(x, y)


# -- helpers of rules -----------------------------------------------------------------------------


def full(shape: Sequence[int], fill_value: Any, dtype: Any, weak_type: bool = False) -> Any:
    """An array of one repeated number."""
    scalar = Array(np.asarray(fill_value, dtype), weak_type)
    return broadcast_in_dim(scalar, tuple(shape), ())


def zeros(aval: ShapedArray) -> Any:
    """Zeros of the given type."""
    if aval.dtype.names:  # float0 and keys have no number zero, only an empty or blank element
        return Array(np.zeros(aval.shape, aval.dtype))
    return full(aval.shape, 0, aval.dtype, aval.weak_type)


def instantiate(x: Any) -> Any:
    """Real zeros for a `Zero`; other values pass."""
    return zeros(x.aval) if type(x) is Zero else x


def unbroadcast(ct: Any, aval: ShapedArray) -> Any:
    """Sums a cotangent over the axes along which a value of type `aval` was repeated, so that it
    gets the value's shape."""
    if type(ct) is Zero or ct.shape == aval.shape:
        return ct if type(ct) is not Zero else Zero(aval)
    if aval.shape == ():
        return reduce_sum(ct, range(ct.ndim))
    axes = [i for i, size in enumerate(aval.shape) if size == 1 and ct.shape[i] != 1]
    return reshape(reduce_sum(ct, axes), aval.shape)


def move_axis(x: Any, source: int | None, destination: int) -> Any:
    """Moves one axis; a value without it (`source` None) is returned as it is."""
    if source is None or source == destination:
        return x
    order = [axis for axis in range(x.ndim) if axis != source]
    order.insert(destination, source)
    return transpose(x, order)


def instantiate_axis(x: Any, d: int | None, size: int) -> Any:
    """A batched value with its batch axis in front, repeated if it has none."""
    if d is None:
        return broadcast_in_dim(x, (size, *x.shape), range(1, x.ndim + 1))
    return move_axis(x, d, 0)
