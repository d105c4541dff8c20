"""The function that `vjp` returns, and the places that its gradients go to; against JAX."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import ad, new_ref


def line(params: Any, x: Any) -> Any:
    return params["w"] * x + params["b"]


def gradients(lib: Any) -> list[Any]:
    """What is returned, and what is in the refs after."""
    value, skip = lib.ad.GradValue(), lib.ad.DontWant()
    _, pull = lib.vjp(line, {"w": 2.0, "b": 1.0}, 3.0)
    w, b = lib.new_ref(0.0), lib.new_ref(10.0)
    seen = [pull.with_refs({"w": w, "b": b}, value)(1.0), w[...], b[...]]
    seen += [pull.with_refs({"w": skip, "b": w}, skip)(2.0), w[...]]
    seen += [pull.with_refs({"w": w, "b": w}, value)(1.0), w[...]]
    step = lib.jit(lambda ref: pull.with_refs({"w": ref, "b": skip}, value)(1.0))
    seen += [step(w), w[...]]
    _, pull = lib.vjp(lambda x, i: x * i, 2.0, 3)
    seen += [pull.with_refs(value, skip)(1.0), pull.with_refs(b, lib.new_ref(0))(1.0), b[...]]
    _, pull, _ = lib.vjp(lambda x: (x * x, 2), 3.0, has_aux=True)
    return [*seen, pull.with_refs(value)(1.0), pull.with_refs(skip)(1.0)]


def test_as_jax() -> None:
    for ours, theirs in zip(gradients(sf), gradients(jax), strict=True):
        assert _marks(ours) == _marks(theirs)
        numbers = [x for x in sf.tree.leaves(ours) if hasattr(x, "dtype")]
        expected = [x for x in jax.tree.leaves(theirs) if hasattr(x, "dtype")]
        np.testing.assert_array_equal(numbers, expected)


def _marks(t: Any) -> list[str]:
    names = ("GradRef()", "DidntWant()")
    found = sf.tree.leaves(t, is_leaf=lambda x: repr(x) in names)
    return [repr(x) for x in found if repr(x) in names]


def test_marks_are_equal_and_print() -> None:
    for kind in (ad.GradValue, ad.DontWant, ad.GradRef, ad.DidntWant):
        theirs = getattr(jax.ad, kind.__name__)
        assert kind() == kind() and repr(kind()) == repr(theirs())
        assert len(sf.tree.leaves(kind())) == len(jax.tree.leaves(theirs()))


def test_what_is_not_wanted_is_not_computed() -> None:
    """One matrix product for each gradient; and a value that both come from is walked once."""
    w, x = jnp.ones((4, 4)), jnp.ones(4)
    _, pull = sf.vjp(lambda w, x: jnp.sin(w @ jnp.cos(x)), w, x)
    value, skip = ad.GradValue(), ad.DontWant()

    def products(*places: Any) -> int:
        return str(sf.make_jaxpr(lambda: pull.with_refs(*places)(jnp.ones(4)))()).count("dot_g")

    assert (products(value, value), products(value, skip), products(skip, skip)) == (2, 1, 0)
    both, only = pull(jnp.ones(4)), pull.with_refs(skip, value)(jnp.ones(4))
    np.testing.assert_array_equal(only[1], both[1])
    assert only[0] == ad.DidntWant()


def test_adds_up_in_a_loop() -> None:
    """Gradients of parts of a batch, in one ref, are the gradient of the whole."""

    def loss(ws: Any, x: Any) -> Any:
        return sf.lax.scan(lambda x, w: (jnp.tanh(x @ w), None), x, ws)[0].sum()

    def by_parts(ws: Any, xs: Any) -> tuple[Any, Any]:
        total = new_ref(jnp.zeros_like(ws))

        def step(_: Any, x: Any) -> tuple[Any, Any]:
            value, pull = sf.vjp(lambda ws: loss(ws, x), ws)
            pull.with_refs(total)(jnp.ones_like(value))
            return (), value

        _, values = sf.lax.scan(step, (), xs)
        return sf.freeze(total), values

    ws = sf.random.normal(sf.random.key(0), (3, 4, 4))
    xs = sf.random.normal(sf.random.key(1), (5, 7, 4))
    grads, values = by_parts(ws, xs)
    jitted, _ = sf.jit(by_parts)(ws, xs)
    value, expected = sf.value_and_grad(lambda ws: sum(loss(ws, x) for x in xs))(ws)
    np.testing.assert_allclose(grads, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(jitted, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(values.sum(), value, rtol=1e-5)


def test_it_is_a_tree() -> None:
    _, pull = sf.jit(lambda x: sf.vjp(jnp.sin, x))(1.0)
    ref = new_ref(0.0)
    pull.with_refs(ref)(2.0)
    np.testing.assert_allclose(ref[...], 2 * np.cos(1.0), rtol=1e-6)
    np.testing.assert_allclose(sf.jit(lambda p: p(2.0)[0])(pull), ref[...])


def test_refusals() -> None:
    _, pull = sf.vjp(line, {"w": 2.0, "b": 1.0}, 3.0)
    value, skip = ad.GradValue(), ad.DontWant()
    for places in ((value,), (value, value), ({"w": skip, "b": None}, value)):
        with pytest.raises(ValueError, match="a place for each leaf of each argument"):
            pull.with_refs(*places)(1.0)
    with pytest.raises(TypeError, match=r"3\.0 of type float"):
        pull.with_refs({"w": 3.0, "b": skip}, value)(1.0)
    for wrong in (new_ref(jnp.zeros(3)), new_ref(3)):
        with pytest.raises(ValueError, match="a ref keeps its type"):
            pull.with_refs({"w": wrong, "b": skip}, value)(1.0)
