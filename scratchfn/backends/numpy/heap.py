"""Memory that has been freed is kept for the next array.

The C library of Linux gets a large array from the system and gives it back when it is freed. The
next one is then made of new pages, and having those mapped and cleared takes longer than to compute
what they hold: operations on arrays of some 100 KB and more, run one by one, took three times as
long. The library learns: once an array is freed that was mapped on its own, all up to its size,
and at most 32 MiB, come from memory that it keeps (mallopt(3), M_MMAP_THRESHOLD). So it is shown
one. That one is never written to, so it costs no memory.

Other systems do not mind, and settings of the user's, such as MALLOC_MMAP_THRESHOLD_, stay in
force.

Read next: `memory.py`, for the memory of compiled programs.
"""

from __future__ import annotations

import numpy as np

LEARNT = (1 << 25) - (1 << 16)  # bytes: just below what the library learns at most


def keep_freed_memory() -> None:
    """From now on, the memory of arrays that go away is kept: up to 64 MiB of it."""
    np.empty(LEARNT, np.uint8)
