"""Cases of arithmetic, powers, rounding, comparison and bits, on numbers of every dtype."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from tests.primitives.operands import (
    INTS,
    SHORT,
    SPECIAL,
    call,
    call_each,
    call_pairs,
    extremes,
    pairs,
)

ONE_ZERO = (0.0, *SPECIAL[2:])  # max(0, -0) is either of them, in NumPy by position


def on_integers(name: str, primitive: str = "") -> Case:
    """All pairs of extreme integers of each dtype."""
    args = [x for d in INTS for x in pairs(extremes(d), extremes(d), d)]
    return Case(primitive or name, call_pairs(name), *args, id="integers")


def on_special(name: str, numbers: Sequence[float] = SPECIAL, **options: Any) -> Case:
    """All pairs of special floats, in float32 and in the short floats."""
    args = [x for d in ("float32", *SHORT) for x in pairs(numbers, numbers, d)]
    return Case(name, call_pairs(name), *args, id="special", smooth=False, **options)


def arithmetic(name: str, special: Sequence[float] = SPECIAL) -> list[Case]:
    """Two numbers of any real dtype."""
    f = call(name)
    short = [normal(5, dtype=d) for d in SHORT for _ in range(2)]
    return [
        Case(name, f, normal(3, 4), positive(3, 4)),
        Case(name, f, normal(3, 1), positive(1, 4), id="sizes_of_one"),
        Case(name, f, normal(3, 4), 1.5),
        Case(name, f, 2.5, 1.5),
        Case(name, f, integers(3, dtype="int64"), 2),
        Case(name, call_pairs(name), *short, id="short", smooth=False),
        on_integers(name),
        on_special(name, special, order=1),
    ]


def on_complex(name: str, order: int = 2) -> Case:
    z = normal(3, dtype="complex64")
    return Case(name, call(name), z, z, order=order)


def one_number(name: str, kinds: Sequence[str] = INTS, smooth: bool = True) -> list[Case]:
    """One number of any dtype; `smooth` is of complex ones."""
    short = [normal(5, dtype=d) for d in SHORT]
    return [
        Case(name, call(name), normal(3, 4)),
        Case(name, call(name), normal(3, dtype="complex64"), smooth=smooth),
        Case(name, call_each(name), *short, 1.5, id="short_and_weak", smooth=False),
        Case(name, call_each(name), *[values(extremes(d), d) for d in kinds], -3, id="integers"),
        Case(name, call(name), values(SPECIAL), id="special", smooth=False),
    ]


def integer_powers() -> list[Case]:
    def case(y: int, x: Any, **options: Any) -> Case:
        what = str(getattr(x, "dtype", "weak"))
        options = {"id": f"{what}-{y}"} | options
        return Case("integer_pow", lambda lax, x: lax.integer_pow(x, y), x, **options)

    def special(y: int) -> Case:
        return case(y, values(SPECIAL), id=f"special-{y}", smooth=False, order=1)

    return [
        *[case(y, positive(3, 4)) for y in (-3, -1, 0, 1, 2, 3, 7)],
        *[case(y, normal(3, dtype="complex64")) for y in (-2, 3)],
        *[case(y, values(extremes("int32"), "int32")) for y in (0, 2, 5)],
        *[special(y) for y in (-2, -1, 0, 2, 3)],
        case(3, positive(5, dtype="bfloat16"), smooth=False),
        case(3, 1.5),
        Case("integer_pow", call("reciprocal"), positive(3, 4), id="reciprocal"),
    ]


def powers() -> list[Case]:
    f = call("pow")
    z = uniform(3, low=0.5, high=1.5, dtype="complex64")
    short = [x(5, dtype=d) for d in SHORT for x in (positive, normal)]
    bases = values([x for x in SPECIAL for _ in range(4)])
    exponents = values([-1, 0, 1, 3] * len(SPECIAL), "int32")
    return [
        Case("pow", f, positive(3, 4), normal(3, 4)),
        Case("pow", f, positive(3, 4), 2),
        Case("pow", f, positive(3, 4), integers(3, 4)),
        Case("pow", f, positive(3, 1), integers(1, 4), id="sizes_of_one"),
        Case("pow", f, 1.5, integers(4, dtype="int8")),
        Case("pow", f, z, z),
        Case("pow", call_pairs("pow"), *short, id="short", smooth=False),
        Case("pow", f, bases, exponents, id="special_to_integers", smooth=False, order=1),
        on_special("pow", order=1),
    ]


def rounding(name: str, f: Callable[..., Any], id: str = "") -> Case:
    halves = [*SPECIAL, 1.5, 2.5, -0.5, -1.5, 0.49999997, -0.3, 1e9]
    args = [values(halves, d) for d in ("float32", *SHORT)]

    def each(lax: Any, *xs: Any) -> list[Any]:
        return [f(lax, x) for x in xs]

    return Case(name, each, *args, 1.5, id=f"{id}special", smooth=False)


def comparison(name: str) -> list[Case]:
    floats = [x for d in ("float32", *SHORT) for x in pairs(SPECIAL, SPECIAL, d)]
    truths = pairs([False, True], [False, True], "bool")
    return [
        Case(name, call_pairs(name), *floats, id="floats", order=0),
        Case(name, call_pairs(name), *truths, 1, 2, 1.5, 1.5, id="bool_and_weak", order=0),
        on_integers(name),
    ]


def equality(name: str) -> list[Case]:
    z = integers(3, low=0, high=2, dtype="complex64")
    return [*comparison(name), Case(name, call(name), z, z, order=0)]


def bits(name: str, primitive: str) -> list[Case]:
    return [
        Case(primitive, call(name), bools(3, 4), bools(3, 4)),
        Case(primitive, call(name), integers(3, dtype="int64"), 6),
        on_integers(name, primitive),
    ]


def bits_of_one(name: str, primitive: str = "") -> Case:
    args = [values(extremes(d), d) for d in INTS]
    return Case(primitive or name, call_each(name), *args, 5, id="integers")


def shift(name: str) -> list[Case]:
    def operands(dtype: str) -> tuple[Maker, Maker]:
        amounts = [0, 1, 7, 8, 15, 16, 31, 32, 63, 64]
        return pairs(extremes(dtype), amounts if dtype[0] == "u" else [-1, *amounts], dtype)

    args = [x for d in INTS for x in operands(d)]
    return [
        Case(name, call_pairs(name), *args, id="integers"),
        Case(name, call(name), integers(3, 4, dtype="int64"), 2),
    ]


CASES = [
    *arithmetic("add"),
    *arithmetic("sub"),
    *arithmetic("mul"),
    *arithmetic("div"),
    *arithmetic("rem"),
    *arithmetic("max", ONE_ZERO),
    *arithmetic("min", ONE_ZERO),
    *[on_complex(name) for name in ("add", "sub", "mul", "div")],
    *[on_complex(name, order=1) for name in ("max", "min")],
    *[Case(name, call(name), bools(5), bools(5)) for name in ("max", "min")],
    on_integers("mulhi"),
    Case("add_any", lambda lax, x, y: bind(lax, "add_any", x, y), normal(3, 4), normal(3, 4)),
    *one_number("neg"),
    *one_number("sign", smooth=False),  # JAX takes it as constant, which z / |z| is not
    *one_number("abs", INTS[:4]),
    *integer_powers(),
    *powers(),
    rounding("floor", call("floor")),
    rounding("ceil", call("ceil")),
    rounding("round", call("round"), "away_"),
    rounding("round", lambda lax, x: lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN), "even_"),
    rounding("is_finite", call("is_finite")),
    on_special("nextafter", order=0),
    *equality("eq"),
    *equality("ne"),
    *comparison("lt"),
    *comparison("le"),
    *comparison("gt"),
    *comparison("ge"),
    *bits("bitwise_and", "and"),
    *bits("bitwise_or", "or"),
    *bits("bitwise_xor", "xor"),
    Case("not", call("bitwise_not"), bools(3, 4)),
    bits_of_one("bitwise_not", "not"),
    bits_of_one("population_count"),
    bits_of_one("clz"),
    *shift("shift_left"),
    *shift("shift_right_arithmetic"),
    *shift("shift_right_logical"),
]
