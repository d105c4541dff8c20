"""Elementwise operations that are more than one ufunc.

Read next: `backends/numpy/spelling/reductions.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scratchfn.backends.numpy.spelling.base import Line, Operand, Spelling, spells, steps
from scratchfn.core.array import to_numpy
from scratchfn.core.jaxpr import Atom, Eqn, Literal


@spells("select_n")
def _select(eqn: Eqn) -> Spelling | None:
    """By bits, where each number is as long as an integer: no branch is taken for each element, and
    what is not chosen, be it nan, leaves no trace."""
    which, *cases = (v.aval for v in eqn.invars)
    out = eqn.outvars[0].aval
    bits = _BITS.get(out.dtype.itemsize)
    if len(cases) != 2 or which.dtype.kind != "b" or bits is None or out.dtype.kind not in "iuf":
        return None
    integer = np.dtype(f"i{out.dtype.itemsize}")
    zero, other = (_bits(v, integer) for v in eqn.invars[1:])
    if zero == 0:
        return steps(f"np.multiply({{2{bits}}}, {{0}}, {{out{bits}}})", heirs=(2,))
    if other == 0:
        return steps(
            f"np.multiply({{1{bits}}}, {{0}}, {{out{bits}}})",
            f"np.bitwise_xor({{out{bits}}}, {{1{bits}}}, {{out{bits}}})",
        )
    if zero is not None and other is not None:
        return _of_two_numbers(zero, other, bits)
    return steps(
        f"np.bitwise_xor({{1{bits}}}, {{2{bits}}}, {{out{bits}}})",
        f"np.multiply({{out{bits}}}, {{0}}, {{out{bits}}})",
        f"np.bitwise_xor({{out{bits}}}, {{1{bits}}}, {{out{bits}}})",
        heirs=(2,),
    )


def _of_two_numbers(zero: np.ndarray, other: np.ndarray, bits: str) -> Spelling:
    def lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
        both, first = out.constant(np.asarray(zero ^ other), "bits"), out.constant(zero, "bits")
        seen = format(out, bits.removeprefix(":"))
        return [
            f"np.multiply({both}, {xs[0]}, {seen})",
            f"np.bitwise_xor({seen}, {first}, {seen})",
        ]

    return Spelling(lines)


def _bits(v: Atom, integer: np.dtype) -> np.ndarray | None:
    """The bits of a literal, as an integer of rank 0: +0.0 is 0, -0.0 is not."""
    return to_numpy(v.val).view(integer) if type(v) is Literal else None


_BITS = {4: ":np.int32", 8: ":np.int64"}


@spells("convert_element_type")
def _convert(eqn: Eqn) -> Spelling | None:
    old, new = eqn.invars[0].aval.dtype, eqn.params["new_dtype"]
    fits = old.isbuiltin == 1 and np.can_cast(old, new, "same_kind") and old.kind != "c"
    return steps("np.copyto({out}, {0})") if fits else None


@spells("sign")
def _sign(eqn: Eqn) -> Spelling | None:
    if eqn.invars[0].aval.dtype.kind != "f":
        return (
            steps("np.sign({0}, {out})", heirs=(0,))
            if eqn.invars[0].aval.dtype.kind in "iu"
            else None
        )
    return steps("np.sign({0}, {out})", "np.copysign({out}, {0}, {out})")


@spells("integer_pow")
def _power(eqn: Eqn) -> Spelling | None:
    """Small powers by products."""
    if eqn.invars[0].aval.dtype.kind not in "iuf":
        return None
    powers = {
        2: (["np.square({0}, {out})"], (0,)),
        3: (["np.square({0}, {out})", "np.multiply({out}, {0}, {out})"], ()),
        4: (["np.square({0}, {out})", "np.square({out}, {out})"], (0,)),
    }
    found = powers.get(eqn.params["y"])
    return steps(*found[0], heirs=found[1]) if found else None


_CLAMP = steps("np.maximum({0}, {1}, out={out})", "np.minimum({out}, {2}, out={out})", heirs=(0, 1))
spells("clamp")(lambda eqn: _CLAMP)
