"""Convolutions, pooling and its gradients: the kernels write to the buffer.

Read next: `backends/numpy/kernels/conv.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scratchfn.backends.numpy.kernels.conv import Convolution
from scratchfn.backends.numpy.kernels.dot import BLAS
from scratchfn.backends.numpy.spelling.base import Line, Operand, Spelling, spells
from scratchfn.core.jaxpr import Eqn


@spells("conv_general_dilated")
def _convolution(eqn: Eqn) -> Spelling | None:
    """What is computed in the dtype of the result."""
    wanted = np.dtype(eqn.params["preferred_element_type"] or eqn.invars[0].aval.dtype)
    if wanted.char not in BLAS:
        return None
    convolution = Convolution(*(eqn.params[name] for name in Convolution._fields))

    def lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
        return [f"convolve({xs[0]}, {xs[1]}, {out}, {out.constant(convolution, 'convolution')})"]

    return Spelling(lines)


@spells("reduce_window_max", "reduce_window_min", "reduce_window_sum", "select_and_scatter_add")
def _windows(eqn: Eqn) -> Spelling | None:
    """The kernel's call, and where it writes to."""
    kind = eqn.outvars[0].aval.dtype.char
    if eqn.primitive.name == "reduce_window_sum" and kind == "e":
        return None  # rounded after each addition

    def lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
        avals = [x.aval for x in xs]
        call = eqn.primitive.source([str(x) for x in xs], avals, eqn.params, out.constant)
        return [f"{call.removesuffix(')')}, out={out})"]

    return Spelling(lines)
