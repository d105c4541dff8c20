"""`jax.scipy.optimize`: least values of functions of vectors.

Read next: `scipy/optimize/minimize.py`.
"""

from scratchfn.scipy.optimize.minimize import minimize as minimize
from scratchfn.scipy.optimize.results import OptimizeResults as OptimizeResults

__all__ = ["OptimizeResults", "minimize"]
