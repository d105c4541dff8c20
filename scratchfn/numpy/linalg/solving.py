"""Systems of equations A X = B: solve, inv, and those of tensors.

Differentiating the equation gives A dX = dB - dA X, a system with the same factors, so that they
are computed once for a value and its derivative.

Read next: `numpy/linalg/determinants.py`.
"""

from __future__ import annotations

from math import prod
from typing import Any

from scratchfn import errors
from scratchfn.numpy.creation import eye
from scratchfn.numpy.linalg.arguments import square
from scratchfn.numpy.manipulation import broadcast_shapes, broadcast_to, moveaxis, reshape
from scratchfn.numpy.products import matmul
from scratchfn.numpy.promotion import operand, promote_dtypes_inexact
from scratchfn.primitives.base import expand_dims, squeeze
from scratchfn.primitives.linalg.lu import lu_p, solve_factored
from scratchfn.transforms.custom_jvp import custom_jvp


def solve(a: Any, b: Any) -> Any:
    """x with a x = b, for square matrices a [..., n, n] and b [..., n, k], whose leading axes
    broadcast, or one vector b [n].

    A singular `a` gives inf or nan. Raises ValueError for shapes that do not fit.
    """
    a, b = promote_dtypes_inexact(operand("linalg.solve", a), operand("linalg.solve", b, 1))
    vector = b.ndim == 1
    if not (a.ndim >= 2 and b.ndim >= 1 and a.shape[-1] == a.shape[-2] == b.shape[-2 + vector]):
        raise ValueError(_explain_solve(a, b))
    try:
        broadcast_shapes(a.shape[:-2], () if vector else b.shape[:-2])
    except ValueError:
        raise ValueError(_explain_solve(a, b)) from None
    if not vector:
        return _solve(a, b)
    x = _solve(a, expand_dims(b, [1]))
    return squeeze(x, [x.ndim - 1])


def _explain_solve(a: Any, b: Any) -> str:
    write = "jnp.linalg.lstsq(a, b) for an a that is not square"
    if a.ndim >= 2 and b.ndim == a.ndim - 1 and b.shape[-1] == a.shape[-1]:
        write = "jnp.linalg.solve(a, b[..., None])[..., 0] for one vector for each matrix"
    return errors.explain(
        f"jnp.linalg.solve({a.aval}, {b.aval})",
        f"shapes {a.shape} and {b.shape}",
        "a is [..., n, n] and b is [..., n, k] with leading axes that broadcast, or [n]",
        write,
    )


@custom_jvp
def _solve(a: Any, b: Any) -> Any:
    return _with_factors(_factors(a), b)


@_solve.defjvp
def _solve_jvp(primals: tuple[Any, Any], tangents: tuple[Any, Any]) -> tuple[Any, Any]:
    (a, b), (da, db) = primals, tangents
    factors = _factors(a)
    x = _with_factors(factors, b)
    return x, _with_factors(factors, db - matmul(da, x, precision="highest"))


def _factors(a: Any) -> tuple[Any, Any]:
    factors, _, order = lu_p.bind(a)
    return factors, order


def _with_factors(factored: tuple[Any, Any], b: Any) -> Any:
    """The solution by the factors of A, whose leading axes broadcast with those of B."""
    factors, order = factored
    n, k = b.shape[-2:]
    if factors.ndim == 2 and b.ndim > 2:  # all of B's columns are those of one matrix
        side_by_side = moveaxis(b, -2, 0)  # [n, ..., k]
        x = solve_factored(factors, order, reshape(side_by_side, (n, b.size // n if n else 0)))
        return moveaxis(reshape(x, side_by_side.shape), 0, -2)
    outer = broadcast_shapes(factors.shape[:-2], b.shape[:-2])
    return solve_factored(
        broadcast_to(factors, (*outer, n, n)),
        broadcast_to(order, (*outer, n)),
        broadcast_to(b, (*outer, n, k)),
    )


def inv(a: Any) -> Any:
    """The inverse of square matrices [..., n, n]; inf or nan where there is none. To solve a system
    `solve` is better: it needs fewer operations and is more accurate."""
    a = square("linalg.inv", a)
    return _solve(a, broadcast_to(eye(a.shape[-1], dtype=a.dtype), a.shape))


def tensorsolve(a: Any, b: Any, axes: tuple[int, ...] | None = None) -> Any:
    """x with tensordot(a, x, x.ndim) = b. The first axes of `a`, after those in `axes` have been
    moved to its end, are those of `b`; the others are x's. Raises ValueError unless they are."""
    a, b = operand("linalg.tensorsolve", a), operand("linalg.tensorsolve", b, 1)
    if axes is not None:
        a = moveaxis(a, axes, range(a.ndim - len(axes), a.ndim))
    outer, inner = a.shape[: b.ndim], a.shape[b.ndim :]
    if outer != b.shape or prod(inner) != b.size:
        raise ValueError(
            errors.explain(
                f"jnp.linalg.tensorsolve({a.aval}, {b.aval})",
                f"first axes of sizes {outer}, others of {inner}",
                f"the first are b's axes {b.shape}, and the others have as many elements",
                "axes=(...) to name the axes of a that are x's",
            )
        )
    return reshape(solve(reshape(a, (b.size, b.size)), reshape(b, (b.size,))), inner)


def tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse of the map tensordot(a, x, x.ndim), whose results have the first `ind` axes of
    `a`. Raises ValueError unless these have as many elements as the others."""
    a = operand("linalg.tensorinv", a)
    outer, inner = a.shape[: max(ind, 0)], a.shape[max(ind, 0) :]
    if ind <= 0 or prod(outer) != prod(inner):
        raise ValueError(
            errors.explain(
                f"jnp.linalg.tensorinv({a.aval}, ind={ind})",
                f"first axes of sizes {outer}, others of {inner}",
                "a map has an inverse if its results have as many elements as its arguments, and "
                "ind is 1 or more",
                "jnp.linalg.pinv(a.reshape(m, n)) for the other maps",
            )
        )
    size = prod(outer)
    return reshape(inv(reshape(a, (size, size))), (*inner, *outer))
