"""Initializers, equal to `jax.nn.initializers`: functions `init(key, shape, dtype=None)`.

A layer keeps the variance of what passes through it if its weights have variance scale / n, where
n is how many of them meet in one output (fan in), or leave one input (fan out). The rest are names
for the choices of scale, n and distribution:

    glorot (xavier)  1 / ((in + out) / 2)     tanh and linear layers     Glorot & Bengio 2010
    he (kaiming)     2 / in                   relu                       He et al. 2015
    lecun            1 / in                   selu                       LeCun et al. 1998

Read next: `nn/layers.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

import scratchfn.numpy as jnp
from scratchfn import random
from scratchfn.core import dtypes
from scratchfn.errors import explain
from scratchfn.numpy.arguments import placed

Axes = int | Sequence[int]
Initializer = Callable[..., Any]  # (key, shape, dtype=None) -> array
Mode = Literal["fan_in", "fan_out", "fan_avg", "fan_geo_avg"]
Distribution = Literal["truncated_normal", "normal", "uniform"]

# Deviation of a standard normal that is cut off at two deviations.
TRUNCATED_STDDEV = 0.87962566103423978
# What JAX takes for that of a complex normal cut off at modulus 2; it is 0.962, exactly
# sqrt(1 - 4 / (e^4 - 1)), so that complex weights are 1% too large, in JAX and here.
COMPLEX_TRUNCATED_STDDEV = 0.95311164380491208


def _placeable(init: Initializer) -> Initializer:
    """`init` with JAX's last argument, `out_sharding`: the devices for the result."""

    def placed_init(
        key: Any, shape: Sequence[int], dtype: Any = None, out_sharding: Any = None
    ) -> Any:
        x = init(key, shape) if dtype is None else init(key, shape, dtype)
        return placed(x, out_sharding)

    placed_init.__name__, placed_init.__doc__ = init.__name__, init.__doc__
    placed_init.__qualname__, placed_init.__module__ = init.__qualname__, init.__module__
    return placed_init


@_placeable
def zeros(key: Any, shape: Sequence[int], dtype: Any = None) -> Any:
    """All zeros; the key is not used."""
    return jnp.zeros(shape, _float(dtype))


@_placeable
def ones(key: Any, shape: Sequence[int], dtype: Any = None) -> Any:
    """All ones; the key is not used."""
    return jnp.ones(shape, _float(dtype))


def constant(value: Any, dtype: Any = None) -> Initializer:
    """An initializer that fills with `value`."""

    @_placeable
    def init(key: Any, shape: Sequence[int], dtype: Any = dtype) -> Any:
        return jnp.full(shape, value, _float(dtype))

    return init


def uniform(scale: Any = 1e-2, dtype: Any = None) -> Initializer:
    """An initializer that draws evenly from [0, scale)."""

    @_placeable
    def init(key: Any, shape: Sequence[int], dtype: Any = dtype) -> Any:
        dtype = _float(dtype)
        return random.uniform(key, shape, dtype) * jnp.array(scale, dtype)

    return init


def normal(stddev: Any = 1e-2, dtype: Any = None) -> Initializer:
    """An initializer that draws from the normal distribution with mean 0."""

    @_placeable
    def init(key: Any, shape: Sequence[int], dtype: Any = dtype) -> Any:
        dtype = _float(dtype)
        return random.normal(key, shape, dtype) * jnp.array(stddev, dtype)

    return init


def truncated_normal(
    stddev: Any = 1e-2, dtype: Any = None, lower: Any = -2.0, upper: Any = 2.0
) -> Initializer:
    """An initializer that draws from a normal distribution between lower and upper deviations.

    `stddev` is that of the distribution before it is cut; cut, it has a smaller one.
    """

    @_placeable
    def init(key: Any, shape: Sequence[int], dtype: Any = dtype) -> Any:
        dtype = _float(dtype)
        draws = random.truncated_normal(key, lower, upper, shape, dtype)
        return draws * jnp.array(stddev, dtype)

    return init


