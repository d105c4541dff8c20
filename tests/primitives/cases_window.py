"""Cases of windowed reductions, and of the selections that are their derivatives."""

from __future__ import annotations

import numpy as np

from scratchfn.core.trace import registry
from tests.primitives.case import Case, bind, bools, integers, is_ours, normal, values

NAN, INF = np.nan, np.inf
STEPS = values([[1, 3, 3, 2, 2], [3, 3, 0, -1, 2], [2, 2, 2, 2, 2], [0, 1, 3, 3, 3]])
SPECIAL = values([[1, NAN, 3, -INF], [INF, INF, 0, -1], [2, -INF, -INF, 5], [0, -INF, -INF, 1]])

START = {"sum": ("add", 0), "max": ("max", -INF), "min": ("min", INF)}


def pool(
    kind, label, x, window, strides=None, padding="VALID", base=None, dilation=None, **options
):
    computation, init = START[kind]
    dtype = np.dtype("float64") if x.dtype.kind in "fV" else x.dtype
    if x.dtype.kind in "iu" and kind != "sum":
        limits = np.iinfo(x.dtype)
        init = limits.min if kind == "max" else limits.max
    if x.dtype.kind == "b":
        init = kind == "min"
    start = float(init) if dtype == np.float64 else np.asarray(init, dtype)[()]
    return Case(
        f"reduce_window_{kind}",
        lambda lax, x: lax.reduce_window(
            x, start, getattr(lax, computation), window, strides or (1,) * len(window), padding,
            base, dilation,
        ),
        x,
        id=label,
        **options,
    )  # fmt: skip


def all_pools(kind):
    return [
        pool(kind, "1d", normal(7), (3,)),
        pool(kind, "1d_stride", normal(7), (2,), (2,)),
        pool(kind, "gaps", normal(8), (2,), (3,)),
        pool(kind, "same", normal(5, 4), (2, 3), (1, 2), "SAME"),
        pool(kind, "same_lower", normal(5, 4), (2, 3), (1, 2), "SAME_LOWER"),
        pool(kind, "image", normal(2, 5, 4, 2), (1, 2, 2, 1), (1, 2, 2, 1)),
        pool(kind, "overlap", normal(1, 5, 6, 1), (1, 3, 3, 1), (1, 2, 2, 1), "SAME"),
        pool(kind, "everything_in_one", normal(3, 4), (3, 4)),
        pool(kind, "one_each", normal(3, 4), (1, 1), (2, 1)),
        pool(kind, "padding", normal(4, 3), (2, 2), None, ((1, 0), (0, 1))),
        pool(kind, "windows_of_padding", normal(3), (2,), None, ((0, 3),), smooth=False),
        pool(kind, "base_dilation", normal(4, 3), (3, 2), None, ((1, 1), (0, 1)), (2, 1)),
        pool(kind, "steps", STEPS, (2, 2), smooth=False),
        pool(kind, "special", SPECIAL, (2, 2), smooth=False, order=0),
        pool(kind, "nothing_fits", normal(2, 3), (3, 3), order=0),
        pool(kind, "bf16", normal(6, dtype="bfloat16"), (2,), smooth=False, order=0),
        pool(kind, "int", integers(4, 5), (2, 2), None, "SAME"),
        pool(kind, "uint8", integers(6, dtype="uint8"), (3,)),
    ]


POOLS = [
    *all_pools("sum"),
    *all_pools("max"),
    *all_pools("min"),
    pool("sum", "negative_padding", normal(6), (2,), None, ((-1, -2),)),
    pool("sum", "window_dilation", normal(7), (3,), (2,), ((1, 0),), None, (2,)),
    pool("sum", "all_dilations", normal(4, 5), (2, 3), (2, 1), ((1, 2), (0, 1)), (2, 1), (1, 2)),
    pool("sum", "complex", normal(5, dtype="complex64"), (2,)),
    pool("max", "negative_padding", normal(6), (2,), None, ((-1, -2),), order=0),
    # A dilated max has a tangent and no gradient, in JAX as here.
    pool("max", "window_dilation", normal(7), (3,), (2,), ((1, 0),), None, (2,), order=0),
    pool("max", "bool", bools(4, 4), (2, 2)),
    pool("min", "bool", bools(4, 4), (2, 2)),
]


def circle(a, b):
    """a + b + a * b, associative, with 0 as its identity."""
    return a + b + a * b


def general(label, x, window, strides, padding, base=None, dilation=None):
    """Windows of another computation; JAX differentiates them forwards only."""
    return Case(
        "reduce_window",
        lambda lax, x: lax.reduce_window(x, 0.0, circle, window, strides, padding, base, dilation),
        x,
        order=0,
        id=label,
    )


GENERAL = [
    general("1d", normal(6), (3,), (1,), "VALID"),
    general("2d", normal(5, 4), (2, 3), (2, 1), "SAME"),
    general("dilations", normal(5, 4), (2, 2), (1, 1), ((1, 0), (0, 1)), (1, 2), (2, 1)),
]

# -- the selections -------------------------------------------------------------------------------


def comparison(lax, name):
    """The primitive ge or le."""
    return registry[name] if is_ours(lax) else getattr(lax, f"{name}_p")


def gather(label, compare, dx, x, window, strides, padding, base=None, **options):
    """Tangents picked where windows of `x` have their extremes."""
    ones = (1,) * len(window)

    def fun(lax, dx, x):
        return bind(
            lax, "select_and_gather_add", dx, x,
            select_prim=comparison(lax, compare), window_dimensions=window,
            window_strides=strides, padding=padding, base_dilation=base or ones,
            window_dilation=ones,
        )  # fmt: skip

    return Case("select_and_gather_add", fun, dx, x, diff=(0,), id=label, **options)


def scatter(label, compare, source, x, window, strides, padding, **options):
    """Cotangents sent to where windows of `x` have their extremes."""

    def fun(lax, source, x):
        return bind(
            lax, "select_and_scatter_add", source, x,
            select_prim=comparison(lax, compare), window_dimensions=window,
            window_strides=strides, padding=padding,
        )  # fmt: skip

    return Case("select_and_scatter_add", fun, source, x, diff=(0,), id=label, **options)


NONE = ((0, 0), (0, 0))
SELECTIONS = [
    case
    for compare in ("ge", "le")
    for case in (
        gather(f"{compare}-valid", compare, normal(4, 5), normal(4, 5), (2, 2), (2, 1), NONE),
        gather(f"{compare}-padded", compare, normal(4, 4), normal(4, 4), (3, 2), (2, 2),
               ((1, 1), (0, 0))),
        gather(f"{compare}-base", compare, normal(3, 3), normal(3, 3), (2, 2), (1, 1), NONE,
               (2, 1)),
        gather(f"{compare}-steps", compare, normal(4, 5), STEPS, (2, 2), (1, 1), NONE),
        scatter(f"{compare}-valid", compare, normal(2, 4), normal(4, 5), (2, 2), (2, 1), NONE),
        scatter(f"{compare}-padded", compare, normal(2, 2), normal(4, 4), (3, 2), (2, 2),
                ((1, 1), (0, 0))),
        scatter(f"{compare}-gaps", compare, normal(2, 2), normal(5, 5), (2, 2), (3, 3), NONE),
        scatter(f"{compare}-steps", compare, normal(3, 4), STEPS, (2, 2), (1, 1), NONE),
    )
]  # fmt: skip

CASES = [*POOLS, *GENERAL, *SELECTIONS]
