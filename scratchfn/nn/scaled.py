"""Products of matrices of very few bits, each block of numbers with a scale of its own.

    x = q * scale     a scale for each `block_size` numbers along the contracted axis

A block's scale is its greatest magnitude over the largest number of the narrow type, rounded up;
the numbers are rounded to nearest. `mxfp8` are the microscaling formats of the Open Compute Project
(OCP MX specification 1.0, section 5): float8_e4m3fn in blocks of 32, scales that are powers of two.
`nvfp4` is float4_e2m1fn in blocks of 16, with scales of float8_e4m3fn below one scale for all.

Products are computed in float32 from the rounded numbers, so the results are what narrow hardware
gives; there is nothing to gain in speed here.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Any, Literal

import scratchfn.numpy as jnp
from scratchfn import errors, lax
from scratchfn.core import dtypes
from scratchfn.transforms.custom_vjp import custom_vjp


@dataclasses.dataclass
class BlockScaleConfig:
    """How an operand is rounded: the types of numbers and of scales, and the size of a block.

    `global_scale` multiplies all scales (None for 1); with `infer_only` gradients are not rounded.
    """

    mode: str
    block_size: int
    data_type: Any
    scale_type: Any
    global_scale: Any = None
    infer_only: bool = False


def get_scaled_dot_general_config(
    mode: Literal["nvfp4", "mxfp8"], global_scale: Any = None
) -> BlockScaleConfig:
    """The configuration of a format. `nvfp4` takes a global scale, float32 of shape (1,).

    Raises ValueError for another format, or a global scale for `mxfp8`.
    """
    if mode == "nvfp4":
        scale = jnp.ones((1,), jnp.float32) if global_scale is None else global_scale
        return BlockScaleConfig(mode, 16, jnp.float4_e2m1fn, jnp.float8_e4m3fn, scale)
    if mode == "mxfp8" and global_scale is None:
        return BlockScaleConfig(mode, 32, jnp.float8_e4m3fn, jnp.float8_e8m0fnu)
    raise ValueError(
        errors.explain(
            f"nn.get_scaled_dot_general_config({mode!r})",
            f"global_scale={global_scale!r}",
            "the formats are 'nvfp4' and 'mxfp8', and only the former has a global scale",
            "nn.get_scaled_dot_general_config('mxfp8')",
        )
    )


def scaled_matmul(
    lhs: Any, rhs: Any, lhs_scales: Any, rhs_scales: Any, preferred_element_type: Any = jnp.float32
) -> Any:
    """The product of rounded operands: lhs [b, m, k] with scales [b, m, k / block], rhs [b, n, k]
    with scales [b, n, k / block]; the result is [b, m, n].

    Raises ValueError where the shapes do not fit.
    """
    a, b = _unscaled("lhs", lhs, lhs_scales), _unscaled("rhs", rhs, rhs_scales)
    if a.shape[0] != b.shape[0] or a.shape[2] != b.shape[2]:
        raise ValueError(
            errors.explain(
                "nn.scaled_matmul",
                f"lhs of shape {a.shape} and rhs of shape {b.shape}",
                "the first axes are a batch, the last ones are contracted: both have to agree",
                "rhs.swapaxes(1, 2), if its contracted axis is the middle one",
            )
        )
    out = lax.dot_general(a, b, (((2,), (2,)), ((0,), (0,))), preferred_element_type=jnp.float32)
    return out.astype(preferred_element_type)


def _unscaled(name: str, x: Any, scales: Any) -> Any:
    """The numbers that an operand stands for, in float32."""
    x, scales = jnp.asarray(x), jnp.asarray(scales)
    fits = x.ndim == scales.ndim == 3 and x.shape[:2] == scales.shape[:2]
    block = x.shape[2] // max(scales.shape[2], 1) if fits else 0
    if not fits or block * scales.shape[2] != x.shape[2]:
        raise ValueError(
            errors.explain(
                "nn.scaled_matmul",
                f"{name} of shape {x.shape} and {name}_scales of shape {scales.shape}",
                "each block along the last of three axes has one scale",
                f"{name}_scales of shape (b, m, k // block_size)",
            )
        )
    return x.astype(jnp.float32) * jnp.repeat(scales.astype(jnp.float32), block, axis=2)


def quantize(x: Any, config: BlockScaleConfig) -> tuple[Any, Any]:
    """(numbers, scales) of x [b, m, k], k a multiple of the block size."""
    b, m, k = x.shape
    blocks = x.astype(jnp.float32).reshape(b, m, k // config.block_size, config.block_size)
    if config.global_scale is not None:
        blocks = blocks / config.global_scale
    wanted = jnp.abs(blocks).max(-1) / float(dtypes.finfo(config.data_type).max)
    if config.mode == "mxfp8":
        mantissa, exponent = jnp.frexp(wanted)  # wanted = mantissa 2^exponent, mantissa in [1/2, 1)
        wanted = jnp.ldexp(jnp.float32(1), exponent - (mantissa == 0.5))
    least = jnp.finfo(config.scale_type).tiny
    scales = jnp.maximum(wanted, least.astype(jnp.float32)).astype(config.scale_type)
    rounded = (blocks / scales.astype(jnp.float32)[..., None]).astype(config.data_type)
    return rounded.reshape(b, m, k), scales


def _product(a: Any, b: Any, left: BlockScaleConfig, right: BlockScaleConfig) -> Any:
    """a [b, m, k] by b [b, n, k], both rounded: [b, m, n] in float32."""
    sizes = math.lcm(left.block_size, right.block_size)
    edge = ((0, 0), (0, 0), (0, -a.shape[2] % sizes))  # blocks are filled up with zeros
    (p, p_scales), (q, q_scales) = (
        quantize(jnp.pad(a, edge), left),
        quantize(jnp.pad(b, edge), right),
    )
    out = scaled_matmul(p, q, p_scales, q_scales)
    for config in (left, right):
        out = out if config.global_scale is None else out * config.global_scale
    return out


def scaled_dot_general(
    lhs: Any,
    rhs: Any,
    dimension_numbers: Any,
    preferred_element_type: Any = jnp.float32,
    configs: Sequence[BlockScaleConfig] | None = None,
    implementation: Literal["cudnn"] | None = None,
) -> Any:
    """`lax.dot_general` of operands rounded by `configs`: for lhs, for rhs and, on the way back,
    for the cotangent. None rounds nothing. `implementation` has no meaning.

    The gradient is that of the product as if nothing were rounded (a straight-through estimator),
    itself computed from rounded operands.
    """
    lhs, rhs = jnp.asarray(lhs), jnp.asarray(rhs)
    if configs is None:
        out = lax.dot_general(lhs, rhs, dimension_numbers, preferred_element_type=jnp.float32)
        return out.astype(preferred_element_type)
    (lhs_contract, rhs_contract), (lhs_batch, rhs_batch) = dimension_numbers
    a, m = _as_matrices(lhs, lhs_batch, lhs_contract)
    b, n = _as_matrices(rhs, rhs_batch, rhs_contract)
    batch = tuple(lhs.shape[axis] for axis in lhs_batch)
    out = _rounded_product(tuple(configs))(a, b)
    return out.reshape(*batch, *m, *n).astype(preferred_element_type)


def _as_matrices(x: Any, batch: Sequence[int], contract: Sequence[int]) -> tuple[Any, Any]:
    """x as [b, m, k], and the shape that m stands for."""
    free = [axis for axis in range(x.ndim) if axis not in {*batch, *contract}]
    shape = tuple(x.shape[axis] for axis in free)
    sizes = [math.prod(x.shape[axis] for axis in axes) for axes in (batch, free, contract)]
    return x.transpose(*batch, *free, *contract).reshape(sizes), shape


def _rounded_product(configs: tuple[BlockScaleConfig, ...]) -> Any:
    """The product of [b, m, k] and [b, n, k] with its own rule for the way back."""
    left, right, back = configs

    @custom_vjp
    def product(a: Any, b: Any) -> Any:
        return _product(a, b, left, right)

    def forward(a: Any, b: Any) -> Any:
        return product(a, b), (a, b)

    def backward(residuals: Any, ct: Any) -> Any:
        a, b = residuals  # [b, m, k], [b, n, k]; ct: [b, m, n]
        plain = functools.partial(jnp.einsum, "bik,bjk->bij")
        rounded = plain if back.infer_only else functools.partial(_product, left=back, right=right)
        swapped = plain if back.infer_only else functools.partial(_product, left=back, right=left)
        da = rounded(ct, b.swapaxes(1, 2))
        db = swapped(ct.swapaxes(1, 2), a.swapaxes(1, 2))
        return da.astype(a.dtype), db.astype(b.dtype)

    product.defvjp(forward, backward)
    return product
