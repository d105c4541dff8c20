"""Elementwise operations that are more than one ufunc.

Each line works on whole arrays and needs no memory but the result's: what is computed on the way
lies where the result will. Results are the primitive's own to the bit, but for powers, which are
products where those are as accurate.

Read next: `backends/numpy/spelling/reductions.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scratchfn.backends.numpy.calibrate import PAIRS, is_composed
from scratchfn.backends.numpy.kernels.erf import SMALL
from scratchfn.backends.numpy.spelling.base import Line, Operand, Spelling, spells, steps
from scratchfn.core.array import to_numpy
from scratchfn.core.jaxpr import Atom, Eqn, Literal
from scratchfn.core.template import kernel

# -- choosing -------------------------------------------------------------------------------------

_BITS = {1: ":np.int8", 2: ":np.int16", 4: ":np.int32", 8: ":np.int64"}


@spells("select_n")
def _select(eqn: Eqn) -> Spelling | None:
    """By bits, where each number is as long as an integer: no branch is taken for each element, and
    what is not chosen, be it nan, leaves no trace. NumPy converts bools sooner as a whole than
    within a product."""
    which, *cases = (v.aval for v in eqn.invars)
    out = eqn.outvars[0].aval
    bits = "" if out.dtype.kind == "b" else _BITS.get(out.dtype.itemsize)
    if len(cases) != 2 or which.dtype.kind != "b" or bits is None or out.dtype.kind not in "biufc":
        return None
    integer = np.dtype(f"i{out.dtype.itemsize}")
    zero, other = (_bits(v, integer) for v in eqn.invars[1:])
    if zero == 0 and bits and which.shape == cases[1].shape == out.shape:
        return steps(
            f"{{out{bits}}}[...] = {{0}}", f"np.multiply({{2{bits}}}, {{out{bits}}}, {{out{bits}}})"
        )
    if zero == 0:
        return steps(f"np.multiply({{2{bits}}}, {{0}}, {{out{bits}}})", heirs=(2,))
    if other == 0 and cases[0].shape == out.shape:
        return steps(
            f"np.multiply({{1{bits}}}, {{0}}, {{out{bits}}})",
            f"np.bitwise_xor({{out{bits}}}, {{1{bits}}}, {{out{bits}}})",
        )
    if bits and zero is not None and other is not None:
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


# -- conversions, signs and rounding --------------------------------------------------------------


@spells("convert_element_type")
def _convert(eqn: Eqn) -> Spelling | None:
    """A copy; from floats to integers one that clamps, to bools whether it is not 0."""
    old, new = eqn.invars[0].aval.dtype, eqn.params["new_dtype"]
    if old.isbuiltin != 1 or old.kind == "c":
        return None
    if np.can_cast(old, new, "same_kind"):
        return steps("{out}[...] = {0}")
    if new.kind == "b":
        zero = np.zeros((), old)
        return with_constant(zero, "zero", "np.not_equal({0}, {zero}, {out})")
    if old.kind in "iu" and new.kind in "iu":
        return steps("{out}[...] = {0}")
    if old.kind == "f" and new.kind in "iu":
        return steps("float_to_int({0}, {out})")
    return None


def with_constant(
    value: np.ndarray, hint: str, *templates: str, heirs: tuple[int, ...] = ()
) -> Spelling:
    """`steps`, in which the hint stands for a constant."""

    def lines(xs: Sequence[Operand], out: Operand) -> list[Line]:
        name = out.constant(value, hint)
        return [t.format(*xs, out=out, **{hint: name}) for t in templates]

    return Spelling(lines, heirs)


spells("copy")(lambda eqn: steps("{out}[...] = {0}"))


@spells("sign")
def _sign(eqn: Eqn) -> Spelling | None:
    kind = eqn.invars[0].aval.dtype.kind
    if kind == "f":
        return steps("np.sign({0}, {out})", "np.copysign({out}, {0}, {out})")
    return steps("np.sign({0}, {out})", heirs=(0,)) if kind in "iu" else None


@spells("round")
def _round(eqn: Eqn) -> Spelling | None:
    """Halves to even, or away from zero: the latter by adding what is just below a half, which
    takes a half to the next whole number, as that sum is rounded, and nothing less."""
    dtype = eqn.invars[0].aval.dtype
    if dtype.char not in "fd":
        return None
    if eqn.params["rounding_method"] == 1:
        return steps("np.rint({0}, {out})", heirs=(0,))
    half = np.nextafter(dtype.type(0.5), dtype.type(0)) * np.ones((), dtype)
    return with_constant(
        np.asarray(half),
        "half",
        "np.copysign({half}, {0}, {out})",
        "np.add({out}, {0}, {out})",
        "np.trunc({out}, {out})",
    )


# -- functions made of others ---------------------------------------------------------------------


@spells("rsqrt")
def _rsqrt(eqn: Eqn) -> Spelling | None:
    if eqn.invars[0].aval.dtype.itemsize < 4:
        return None
    return steps("np.sqrt({0}, {out})", "np.reciprocal({out}, {out})", heirs=(0,))


@spells("logistic")
def _logistic(eqn: Eqn) -> Spelling | None:
    """1 / (1 + exp(-x)). By way of tanh it would be faster on some processors, but of few correct
    digits where x is negative."""
    dtype = eqn.invars[0].aval.dtype
    if dtype.itemsize < 4:
        return None
    return with_constant(
        np.ones((), dtype),
        "one",
        "np.negative({0}, {out})",
        "np.exp({out}, {out})",
        "np.add({out}, {one}, {out})",
        "np.reciprocal({out}, {out})",
        heirs=(0,),
    )


@spells("erf")
def _erf(eqn: Eqn) -> Spelling | None:
    return steps("erf_kernel({0}, {out})") if eqn.invars[0].aval.dtype.char in "fd" else None


@spells("log1p", "expm1")
def _near_zero(eqn: Eqn) -> Spelling | None:
    """NumPy's function, or, of many numbers, one composed of faster ones."""
    name, out = eqn.primitive.name, eqn.outvars[0].aval
    if out.dtype.char == "f" and out.size >= SMALL and is_composed(name):
        return steps(f"{PAIRS[name][1].__name__}({{0}}, {{out}})", heirs=(0,))
    return steps(f"np.{name}({{0}}, {{out}})", heirs=(0,)) if out.dtype.isbuiltin == 1 else None


