"""(f) Twenty elementwise operations over four million numbers, a sum, and the gradient."""

from __future__ import annotations

from typing import Any

from benchmarks.workloads import Draw, Workload


def loss(lib: Any, params: Any, held: Any, batch: Any) -> Any:
    x, y = params["x"], batch["y"]
    a = lib.tanh(x) * y + 0.5
    b = lib.where(a > 0, a, 0.1 * a)
    c = lib.exp(-b * b) + x * 0.25
    d = lib.sqrt(c * c + 1.0) - 0.5 * y
    e = lib.clip(d, -2.0, 2.0) * b
    f = lib.tanh(e + x) - 0.3 * c
    return lib.mean(f * f)


def workload() -> Workload:
    draw = Draw()
    x, y = draw.normal(4_000_000), draw.normal(4_000_000)
    return Workload("f 20-op chain 4M", {"x": x}, {"y": y}, loss, 1.0)
