"""Polynomials as vectors of coefficients, the highest power first.

    [2, 0, 1] is 2 x^2 + 1

Read next: `numpy/calculus.py`, which has `polyval` and `vander`.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.numpy.arguments import known, scalar
from scratchfn.numpy.calculus import convolve, vander
from scratchfn.numpy.comparison import choose, equal, less
from scratchfn.numpy.conversion import asarray
from scratchfn.numpy.creation import diag, full, ones
from scratchfn.numpy.indexing import take
from scratchfn.numpy.joining import concatenate
from scratchfn.numpy.linalg import eigvals, inv, lstsq
from scratchfn.numpy.manipulation import slice_along, transpose
from scratchfn.numpy.products import matmul, outer
from scratchfn.numpy.promotion import lead, operand, promote_dtypes, promote_dtypes_inexact
from scratchfn.numpy.resizing import trim_zeros
from scratchfn.numpy.rolling import roll
from scratchfn.numpy.searching import argsort
from scratchfn.numpy.totals import sum
from scratchfn.numpy.ufuncs import absolute, add, divide, multiply, negative, sqrt, square, subtract
from scratchfn.primitives.base import expand_dims
from scratchfn.primitives.structural import iota


def _coefficients(name: str, *ps: Any) -> list[Any]:
    xs = [operand(name, p, i) for i, p in enumerate(ps)]
    if all(x.ndim == 1 for x in xs):
        return xs
    found = f"coefficients of types {', '.join(str(x.aval) for x in xs)}"
    why, write = "a polynomial is one vector of coefficients", f"jnp.{name}(jnp.atleast_1d(p))"
    raise ValueError(errors.explain(f"jnp.{name}", found, why, write))


def _order(name: str, m: Any) -> int:
    order = operator.index(known(name, "m", m))
    if order < 0:
        why, write = "it is done 0 times or more", f"jnp.{name}(p, {-order})"
        raise ValueError(errors.explain(f"jnp.{name}(p, {order})", "a negative order", why, write))
    return order


# -- arithmetic -----------------------------------------------------------------------------------


def polyadd(a1: Any, a2: Any) -> Any:
    """The sum of two polynomials."""
    return add(*_of_one_length(*promote_dtypes(*_coefficients("polyadd", a1, a2))))


def polysub(a1: Any, a2: Any) -> Any:
    """The difference of two polynomials."""
    return subtract(*_of_one_length(*promote_dtypes(*_coefficients("polysub", a1, a2))))


def _of_one_length(p: Any, q: Any) -> list[Any]:
    n = max(p.shape[0], q.shape[0])
    return [concatenate([full(n - x.shape[0], 0, x.dtype), x]) for x in (p, q)]


def polymul(a1: Any, a2: Any, *, trim_leading_zeros: bool = False) -> Any:
    """The product of two polynomials.

    Args:
      trim_leading_zeros: whether to leave out leading coefficients that are 0, for which their
        values must be known.
    """
    p, q = promote_dtypes_inexact(*_coefficients("polymul", a1, a2))
    if trim_leading_zeros:
        p, q = trim_zeros(p, trim="f"), trim_zeros(q, trim="f")
    p, q = (x if x.size else full(1, 0, x.dtype) for x in (p, q))
    return convolve(p, q)


def polydiv(u: Any, v: Any, *, trim_leading_zeros: bool = False) -> tuple[Any, Any]:
    """(quotient, remainder) of two polynomials.

    Args:
      trim_leading_zeros: whether to leave out leading coefficients of the remainder that are 0 but
        for rounding, for which their values must be known.
    """
    rest, divisor = promote_dtypes_inexact(*_coefficients("polydiv", u, v))
    degree = divisor.shape[0] - 1
    steps = max(rest.shape[0] - degree, 0)
    quotient = []
    for i in range(steps):  # what is left of the dividend begins at i
        factor = divide(take(rest, i), take(divisor, 0))
        quotient.append(factor)
        end = i + degree + 1
        part = subtract(slice_along(rest, i, end, 0), multiply(factor, divisor))
        rest = concatenate(
            [slice_along(rest, 0, i, 0), part, slice_along(rest, end, rest.shape[0], 0)]
        )
    if trim_leading_zeros:
        tiny = less(absolute(rest), float(np.sqrt(dtypes.finfo(rest.dtype).eps)))
        rest = slice_along(rest, _leading_zeros("polydiv", tiny), rest.shape[0], 0)
    quotients = [expand_dims(x, [0]) for x in quotient] or [full(1, 0, rest.dtype)]
    return concatenate(quotients), rest


def _leading_zeros(name: str, zero: Any) -> int:
    """How many of the coefficients are zero before one is not."""
    where = np.nonzero(~np.asarray(known(name, "coefficients, to find zeros in,", zero)))[0]
    return int(where[0]) if where.size else int(zero.shape[0])


def polyder(p: Any, m: int = 1) -> Any:
    """The m-th derivative of a polynomial."""
    (p,) = promote_dtypes_inexact(*_coefficients("polyder", p))
    m = _order("polyder", m)
    if m == 0:
        return p
    count = max(p.shape[0] - m, 0)
    powers = np.arange(p.shape[0] - 1, m - 1, -1)
    factors = np.prod([powers - i for i in range(m)], axis=0) if count else powers[:0]
    return multiply(slice_along(p, 0, count, 0), asarray(factors.astype(float), p.dtype))


def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """The m-th integral of a polynomial.

    Args:
      k: the constants of integration, the first integral's first, or one for all; 0 by default.
    """
    m = _order("polyint", m)
    k = operand("polyint", 0 if k is None else k, 2)
    p, k = promote_dtypes_inexact(*_coefficients("polyint", p), k)
    if k.ndim > 1 or (k.size not in (1, m) and m):
        why, write = f"each of the {m} integrals has a constant, or all have one", "k=0.0"
        raise ValueError(errors.explain(f"jnp.polyint(p, {m})", f"k of type {k.aval}", why, write))
    if m == 0:
        return p
    constants = k if k.shape == (m,) else full(m, k if k.ndim == 0 else take(k, 0), k.dtype)
    both = concatenate([p, constants])
    n = both.shape[0]
    # a coefficient of x^j becomes one of x^(j + i) in i integrals; constants meet fewer than m
    powers = np.arange(n - 1, -1, -1)
    factors = np.prod(
        [np.where(powers - i > 0, powers - i, 1) for i in range(m)], axis=0, dtype=float
    )
    return divide(both, asarray(factors, both.dtype))


# -- zeros ----------------------------------------------------------------------------------------


def poly(seq_of_zeros: Any) -> Any:
    """The polynomial with the given zeros and leading coefficient 1; of a square matrix, its
    characteristic polynomial."""
    (zeros,) = promote_dtypes_inexact(operand("poly", seq_of_zeros))
    square_matrix = zeros.ndim == 2 and zeros.shape[0] == zeros.shape[1] and zeros.size
    if zeros.ndim > 1 and not square_matrix:
        why, write = "it takes a vector of zeros or a square matrix", "jnp.poly(x.ravel())"
        raise ValueError(errors.explain("jnp.poly", f"an array of type {zeros.aval}", why, write))
    if zeros.ndim == 2:
        zeros = eigvals(zeros)
    if not zeros.size:
        return ones((), zeros.dtype)
    zeros = zeros.reshape(-1)
    result, zero = full(1, 1, zeros.dtype), full(1, 0, zeros.dtype)
    for i in range(zeros.shape[0]):  # times x - z
        lower = multiply(result, negative(slice_along(zeros, i, i + 1, 0)))
        result = add(concatenate([result, zero]), concatenate([zero, lower]))
    return result


def roots(p: Any, *, strip_zeros: bool = True) -> Any:
    """The zeros of a polynomial, complex: the eigenvalues of its companion matrix.

    Args:
      strip_zeros: whether leading coefficients that are 0 are left out first, for which their
        values must be known. If not, there is a nan for each of them, at the end.
    """
    (p,) = promote_dtypes_inexact(*_coefficients("roots", lead(operand("roots", p), 1)))
    if p.shape[0] < 2:
        return full(0, 0, dtypes.to_complex_dtype(p.dtype))
    zero = equal(p, 0)
    if not strip_zeros:
        return _padded_roots(p, zero)
    start = _leading_zeros("roots", zero)
    if start == p.shape[0]:
        return full(0, 0, dtypes.to_complex_dtype(p.dtype))
    return _companion_roots(slice_along(p, start, p.shape[0], 0))


def _companion_roots(p: Any) -> Any:
    """The zeros of a polynomial whose leading coefficient is not 0."""
    n = p.shape[0] - 1
    if n == 0:
        return full(0, 0, dtypes.to_complex_dtype(p.dtype))
    first_row = negative(divide(slice_along(p, 1, n + 1, 0), take(p, 0)))
    below = slice_along(diag(full(n - 1, 1, p.dtype), -1), 1, n, 0)
    return eigvals(concatenate([expand_dims(first_row, [0]), below]))


def _padded_roots(p: Any, zero: Any) -> Any:
    """The zeros of a polynomial of unknown degree. Its leading zeros are moved to the end, where
    each adds the root 0; of the roots 0, the last become nan."""
    n = p.shape[0] - 1
    leading = sum(zero.astype(int).cumprod())
    leading = choose(equal(leading, n + 1), scalar(n, leading.dtype), leading)
    found = _companion_roots(roll(p, negative(leading)))
    found = take(found, argsort(equal(found, 0)))
    last = less(iota(leading.dtype, (n,)), subtract(n, leading))
    return choose(last, found, scalar(complex(np.nan, np.nan), found.dtype))


# -- the polynomial nearest to given points -------------------------------------------------------


def polyfit(
    x: Any, y: Any, deg: int, rcond: float | None = None, full: bool = False, w: Any = None,
    cov: bool | str = False,
) -> Any:  # fmt: skip
    """The coefficients of the polynomial of degree `deg` that is nearest to the points (x, y), by
    the sum of squared distances in y.

    Args:
      y: [m], or [m, k] for k polynomials through points with the same x.
      rcond: singular values smaller than this part of the largest count as 0.
      full: whether to return (coefficients, residuals, rank, singular values, rcond).
      w: weights of the points, which multiply their distances.
      cov: whether to return (coefficients, their covariance), scaled by the residuals unless it is
        "unscaled".

    Raises TypeError for points that do not belong together, ValueError for a negative degree.
    """
    x, y = operand("polyfit", x), operand("polyfit", y, 1)
    size = operator.index(known("polyfit", "deg", deg)) + 1
    weights = None if w is None else operand("polyfit", w, 5)
    _check_points(x, y, size, weights)
    if rcond is None:
        rcond = x.shape[0] * float(dtypes.finfo(x.dtype).eps)
    matrix = vander(x, size)
    if weights is not None:
        matrix = multiply(matrix, expand_dims(weights, [1]))
        y = multiply(y, expand_dims(weights, [1]) if y.ndim == 2 else weights)
    scale = sqrt(sum(square(matrix), 0))
    matrix = divide(matrix, expand_dims(scale, [0]))
    found, residuals, rank, values = lstsq(matrix, y, rcond)
    found = transpose(divide(transpose(found), lead(scale, y.ndim)))
    if full:
        return found, residuals, rank, values, asarray(rcond)
    if not cov:
        return found
    covariance = divide(inv(matmul(transpose(matrix), matrix)), outer(scale, scale))
    return found, _scaled(covariance, residuals, x.shape[0] - size, cov, y.ndim)


def _scaled(covariance: Any, residuals: Any, freedom: int, cov: bool | str, ndim: int) -> Any:
    factor: Any = 1
    if cov != "unscaled":
        if freedom <= 0:
            why, write = "there are no residuals to scale it with", "cov='unscaled', or more points"
            found = f"{-freedom} points too few"
            raise ValueError(errors.explain("jnp.polyfit(..., cov=True)", found, why, write))
        factor = divide(residuals, freedom)
    if ndim == 1:
        return multiply(covariance, factor)
    return multiply(expand_dims(covariance, [2]), factor)


def _check_points(x: Any, y: Any, size: int, w: Any) -> None:
    asked = f"jnp.polyfit of x {x.aval}, y {y.aval}" + (f", w {w.aval}" if w is not None else "")
    write = "jnp.polyfit(x, y, 2) with x and y of one length"
    if size < 1 or dtypes.kind(x.dtype) not in "fc":
        why = "the degree is 0 or more, and x are floats"
        found = f"degree {size - 1}, x of type {x.aval}"
        raise ValueError(errors.explain(asked, found, why, "jnp.polyfit(x * 1.0, y, 2)"))
    if x.ndim != 1 or not x.size or y.ndim not in (1, 2) or y.shape[0] != x.shape[0]:
        why = "x is a vector of points, and y as many values, or rows of values"
        raise TypeError(errors.explain(asked, "shapes that do not fit", why, write))
    if w is not None and (w.ndim != 1 or w.shape[0] != y.shape[0]):
        why = "each point has a weight"
        raise TypeError(errors.explain(asked, "weights that do not fit", why, write))
