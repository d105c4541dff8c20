"""dot_general: the contraction of two arrays, which every matrix product is.

    dimension_numbers = ((lhs_contracting, rhs_contracting), (lhs_batch, rhs_batch))

Contracting axes are paired, multiplied and summed over; batch axes are paired and kept. The axes
of the result are the batch axes, then the free axes of lhs, then those of rhs. The operation is
linear in each operand, and its transposes and batched forms are contractions too.

Read next: `primitives/conv.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.backends.numpy.kernels import dot as kernels
from scratchfn.core import dtypes
from scratchfn.core.avals import ShapedArray
from scratchfn.core.params import DotAlgorithm, DotAlgorithmPreset
from scratchfn.core.template import expression, kernel
from scratchfn.core.trace import Primitive
from scratchfn.primitives.base import Axes, inverse, transpose
from scratchfn.primitives.check import require_kind
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.rules import is_linear, partials

DotDimensionNumbers = tuple[tuple[Axes, Axes], tuple[Axes, Axes]]

# -- types ----------------------------------------------------------------------------------------


def _dot_aval(
    x: ShapedArray,
    y: ShapedArray,
    *,
    dimension_numbers: DotDimensionNumbers,
    precision: Any = None,
    preferred_element_type: np.dtype | None = None,
    out_sharding: Any = None,
) -> ShapedArray:
    require_kind("dot_general", [x, y], "biufc")
    shape = _dot_shape(x.shape, y.shape, dimension_numbers)
    if shape is None:
        raise TypeError(_explain_dot(x, y, dimension_numbers))
    dtype = x.dtype if x.dtype == y.dtype else kernels.higher_precision(x.dtype, y.dtype)
    if preferred_element_type is not None:
        if not isinstance(precision, (DotAlgorithm, DotAlgorithmPreset)):
            _check_width(x, y, dtype, preferred_element_type)
        dtype = preferred_element_type
    return ShapedArray(shape, dtype, x.weak_type and y.weak_type)


def _check_width(x: ShapedArray, y: ShapedArray, dtype: np.dtype, preferred: np.dtype) -> None:
    """Raises TypeError for integers and complex numbers whose products would be cut off."""
    if dtypes.kind(dtype) not in "iuc" or _real_bits(preferred) >= _real_bits(dtype):
        return
    raise TypeError(
        errors.explain(
            f"a product (dot_general) of {x} and {y}",
            f"preferred_element_type={dtypes.short_name(preferred)}, narrower than its operands",
            "only the products of floats may be rounded to fewer bits",
            f"the product in {dtypes.short_name(dtype)}, and .astype on the result",
        )
    )


def _real_bits(dtype: np.dtype) -> int:
    """Bits of a number, of the real part of a complex one."""
    return dtypes.itemsize_bits(dtype) // (2 if dtypes.kind(dtype) == "c" else 1)


@functools.lru_cache(maxsize=4096)
def _dot_shape(x: Axes, y: Axes, numbers: DotDimensionNumbers) -> Axes | None:
    """The result's shape, None where the operands do not fit each other."""
    (x_contract, y_contract), (x_batch, y_batch) = numbers
    for shape, axes in ((x, (*x_batch, *x_contract)), (y, (*y_batch, *y_contract))):
        if len(set(axes)) != len(axes) or any(not 0 <= axis < len(shape) for axis in axes):
            return None
    for x_axes, y_axes in ((x_contract, y_contract), (x_batch, y_batch)):
        if [x[axis] for axis in x_axes] != [y[axis] for axis in y_axes]:
            return None
    batch = tuple(x[axis] for axis in x_batch)
    free = [x[axis] for axis in free_axes(len(x), x_contract, x_batch)]
    return (*batch, *free, *(y[axis] for axis in free_axes(len(y), y_contract, y_batch)))


def free_axes(ndim: int, contracting: Axes, batch: Axes) -> Axes:
    """The axes of an operand that are neither contracted nor batch axes."""
    return tuple(axis for axis in range(ndim) if axis not in contracting and axis not in batch)


