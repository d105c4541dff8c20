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
from scratchfn.backends.numpy.spelling.base import (
    OWN_RESULT,
    SPELLINGS,
    VIEWS,
    Operand,
    Spelling,
    can_be_placed,
    into,
)

__all__ = ["OWN_RESULT", "SPELLINGS", "VIEWS", "Operand", "Spelling", "bounds", "can_be_placed",
           "elementwise", "indexing", "into", "joining", "ordering", "products", "reductions",
           "windows"]  # fmt: skip
