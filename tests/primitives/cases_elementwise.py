"""Cases of the elementwise primitives: arithmetic, comparison, bits, rounding, choice, types, and
the functions of analysis."""

from __future__ import annotations

from tests.primitives.case import Case, bools, normal

CASES = [
    Case("add", lambda lax, x, y: lax.add(x, y), normal(3, 4), normal(3, 4)),
    Case("sin", lambda lax, x: lax.sin(x), normal(3, 4)),
    Case(
        "clamp", lambda lax, a, x, b: lax.clamp(a, x, b), normal(), normal(3, 4), normal(), diff=[1]
    ),
    Case("select_n", lambda lax, w, x, y: lax.select_n(w, x, y), bools(3), normal(3), normal(3)),
]
