"""Every spelling, by the case table of primitives: what its lines leave in a buffer is what the
primitive computes, nan, inf and signed zeros included; and so it is in place of each operand whose
place it says that it may take. The table also shows which kernels return arrays of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

import scratchfn.lax
from scratchfn.backends.numpy.simplify import simplify
from scratchfn.backends.numpy.spelling import OWN_RESULT, VIEWS, into
from scratchfn.core.array import Array, as_value, to_numpy
from scratchfn.core.jaxpr import Eqn, Literal, effects_of
from scratchfn.core.quiet import quietly
from scratchfn.core.stage import stage_closed
from scratchfn.core.template import NAMESPACE
from scratchfn.core.trace import registry
from tests.primitives.case import Case, normal, values
from tests.primitives.results import flat
from tests.primitives.test_primitives import CASES, IDS

ULPS = 4  # between a spelling and its primitive, where both round
# What has sums in it, whose terms may cancel.
SUMS = {"conv_general_dilated", "dot_general", "reduce_sum", "reduce_window_sum", "cumsum"}


INF, NAN = np.inf, np.nan
NUMBERS = values([0.0, -0.0, 0.5, -0.5, 1.5, -2.5, 7.0, -30.0, 3e19, 1e-25, INF, -INF, NAN])
WHOLE = values([0, 1, -1, 5, 6, 7, -5, -6, -7, 127, -128], "int8")
COUNTS = values([0, 1, 5, 6, 7, 200, 255], "uint8")


def with_number(name: str, x: Any, number: Any) -> Case:
    """A case whose second operand is a number known to the program."""
    dtype = x.dtype.type
    return Case(name, lambda lax, x: getattr(lax, name)(x, dtype(number)), x, id=f"{number}")


# What is spelled in its own way but is not in the table of primitives: numbers that are known.
MORE = [
    *(with_number("div", x, y) for x in (WHOLE, COUNTS) for y in (1, 3, 4, 127)),
    *(with_number("rem", x, y) for x in (WHOLE, COUNTS) for y in (1, 3, 4, 127)),
    *(
        with_number(name, x, by)
        for name in ("shift_left", "shift_right_logical", "shift_right_arithmetic")
        for x in (WHOLE, COUNTS)
        for by in (0, 3, 7, 8)
    ),
    *(with_number("pow", NUMBERS, y) for y in (0.0, 0.5, 1.0, 2.0, 3.0, 4.0, -1.0, 2.5)),
    *(
        Case("integer_pow", lambda lax, x, y=y: lax.integer_pow(x, y), NUMBERS, id=f"{y}")
        for y in (-4, -3, -1, 3, 4, 5, 8)
    ),
    *(
        Case("select_n", fun, which, NUMBERS, id=name)
        for which in (values([True, False] * 6 + [True], "bool"),)
        for name, fun in {
            "0 or x": lambda lax, b, x: lax.select_n(b, lax.full_like(x, 0), x),
            "x or 0": lambda lax, b, x: lax.select_n(b, x, lax.full_like(x, 0)),
        }.items()
    ),
    Case("erf", lambda lax, x: lax.erf(x), normal(70, 400), id="many"),
    *(
        Case(
            "reduce_sum",
            lambda lax, x, axes=axes: lax.reduce_sum_p.bind(x, axes=axes, out_sharding=None),
            x,
            id=f"{axes}",
        )
        for x, axes in (
            (normal(4, 5, 6), (1,)),
            (normal(2, 3, 4, 5), (1, 2)),
            (normal(2, 3, 4, 5), (0, 2)),
            (values([[[1, INF], [2, -INF], [3, NAN]]] * 2), (1,)),
            (normal(3, 0), (1,)),
            (normal(3, 0, 2), (1,)),
        )
    ),
    *(
        Case(name, lambda lax, x, f=name, a=axis, r=r: getattr(lax, f)(x, a, r), x, id=f"{axis}{r}")
        for name in ("cumsum", "cummax")
        for x, axis in ((normal(9, 130), 0), (normal(520, 5), 1), (normal(3, 7, 200), 1))
        for r in (False, True)
    ),
    Case("convert_element_type", lambda lax, x: lax.convert_element_type(x, "int32"), NUMBERS),
    Case("convert_element_type", lambda lax, x: lax.convert_element_type(x, "bool"), NUMBERS),
    Case("convert_element_type", lambda lax, x: lax.convert_element_type(x, "int32"), normal(9)),
]


class Use(NamedTuple):
    """One equation with its operands' buffers."""

    eqn: Eqn
    operands: list[np.ndarray]

    def results(self) -> list[Any]:
        outs = quietly(self.eqn.primitive.impl, *self.operands, **self.eqn.params)
        return list(outs) if self.eqn.primitive.many else [outs]


def uses(case: Case) -> Iterator[Use]:
    """The equations of a case's program that are of its primitive, with what they are given; of
    MORE all equations, after algebra, which puts numbers for arrays of one number."""
    args = [as_value(x) for x in case.args()]
    closed = stage_closed(
        lambda *xs: flat(case.fun(scratchfn.lax, *xs)), [x.aval for x in args], case.name
    )
    if case in MORE:
        closed = simplify(closed)
    env: dict[Any, Any] = dict(zip(closed.jaxpr.invars, map(to_numpy, args), strict=True))
    for v, const in zip(closed.jaxpr.constvars, closed.consts, strict=True):
        env[v] = to_numpy(const) if isinstance(const, Array) else np.asarray(const)
    for eqn in closed.jaxpr.eqns:
        operands = [to_numpy(v.val) if type(v) is Literal else env[v] for v in eqn.invars]
        use = Use(eqn, operands)
        if case in MORE or eqn.primitive.name == case.name:
            yield use
        env.update(zip(eqn.outvars, use.results(), strict=True))


