"""checkpoint of loops: the policy is asked of what is in their bodies, against JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.ad_checkpoint
import jax.numpy as jax_numpy
import numpy as np
import pytest
from jax._src.ad_checkpoint import saved_residuals as jax_residuals

import scratchfn as sf
import scratchfn.numpy as sf_numpy
from scratchfn.transforms.saved_residuals import saved_residuals

V = np.linspace(0.5, 1.5, 3).astype(np.float32)
W = np.linspace(-1.0, 1.0, 9).reshape(3, 3).astype(np.float32)


def _looped(lib: Any, jnp: Any) -> Callable[[Any, Any], Any]:
    """A scan in a scan, each with a product and a named value in its body."""
    name = lib.ad_checkpoint.checkpoint_name

    def inner(c: Any, x: Any) -> Any:
        h = name(jnp.sin(jnp.dot(W, c) + x), "first")
        return jnp.cos(h) * h, jnp.exp(-h * h)

    def outer(c: Any, x: Any) -> Any:
        c, ys = lib.lax.scan(inner, c, jnp.stack([x, -x]))
        h = name(jnp.sin(c * ys.sum(0)), "second")
        return h * jnp.exp(-h), ys

    def f(c: Any, xs: Any) -> Any:
        c, ys = lib.lax.scan(outer, c, xs, reverse=True)
        return jnp.sum(c) + jnp.sum(ys)

    return f


POLICIES: dict[str, Callable[[Any], Any]] = {
    "none": lambda policies: None,
    "first": lambda policies: policies.save_only_these_names("first"),
    "both": lambda policies: policies.save_only_these_names("first", "second"),
    "dots": lambda policies: policies.dots_saveable,
    "all": lambda policies: policies.everything_saveable,
}


@pytest.mark.thinned(2)
@pytest.mark.parametrize("around", ["grad", "jit of grad", "hessian", "vmap of grad"])
@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_reaches_into_loops(policy: str, around: str) -> None:
    def program(lib: Any, jnp: Any) -> Any:
        chosen = POLICIES[policy](lib.checkpoint_policies)
        f = lib.checkpoint(_looped(lib, jnp), policy=chosen)
        if around == "vmap of grad":
            return lib.vmap(lib.grad(f), (0, None))(jnp.stack([V, 2 * V]), W)
        way = {"grad": lib.grad, "jit of grad": lambda f: lib.jit(lib.grad(f))}
        return way.get(around, lib.hessian)(f)(V, W)

    ours, theirs = program(sf, sf_numpy), program(jax, jax_numpy)
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("policy", ["none", "first", "both", "dots"])
def test_what_is_kept_of_loops(policy: str) -> None:
    def kept(lib: Any, jnp: Any, residuals: Any) -> list[Any]:
        f = lib.checkpoint(_looped(lib, jnp), policy=POLICIES[policy](lib.checkpoint_policies))
        return sorted(
            tuple(aval.shape) for aval, origin in residuals(f, V, W) if "const" not in origin
        )

    assert kept(sf, sf_numpy, saved_residuals) == kept(jax, jax_numpy, jax_residuals)


def test_what_is_kept_of_loops_is_not_computed_again() -> None:
    def operations(policy: Any) -> str:
        f = sf.checkpoint(_looped(sf, sf_numpy), policy=policy)
        return str(sf.make_jaxpr(sf.grad(f))(V, W))

    again = operations(None)
    saved = operations(sf.checkpoint_policies.save_only_these_names("first"))
    assert again.count(" = sin ") == 5  # those of the two bodies, twice; and the derivative of cos
    assert saved.count(" = sin ") == 4
    assert again.count("name=first") == 2
    assert saved.count("name=first") == 1
    assert saved.count("name=second") == again.count("name=second") == 2


def test_the_loop_that_runs_now_stacks_what_is_saved_alone() -> None:
    f = sf.checkpoint(
        _looped(sf, sf_numpy), policy=sf.checkpoint_policies.save_only_these_names("first")
    )
    eqns = sf.make_jaxpr(sf.grad(f))(V, W).eqns
    forth = next(eqn for eqn in eqns if eqn.primitive.name == "scan")
    shapes = [v.aval.shape for v in forth.outvars]
    assert shapes == [(3,), (3, 2, 3), (3, 2, 3)]  # the carry, the rows, what the inner loop names