def _explain_dot(x: ShapedArray, y: ShapedArray, numbers: DotDimensionNumbers) -> str:
    """Why `_dot_shape` found no shape."""
    (x_contract, y_contract), (x_batch, y_batch) = numbers
    found, why = _bad_axes("lhs", x, x_contract, x_batch) or _bad_axes(
        "rhs", y, y_contract, y_batch
    ) or (_unequal(x, y, numbers), "axes that are paired have equal sizes")  # fmt: skip
    return errors.explain(
        f"a product (dot_general) of {x} and {y}, contracting axes {x_contract} with {y_contract}, "
        f"batch axes {x_batch} with {y_batch}",
        found,
        why,
        _write_instead(x, y, numbers),
    )


def _bad_axes(side: str, x: ShapedArray, contracting: Axes, batch: Axes) -> tuple[str, str] | None:
    axes = (*batch, *contracting)
    if any(not 0 <= axis < x.ndim for axis in axes):
        wrong = next(axis for axis in axes if not 0 <= axis < x.ndim)
        return f"axis {wrong} of {side}, which has {x.ndim} axes", "axes count from 0"
    if len(set(axes)) != len(axes):
        twice = next(axis for axis in axes if axes.count(axis) > 1)
        return (
            f"axis {twice} of {side} named twice",
            "an axis is a batch axis, a contracting axis or free, and only one of them",
        )
    return None


def _unequal(x: ShapedArray, y: ShapedArray, numbers: DotDimensionNumbers) -> str:
    """Which pairs of axes differ in size."""
    for kind, (x_axes, y_axes) in zip(("contracting", "batch"), numbers, strict=True):
        if len(x_axes) != len(y_axes):
            return f"{len(x_axes)} {kind} axes of lhs and {len(y_axes)} of rhs"
        for a, b in zip(x_axes, y_axes, strict=True):
            if x.shape[a] != y.shape[b]:
                return (
                    f"{kind} axis {a} of lhs has size {x.shape[a]}, "
                    f"its partner, axis {b} of rhs, has size {y.shape[b]}"
                )
    raise AssertionError("the operands fit each other")


def _write_instead(x: ShapedArray, y: ShapedArray, numbers: DotDimensionNumbers) -> str:
    (x_contract, _), (x_batch, _) = numbers
    if not x_batch and len(x_contract) == 1 and x_contract[0] in range(x.ndim):
        size = x.shape[x_contract[0]]
        if size in y.shape:
            return (
                f"jnp.tensordot(x, y, axes=({x_contract[0]}, {y.shape.index(size)})), or y.T "
                "where its axes are the wrong way round"
            )
    return "jnp.einsum with a letter for each axis, which pairs them by name"


# -- transposes -----------------------------------------------------------------------------------


def _dot_transpose(
    ct: Any, x: Any, y: Any, *, dimension_numbers: DotDimensionNumbers, **params: Any
) -> list[Any]:
    (x_contract, y_contract), (x_batch, y_batch) = dimension_numbers
    if is_linear(x):
        return [_ct_of_operand(ct, x, y, dimension_numbers, ct_free_first=False, **params), None]
    swapped = (y_contract, x_contract), (y_batch, x_batch)
    return [None, _ct_of_operand(ct, y, x, swapped, ct_free_first=True, **params)]


def _ct_of_operand(
    ct: Any, x: Any, y: Any, numbers: DotDimensionNumbers, ct_free_first: bool, **params: Any
) -> Any:
    """The cotangent of operand `x`: `ct` contracted with `y` over the free axes of `y`, which `ct`
    has before those of `x` if `ct_free_first`."""
    (x_contract, y_contract), (x_batch, y_batch) = numbers
    x_free = free_axes(x.aval.ndim, x_contract, x_batch)
    y_free = free_axes(y.ndim, y_contract, y_batch)
    n = len(x_batch)
    start = n if ct_free_first else n + len(x_free)
    ct_y = tuple(range(start, start + len(y_free)))
    dims = (ct_y, y_free), (tuple(range(n)), y_batch)
    out = dot_general_p.bind(ct, y, dimension_numbers=dims, **params)
    # Its axes are the batch, the free ones of x, and the contracted ones in the order of y.
    by_y = [x_contract[i] for i in sorted(range(len(y_contract)), key=y_contract.__getitem__)]
    out = transpose(out, inverse([*x_batch, *x_free, *by_y]))
    return convert_element_type(out, x.aval.dtype, x.aval.weak_type and out.weak_type)


