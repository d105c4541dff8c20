"""Cases of reductions along axes, of running ones, and of those by a computation of the user's."""

from __future__ import annotations

import numpy as np

from tests.primitives.case import Case, bools, integers, normal, positive, uniform, values

NAN, INF = np.nan, np.inf
TIES = values([[1, 3, 3, 2], [3, 3, 0, -1], [2, 2, 2, 2]])
SPECIAL = values([[1, NAN, 3, -INF], [INF, INF, 0, -1], [-0.0, 0.0, -INF, -INF]])
# Without negative zeros: XLA adds them to 0, and takes either of 0 and -0 for the least.
SPECIAL_RUN = values([[1, NAN, 3, -INF], [INF, INF, 0, -1], [2.0, 1.0, -INF, -INF]])
ZEROS = values([[1, 0, 3, 2], [0, 2, 0, -1], [2, 1, -3, 0.5]])

# -- along axes -----------------------------------------------------------------------------------


def along(name, x, *axes, **options):
    label = "_".join(map(str, axes)) or "none"
    return Case(
        name,
        lambda lax, x: getattr(lax, name)(x, axes),
        x,
        id=f"{x.dtype}{list(x.make(0).shape)}-axes_{label}",
        **options,
    )


SUM = [
    along("reduce_sum", normal(3, 4), 0),
    along("reduce_sum", normal(3, 4), 1),
    along("reduce_sum", normal(2, 3, 4), 2, 0),
    along("reduce_sum", normal(5), 0),
    along("reduce_sum", normal(0, 3), 0),
    along("reduce_sum", normal(3, 4, dtype="bfloat16"), 1),
    along("reduce_sum", normal(3, 4, dtype="complex64"), 0),
    along("reduce_sum", integers(3, 400, low=-100, high=100, dtype="int8"), 1),
    along("reduce_sum", SPECIAL, 1, smooth=False),
]
EXTREMES = [
    case
    for name in ("reduce_max", "reduce_min")
    for case in (
        along(name, normal(3, 4), 0),
        along(name, normal(3, 4), 1),
        along(name, normal(3, 4), 1, 0),
        along(name, normal(2, 3, 4), 0, 2),
        along(name, normal(2, 3, 4), 1),
        along(name, normal(3, 4)),
        along(name, normal(5), 0),
        along(name, normal(40, 30), 1),
        along(name, TIES, 0, smooth=False),
        along(name, TIES, 1, smooth=False),
        along(name, TIES, 0, 1, smooth=False),
        along(name, SPECIAL, 1, smooth=False),
        along(name, normal(0, 3), 0, order=0),
        along(name, normal(3, 0), 0),
        along(name, normal(3, 4, dtype="float16"), 1, smooth=False),
        along(name, normal(3, 4, dtype="bfloat16"), 1, smooth=False),
        along(name, integers(3, 4), 1),
        along(name, integers(0, 2, dtype="uint8"), 0),
        along(name, bools(3, 4), 0),
        along(name, normal(3, 4, dtype="complex64"), 1, order=0),
    )
]
PROD = [
    along("reduce_prod", normal(3, 4), 0),
    along("reduce_prod", normal(3, 4), 1),
    along("reduce_prod", positive(2, 3, 4), 2, 0),
    along("reduce_prod", normal(3, 4)),
    along("reduce_prod", normal(7), 0),
    along("reduce_prod", ZEROS, 0),
    along("reduce_prod", ZEROS, 1),
    along("reduce_prod", normal(0, 3), 0, order=0),
    along("reduce_prod", normal(3, 4, dtype="complex64"), 0),
    # Products of rounded products: the rounding of the last is the only one that agrees.
    along("reduce_prod", positive(3, 4, dtype="bfloat16"), 1, smooth=False, tol=0.02),
    along("reduce_prod", integers(3, 4), 1),
    along("reduce_prod", integers(3, 9, dtype="uint8"), 1),
]
BITS = [
    case
    for name in ("reduce_and", "reduce_or", "reduce_xor")
    for case in (
        along(name, bools(3, 4), 0),
        along(name, bools(3, 4), 1, 0),
        along(name, bools(0, 4), 0),
        along(name, integers(3, 4), 1),
        along(name, integers(2, 0, dtype="int8"), 1),
        along(name, integers(2, 3, 2, high=200, dtype="uint8"), 2, 0),
    )
]

