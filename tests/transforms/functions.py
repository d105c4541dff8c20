"""The functions that composition tests draw from.

Each maps an array of shape (4,) with entries in about [0.5, 1.5] to another of that shape, is
smooth there, and is written once for both libraries: `f(jnp, lax)(x)`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

W = np.linspace(-0.7, 0.9, 16).reshape(4, 4)
V = np.array([0.3, -0.8, 1.1, 0.5])


def _matrix(jnp: Any, x: Any) -> Any:
    return jnp.reshape(x, (2, 2))


def _scale(x: Any) -> Any:
    """The constants in the dtype of x, so that both libraries see the same program."""
    return W.astype(x.dtype), V.astype(x.dtype)


FUNCTIONS: dict[str, Callable[[Any, Any], Callable[[Any], Any]]] = {
    "sin": lambda jnp, lax: lambda x: jnp.sin(x),
    "cos_product": lambda jnp, lax: lambda x: jnp.cos(x) * x,
    "tanh": lambda jnp, lax: lambda x: jnp.tanh(x),
    "exp_neg": lambda jnp, lax: lambda x: jnp.exp(-x),
    "log1p": lambda jnp, lax: lambda x: jnp.log1p(x * x),
    "log": lambda jnp, lax: lambda x: jnp.log(x * x + 0.5),
    "sqrt": lambda jnp, lax: lambda x: jnp.sqrt(x * x + 1.0),
    "rsqrt": lambda jnp, lax: lambda x: lax.rsqrt(x * x + 1.0),
    "logistic": lambda jnp, lax: lambda x: lax.logistic(2.0 * x),
    "square": lambda jnp, lax: lambda x: jnp.square(x) - x,
    "cube": lambda jnp, lax: lambda x: x**3 / 3,
    "reciprocal": lambda jnp, lax: lambda x: 1.0 / (1.0 + x * x),
    "power": lambda jnp, lax: lambda x: (x * x + 0.5) ** 0.7,
    "power_of": lambda jnp, lax: lambda x: jnp.power(1.5, x),
    "arctan": lambda jnp, lax: lambda x: jnp.arctan(x),
    "arctan2": lambda jnp, lax: lambda x: jnp.arctan2(x, 2.0 + x * x),
    "sinh": lambda jnp, lax: lambda x: jnp.sinh(0.5 * x),
    "erf": lambda jnp, lax: lambda x: lax.erf(x),
    "expm1": lambda jnp, lax: lambda x: jnp.expm1(0.3 * x),
    "logaddexp": lambda jnp, lax: lambda x: jnp.logaddexp(x, 0.5 * x + 0.2),
    "where": lambda jnp, lax: lambda x: jnp.where(x > 1.03, x * x, 2.0 * x - 0.7),
    "maximum": lambda jnp, lax: lambda x: jnp.maximum(x * 1.1, 1.07 + 0 * x),
    "clip": lambda jnp, lax: lambda x: jnp.clip(x, 0.61, 1.37),
    "sum": lambda jnp, lax: lambda x: x * jnp.sum(jnp.sin(x)),
    "mean": lambda jnp, lax: lambda x: x - jnp.mean(x * x),
    "max": lambda jnp, lax: lambda x: x / jnp.max(x * jnp.arange(1.0, 5.0)),
    "prod": lambda jnp, lax: lambda x: x + jnp.prod(0.8 * x),
    "var": lambda jnp, lax: lambda x: x * jnp.var(jnp.arange(4.0) * x),
    "softmax": lambda jnp, lax: lambda x: jnp.exp(x - x.max()) / jnp.sum(jnp.exp(x - x.max())),
    "cumsum": lambda jnp, lax: lambda x: jnp.cumsum(x * 0.3),
    "cumprod": lambda jnp, lax: lambda x: jnp.cumprod(0.9 * x),
    "matvec": lambda jnp, lax: lambda x: _scale(x)[0] @ jnp.sin(x),
    "vecmat": lambda jnp, lax: lambda x: jnp.tanh(x @ _scale(x)[0] + _scale(x)[1]),
    "matmul": lambda jnp, lax: lambda x: (_matrix(jnp, x) @ jnp.cos(_matrix(jnp, x))).reshape(4),
    "outer": lambda jnp, lax: lambda x: jnp.sum(x[:, None] * jnp.sin(x[None, :]), axis=1),
    "transpose": lambda jnp, lax: lambda x: (_matrix(jnp, x).T * _matrix(jnp, x)).reshape(4),
    "flip": lambda jnp, lax: lambda x: jnp.flip(x) * x,
    "roll": lambda jnp, lax: lambda x: jnp.roll(x, 1) * jnp.sin(x),
    "concatenate": lambda jnp, lax: lambda x: jnp.concatenate([x[2:] * x[:2], jnp.sin(x[:2])]),
    "stack": lambda jnp, lax: lambda x: jnp.stack([x[:2], x[2:] ** 2]).T.reshape(4),
    "slice": lambda jnp, lax: lambda x: jnp.concatenate([x[::2], x[::-2] * x[:2]]),
    "pad": lambda jnp, lax: lambda x: jnp.pad(x[1:3] * x[2:], (1, 1), constant_values=0.5) + x,
    "gather": lambda jnp, lax: lambda x: x[np.array([3, 0, 0, 2])] * jnp.sin(x),
    "scatter": lambda jnp, lax: lambda x: x.at[np.array([1, 1, 3])].add(x[:3] ** 2),
    "scatter_set": lambda jnp, lax: lambda x: x.at[1:3].set(jnp.sin(x[:2])),
    "dynamic_slice": lambda jnp, lax: lambda x: jnp.tile(lax.dynamic_slice(x * x, (1,), (2,)), 2),
    "sort": lambda jnp, lax: lambda x: jnp.sort(x * jnp.array([1.0, -2.0, 3.0, 0.5])),
    "take_along_max": lambda jnp, lax: lambda x: x * x[jnp.argmax(jnp.sin(3.0 * x))],
    "convolution": lambda jnp, lax: lambda x: lax.conv_general_dilated(
        jnp.sin(x)[None, None, :], x[None, None, :3], (1,), [(1, 1)]
    )[0, 0],
    "window_max": lambda jnp, lax: lambda x: lax.reduce_window(
        x * jnp.array([1.0, 1.4, 0.7, 1.2]), -np.inf, lax.max, (2,), (1,), ((0, 1),)
    ),
    "window_sum": lambda jnp, lax: lambda x: lax.reduce_window(
        x * x, 0.0, lax.add, (3,), (1,), ((1, 1),)
    ),
    "stop_gradient": lambda jnp, lax: lambda x: x * lax.stop_gradient(jnp.sin(x)),
    "convert": lambda jnp, lax: lambda x: x * (x > 0.9).astype(x.dtype) + jnp.floor(x),
    "einsum": lambda jnp, lax: lambda x: jnp.einsum("ij,jk,k->ik", _matrix(jnp, x), _matrix(jnp, x),
                                                    x[:2]).reshape(4),
    "norm": lambda jnp, lax: lambda x: x / jnp.sqrt(jnp.sum(x * x) + 1e-3),
}  # fmt: skip
