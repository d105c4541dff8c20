"""What `import scratchfn` costs, in a fresh interpreter, and what it does not import.

    python -m benchmarks.start

The goal: under 0.25 seconds, without jax, matplotlib or scipy.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

from benchmarks.markdown import head, line

PROGRAM = """
import time
start = time.perf_counter()
import {name}
import sys
heavy = [m for m in ("jax", "matplotlib", "scipy", "sklearn") if m in sys.modules]
print(time.perf_counter() - start, *heavy)
"""


def measure(name: str, repeats: int = 7) -> tuple[float, list[str]]:
    """Median seconds to import a module in a new process, and the heavy modules it brought."""
    times, heavy = [], []
    # As on a user's machine, compiled modules are cached: an installation does so at once.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-c", f"import {name}"], check=True, env=environment)
    for _ in range(repeats):
        command = [sys.executable, "-c", PROGRAM.format(name=name)]
        seconds, *heavy = subprocess.run(
            command, check=True, capture_output=True, text=True, env=environment
        ).stdout.split()
        times.append(float(seconds))
    return statistics.median(times), heavy


def main() -> None:
    head("import", "seconds", "brings")
    for name in ("numpy", "scratchfn", "jax"):
        seconds, heavy = measure(name)
        line(name, seconds, " ".join(heavy) or "nothing heavy")


if __name__ == "__main__":
    main()
