"""What functions of `scipy.special` and `scipy.stats` do with their arguments.

Read next: `scipy/special/logarithms.py`.
"""

from __future__ import annotations

from typing import Any

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.array import as_value
from scratchfn.numpy.conversion import asarray
from scratchfn.numpy.promotion import (
    broadcast_shapes,
    lead,
    operand,
    promote_dtypes_inexact,
)
from scratchfn.primitives.convert import convert_element_type


def floats(name: str, *xs: Any) -> list[Any]:
    """Operands as values of one inexact dtype and one rank (or rank 0), whose shapes broadcast."""
    values = promote_dtypes_inexact(*[operand(name, x, i) for i, x in enumerate(xs)])
    if len(values) == 1:
        return values
    if not all(x.weak_type for x in values):
        values = strong(*values)  # a result may come from some of them alone
    ndim = max(x.ndim for x in values)
    error = TypeError if all(x.ndim in (0, ndim) for x in values) else ValueError  # as in JAX
    broadcast_shapes(name, [x.shape for x in values], error)
    return [lead(x, ndim) if x.ndim else x for x in values]


def reals(name: str, *xs: Any, error: type[Exception] = ValueError) -> list[Any]:
    """`floats`, refusing complex numbers."""
    values = floats(name, *xs)
    if dtypes.kind(values[0].dtype) != "c":
        return values
    raise error(
        errors.explain(
            name,
            " and ".join(str(as_value(x).aval) for x in xs),
            "it is defined here for real numbers alone",
            f"{name}(x.real), if the imaginary part is zero",
        )
    )


def strong(*xs: Any) -> list[Any]:
    """Values that keep their dtype where they meet others: not weakly typed."""
    return [convert_element_type(x, x.dtype) for x in xs]


def strict_floats(name: str, x: Any) -> Any:
    """An array of float32 or float64 as it is: JAX promotes nothing in some functions, and raises
    TypeError for other dtypes."""
    x = asarray(x)
    if x.dtype in (dtypes.float32, dtypes.float64):
        return strong(x)[0]
    why, write = "it is computed in float32 or float64", f"{name}(x.astype('float32'))"
    raise TypeError(errors.explain(name, str(x.aval), why, write))
