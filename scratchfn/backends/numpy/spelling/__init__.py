"""How equations are spelled in NumPy, so that they write to buffers: `into`, and rules by family.

Read next: `backends/numpy/spelling/base.py`.
"""

from scratchfn.backends.numpy.spelling import (
    bounds,
    elementwise,
    indexing,
    joining,
    ordering,
    products,
    reductions,
    windows,
)
from scratchfn.backends.numpy.spelling.base import OWN_RESULT, VIEWS, Operand, Spelling, into

__all__ = ["OWN_RESULT", "VIEWS", "Operand", "Spelling", "bounds", "elementwise", "indexing",
           "into", "joining", "ordering", "products", "reductions", "windows"]  # fmt: skip
