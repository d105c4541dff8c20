"""eig: A V = V diag(w) of any square matrix; all results are complex. A left eigenvector is one of
A^H, for the conjugate of its eigenvalue.

With M = V^-1 dA V and F_ij = 1 / (w_j - w_i) off the diagonal, 0 on it,

    dw = diag M,   dV = V (F * M) + V diag(c)

(Giles 2008, "Collected matrix derivative results", section 3.1.) LAPACK fixes the scale c of each
vector v: its length is 1 and its largest element real. So v loses what dV adds to its length, then
what it adds to that element's phase (Boeddeker et al. 2017, arXiv:1701.00392). Only if the largest
element stays the largest is that the derivative, which is why it has to be asked for.

Read next: `primitives/linalg/reductions.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.backends.numpy.kernels import linalg as kernels
from scratchfn.backends.numpy.kernels.lapack import complex_of
from scratchfn.core.avals import ShapedArray
from scratchfn.core.template import expression, kernel
from scratchfn.core.trace import Primitive
from scratchfn.primitives.arithmetic import add, div, mul, sub
from scratchfn.primitives.base import expand_dims, reduce_sum
from scratchfn.primitives.convert import complex_p, conj, convert_element_type, imag, real
from scratchfn.primitives.linalg.algebra import (
    adjoint,
    as_column,
    as_row,
    batch_leading,
    diagonal,
    eye_like,
    matmul,
    off_diagonal,
    require_matrices,
    weak_if_all,
)
from scratchfn.primitives.linalg.lu import solve
from scratchfn.primitives.reduction import argmax_p
from scratchfn.primitives.rules import full_like, scalar_like
from scratchfn.primitives.sorting import take_along


def _aval(
    x: ShapedArray,
    *,
    compute_left_eigenvectors: bool,
    compute_right_eigenvectors: bool,
    enable_eigvec_derivs: bool,
    implementation: Any,
) -> list[ShapedArray]:
    require_matrices("eig", x, square=True)
    dtype = complex_of(x.dtype)
    count = compute_left_eigenvectors + compute_right_eigenvectors
    return [ShapedArray(x.shape[:-1], dtype), *[ShapedArray(x.shape, dtype)] * count]


def _jvp(
    primals: Any, tangents: Any, *, compute_left_eigenvectors: bool,
    compute_right_eigenvectors: bool, enable_eigvec_derivs: bool, implementation: Any,
) -> Any:  # fmt: skip
    (x,), (dx,) = primals, tangents
    left, right = compute_left_eigenvectors, compute_right_eigenvectors
    if (left or right) and not enable_eigvec_derivs:
        raise _not_enabled(x)
    w, *all_vectors = eig_p.bind(
        x,
        compute_left_eigenvectors=left,
        compute_right_eigenvectors=True,
        enable_eigvec_derivs=enable_eigvec_derivs,
        implementation=implementation,
    )
    *left_vectors, v = all_vectors
    dx = convert_element_type(dx, v.dtype)
    inner = solve(v, matmul(dx, v))
    outs, dots = [w], [diagonal(inner)]
    for u in left_vectors:
        outs.append(u)
        dots.append(_of_vectors(u, conj(w), solve(u, matmul(adjoint(dx), u))))
    if right:
        outs.append(v)
        dots.append(_of_vectors(v, w, inner))
    return outs, dots


def _of_vectors(v: Any, w: Any, inner: Any) -> Any:
    """The tangent of normalized eigenvectors; `inner` is V^-1 dA V."""
    gaps = add(sub(as_row(w), as_column(w)), eye_like(inner))
    dv = matmul(v, mul(off_diagonal(div(scalar_like(gaps, 1), gaps)), inner))
    longer = real(reduce_sum(mul(conj(v), dv), [v.ndim - 2]))
    dv = sub(dv, mul(v, as_row(convert_element_type(longer, v.dtype))))
    size = add(mul(real(v), real(v)), mul(imag(v), imag(v)))
    place = argmax_p.bind(size, axes=(v.ndim - 2,), index_dtype=np.dtype(np.int32))
    turn = div(imag(_element(dv, place)), real(_element(v, place)))
    return sub(dv, mul(v, complex_p.bind(full_like(turn, 0), turn)))


def _element(x: Any, place: Any) -> Any:
    """[..., 1, n]: of each column the element at its place."""
    return take_along(x, expand_dims(place, [x.ndim - 2]), x.ndim - 2)


def _not_enabled(x: Any) -> NotImplementedError:
    return NotImplementedError(
        errors.explain(
            f"the derivative of eig({x.aval})",
            "eigenvectors of a matrix that may not be symmetric",
            "their scale is LAPACK's choice, and their derivative is right only while the largest "
            "element of each stays the largest",
            "lax.linalg.eig(x, enable_eigvec_derivs=True) if that is so; jnp.linalg.eigvals for "
            "eigenvalues alone; jnp.linalg.eigh if the matrix is symmetric",
        )
    )


kernel(kernels.eig)

eig_p = Primitive(
    "eig",
    many=True,
    aval=weak_if_all(_aval),
    jvp=_jvp,
    **expression(
        "eig({0}, compute_left_eigenvectors={compute_left_eigenvectors}, "
        "compute_right_eigenvectors={compute_right_eigenvectors})"
    ),
)
eig_p.batch = batch_leading(eig_p)
