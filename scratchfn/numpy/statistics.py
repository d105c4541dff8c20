"""Covariances and correlations.

Read next: `numpy/calculus.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.array import Array
from scratchfn.numpy.arguments import dtype_of
from scratchfn.numpy.conversion import asarray
from scratchfn.numpy.creation import diag, full
from scratchfn.numpy.elementwise import conjugate, imag, real
from scratchfn.numpy.joining import concatenate
from scratchfn.numpy.manipulation import atleast_2d, squeeze, transpose
from scratchfn.numpy.products import dot
from scratchfn.numpy.promotion import operand, promote_dtypes_inexact
from scratchfn.numpy.reductions import average, sum
from scratchfn.numpy.ufuncs import absolute, clip, divide, multiply, sqrt, subtract
from scratchfn.primitives import base
from scratchfn.primitives.convert import complex_p, convert_element_type


def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None,
    fweights: Any = None, aweights: Any = None, dtype: Any = None,
) -> Any:  # fmt: skip
    """The covariances of variables, given as the rows of `m` (and of `y`), or as the columns if
    `rowvar` is False.

    Args:
      bias: divides by the number of observations, not by one less; `ddof` says how many less.
      fweights: how often each observation occurred; `aweights`: how much each counts.
    """
    wanted = _dtype("cov", dtype)
    given = [m] if y is None else [m, y]
    xs = promote_dtypes_inexact(*(operand("cov", x, i) for i, x in enumerate(given)))
    if any(x.ndim > 2 for x in xs):
        raise ValueError(
            errors.explain(
                "jnp.cov", f"arrays of types {', '.join(str(x.aval) for x in xs)}",
                "variables and observations are two axes", "jnp.cov(x.reshape(len(x), -1))",
            )
        )  # fmt: skip
    rows = [atleast_2d(x) for x in xs]
    if not rowvar:
        rows = [transpose(r) if x.ndim == 2 else r for x, r in zip(xs, rows)]
    x = concatenate(rows)  # [variables, observations]
    if x.shape[0] == 0:
        return Array(np.zeros((0, 0), x.dtype))
    if x.shape[1] == 0:
        return full((x.shape[0],) * 2 if x.shape[0] > 1 else (), np.nan, x.dtype)
    ddof = int(not bias) if ddof is None else ddof
    weights = _weights(x.shape[1], fweights, aweights)
    if wanted is not None:
        x = convert_element_type(x, wanted)
        weights = None if weights is None else convert_element_type(weights, wanted)
    mean, total = average(x, 1, weights, returned=True)
    total = total[0]
    if weights is None:
        divisor = x.shape[1] - ddof
    elif ddof == 0:
        divisor = total
    elif aweights is None:
        divisor = subtract(total, ddof)
    else:
        spread = sum(multiply(weights, absolute(asarray(aweights))))
        divisor = subtract(total, divide(multiply(ddof, spread), total))
    x = subtract(x, base.expand_dims(mean, [1]))
    weighted = x if weights is None else multiply(x, weights)
    return squeeze(divide(dot(x, conjugate(transpose(weighted))), divisor))


def _dtype(name: str, dtype: Any) -> np.dtype | None:
    wanted = dtype_of(name, dtype)
    if wanted is None or dtypes.kind(wanted) in "fc":
        return wanted
    raise ValueError(
        errors.explain(
            f"jnp.{name}(x, dtype=...)", dtypes.short_name(wanted),
            "means of integers are no integers", f"jnp.{name}(x, dtype='float32')",
        )
    )  # fmt: skip


def _weights(observations: int, fweights: Any, aweights: Any) -> Any:
    """One weight for each observation, None if all are 1."""
    weights = None
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is None:
            continue
        given = operand("cov", given)
        if given.ndim != 1 or given.shape != (observations,):
            raise RuntimeError(
                errors.explain(
                    f"jnp.cov(x, {name}=...)", f"weights of type {given.aval}",
                    f"there is one for each of the {observations} observations",
                    f"jnp.cov(x, {name}=jnp.ones({observations}, int))",
                )
            )  # fmt: skip
        if name == "fweights" and dtypes.kind(given.dtype) not in "iu":
            raise TypeError(
                errors.explain(
                    "jnp.cov(x, fweights=...)", f"weights of type {given.aval}",
                    "they say how often an observation occurred", "jnp.cov(x, aweights=w)",
                )
            )  # fmt: skip
        weights = absolute(given) if weights is None else multiply(weights, absolute(given))
    return weights


def corrcoef(x: Any, y: Any = None, rowvar: bool = True, dtype: Any = None) -> Any:
    """The correlations of variables: `cov`, divided by the standard deviations of both."""
    c = cov(x, y, rowvar, dtype=_dtype("corrcoef", dtype))
    if c.ndim == 0:
        return divide(c, c)
    deviation = convert_element_type(sqrt(real(diag(c))), c.dtype)
    c = divide(c, base.expand_dims(deviation, [1]))
    c = divide(c, base.expand_dims(deviation, [0]))
    if dtypes.kind(c.dtype) == "c":
        return complex_p.bind(clip(real(c), -1, 1), clip(imag(c), -1, 1))
    return clip(c, -1, 1)
