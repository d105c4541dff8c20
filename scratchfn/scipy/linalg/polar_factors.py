"""polar: A = U P, or P U, with orthonormal U and Hermitian positive semidefinite P.

Read next: `lax/qdwh.py`, the iteration that it is found by.
"""

from __future__ import annotations

from typing import Any

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.lax import linalg
from scratchfn.numpy.linalg.arguments import adjoint
from scratchfn.numpy.linalg.factorizations import svd
from scratchfn.numpy.products import matmul
from scratchfn.numpy.promotion import operand
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.linalg.algebra import as_row
from scratchfn.transforms.vmap_api import vmap


def polar(
    a: Any, side: str = "right", *, method: str = "qdwh", eps: float | None = None,
    max_iterations: int | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """(U, P) with U P = a [..., m, n], or P U = a if `side` is "left".

    `method` is "svd", by singular values, or "qdwh", by iterations up to `eps` or `max_iterations`,
    which takes m >= n on the right side and m < n on the left one and raises NotImplementedError
    else. Raises ValueError for another side or method.
    """
    a = operand("scipy.linalg.polar", a)
    if dtypes.kind(a.dtype) not in "fc":
        raise ValueError(
            errors.explain(
                f"scipy.linalg.polar of an array of type {a.aval}", "whole numbers",
                "the factors are floating point, and nothing is converted", "polar(1.0 * a)",
            )
        )  # fmt: skip
    if a.ndim < 2:
        raise ValueError(
            errors.explain(
                f"scipy.linalg.polar of an array of type {a.aval}", f"{a.ndim} axes",
                "a matrix has two", "x[:, None] for a vector as a matrix of one column",
            )
        )  # fmt: skip
    if side not in ("left", "right") or method not in ("qdwh", "svd"):
        raise ValueError(
            errors.explain(
                "scipy.linalg.polar", f"side={side!r}, method={method!r}",
                "the side is 'left' or 'right', and the method 'qdwh' or 'svd'",
                "side='right', method='svd'",
            )
        )  # fmt: skip
    if method == "svd":
        return _by_singular_values(a, side)
    tall = a.shape[-2] >= a.shape[-1]
    if tall != (side == "right"):
        raise NotImplementedError(
            errors.explain(
                f"scipy.linalg.polar of an array of type {a.aval}, side={side!r}",
                f"{a.shape[-2]} rows and {a.shape[-1]} columns",
                "the iteration takes as many rows as columns or more on the right side, and fewer "
                "on the left one",
                "method='svd'",
            )
        )

    def one(x: Any) -> tuple[Any, Any]:
        return linalg.qdwh(x, eps=eps, max_iterations=max_iterations)[:2]

    for _ in range(a.ndim - 2):
        one = vmap(one)
    if side == "right":
        u, p = one(a)
        return u, p
    u, p = one(adjoint(a))
    return adjoint(u), p


def _by_singular_values(a: Any, side: str) -> tuple[Any, Any]:
    u, s, vh = svd(a, full_matrices=False)
    scale = as_row(convert_element_type(s, a.dtype))
    unitary = matmul(u, vh, precision="highest")
    if side == "right":
        return unitary, matmul(adjoint(vh) * scale, vh, precision="highest")
    return unitary, matmul(u * scale, adjoint(u), precision="highest")
