"""How many threads BLAS uses: one while a compiled program runs, which divides large products among
threads itself (`pool.py`).

OpenBLAS's own threads wait by spinning. On a machine with other work to do that is ruinous: a
product can take sixty times as long. What the user had set holds again when the program has ended.

Read next: `pool.py`.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

# Multiply-adds up to which OpenBLAS keeps to one thread anyway.
SMALL_PRODUCT = 1 << 18


class _Threads(NamedTuple):
    """The functions of the BLAS that NumPy brings along."""

    get: Callable[[], int]
    set: Callable[[int], None]


@functools.cache
def _threads() -> _Threads | None:
    """None where NumPy was built with another BLAS."""
    package = Path(np.__file__).parent
    for path in [
        *package.parent.glob("numpy.libs/*openblas*"),
        *package.glob(".dylibs/*openblas*"),
    ]:
        library = ctypes.CDLL(str(path))
        for prefix, suffix in (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", "")):
            get = getattr(library, f"{prefix}openblas_get_num_threads{suffix}", None)
            if get is not None:
                return _Threads(get, getattr(library, f"{prefix}openblas_set_num_threads{suffix}"))
    return None


@functools.cache
def has_small_kernels() -> bool:
    """Does OpenBLAS compute products of less than a million multiply-adds without copying their
    operands? It does where there is AVX-512."""
    features = np._core._multiarray_umath.__cpu_features__  # type: ignore[attr-defined]
    return _threads() is not None and bool(features.get("AVX512_SKX"))


_lock = threading.Lock()
_inside = 0  # calls that are running, in all threads
_before = 1  # the number of threads to go back to


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """BLAS keeps to the thread that calls it, for as long as anybody is in here."""
    global _inside, _before
    threads = _threads()
    if threads is None:
        yield
        return
    with _lock:
        if not _inside:
            _before = threads.get()
            threads.set(1)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                threads.set(_before)


def on_one_thread(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function within `one_thread`."""

    def call(*args: Any) -> Any:
        with one_thread():
            return function(*args)

    return call
