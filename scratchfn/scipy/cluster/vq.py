"""`jax.scipy.cluster.vq`: vector quantization, which names each point by the nearest of a few.

Read next: `models/classical`, for where the few come from.
"""

from __future__ import annotations

from typing import Any

from scratchfn import errors
from scratchfn.numpy.extremes import argmin, min
from scratchfn.numpy.linalg import norm
from scratchfn.numpy.promotion import operand, promote_dtypes_inexact
from scratchfn.numpy.ufuncs import subtract
from scratchfn.primitives.base import expand_dims

__all__ = ["vq"]


def vq(obs: Any, code_book: Any, check_finite: bool = True) -> tuple[Any, Any]:
    """(codes, distances): for each point the number of the nearest point in the code book,
    and how far it is.

    Args:
      obs: [n, d], or [n] for points on a line.
      code_book: [k, d], or [k].
      check_finite: JAX's, without effect: a point that is nan has the code 0 and the distance nan.

    Raises ValueError for other shapes.
    """
    name = "scipy.cluster.vq.vq"
    points, codes = promote_dtypes_inexact(operand(name, obs), operand(name, code_book, 1))
    if points.ndim != codes.ndim or points.ndim not in (1, 2):
        why, write = "both hold a point a row", "vq(obs.reshape(-1, d), code_book)"
        found = f"types {points.aval} and {codes.aval}"
        raise ValueError(errors.explain("jsp.cluster.vq.vq", found, why, write))
    if points.ndim == 1:
        points, codes = expand_dims(points, [1]), expand_dims(codes, [1])
    apart = subtract(expand_dims(points, [1]), expand_dims(codes, [0]))  # [n, k, d]
    distances = norm(apart, axis=-1)
    return argmin(distances, -1), min(distances, -1)
