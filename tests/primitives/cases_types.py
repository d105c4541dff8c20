"""Cases of choice, of changes of type, of the parts of complex numbers, and of identities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.primitives.case import (
    Case,
    Maker,
    bind,
    bools,
    integers,
    normal,
    positive,
    uniform,
    values,
)
from tests.primitives.operands import INTS, SHORT, SPECIAL, call, extremes


def selections() -> list[Case]:
    f = call("select_n")
    x, z, i = normal(3, 4), normal(3, dtype="complex64"), integers(3, dtype="int8")
    outside = values([-1, 0, 2, 3], "int32")
    return [
        Case("select_n", call("select"), bools(3, 4), x, x, id="select"),
        Case("select_n", f, bools(), x, x),
        Case("select_n", f, integers(3, 4, low=0, high=3), x, x, x),
        Case("select_n", f, integers(low=0, high=3), x, x, x),
        Case("select_n", f, integers(3, 4, low=0, high=2, dtype="uint8"), x, x),
        Case("select_n", f, outside, *[normal(4)] * 3, id="out_of_range", order=0),
        Case("select_n", f, bools(3), z, z),
        Case("select_n", f, bools(3), i, i),
        Case("select_n", f, bools(3), bools(3), bools(3)),
        Case("select_n", f, bools(), 1.5, 2.5),
    ]


def clamps() -> list[Case]:
    f = call("clamp")
    special, half, one = values(SPECIAL), values([0.5] * 11), values([1.0] * 11)
    short, i = values(SPECIAL, "bfloat16"), integers(3, 4, dtype="uint8")
    return [
        Case("clamp", f, uniform(3, 4, low=-1), normal(3, 4), uniform(3, 4, high=2)),
        # JAX cannot differentiate with respect to bounds of rank 0.
        Case("clamp", f, normal(), normal(3, 4), positive(), diff=[1]),
        Case("clamp", f, -0.5, normal(3, 4), 0.5, diff=[1]),
        Case("clamp", f, -0.5, 0.7, 0.5, diff=[1]),
        Case("clamp", f, -1, integers(3, 4, dtype="int64"), 2),
        Case("clamp", f, one, special, half, id="crossed", smooth=False),
        Case("clamp", f, special, half, values(SPECIAL[::-1]), id="special", smooth=False),
        Case("clamp", f, short, short, short, smooth=False),
        Case("clamp", f, i, i, i),
        Case("clamp", f, bools(5), bools(5), bools(5)),
    ]


# 64-bit dtypes are asked for by Python's types, which mean the widest that there are.
DTYPES = (
    "bool",
    "int8",
    "int16",
    "int32",
    "uint8",
    "uint16",
    "uint32",
    *SHORT,
    "float32",
    "complex64",
)


def conversions() -> list[Case]:
    def case(dtypes: tuple[Any, ...], x: Any, id: str = "") -> Case:
        def f(lax: Any, x: Any) -> list[Any]:
            return [lax.convert_element_type(x, dtype) for dtype in dtypes]

        return Case("convert_element_type", f, x, smooth=False, id=id)

    numbers = [*SPECIAL, 127.5, -129.0, 255.9, 256.0, 3e9, -3e9, 1e30]
    return [
        *[case(DTYPES, values(extremes(d), d)) for d in INTS],
        *[case(DTYPES, values(numbers, d)) for d in (*SHORT, "float32", "float64")],
        case(DTYPES, bools(4)),
        case(DTYPES, normal(4, dtype="complex64")),
        case((int, float, complex), values([1.5, -2.5, 300.0]), "python_types"),
        case((int, float, complex), 1.5, "weak"),
        case(("bfloat16",), normal(3, 4)),
    ]


def bitcasts() -> list[Case]:
    def case(dtype: str, x: Maker) -> Case:
        def f(lax: Any, x: Any) -> Any:
            return lax.bitcast_convert_type(x, dtype)

        return Case("bitcast_convert_type", f, x, order=0, id=f"{x.dtype}-{dtype}")

    return [
        case("int16", normal(3, 4, dtype="float16")),
        case("uint16", normal(3, dtype="bfloat16")),
        case("uint8", integers(3, 2, low=-9999, high=9999)),
        case("int16", integers(dtype="int16")),
        case("int16", integers()),
        case("int32", integers(3, 4, dtype="int8", low=-100, high=100)),
        case("float16", integers(2, 2, dtype="uint8", high=100)),
    ]


def precisions() -> list[Case]:
    def to(exponent_bits: int, mantissa_bits: int) -> Callable[..., Any]:
        return lambda lax, x: lax.reduce_precision(x, exponent_bits, mantissa_bits)

    def special(e: int, m: int) -> Case:
        edges = [65504.0, 65520.0, 70000.0, 1e-5, 6e-5, 6.1e-5, 1.0009765, 3e38, 1.00390625]
        x = values([*SPECIAL, *edges])
        return Case("reduce_precision", to(e, m), x, id=f"e{e}m{m}", smooth=False)

    return [
        *[special(e, m) for e, m in ((5, 10), (8, 7), (4, 3), (8, 23), (11, 52))],
        Case("reduce_precision", to(5, 3), normal(5, dtype="bfloat16"), smooth=False),
        Case("reduce_precision", to(5, 3), 1.1, smooth=False),
    ]


def complexes() -> list[Case]:
    z = normal(3, 4, dtype="complex64")
    return [
        Case("complex", call("complex"), normal(3, 4), normal(3, 4)),
        Case("complex", call("complex"), normal(3, 4), 1.5),
        Case("complex", call("complex"), normal(3, 4), normal(3, 4), diff=[1], id="imaginary_part"),
        Case("real", call("real"), z),
        Case("real", call("real"), 1.5 + 2j),
        Case("imag", call("imag"), z),
        Case("imag", call("imag"), 1.5 + 2j),
        Case("conj", call("conj"), z),
        Case("conj", call("conj"), normal(3, 4)),
        Case("conj", call("conj"), 1.5),
    ]


def identities() -> list[Case]:
    def times_itself(lax: Any, x: Any) -> Any:
        return lax.mul(x, lax.stop_gradient(x))

    return [
        Case("copy", lambda lax, x: bind(lax, "copy", x), normal(3, 4)),
        Case("stop_gradient", call("stop_gradient"), normal(3, 4), smooth=False),
        Case("stop_gradient", times_itself, normal(3, 4), id="times_itself", smooth=False),
    ]


CASES = [
    *selections(),
    *clamps(),
    *conversions(),
    *bitcasts(),
    *precisions(),
    *complexes(),
    *identities(),
]
