"""(b) A perceptron 64-64-64-10, batch 32, Adam: the cost of calls, small updates of many arrays."""

from __future__ import annotations

from benchmarks.workloads import Draw, Workload
from benchmarks.workloads.mlp import loss


def workload() -> Workload:
    draw = Draw()
    batch = {"x": draw.normal(32, 64), "y": draw.labels(10, 32)}
    params = draw.dense(64, 64, 64, 10)
    return Workload("b MLP 64-64-64-10 Adam", params, batch, loss, 1e-3, adam=True)
