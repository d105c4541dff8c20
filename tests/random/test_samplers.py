"""Continuous samplers against JAX's: the same uniform numbers, then functions of them.

Those of float32 and of 16 bits are the same to the bit, but where JAX's own vary (`ulps`). Those
of float64 may be some ulps apart, for NumPy's logarithms are used there. Where a result is a
difference (log of a number near 1, a root minus a mean), an error of one ulp in its terms is many
of its own, so an ulp is never taken as smaller than that of `floor`, the size of these terms.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import numpy as np
import pytest

from scratchfn import errors, random
from scratchfn.transforms.api import grad
from scratchfn.transforms.jit_api import jit
from scratchfn.transforms.vmap_api import vmap
from tests.random.agree import assert_same, both_x64, keys


class Sampler(NamedTuple):
    args: tuple = ()  # parameters
    ulps: float = 0  # of float32
    floor: float = 0.0
    more: dict = {}  # noqa: RUF012


ROW = np.linspace(-2, 3, 300, dtype="float32")
POSITIVE = np.linspace(0.5, 3, 300, dtype="float32")
SAMPLERS = {
    "normal": Sampler(),
    "truncated_normal": Sampler((-1, 1)),
    "truncated_normal, bounds": Sampler((-2.5, ROW)),
    "truncated_normal, half": Sampler((0.5, np.inf)),
    "exponential": Sampler(),
    "gumbel": Sampler(),
    "gumbel, high": Sampler(more={"mode": "high"}),
    "gumbel, highest": Sampler(more={"mode": "highest"}),
    "laplace": Sampler(),
    "logistic": Sampler(),
    "cauchy": Sampler(ulps=1),  # of the C library
    # sums of squares, in an order that changes with their number
    "maxwell": Sampler(ulps=2),
    "double_sided_maxwell": Sampler((1.0, 2.0), ulps=2, floor=2),
    "double_sided_maxwell, rows": Sampler((POSITIVE[:, None], POSITIVE[:3]), ulps=2, floor=4),
    "lognormal": Sampler((2.0,)),
    "pareto": Sampler((2.0,)),
    "pareto, rows": Sampler((POSITIVE,)),
    "rayleigh": Sampler((2.0,)),
    "rayleigh, rows": Sampler((POSITIVE,)),
    "weibull_min": Sampler((2.0, 3.0)),
    "weibull_min, rows": Sampler((POSITIVE, 3.0)),
    "triangular": Sampler((0.0, 1.0, 3.0)),
    "wald": Sampler((2.0,)),
    "wald, rows": Sampler((POSITIVE,)),
}
NARROW = [name for name in SAMPLERS if "," not in name or "mode" in SAMPLERS[name].more]


def draw(library, name, key, shape, dtype=None):
    function, _, _ = name.partition(",")
    sampler = SAMPLERS[name]
    return getattr(library, function)(key, *sampler.args, shape=shape, dtype=dtype, **sampler.more)


def agree(name, ours, theirs, **changes):
    sampler = SAMPLERS[name]._replace(**changes)
    assert_same(ours, theirs, sampler.ulps, sampler.floor)


@pytest.mark.parametrize("name", SAMPLERS)
def test_numbers(name):
    shape = (40, 300) if "double" not in name else (40,)
    for seed in (0, 7):
        ours, theirs = keys(seed)
        agree(name, draw(random, name, ours, shape), draw(jax.random, name, theirs, shape))


@pytest.mark.thinned(2)
@pytest.mark.parametrize("name", NARROW)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_numbers_of_16_bits(name, dtype):
    ours, theirs = keys(1, "typed")
    expected = draw(jax.random, name, theirs, (2000,), dtype)
    agree(name, draw(random, name, ours, (2000,), dtype), expected)


@pytest.mark.parametrize("name", NARROW)
def test_numbers_of_64_bits(name):
    with both_x64():
        ours, theirs = keys(2**40 + 3)
        expected = draw(jax.random, name, theirs, (2000,))
        # XLA's log1p is wrong by up to 128 ulps near -0.4, NumPy's is not
        floor = max(SAMPLERS[name].floor, 1)
        agree(name, draw(random, name, ours, (2000,)), expected, ulps=256, floor=floor)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 0, 3), (3, 1)])
def test_shapes(shape):
    ours, theirs = keys(4)
    for name in NARROW:
        agree(name, draw(random, name, ours, shape), draw(jax.random, name, theirs, shape))


def test_shape_of_the_parameters():
    ours, theirs = keys(4)
    column = np.linspace(0.5, 2, 4, dtype="float32")[:, None]
    calls = {
        "truncated_normal": (-column, column[:, 0]),
        "pareto": (column,),
        "rayleigh": (column,),
        "wald": (column,),
        "lognormal": (column,),
        "triangular": (-column, 0.0, column[:, 0]),
    }
    for name, args in calls.items():
        expected = getattr(jax.random, name)(theirs, *args)
        assert_same(getattr(random, name)(ours, *args), expected)
    assert_same(random.weibull_min(ours, 2, column), jax.random.weibull_min(theirs, 2, column))


@pytest.mark.parametrize("dtype", ["complex64", "float8_e5m2", "float8_e4m3fn"])
def test_normal_of_other_dtypes(dtype):
    ours, theirs = keys(4)
    expected = jax.random.normal(theirs, (1000,), dtype)
    assert_same(random.normal(ours, (1000,), dtype), expected)


@pytest.mark.parametrize("kind", ["raw", "typed"])
@pytest.mark.parametrize(
    "name", ["normal", "truncated_normal", "gumbel", "gumbel, highest", "wald"]
)
def test_under_transformations(name, kind):
    ours, theirs = keys(9, kind)
    expected = draw(jax.random, name, theirs, (30,))
    agree(name, jit(lambda key: draw(random, name, key, (30,)))(ours), expected)
    batch, others = random.split(ours, 5), jax.random.split(theirs, 5)
    expected = jax.vmap(lambda key: draw(jax.random, name, key, (30,)))(others)
    agree(name, vmap(lambda key: draw(random, name, key, (30,)))(batch), expected)
    agree(name, jit(vmap(lambda key: draw(random, name, key, (30,))))(batch), expected)


def test_derivatives_in_the_parameters():
    ours, theirs = keys(3)
    losses = {
        "truncated_normal": lambda r, key: lambda x: r.truncated_normal(key, -x, x, (5,)).sum(),
        "pareto": lambda r, key: lambda x: r.pareto(key, x, (5,)).sum(),
        "rayleigh": lambda r, key: lambda x: r.rayleigh(key, x, (5,)).sum(),
        "lognormal": lambda r, key: lambda x: r.lognormal(key, x, (5,)).sum(),
        "triangular": lambda r, key: lambda x: r.triangular(key, -x, 0.1, x, (5,)).sum(),
        "wald": lambda r, key: lambda x: r.wald(key, x, (5,)).sum(),
    }
    x = np.float32(1.7)
    for loss in losses.values():
        expected = jax.grad(loss(jax.random, theirs))(x)
        assert_same(grad(loss(random, ours))(x), expected, ulps=32, floor=1)


WRONG = {
    "normal integers": (lambda r, k: r.normal(k, (2,), int), ValueError, "dtype=i32"),
    "complex exponential": (
        lambda r, k: r.exponential(k, (2,), "complex64"),
        ValueError,
        "dtype=c64",
    ),
    "gumbel mode": (lambda r, k: r.gumbel(k, (2,), mode="x"), ValueError, "mode='x'"),
    "bounds that do not fit": (
        lambda r, k: r.truncated_normal(k, -1, np.ones(3), (2,)),
        ValueError,
        "(2,)",
    ),
    "bounds that are more": (
        lambda r, k: r.truncated_normal(k, -1, np.ones(3), ()),
        ValueError,
        "shape=(3,)",
    ),
    "a wider parameter": (
        lambda r, k: r.pareto(k, np.float32(2), dtype="float16"),
        ValueError,
        "dtype=jnp.float32",
    ),
    "parameters in a list": (lambda r, k: r.pareto(k, [2.0, 3.0]), TypeError, "list"),
    "many keys": (lambda r, k: r.normal(r.split(k)), ValueError, "vmap"),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_have_jaxs_class_and_say_what_was_found(name):
    call, error, said = WRONG[name]
    with pytest.raises(error):
        call(jax.random, jax.random.PRNGKey(0))
    with pytest.raises(error) as caught:
        call(random, random.PRNGKey(0))
    assert said in str(caught.value)


def test_what_is_not_safe_is_a_type_promotion_error():
    with pytest.raises(errors.TypePromotionError):
        random.rayleigh(random.key(0), np.float32(2), dtype="bfloat16")
