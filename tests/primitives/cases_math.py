"""Cases of the functions of analysis and of the special functions.

Each function is put to float32 numbers of its domain (float64 under x64), to float16, bfloat16 and
a Python float, to special values, and to complex numbers where it takes them.
"""

from __future__ import annotations

from typing import Any

from tests.primitives.case import Case, Maker, normal, positive, uniform, values
from tests.primitives.operands import INF, NAN, call, call_each, pairs

SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e-6, 30.0, -30.0, INF, -INF, NAN)
SIGNED = (0.0, -0.0, 1.0, -1.0, 0.5, -2.5, INF, -INF, NAN)
SHAPES = (1.0, 0.5, -1.0, -2.5, NAN)  # of igamma: at 0 and inf JAX misses the limits 1 and 0


def inside(*shape: int, dtype: Any = "float32") -> Maker:
    """Numbers between -1 and 1."""
    return uniform(*shape, low=-0.9, high=0.9, dtype=dtype)


def above_one(*shape: int, dtype: Any = "float32") -> Maker:
    return uniform(*shape, low=1.1, high=4.0, dtype=dtype)


def right(*shape: int, dtype: Any = "float32") -> Maker:
    """Complex numbers to the right of zero, away from branch cuts."""
    return uniform(*shape, low=0.2, high=1.5, dtype=dtype)


def unary(name: str, domain: Any, complexes: Any = None, **options: Any) -> list[Case]:
    """Cases of a function of one number, whose domains are those that the makers draw from."""
    f = call(name)
    short = domain(5, dtype="float16"), domain(5, dtype="bfloat16"), float(domain().make(1))
    first_order = options | {"order": 1, "smooth": False}
    cases = [
        Case(name, f, domain(3, 4), **options),
        Case(name, call_each(name), *short, id="short_and_weak", **(options | {"smooth": False})),
        Case(name, f, values(SPECIAL), id="special", **first_order),
    ]
    if complexes is not None:
        cases.append(Case(name, f, complexes(2, 3, dtype="complex64"), **options))
        # In all quadrants, where JAX's derivative is not always that of its own branch.
        z = normal(6, dtype="complex64")
        cases.append(Case(name, f, z, id="quadrants", **first_order))
    return cases


def binary(name: str, *args: Maker, **options: Any) -> Case:
    return Case(name, call(name), *args, **options)


def special(name: str, xs: Any = SIGNED, order: int = 0) -> Case:
    return binary(name, *pairs(xs, SIGNED), id="special", smooth=False, order=order)


CASES = [
    *unary("exp", normal, inside),
    *unary("exp2", normal, inside),
    *unary("expm1", normal, inside),
    *unary("log", positive, right),
    *unary("log1p", positive, right),
    *unary("logistic", normal, inside),
    *unary("square", normal, inside),
    *unary("sqrt", positive, right),
    *unary("rsqrt", positive, right),
    *unary("cbrt", positive),
    *unary("sin", normal, inside),
    *unary("cos", normal, inside),
    *unary("tan", inside, inside),
    *unary("asin", inside, right),
    *unary("acos", inside, right),
    *unary("atan", normal, right),
    *unary("sinh", normal, inside),
    *unary("cosh", normal, inside),
    *unary("tanh", normal, inside),
    *unary("asinh", normal, right),
    *unary("acosh", above_one, above_one),
    *unary("atanh", inside, right, tol=1e-5),  # XLA's differs from the exact one by 60 eps
    *unary("erf", normal),
    *unary("erfc", normal),
    *unary("erf_inv", inside),
    *unary("lgamma", positive),
    *unary("digamma", positive),
    *unary("bessel_i0e", normal),
    *unary("bessel_i1e", normal),
    binary("atan2", normal(3, 4), normal(3, 4)),
    binary("atan2", normal(3, 1), normal()),
    binary("atan2", right(3, dtype="complex64"), right(3, dtype="complex64")),
    binary("atan2", normal(5, dtype="float16"), normal(5, dtype="float16"), smooth=False),
    special("atan2", order=1),
    binary("igamma", positive(3, 4), positive(3, 4), order=1),
    binary("igamma", positive(4), positive(4), diff=[1]),
    special("igamma", SHAPES),
    binary("igammac", positive(3, 4), positive(3, 4), order=1),
    binary("igammac", positive(4), positive(4), diff=[1]),
    special("igammac", SHAPES),
    binary("igamma_grad_a", positive(3, 4), positive(3, 4), order=0, tol=1e-5),  # as for atanh
    special("igamma_grad_a"),
    binary("random_gamma_grad", positive(3, 4), positive(3, 4), order=0, tol=1e-5),
    special("random_gamma_grad"),
    binary("zeta", uniform(3, 4, low=1.5, high=5.0), positive(3, 4), order=0),
    special("zeta"),
    binary("polygamma", values([0.0, 1.0, 2.0, 3.0]), positive(4), diff=[1]),
    special("polygamma"),
    Case(
        "regularized_incomplete_beta",
        call("betainc"),
        *[positive(3, 4), positive(3, 4), uniform(3, 4, low=0.1, high=0.9)],
        diff=[2],
    ),
]
