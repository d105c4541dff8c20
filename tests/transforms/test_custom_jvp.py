"""custom_jvp under each transformation and its rules' ways to be wrong, against JAX."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jax_numpy
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as sf_numpy

V = np.linspace(0.5, 1.5, 3).astype(np.float32)

# Each makes a function of one float, with a derivative that is not its own.
Maker = Callable[[Any, Any], Callable[[Any], Any]]


def tenfold(lib: Any, jnp: Any) -> Callable[[Any], Any]:
    f = lib.custom_jvp(jnp.sin)
    f.defjvp(lambda primals, tangents: (f(*primals), 10 * jnp.cos(primals[0]) * tangents[0]))
    return f


def jitted_rule(lib: Any, jnp: Any) -> Callable[[Any], Any]:
    f = lib.custom_jvp(jnp.sin)
    f.defjvp(lib.jit(lambda primals, tangents: (f(*primals), primals[0] * tangents[0])))
    return f


def jitted_helper(lib: Any, jnp: Any) -> Callable[[Any], Any]:
    """The inner call mixes what is known with tangents, the outer one gives both back."""
    inner = lib.jit(lambda x, t: (jnp.cos(x), x * t))
    helper = lib.jit(lambda x, t: (jnp.sin(x), inner(x, t)[1] * inner(x, t)[0]))
    f = lib.custom_jvp(jnp.sin)
    f.defjvp(lambda primals, tangents: helper(primals[0], tangents[0]))
    return f


def python_if(lib: Any, jnp: Any) -> Callable[[Any], Any]:
    """Python's `if` in the function and in the rule, both on known numbers."""
    f = lib.custom_jvp(lambda x: x * 2 if x > 0 else x)

    @f.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        return f(*primals), 5 * tangents[0] if primals[0] > 0 else tangents[0]

    return f


def keyword(lib: Any, jnp: Any) -> Callable[[Any], Any]:
    f = lib.custom_jvp(lambda x, y=2.0: x * y)
    f.defjvp(lambda primals, tangents: (f(*primals), 5 * tangents[0] + 3 * tangents[1]))
    return lambda x: f(y=x, x=3.0) + f(x)


def nondiff_argnums(lib: Any, jnp: Any) -> Callable[[Any], Any]:
    f = functools.partial(lib.custom_jvp, nondiff_argnums=(0,))(lambda g, x: g(x))
    f.defjvp(lambda g, primals, tangents: (f(g, *primals), 7 * tangents[0]))
    return lambda x: f(jnp.sin, x)


def nondiff_argnames(lib: Any, jnp: Any) -> Callable[[Any], Any]:
    f = functools.partial(lib.custom_jvp, nondiff_argnames=("n",))(lambda x, n: x * n)
    f.defjvp(lambda n, primals, tangents: (f(*primals, n), n * n * tangents[0]))
    return lambda x: f(x, 3) + f(x, n=4)


EAGER: dict[str, Callable[[Any, Any], Any]] = {
    "itself": lambda lib, f: f(lib.numpy.float32(0.7)),
    "grad": lambda lib, f: lib.grad(f)(lib.numpy.float32(0.7)),
    "grad of grad": lambda lib, f: lib.grad(lib.grad(lambda x: f(x) * x))(lib.numpy.float32(0.7)),
    "jvp": lambda lib, f: lib.jvp(f, (lib.numpy.float32(0.7),), (lib.numpy.float32(2),)),
    "linearize": lambda lib, f: lib.linearize(f, lib.numpy.float32(0.7))[1](lib.numpy.float32(2)),
    "an if on the result": lambda lib, f: lib.grad(lambda x: f(x) if f(x) > 0 else x)(
        lib.numpy.float32(0.7)
    ),
}
TRACED: dict[str, Callable[[Any, Any], Any]] = {
    "jit of grad": lambda lib, f: lib.jit(lib.grad(f))(lib.numpy.float32(0.7)),
    "grad of jit": lambda lib, f: lib.grad(lib.jit(f))(lib.numpy.float32(0.7)),
    "jit of grad of jit of grad": lambda lib, f: lib.jit(lib.grad(lib.jit(lib.grad(f))))(
        lib.numpy.float32(0.7)
    ),
    "vmap of grad": lambda lib, f: lib.vmap(lib.grad(f))(V),
    "grad of vmap": lambda lib, f: lib.grad(lambda x: lib.vmap(f)(x).sum())(V),
    "hessian": lambda lib, f: lib.hessian(lambda x: lib.vmap(f)(x).sum())(V),
}
MAKERS: list[Maker] = [
    tenfold, jitted_rule, jitted_helper, keyword, nondiff_argnums, nondiff_argnames
]  # fmt: skip


