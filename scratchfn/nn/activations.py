"""Activations: functions of each element, equal to `jax.nn`'s in value, dtype and derivative.

    relu(x) = max(x, 0)            gelu(x) = x Φ(x)            silu(x) = x σ(x)

Read next: `nn/softmax.py`, functions along an axis.
"""

from __future__ import annotations

import math
from typing import Any

import scratchfn.numpy as jnp
from scratchfn import lax
from scratchfn.core import dtypes
from scratchfn.errors import explain
from scratchfn.numpy import tanh
from scratchfn.numpy.arguments import axis_of, known
from scratchfn.numpy.promotion import inexact, operand
from scratchfn.transforms.custom_jvp import custom_jvp

# The fixed point of selu: unit variance in, unit variance out (Klambauer et al. 2017, eq. 14).
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def identity(x: Any) -> Any:
    """x itself."""
    return operand("nn.identity", x)


@custom_jvp
def relu(x: Any) -> Any:
    """max(x, 0), with derivative 0 at 0, where a maximum's own would be 1/2."""
    return jnp.maximum(x, 0)


@custom_jvp
def relu6(x: Any) -> Any:
    """min(max(x, 0), 6), with derivative 0 at both corners."""
    return jnp.minimum(jnp.maximum(x, 0), 6.0)


relu.defjvps(lambda dx, ans, x: lax.select(x > 0, dx, lax.full_like(dx, 0)))
relu6.defjvps(lambda dx, ans, x: lax.select((x > 0) & (x < 6), dx, lax.full_like(dx, 0)))


def sigmoid(x: Any) -> Any:
    """σ(x) = 1 / (1 + exp(-x))."""
    return lax.logistic(x)


def log_sigmoid(x: Any) -> Any:
    """log σ(x), without the underflow of σ."""
    return -softplus(-operand("nn.log_sigmoid", x))


def softplus(x: Any) -> Any:
    """log(1 + exp(x)), without the overflow of exp."""
    return jnp.logaddexp(x, 0)


def silu(x: Any) -> Any:
    """x σ(x), also called swish."""
    x = operand("nn.silu", x)
    return x * sigmoid(x)


swish = silu


def gelu(x: Any, approximate: bool = True) -> Any:
    """x Φ(x), where Φ is the normal distribution function, or its approximation by tanh.

    Args:
      approximate: x/2 (1 + tanh(sqrt(2/π) (x + 0.044715 x³))) instead of x/2 erfc(-x/sqrt(2)).
    """
    x = inexact("nn.gelu", x)
    x = lax.convert_element_type(x, x.dtype)  # its constants are strong in JAX, so the result is
    if approximate:
        slope = math.sqrt(2 / math.pi)
        return x * (0.5 * (1.0 + jnp.tanh(slope * (x + 0.044715 * x**3))))
    return 0.5 * x * lax.erfc(-x * math.sqrt(0.5))


def mish(x: Any) -> Any:
    """x tanh(softplus(x))."""
    x = operand("nn.mish", x)
    return x * jnp.tanh(softplus(x))


def elu(x: Any, alpha: Any = 1.0) -> Any:
    """x where x > 0, alpha (exp(x) - 1) elsewhere."""
    x = operand("nn.elu", x)
    # exp sees no large x, whose infinity would turn the derivative of the branch not taken to nan.
    return jnp.where(x > 0, x, alpha * jnp.expm1(jnp.where(x > 0, 0.0, x)))


def celu(x: Any, alpha: Any = 1.0) -> Any:
    """max(x, 0) + alpha (exp(min(x, 0) / alpha) - 1), smooth for every alpha."""
    return jnp.maximum(x, 0.0) + alpha * jnp.expm1(jnp.minimum(x, 0.0) / alpha)


def selu(x: Any) -> Any:
    """elu scaled so that activations keep zero mean and unit variance from layer to layer."""
    return SELU_SCALE * elu(x, SELU_ALPHA)


def leaky_relu(x: Any, negative_slope: Any = 1e-2) -> Any:
    """x where x >= 0, negative_slope x elsewhere."""
    x = operand("nn.leaky_relu", x)
    return jnp.where(x >= 0, x, negative_slope * x)