# -- positions ------------------------------------------------------------------------------------


def position(name, x, axis, dtype="int32"):
    return Case(
        name,
        lambda lax, x: getattr(lax, name)(x, axis, np.dtype(dtype)),
        x,
        order=0,
        id=f"{x.dtype}{list(x.make(0).shape)}-axis_{axis}-{dtype}",
    )


POSITIONS = [
    case
    for name in ("argmax", "argmin")
    for case in (
        position(name, normal(3, 4), 0),
        position(name, normal(3, 4), 1, "uint8"),
        position(name, normal(2, 3, 4), 1, "int16"),
        position(name, normal(5), 0),
        position(name, TIES, 1),
        position(name, TIES, 0),
        position(name, SPECIAL, 1),
        position(name, values([[NAN, NAN], [1, NAN]]), 1),
        position(name, normal(3, 0), 0),
        position(name, normal(4, 3, dtype="bfloat16"), 0),
        position(name, integers(3, 4), 1),
        position(name, bools(3, 4), 0),
    )
]

# -- running reductions ---------------------------------------------------------------------------


def running(name, x, axis=0, reverse=False, **options):
    return Case(
        name,
        lambda lax, x: getattr(lax, name)(x, axis, reverse),
        x,
        id=f"{x.dtype}{list(x.make(0).shape)}-axis_{axis}{'-reverse' * reverse}",
        **options,
    )


RUNNING = [
    case
    for name in ("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp")
    for case in (
        running(name, normal(5)),
        running(name, normal(5), reverse=True),
        running(name, normal(3, 4)),
        running(name, normal(3, 4), 1),
        running(name, normal(2, 3, 2), 1, True),
        running(name, normal(1, 2)),
        running(name, normal(0, 2)),
        running(name, TIES, 1, smooth=False),
        running(name, TIES, 0, True, smooth=False),
        # Short floats: XLA rounds every partial result, NumPy's side rounds once.
        running(name, positive(4, dtype="bfloat16"), order=0, tol=0.02),
    )
] + [
    running("cumsum", integers(3, 4), 1),
    running("cumsum", integers(3, 90, low=-100, high=100, dtype="int8"), 1, True),
    running("cumsum", normal(4, dtype="complex64")),
    running("cumsum", SPECIAL_RUN, 1, smooth=False),
    running("cumprod", integers(3, 4), 1),
    running("cumprod", ZEROS, 1),
    running("cumprod", ZEROS, 0, True),
    running("cumprod", normal(4, dtype="complex64")),
    running("cummax", integers(3, 4, dtype="uint8"), 0, True),
    running("cummax", SPECIAL_RUN, 1, order=0),
    running("cummin", integers(3, 4), 1),
    running("cummin", SPECIAL_RUN, 1, order=0),
    running("cumlogsumexp", values([100.0, 200.0, -100.0, 200.5])),
    running("cumlogsumexp", values([-INF, -INF, 1.0, INF, 2.0]), order=0),
    running("cumlogsumexp", uniform(4, low=-1.0, high=1.0, dtype="complex64")),
]

# -- by a computation -----------------------------------------------------------------------------


def with_circle(a, b):
    """a + b + a * b, associative, with 0 as its identity."""
    return a + b + a * b


def affine(a, b):
    """The composition of two affine maps, each a pair (scale, shift)."""
    return a[0] * b[0], a[1] * b[0] + b[1]


def by(dims, *operands, init=0.0, label="", **options):
    return Case(
        "reduce", lambda lax, x: lax.reduce(x, init, with_circle, dims), *operands,
        id=f"circle-{dims}{label}", **options,
    )  # fmt: skip


REDUCE = [
    by((0,), normal(3, 4), order=1),
    by((1,), normal(3, 4), order=1),
    by((0, 2), normal(2, 3, 4), order=0, label="-three"),
    # JAX's derivative takes the init value for an identity; test_reduce.py has ours.
    by((0,), normal(5), order=0, init=0.5, label="-init"),
    by((0,), normal(0, 2), order=0, label="-empty"),
    by((0,), integers(4, 2), init=np.int32(0), label="-int"),
]

CASES = [*SUM, *EXTREMES, *PROD, *BITS, *POSITIONS, *RUNNING, *REDUCE]
