"""Cases of gather and the scatters. Random dimension numbers are in `test_indexing_random.py`."""

from __future__ import annotations

import numpy as np

from scratchfn.core import dtypes
from tests.primitives.case import Case, bools, integers, normal, values

CLIP, FILL, PROMISE = "clip", "fill", "promise_in_bounds"


def gather_case(x, indices, numbers, sizes, mode=FILL, id="", **options):
    def fun(lax, x, i):
        return lax.gather(x, i, lax.GatherDimensionNumbers(*numbers), sizes, mode=mode, **options)

    about = [x.make(0).dtype, x.make(0).shape, *numbers, sizes, mode, *options.values()]
    smooth = mode != FILL or "fill_value" in options  # else there is nan, which has no differences
    return Case("gather", fun, x, indices, smooth=smooth, id=id or "-".join(map(str, about)))


def anywhere(*shape, size, dtype="int32"):
    """Places on an axis of that size and up to two beyond either end."""
    return integers(*shape, low=-2, high=size + 2, dtype=dtype)


def inside(*shape, size, dtype="int32"):
    """Places on an axis of that size."""
    return integers(*shape, low=0, high=size, dtype=dtype)


ENTRIES = ((), (0,), (0,))  # x[i], one element each
ROWS = ((1,), (0,), (0,))  # x[i], whole rows
COLUMNS = ((0,), (1,), (1,))  # x[:, i]
POINTS = ((), (0, 1), (0, 1))  # x[i, j]
BLOCKS = ((1, 2), (), (0, 1))  # x[i : i + 2, j : j + 3]

GATHER = [
    *(
        gather_case(normal(4, 3), anywhere(5, 1, size=4), ROWS, (1, 3), mode)
        for mode in (CLIP, FILL)
    ),
    *(
        gather_case(normal(4, 5), anywhere(3, 2, size=4), BLOCKS, (2, 3), mode)
        for mode in (CLIP, FILL)
    ),
    gather_case(normal(4, 3), inside(5, 1, size=4), ROWS, (1, 3), PROMISE),
    gather_case(normal(4, 3), inside(5, 1, size=4), ROWS, (1, 3), None),
    gather_case(normal(4), anywhere(3, 1, size=4), ENTRIES, (1,)),
    gather_case(normal(4), anywhere(2, 3, 1, size=4), ENTRIES, (1,)),
    gather_case(normal(4), anywhere(1, size=4), ENTRIES, (1,), id="one index vector"),
    gather_case(normal(4, 3), anywhere(1, size=4), ((0,), (0,), (0,)), (1, 3), id="one row"),
    gather_case(normal(3, 4), anywhere(2, 1, size=4), COLUMNS, (3, 1)),
    gather_case(normal(3, 4), anywhere(2, 1, size=4), COLUMNS, (2, 1), CLIP),
    gather_case(normal(3, 4), anywhere(2, 2, size=3), POINTS, (1, 1)),
    gather_case(normal(3, 4), anywhere(2, 2, size=3), ((), (0, 1), (1, 0)), (1, 1)),
    gather_case(normal(3, 4, 2), anywhere(2, 2, 2, size=3), ((0, 3), (1,), (1, 0)), (2, 1, 2)),
    gather_case(normal(3, 4, 2), anywhere(2, 1, size=4), ((0, 2), (1,), (1,)), (3, 1, 2)),
    gather_case(normal(5), anywhere(3, 1, size=5), ((1,), (), (0,)), (3,)),
    gather_case(normal(5), anywhere(3, 1, size=5), ((0,), (), (0,)), (3,)),
    gather_case(normal(3, 4), anywhere(3, 2, 1, size=4), ((), (1,), (1,), (0,), (0,)), (1, 1)),
    gather_case(
        normal(3, 5, 2), anywhere(2, 3, 1, size=5), ((2, 3), (), (1,), (0,), (1,)), (1, 2, 2), CLIP
    ),
    gather_case(
        normal(2, 3, 4), anywhere(3, 2, 1, size=4), ((), (2,), (2,), (0, 1), (1, 0)), (1, 1, 1)
    ),
    gather_case(normal(4, 3), anywhere(5, 0, size=4), ((1, 2), (), ()), (4, 3), id="no columns"),
    gather_case(normal(4, 3), anywhere(0, 1, size=4), ROWS, (1, 3), id="no index vectors"),
    gather_case(normal(4, 3), anywhere(2, 1, size=4), ROWS, (1, 0), id="empty windows"),
    gather_case(normal(0, 3), anywhere(0, 1, size=4), ROWS, (1, 3), id="empty operand"),
    gather_case(normal(4, 3), anywhere(5, 1, size=4), ROWS, (1, 3), fill_value=-1.5),
    gather_case(normal(4, 5), anywhere(3, 2, size=4), BLOCKS, (2, 3), fill_value=-1.5),
    gather_case(integers(4), anywhere(5, 1, size=4), ENTRIES, (1,), fill_value=7),
    gather_case(integers(4), anywhere(5, 1, size=4), ENTRIES, (1,)),
    gather_case(integers(4, dtype="int8"), anywhere(5, 1, size=4), ENTRIES, (1,)),
    gather_case(integers(4, dtype="uint16"), anywhere(5, 1, size=4), ENTRIES, (1,)),
    gather_case(bools(4), anywhere(5, 1, size=4), ENTRIES, (1,)),
    gather_case(normal(4, dtype="complex64"), anywhere(5, 1, size=4), ENTRIES, (1,)),
    gather_case(normal(4, dtype="bfloat16"), anywhere(5, 1, size=4), ENTRIES, (1,)),
    gather_case(normal(4, dtype="float16"), anywhere(5, 1, size=4), ENTRIES, (1,), CLIP),
    *(
        gather_case(
            normal(4), anywhere(5, 1, size=4, dtype=dtype), ENTRIES, (1,), id=f"indices of {dtype}"
        )
        for dtype in ("int8", "uint8", "int16", "uint32")
    ),
    gather_case(
        normal(4),
        values([[0], [2], [3]], "int32"),
        ENTRIES,
        (1,),
        unique_indices=True,
        indices_are_sorted=True,
    ),
    Case(
        "gather",
        lambda lax, x, i, j: lax.index_take(x, (i, j), (0, 2)),
        normal(3, 2, 4),
        inside(5, size=3),
        inside(5, size=4),
        id="index_take",
    ),
]


