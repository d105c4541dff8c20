"""The product of arrays of short floats that come with scales, one for each block of elements.

Microscaling formats (OCP MX) keep 4 or 8 bits for each number and a power of two for every 16 or 32
of them. Newer hardware multiplies these directly; here they are brought to bfloat16 first, as XLA
does where hardware has no such product.

Read next: `lax/contraction.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.array import as_value
from scratchfn.lax.contraction import dot_general
from scratchfn.primitives.arithmetic import mul
from scratchfn.primitives.base import broadcast_in_dim, reshape
from scratchfn.primitives.convert import convert_element_type


def scaled_dot(
    lhs: Any,
    rhs: Any,
    *,
    lhs_scale: Any = None,
    rhs_scale: Any = None,
    dimension_numbers: Any = None,
    preferred_element_type: Any = None,
) -> Any:
    """`dot_general(lhs * lhs_scale, rhs * rhs_scale)`, where a scale counts for a block of
    elements along contracted axes.

    Args:
      lhs_scale, rhs_scale: of the operand's rank, and of its sizes but along contracted axes, where
        the operand's is a multiple of the scale's. None: ones.
      dimension_numbers: dot_general's; by default the last axis of `lhs` and the last but one of
        `rhs` are contracted, and those in front are a batch.
      preferred_element_type: the result's dtype, bfloat16 by default.

    Raises:
      TypeError: scales that do not fit.
    """
    lhs, rhs = as_value(lhs), as_value(rhs)
    if dimension_numbers is None:
        batch = tuple(range(lhs.ndim - 2))
        dimension_numbers = (((lhs.ndim - 1,), (rhs.ndim - 2,)), (batch, batch))
    contracted = dimension_numbers[0]
    return dot_general(
        _scaled("lhs", lhs, lhs_scale, contracted[0]),
        _scaled("rhs", rhs, rhs_scale, contracted[1]),
        dimension_numbers,
        preferred_element_type=preferred_element_type,
    )


def _scaled(name: str, x: Any, scale: Any, contracted: Sequence[int]) -> Any:
    """x times its scales, in bfloat16."""
    short = convert_element_type(x, dtypes.bfloat16)
    if scale is None:
        return short
    scale = as_value(scale)
    blocks = [
        size // max(parts, 1) if axis in contracted else 1
        for axis, (size, parts) in enumerate(zip(x.shape, scale.shape, strict=False))
    ]
    fits = scale.ndim == x.ndim and all(
        parts * block == size and (axis not in contracted or block >= 2)
        for axis, (size, parts, block) in enumerate(zip(x.shape, scale.shape, blocks, strict=True))
    )
    if not fits:
        raise TypeError(
            errors.explain(
                "scaled_dot",
                f"{name} {x.aval} with {name}_scale {scale.aval}, contracted along {contracted}",
                "a scale has its operand's sizes, but along contracted axes, where it stands for "
                "blocks of two elements or more",
                f"{name}_scale with fewer elements along axis {contracted[0]}",
            )
        )
    pairs = [size for parts, block in zip(scale.shape, blocks, strict=True)
             for size in (parts, block)]  # fmt: skip
    spread = broadcast_in_dim(scale, pairs, range(0, 2 * scale.ndim, 2))
    return mul(short, convert_element_type(reshape(spread, x.shape), dtypes.bfloat16))
