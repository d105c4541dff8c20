"""Products of matrices and tensors, each one `dot_general` of its operands.

Operands of different dtypes meet in the product itself, whose dtype is that in which they meet.

Read next: `numpy/einsum.py`.
"""

from __future__ import annotations

from typing import Any

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.lax.contraction import as_precision
from scratchfn.numpy.arguments import axis_of, dtype_of, no_out, placed
from scratchfn.numpy.conversion import array, astype
from scratchfn.numpy.creation import diagonal, zeros_like
from scratchfn.numpy.elementwise import conjugate
from scratchfn.numpy.manipulation import broadcast_shapes, moveaxis, ravel
from scratchfn.numpy.promotion import lead, operand, promote_dtypes
from scratchfn.numpy.reductions import sum
from scratchfn.numpy.ufuncs import multiply, subtract
from scratchfn.primitives import base
from scratchfn.primitives.arithmetic import mul_p
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.dot import dot_general
from scratchfn.primitives.joining import unstack

Axes = tuple[int, ...]


def contract(
    name: str, a: Any, b: Any, contracting: tuple[Axes, Axes], batch: tuple[Axes, Axes],
    precision: Any, preferred: Any,
) -> Any:  # fmt: skip
    """dot_general with the dtype in which the operands meet, or which the user prefers."""
    if preferred is None:
        dtype, weak = dtypes.promote(a.dtype, a.weak_type, b.dtype, b.weak_type)
        dtype = dtypes.default_dtype(dtypes.kind(dtype)) if weak else dtype
    else:
        dtype, weak = dtype_of(name, preferred), False
    out = dot_general(a, b, (contracting, batch), as_precision(precision), dtype)
    return convert_element_type(out, dtype, weak)


