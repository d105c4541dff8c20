"""What the benchmarks run on: the processor, and the versions of what is measured.

python -m benchmarks.machine
"""

from __future__ import annotations

import importlib.metadata
import platform
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.markdown import head, line
from scratchfn.backends.numpy.pool import usable_threads

LIBRARIES = ("numpy", "jax", "torch", "autograd")


def processor() -> str:
    """Its name, and the widest vectors that NumPy computes with on it."""
    found: Any = np.show_config(mode="dicts")
    widest = found["SIMD Extensions"].get("found", found["SIMD Extensions"]["baseline"])[-1]
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # it is no Linux
        lines = []
    names = (text.partition(":")[2].strip() for text in lines if text.startswith("model name"))
    return f"{next(names, platform.processor())} ({platform.machine()}, {widest})"


def versions() -> list[tuple[str, str]]:
    """Of Python, and of each library that is installed."""
    found: Any = np.show_config(mode="dicts")
    blas = found["Build Dependencies"]["blas"]
    installed = {d.metadata["Name"] for d in importlib.metadata.distributions()}
    return [
        ("Python", platform.python_version()),
        *((name, importlib.metadata.version(name)) for name in LIBRARIES if name in installed),
        ("BLAS of NumPy", f"{blas['name']} {blas['version']}"),
    ]


def main() -> None:
    head("", "")
    line("processor", processor())
    line("threads", usable_threads())
    for name, version in versions():
        line(name, version)


if __name__ == "__main__":
    main()
