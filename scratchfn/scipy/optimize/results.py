"""What a minimization found.

Read next: `scipy/optimize/line_search.py`.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class OptimizeResults(NamedTuple):
    """A minimum, and how it was found.

    x: where it is, f32[n].
    success: bool; status: 0 if so, else the method's code of what stopped it.
    fun, jac: the function's value and gradient there.
    hess_inv: an estimate of the inverse Hessian, f32[n, n], or None.
    nfev, njev, nit: the number of values, gradients and iterations computed.
    """

    x: Any
    success: Any
    status: Any
    fun: Any
    jac: Any
    hess_inv: Any
    nfev: Any
    njev: Any
    nit: Any
