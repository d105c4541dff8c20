"""checkpoint: the numbers, what is recomputed under each policy, and what is kept, against JAX."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable
from typing import Any

import jax
import jax.ad_checkpoint
import jax.numpy as jax_numpy
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as sf_numpy

V = np.linspace(0.5, 1.5, 3).astype(np.float32)
W = np.linspace(-1.0, 1.0, 9).reshape(3, 3).astype(np.float32)


def layers(lib: Any, jnp: Any) -> Callable[[Any, Any], Any]:
    """Three dense layers, the first two with named results."""
    name = lib.ad_checkpoint.checkpoint_name

    def f(w: Any, x: Any) -> Any:
        x = name(jnp.sin(jnp.dot(w, x)), "first")
        x = name(jnp.exp(jnp.dot(w, x)), "second")
        return jnp.sin(jnp.dot(w, x))

    return f


def _compare(program: Callable[[Any, Any], Any]) -> None:
    ours = sf.tree.leaves(program(sf, sf_numpy))
    theirs = jax.tree.leaves(program(jax, jax_numpy))
    for a, b in zip(ours, theirs, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=2e-5, atol=1e-5)


USES: dict[str, Callable[[Any, Any], Any]] = {
    "itself": lambda lib, f: f(W, V),
    "grad": lambda lib, f: lib.grad(lambda w, x: f(w, x).sum(), (0, 1))(W, V),
    "jvp": lambda lib, f: lib.jvp(f, (W, V), (W, V)),
    "jit of grad": lambda lib, f: lib.jit(lib.grad(lambda w, x: f(w, x).sum()))(W, V),
    "grad of jit": lambda lib, f: lib.grad(lambda w, x: lib.jit(f)(w, x).sum())(W, V),
    "vmap of grad": lambda lib, f: lib.vmap(lib.grad(lambda w, x: f(w, x).sum()), (None, 0))(W, W),
    "grad of vmap": lambda lib, f: lib.grad(lambda w: lib.vmap(f, (None, 0))(w, W).sum())(W),
    "hessian": lambda lib, f: lib.hessian(lambda x: f(W, x).sum())(V),
    "grad of grad": lambda lib, f: lib.grad(lambda x: lib.grad(lambda x: f(W, x).sum())(x).sum())(
        V
    ),
    "linearize": lambda lib, f: lib.linearize(lambda x: f(W, x), V)[1](V),
    "a scan's body": lambda lib, f: lib.grad(
        lambda x: lib.lax.scan(lambda c, _: (f(W, c), None), x, None, length=3)[0].sum()
    )(V),
    "around itself": lambda lib, f: lib.grad(
        lambda x: lib.checkpoint(lambda x: f(W, f(W, x)))(x).sum()
    )(V),
}


def policies(lib: Any) -> dict[str, Any]:
    p = lib.checkpoint_policies
    offload = {"offload_src": "device", "offload_dst": "pinned_host"}
    return {
        "no policy": None,
        "everything": p.everything_saveable,
        "nothing": p.nothing_saveable,
        "dots": p.dots_saveable,
        "checkpoint_dots": p.checkpoint_dots,
        "dots without batch": p.dots_with_no_batch_dims_saveable,
        "one name": p.save_only_these_names("first"),
        "all but one name": p.save_any_names_but_these("first"),
        "all but another": p.save_anything_except_these_names("third"),
        "both": p.save_from_both_policies(p.dots_saveable, p.save_only_these_names("second")),
        "own": lambda prim, *avals, **params: prim.name == "exp",
        "offloaded dots": p.offload_dot_with_no_batch_dims("device", "pinned_host"),
        "offloaded name": p.save_and_offload_only_these_names(
            names_which_can_be_saved=["first"], names_which_can_be_offloaded=["second"], **offload
        ),
    }


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("policy", ["no policy", "dots", "one name"])
def test_as_jax(use: str, policy: str) -> None:
    _compare(
        lambda lib, jnp: USES[use](
            lib, lib.checkpoint(layers(lib, jnp), policy=policies(lib)[policy])
        )
    )


COUNTED = ("sin", "cos", "exp", "dot_general", "mul")


def _operations(text: str) -> dict[str, int]:
    return {name: len(re.findall(rf" = {name}[ \[]", text)) for name in COUNTED}


@pytest.mark.parametrize("policy", policies(sf))
def test_as_much_is_recomputed_as_in_jax(policy: str) -> None:
    texts = []
    for lib, jnp in ((sf, sf_numpy), (jax, jax_numpy)):
        f = lib.checkpoint(layers(lib, jnp), policy=policies(lib)[policy])
        grad = lib.grad(lambda w, x, f=f: f(w, x).sum())
        texts.append(str(lib.make_jaxpr(grad)(W, V)))
    assert _operations(texts[0]) == _operations(texts[1])


def test_a_policy_reaches_into_jitted_functions() -> None:
    texts = []
    for lib, jnp in ((sf, sf_numpy), (jax, jax_numpy)):
        inner = lib.jit(lambda x, jnp=jnp: jnp.exp(jnp.sin(x)))
        policy = lambda prim, *_, **__: prim.name == "sin"  # noqa: E731
        f = lib.checkpoint(lambda x, inner=inner, jnp=jnp: jnp.exp(inner(x)), policy=policy)
        texts.append(str(lib.make_jaxpr(lib.grad(f))(1.0)))
    ours, theirs = map(_operations, texts)
    assert ours["sin"] == theirs["sin"] == 1
    assert ours["exp"] == theirs["exp"]


PRINTED: dict[str, Callable[[Any, Any], Any]] = {
    "itself": lambda lib, f: f,
    "jvp": lambda lib, f: lambda x: lib.jvp(f, (x,), (x,)),
    "grad": lambda lib, f: lib.grad(f),
    "vmap of grad": lambda lib, f: lib.vmap(lib.grad(f)),
    "vjp": lambda lib, f: lambda x: lib.vjp(f, x)[1](x),
    "grad of grad": lambda lib, f: lib.grad(lib.grad(f)),
}


@pytest.mark.parametrize("use", PRINTED)
def test_the_printed_program_is_jaxs(use: str) -> None:
    texts = []
    for lib, jnp in ((sf, sf_numpy), (jax, jax_numpy)):
        f = lib.checkpoint(lambda x, jnp=jnp: jnp.sin(jnp.sin(x)), prevent_cse=False)
        x = V if "vmap" in use else 1.0
        texts.append(str(lib.make_jaxpr(PRINTED[use](lib, f))(x)))
    assert texts[0] == texts[1]


def test_recomputation_is_not_merged_with_the_forward_pass() -> None:
    f = sf.checkpoint(lambda x: sf_numpy.sin(sf_numpy.sin(sf_numpy.sin(x))))
    source = sf.jit(sf.value_and_grad(f)).lower(1.0).as_text()
    forward, backward = source.split("# checkpoint")
    assert forward.count("np.sin") == 3
    assert forward.count("checkpoint(") == 1
    assert "np.cos" not in forward
    assert backward.count("np.sin") == 2


def test_recomputation_on_the_jax_backend() -> None:
    """The numbers, and XLA's program: three sines forward and two again, behind a barrier."""
    for prevent_cse in (True, False):
        f = sf.checkpoint(layers(sf, sf_numpy), prevent_cse=prevent_cse)
        grad = lambda w, x, f=f: sf.grad(lambda w: f(w, x).sum())(w)  # noqa: E731
        found = sf.jit(grad, backend="jax")(W, V)
        np.testing.assert_allclose(np.asarray(found), np.asarray(grad(W, V)), rtol=1e-5)
    np.testing.assert_allclose(
        np.asarray(sf.jit(f, backend="jax")(W, V)), np.asarray(f(W, V)), rtol=1e-5
    )