def dot(
    a: Any, b: Any, *, precision: Any = None, preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> Any:  # fmt: skip
    """The sum of products over the last axis of `a` and the last but one of `b` (its only one, if
    it is a vector); for numbers the plain product."""
    a, b = operand("dot", a), operand("dot", b, 1)
    pairs: tuple[Axes, Axes] = ((), ())
    if a.ndim and b.ndim:
        pairs = (a.ndim - 1,), (max(b.ndim - 2, 0),)
    out = contract("dot", a, b, pairs, ((), ()), precision, preferred_element_type)
    return placed(out, out_sharding)


def matmul(
    a: Any, b: Any, *, precision: Any = None, preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> Any:  # fmt: skip
    """The product of matrices, or of stacks of matrices whose leading axes broadcast. A vector on
    the left is a row, on the right a column, and the result lacks that axis."""
    a, b = operand("matmul", a), operand("matmul", b, 1)
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError(
            errors.explain(
                "jnp.matmul", f"operands of types {a.aval} and {b.aval}",
                "a matrix product needs an axis to sum over", "x * y for a product with a number",
            )
        )  # fmt: skip
    if a.ndim <= 2 and b.ndim <= 2:
        pairs = (a.ndim - 1,), (max(b.ndim - 2, 0),)
        out = contract("matmul", a, b, pairs, ((), ()), precision, preferred_element_type)
    else:
        out = _batched_matmul(a, b, precision, preferred_element_type)
    return placed(out, out_sharding)


def _batched_matmul(a: Any, b: Any, precision: Any, preferred: Any) -> Any:
    """Leading axes that both have are batch axes of the contraction; those that one has alone, or
    the other with size 1, are free axes, so nothing is ever repeated."""
    a_lead, b_lead = a.shape[:-2], b.shape[:-2]
    outer = broadcast_shapes(a_lead, b_lead)
    ndim = len(outer)
    a_names, a = _named_leading_axes(a, ndim)
    b_names, b = _named_leading_axes(b, ndim)
    shared = [i for i in range(ndim) if i in a_names and i in b_names]
    batch = tuple(a_names.index(i) for i in shared), tuple(b_names.index(i) for i in shared)
    pairs = (a.ndim - 1,), (b.ndim - 1 - (len(b_names) < b.ndim - 1),)
    out = contract("matmul", a, b, pairs, batch, precision, preferred)
    rows = [ndim] if a.ndim > len(a_names) + 1 else []
    columns = [ndim + 1] if b.ndim > len(b_names) + 1 else []
    names = [*shared, *(i for i in a_names if i not in shared), *rows,
             *(i for i in b_names if i not in shared), *columns]  # fmt: skip
    out = base.transpose(out, sorted(range(len(names)), key=names.__getitem__))
    return base.expand_dims(out, [i for i in range(ndim) if i not in names])


def _named_leading_axes(x: Any, ndim: int) -> tuple[list[int], Any]:
    """The leading axes of `x`, less those of size 1, by their place among `ndim` leading axes."""
    count = max(x.ndim - 2, 0)
    single = [i for i in range(count) if x.shape[i] == 1]
    names = [i + ndim - count for i in range(count) if i not in single]
    return names, base.squeeze(x, single)


def vdot(a: Any, b: Any, *, precision: Any = None, preferred_element_type: Any = None) -> Any:
    """The sum of products of all elements, those of `a` conjugated."""
    a, b = ravel(conjugate(operand("vdot", a))), ravel(operand("vdot", b, 1))
    return dot(a, b, precision=precision, preferred_element_type=preferred_element_type)


def vecdot(
    x1: Any, x2: Any, /, *, axis: int = -1, precision: Any = None,
    preferred_element_type: Any = None,
) -> Any:  # fmt: skip
    """The sum of products along an axis, the elements of `x1` conjugated; other axes broadcast."""
    x1, x2 = operand("vecdot", x1), operand("vecdot", x2, 1)
    x1 = base.move_axis(x1, axis_of("vecdot", axis, x1.ndim), x1.ndim - 1)
    x2 = base.move_axis(x2, axis_of("vecdot", axis, x2.ndim), x2.ndim - 1)
    if x1.shape[-1] != x2.shape[-1]:
        raise ValueError(
            errors.explain(
                f"jnp.vecdot along axis {axis}", f"sizes {x1.shape[-1]} and {x2.shape[-1]}",
                "elements are multiplied pair by pair", "jnp.vecdot(x, y[..., :n])",
            )
        )  # fmt: skip
    row, column = base.expand_dims(conjugate(x1), [x1.ndim - 1]), base.expand_dims(x2, [x2.ndim])
    product = matmul(
        row, column, precision=precision, preferred_element_type=preferred_element_type
    )
    return base.squeeze(product, [product.ndim - 2, product.ndim - 1])


def matvec(x1: Any, x2: Any, /) -> Any:
    """Matrices times vectors, along the last axes; leading axes broadcast."""
    x1, x2 = operand("matvec", x1), operand("matvec", x2, 1)
    _require_equal("matvec", x1, -1, x2, -1)
    product = matmul(x1, base.expand_dims(x2, [x2.ndim]))
    return base.squeeze(product, [product.ndim - 1])


def vecmat(x1: Any, x2: Any, /) -> Any:
    """Vectors, conjugated, times matrices, along the last axes; leading axes broadcast."""
    x1, x2 = conjugate(operand("vecmat", x1)), operand("vecmat", x2, 1)
    _require_equal("vecmat", x1, -1, x2, -2)
    product = matmul(base.expand_dims(x1, [x1.ndim - 1]), x2)
    return base.squeeze(product, [product.ndim - 2])


def _require_equal(name: str, x1: Any, axis1: int, x2: Any, axis2: int) -> None:
    """Raises ValueError unless the axes that are summed over exist and are equally long."""
    i, j = axis_of(name, axis1, x1.ndim), axis_of(name, axis2, x2.ndim)
    if x1.shape[i] != x2.shape[j]:
        raise ValueError(
            errors.explain(
                f"jnp.{name}({x1.aval}, {x2.aval})",
                f"axis {i} of x1 has size {x1.shape[i]}, axis {j} of x2 has size {x2.shape[j]}",
                "the product is summed over these, pair by pair",
                f"jnp.{name}(x1[..., :n], x2[..., :n])" if axis2 == -1 else "jnp.vecmat(x1, x2.mT)",
            )
        )


def inner(a: Any, b: Any, *, precision: Any = None, preferred_element_type: Any = None) -> Any:
    """The sum of products over the last axes of both; for numbers the plain product."""
    a, b = operand("inner", a), operand("inner", b, 1)
    if a.ndim and b.ndim:
        return tensordot(
            a, b, (-1, -1), precision=precision, preferred_element_type=preferred_element_type
        )
    if preferred_element_type is not None:
        a, b = astype(a, preferred_element_type), astype(b, preferred_element_type)
    return multiply(a, b)


def outer(a: Any, b: Any, out: None = None) -> Any:
    """The matrix of all products of an element of `a` with one of `b`."""
    no_out("outer", out)
    a, b = promote_dtypes(ravel(operand("outer", a)), ravel(operand("outer", b, 1)))
    return multiply(base.expand_dims(a, [1]), base.expand_dims(b, [0]))


def tensordot(
    a: Any, b: Any, axes: Any = 2, *, precision: Any = None, preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> Any:  # fmt: skip
    """The sum of products over axes of both: over the last n of `a` and the first n of `b`, or over
    a pair of axes, or of lists of axes."""
    a, b = operand("tensordot", a), operand("tensordot", b, 1)
    pairs = _paired_axes(a, b, axes)
    out = contract("tensordot", a, b, pairs, ((), ()), precision, preferred_element_type)
    return placed(out, out_sharding)


def _paired_axes(a: Any, b: Any, axes: Any) -> tuple[Axes, Axes]:
    if isinstance(axes, int) and axes <= min(a.ndim, b.ndim):
        return tuple(range(a.ndim - axes, a.ndim)), tuple(range(axes))
    if isinstance(axes, (tuple, list)) and len(axes) == 2:
        lists = [(each,) if isinstance(each, int) else tuple(each) for each in axes]
        if len(lists[0]) == len(lists[1]):
            first, second = (
                tuple(axis_of("tensordot", i, x.ndim) for i in each)
                for each, x in zip(lists, (a, b))
            )
            return first, second
    raise TypeError(
        errors.explain(
            f"jnp.tensordot of {a.aval} and {b.aval}",
            f"axes={axes!r}",
            "they are a number of axes that both have, or a pair of equally long lists of axes",
            "jnp.tensordot(x, y, ((0, 1), (2, 3)))",
        )
    )


def kron(a: Any, b: Any) -> Any:
    """The Kronecker product: `b` times each element of `a`, in its place."""
    a, b = promote_dtypes(operand("kron", a), operand("kron", b, 1))
    ndim = max(a.ndim, b.ndim)
    a, b = lead(a, ndim), lead(b, ndim)
    shape = [m * n for m, n in zip(a.shape, b.shape)]
    apart = base.expand_dims(a, range(1, 2 * ndim, 2)), base.expand_dims(b, range(0, 2 * ndim, 2))
    return base.reshape(mul_p.bind(*apart), shape)


def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """The cross product of vectors of 3 elements, or of 2, whose third is 0. Of two vectors of 2
    elements the third element of the product alone is returned."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a = moveaxis(operand("cross", a), axisa, -1)
    b = moveaxis(operand("cross", b, 1), axisb, -1)
    if not {a.shape[-1], b.shape[-1]} <= {2, 3}:
        raise ValueError(
            errors.explain(
                "jnp.cross", f"vectors of {a.shape[-1]} and {b.shape[-1]} elements",
                "there is a cross product in 2 and in 3 dimensions",
                "jnp.cross(x[..., :3], y[..., :3])",
            )
        )  # fmt: skip
    x, y = (unstack(v, v.ndim - 1) for v in (a, b))
    last = subtract(multiply(x[0], y[1]), multiply(x[1], y[0]))
    if len(x) == len(y) == 2:
        return last
    x, y = ([*v, zeros_like(v[0])][:3] for v in (x, y))
    first = subtract(multiply(x[1], y[2]), multiply(x[2], y[1]))
    second = subtract(multiply(x[2], y[0]), multiply(x[0], y[2]))
    return moveaxis(array([first, second, last]), 0, axisc)


def trace(
    a: Any, offset: Any = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: None = None
) -> Any:
    """The sum of a diagonal of the matrices along two axes."""
    no_out("trace", out)
    return sum(diagonal(operand("trace", a), offset, axis1, axis2), -1, dtype)
