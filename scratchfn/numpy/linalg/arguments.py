"""What functions of matrices ask of their arguments.

Each helper takes the name of the user's function first, for its error messages.

Read next: `numpy/linalg/solving.py`.
"""

from __future__ import annotations

from typing import Any

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.numpy.manipulation import matrix_transpose
from scratchfn.numpy.promotion import inexact
from scratchfn.primitives.convert import conj


def square(name: str, a: Any, error: type[Exception] = ValueError) -> Any:
    """One operand as floating point square matrices. Raises `error` if it is none."""
    a = inexact(name, a)
    if a.ndim >= 2 and a.shape[-1] == a.shape[-2]:
        return a
    raise error(
        errors.explain(
            f"jnp.{name} of an array of type {a.aval}",
            f"shape {a.shape}",
            "it takes square matrices [..., n, n]",
            "jnp.linalg.pinv, lstsq or svd, which take matrices of any shape",
        )
    )


def adjoint(x: Any) -> Any:
    """The conjugate transpose of each matrix; of real ones the transpose."""
    return matrix_transpose(conj(x) if dtypes.kind(x.dtype) == "c" else x)


def eps_of(x: Any) -> float:
    """The distance from 1 to the next number of the type of `x`, or of its parts."""
    return float(dtypes.finfo(x.dtype).eps)
