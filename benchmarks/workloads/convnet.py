"""(c) 28x28x1 images through two 3x3 convolutions of 16 and 32 channels, pooled, batch 64, SGD."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workloads import Draw, Workload, cross_entropy


def loss(lib: Any, params: Any, held: Any, batch: Any) -> Any:
    x = batch["x"]
    for i in (0, 1):
        x = lib.max_pool(lib.relu(lib.conv(x, params[f"k{i}"]) + params[f"c{i}"]))
    logits = x.reshape(x.shape[0], -1) @ params["w"] + params["b"]
    return cross_entropy(lib, logits, batch["y"])


def workload() -> Workload:
    draw = Draw()
    params = {
        "k0": draw.weights(3, 3, 1, 16),
        "c0": np.zeros(16, np.float32),
        "k1": draw.weights(3, 3, 16, 32),
        "c1": np.zeros(32, np.float32),
        "w": draw.weights(7 * 7 * 32, 10),
        "b": np.zeros(10, np.float32),
    }
    batch = {"x": draw.normal(64, 28, 28, 1), "y": draw.labels(10, 64)}
    return Workload("c CNN b64", params, batch, loss, 0.05)
