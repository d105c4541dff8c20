"""custom_vmap and sequential_vmap under each transformation, against JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.custom_batching
import jax.numpy as jax_numpy
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as sf_numpy

V = np.linspace(0.5, 1.5, 3).astype(np.float32)
W = np.linspace(-1.0, 2.0, 6).reshape(2, 3).astype(np.float32)


def tenfold(lib: Any, jnp: Any) -> Callable[[Any], Any]:
    """The rule shows: what it computes is ten times the function."""
    f = lib.custom_batching.custom_vmap(lambda x: jnp.sin(x))

    @f.def_vmap
    def rule(axis_size: int, in_batched: list[bool], x: Any) -> Any:
        assert in_batched == [True]
        return jnp.sin(x) * 10, True

    return f


def _compare(program: Callable[[Any, Any], Any]) -> None:
    ours = sf.tree.leaves(program(sf, sf_numpy))
    theirs = jax.tree.leaves(program(jax, jax_numpy))
    for a, b in zip(ours, theirs, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5, atol=1e-6)


USES: dict[str, Callable[[Any, Any], Any]] = {
    "itself": lambda lib, f: f(lib.numpy.float32(0.7)),
    "jit": lambda lib, f: lib.jit(f)(lib.numpy.float32(0.7)),
    "jvp": lambda lib, f: lib.jvp(f, (V,), (V,)),
    "vmap": lambda lib, f: lib.vmap(f)(V),
    "jit of vmap": lambda lib, f: lib.jit(lib.vmap(f))(V),
    "vmap of jit": lambda lib, f: lib.vmap(lib.jit(f))(V),
    "two vmaps": lambda lib, f: lib.vmap(lib.vmap(f))(W),
    "vmap of jvp": lambda lib, f: lib.vmap(lambda x: lib.jvp(f, (x,), (x,)))(V),
    "grad of vmap": lambda lib, f: lib.grad(lambda x: lib.vmap(f)(x).sum())(V),
    "vmap of what is not mapped": lambda lib, f: lib.vmap(lambda x: f(2.0) * x)(V),
    "another axis": lambda lib, f: lib.vmap(f, in_axes=1, out_axes=1)(W),
}


@pytest.mark.parametrize("use", USES)
def test_as_jax(use: str) -> None:
    _compare(lambda lib, jnp: USES[use](lib, tenfold(lib, jnp)))


def test_trees_and_arguments_that_are_not_mapped() -> None:
    seen: dict[Any, list[Any]] = {sf: [], jax: []}

    def program(lib: Any, jnp: Any) -> Any:
        g = lib.custom_batching.custom_vmap(lambda d, y: {"a": d["p"] * y, "b": y})

        @g.def_vmap
        def rule(axis_size: int, in_batched: Any, d: Any, y: Any) -> Any:
            seen[lib].append((axis_size, in_batched))
            return {"a": d["p"] * y * 100, "b": y}, {"a": True, "b": in_batched[1]}

        d = {"p": jnp.ones(3), "q": jnp.ones(())}
        y = jnp.float32(2.0)
        axes = {"p": 0, "q": None}
        return (
            lib.vmap(lambda d, y: g(y=y, d=d), ((axes, None)))(d, y),
            lib.vmap(lambda p, y: g({"p": p, "q": y}, y)["a"])(jnp.ones(3), jnp.ones(3)),
        )

    _compare(program)
    assert seen[sf] == seen[jax]


def test_reverse_mode_is_that_of_the_function() -> None:
    """JAX has no reverse mode here."""
    f = tenfold(sf, sf_numpy)
    np.testing.assert_allclose(sf.grad(f)(0.7), np.cos(0.7), rtol=1e-6)
    np.testing.assert_allclose(sf.vmap(sf.grad(f))(V), np.cos(V), rtol=1e-6)
    np.testing.assert_allclose(sf.grad(sf.jit(f))(0.7), np.cos(0.7), rtol=1e-6)
    value = sf.vmap(sf.value_and_grad(f))(V)[0]
    np.testing.assert_allclose(value, 10 * np.sin(V), rtol=1e-6)


def test_tangents_that_alone_are_mapped() -> None:
    """The value is then given to the rule for each of them."""
    f = tenfold(sf, sf_numpy)
    values, tangents = sf.vmap(lambda t: sf.jvp(f, (0.7,), (t,)))(V)
    np.testing.assert_allclose(values, np.full(3, 10 * np.sin(0.7)), rtol=1e-6)
    np.testing.assert_allclose(tangents, 10 * np.cos(0.7) * V, rtol=1e-6)


def test_the_printed_program_is_jaxs() -> None:
    def text(lib: Any) -> str:
        f = lib.custom_batching.custom_vmap(lib.numpy.sin)
        f.def_vmap(rule)
        return "\n".join(
            str(lib.make_jaxpr(g)(x)) for g, x in ((f, 1.0), (lib.vmap(f), V), (lib.jit(f), V))
        )

    assert text(sf) == text(jax)


def rule(axis_size: int, in_batched: Any, x: Any) -> Any:
    return x * 10, True


def test_sequential_vmap() -> None:
    def program(lib: Any, jnp: Any) -> Any:
        f = lib.custom_batching.sequential_vmap(lambda x, y: jnp.sin(x) * y)
        return (
            f(1.0, 2.0),
            lib.vmap(f, (0, None))(V, 3.0),
            lib.jit(lib.vmap(f))(V, V),
            lib.vmap(lib.vmap(f, (0, None)), (None, 0))(V, V),
        )

    _compare(program)
    f = sf.custom_batching.sequential_vmap(lambda x: sf_numpy.sin(x))
    assert " scan[" in str(sf.make_jaxpr(sf.vmap(f))(V))


BAD_RULES: dict[str, tuple[Any, str]] = {
    "no pair": (lambda n, b, x: x, "a result of type"),
    "flags": (lambda n, b, x: (x, (True, True)), "out_batched of structure"),
    "structure": (lambda n, b, x: ((x, x), (True, True)), "the function's own result"),
}


@pytest.mark.parametrize("name", BAD_RULES)
def test_bad_rules(name: str) -> None:
    bad, text = BAD_RULES[name]
    for lib, match in ((jax, None), (sf, text)):
        f = lib.custom_batching.custom_vmap(lambda x: x)
        f.def_vmap(bad)
        with pytest.raises(ValueError, match=match):
            lib.vmap(f)(V)


def test_a_batch_of_another_size() -> None:
    f = sf.custom_batching.custom_vmap(lambda x: x)
    f.def_vmap(lambda n, b, x: (x[:2], True))
    with pytest.raises(ValueError, match="its first axis is the batch's, of size 3"):
        sf.vmap(f)(V)


def test_no_rule_and_keywords() -> None:
    for lib in (jax, sf):
        f = lib.custom_batching.custom_vmap(lambda x, *, k=1: x)
        with pytest.raises(AttributeError):
            f(1.0)
        f.def_vmap(lambda n, b, x: (x, True))
        with pytest.raises(TypeError):
            lib.vmap(lambda x, f=f: f(x, k=2))(V)


def test_closing_over_what_is_mapped() -> None:
    def g(x: Any, y: Any) -> Any:
        f = sf.custom_batching.custom_vmap(lambda x: x * y)
        f.def_vmap(lambda n, b, x: (x * y, True))
        return f(x)

    with pytest.raises(sf.errors.UnexpectedTracerError, match="pass the value as an argument"):
        sf.vmap(g)(V, V)