def variance_scaling(
    scale: Any,
    mode: Mode,
    distribution: Distribution,
    in_axis: Axes = -2,
    out_axis: Axes = -1,
    batch_axis: Axes = (),
    dtype: Any = None,
) -> Initializer:
    """An initializer of mean 0 and variance scale / n.

    Args:
      mode: n is the fan in, the fan out, or their arithmetic or geometric mean.
      distribution: the truncated normal is cut at two deviations and then rescaled. Of complex
        dtypes both it and the uniform one are as likely in every direction of the plane.
      in_axis, out_axis, batch_axis: axes of the weights; those named by none of the three (a
        convolution's height and width) count in both fans, those of the batch in neither.

    Raises (when called): ValueError for a shape without the axes, or an unknown mode or
    distribution.
    """

    @_placeable
    def init(key: Any, shape: Sequence[int], dtype: Any = dtype) -> Any:
        dtype = np.dtype(_float(dtype))
        n = _fan(mode, shape, in_axis, out_axis, batch_axis)
        variance = jnp.array(scale / n, dtype)
        if dtypes.kind(dtype) == "c" and distribution in _ON_THE_PLANE:
            return _ON_THE_PLANE[distribution](key, shape, dtype) * jnp.sqrt(variance)
        if distribution == "truncated_normal":
            stddev = jnp.sqrt(variance) / jnp.array(TRUNCATED_STDDEV, dtype)
            return random.truncated_normal(key, -2, 2, shape, dtype) * stddev
        if distribution == "normal":
            return random.normal(key, shape, dtype) * jnp.sqrt(variance)
        if distribution == "uniform":
            return random.uniform(key, shape, dtype, -1) * jnp.sqrt(3 * variance)
        raise ValueError(_unknown("distribution", distribution, Distribution))

    return init


def _uniform_on_disk(key: Any, shape: Sequence[int], dtype: np.dtype) -> Any:
    """Complex numbers, evenly on a disk, with variance 1."""
    square, turns = _squares_and_turns(key, shape, dtype)
    return jnp.sqrt(2 * square).astype(dtype) * jnp.exp(2j * np.pi * turns)


def _truncated_normal_on_plane(key: Any, shape: Sequence[int], dtype: np.dtype) -> Any:
    """Complex numbers, normal up to a modulus of 2. The squared modulus of a normal number is
    exponential: found by inversion, -log(1 - u), for u below its distribution function at 4."""
    u, turns = _squares_and_turns(key, shape, dtype)
    modulus = jnp.sqrt(-jnp.log(1 - (1 - jnp.exp(jnp.array(-4, dtype))) * u))
    return modulus * jnp.exp(2j * np.pi * turns) / jnp.array(COMPLEX_TRUNCATED_STDDEV, dtype)


def _squares_and_turns(key: Any, shape: Sequence[int], dtype: np.dtype) -> tuple[Any, Any]:
    """Two uniform numbers in [0, 1) for each complex one: of its squared modulus and its angle."""
    half = dtypes.to_floating_dtype(dtype)
    u, turns = (random.uniform(part, shape, half) for part in random.split(key))
    return u, turns.astype(dtype)


_ON_THE_PLANE = {"uniform": _uniform_on_disk, "truncated_normal": _truncated_normal_on_plane}


def glorot_uniform(
    in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: Any = None
) -> Initializer:
    """Variance 2 / (in + out), uniform."""
    return variance_scaling(1.0, "fan_avg", "uniform", in_axis, out_axis, batch_axis, dtype)


def glorot_normal(
    in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: Any = None
) -> Initializer:
    """Variance 2 / (in + out), truncated normal."""
    return variance_scaling(
        1.0, "fan_avg", "truncated_normal", in_axis, out_axis, batch_axis, dtype
    )


def he_uniform(
    in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: Any = None
) -> Initializer:
    """Variance 2 / in, uniform."""
    return variance_scaling(2.0, "fan_in", "uniform", in_axis, out_axis, batch_axis, dtype)


def he_normal(
    in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: Any = None
) -> Initializer:
    """Variance 2 / in, truncated normal."""
    return variance_scaling(2.0, "fan_in", "truncated_normal", in_axis, out_axis, batch_axis, dtype)


def lecun_uniform(
    in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: Any = None
) -> Initializer:
    """Variance 1 / in, uniform."""
    return variance_scaling(1.0, "fan_in", "uniform", in_axis, out_axis, batch_axis, dtype)


def lecun_normal(
    in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: Any = None
) -> Initializer:
    """Variance 1 / in, truncated normal."""
    return variance_scaling(1.0, "fan_in", "truncated_normal", in_axis, out_axis, batch_axis, dtype)


