"""Runs every benchmark: `make bench`."""

from __future__ import annotations

from benchmarks import (
    calls,
    eager,
    first_call,
    jit_or_eager,
    kernels,
    memory,
    random_numbers,
    start,
    training,
    tree,
)

for title, benchmark in [
    ("Training steps", training),
    ("Jitted or eager", jit_or_eager),
    ("The first call", first_call),
    ("Memory", memory),
    ("Calls", calls),
    ("Eager operations", eager),
    ("Random numbers", random_numbers),
    ("Kernels", kernels),
    ("Trees", tree),
    ("Import", start),
]:
    print(f"\n## {title}\n", flush=True)
    benchmark.main()