@pytest.mark.thinned(2)
@pytest.mark.parametrize("use", [*EAGER, *TRACED])
@pytest.mark.parametrize("make", MAKERS)
def test_as_jax(make: Maker, use: str) -> None:
    _compare(make, (EAGER | TRACED)[use])


@pytest.mark.parametrize("use", EAGER)
def test_python_control_flow(use: str) -> None:
    _compare(python_if, EAGER[use])


def _compare(make: Maker, program: Callable[[Any, Any], Any]) -> None:
    ours = sf.tree.leaves(program(sf, make(sf, sf_numpy)))
    theirs = jax.tree.leaves(program(jax, make(jax, jax_numpy)))
    for a, b in zip(ours, theirs, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5, atol=1e-6)


# rule(jnp, primals, tangents) for the sum of a vector
BAD_RULES: dict[str, tuple[Callable[[Any, Any, Any], Any], str]] = {
    "tangent shape": (lambda jnp, p, t: (p[0].sum(), t[0]), "a tangent of type f32[3]"),
    "tangent dtype": (
        lambda jnp, p, t: (p[0].sum(), t[0].sum().astype(jnp.float16)),
        "a tangent of type f16[]",
    ),
    "structure": (lambda jnp, p, t: (p[0].sum(), (t[0].sum(),)), "tangent PyTreeDef((*,))"),
    "no pair": (lambda jnp, p, t: p[0].sum(), "a result of type"),
}


@pytest.mark.parametrize("name", BAD_RULES)
@pytest.mark.parametrize("compiled", [False, True])
def test_bad_rules(name: str, compiled: bool) -> None:
    rule, found = BAD_RULES[name]
    for lib, jnp, text in ((jax, jax_numpy, ""), (sf, sf_numpy, found)):
        f = lib.custom_jvp(lambda x: x.sum())
        f.defjvp(functools.partial(rule, jnp))
        with pytest.raises(TypeError) as caught:
            lib.grad(lib.jit(f) if compiled else f)(V)
        assert text in str(caught.value)


def test_a_rule_with_another_output_under_jit() -> None:
    f = sf.custom_jvp(lambda x: x * 2)
    f.defjvp(lambda p, t: (p[0].astype(np.float16), t[0].astype(np.float16)))
    with pytest.raises(TypeError, match="the function's own result has type"):
        sf.grad(sf.jit(f))(1.0)


def test_a_rule_that_closes_over_what_is_differentiated() -> None:
    def g(lib: Any, y: Any) -> Any:
        f = lib.custom_jvp(lambda x: x * y)
        f.defjvp(lambda p, t: (f(*p), y * t[0]))
        return f(y * 3)

    for lib in (jax, sf):
        with pytest.raises(lib.errors.UnexpectedTracerError):
            lib.grad(functools.partial(g, lib))(2.0)
        with pytest.raises(lib.errors.UnexpectedTracerError):
            lib.jvp(functools.partial(g, lib), (2.0,), (1.0,))


def test_keyword_only_arguments_have_no_tangent() -> None:
    for lib in (jax, sf):
        f = lib.custom_jvp(lambda x, *, y=2.0: x * y)
        f.defjvp(lambda p, t: (p[0], t[0]))
        assert lib.grad(f)(1.0) == 1.0
        with pytest.raises(TypeError):
            lib.grad(lambda x, f=f: f(x, y=3.0))(1.0)


def test_the_function_is_not_traced_where_its_rule_is_run() -> None:
    calls = []
    f = sf.custom_jvp(lambda x: calls.append(x) or x * 2)
    f.defjvp(lambda p, t: (p[0] * 2, t[0] * 2))
    sf.grad(f)(1.0)
    assert calls == []
