"""Loops and branches, transformed in every way, against JAX and against Python's own loops."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy
from scratchfn.config import setting
from tests.transforms.control import ways
from tests.transforms.control.programs import UNBOUNDED, programs

OURS = programs(sf.numpy, sf.lax)
THEIRS = programs(jax.numpy, jax.lax)
ALL = [
    pytest.param(name, way, id=f"{name}-{way.__name__}")
    for name in OURS
    for way in [*ways.FORWARD, *([] if name in UNBOUNDED else ways.REVERSE)]
]
# Where one example goes another way than the next, Python's own `if` and `while` cannot follow.
SAME_WAY = [
    pytest.param(name, way, id=f"{name}-{way.__name__}")
    for name in OURS
    for way in [
        ways.eager, ways.jvp, ways.linearize, ways.vmap_of_last,
        *([] if name in UNBOUNDED else [ways.grad, ways.hessian, ways.grad_of_grad]),
    ]
    if not (way is ways.vmap_of_last and name in ("while", "nest"))
]  # fmt: skip
TWINS = [
    pytest.param(name, one, other, id=f"{name}-{one.__name__}")
    for name in OURS
    for one, other in [
        (ways.jit, ways.eager),
        (ways.linearize, ways.jvp),
        (ways.jit_of_vmap, ways.vmap),
        (ways.grad_of_jit, ways.grad),
        (ways.jit_of_grad, ways.grad),
    ]
    if not (other is ways.grad and name in UNBOUNDED)
]


def agree(ours: Any, theirs: Any, rtol: float = 2e-4, atol: float = 2e-5) -> None:
    """Equal trees of equal types and nearly equal numbers."""
    found, wanted = sf.tree.leaves(ours), jax.tree.leaves(theirs)
    wanted = [x if hasattr(x, "dtype") else sf.numpy.asarray(x) for x in wanted]
    assert len(found) == len(wanted)
    for x, y in zip(map(np.asarray, found), map(np.asarray, wanted), strict=True):
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        if x.dtype != jax.dtypes.float0:
            np.testing.assert_allclose(x, y, rtol=rtol, atol=atol)


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("way", [ways.eager, ways.vmap], ids=lambda way: way.__name__)
def test_as_jax(name: str, way: Any) -> None:
    agree(way(sf, *OURS[name]), way(jax, *THEIRS[name]))


@pytest.mark.parametrize("name", sorted({*OURS} - UNBOUNDED))
def test_gradients_as_jax(name: str) -> None:
    agree(ways.jit_of_grad(sf, *OURS[name]), ways.jit_of_grad(jax, *THEIRS[name]))


@pytest.mark.full
@pytest.mark.parametrize(("name", "way"), ALL)
def test_every_way_as_jax(name: str, way: Any) -> None:
    agree(way(sf, *OURS[name]), way(jax, *THEIRS[name]))


@pytest.mark.full
@pytest.mark.parametrize("name", OURS)
def test_as_jax_in_x64(name: str) -> None:
    chosen = [ways.eager, ways.jvp, ways.vmap]
    chosen += [] if name in UNBOUNDED else [ways.grad, ways.grad_of_vmap]
    with sf.enable_x64(True), jax.enable_x64(True):
        ours = programs(sf.numpy, sf.lax, "float64")[name]
        theirs = programs(jax.numpy, jax.lax, "float64")[name]
        for way in chosen:
            agree(way(sf, *ours), way(jax, *theirs), 1e-9, 1e-12)


@pytest.mark.parametrize(("name", "way"), SAME_WAY)
def test_as_python_runs_it(name: str, way: Any) -> None:
    found = way(sf, *OURS[name])
    with sf.disable_jit():
        wanted = way(sf, *OURS[name])
    agree(found, wanted)


@pytest.mark.parametrize(("name", "one", "other"), TWINS)
def test_two_ways_to_the_same(name: str, one: Any, other: Any) -> None:
    agree(one(sf, *OURS[name]), other(sf, *OURS[name]))


@pytest.mark.parametrize("name", OURS)
def test_a_batch_is_its_examples(name: str) -> None:
    f, args = OURS[name]
    batch = ways.batch(args)
    one_by_one = [f(*[x[i] for x in batch]) for i in range(2)]
    agree(sf.vmap(f)(*batch), sf.tree.map(lambda *rows: sf.numpy.stack(rows), *one_by_one))


@pytest.mark.parametrize("name", OURS)
def test_on_jax(name: str) -> None:
    f, args = OURS[name]
    way = ways.vmap if name in UNBOUNDED else ways.grad_of_vmap
    wanted, batched = f(*args), way(sf, f, args)
    with setting("backend", "jax"):
        agree(sf.jit(f)(*args), wanted)
        agree(sf.jit(lambda *a: way(sf, f, args))(), batched)