for _, composed in PAIRS.values():
    kernel(composed)


# -- powers ---------------------------------------------------------------------------------------


@spells("integer_pow")
def _integer_power(eqn: Eqn) -> Spelling | None:
    """By products, as `integer_power` has them, where these need no memory besides."""
    x, y = eqn.invars[0].aval, eqn.params["y"]
    if x.dtype.kind not in "iufc" or abs(y) not in _PRODUCTS or y == 1:
        return None
    products, heirs = _PRODUCTS[abs(y)]
    if y > 0:
        return steps(*products, heirs=heirs)
    inverse = "np.reciprocal({out}, {out})" if products else "np.reciprocal({0}, {out})"
    return steps(*products, inverse, heirs=heirs) if x.dtype.kind in "fc" else None


_SQUARE, _AGAIN = "np.square({0}, {out})", "np.square({out}, {out})"
_TIMES = "np.multiply({out}, {0}, {out})"
_PRODUCTS: dict[int, tuple[tuple[str, ...], tuple[int, ...]]] = {
    1: ((), (0,)),
    2: ((_SQUARE,), (0,)),
    3: ((_SQUARE, _TIMES), ()),
    4: ((_SQUARE, _AGAIN), (0,)),
    5: ((_SQUARE, _AGAIN, _TIMES), ()),
    8: ((_SQUARE, _AGAIN, _AGAIN), (0,)),
}


@spells("pow")
def _power(eqn: Eqn) -> Spelling | None:
    """To a whole number by products. An exponent of rank 0 may be 0.5, which np.power mistakes for
    a square root."""
    (x, y), exponent = (v.aval for v in eqn.invars), eqn.invars[1]
    if x.dtype != y.dtype or x.dtype.char not in "fd":
        return None
    if type(exponent) is Literal:
        number = float(to_numpy(exponent.val))
        if number in (2, 3, 4):
            products, heirs = _PRODUCTS[int(number)]
            return steps(*products, heirs=heirs)
        if number != 0.5:
            return steps("np.power({0}, {1}, {out})", heirs=(0,))
    if not y.shape:
        return steps("power({0}, {1}, {out})")
    return steps("np.power({0}, {1}, {out})", heirs=(0, 1))


# -- integers -------------------------------------------------------------------------------------


@spells("div")
def _divide(eqn: Eqn) -> Spelling | None:
    """Of integers by a positive number y: towards zero, which is down if y - 1 is added first to
    what is negative. NumPy is fast at rounding down."""
    dtype, by = eqn.invars[0].aval.dtype, eqn.invars[1]
    if dtype.kind in "fc":
        return steps("np.divide({0}, {1}, {out})", heirs=(0, 1))
    if type(by) is not Literal or not _is_positive(by):
        return None
    if dtype.kind == "u":
        return steps("np.floor_divide({0}, {1}, {out})", heirs=(0,))
    return with_constant(
        np.asarray(to_numpy(by.val) - dtype.type(1)),
        "less",
        f"np.right_shift({{0}}, {8 * dtype.itemsize - 1}, {{out}})",
        "np.bitwise_and({out}, {less}, {out})",
        "np.add({out}, {0}, {out})",
        "np.floor_divide({out}, {1}, {out})",
    )


@spells("rem")
def _remainder(eqn: Eqn) -> Spelling | None:
    if eqn.invars[0].aval.dtype.kind == "f":
        return steps("np.fmod({0}, {1}, {out})", heirs=(0, 1))
    return steps("np.fmod({0}, {1}, {out})", heirs=(0,)) if _is_positive(eqn.invars[1]) else None


def _is_positive(v: Atom) -> bool:
    return type(v) is Literal and bool(to_numpy(v.val) > 0)


def _shift(name: str, ufunc: str, kind: str) -> None:
    """A shift by a number of bits that an integer has, as integers of that kind."""

    @spells(name)
    def spelled(eqn: Eqn) -> Spelling | None:
        x, by = eqn.invars[0].aval.dtype, eqn.invars[1]
        if type(by) is not Literal or not 0 <= int(to_numpy(by.val)) < 8 * x.itemsize:
            return None
        seen = "" if x.kind in kind else f":np.{np.dtype(f'{kind}{x.itemsize}').name}"
        return steps(f"{ufunc}({{0{seen}}}, {{1{seen}}}, {{out{seen}}})", heirs=(0,))


_shift("shift_left", "np.left_shift", "iu")
_shift("shift_right_arithmetic", "np.right_shift", "i")
_shift("shift_right_logical", "np.right_shift", "u")


@spells("population_count")
def _population_count(eqn: Eqn) -> Spelling | None:
    bits = 8 * eqn.invars[0].aval.dtype.itemsize
    return steps(f"np.bitwise_count({{0:np.uint{bits}}}, {{out}})", heirs=(0,))
