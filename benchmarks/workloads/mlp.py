"""(a) A perceptron 784-512-512-10 with relu, batch 128, SGD: matrix products and little else."""

from __future__ import annotations

from typing import Any

from benchmarks.workloads import Draw, Workload, cross_entropy


def loss(lib: Any, params: Any, held: Any, batch: Any) -> Any:
    x = batch["x"]
    last = len(params) // 2 - 1
    for i in range(last):
        x = lib.relu(x @ params[f"w{i}"] + params[f"b{i}"])
    return cross_entropy(lib, x @ params[f"w{last}"] + params[f"b{last}"], batch["y"])


def workload() -> Workload:
    draw = Draw()
    batch = {"x": draw.normal(128, 784), "y": draw.labels(10, 128)}
    return Workload("a MLP 784-512-512-10 b128", draw.dense(784, 512, 512, 10), batch, loss, 0.1)
