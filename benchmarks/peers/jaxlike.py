"""scratchfn and JAX: the same text, with another library's name in it.

Read next: `torch_peer.py`.
"""

from __future__ import annotations

import importlib
from functools import partial
from types import SimpleNamespace
from typing import Any

from benchmarks.workloads import Workload


def vocabulary(library: str) -> SimpleNamespace:
    """The vocabulary in terms of `library`, "scratchfn" or "jax"."""
    jax = importlib.import_module(library)
    jnp, lax, nn = (importlib.import_module(f"{library}.{part}") for part in ("numpy", "lax", "nn"))

    def moments(x: Any, axes: Any) -> Any:
        centered = x - x.mean(axes, keepdims=True)
        return centered, (centered * centered).mean(axes, keepdims=True)

    def layer_norm(x: Any, scale: Any, shift: Any, axes: Any = (-1,)) -> Any:
        centered, variance = moments(x, axes)
        return centered * lax.rsqrt(variance + 1e-5) * scale + shift

    def attention(q: Any, k: Any, v: Any) -> Any:
        scores = q @ k.swapaxes(-1, -2) * q.shape[-1] ** -0.5  # [b, h, t, t]
        seen = jnp.tril(jnp.ones(scores.shape[-2:], bool))
        return nn.softmax(jnp.where(seen, scores, -1e30), axis=-1) @ v

    def conv(x: Any, w: Any, stride: int = 1) -> Any:
        layout = ("NHWC", "HWIO", "NHWC")
        return lax.conv_general_dilated(x, w, (stride, stride), "SAME", dimension_numbers=layout)

    def conv_transpose(x: Any, w: Any) -> Any:
        layout = ("NHWC", "HWIO", "NHWC")
        return lax.conv_transpose(x, w, (2, 2), "SAME", dimension_numbers=layout)

    return SimpleNamespace(
        exp=jnp.exp, log=jnp.log, tanh=jnp.tanh, sqrt=jnp.sqrt, sin=jnp.sin, cos=jnp.cos,
        sigmoid=nn.sigmoid, softplus=nn.softplus, relu=nn.relu, gelu=nn.gelu,
        sum=jnp.sum, mean=jnp.mean, where=jnp.where, concatenate=jnp.concatenate,
        stack=jnp.stack, transpose=jnp.transpose, clip=jnp.clip, minimum=jnp.minimum,
        softmax=nn.softmax, log_softmax=nn.log_softmax, layer_norm=layer_norm,
        batch_norm=lambda x, scale, shift: layer_norm(x, scale, shift, tuple(range(x.ndim - 1))),
        attention=attention, conv=conv, conv_transpose=conv_transpose,
        max_pool=lambda x: lax.reduce_window(
            x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"
        ),
        take=lambda table, ids: table[ids],
        pick=lambda x, ids: jnp.take_along_axis(x, ids[..., None], -1)[..., 0],
        number=lambda x: x.astype(jnp.float32), stop=lax.stop_gradient, scan=lax.scan,
        array=jnp.asarray, value_and_grad=jax.value_and_grad, jit=jax.jit, map=jax.tree.map,
        wait=jax.block_until_ready,
    )  # fmt: skip


class Trainer:
    """Training steps of a workload, compiled as one program from loss to updated parameters; or
    run eagerly, if not `compiled`."""

    def __init__(self, library: str, workload: Workload, compiled: bool = True):
        self.lib = lib = vocabulary(library)
        self.params = lib.map(lib.array, workload.params)
        self.batch = lib.map(lib.array, workload.batch)
        self.held = lib.map(lib.array, workload.held)
        self.moments = lib.map(lambda x: (x * 0, x * 0), self.params) if workload.adam else None
        self.count = lib.array(0.0)
        step = partial(self._step, workload)
        self.program = lib.jit(step) if compiled else step

    def _step(self, workload: Workload, params: Any, moments: Any, held: Any, t: Any, batch: Any):
        def loss(params: Any) -> Any:
            return workload.loss(self.lib, params, held, batch)

        value, grads = self.lib.value_and_grad(loss)(params)
        t = t + 1
        if workload.adam:
            stepped = {
                name: adam(self.lib, workload.rate, params[name], grads[name], *moments[name], t)
                for name in params
            }
            params = {name: new for name, (new, _) in stepped.items()}
            moments = {name: kept for name, (_, kept) in stepped.items()}
        else:
            params = self.lib.map(lambda p, g: p - workload.rate * g, params, grads)
        return params, moments, workload.hold(params, held), t, value

    @property
    def state(self) -> tuple[Any, ...]:
        """What a step takes."""
        return self.params, self.moments, self.held, self.count, self.batch

    def step(self) -> Any:
        """One training step; the loss before it."""
        state = self.program(*self.state)
        self.params, self.moments, self.held, self.count, loss = self.lib.wait(state)
        return loss


def adam(lib: Any, rate: float, p: Any, g: Any, m: Any, v: Any, t: Any) -> Any:
    """Adam (Kingma & Ba 2015, algorithm 1)."""
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * (g * g)
    direction = (m / (1 - 0.9**t)) / (lib.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return p - rate * direction, (m, v)
