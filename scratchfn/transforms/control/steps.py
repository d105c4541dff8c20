"""Loops and branches step by step, by calls of their programs: the `steps` rules.

They are how a loop is run when each operation in it is looked at (`core/steps.py`); otherwise a
loop is compiled as a whole.

Read next: `scan_primitive.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scratchfn.core.array import to_numpy
from scratchfn.core.jaxpr import ClosedJaxpr
from scratchfn.core.steps import Run
from scratchfn.primitives.base import broadcast_in_dim, squeeze, zeros
from scratchfn.primitives.convert import select
from scratchfn.primitives.joining import stack
from scratchfn.primitives.structural import slice_
from scratchfn.transforms.control.programs import cut


def scan_steps(
    run: Run, args: Sequence[Any], *, jaxpr: ClosedJaxpr, length: int, reverse: bool,
    num_consts: int, num_carry: int, **_: Any,
) -> list[Any]:  # fmt: skip
    """(consts, carry, xs) -> (carry, ys)"""
    consts, carry, xs = cut(args, num_consts, num_carry)
    rows: list[list[Any]] = [[] for _ in range(length)]
    for i in reversed(range(length)) if reverse else range(length):
        outs = run(jaxpr, [*consts, *carry, *[_row(x, i) for x in xs]])
        carry, rows[i] = cut(outs, num_carry)
    if length:
        return [*carry, *map(stack, zip(*rows, strict=True))]
    empty = jaxpr.out_avals[num_carry:]
    return [*carry, *[zeros(y.update(shape=(0, *y.shape))) for y in empty]]


def _row(x: Any, i: int) -> Any:
    """`x[i]`"""
    rest = x.shape[1:]
    return squeeze(slice_(x, (i, *[0] * len(rest)), (i + 1, *rest)), (0,))


def while_steps(
    run: Run, args: Sequence[Any], *, cond_jaxpr: ClosedJaxpr, body_jaxpr: ClosedJaxpr,
    cond_nconsts: int, body_nconsts: int,
) -> list[Any]:  # fmt: skip
    """(cond_consts, body_consts, carry) -> carry; a condition may have a batch of truth values."""
    cond_consts, body_consts, carry = cut(args, cond_nconsts, body_nconsts)
    while True:
        (going,) = run(cond_jaxpr, [*cond_consts, *carry])
        if not to_numpy(going).any():
            return carry
        new = run(body_jaxpr, [*body_consts, *carry])
        if not to_numpy(going).all():
            new = [
                select(broadcast_in_dim(going, x.shape, range(going.ndim)), x, old)
                for x, old in zip(new, carry, strict=True)
            ]
        carry = new


def cond_steps(run: Run, args: Sequence[Any], *, branches: Sequence[ClosedJaxpr]) -> list[Any]:
    """(index, *operands) -> the results of the branch of that index, clamped"""
    index = min(max(int(args[0]), 0), len(branches) - 1)
    return run(branches[index], args[1:])