class Operand:
    """An array as spellings name it (`spelling.Operand`), in a namespace of its own."""

    def __init__(self, name: str, aval: Any, namespace: dict[str, Any]):
        self.name, self.aval, self.namespace = name, aval, namespace

    def __str__(self) -> str:
        return self.name

    def __format__(self, dtype: str) -> str:
        return f"{self.name}.view({dtype})" if dtype else self.name

    def seen(self, suffix: str) -> str:
        return f"{self.name}{suffix}"

    def is_in_order(self) -> bool:
        return True

    def is_part(self, whole: Any, start: int) -> bool:
        return False

    def constant(self, value: Any, hint: str) -> str:
        name = f"{hint}{len(self.namespace)}"
        self.namespace[name] = value
        return name


def spelled(use: Use, operands: Sequence[np.ndarray], place: int | None) -> np.ndarray | None:
    """What the lines leave in a buffer, or in place of an operand; None without a spelling."""
    eqn = use.eqn
    spelling = into(eqn) if len(eqn.outvars) == 1 else None
    if spelling is None:
        return None
    aval = eqn.outvars[0].aval
    namespace = dict(NAMESPACE)
    names = [f"x{i}" for i in range(len(operands))]
    namespace.update(zip(names, operands, strict=True))
    out = "out" if place is None else names[place]
    if place is None:
        namespace[out] = _rubbish(aval.shape, aval.dtype)
    xs = [Operand(n, v.aval, namespace) for n, v in zip(names, eqn.invars, strict=True)]
    lines = spelling.lines(xs, Operand(out, aval, namespace))
    assert isinstance(lines, list) and lines
    quietly(exec, "\n".join(lines), namespace)
    return namespace[out]


def _rubbish(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """A buffer as an arena has it: full of something else."""
    out = np.empty(shape, dtype)
    out.view(np.uint8).fill(0xA5)
    return out


def _is_buffer(use: Use) -> bool:
    """May the result lie in an arena? As `memory.py` has it."""
    (aval,) = [v.aval for v in use.eqn.outvars] if len(use.eqn.outvars) == 1 else [None]
    if aval is None or use.eqn.primitive.name in VIEWS or effects_of(use.eqn):
        return False
    return bool(aval.shape and aval.size and aval.dtype.isbuiltin == 1)


def assert_same(use: Use, got: np.ndarray) -> None:
    """Equal; to a few ulp where numbers are rounded, in sums those of their terms."""
    want = np.asarray(use.results()[0])
    assert (got.shape, got.dtype) == (want.shape, want.dtype)
    if got.dtype.kind not in "fc":
        np.testing.assert_array_equal(got, want)
        return
    eps = ULPS * np.finfo(got.dtype).eps
    terms = use.operands if use.eqn.primitive.name in SUMS else ()
    size = max((np.abs(x[np.isfinite(x)]).max(initial=1) for x in terms), default=0)
    np.testing.assert_allclose(got, want, rtol=eps, atol=eps * size)
    for part in ("real", "imag"):
        a, b = getattr(got, part), getattr(want, part)
        numbers = ~np.isnan(b)
        np.testing.assert_array_equal(np.signbit(a)[numbers], np.signbit(b)[numbers])


def _backwards(x: np.ndarray) -> np.ndarray:
    """The same numbers laid out in another order in memory: the last axis first."""
    return np.ascontiguousarray(x.T).T if x.ndim else x


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", [*CASES, *MORE], ids=lambda case: IDS.get(case, case.id))
def test_spelling(case: Case) -> None:
    for use in uses(case):
        if not _is_buffer(use) or into(use.eqn) is None:
            continue
        for laid_out in (np.array, _backwards):
            operands = [laid_out(x) for x in use.operands]
            assert_same(use, spelled(use, operands, None))
            for x, before in zip(operands, use.operands, strict=True):
                assert x.tobytes() == before.tobytes(), "an operand was written to"
        aval = use.eqn.outvars[0].aval
        for place in into(use.eqn).heirs:
            x = use.eqn.invars[place].aval
            if (x.shape, x.dtype) == (aval.shape, aval.dtype):
                operands = list(map(np.array, use.operands))
                got = spelled(use, operands, place)
                assert got is operands[place]
                assert_same(use, got)


def shares(case: Case) -> list[bool]:
    """For each use of a case's primitive: is a result, or does it show, an operand?"""
    return [
        any(
            np.shares_memory(out, x) for out in map(np.asarray, use.results()) for x in use.operands
        )
        for use in uses(case)
    ]


def test_own_results() -> None:
    """OWN_RESULT is right, and complete for what is elementwise."""
    cases: dict[str, list[bool]] = {}
    for case in CASES:
        cases.setdefault(case.name, []).extend(shares(case))
    wrong = [name for name, shown in cases.items() if name in OWN_RESULT and any(shown)]
    assert not wrong, "these may return an operand, or a view of one"
    left_out = [
        name
        for name, shown in cases.items()
        if registry[name].weak and name not in OWN_RESULT and not any(shown)
    ]
    assert not left_out, "these never return an operand"
