"""Attention: each query reads the values whose keys are like it.

    attention(Q, K, V) = softmax(Q K' / sqrt(h) + bias) V

Letters of shapes: b batch, t queries, s keys and values, n heads of queries, k heads of keys and
values, g = n / k queries that share a key, h size of a head. Vaswani et al. 2017, "Attention is all
you need"; keys shared by several queries: Ainslie et al. 2023, "GQA".

Read next: `nn/softmax.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

import scratchfn.numpy as jnp
from scratchfn import lax
from scratchfn.core import dtypes
from scratchfn.core.params import DotAlgorithmPreset
from scratchfn.errors import explain
from scratchfn.nn.softmax import logsumexp, softmax


def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    *,
    scale: float | None = None,
    is_causal: bool = False,
    query_seq_lengths: Any = None,
    key_value_seq_lengths: Any = None,
    local_window_size: int | tuple[int, int] | None = None,
    implementation: str | None = None,
    return_residual: bool = False,
) -> Any:
    """What each query reads from the values, weighted by how well their keys match it.

    Args:
      query: [b, t, n, h] or [t, n, h].
      key, value: [b, s, k, h] or [s, k, h], where n is a multiple of k: query heads j n/k to
        (j + 1) n/k share head j.
      bias: added to the logits; it must broadcast to [b, n, t, s].
      mask: booleans that broadcast to [b, n, t, s], False where a query must not read.
      scale: what logits are multiplied by, 1/sqrt(h) by default.
      is_causal: a query reads only what is not after it.
      query_seq_lengths, key_value_seq_lengths: int32[b], how much of each sequence counts; results
        of queries beyond are zeros.
      local_window_size: how far a query reads to the left and to the right; one int for both.
      implementation: None or "xla"; "cudnn" needs an NVIDIA GPU and is JAX's alone.
      return_residual: also return the logsumexp of the logits, [b, t, n], as a constant.

    Returns:
      As query, in its dtype. Logits and weights are computed in float32 at least.

    Raises:
      ValueError: shapes or dtypes that do not fit, or an unknown implementation.
      RuntimeError: implementation="cudnn".
    """
    query, key, value = map(jnp.asarray, (query, key, value))
    out_shape = query.shape
    query, key, value = map(_with_batch, (query, key, value))
    bias, mask = (None if x is None else _with_batch(jnp.asarray(x)) for x in (bias, mask))
    lengths = [
        None if x is None else jnp.asarray(x) for x in (query_seq_lengths, key_value_seq_lengths)
    ]
    _check(query, key, value, bias, mask, lengths, implementation)
    b, t, n, h = query.shape
    k = key.shape[2]
    query = query.reshape(b, t, k, n // k, h)
    logits = (
        _logits(query, key, scale)
        if bias is None
        else (_logits(query, key, scale) + _grouped(bias, k, n // k))
    )  # [b, k, g, t, s]
    allowed = _allowed(logits.shape, mask, is_causal, lengths, local_window_size)
    if allowed is not None:
        lowest = -0.7 * float(dtypes.finfo(logits.dtype).max)  # so that sums of it are finite
        logits = jnp.where(allowed, logits, lowest)
    logits = logits.astype(np.float32)
    weights = softmax(logits, axis=-1).astype(key.dtype)
    out = jnp.einsum("bkgts,bskh->btkgh", weights, value)
    if lengths[0] is not None:
        inside = jnp.arange(t) < lengths[0][:, None]  # [b, t]
        out = out * inside[:, :, None, None, None].astype(out.dtype)
    out = out.reshape(out_shape)
    if not return_residual:
        return out
    residual = jnp.moveaxis(logsumexp(logits, axis=-1), 3, 1)  # [b, t, k, g]
    return out, lax.stop_gradient(residual.astype(key.dtype).reshape(out_shape[:-1]))


def _with_batch(x: Any) -> Any:
    """x with axes of size 1 in front, up to four axes."""
    return jnp.expand_dims(x, tuple(range(4 - x.ndim))) if x.ndim < 4 else x


def _logits(query: Any, key: Any, scale: float | None) -> Any:
    """How well queries and keys match, in float32 at least."""
    dtype = dtypes.promote_types(query.dtype, np.float32)
    precision = _PRECISION.get(query.dtype)
    logits = jnp.einsum(
        "btkgh,bskh->bkgts", query, key, precision=precision, preferred_element_type=dtype
    )
    return logits * jnp.asarray(1 / math.sqrt(query.shape[-1]) if scale is None else scale, dtype)


# Products of short floats are summed in float32, and their derivatives too.
_PRECISION = {
    dtypes.bfloat16: DotAlgorithmPreset.BF16_BF16_F32,
    dtypes.float16: DotAlgorithmPreset.F16_F16_F32,
}


def _grouped(x: Any, k: int, g: int) -> Any:
    """A bias or mask [b, n, t, s] with its heads in groups, or [b, 1, 1, t, s]."""
    b, n, t, s = x.shape
    return x.reshape(b, 1, 1, t, s) if n == 1 else x.reshape(b, k, g, t, s)


def _allowed(
    shape: tuple[int, ...],
    mask: Any,
    is_causal: bool,
    lengths: Sequence[Any],
    window: int | tuple[int, int] | None,
) -> Any:
    """Which logits [b, k, g, t, s] count: booleans that broadcast to that, or None for all."""
    _, k, g, t, s = shape
    query_place, key_place = jnp.arange(t)[:, None], jnp.arange(s)  # [t, 1], [s]
    parts = []
    if mask is not None:
        parts.append(_grouped(mask, k, g))
    if is_causal:
        parts.append(key_place <= query_place)
    if window is not None:
        left, right = (window, window) if isinstance(window, int) else window
        parts.append(query_place - left <= key_place)
        parts.append(key_place <= query_place + right)
    for length, place in zip(lengths, (query_place, key_place), strict=True):
        if length is not None:
            parts.append(place < length[:, None, None, None, None])
    allowed = None
    for part in parts:
        allowed = part if allowed is None else allowed & part
    return allowed


def _check(
    query: Any,
    key: Any,
    value: Any,
    bias: Any,
    mask: Any,
    lengths: Sequence[Any],
    implementation: str | None,
) -> None:
    """Raises ValueError for what does not fit together."""
    if implementation not in (None, "xla"):
        error = RuntimeError if implementation == "cudnn" else ValueError
        raise error(
            explain(
                f"dot_product_attention with implementation={implementation!r}",
                "none of None and 'xla'",
                "cudnn's is for NVIDIA's GPUs, and this one runs everywhere",
                "implementation=None",
            )
        )
    b, _, k, h = key.shape if key.ndim == 4 else (0, 0, 0, 0)
    fit = (
        query.ndim == key.ndim == 4
        and value.shape == key.shape
        and (query.shape[0], query.shape[3]) == (b, h)
        and query.dtype == key.dtype == value.dtype
    )
    if not fit or query.shape[2] % k:
        raise ValueError(
            explain(
                "dot_product_attention",
                f"query {query.aval}, key {key.aval}, value {value.aval}",
                "they must be [b, t, n, h], [b, s, k, h] and [b, s, k, h], n a multiple of k, and "
                "of one dtype",
                "x.reshape(b, t, n, h) to tell the heads apart, x.astype(dtype)",
            )
        )
    n, t, s = query.shape[2], query.shape[1], key.shape[1]
    for name, x in (("bias", bias), ("mask", mask)):
        if x is not None and not _broadcasts(x.shape, (b, n, t, s)):
            raise _does_not_fit(name, x, f"it must broadcast to [{b}, {n}, {t}, {s}]")
    if mask is not None and mask.dtype != dtypes.bool_:
        raise _does_not_fit("mask", mask, "a mask is of booleans; what is added is a bias")
    for name, x in zip(("query_seq_lengths", "key_value_seq_lengths"), lengths, strict=True):
        if x is not None and (x.shape, x.dtype) != ((b,), dtypes.int32):
            raise _does_not_fit(name, x, f"there is an int32 length for each of {b} sequences")


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    return len(shape) == len(to) and all(
        size in (1, full) for size, full in zip(shape, to, strict=True)
    )


def _does_not_fit(name: str, x: Any, why: str) -> ValueError:
    write = f"{name} reshaped to that, or x.astype(...)"
    return ValueError(explain("dot_product_attention", f"{name} {x.aval}", why, write))