# -- batching -------------------------------------------------------------------------------------


def _dot_batch(
    size: int,
    args: Any,
    dims: Any,
    *,
    dimension_numbers: DotDimensionNumbers,
    out_sharding: Any = None,
    **params: Any,
) -> Any:
    (x_contract, y_contract), (x_batch, y_batch) = dimension_numbers
    x_d, y_d = dims
    x_contract, x_batch = _shift(x_contract, x_d), _shift(x_batch, x_d)
    y_contract, y_batch = _shift(y_contract, y_d), _shift(y_batch, y_d)
    if x_d is not None and y_d is not None:  # one more pair of batch axes
        x_batch, y_batch, out_d = (x_d, *x_batch), (y_d, *y_batch), 0
    elif x_d is not None:  # one more free axis
        out_d = len(x_batch) + free_axes(args[0].ndim, x_contract, x_batch).index(x_d)
    else:
        x_free = args[0].ndim - len(x_contract) - len(x_batch)
        y_free = free_axes(args[1].ndim, y_contract, y_batch)
        out_d = len(x_batch) + x_free + y_free.index(y_d)
    numbers = (x_contract, y_contract), (x_batch, y_batch)
    out = dot_general_p.bind(*args, dimension_numbers=numbers, out_sharding=None, **params)
    return out, out_d


def _shift(axes: Axes, d: int | None) -> Axes:
    """Axes of an example as axes of a batch whose axis is `d`."""
    return axes if d is None else tuple(axis + (axis >= d) for axis in axes)


# -- the primitive --------------------------------------------------------------------------------

kernel(kernels.dot_general)

_called = expression(
    "dot_general({0}, {1}, dimension_numbers={dimension_numbers}, "
    "preferred_element_type={preferred_element_type})"
)


def _source(names: Any, avals: Any, params: dict[str, Any], constant: Any) -> str:
    """One call of BLAS where it is no more, or a call of the kernel."""
    lhs, rhs = avals
    wanted = params["preferred_element_type"] or lhs.dtype
    if lhs.dtype == rhs.dtype == wanted and lhs.dtype.char in kernels.BLAS:
        x, y = names
        text = kernels.spelled(x, y, lhs.shape, rhs.shape, params["dimension_numbers"])
        if text is not None:
            return text
    return _called["source"](names, avals, params, constant)


dot_general_p = Primitive(
    "dot_general",
    impl=_called["impl"],
    source=_source,
    aval=_dot_aval,
    transpose=_dot_transpose,
    batch=_dot_batch,
    hide=lambda params: [
        name
        for name in ("precision", "preferred_element_type", "out_sharding")
        if params[name] is None
    ],
)
dot_general_p.jvp = partials(
    dot_general_p,
    lambda dx, ans, x, y, **params: dot_general_p.bind(dx, y, **params),
    lambda dy, ans, x, y, **params: dot_general_p.bind(x, dy, **params),
)


def dot_general(
    lhs: Any,
    rhs: Any,
    dimension_numbers: Sequence[Sequence[Sequence[int]]],
    precision: Any = None,
    preferred_element_type: Any = None,
) -> Any:
    """The contraction of two arrays over pairs of axes, given as lists of axes from 0 on."""
    (x_contract, y_contract), (x_batch, y_batch) = dimension_numbers
    if preferred_element_type is not None:
        preferred_element_type = dtypes.canonicalize_dtype(preferred_element_type)
    return dot_general_p.bind(
        lhs,
        rhs,
        dimension_numbers=(
            (tuple(x_contract), tuple(y_contract)),
            (tuple(x_batch), tuple(y_batch)),
        ),
        precision=precision,
        preferred_element_type=preferred_element_type,
        out_sharding=None,
    )
