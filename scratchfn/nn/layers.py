"""Layers, as pairs: `x_init(key, sizes) -> params` and `x(params, inputs) -> outputs`.

Params are dicts, {"w": weights, "b": bias}. Images are [batch, height, width, channels], weights
of convolutions [height, width, in, out]. A layer without params is a function alone.

Read next: `nn/losses.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import scratchfn.numpy as jnp
from scratchfn import lax, random
from scratchfn.errors import explain
from scratchfn.nn.initializers import Initializer, lecun_normal

Params = dict[str, Any]
Pair = int | tuple[int, int]


def linear_init(
    key: Any, n_in: int, n_out: int, *, w_init: Initializer | None = None, dtype: Any = None
) -> Params:
    """Params of `linear`: w [n_in, n_out] by `w_init` (lecun_normal if None), b [n_out] zero."""
    w = (w_init or lecun_normal())(key, (n_in, n_out), dtype)
    return {"w": w, "b": jnp.zeros(n_out, w.dtype)}


def linear(params: Params, x: Any) -> Any:
    """x w + b, along the last axis.  x [..., n_in] -> [..., n_out]"""
    return x @ params["w"] + params["b"]


def conv_init(
    key: Any,
    height: int,
    width: int,
    n_in: int,
    n_out: int,
    *,
    w_init: Initializer | None = None,
    dtype: Any = None,
) -> Params:
    """Params of `conv`: w [height, width, n_in, n_out] as in `linear_init`, b [n_out] zero."""
    w = (w_init or lecun_normal())(key, (height, width, n_in, n_out), dtype)
    return {"w": w, "b": jnp.zeros(n_out, w.dtype)}


def conv(params: Params, x: Any, stride: Pair = 1, padding: Any = "SAME") -> Any:
    """Two-dimensional convolution.  x [b, h, w, n_in] -> [b, h', w', n_out]

        y[b, i, j, o] = Σ_{p, q, c} x[b, s i + p, s j + q, c] w[p, q, c, o] + b[o]

    Args:
      stride: one for both axes, or (vertical, horizontal).
      padding: "SAME", "VALID", or ((top, bottom), (left, right)).
    """
    y = lax.conv_general_dilated(
        x, params["w"], _pair(stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    return y + params["b"]


def max_pool(x: Any, window: Pair = 2, stride: Pair | None = None, padding: Any = "VALID") -> Any:
    """The largest value of each window.  x [b, h, w, c] -> [b, h', w', c]

    The stride is the window's size unless given, so that windows lie side by side.
    """
    return _pool(x, -math.inf, lax.max, window, stride, padding)


def avg_pool(x: Any, window: Pair = 2, stride: Pair | None = None, padding: Any = "VALID") -> Any:
    """The mean of each window; zeros of the padding count.  x [b, h, w, c] -> [b, h', w', c]"""
    return _pool(x, 0.0, lax.add, window, stride, padding) / math.prod(_pair(window))


def _pool(x: Any, start: float, combine: Any, window: Pair, stride: Pair | None, pad: Any) -> Any:
    size, step = _pair(window), _pair(window if stride is None else stride)
    around = pad if isinstance(pad, str) else ((0, 0), *pad, (0, 0))
    return lax.reduce_window(x, start, combine, (1, *size, 1), (1, *step, 1), around)


def dropout(x: Any, rate: float, *, train: bool, key: Any = None) -> Any:
    """Each element zeroed with probability `rate`, the others divided by 1 - rate; x itself
    unless `train`.

    Raises:
      ValueError: training without a key.
    """
    if not train or rate == 0:
        return x
    if key is None:
        raise ValueError(
            explain(
                f"nn.dropout(x, {rate}, train=True, key=None)",
                "no key",
                "in training, which elements are dropped is random, and randomness comes in by key",
                "apply(params, x, cfg, train=True, key=key)",
            )
        )
    keep = random.bernoulli(key, 1 - rate, x.shape)
    return jnp.where(keep, x / (1 - rate), 0)


def embedding_init(
    key: Any, n: int, width: int, *, w_init: Initializer | None = None, dtype: Any = None
) -> Params:
    """Params of `embedding`: w [n, width], lecun_normal over the width if `w_init` is None."""
    return {"w": (w_init or lecun_normal(in_axis=-1, out_axis=-2))(key, (n, width), dtype)}


def embedding(params: Params, ids: Any) -> Any:
    """The row of each id.  ids [...] -> [..., width]"""
    return params["w"][ids]


def _pair(size: Pair | Sequence[int]) -> tuple[int, int]:
    vertical, horizontal = (size, size) if isinstance(size, int) else size
    return vertical, horizontal


__all__ = [
    "avg_pool",
    "conv",
    "conv_init",
    "dropout",
    "embedding",
    "embedding_init",
    "linear",
    "linear_init",
    "max_pool",
]
