"""`detrend`: a signal less the line that it follows, or less its mean.

Read next: `scipy/signal/spectra.py`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core.array import Array
from scratchfn.numpy.arguments import as_tuple, axis_of, known
from scratchfn.numpy.conversion import asarray
from scratchfn.numpy.joining import concatenate
from scratchfn.numpy.manipulation import moveaxis, slice_along
from scratchfn.numpy.promotion import promote_dtypes_inexact
from scratchfn.numpy.reductions import mean
from scratchfn.numpy.totals import sum
from scratchfn.numpy.ufuncs import multiply, subtract


def detrend(
    data: Any, axis: int = -1, type: str = "linear", bp: Any = 0, overwrite_data: None = None
) -> Any:
    """`data` less its trend along an axis.

    Args:
      type: "linear" for the straight line that is nearest by squared distances, "constant" for the
        mean.
      bp: places at which a new line begins.

    Raises ValueError for another type, and for places outside.
    """
    if overwrite_data is not None or type not in ("linear", "constant"):
        error = ValueError if overwrite_data is None else NotImplementedError
        why = "type is 'linear' or 'constant', and the result is a new array"
        found = f"type={type!r}, overwrite_data={overwrite_data}"
        raise error(errors.explain("jsp.signal.detrend", found, why, "jsp.signal.detrend(x)"))
    (x,) = promote_dtypes_inexact(asarray(data))
    if type == "constant":
        return subtract(x, mean(x, axis, keepdims=True))
    axis = axis_of("scipy.signal.detrend", axis, x.ndim)
    n = x.shape[axis]
    breaks = as_tuple(np.asarray(known("scipy.signal.detrend", "bp", bp)).ravel().tolist())
    if any(not 0 <= place < n for place in breaks if place):
        why, write = f"a new line begins at a place from 0 to {n - 1}", "bp=0"
        raise ValueError(errors.explain("jsp.signal.detrend", f"bp={breaks}", why, write))
    ends = sorted({0, *breaks, n})
    x = moveaxis(x, axis, -1)
    parts = [slice_along(x, i, j, x.ndim - 1) for i, j in pairwise(ends)]
    return moveaxis(concatenate([_less_line(part) for part in parts], -1), -1, axis)


def _less_line(x: Any) -> Any:
    """`x` less the line slope * t + mean, where t counts from the middle."""
    n = x.shape[-1]
    x = subtract(x, mean(x, -1, keepdims=True))
    if n == 1:
        return x
    t = (np.arange(n) - (n - 1) / 2).reshape([1] * (x.ndim - 1) + [n])
    slope = sum(multiply(x, Array((t / (t**2).sum()).astype(x.dtype))), -1, keepdims=True)
    return subtract(x, multiply(slope, Array(t.astype(x.dtype))))
