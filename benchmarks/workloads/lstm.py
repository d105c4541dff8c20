"""(e) An LSTM of 128 units (Hochreiter & Schmidhuber 1997) over 64 steps, batch 32, SGD."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workloads import Draw, Workload, cross_entropy

INPUT, HIDDEN, STEPS, BATCH = 64, 128, 64, 32


def loss(lib: Any, params: Any, held: Any, batch: Any) -> Any:
    n = HIDDEN

    def cell(carry: Any, x: Any) -> Any:
        h, c = carry
        gates = x @ params["wx"] + h @ params["wh"] + params["b"]  # [b, 4 n]
        i, f, o = (lib.sigmoid(gates[:, k * n : (k + 1) * n]) for k in range(3))
        c = f * c + i * lib.tanh(gates[:, 3 * n :])
        h = o * lib.tanh(c)
        return (h, c), h

    _, hs = lib.scan(cell, (batch["h"], batch["c"]), batch["x"])  # [t, b, n]
    return cross_entropy(lib, lib.mean(hs, 0) @ params["w"] + params["w_b"], batch["y"])


def workload() -> Workload:
    draw = Draw()
    params = {
        "wx": draw.weights(INPUT, 4 * HIDDEN),
        "wh": draw.weights(HIDDEN, 4 * HIDDEN) * np.float32(0.5),
        "b": np.zeros(4 * HIDDEN, np.float32),
        "w": draw.weights(HIDDEN, 10),
        "w_b": np.zeros(10, np.float32),
    }
    start = np.zeros((BATCH, HIDDEN), np.float32)
    batch = {
        "x": draw.normal(STEPS, BATCH, INPUT),
        "y": draw.labels(10, BATCH),
        "h": start,
        "c": start,
    }
    return Workload("e LSTM H128 T64 b32", params, batch, loss, 0.1)
