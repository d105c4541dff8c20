"""(d) A GPT of 4 layers, width 128, 4 heads, on 128 of 96 tokens, batch 16, Adam."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workloads import Arrays, Draw, Workload, cross_entropy

LAYERS, WIDTH, HEADS, LENGTH, BATCH, TOKENS = 4, 128, 4, 128, 16, 96


def loss(lib: Any, params: Any, held: Any, batch: Any) -> Any:
    x = lib.take(params["tokens"], batch["x"]) + params["places"]  # [b, t, d]
    for i in range(LAYERS):
        layer = {name[2:]: p for name, p in params.items() if name.startswith(f"{i}_")}
        x = block(lib, layer, x)
    x = lib.layer_norm(x, params["scale"], params["shift"])
    return cross_entropy(lib, x @ params["head"], batch["y"])


def block(lib: Any, p: Any, x: Any) -> Any:
    """Attention and a feed-forward layer, each normed before and added to its input."""
    b, t, d = x.shape
    y = lib.layer_norm(x, p["scale0"], p["shift0"]) @ p["qkv"] + p["qkv_b"]
    y = lib.transpose(y.reshape(b, t, 3, HEADS, d // HEADS), (2, 0, 3, 1, 4))  # [3, b, h, t, d/h]
    y = lib.transpose(lib.attention(y[0], y[1], y[2]), (0, 2, 1, 3)).reshape(b, t, d)
    x = x + y @ p["out"] + p["out_b"]
    y = lib.layer_norm(x, p["scale1"], p["shift1"]) @ p["up"] + p["up_b"]
    return x + lib.gelu(y) @ p["down"] + p["down_b"]


def workload() -> Workload:
    draw, d = Draw(), WIDTH

    def zeros(n: int) -> np.ndarray:
        return np.zeros(n, np.float32)

    def ones(n: int) -> np.ndarray:
        return np.ones(n, np.float32)

    params: Arrays = {
        "tokens": draw.normal(TOKENS, d) * np.float32(0.1),
        "places": draw.normal(LENGTH, d) * np.float32(0.1),
    }
    for i in range(LAYERS):
        layer = {
            "scale0": ones(d), "shift0": zeros(d),
            "qkv": draw.weights(d, 3 * d), "qkv_b": zeros(3 * d),
            "out": draw.weights(d, d), "out_b": zeros(d),
            "scale1": ones(d), "shift1": zeros(d),
            "up": draw.weights(d, 4 * d), "up_b": zeros(4 * d),
            "down": draw.weights(4 * d, d), "down_b": zeros(d),
        }  # fmt: skip
        params |= {f"{i}_{name}": p for name, p in layer.items()}
    params |= {"scale": ones(d), "shift": zeros(d), "head": draw.weights(d, TOKENS)}
    text = draw.labels(TOKENS, BATCH, LENGTH + 1)
    batch = {"x": text[:, :-1].copy(), "y": text[:, 1:].copy()}
    return Workload("d GPT 4L d128 b16", params, batch, loss, 1e-3, adam=True)
