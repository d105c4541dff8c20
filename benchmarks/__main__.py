"""Runs every benchmark: `make bench`."""

from __future__ import annotations

from benchmarks import eager, kernels, start, training, tree

for title, benchmark in [
    ("Import", start),
    ("Eager calls", eager),
    ("Trees", tree),
    ("Kernels", kernels),
    ("Training steps", training),
]:
    print(f"\n## {title}\n")
    benchmark.main()