def test_a_function_is_traced_once() -> None:
    calls: list[int] = []

    def f(x: Any) -> Any:
        calls.append(1)
        return sf_numpy.sin(x)

    for _ in range(3):
        sf.grad(sf.checkpoint(f))(1.0)
    assert len(calls) == 1


def test_closing_over_traced_values() -> None:
    def program(lib: Any, jnp: Any) -> Any:
        def f(y: Any) -> Any:
            return lib.checkpoint(lambda x: jnp.sin(x * y))(jnp.float32(2.0))

        y = jnp.float32(3.0)
        return lib.grad(f)(y), lib.jit(lib.grad(f))(y), lib.vmap(lib.grad(f))(V)

    _compare(program)


def test_several_results_integers_and_custom_rules() -> None:
    def program(lib: Any, jnp: Any) -> Any:
        tenfold = lib.custom_vjp(jnp.sin)
        tenfold.defvjp(lambda x: (jnp.sin(x), jnp.cos(x)), lambda cos, ct: (10 * cos * ct,))

        @lib.checkpoint
        def f(d: Any, i: Any) -> Any:
            return {"a": tenfold(jnp.exp(d["x"])) * i, "i": i + 1, "y": jnp.cos(d["y"])}

        d = {"x": jnp.float32(0.3), "y": jnp.float32(0.4)}
        return (
            f(d, 2),
            lib.grad(lambda d: f(d, 2)["a"])(d),
            lib.jit(lib.grad(lambda d: f(d, 2)["y"]))(d),
        )

    _compare(program)


