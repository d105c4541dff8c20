"""Products of matrices under the names and signatures of `numpy.linalg`, which follow the array API
standard: operands are positional, options are keywords, and matrices are the last two axes.

Read next: `scipy/linalg/__init__.py`.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from scratchfn import errors
from scratchfn.numpy import creation, products
from scratchfn.numpy.arguments import axis_of
from scratchfn.numpy.creation import eye
from scratchfn.numpy.linalg.solving import inv
from scratchfn.numpy.manipulation import broadcast_to
from scratchfn.numpy.manipulation import matrix_transpose as matrix_transpose
from scratchfn.numpy.products import vecdot as vecdot
from scratchfn.numpy.promotion import operand


def matmul(
    x1: Any, x2: Any, /, *, precision: Any = None, preferred_element_type: Any = None
) -> Any:
    """`jnp.matmul`: the product of matrices or stacks of them."""
    return products.matmul(
        x1, x2, precision=precision, preferred_element_type=preferred_element_type
    )


def tensordot(
    x1: Any, x2: Any, /, *, axes: int | tuple[Sequence[int], Sequence[int]] = 2,
    precision: Any = None, preferred_element_type: Any = None, out_sharding: Any = None,
) -> Any:  # fmt: skip
    """`jnp.tensordot`: the sum of products over axes of both."""
    return products.tensordot(
        x1, x2, axes, precision=precision, preferred_element_type=preferred_element_type
    )


def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """The cross product of vectors of 3 elements along an axis. Raises ValueError for others."""
    x1, x2 = operand("linalg.cross", x1), operand("linalg.cross", x2, 1)
    sizes = [x.shape[axis_of("linalg.cross", axis, x.ndim)] for x in (x1, x2)]
    if sizes != [3, 3]:
        raise ValueError(
            errors.explain(
                f"jnp.linalg.cross({x1.aval}, {x2.aval}, axis={axis})",
                f"vectors of {sizes[0]} and {sizes[1]} elements",
                "it takes vectors of 3", "jnp.cross for vectors of 2",
            )
        )  # fmt: skip
    return products.cross(x1, x2, axis=axis)


def outer(x1: Any, x2: Any, /) -> Any:
    """All products of an element of `x1` with one of `x2`, vectors both. Raises ValueError for
    arrays of other ranks."""
    x1, x2 = operand("linalg.outer", x1), operand("linalg.outer", x2, 1)
    if (x1.ndim, x2.ndim) != (1, 1):
        raise ValueError(
            errors.explain(
                f"jnp.linalg.outer({x1.aval}, {x2.aval})", f"{x1.ndim} and {x2.ndim} axes",
                "it takes two vectors", "jnp.outer, which flattens its operands",
            )
        )  # fmt: skip
    return products.outer(x1, x2)


def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """The `offset`-th diagonals of matrices [..., m, n]."""
    return creation.diagonal(x, offset, -2, -1)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """The sums of the `offset`-th diagonals of matrices [..., m, n]."""
    return products.trace(x, offset, -2, -1, dtype)


def matrix_power(a: Any, n: int) -> Any:
    """The product of n copies of square matrices [..., m, m], of their inverses if n < 0, by
    repeated squaring. Raises TypeError for matrices that are not square, and unless n is an int."""
    a = operand("linalg.matrix_power", a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2] or not hasattr(n, "__index__"):
        raise TypeError(
            errors.explain(
                f"jnp.linalg.matrix_power({a.aval}, {n!r})",
                f"shape {a.shape} and an exponent of type {type(n).__name__}",
                "a square matrix can be multiplied with itself, a whole number of times",
                "scipy.linalg.funm, or eigh, for other powers",
            )
        )
    count = operator.index(n)
    if count == 0:
        return broadcast_to(eye(a.shape[-1], dtype=a.dtype), a.shape)
    if count < 0:
        a, count = inv(a), -count
    if count == 3:
        return products.matmul(products.matmul(a, a), a)
    power, out = a, None
    while True:
        if count & 1:
            out = power if out is None else products.matmul(out, power)
        count >>= 1
        if not count:
            return out
        power = products.matmul(power, power)


def multi_dot(arrays: Sequence[Any], *, precision: Any = None) -> Any:
    """The product of two matrices or more, in the order that needs the fewest multiplications
    (Cormen et al., Introduction to Algorithms, 15.2). The first and the last may be vectors.

    Raises ValueError for fewer than two, for other ranks, and for sizes that do not fit.
    """
    xs = [operand("linalg.multi_dot", x, i) for i, x in enumerate(arrays)]
    shapes = [x.shape for x in xs]
    _check_chain(shapes)
    first_vector, last_vector = xs[0].ndim == 1, xs[-1].ndim == 1
    sizes = [1 if first_vector else shapes[0][0], *(s[-1] for s in shapes[:-1])]
    sizes.append(1 if last_vector else shapes[-1][1])

    @cache
    def cost(start: int, stop: int) -> tuple[int, int]:
        """The least number of multiplications for xs[start:stop], and the last product's place."""
        if stop - start == 1:
            return 0, start
        return min(
            (cost(start, k)[0] + cost(k, stop)[0] + sizes[start] * sizes[k] * sizes[stop], k)
            for k in range(start + 1, stop)
        )

    def multiply(start: int, stop: int) -> Any:
        if stop - start == 1:
            return xs[start]
        k = cost(start, stop)[1]
        return products.matmul(multiply(start, k), multiply(k, stop), precision=precision)

    return multiply(0, len(xs))


def _check_chain(shapes: list[tuple[int, ...]]) -> None:
    """Raises ValueError unless arrays of these shapes can be multiplied in a row."""
    ranks_fit = len(shapes) > 1 and all(
        len(s) == 2 or (len(s) == 1 and i in (0, len(shapes) - 1)) for i, s in enumerate(shapes)
    )
    if ranks_fit and all(a[-1] == b[0] for a, b in pairwise(shapes)):
        return
    raise ValueError(
        errors.explain(
            "jnp.linalg.multi_dot",
            f"{len(shapes)} arrays of shapes {', '.join(map(str, shapes))}",
            "it takes two matrices or more, of which the first and the last may be vectors, each "
            "with as many rows as the one before has columns",
            "jnp.matmul for stacks of matrices",
        )
    )
