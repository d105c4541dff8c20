"""Arrays end to end.

Read next: `backends/numpy/spelling/products.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from scratchfn.backends.numpy.spelling.base import Line, Operand, Spelling, spells
from scratchfn.core.jaxpr import Eqn


@spells("concatenate")
def _concatenate(eqn: Eqn) -> Spelling | None:
    """Of vectors, only those are copied that were not written to their place at once."""
    axis = eqn.params["dimension"]

    def lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
        ends = [0, *itertools.accumulate(x.aval.shape[axis] for x in xs)]
        missing = [
            f"{out.seen(f'[{start}:{end}]')}[...] = {x}"
            for x, (start, end) in zip(xs, itertools.pairwise(ends), strict=True)
            if not x.is_part(out, start)
        ]
        if len(missing) < len(xs):
            return missing
        return [f"np.concatenate(({', '.join(map(str, xs))},), {axis}, {out})"]

    return Spelling(lines)
