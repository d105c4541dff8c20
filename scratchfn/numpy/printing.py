"""How arrays are printed: NumPy's own functions and options, which ours go by.

Read next: `core/array.py`.
"""

from numpy import array_repr, array_str, get_printoptions, iterable, printoptions, set_printoptions
from numpy.exceptions import ComplexWarning

__all__ = [
    "ComplexWarning",
    "array_repr",
    "array_str",
    "get_printoptions",
    "iterable",
    "printoptions",
    "set_printoptions",
]
