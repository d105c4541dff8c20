"""Functions of matrices by the Schur form A = Z T Z^H, whose T is upper triangular: sqrtm, funm,
solve_sylvester; and rsf2csf, which makes T triangular where it has blocks of two rows.

Each goes through the columns of T from the left. Up to its diagonal element, a column of the result
solves a triangular system whose matrix the columns before it make:

    R R = T          (R + r_jj I) r_j = t_j                  (Björck & Hammarling 1983)
    F T = T F        (T - t_jj I) f_j = F t_j - f_jj t_j     (Parlett 1976)
    R Y + Y S = C    (R + s_jj I) y_j = c_j - Y s_j          (Bartels & Stewart 1972)

The systems have the size of T for each column, with zeros below, so that one loop does for all. The
loops are compiled, so that they are not traced again for each call.

Read next: `scipy/linalg/exponential.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.numpy import linalg as numpy_linalg
from scratchfn.numpy.comparison import isfinite
from scratchfn.numpy.creation import diag, diagonal, eye, triu, zeros_like
from scratchfn.numpy.elementwise import conjugate, real
from scratchfn.numpy.extremes import amin
from scratchfn.numpy.joining import stack
from scratchfn.numpy.linalg.arguments import adjoint, eps_of
from scratchfn.numpy.linalg.norms import norm
from scratchfn.numpy.manipulation import reshape
from scratchfn.numpy.products import matmul
from scratchfn.numpy.promotion import inexact, operand, promote_dtypes_inexact
from scratchfn.numpy.ranges import arange
from scratchfn.numpy.scalars import inf, nan
from scratchfn.numpy.searching import where
from scratchfn.numpy.totals import any as any_of
from scratchfn.numpy.ufuncs import absolute, maximum, minimum, sqrt
from scratchfn.primitives.convert import convert_element_type
from scratchfn.scipy.linalg.factorizations import schur
from scratchfn.scipy.linalg.solving import solve_triangular
from scratchfn.transforms.control.while_loop import fori_loop
from scratchfn.transforms.jit_api import jit
from scratchfn.transforms.vmap_api import vmap


def product(*factors: Any) -> Any:
    """Their product, in full precision on accelerators too."""
    out = factors[0]
    for factor in factors[1:]:
        out = matmul(out, factor, precision="highest")
    return out


def _above(x: Any, j: Any) -> Any:
    """A column [n] with zeros from place j on."""
    return where(arange(x.shape[0]) < j, x, 0)


# -- square roots ---------------------------------------------------------------------------------


def sqrtm(A: Any, blocksize: int = 1) -> Any:
    """The principal square root of a square matrix [n, n], complex; nan or inf where there is none.
    Raises NotImplementedError for a `blocksize` other than 1."""
    if blocksize > 1:
        raise NotImplementedError(
            errors.explain(
                "scipy.linalg.sqrtm", f"blocksize={blocksize}", "columns are taken one by one",
                "blocksize=1",
            )
        )  # fmt: skip
    a = inexact("sqrtm", A)
    t, z = schur(_one_square("sqrtm", a) if a.ndim > 2 else a, "complex")
    return product(z, _root(t), adjoint(z))


@jit
def _root(t: Any) -> Any:
    """The root of a triangular matrix."""
    root, n = sqrt(diagonal(t)), t.shape[0]

    def step(j: Any, r: Any) -> Any:
        sums = where(arange(n) < j, root, 0) + root[j]
        none = sums == 0  # of an element that is 0 then the root is 0, and another one has none
        column = solve_triangular(triu(r, 1) + diag(where(none, 1, sums)), _above(t[:, j], j))
        column = where(none & (column != 0), nan, column)
        return r.at[:, j].set(where(arange(n) == j, root[j], column))

    return fori_loop(0, n, step, zeros_like(t))


def _one_square(name: str, a: Any) -> Any:
    """One operand as one square matrix. Raises ValueError if it is none."""
    if a.ndim == 2 and a.shape[0] == a.shape[1]:
        return a
    raise ValueError(
        errors.explain(
            f"scipy.linalg.{name} of an array of type {a.aval}", f"shape {a.shape}",
            "it takes one square matrix", f"vmap(scipy.linalg.{name}) for stacks of matrices",
        )
    )  # fmt: skip


# -- any function ---------------------------------------------------------------------------------


def funm(A: Any, func: Callable[[Any], Any], disp: bool = True) -> Any:
    """func(A) of a square matrix [n, n] with different eigenvalues, complex, where `func` is given
    on vectors of numbers; or (func(A), an estimate of its relative error) unless `disp`. Raises
    ValueError for matrices that are not square, TypeError for integers."""
    a = _one_square("funm", operand("funm", A))
    t, z = rsf2csf(*schur(a))
    out = product(z, _parlett(t, func(diagonal(t))), adjoint(z))
    return out if disp else (out, _error_of(out, t))


@jit
def _parlett(t: Any, values: Any) -> Any:
    """The function of a triangular matrix whose values on its diagonal are given."""
    poles, n = diagonal(t), t.shape[0]

    def step(j: Any, f: Any) -> Any:
        tj = _above(t[:, j], j)
        gaps = where(poles == poles[j], -1, poles - poles[j])  # no division by 0, as in SciPy
        right = _above(product(f, tj) - values[j] * tj, j)
        column = solve_triangular(triu(t, 1) + diag(gaps), right)
        return f.at[:, j].set(where(arange(n) == j, values[j], _above(column, j)))

    return fori_loop(0, n, step, zeros_like(t))


def _error_of(f: Any, t: Any) -> Any:
    """eps over the least gap between eigenvalues, times the size of what is off the diagonal."""
    gaps = absolute(diagonal(t)[:, None] - diagonal(t))
    pairs = triu(gaps > 0, 1)
    least = minimum(amin(where(pairs, gaps, inf), initial=inf), absolute(t[0, 0]))
    eps = eps_of(t)
    least = where(least == 0, eps, least)
    error = minimum(1, maximum(eps, eps / least * norm(triu(t, 1), 1)))
    return where(any_of(isfinite(f)), error, inf)


# -- Sylvester's equation -------------------------------------------------------------------------


def solve_sylvester(A: Any, B: Any, C: Any, *, method: str = "schur", tol: float = 1e-8) -> Any:
    """X with A X + X B = C, for A [..., m, m], B [..., n, n] and C [..., m, n]; nan where the sum
    of an eigenvalue of A and one of B is less than `tol`: there is no X, or more than one.

    `method` is "schur", or "eigen", quicker and less accurate. Raises ValueError for another one,
    and for shapes that do not fit.
    """
    a, b, c = promote_dtypes_inexact(A, B, C)
    m, n = c.shape[-2:] if c.ndim > 1 else (-1, -1)
    if a.shape[-2:] != (m, m) or b.shape[-2:] != (n, n):
        raise ValueError(
            errors.explain(
                f"scipy.linalg.solve_sylvester({a.aval}, {b.aval}, {c.aval})",
                f"shapes {a.shape}, {b.shape} and {c.shape}",
                "A is [..., m, m], B is [..., n, n] and C is [..., m, n]", "A, B swapped",
            )
        )  # fmt: skip
    if method not in ("schur", "eigen"):
        raise ValueError(
            errors.explain(
                "scipy.linalg.solve_sylvester", f"method={method!r}", "it is 'schur' or 'eigen'",
                "method='schur'",
            )
        )  # fmt: skip
    solve = _sylvester_by_schur if method == "schur" else _sylvester_by_eigenvectors

    def one(a: Any, b: Any, c: Any) -> Any:
        x = solve(a, b, c)
        x = x if dtypes.kind(c.dtype) == "c" else real(x)
        sums = numpy_linalg.eigvals(a)[:, None] + numpy_linalg.eigvals(b)
        return where(amin(absolute(sums), initial=inf) < tol, nan, x)

    for _ in range(a.ndim - 2):
        one = vmap(one)
    return one(a, b, c)


@jit
def _sylvester_by_schur(a: Any, b: Any, c: Any) -> Any:
    r, u = schur(a, "complex")
    s, v = schur(b, "complex")
    c = product(adjoint(u), convert_element_type(c, r.dtype), v)
    identity = eye(r.shape[0], dtype=r.dtype)

    def step(j: Any, y: Any) -> Any:
        right = c[:, j] - product(y, _above(s[:, j], j))
        return y.at[:, j].set(solve_triangular(r + s[j, j] * identity, right))

    y = fori_loop(0, s.shape[0], step, zeros_like(c))
    return product(u, y, adjoint(v))


def _sylvester_by_eigenvectors(a: Any, b: Any, c: Any) -> Any:
    r, u = numpy_linalg.eig(a)
    s, v = numpy_linalg.eig(b)
    y = numpy_linalg.solve(u, product(convert_element_type(c, u.dtype), v)) / (r[:, None] + s)
    return product(u, y, numpy_linalg.inv(v))


# -- from the real Schur form to the complex one --------------------------------------------------


def rsf2csf(T: Any, Z: Any, check_finite: bool = True) -> tuple[Any, Any]:
    """The complex, triangular Schur form (T, Z) of matrices [..., n, n] from their real one. Each
    block of two rows is made triangular by a rotation (Golub & Van Loan, Matrix Computations, 4th
    ed. 2013, 7.4.2). Raises ValueError for matrices that are not square, or of different shapes."""
    t, z = promote_dtypes_inexact(T, Z)
    for name, x in (("T", t), ("Z", z)):
        if x.ndim < 2 or x.shape[-1] != x.shape[-2] or x.shape != t.shape:
            raise ValueError(
                errors.explain(
                    f"scipy.linalg.rsf2csf({t.aval}, {z.aval})",
                    f"{name} of shape {x.shape}", "both are square and of one shape",
                    "T, Z = schur(a)",
                )
            )  # fmt: skip
    complex_type = dtypes.to_complex_dtype(t.dtype)
    t, z = t.astype(complex_type), z.astype(complex_type)
    one = _to_complex
    for _ in range(t.ndim - 2):
        one = vmap(one)
    return one(t, z)


@jit
def _to_complex(t: Any, z: Any) -> tuple[Any, Any]:
    n = t.shape[0]
    eps = eps_of(t)

    def step(k: Any, both: tuple[Any, Any]) -> tuple[Any, Any]:
        m = n - 1 - k  # rows m - 1 and m
        t, z = both
        pair = stack([m - 1, m])
        block = t[pair[:, None], pair]
        small = absolute(block[1, 0]) <= eps * (absolute(block[0, 0]) + absolute(block[1, 1]))
        shift = numpy_linalg.eigvals(block)[0] - block[1, 1]
        length = sqrt(absolute(shift) ** 2 + absolute(block[1, 0]) ** 2)
        c, s = where(small, 1, shift / length), where(small, 0, block[1, 0] / length)
        turn = reshape(stack([conjugate(c), s, -s, c]), (2, 2))
        t = t.at[pair].set(product(turn, t[pair]))
        t = t.at[:, pair].set(product(t[:, pair], adjoint(turn)))
        z = z.at[:, pair].set(product(z[:, pair], adjoint(turn)))
        return t.at[m, m - 1].set(0), z

    return fori_loop(0, max(n - 1, 0), step, (t, z))
