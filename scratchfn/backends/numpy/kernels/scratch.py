"""Memory that a kernel writes to and reads back before it returns.

It is kept from call to call, so that it stays in the cache: a product of matrices that were just
gathered is twice as fast where they are gathered to the same place each time. Every thread has its
own. A name stands for one piece of memory; who asks for it again gets the same one.

Read next: `correlate.py`, which gathers to it.
"""

from __future__ import annotations

import math
import threading

import numpy as np

from .aligned import aligned

KEPT = 4 << 20  # bytes of each piece; what is larger is no longer in the cache, and is made anew

local = threading.local()  # what each thread keeps


def scratch(name: str, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array with any content."""
    if math.prod(shape) * dtype.itemsize > KEPT:
        return np.empty(shape, dtype)
    held: dict[str, np.ndarray] = local.__dict__.setdefault("memory", {})
    if name not in held:  # pages that are not written to take no memory
        held[name] = aligned((KEPT,), np.uint8)
    return np.ndarray(shape, dtype, held[name])
