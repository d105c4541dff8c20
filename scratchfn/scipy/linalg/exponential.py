"""The exponential of matrices, by scaling and squaring: exp(A) = exp(A / 2^s)^(2^s), where exp of
the scaled matrix is a quotient of polynomials, Padé's approximant (V - U)^-1 (V + U), whose degree
is as low as the norm allows (Higham 2005, "The scaling and squaring method for the matrix
exponential revisited", table 2.3).

Read next: `scipy/linalg/polar_factors.py`.
"""

from __future__ import annotations

from functools import partial
from math import factorial
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.numpy.comparison import greater
from scratchfn.numpy.creation import eye, full_like
from scratchfn.numpy.elementwise import floor
from scratchfn.numpy.linalg.arguments import square
from scratchfn.numpy.linalg.norms import norm
from scratchfn.numpy.linalg.solving import solve
from scratchfn.numpy.manipulation import reshape
from scratchfn.numpy.products import matmul
from scratchfn.numpy.promotion import operand, promote_dtypes
from scratchfn.numpy.scalars import nan
from scratchfn.numpy.searching import where
from scratchfn.numpy.totals import sum
from scratchfn.numpy.ufuncs import log, maximum
from scratchfn.scipy.linalg.solving import solve_triangular
from scratchfn.transforms.api import jvp
from scratchfn.transforms.control.cond import cond, switch
from scratchfn.transforms.control.scan import scan
from scratchfn.transforms.jit_api import jit
from scratchfn.transforms.vmap_api import vmap

# Of each degree, up to which 1-norm its error is below the rounding of the type.
REACH = {
    4: {3: 4.258730016922831e-1, 5: 1.880152677804762, 7: 3.925724783138660},
    8: {
        3: 1.495585217958292e-2, 5: 2.539398330063230e-1, 7: 9.504178996162932e-1,
        9: 2.097847961257068, 13: 5.371920351148152,
    },
}  # fmt: skip


def expm(A: Any, *, upper_triangular: bool = False, max_squarings: int = 16) -> Any:
    """The exponential of square matrices [..., n, n]; `upper_triangular` ones take less.

    Matrices so large that they need more than `max_squarings` squarings give nan. Raises ValueError
    for matrices that are not square, and TypeError for 16-bit floats.
    """
    a = square("scipy.linalg.expm", A)
    bits = dtypes.itemsize_bits(a.dtype) // (2 if dtypes.kind(a.dtype) == "c" else 1)
    if bits < 32:
        raise TypeError(
            errors.explain(
                f"scipy.linalg.expm of an array of type {a.aval}", "floats of 16 bits",
                "the approximants are those for 32 and 64 bits", "expm(A.astype(jnp.float32))",
            )
        )  # fmt: skip
    if not a.size:
        return a
    one = partial(_expm, upper=bool(upper_triangular), most=max_squarings, width=bits // 8)
    if a.ndim == 2:
        return one(a)
    return reshape(vmap(one)(reshape(a, (-1, *a.shape[-2:]))), a.shape)


@partial(jit, static_argnames=("upper", "most", "width"))
def _expm(a: Any, upper: bool, most: int, width: int) -> Any:
    """The exponential of one matrix. Compiled, so that its loop is not traced for each call."""
    reach = REACH[width]
    size = norm(a, 1)
    *lower, greatest = reach.values()
    squarings = maximum(0, floor(log(size / greatest) / np.log(2)))  # [], a whole number
    degree = sum(size >= np.array(lower, size.dtype))
    scaled = a / 2**squarings
    branches = [partial(_pade, degree=m, upper=upper) for m in reach]
    approximant = switch(degree, branches, scaled)

    def step(r: Any, i: Any) -> tuple[Any, None]:
        return cond(i < squarings, lambda r: _product(r, r), lambda r: r, r), None

    out, _ = scan(step, approximant, np.arange(most, dtype=size.dtype))
    return where(greater(squarings, most), full_like(out, nan), out)


def _product(x: Any, y: Any) -> Any:
    return matmul(x, y, precision="highest")


def coefficients(degree: int) -> list[float]:
    """Of Padé's approximant to exp, of one degree above and below: b_0, ..., b_m, whole numbers."""
    m = degree
    return [factorial(2 * m - k) // factorial(m - k) // factorial(k) * 1.0 for k in range(m + 1)]


def _pade(a: Any, degree: int, upper: bool) -> Any:
    """(V - U)^-1 (V + U), where U holds the odd powers and V the even ones."""
    b = coefficients(degree)
    powers = [eye(a.shape[-1], dtype=a.dtype)]  # A^0, A^2, A^4, ...
    squared = _product(a, a)
    while len(powers) <= degree // 2 and len(powers) < 4:
        powers.append(_product(powers[-1], squared) if len(powers) > 1 else squared)
    if degree == 13:  # A^6 out of the highest powers, so that no more than A^6 is needed
        u, v = (_by_sixths(powers, b[first::2]) for first in (1, 0))
    else:
        if degree == 9:
            powers.append(_product(powers[2], powers[2]))
        u, v = (_combine(powers, b[first::2]) for first in (1, 0))
    u = _product(a, u)
    return solve_triangular(v - u, v + u) if upper else solve(v - u, v + u)


def _combine(powers: list[Any], b: list[float]) -> Any:
    """The sum of b_k A^2k."""
    out = b[0] * powers[0]
    for power, factor in zip(powers[1:], b[1:]):
        out = out + factor * power
    return out


def _by_sixths(powers: list[Any], b: list[float]) -> Any:
    """The same, up to A^12."""
    high = b[4] * powers[1] + b[5] * powers[2] + b[6] * powers[3]
    return _product(powers[3], high) + _combine(powers, b[:4])


def expm_frechet(A: Any, E: Any, *, method: str | None = None, compute_expm: bool = True) -> Any:
    """(expm(A), its derivative at A in the direction E), or the latter alone. `method` is SciPy's
    and changes nothing. Raises ValueError unless both are square matrices of one shape, TypeError
    for whole numbers."""
    a, e = promote_dtypes(operand("expm_frechet", A), operand("expm_frechet", E, 1))
    square("scipy.linalg.expm_frechet", a)
    if a.shape != e.shape:
        raise ValueError(
            errors.explain(
                f"scipy.linalg.expm_frechet({a.aval}, {e.aval})", "arrays of different shapes",
                "a direction at A is a matrix like A", "jnp.broadcast_to(E, A.shape)",
            )
        )  # fmt: skip
    if dtypes.kind(a.dtype) not in "fc":
        raise TypeError(
            errors.explain(
                f"scipy.linalg.expm_frechet({a.aval}, {e.aval})", "whole numbers",
                "a derivative is taken in floating point numbers", "expm_frechet(1.0 * A, 1.0 * E)",
            )
        )  # fmt: skip
    value, derivative = jvp(expm, (a,), (e,))
    return (value, derivative) if compute_expm else derivative