def hard_tanh(x: Any) -> Any:
    """x held in [-1, 1]; the derivative is 1 on the closed interval."""
    x = operand("nn.hard_tanh", x)
    return jnp.where(x > 1, 1, jnp.where(x < -1, -1, x))


def hard_sigmoid(x: Any) -> Any:
    """relu6(x + 3) / 6: a sigmoid of three straight pieces."""
    return relu6(x + 3.0) / 6.0


def hard_silu(x: Any) -> Any:
    """x hard_sigmoid(x), also called hard_swish."""
    x = operand("nn.hard_silu", x)
    return x * hard_sigmoid(x)


hard_swish = hard_silu


def soft_sign(x: Any) -> Any:
    """x / (1 + |x|)."""
    x = operand("nn.soft_sign", x)
    return x / (jnp.abs(x) + 1)


def squareplus(x: Any, b: Any = 4) -> Any:
    """(x + sqrt(x² + b)) / 2: a softplus without exponentials."""
    x = operand("nn.squareplus", x)
    return (x + jnp.sqrt(jnp.square(x) + b)) / 2


@custom_jvp
def log1mexp(x: Any) -> Any:
    """log(1 - exp(-x)) for x >= 0, exact where x is small and where it is large. Source: Mächler,
    "Accurately computing log(1 - exp(-|a|))"."""
    x = operand("nn.log1mexp", x)
    return jnp.where(x < math.log(2), jnp.log(-jnp.expm1(-x)), jnp.log1p(-jnp.exp(-x)))


log1mexp.defjvps(lambda dx, ans, x: dx / jnp.expm1(x))


def sparse_plus(x: Any) -> Any:
    """0 up to -1, x from 1 on, (x + 1)²/4 between: a softplus that is exact on both sides. Source:
    Martins & Astudillo 2016, Blondel et al. 2020."""
    x = operand("nn.sparse_plus", x)
    return jnp.where(x <= -1.0, 0.0, jnp.where(x >= 1.0, x, (x + 1.0) ** 2 / 4))


def sparse_sigmoid(x: Any) -> Any:
    """0 up to -1, 1 from 1 on, (x + 1)/2 between: the derivative of sparse_plus."""
    return 0.5 * jnp.clip(operand("nn.sparse_sigmoid", x) + 1.0, 0.0, 2.0)


def glu(x: Any, axis: int = -1) -> Any:
    """a σ(b), where a and b are the two halves of x along `axis`.

    Raises:
      ValueError: the axis has an odd size.
    """
    x = operand("nn.glu", x)
    size = x.shape[axis]
    if size % 2:
        raise ValueError(
            explain(
                f"nn.glu(x, axis={axis})",
                f"x of type {x.aval}, of size {size} along that axis",
                "one half of it gates the other, so the size has to be even",
                f"a layer before it of width {size + 1} or {size - 1}",
            )
        )
    a, b = jnp.split(x, 2, axis)
    return a * sigmoid(b)


def one_hot(x: Any, num_classes: int, *, dtype: Any = None, axis: int = -1) -> Any:
    """1 at the place each integer of x names along a new axis, 0 elsewhere.

    Args:
      x: integers, i32[...], or a list of them; one outside [0, num_classes) gives all zeros.
      dtype: of the result; float32 (float64 under enable_x64) if None.
      axis: where the new axis of size `num_classes` stands in the result.
    """
    x = jnp.asarray(x)
    axis = axis_of("nn.one_hot", axis, x.ndim + 1)
    shape = [1] * (x.ndim + 1)
    shape[axis] = known("nn.one_hot", "num_classes", num_classes)
    classes = lax.broadcasted_iota(x.dtype, shape, axis)
    hot = jnp.expand_dims(x, axis) == classes
    return hot.astype(dtypes.default_dtype("f") if dtype is None else dtype)


__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "identity",
    "leaky_relu",
    "log_sigmoid",
    "mish",
    "one_hot",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_sign",
    "softplus",
    "squareplus",
    "swish",
    "tanh",
]
