"""Runs every benchmark: `make bench`."""

from __future__ import annotations

from benchmarks import eager, kernels, start, tree

for title, benchmark in [
    ("Import", start),
    ("Eager calls", eager),
    ("Trees", tree),
    ("Kernels", kernels),
]:
    print(f"\n## {title}\n")
    benchmark.main()
