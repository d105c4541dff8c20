"""Cases of dot_general: every kind of axis, in every order, and the functions that lead to it."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from tests.primitives.case import Case, bools, integers, normal


def dot(lhs, rhs, contract, batch=((), ()), **options):
    preferred = options.pop("preferred", None)
    label = "-".join(f"{x.dtype}{list(x.make(0).shape)}" for x in (lhs, rhs))
    options = {"id": f"{label}-{contract}-{batch}", **options}
    return Case(
        "dot_general",
        lambda lax, x, y: lax.dot_general(
            x, y, (contract, batch), preferred_element_type=preferred
        ),
        lhs,
        rhs,
        **options,
    )


FLOATS = [
    dot(normal(3, 4), normal(4, 5), ((1,), (0,))),
    dot(normal(3, 4), normal(5, 4), ((1,), (1,))),
    dot(normal(4, 3), normal(4, 5), ((0,), (0,))),
    dot(normal(4), normal(4), ((0,), (0,))),
    dot(normal(3, 4), normal(4), ((1,), (0,))),
    dot(normal(4), normal(4, 3), ((0,), (0,))),
    dot(normal(3), normal(4), ((), ())),
    dot(normal(), normal(2, 3), ((), ())),
    dot(normal(), normal(), ((), ())),
    dot(normal(2, 3, 4), normal(2, 4, 5), ((2,), (1,)), ((0,), (0,))),
    dot(normal(2, 3, 4), normal(4, 2, 5), ((2,), (0,)), ((0,), (1,))),
    dot(normal(3, 2, 4), normal(4, 2), ((2,), (0,)), ((1,), (1,))),
    dot(normal(2, 3), normal(2, 3), ((), ()), ((0, 1), (0, 1))),
    dot(normal(2, 3), normal(3, 2), ((), ()), ((0, 1), (1, 0))),
    dot(normal(2, 3), normal(2, 4), ((), ()), ((0,), (0,))),
    dot(normal(2, 3, 4, 5), normal(5, 4, 2, 2), ((3, 2), (0, 1)), ((0,), (3,))),
    dot(normal(2, 3, 4), normal(4, 3, 6), ((1, 2), (1, 0))),
    dot(normal(2, 3, 4), normal(2, 3, 4), ((0, 1, 2), (0, 1, 2))),
    dot(normal(2, 1, 3), normal(1, 3, 1), ((2,), (1,)), ((1,), (0,))),
    dot(normal(3, 0), normal(0, 2), ((1,), (0,))),
    dot(normal(0, 3), normal(3, 2), ((1,), (0,))),
    dot(normal(2, 0, 3), normal(2, 3), ((2,), (1,)), ((0,), (0,))),
    dot(normal(3, 4, dtype="complex64"), normal(4, 2, dtype="complex64"), ((1,), (0,))),
]
# A product of short floats is rounded once, and again where it is transposed.
TYPES = [
    dot(normal(3, 4, dtype="bfloat16"), normal(4, 2, dtype="bfloat16"), ((1,), (0,)), order=0),
    dot(normal(3, 4, dtype="float16"), normal(4, 2, dtype="float16"), ((1,), (0,)), order=0),
    dot(normal(3, 4, dtype="bfloat16"), normal(4, 2), ((1,), (0,)), smooth=False, tol=0.01),
    dot(
        normal(3, 4, dtype="bfloat16"), normal(4, 2, dtype="bfloat16"), ((1,), (0,)),
        preferred=np.dtype("float32"), smooth=False, tol=0.01, id="bf16-to-f32",
    ),
    dot(
        normal(3, 4), normal(4, 2), ((1,), (0,)),
        preferred=np.dtype(ml_dtypes.bfloat16), order=0, id="f32-to-bf16",
    ),
    dot(integers(3, 4), integers(4, 5), ((1,), (0,))),
    dot(integers(2, 3, dtype="int8"), integers(3, 2, dtype="int8"), ((1,), (0,))),
    dot(
        integers(2, 9, low=-100, high=100, dtype="int8"),
        integers(9, 2, low=-100, high=100, dtype="int8"),
        ((1,), (0,)), preferred=np.dtype("int32"), id="i8-to-i32",
    ),
    dot(integers(3, 4), normal(4, 2), ((1,), (0,))),
    dot(bools(3, 4), bools(4, 2), ((1,), (0,))),
]  # fmt: skip
FUNCTIONS = [
    Case("dot_general", lambda lax, x, y: lax.dot(x, y), normal(3, 4), normal(4, 2), id="dot"),
    Case("dot_general", lambda lax, x, y: lax.dot(x, y), normal(4), normal(4, 2), id="dot_vector"),
    Case(
        "dot_general",
        lambda lax, x, y: lax.dot(x, y, precision="highest"),
        normal(2, 4), normal(4, 2), id="dot_precision",
    ),
    Case(
        "dot_general",
        lambda lax, x, y: lax.dot(x, y, precision=("high", "default")),
        normal(2, 4), normal(4, 2), id="dot_two_precisions",
    ),
    Case(
        "dot_general",
        lambda lax, x, y: lax.dot_general(x, y, ((1, 0), ((), ()))),
        normal(2, 4), normal(4, 2), id="axes_as_numbers",
    ),
    Case(
        "dot_general",
        lambda lax, x, y: lax.batch_matmul(x, y),
        normal(2, 3, 4), normal(2, 4, 2), id="batch_matmul",
    ),
]  # fmt: skip

CASES = [*FLOATS, *TYPES, *FUNCTIONS]
