"""What a program costs: JAX's numbers where the definitions agree, and where they do not, ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

import scratchfn as sf
from scratchfn.core.trace import registry
from scratchfn.transforms import cost

X = np.ones((10, 20), np.float32)
Y = np.ones((20, 30), np.float32)
IMAGES = np.ones((2, 8, 8, 4), np.float32)
KERNEL = np.ones((3, 3, 4, 6), np.float32)
NHWC = ("NHWC", "HWIO", "NHWC")

Program = Callable[..., Any]

# Programs whose operations XLA counts alike: of jnp, lax and arrays.
ALIKE: dict[str, tuple[Program, tuple[np.ndarray, ...]]] = {
    "elementwise": (lambda jnp, lax, x: -x * 2.0 + jnp.abs(x), (X,)),
    "transcendentals": (lambda jnp, lax, x: jnp.tanh(jnp.exp(x)) * lax.rsqrt(x), (X,)),
    "logistic": (lambda jnp, lax, x: lax.logistic(x), (X,)),
    "power": (lambda jnp, lax, x: x**2.5 + x**7, (X,)),
    "conversion": (lambda jnp, lax, x: (x > 0.5).astype(jnp.float32), (X,)),
    "choice": (lambda jnp, lax, x: jnp.where(x > 0, x, x * x), (X,)),
    "integers": (lambda jnp, lax, x: (x.astype(jnp.int32) << 2) ^ 5, (X,)),
    "sum": (lambda jnp, lax, x: x.sum(), (X,)),
    "sums of rows": (lambda jnp, lax, x: x.sum(1) + x.max(1), (X,)),
    "product": (lambda jnp, lax, x, y: x @ y, (X, Y)),
    "batch of products": (
        lambda jnp, lax, x: jnp.einsum("nhwc,nhwd->nhcd", x, x),
        (IMAGES,),
    ),
    "convolution": (
        lambda jnp, lax, x, w: lax.conv_general_dilated(
            x, w, (1, 1), "VALID", dimension_numbers=NHWC
        ),
        (IMAGES, KERNEL),
    ),
    "convolution, padded": (
        lambda jnp, lax, x, w: lax.conv_general_dilated(
            x, w, (1, 1), "SAME", dimension_numbers=NHWC
        ),
        (IMAGES, KERNEL),
    ),
    "convolution, strided and dilated": (
        lambda jnp, lax, x, w: lax.conv_general_dilated(
            x, w, (2, 1), ((1, 1), (2, 0)), rhs_dilation=(1, 2), dimension_numbers=NHWC
        ),
        (IMAGES, KERNEL),
    ),
    "convolution in groups": (
        lambda jnp, lax, x, w: lax.conv_general_dilated(
            x, w[:, :, :2], (1, 1), "VALID", dimension_numbers=NHWC, feature_group_count=2
        ),
        (IMAGES, KERNEL),
    ),
    "windows": (
        lambda jnp, lax, x: lax.reduce_window(
            x, -np.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"
        ),
        (IMAGES,),
    ),
    "sort of a vector": (lambda jnp, lax, x: jnp.sort(x.ravel()), (X,)),
    "a while's round": (
        lambda jnp, lax, x: lax.while_loop(lambda c: c.sum() < 1e6, lambda c: jnp.exp(c), x),
        (X,),
    ),
    "most of branches": (
        lambda jnp, lax, x: lax.cond(x.sum() > 0, lambda c: c * 2.0, lambda c: jnp.sin(c), x),
        (X,),
    ),
}


def ours(f: Program, *args: Any) -> tuple[dict[str, float], dict[str, float]]:
    """The costs of a program as lowered and as compiled."""
    lowered = sf.jit(lambda *xs: f(sf.numpy, sf.lax, *xs)).lower(*args)
    return lowered.cost_analysis(), lowered.compile().cost_analysis()


@pytest.mark.parametrize("name", ALIKE)
def test_operations_are_those_that_jax_counts(name: str) -> None:
    f, args = ALIKE[name]
    lowered = jax.jit(lambda *xs: f(jax.numpy, jax.lax, *xs)).lower(*args)
    theirs = lowered.cost_analysis()
    for found in ours(f, *args):
        assert set(found) == {"flops", "transcendentals", "bytes accessed"}
        for key in ("flops", "transcendentals"):
            # JAX's numbers come with a few operations on single ones: of predicates, of rounds.
            assert found[key] == pytest.approx(theirs.get(key, 0.0), abs=2.0), key


@pytest.mark.parametrize("name", ["product", "convolution", "convolution, padded"])
def test_bytes_are_those_that_jax_counts(name: str) -> None:
    f, args = ALIKE[name]
    theirs = jax.jit(lambda *xs: f(jax.numpy, jax.lax, *xs)).lower(*args).compile().cost_analysis()
    for found in ours(f, *args):
        assert found["bytes accessed"] == theirs["bytes accessed"]


def test_rows_that_are_read_count_and_not_the_table() -> None:
    _, found = ours(lambda jnp, lax, x: x[jnp.array([1, 2])], X)
    assert found["bytes accessed"] == 2 * 2 * 20 * 4 + 2 * 4  # rows in and out, and two indices


def test_a_scan_counts_for_each_step() -> None:
    def loop(jnp: Any, lax: Any, x: Any) -> Any:
        return lax.scan(lambda c, _: (jnp.sin(c) * 2.0, None), x, None, length=7)[0]

    for found in ours(loop, X):
        assert (found["flops"], found["transcendentals"]) == (7 * X.size, 7 * X.size)


def test_views_move_nothing() -> None:
    _, found = ours(lambda jnp, lax, x: x.T.reshape(5, 40)[1:3], X)
    assert found == {"flops": 0, "transcendentals": 0, "bytes accessed": 0}


def test_a_cumulative_sum_adds_once_for_each_number() -> None:
    _, found = ours(lambda jnp, lax, x: jnp.cumsum(x, 0), X)
    assert found["flops"] == 9 * 20


def test_nothing_summed_is_no_operation() -> None:
    for found in ours(lambda jnp, lax, x: x[:0].sum(0) * 2.0, X):
        assert found["flops"] == 20


def test_a_sum_over_a_mapped_axis_is_a_sum() -> None:
    def f(jnp: Any, lax: Any, x: Any) -> Any:
        return sf.vmap(lambda row: lax.psum(row, "i"), axis_name="i")(x)

    assert ours(f, X)[1]["flops"] == X.size - 20


def test_what_is_simplified_away_costs_nothing() -> None:
    lowered, compiled = ours(lambda jnp, lax, x: jnp.sin(x) + jnp.sin(x) * 1.0, X)
    assert (lowered["transcendentals"], compiled["transcendentals"]) == (2 * X.size, X.size)
    assert (lowered["flops"], compiled["flops"]) == (2 * X.size, X.size)


def test_a_region_moves_what_it_reads_and_writes() -> None:
    x = np.ones((1000, 1000), np.float32)
    lowered, compiled = ours(lambda jnp, lax, x: jnp.exp(jnp.sin(x) * 2.0) + x, x)
    assert compiled["bytes accessed"] == 2 * x.nbytes
    assert lowered["bytes accessed"] > 8 * x.nbytes


def test_the_gradient_of_an_affine_map_is_two_products() -> None:
    step = sf.grad(lambda w, x: (x @ w).sum(), argnums=(0, 1))
    found = sf.jit(step).lower(Y, X).compile().cost_analysis()
    assert found["flops"] == 2 * 2 * 10 * 20 * 30


def test_what_is_counted_by_name_is_there() -> None:
    import scratchfn.scipy.special  # noqa: F401 - has primitives of its own

    named = {*cost.TRANSCENDENTAL, *cost.FREE, *cost.REDUCED, *cost.COUNTED, *cost.IN_PLACE}
    assert {*named, *cost.PICKS} - registry.keys() == set()


def test_every_stage_shows_the_programs_inside() -> None:
    def loops(x: Any) -> Any:
        def step(c: Any, _: Any) -> Any:
            inner = sf.lax.while_loop(lambda y: y.sum() < 9.0, lambda y: y + sf.numpy.cos(y), c)
            return sf.lax.cond(c[0] > 0, sf.numpy.tanh, sf.numpy.arctan, inner), None

        return sf.lax.scan(step, x, None, length=3)[0]

    lowered = sf.jit(loops).lower(np.ones(3, np.float32))
    for stage, words in {
        "jaxpr": ("scan[", "while[", "cond[", "tanh", "atan"),
        "optimized": ("scan[", "while[", "cond[", "tanh", "atan"),
        "numpy": ("scan_loop", "np.cos(", "np.tanh(", "np.arctan(", "for ", "while True:"),
    }.items():
        assert all(word in lowered.as_text(stage) for word in words), stage
