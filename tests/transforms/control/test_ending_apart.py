"""Loops whose examples end at different steps, in a batch of another kind: that of the directions
of jacfwd, or of a vmap around. What does not differ between those examples is found not to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

import scratchfn as sf

XS = np.linspace(-1.0, 1.2, 6).reshape(2, 3).astype(np.float32)
W = np.array([0.3, -0.7, 1.1], np.float32)


def _each_its_own(lib: Any) -> Callable[[Any], Any]:
    """The rows of XS end after different numbers of steps, which do not depend on w."""
    jnp = lib.numpy

    def member(w: Any, x: Any) -> Any:
        def body(state: Any) -> Any:
            s, y = state
            return s + jnp.abs(x) + 0.5, jnp.sin(y) * w * s

        return lib.lax.while_loop(lambda state: jnp.sum(state[0]) < 4, body, (jnp.zeros(3), x + 1))

    return lambda w: lib.vmap(member, in_axes=(None, 0))(w, XS)


def _beside(lib: Any) -> Callable[[Any], Any]:
    """The loop is given a tangent that it makes no use of, inside a scan."""
    jnp, lax = lib.numpy, lib.lax

    def member(w: Any, x: Any) -> Any:
        def step(c: Any, _: Any) -> Any:
            n = lax.while_loop(
                lambda s: jnp.sum(s) < 3, lambda s: s + jnp.abs(lax.stop_gradient(c)) + 0.5, 0 * x
            )
            return jnp.sin(c * n * w), n

        return lax.scan(step, x, None, length=2)[0].sum()

    return lambda w: lib.vmap(member, in_axes=(None, 0))(w, XS).sum()


WAYS: dict[str, Callable[[Any], Any]] = {
    "jacfwd": lambda lib: lib.jacfwd(_each_its_own(lib))(W),
    "jacfwd of jacfwd": lambda lib: lib.jacfwd(lib.jacfwd(_each_its_own(lib)))(W),
    "jit of jacfwd": lambda lib: lib.jit(lib.jacfwd(_each_its_own(lib)))(W),
    "jvp": lambda lib: lib.jvp(_each_its_own(lib), (W,), (W,)),
    "linearize": lambda lib: lib.linearize(_each_its_own(lib), W)[1](W),
    "vmap": lambda lib: lib.vmap(_each_its_own(lib))(XS),
    "vmap of vmap": lambda lib: lib.vmap(lib.vmap(_each_its_own(lib), 0, 1))(XS[None]),
    "vmap of jacfwd": lambda lib: lib.vmap(lib.jacfwd(_each_its_own(lib)), out_axes=1)(XS),
    "hessian beside": lambda lib: lib.hessian(_beside(lib))(W),
}


@pytest.mark.parametrize("way", WAYS)
def test_as_jax(way: str) -> None:
    ours, theirs = WAYS[way](sf), WAYS[way](jax)
    for a, b in zip(sf.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


def test_on_the_jax_backend() -> None:
    def f(w: Any) -> Any:
        return sf.jacfwd(_each_its_own(sf))(w)

    ours = sf.jit(f, backend="jax")(W)
    for a, b in zip(sf.tree.leaves(ours), sf.tree.leaves(f(W)), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


def test_what_does_not_differ_has_no_batch_axis() -> None:
    (sums, _), (_, dots) = sf.vmap(
        lambda t: sf.jvp(_each_its_own(sf), (W,), (t,)), out_axes=((None, None), (None, 0))
    )(np.eye(3, dtype=np.float32))
    assert sums.shape == (2, 3)
    assert dots.shape == (3, 2, 3)
