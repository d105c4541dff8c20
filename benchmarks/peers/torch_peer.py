"""PyTorch, eagerly, as its users write it: its fused functions, its optimizers.

Read next: `autograd_peer.py`.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F

from benchmarks.workloads import Workload, same_padding


def _images(x: torch.Tensor) -> torch.Tensor:
    """[b, h, w, c] as PyTorch wants it; a view, in the layout it calls channels_last."""
    return x.permute(0, 3, 1, 2)


def _back(x: torch.Tensor) -> torch.Tensor:
    return x.permute(0, 2, 3, 1)


def _conv(x: torch.Tensor, w: torch.Tensor, stride: int = 1) -> torch.Tensor:
    kernel = w.permute(3, 2, 0, 1)
    before, after = same_padding(x.shape[1], w.shape[0], stride)
    if before == after:
        return _back(F.conv2d(_images(x), kernel, stride=stride, padding=before))
    return _back(F.conv2d(F.pad(_images(x), (before, after) * 2), kernel, stride=stride))


def _conv_transpose(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    kernel = w.flip(0, 1).permute(2, 3, 0, 1)  # PyTorch's is the gradient of a convolution
    return _back(F.conv_transpose2d(_images(x), kernel, stride=2, padding=w.shape[0] // 2 - 1))


def _batch_norm(x: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    return _back(F.batch_norm(_images(x), None, None, scale, shift, training=True))


def _scan(f: Any, carry: Any, xs: Any) -> tuple[Any, torch.Tensor]:
    ys = []
    for x in xs.unbind(0):
        carry, y = f(carry, x)
        ys.append(y)
    return carry, torch.stack(ys)


def _mean(x: torch.Tensor, axis: Any = None, keepdims: bool = False) -> torch.Tensor:
    return torch.mean(x, dim=axis, keepdim=keepdims)


def _sum(x: torch.Tensor, axis: Any = None, keepdims: bool = False) -> torch.Tensor:
    return torch.sum(x, dim=axis, keepdim=keepdims)


LIB = SimpleNamespace(
    exp=torch.exp, log=torch.log, tanh=torch.tanh, sqrt=torch.sqrt, sin=torch.sin, cos=torch.cos,
    sigmoid=torch.sigmoid, softplus=F.softplus, relu=F.relu,
    gelu=lambda x: F.gelu(x, approximate="tanh"), sum=_sum, mean=_mean, where=torch.where,
    concatenate=torch.concatenate, stack=torch.stack,
    transpose=lambda x, axes: x.permute(axes), clip=torch.clip, minimum=torch.minimum,
    softmax=lambda x: F.softmax(x, dim=-1), log_softmax=lambda x: F.log_softmax(x, dim=-1),
    layer_norm=lambda x, scale, shift: F.layer_norm(x, x.shape[-1:], scale, shift),
    batch_norm=_batch_norm,
    attention=lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
    conv=_conv, conv_transpose=_conv_transpose,
    max_pool=lambda x: _back(F.max_pool2d(_images(x), 2)),
    take=lambda table, ids: F.embedding(ids, table),
    pick=lambda x, ids: x.gather(-1, ids[..., None])[..., 0],
    number=lambda x: x.float(), stop=lambda x: x.detach(), scan=_scan,
)  # fmt: skip


def _tensor(x: Any) -> torch.Tensor:
    tensor = torch.as_tensor(x.copy())
    return tensor if tensor.is_floating_point() else tensor.long()


class Trainer:
    """Training steps of a workload, eagerly."""

    def __init__(self, workload: Workload):
        self.workload = workload
        self.params = {k: _tensor(x).requires_grad_() for k, x in workload.params.items()}
        self.batch = {k: _tensor(x) for k, x in workload.batch.items()}
        self.held = {k: _tensor(x) for k, x in workload.held.items()}
        rule = torch.optim.Adam if workload.adam else torch.optim.SGD
        self.optimizer = rule(self.params.values(), lr=workload.rate)

    def step(self) -> Any:
        """One training step; the loss before it."""
        self.optimizer.zero_grad()
        loss = self.workload.loss(LIB, self.params, self.held, self.batch)
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            self.held = self.workload.hold(self.params, self.held)
        return loss.detach()
