"""Reading and writing at computed places: gather, the scatters, and slices at computed places.

The geometry of the windows depends on shapes alone: it is worked out here, once, and a constant of
the program. What is written to is the operand itself where nothing reads that later.

Read next: `backends/numpy/kernels/gather.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scratchfn.backends.numpy.kernels import gather as kernels
from scratchfn.backends.numpy.kernels.windows import Windows, elements, plan
from scratchfn.backends.numpy.spelling.base import Line, Operand, Spelling, copied, spells
from scratchfn.core.jaxpr import Eqn
from scratchfn.core.params import GatherDimensionNumbers, GatherScatterMode
from scratchfn.core.template import kernel

for function in (
    kernels.read_windows,
    kernels.write_windows,
    kernels.write_window,
    kernels.take_or_fill,
    kernels.read_elements,
    kernels.write_elements,
):
    kernel(function)

_INSIDE = (GatherScatterMode.CLIP, GatherScatterMode.PROMISE_IN_BOUNDS)


@spells("gather")
def _gather(eqn: Eqn) -> Spelling | None:
    """`take` along one axis where that is all; else whatever windows there are."""
    operand, indices = (v.aval for v in eqn.invars)
    mode, numbers = eqn.params["mode"], eqn.params["dimension_numbers"]
    if not operand.size or operand.dtype.isbuiltin != 1:
        return None
    w = plan(operand.shape, indices.shape, eqn.params["slice_sizes"], numbers)
    fill = None
    if mode not in _INSIDE:
        fill = kernels.filler(eqn.params["fill_value"], operand.dtype, mode)
    axis = _axis_taken(w, numbers)
    single = elements(w)

    def lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
        x, at = xs
        filled = "None" if fill is None else out.constant(fill, "fill")
        if axis is None and single is not None:
            table, places, into = (v.seen(".reshape(-1)") for v in (x, at, out))
            geometry = out.constant(single, "elements")
            return [f"read_elements({table}, {places}, {geometry}, {filled}, {into})"]
        if axis is None:
            geometry = out.constant(w, "windows")
            return [f"read_windows({x}, {at}, {geometry}, {filled}, {out})"]
        places = at.seen(f".reshape({w.batch})")
        if fill is None:
            return [f"{x}.take({places}, {axis}, {out}, 'clip')"]
        return [f"take_or_fill({x}, {places}, {axis}, {filled}, {out})"]

    return Spelling(lines)


def _axis_taken(w: Windows, numbers: GatherDimensionNumbers) -> int | None:
    """The axis along which a gather takes whole rows one by one, if it does nothing else."""
    if w.order is not None or len(w.columns) != 1 or w.ramps:
        return None
    axis, limit, _ = w.columns[0]
    rows = numbers.collapsed_slice_dims == (axis,) and w.runs[1] == limit + 1
    return axis if rows else None


def _scatter(combine: np.ufunc | None) -> Any:
    """A copy of the operand, or the operand itself, and what is put there."""

    def spelled(eqn: Eqn) -> Spelling | None:
        operand, indices, updates = (v.aval for v in eqn.invars)
        if not operand.size or not updates.size or operand.dtype.isbuiltin != 1:
            return None
        numbers = eqn.params["dimension_numbers"]
        window = kernels.update_window(operand.ndim, updates.shape, numbers)
        w = plan(operand.shape, indices.shape, window, GatherDimensionNumbers(*numbers))
        drops = eqn.params["mode"] is not GatherScatterMode.CLIP
        ufunc = "None" if combine is None else f"np.{combine.__name__}"
        apart = combine is None or eqn.params["unique_indices"] or w.apart
        single = elements(w) if apart else None

        def lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
            x, at, new = xs
            if single is not None:
                into, places, values = (v.seen(".reshape(-1)") for v in (out, at, new))
                geometry = out.constant(single, "elements")
                write = f"write_elements({ufunc}, {into}, {places}, {values}, {geometry}, {drops})"
                return [*copied(x, out), write]
            geometry = out.constant(w, "windows")
            unique = eqn.params["unique_indices"]
            write = f"write_windows({ufunc}, {out}, {at}, {new}, {geometry}, {drops}, {unique})"
            return [*copied(x, out), write]

        return Spelling(lines, heirs=(0,))

    return spelled


spells("scatter")(_scatter(None))
spells("scatter-add")(_scatter(np.add))
spells("scatter-sub")(_scatter(np.subtract))
spells("scatter-mul")(_scatter(np.multiply))
spells("scatter-min")(_scatter(np.minimum))
spells("scatter-max")(_scatter(np.maximum))


@spells("dynamic_update_slice")
def _update(eqn: Eqn) -> Spelling | None:
    operand, update, *_ = (v.aval for v in eqn.invars)
    if operand.shape == update.shape:
        return None

    def lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
        x, new, *starts = xs
        place = ", ".join(map(str, starts))
        return [*copied(x, out), f"write_window({out}, {new}, {place})"]

    return Spelling(lines, heirs=(0,))
