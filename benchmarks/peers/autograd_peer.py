"""autograd (Maclaurin, Duvenaud & Johnson 2015): NumPy, with a tape under it.

It has no convolution: ours here is one matrix product over shifted views, as its users write it.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import autograd.numpy as np
from autograd import value_and_grad
from autograd.tracer import getval

from benchmarks.peers.jaxlike import adam
from benchmarks.workloads import Workload, same_padding


def _log_softmax(x: Any) -> Any:
    shifted = x - getval(x).max(-1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))


def _layer_norm(x: Any, scale: Any, shift: Any, axes: Any = -1) -> Any:
    centered = x - np.mean(x, axis=axes, keepdims=True)
    variance = np.mean(centered * centered, axis=axes, keepdims=True)
    return centered / np.sqrt(variance + 1e-5) * scale + shift


def _attention(q: Any, k: Any, v: Any) -> Any:
    scores = np.matmul(q, np.swapaxes(k, -1, -2)) * q.shape[-1] ** -0.5
    seen = np.tril(np.ones(scores.shape[-2:], bool))
    return np.matmul(np.exp(_log_softmax(np.where(seen, scores, np.float32(-1e30)))), v)


def _windows(padded: Any, w: Any, stride: int) -> Any:
    """The product of a kernel with all windows of a padded image."""
    kh, kw = w.shape[:2]
    oh, ow = ((n - k) // stride + 1 for n, k in zip(padded.shape[1:3], (kh, kw)))
    shifted = [
        padded[:, i : i + stride * (oh - 1) + 1 : stride, j : j + stride * (ow - 1) + 1 : stride]
        for i in range(kh)
        for j in range(kw)
    ]
    columns = np.concatenate(shifted, axis=-1)  # [b, oh, ow, kh kw c]
    return np.matmul(columns, np.reshape(w, (-1, w.shape[-1])))


def _conv(x: Any, w: Any, stride: int = 1) -> Any:
    edge = same_padding(x.shape[1], w.shape[0], stride)
    return _windows(np.pad(x, ((0, 0), edge, edge, (0, 0)), "constant"), w, stride)


def _conv_transpose(x: Any, w: Any) -> Any:
    """A convolution of the image with zeros between its rows and columns."""
    b, h, wide, c = x.shape
    zeros = np.zeros_like(getval(x))
    rows = np.stack([np.stack([x, zeros], 3), np.zeros((b, h, wide, 2, c), "float32")], 2)
    spread = np.reshape(rows, (b, 2 * h, 2 * wide, c))[:, :-1, :-1]
    edge = (w.shape[0] // 2, w.shape[0] // 2)
    return _windows(np.pad(spread, ((0, 0), edge, edge, (0, 0)), "constant"), w, 1)


def _max_pool(x: Any) -> Any:
    b, h, w, c = x.shape
    return np.max(np.reshape(x, (b, h // 2, 2, w // 2, 2, c)), axis=(2, 4))


def _scan(f: Any, carry: Any, xs: Any) -> Any:
    ys = []
    for x in xs:
        carry, y = f(carry, x)
        ys.append(y)
    return carry, np.stack(ys)


def _gelu(x: Any) -> Any:
    return 0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))


LIB = SimpleNamespace(
    exp=np.exp, log=np.log, tanh=np.tanh, sqrt=np.sqrt, sin=np.sin, cos=np.cos,
    sigmoid=lambda x: 0.5 * np.tanh(0.5 * x) + 0.5,
    softplus=lambda x: np.logaddexp(x, np.float32(0)),
    relu=lambda x: np.maximum(x, np.float32(0)), gelu=_gelu,
    sum=np.sum, mean=np.mean, where=np.where, concatenate=np.concatenate, stack=np.stack,
    transpose=np.transpose, clip=np.clip, minimum=np.minimum,
    softmax=lambda x: np.exp(_log_softmax(x)), log_softmax=_log_softmax, layer_norm=_layer_norm,
    batch_norm=lambda x, scale, shift: _layer_norm(x, scale, shift, tuple(range(x.ndim - 1))),
    attention=_attention, conv=_conv, conv_transpose=_conv_transpose, max_pool=_max_pool,
    take=lambda table, ids: table[ids],
    pick=lambda x, ids: np.reshape(x, (-1, x.shape[-1]))[np.arange(ids.size), ids.ravel()],
    number=lambda x: getval(x).astype("float32"), stop=getval, scan=_scan,
)  # fmt: skip


class Trainer:
    """Training steps of a workload, eagerly."""

    def __init__(self, workload: Workload):
        self.workload = workload
        self.params, self.held = dict(workload.params), dict(workload.held)
        self.moments = {k: (0 * x, 0 * x) for k, x in self.params.items()}
        self.count = 0
        self.gradient = value_and_grad(
            lambda params, held: workload.loss(LIB, params, held, workload.batch)
        )

    def step(self) -> Any:
        """One training step; the loss before it."""
        loss, grads = self.gradient(self.params, self.held)
        self.count += 1
        for name, g in grads.items():
            self.params[name] = self._updated(name, self.params[name], g)
        self.held = self.workload.hold(self.params, self.held)
        return loss

    def _updated(self, name: str, p: Any, g: Any) -> Any:
        rate, t = self.workload.rate, self.count
        if not self.workload.adam:
            return p - rate * g
        p, self.moments[name] = adam(LIB, rate, p, g, *self.moments[name], t)
        return p
