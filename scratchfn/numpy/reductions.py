"""Means and variances over axes; and, in one place, all reductions.

Means of integers are float32. Means of 16-bit floats are computed in float32.

Read next: `numpy/nan_reductions.py`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.numpy.arguments import axes_of, dtype_of, no_out, scalar
from scratchfn.numpy.comparison import choose, greater
from scratchfn.numpy.elementwise import conjugate, real
from scratchfn.numpy.extremes import amax, amin, argmax, argmin, max, min, ptp
from scratchfn.numpy.promotion import (
    broadcast_shapes,
    cast,
    inexact,
    operand,
    promote_dtypes_inexact,
    spread,
)
from scratchfn.numpy.running import cumprod, cumsum, cumulative_prod, cumulative_sum
from scratchfn.numpy.totals import all, any, count_nonzero, mask_of, prod, sum
from scratchfn.numpy.ufuncs import divide, multiply, subtract
from scratchfn.primitives import base
from scratchfn.primitives.arithmetic import div_p, sub_p
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.math import sqrt, square

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "average", "count_nonzero", "cumprod",
    "cumsum", "cumulative_prod", "cumulative_sum", "max", "mean", "min", "prod", "ptp", "std",
    "sum", "var",
]  # fmt: skip


def mean(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False, *,
    where: Any = None,
) -> Any:  # fmt: skip
    """The mean over `axis`, of all elements by default: a float even for integers."""
    no_out("mean", out)
    a = operand("mean", a)
    axis = axes_of("mean", axis, a.ndim)
    result = dtypes.to_inexact_dtype(a.dtype) if dtype is None else dtype_of("mean", dtype)
    working = _wide(result) if dtype is None else result
    total = sum(a, axis, working, keepdims=keepdims, where=where)
    count = _count(a, axis, keepdims, where, working)
    return convert_element_type(div_p.bind(total, count), result)


def _wide(dtype: np.dtype) -> np.dtype:
    """float32 for 16-bit floats, which are too coarse to add up in."""
    return dtypes.float32 if dtype in (dtypes.float16, dtypes.bfloat16) else dtype


def _count(a: Any, axis: Any, keepdims: bool, where: Any, dtype: np.dtype) -> Any:
    """The number of elements that count, as a number of the dtype."""
    if where is None:
        return scalar(math.prod(a.shape[i] for i in axes_of("mean", axis, a.ndim)), dtype)
    mask = mask_of("mean", where)
    if broadcast_shapes("mean", [mask.shape, a.shape], ValueError) != a.shape:
        raise ValueError(
            errors.explain(
                f"a mean of {a.aval}", f"a mask of type {mask.aval}",
                "there would be more elements that count than there are",
                "jnp.broadcast_to(x, mask.shape) for a mean of the elements repeated",
            )
        )  # fmt: skip
    return sum(spread(mask, a.shape), axis, dtype, keepdims=keepdims)


def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, keepdims: bool = False
) -> Any:
    """The mean over `axis` with weights, of the shape of `a` or of the axes; with the sum of the
    weights if `returned`."""
    if weights is None:
        a = inexact("average", a)
        result = mean(a, axis, keepdims=keepdims)
        total = _count(a, axis, keepdims, None, result.dtype)
    else:
        a, weights = promote_dtypes_inexact(operand("average", a), operand("average", weights, 2))
        weights = _weights_like(a, axis, weights)
        total = sum(weights, axis, keepdims=keepdims)
        result = divide(sum(multiply(a, weights), axis, keepdims=keepdims), total)
    if not returned:
        return result
    first = result.ndim - total.ndim
    return result, base.broadcast_in_dim(total, result.shape, range(first, result.ndim))


def _weights_like(a: Any, axis: Any, weights: Any) -> Any:
    """Weights for the axes alone, with axes of size 1 for the others."""
    if weights.shape == a.shape:
        return weights
    axes = axes_of("average", axis, a.ndim)
    if axis is None or weights.shape != tuple(a.shape[i] for i in axes):
        raise ValueError(
            errors.explain(
                f"jnp.average of {a.aval}, axis={axis}", f"weights of shape {weights.shape}",
                "they are one for each element, or one for each place along the axes",
                "jnp.average(x, axis=0, weights=w), w of shape (x.shape[0],)",
            )
        )  # fmt: skip
    order = sorted(range(len(axes)), key=axes.__getitem__)
    sizes = [size if i in axes else 1 for i, size in enumerate(a.shape)]
    return base.reshape(base.transpose(weights, order), sizes)


def var(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, ddof: int = 0,
    keepdims: bool = False, *, where: Any = None, mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    """The variance: the mean of the squared distances from the mean.

    Args:
      ddof: is subtracted from the number of elements that the sum is divided by; `correction` is
        the array API's name for it.
      mean: the mean over `axis` with kept axes, if it is known already.
    """
    no_out("var", out)
    a = operand("var", a)
    correction = _correction("var", ddof, correction)
    working, result = var_dtypes(a.dtype, dtype_of("var", dtype))
    x = convert_element_type(a, working)
    if mean is None:
        mean = _mean(x, axis, working, keepdims=True, where=where)
    centered = subtract(x, convert_element_type(operand("var", mean), working))
    if dtypes.kind(working) == "c":
        squares = real(multiply(centered, conjugate(centered)))
    else:
        squares = square(centered)
    working = squares.dtype
    total = sum(squares, axis, working, keepdims=keepdims, where=where)
    if where is None and isinstance(correction, (int, float)):  # how many count is known now
        count = math.prod(a.shape[i] for i in axes_of("var", axis, a.ndim)) - correction
        if count > 0:
            return convert_element_type(div_p.bind(total, scalar(count, working)), result)
    count = _count(a, axis, keepdims, where, working)
    count = sub_p.bind(count, cast(operand("var", correction), working))
    ratio = convert_element_type(div_p.bind(total, count), result)
    return choose(greater(count, 0), ratio, scalar(np.nan, result))


_mean = mean


def _correction(name: str, ddof: Any, correction: Any) -> Any:
    if correction is None:
        return ddof
    if isinstance(ddof, int) and ddof == 0:
        return correction
    raise ValueError(
        errors.explain(
            f"jnp.{name}(x, ddof={ddof}, correction={correction})", "both of them",
            "they are two names for one number", f"jnp.{name}(x, correction={correction})",
        )
    )  # fmt: skip


def var_dtypes(dtype: np.dtype, asked: np.dtype | None) -> tuple[np.dtype, np.dtype]:
    """The dtypes of the computation and of the result, which is real."""
    if asked is None:
        inexact_ = dtypes.to_inexact_dtype(dtype)
        return _wide(inexact_), dtypes.to_floating_dtype(inexact_)
    if dtypes.kind(dtype) == "c" and dtypes.kind(asked) != "c":
        raise ValueError(
            errors.explain(
                f"jnp.var(x, dtype={dtypes.short_name(asked)})", f"x of {dtypes.short_name(dtype)}",
                "a real dtype would drop the imaginary parts", "jnp.var(x).astype(dtype)",
            )
        )  # fmt: skip
    return _wide(asked), asked


def std(
    a: Any, axis: Any = None, dtype: Any = None, out: None = None, ddof: int = 0,
    keepdims: bool = False, *, where: Any = None, mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    """The standard deviation, the square root of `var`, whose arguments it takes."""
    no_out("std", out)
    wanted = dtype_of("std", dtype)
    if wanted is not None and dtypes.kind(wanted) not in "fc":
        raise ValueError(
            errors.explain(
                "jnp.std(x, dtype=...)", dtypes.short_name(wanted),
                "a square root is no integer", "jnp.std(x).astype(dtype)",
            )
        )  # fmt: skip
    variance = var(
        operand("std", a), axis, wanted, None, ddof, keepdims,
        where=where, mean=mean, correction=correction,
    )  # fmt: skip
    return sqrt(variance)