def test_static_arguments() -> None:
    for lib in (jax, sf):
        f = lib.checkpoint(lambda x, n: x * 2 if n == "double" else x, static_argnums=(1,))
        assert lib.grad(f)(1.0, "double") == 2.0
        with pytest.raises(lib.errors.TracerBoolConversionError):
            lib.checkpoint(lambda x: x if x > 0 else -x)(1.0)
        with pytest.raises(ValueError):
            lib.checkpoint(lambda x, n: x, static_argnums=5)(1.0, 2)
        with pytest.raises(NotImplementedError):
            lib.checkpoint(lambda x: x, concrete=True)
        with pytest.raises(TypeError):
            lib.checkpoint(lambda x: x, True)
    with pytest.raises(ValueError, match="static_argnums from -2 to 1"):
        sf.checkpoint(lambda x, n: x, static_argnums=5)(1.0, 2)
    assert (
        sf.grad(sf.checkpoint(lambda x, n: x * 2 if n else x, static_argnames="n"))(1.0, n=True)
        == 2.0
    )


def test_policies_that_are_none() -> None:
    wrong = lambda prim, *_, **__: 3  # noqa: E731
    for lib, jnp in ((jax, jax_numpy), (sf, sf_numpy)):
        with pytest.raises(TypeError):
            lib.grad(lib.checkpoint(lambda x, jnp=jnp: jnp.sin(jnp.sin(x)), policy=wrong))(1.0)
        p = lib.checkpoint_policies
        both = p.save_from_both_policies(
            p.dots_saveable, p.offload_dot_with_no_batch_dims("device", "pinned_host")
        )
        with pytest.raises(ValueError):
            lib.grad(lib.checkpoint(lambda x: (x @ x) @ x, policy=both))(V)
        with pytest.raises(ValueError):
            p.save_and_offload_only_these_names(
                names_which_can_be_saved=["a"], names_which_can_be_offloaded=["a"],
                offload_src="device", offload_dst="pinned_host",
            )  # fmt: skip


def _kept(lib: Any, f: Any) -> list[str]:
    """The lines of print_saved_residuals; JAX's tell columns as well."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        lib.ad_checkpoint.print_saved_residuals(f, W, V)
    return [re.sub(r"(\.py:\d+):\d+", r"\1", line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("policy", ["no policy", "dots", "one name", "everything", "without"])
def test_what_is_kept(policy: str) -> None:
    lines = []
    for lib, jnp in ((sf, sf_numpy), (jax, jax_numpy)):
        f = layers(lib, jnp)
        if policy != "without":
            f = lib.checkpoint(f, policy=policies(lib)[policy])
        lines.append(_kept(lib, f))
    assert lines[0] == lines[1]
    if policy == "one name":
        assert lines[0][2].startswith("f32[3] named 'first' from ")


def test_what_is_kept_of_jitted_functions_and_constants() -> None:
    for lib, jnp in ((sf, sf_numpy), (jax, jax_numpy)):
        inner = lib.jit(lambda z, jnp=jnp: jnp.sin(z) * jnp.tanh(z))
        lines = _kept(lib, lambda w, x, inner=inner: inner(w @ x) * V)
        assert sorted(line.split(" from ")[0] for line in lines) == sorted(
            ["f32[3]", "f32[3,3]", "f32[3]"] + ["f32[3] output of jitted function '<lambda>'"] * 4
        )


def test_optimization_barrier() -> None:
    def program(lib: Any, jnp: Any) -> Any:
        def f(x: Any) -> Any:
            a, b = lib.lax.optimization_barrier((jnp.sin(x), {"b": x * 2}))
            return a * b["b"]

        x = jnp.float32(0.7)
        return (
            f(x), lib.grad(f)(x), lib.jit(f)(x), lib.jvp(f, (x,), (x,)), lib.vmap(lib.grad(f))(V),
            lib.linear_transpose(lambda x: lib.lax.optimization_barrier((x, 2 * x)), x)((x, x)),
        )  # fmt: skip

    _compare(program)
    barrier = lambda lib: str(  # noqa: E731
        lib.make_jaxpr(lambda x, y: lib.lax.optimization_barrier((x, y)))(1.0, V)
    )
    assert barrier(sf) == barrier(jax)
