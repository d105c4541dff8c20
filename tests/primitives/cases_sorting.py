"""Cases of sort and top_k."""

from __future__ import annotations

import numpy as np

from tests.primitives.case import Case, bools, integers, normal, values

NAN, INF = np.nan, np.inf
TIES = values([[1, 3, 3, 2], [3, 3, 0, -1], [2, 2, 2, 2]])
SPECIAL = values([[1, NAN, 3, -INF], [INF, INF, 0, -1], [-0.0, 0.0, -INF, NAN]])


def sort_case(*operands, dimension=-1, num_keys=1, **options):
    """One array, or several in the order of the first."""
    label = "-".join(f"{x.dtype}{list(x.make(0).shape)}" for x in operands)
    options = {"id": f"{label}-axis_{dimension}-keys_{num_keys}", **options}
    if len(operands) == 1:
        return Case("sort", lambda lax, x: lax.sort(x, dimension), *operands, **options)
    return Case(
        "sort",
        lambda lax, *xs: lax.sort(xs, dimension=dimension, num_keys=num_keys),
        *operands,
        **options,
    )


SORT = [
    sort_case(normal(7)),
    sort_case(normal(3, 4)),
    sort_case(normal(3, 4), dimension=0),
    sort_case(normal(2, 3, 4), dimension=1),
    sort_case(normal(1, 5), dimension=0),
    sort_case(normal(0, 3), dimension=0, order=0),
    sort_case(normal(40), dimension=0),
    sort_case(TIES, smooth=False, id="ties"),
    sort_case(SPECIAL, smooth=False, id="special"),
    sort_case(integers(3, 5)),
    sort_case(integers(9, dtype="uint8")),
    sort_case(bools(3, 4)),
    sort_case(normal(6, dtype="bfloat16"), smooth=False),
    sort_case(normal(6, dtype="float16"), smooth=False),
    sort_case(normal(5, dtype="complex64")),
    sort_case(normal(3, 4), normal(3, 4)),
    sort_case(normal(3, 4), normal(3, 4), dimension=0),
    sort_case(integers(8, low=0, high=3), normal(8)),
    sort_case(integers(8, low=0, high=3), normal(8), num_keys=2),
    sort_case(TIES, normal(3, 4), smooth=False, id="key_with_ties"),
    sort_case(TIES, SPECIAL, normal(3, 4), num_keys=2, smooth=False, id="two_keys_of_three"),
    sort_case(normal(5), integers(5), bools(5)),
    sort_case(normal(4, dtype="complex64"), normal(4), num_keys=2),
    Case(
        "sort", lambda lax, k, v: lax.sort_key_val(k, v, 0), normal(4, 2), normal(4, 2),
        id="sort_key_val",
    ),
    Case("sort", lambda lax, x: lax.sort(x, is_stable=False), normal(6), id="not_stable"),
]  # fmt: skip


def top_case(x, k, axis=-1, **options):
    label = f"{x.dtype}{list(x.make(0).shape)}-k_{k}-axis_{axis}"
    options = {"id": label, **options}
    return Case("top_k", lambda lax, x: lax.top_k(x, k, axis=axis), x, **options)


TOP_K = [
    top_case(normal(7), 3),
    top_case(normal(7), 7),
    top_case(normal(7), 0, order=0),
    top_case(normal(3, 4), 2),
    top_case(normal(3, 4), 2, 0),
    top_case(normal(2, 3, 4), 1, 1),
    top_case(normal(50), 5),
    top_case(TIES, 3, smooth=False, id="ties"),
    top_case(SPECIAL, 2, smooth=False, id="special"),
    top_case(integers(3, 5), 2),
    top_case(integers(9, dtype="uint8"), 4),
    top_case(normal(6, dtype="bfloat16"), 2, smooth=False),
    top_case(normal(0, 3), 2, order=0),
]

CASES = [*SORT, *TOP_K]