def scatter_case(name, x, indices, updates, numbers, mode=None, id="", **options):
    def fun(lax, x, i, y):
        numbered = lax.ScatterDimensionNumbers(*numbers)
        return getattr(lax, name.replace("-", "_"))(x, i, y, numbered, mode=mode, **options)

    about = [x.make(0).dtype, x.make(0).shape, *numbers, mode, *options.values()]
    # Without that promise JAX, as we, has no derivative with respect to the factors.
    by_operand = name == "scatter-mul" and "unique_indices" not in options and is_float(x)
    return Case(
        name,
        fun,
        x,
        indices,
        updates,
        id=id or "-".join(map(str, about)),
        diff=(0,) if by_operand else None,
    )


def is_float(x):
    return dtypes.kind(x.dtype) in "fc"


def common_cases(name):
    """What every scatter has to do."""

    def case(*args, **options):
        return scatter_case(name, *args, **options)

    # Of an update that was moved inside, JAX takes a wrong share in the derivative of an extreme.
    clipped = inside if name in ("scatter-min", "scatter-max") else anywhere
    return [
        case(normal(4, 3), clipped(5, 1, size=4), normal(5, 3), ROWS, CLIP),
        case(normal(4, 3), anywhere(5, 1, size=4), normal(5, 3), ROWS, "drop"),
        case(normal(4, 3), inside(5, 1, size=4), normal(5, 3), ROWS, PROMISE),
        case(normal(4, 5), anywhere(3, 2, size=4), normal(3, 2, 3), BLOCKS),
        case(normal(4, 5), clipped(3, 2, size=3), normal(3, 2, 3), BLOCKS, CLIP),
        case(normal(6), anywhere(9, 1, size=6), normal(9), ENTRIES),
        case(normal(4), anywhere(1, size=4), normal(), ENTRIES, id="one index vector"),
        case(normal(5), anywhere(1, size=3), normal(2), ((0,), (), (0,)), id="one window"),
        case(normal(3, 4), anywhere(2, 1, size=4), normal(3, 2), COLUMNS),
        case(normal(3, 4), anywhere(2, 2, size=3), normal(2), POINTS),
        case(
            normal(3, 4, 2), anywhere(2, 2, 2, size=3), normal(2, 2, 2, 2), ((0, 3), (1,), (1, 0))
        ),
        case(normal(3, 4), anywhere(3, 2, 1, size=4), normal(3, 2), ((), (1,), (1,), (0,), (0,))),
        case(
            normal(3, 5, 2),
            anywhere(2, 3, 1, size=5),
            normal(2, 3, 2, 2),
            ((2, 3), (), (1,), (0,), (1,)),
        ),
        case(normal(4, 3), anywhere(0, 1, size=4), normal(0, 3), ROWS, id="no index vectors"),
        case(normal(4, 3), anywhere(2, 1, size=4), normal(2, 0), ROWS, id="empty windows"),
        case(
            normal(5, 2),
            values([[3], [0], [7]], "int32"),
            normal(3, 2),
            ROWS,
            unique_indices=True,
        ),
        case(
            normal(5),
            values([[0], [1], [4]], "int32"),
            normal(3),
            ENTRIES,
            unique_indices=True,
            indices_are_sorted=True,
        ),
        case(integers(4), anywhere(6, 1, size=4), integers(6), ENTRIES),
        case(
            integers(4, dtype="uint8"), anywhere(6, 1, size=4), integers(6, dtype="uint8"), ENTRIES
        ),
        case(
            normal(4), anywhere(6, 1, size=4, dtype="uint8"), normal(6), ENTRIES, id="uint8 places"
        ),
    ]


def float_cases(name):
    """Types of numbers that JAX's processor code has for all but the extremes."""
    return [
        scatter_case(
            name, normal(4, dtype=dtype), anywhere(3, 1, size=4), normal(3, dtype=dtype), ENTRIES
        )
        for dtype in ("complex64", "bfloat16", "float16")
    ]


# Ties: all that are equal share the derivative, so there are finite differences of one side alone.
def ties(name):
    indices = np.array([[0], [0], [1], [1], [2], [9]], "int32")
    numbers = values([1.0, 1.0, 3.0, 3.0, 0.0, 5.0])
    return Case(
        name,
        lambda lax, x, y: getattr(lax, name.replace("-", "_"))(
            x, indices, y, lax.ScatterDimensionNumbers(*ENTRIES)
        ),
        values([1.0, 2.0, 0.0, float("nan")]),
        numbers,
        smooth=False,
        id="ties",
    )


CASES = [
    *GATHER,
    *common_cases("scatter"),
    *common_cases("scatter-add"),
    *common_cases("scatter-sub"),
    *common_cases("scatter-mul"),
    *common_cases("scatter-min"),
    *common_cases("scatter-max"),
    *float_cases("scatter"),
    *float_cases("scatter-add"),
    *float_cases("scatter-sub"),
    *float_cases("scatter-mul"),
    scatter_case("scatter", bools(4), anywhere(3, 1, size=4), bools(3), ENTRIES),
    ties("scatter-min"),
    ties("scatter-max"),
]