xavier_uniform, xavier_normal = glorot_uniform, glorot_normal
kaiming_uniform, kaiming_normal = he_uniform, he_normal


def _float(dtype: Any) -> Any:
    return dtypes.default_dtype("f") if dtype is None else dtype


def _fan(
    mode: Mode, shape: Sequence[int], in_axis: Axes, out_axis: Axes, batch_axis: Axes
) -> float:
    if len(shape) < 2 and in_axis == -2:
        raise ValueError(
            explain(
                "an initializer that scales with the fan in and out",
                f"the shape {tuple(shape)}",
                "a weight that joins inputs to outputs has an axis of each",
                "init(key, (inputs, outputs)), or name in_axis; zeros for a bias",
            )
        )
    size = math.prod(shape) / _product(shape, batch_axis)
    fan_in, fan_out = size / _product(shape, out_axis), size / _product(shape, in_axis)
    fans = {
        "fan_in": fan_in,
        "fan_out": fan_out,
        "fan_avg": (fan_in + fan_out) / 2,
        "fan_geo_avg": math.sqrt(fan_in * fan_out),
    }
    if mode not in fans:
        raise ValueError(_unknown("mode", mode, Mode))
    return fans[mode]


def orthogonal(scale: Any = 1.0, column_axis: int = -1, dtype: Any = None) -> Initializer:
    """An initializer of matrices whose columns, or rows where those are fewer, are orthonormal but
    for `scale`. All axes but `column_axis` are the rows. Raises ValueError for fewer than two axes.

    Saxe et al. 2014, "Exact solutions to the nonlinear dynamics of learning".
    """

    @_placeable
    def init(key: Any, shape: Sequence[int], dtype: Any = dtype) -> Any:
        dtype = _float(dtype)
        if len(shape) < 2:
            raise ValueError(
                explain(
                    f"an orthogonal initializer with the shape {tuple(shape)}",
                    f"{len(shape)} axes",
                    "a matrix has two or more",
                    "normal() for vectors",
                )
            )
        if 0 in shape:
            return jnp.zeros(shape, dtype)
        columns = shape[column_axis]
        others = [size for i, size in enumerate(shape) if i != column_axis % len(shape)]
        q = random.orthogonal(key, math.prod(others), (), dtype, columns)
        q = jnp.moveaxis(q.reshape(*others, columns), -1, column_axis)
        return jnp.array(scale, dtype) * q

    return init


def delta_orthogonal(scale: Any = 1.0, column_axis: int = -1, dtype: Any = None) -> Initializer:
    """An initializer of convolution kernels [*window, in, out], of one to three axes of window: an
    orthogonal matrix in the middle of the window, zeros elsewhere. Raises ValueError for other
    shapes, and for out < in.

    Xiao et al. 2018, "Dynamical isometry and a mean field theory of CNNs".
    """

    @_placeable
    def init(key: Any, shape: Sequence[int], dtype: Any = dtype) -> Any:
        if len(shape) not in (3, 4, 5) or shape[-1] < shape[-2]:
            raise ValueError(
                explain(
                    f"a delta_orthogonal initializer with the shape {tuple(shape)}",
                    f"{len(shape)} axes",
                    "it is for kernels [*window, in, out] of 3 to 5 axes, in no more than out",
                    "orthogonal()",
                )
            )
        middle = tuple((size - 1) // 2 for size in shape[:-2])
        matrix = orthogonal(scale, column_axis)(key, shape[-2:], _float(dtype))
        return jnp.zeros(shape, _float(dtype)).at[middle].set(matrix)

    return init


def _product(shape: Sequence[int], axes: Axes) -> int:
    return math.prod(shape[i] for i in ((axes,) if isinstance(axes, int) else axes))


def _unknown(name: str, value: Any, allowed: Any) -> str:
    *others, last = map(repr, allowed.__args__)
    return explain(
        f"variance_scaling(..., {name}={value!r})",
        f"{name}={value!r}",
        f"there is no such {name}",
        f"{', '.join(others)} or {last}",
    )


__all__ = [
    "constant",
    "delta_orthogonal",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "kaiming_normal",
    "kaiming_uniform",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "ones",
    "orthogonal",
    "truncated_normal",
    "uniform",
    "variance_scaling",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]
