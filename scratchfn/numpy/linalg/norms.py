"""Norms of vectors and matrices, and what is read off singular values: rank and condition.

Read next: `numpy/linalg/factorizations.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.numpy.arguments import axes_of
from scratchfn.numpy.comparison import isnan, logical_and, logical_not
from scratchfn.numpy.conversion import astype
from scratchfn.numpy.elementwise import conjugate, real
from scratchfn.numpy.extremes import amax, amin
from scratchfn.numpy.linalg.arguments import eps_of
from scratchfn.numpy.linalg.factorizations import svd
from scratchfn.numpy.linalg.solving import inv
from scratchfn.numpy.manipulation import expand_dims, moveaxis, squeeze
from scratchfn.numpy.promotion import inexact, operand
from scratchfn.numpy.searching import where
from scratchfn.numpy.totals import any as any_of
from scratchfn.numpy.totals import sum
from scratchfn.numpy.ufuncs import absolute, power, sqrt

Axes = tuple[int, ...]


def norm(
    x: Any,
    ord: int | float | str | None = None,
    axis: int | tuple[int, ...] | None = None,
    keepdims: bool = False,
) -> Any:
    """The norm of vectors along one axis, or of matrices along two.

    `ord` of a vector is any number p, for sum(|x|^p)^(1/p), inf or -inf for the greatest or least
    |x|, or 0 for the number of elements that are not 0. `ord` of a matrix is "fro", "nuc" (the sum
    of singular values), 1 or inf (the greatest sum of |x| along columns or rows), 2 (the greatest
    singular value), or -1, -inf, -2 for the least. None is 2 for vectors and "fro" for matrices;
    with no axis either, it is the root of the sum of squares of all elements.

    Raises ValueError for an `ord` that there is not, and for three axes or more.
    """
    x = inexact("linalg.norm", x)
    if axis is None and ord is None:
        return _root_of_squares(x, tuple(range(x.ndim)), keepdims)
    axes = axes_of("linalg.norm", axis, x.ndim)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes, keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes, keepdims)
    raise ValueError(
        errors.explain(
            f"jnp.linalg.norm of an array of type {x.aval}, ord={ord!r}",
            f"{len(axes)} axes",
            "vectors have one axis and matrices two",
            "axis=-1 for vectors, axis=(-2, -1) for matrices, x.ravel() for all elements",
        )
    )


def vector_norm(
    x: Any, /, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False,
    ord: int | float | str = 2,
) -> Any:  # fmt: skip
    """`norm` of the elements along any number of axes, by default all, as of one vector."""
    x = inexact("linalg.vector_norm", x)
    return _vector_norm(x, ord, axes_of("linalg.vector_norm", axis, x.ndim), keepdims)


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: int | float | str = "fro") -> Any:
    """`norm` of matrices along the last two axes."""
    return norm(x, ord, (-2, -1), keepdims)


def _root_of_squares(x: Any, axes: Axes, keepdims: bool) -> Any:
    squares = real(x * conjugate(x)) if dtypes.kind(x.dtype) == "c" else x * x
    return sqrt(sum(squares, axes, keepdims=keepdims))


def _vector_norm(x: Any, ord: Any, axes: Axes, keepdims: bool) -> Any:
    if isinstance(ord, str):
        raise _no_such_norm("vector", x, ord, "a number, jnp.inf or -jnp.inf", "ord=jnp.inf")
    if ord is None or ord == 2:
        return _root_of_squares(x, axes, keepdims)
    if ord == np.inf:
        return amax(absolute(x), axes, keepdims=keepdims, initial=0)
    if ord == -np.inf:
        return amin(absolute(x), axes, keepdims=keepdims)
    if ord == 0:
        return sum(astype(x != 0, real(x).dtype), axes, keepdims=keepdims)
    if ord == 1:
        return sum(absolute(x), axes, keepdims=keepdims)
    return power(sum(power(absolute(x), ord), axes, keepdims=keepdims), 1 / ord)


def _matrix_norm(x: Any, ord: Any, axes: Axes, keepdims: bool) -> Any:
    if ord is None or ord == "fro":
        return _root_of_squares(x, axes, keepdims)
    if ord in (1, -1, np.inf, -np.inf):
        along = axes[abs(ord) != 1]
        other = axes[abs(ord) == 1]
        sums = sum(absolute(x), along, keepdims=True)
        if ord > 0:
            best = amax(sums, other, keepdims=True, initial=0)
        else:
            best = amin(sums, other, keepdims=True)
        return best if keepdims else squeeze(best, axes)
    if ord not in (2, -2, "nuc"):
        known = "'fro', 'nuc', 1, 2, inf or the negative of a number of these"
        raise _no_such_norm("matrix", x, ord, known, "ord='fro', or axis=-1 for a norm of vectors")
    s = svd(moveaxis(x, axes, (-2, -1)), compute_uv=False)
    if ord == "nuc":
        out = sum(s, -1)
    else:
        out = amax(s, -1, initial=0) if ord == 2 else amin(s, -1)
    return expand_dims(out, axes) if keepdims else out


def _no_such_norm(kind: str, x: Any, ord: Any, known: str, write: str) -> ValueError:
    return ValueError(
        errors.explain(
            f"jnp.linalg.norm of a {kind}, an array of type {x.aval}",
            f"ord={ord!r}", f"the norms of a {kind} are {known}", write,
        )
    )  # fmt: skip


# -- rank and condition ---------------------------------------------------------------------------


def matrix_rank(M: Any, rtol: Any = None, *, hermitian: bool = False, tol: Any = None) -> Any:
    """The number of singular values of matrices [..., m, n] that are greater than a tolerance, by
    default the greatest one times max(m, n) times the type's eps. Of a vector: is it not 0?

    `rtol` and `tol` are two names for the tolerance itself, as in JAX; raises ValueError for both.
    """
    if rtol is not None and tol is not None:
        raise ValueError(_explain_two("matrix_rank", "rtol and tol"))
    x = inexact("linalg.matrix_rank", M)
    if x.ndim < 2:
        return astype(any_of(x != 0), dtypes.int32)
    s = svd(x, full_matrices=False, compute_uv=False, hermitian=hermitian)
    limit = rtol if tol is None else tol
    if limit is None:
        limit = amax(s, -1) * max(x.shape[-2:]) * eps_of(x)
    limit = astype(expand_dims(operand("linalg.matrix_rank", limit), -1), s.dtype)
    return sum(astype(s > limit, dtypes.int32), -1)


def _explain_two(name: str, names: str) -> str:
    return errors.explain(
        f"jnp.linalg.{name}", f"both {names}", "they are names of one argument", "rtol alone"
    )


def cond(x: Any, p: int | float | str | None = None) -> Any:
    """How much a matrix may magnify relative errors: norm(x, p) * norm(inv(x), p); for p = 2, the
    default, the quotient of the greatest and the least singular value, -2 for its inverse.

    Raises ValueError for empty arrays and vectors, and for matrices that are not square unless p is
    2 or -2.
    """
    x = inexact("linalg.cond", x)
    if x.ndim < 2 or x.size == 0 or (p not in (None, 2, -2) and x.shape[-1] != x.shape[-2]):
        raise ValueError(
            errors.explain(
                f"jnp.linalg.cond({x.aval}, p={p!r})", f"shape {x.shape}",
                "it takes matrices with elements, square ones for p other than 2 and -2", "p=2",
            )
        )  # fmt: skip
    if p in (None, 2):
        s = svd(x, compute_uv=False)
        return s[..., 0] / s[..., -1]
    if p == -2:
        s = svd(x, compute_uv=False)
        out = s[..., -1] / s[..., 0]
    else:
        out = norm(x, p, (-2, -1)) * norm(inv(x), p, (-2, -1))
    # nan of numbers is the quotient of infinities: the matrix is singular
    numbers = logical_not(any_of(isnan(x), (-2, -1)))
    return where(logical_and(isnan(out), numbers), np.inf, out)
