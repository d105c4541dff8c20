"""A residual network of 8 layers (He et al. 2015, section 4.2) on 32x32x3, batch 32, SGD.

A convolution, three blocks of two with 16, 32 and 64 channels, batch norm after each, a mean over
space and a dense layer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workloads import Arrays, Draw, Workload, cross_entropy

CHANNELS = (16, 32, 64)


def loss(lib: Any, params: Any, held: Any, batch: Any) -> Any:
    def layer(name: str, x: Any, stride: int = 1) -> Any:
        y = lib.conv(x, params[f"{name}_k"], stride)
        return lib.batch_norm(y, params[f"{name}_scale"], params[f"{name}_shift"])

    x = lib.relu(layer("stem", batch["x"]))
    for i in range(len(CHANNELS)):
        stride = 1 if i == 0 else 2
        y = layer(f"{i}b", lib.relu(layer(f"{i}a", x, stride)))
        x = lib.relu(y + (x if i == 0 else layer(f"{i}c", x, stride)))
    return cross_entropy(lib, lib.mean(x, (1, 2)) @ params["w"] + params["b"], batch["y"])


def workload() -> Workload:
    draw = Draw()
    params: Arrays = {}

    def layer(name: str, size: int, n: int, m: int) -> None:
        params[f"{name}_k"] = draw.weights(size, size, n, m)
        params[f"{name}_scale"] = np.ones(m, np.float32)
        params[f"{name}_shift"] = np.zeros(m, np.float32)

    layer("stem", 3, 3, CHANNELS[0])
    for i, m in enumerate(CHANNELS):
        n = CHANNELS[max(i - 1, 0)]
        layer(f"{i}a", 3, n, m)
        layer(f"{i}b", 3, m, m)
        if i:
            layer(f"{i}c", 1, n, m)
    params |= {"w": draw.weights(CHANNELS[-1], 10), "b": np.zeros(10, np.float32)}
    batch = {"x": draw.normal(32, 32, 32, 3), "y": draw.labels(10, 32)}
    return Workload("ResNet-8 b32", params, batch, loss, 0.05)
