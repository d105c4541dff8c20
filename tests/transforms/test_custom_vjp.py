"""custom_vjp under each transformation and its rules' ways to be wrong, against JAX."""

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
from scratchfn.core.dtypes import float0

V = np.linspace(0.5, 1.5, 3).astype(np.float32)
W = np.linspace(-1.0, 2.0, 6).reshape(3, 2).astype(np.float32)

# Each makes a function of one float, with a derivative that is not its own.
Maker = Callable[[Any, Any], Callable[[Any], Any]]


def tenfold(lib: Any, jnp: Any) -> Callable[[Any], Any]:
    f = lib.custom_vjp(jnp.sin)
    f.defvjp(lambda x: (jnp.sin(x), jnp.cos(x)), lambda cos, ct: (10 * cos * ct,))
    return f


def jitted_rules(lib: Any, jnp: Any) -> Callable[[Any], Any]:
    f = lib.custom_vjp(jnp.sin)
    f.defvjp(lib.jit(lambda x: (f(x), x)), lib.jit(lambda x, ct: (x * ct,)))
    return f


def two_arguments(lib: Any, jnp: Any) -> Callable[[Any], Any]:
    f = lib.custom_vjp(lambda x, y=2.0: x * y)
    f.defvjp(lambda x, y: (x * y, (y,)), lambda res, ct: (5 * res[0] * ct, None))
    return lambda x: f(y=x, x=3.0) + f(x)


def trees(lib: Any, jnp: Any) -> Callable[[Any], Any]:
    f = lib.custom_vjp(lambda d: {"out": d["a"] * d["b"][0], "n": 3})
    f.defvjp(
        lambda d: ({"out": d["a"] * d["b"][0], "n": 3}, (d["a"], None, 2)),
        lambda res, ct: ({"a": None, "b": (res[0] * ct["out"] * res[2], None)},),
    )
    return lambda x: f({"a": jnp.exp(x), "b": (x, x * 2)})["out"]


def integer(lib: Any, jnp: Any) -> Callable[[Any], Any]:
    f = lib.custom_vjp(lambda x, i: (x * i, i + 1))
    f.defvjp(lambda x, i: ((x * i, i + 1), i), lambda i, ct: (ct[0] * i * 7, None))
    return lambda x: f(x, 3)[0]


def nondiff_argnums(lib: Any, jnp: Any) -> Callable[[Any], Any]:
    f = functools.partial(lib.custom_vjp, nondiff_argnums=(1,))(lambda x, g: g(x))
    f.defvjp(lambda x, g: (g(x), x), lambda g, x, ct: (7 * g(x) * ct,))
    return lambda x: f(x, jnp.sin)


def nondiff_argnames(lib: Any, jnp: Any) -> Callable[[Any], Any]:
    f = functools.partial(lib.custom_vjp, nondiff_argnames=("n",))(lambda n, x: x * n)
    f.defvjp(lambda n, x: (x * n, None), lambda n, _, ct: (n * n * ct,))
    return lambda x: f(3, x) + f(4, x=x)


def inside_custom_jvp(lib: Any, jnp: Any) -> Callable[[Any], Any]:
    """The primal part of a custom_jvp rule is differentiated again by what is around it."""
    inner = tenfold(lib, jnp)
    f = lib.custom_jvp(inner)
    f.defjvp(lambda primals, tangents: (inner(*primals), inner(primals[0]) * tangents[0]))
    return f


def nested(lib: Any, jnp: Any) -> Callable[[Any], Any]:
    """A custom_vjp function in both rules of another."""
    inner = tenfold(lib, jnp)
    f = lib.custom_vjp(lambda x: inner(x) * x)
    f.defvjp(lambda x: (inner(x) * x, x), lambda x, ct: (inner(x) * ct,))
    return f


USES: dict[str, Callable[[Any, Any], Any]] = {
    "itself": lambda lib, f: f(lib.numpy.float32(0.7)),
    "grad": lambda lib, f: lib.grad(f)(lib.numpy.float32(0.7)),
    "grad of grad": lambda lib, f: lib.grad(lib.grad(lambda x: f(x) * x))(lib.numpy.float32(0.7)),
    "vjp": lambda lib, f: lib.vjp(f, lib.numpy.float32(0.7))[1](lib.numpy.float32(2)),
    "jvp of grad": lambda lib, f: lib.jvp(
        lib.grad(f), (lib.numpy.float32(0.7),), (lib.numpy.float32(2),)
    ),
    "jit": lambda lib, f: lib.jit(f)(lib.numpy.float32(0.7)),
    "jit of grad": lambda lib, f: lib.jit(lib.grad(f))(lib.numpy.float32(0.7)),
    "grad of jit": lambda lib, f: lib.grad(lib.jit(f))(lib.numpy.float32(0.7)),
    "grad of jit of grad": lambda lib, f: lib.grad(lib.jit(lib.grad(f)))(lib.numpy.float32(0.7)),
    "vmap": lambda lib, f: lib.vmap(f)(V),
    "vmap of grad": lambda lib, f: lib.vmap(lib.grad(f))(V),
    "grad of vmap": lambda lib, f: lib.grad(lambda x: lib.vmap(f)(x).sum())(V),
    "grad of vmap of jit": lambda lib, f: lib.grad(lambda x: lib.vmap(lib.jit(f))(x).sum())(V),
    "grad of jit of vmap": lambda lib, f: lib.grad(lib.jit(lambda x: lib.vmap(f)(x).sum()))(V),
    "two vmaps": lambda lib, f: lib.grad(
        lambda x: lib.vmap(lib.vmap(f), in_axes=1, out_axes=1)(x).sum()
    )(W),
    "a scan's body": lambda lib, f: lib.grad(
        lambda x: lib.lax.scan(lambda c, _: (f(c), f(c) * 2), x, None, length=3)[1].sum()
    )(lib.numpy.float32(0.7)),
    "jit of a scan over xs": lambda lib, f: lib.jit(
        lib.grad(lambda xs: lib.lax.scan(lambda c, x: (c + f(x), None), 0.0, xs)[0])
    )(V),
    "vmap of grad of a scan": lambda lib, f: lib.vmap(
        lib.grad(lambda x: lib.lax.scan(lambda c, _: (f(c), None), x, None, length=2)[0])
    )(V),
    "grad of vmap of a scan": lambda lib, f: lib.grad(
        lambda x: lib.vmap(
            lambda x: lib.lax.scan(lambda c, _: (f(c), None), x, None, length=2)[0]
        )(x).sum()
    )(V),
    "a branch": lambda lib, f: lib.grad(lambda x: lib.lax.cond(x > 0, f, lambda x: x, x))(
        lib.numpy.float32(0.7)
    ),
    "a while loop": lambda lib, f: lib.lax.while_loop(
        lambda s: s[1] < 3, lambda s: (f(s[0]), s[1] + 1), (lib.numpy.float32(0.7), 0)
    ),
    "a checkpoint": lambda lib, f: lib.grad(lib.checkpoint(f))(lib.numpy.float32(0.7)),
    "jacrev of vmap": lambda lib, f: lib.jacrev(lib.vmap(f))(V),
    "an if on the result": lambda lib, f: lib.grad(lambda x: f(x) if f(x) > 0 else x)(
        lib.numpy.float32(0.7)
    ),
}  # fmt: skip
MAKERS: list[Maker] = [
    tenfold, jitted_rules, two_arguments, trees, integer, nondiff_argnums, nondiff_argnames,
    inside_custom_jvp, nested,
]  # fmt: skip


@pytest.mark.thinned(3)
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("make", MAKERS)
def test_as_jax(make: Maker, use: str) -> None:
    _compare(lambda lib, jnp: USES[use](lib, make(lib, jnp)))


def _compare(program: Callable[[Any, Any], Any]) -> None:
    try:
        theirs = jax.tree.leaves(program(jax, jax_numpy))
    except TypeError:  # a custom_vjp function in a rule, and forward mode through the rule
        with pytest.raises(TypeError, match="forward mode"):
            program(sf, sf_numpy)
        return
    ours = sf.tree.leaves(program(sf, sf_numpy))
    for a, b in zip(ours, theirs, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5, atol=1e-6)


def test_arguments_that_are_not_mapped_get_the_sum_of_their_cotangents() -> None:
    def program(lib: Any, jnp: Any) -> Any:
        f = lib.custom_vjp(lambda w, x: w @ x)
        f.defvjp(
            lambda w, x: (w @ x, (w, x)),
            lambda res, ct: (jnp.outer(ct, res[1]), res[0].T @ ct),
        )
        loss = lambda w, xs: (lib.vmap(f, (None, 0))(w, xs) ** 2).sum()  # noqa: E731
        return lib.grad(loss, (0, 1))(W.T, W[:, [0, 1, 0]]), lib.jit(lib.grad(loss))(
            W.T, W[:, [0, 1, 0]]
        )

    _compare(program)


def test_the_printed_program_is_jaxs() -> None:
    def text(lib: Any) -> str:
        def f(x: Any, y: Any) -> Any:
            return lib.numpy.sin(x) * y

        def f_fwd(x: Any, y: Any) -> Any:
            return f(x, y), (lib.numpy.cos(x), y)

        def f_bwd(res: Any, ct: Any) -> Any:
            return res[0] * ct * res[1], ct

        custom = lib.custom_vjp(f)
        custom.defvjp(f_fwd, f_bwd)
        shown = [custom, lib.vmap(custom), lib.grad(custom)]
        arguments = [(1.0, 2.0), (V, V), (1.0, 2.0)]
        return "\n".join(
            str(lib.make_jaxpr(g)(*xs)) for g, xs in zip(shown, arguments, strict=True)
        )

    assert text(sf) == text(jax)


def test_forward_mode_is_refused() -> None:
    programs: list[Callable[[Any, Any], Any]] = [
        lambda lib, f: lib.jvp(f, (1.0,), (1.0,)),
        lambda lib, f: lib.jit(lambda x: lib.jvp(f, (x,), (x,)))(1.0),
        lambda lib, f: lib.jvp(lib.jit(f), (1.0,), (1.0,)),
        lambda lib, f: lib.jacfwd(f)(1.0),
        lambda lib, f: lib.linearize(f, 1.0)[1](1.0),
    ]
    for program in programs:
        with pytest.raises(TypeError):
            program(jax, tenfold(jax, jax_numpy))
        with pytest.raises(TypeError, match="custom_jvp for the function, which gives both modes"):
            program(sf, tenfold(sf, sf_numpy))


def identity(x: Any) -> Any:
    return x


def keep(x: Any) -> Any:
    return x, x


# fwd and bwd for the identity of a vector, the class of the error, and what its text says
BAD_RULES: dict[str, tuple[Any, Any, type[Exception], str]] = {
    "fwd, no pair": (identity, lambda r, ct: (ct,), TypeError, "a result of type"),
    "bwd, no tuple": (keep, lambda r, ct: ct, TypeError, "a result of structure PyTreeDef(*)"),
    "bwd, too many": (keep, lambda r, ct: (ct, ct), TypeError, "structure PyTreeDef((*, *))"),
    "bwd, structure": (keep, lambda r, ct: ({"a": ct},), TypeError,
                       "structure PyTreeDef(({'a': *},))"),
    "bwd, shape": (keep, lambda r, ct: (ct.sum(),), ValueError,
                   "a cotangent of type f32[] for x, of type f32[3]"),
    "bwd, no array": (keep, lambda r, ct: ("a",), TypeError, "'a' of type str"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_RULES)
@pytest.mark.parametrize("compiled", [False, True])
def test_bad_rules(name: str, compiled: bool) -> None:
    fwd, bwd, error, found = BAD_RULES[name]
    for lib, text in ((jax, ""), (sf, found)):
        f = lib.custom_vjp(identity)
        f.defvjp(fwd, bwd)
        g = lib.jit(f) if compiled else f
        with pytest.raises(error) as caught:
            lib.grad(lambda x, g=g: g(x).sum())(V)
        assert text in str(caught.value)


def test_a_fwd_with_another_output_under_jit() -> None:
    f = sf.custom_vjp(lambda x: x * 2)
    f.defvjp(lambda x: (x.astype(np.float16), x), lambda x, ct: (ct,))
    with pytest.raises(TypeError, match="the function's own result has type"):
        sf.grad(sf.jit(f))(1.0)


def test_a_list_and_another_dtype_are_taken_as_cotangents() -> None:
    f = sf.custom_vjp(identity)
    f.defvjp(keep, lambda x, ct: [ct.astype(np.float16)])
    assert sf.grad(lambda x: f(x).sum())(V).dtype == np.float32


def test_no_rule() -> None:
    for lib in (jax, sf):
        with pytest.raises(AttributeError):
            lib.custom_vjp(identity)(1.0)


def test_closing_over_what_is_differentiated() -> None:
    def g(lib: Any, y: Any) -> Any:
        f = lib.custom_vjp(lambda x: x * y)
        f.defvjp(lambda x: (x * y, y), lambda y, ct: (ct * y,))
        return f(y * 3)

    for lib in (jax, sf):
        with pytest.raises(lib.errors.UnexpectedTracerError):
            lib.grad(functools.partial(g, lib))(2.0)
    with pytest.raises(sf.errors.UnexpectedTracerError, match="pass the value as an argument"):
        sf.grad(sf.jit(functools.partial(g, sf)))(2.0)


@pytest.mark.parametrize("decorator", ["custom_vjp", "custom_jvp"])
def test_closing_over_what_is_mapped(decorator: str) -> None:
    def program(lib: Any, jnp: Any) -> Any:
        def g(x: Any, y: Any) -> Any:
            if decorator == "custom_vjp":
                f = lib.custom_vjp(lambda x: x * y)
                f.defvjp(lambda x: (x * y, y), lambda y, ct: ((ct * y * 2).sum(),))
            else:
                f = lib.custom_jvp(lambda x: x * y)
                f.defjvp(lambda p, t: (p[0] * y, t[0] * y * 2))
            return f(x)

        loss = lambda x: lib.vmap(g)(x, W).sum()  # noqa: E731
        return (
            lib.grad(loss)(V),
            lib.jit(lib.grad(loss))(V),
            lib.vmap(lib.grad(lambda x, y: g(x, y).sum()))(V, W),
        )

    _compare(program)


def test_settings_must_not_be_traced() -> None:
    for lib in (jax, sf):
        f = lib.custom_vjp(lambda c, x: c * x, nondiff_argnums=(0,))
        f.defvjp(lambda c, x: (c * x, None), lambda c, _, ct: (c * ct,))
        assert lib.grad(lambda x, f=f, lib=lib: f(lib.numpy.array(3.0), x))(1.0) == 3.0
        with pytest.raises(lib.errors.UnexpectedTracerError):
            lib.grad(lambda x, f=f: f(x, x))(1.0)


def test_settings_of_custom_jvp_may_be_traced_and_are_constants() -> None:
    for lib in (jax, sf):
        f = lib.custom_jvp(lambda c, x: c * x, nondiff_argnums=(0,))
        f.defjvp(lambda c, p, t: (c * p[0], c * t[0]))
        assert lib.grad(lambda x, f=f: f(3 * x, x))(1.0) == 3.0
        assert lib.jit(lib.grad(lambda x, f=f: f(3 * x, x)))(1.0) == 3.0


def test_keyword_only_arguments_have_no_cotangent() -> None:
    for lib in (jax, sf):
        f = lib.custom_vjp(lambda x, *, y=2.0: x * y)
        f.defvjp(lambda x: (x * 2.0, None), lambda _, ct: (ct,))
        assert lib.grad(f)(1.0) == 1.0
        with pytest.raises(TypeError):
            f(1.0, y=3.0)


def test_an_unknown_name() -> None:
    with pytest.raises(ValueError, match="nondiff_argnames with one of these"):
        sf.custom_vjp(lambda x: x, nondiff_argnames=("z",))


def test_float0_cotangents_of_integers() -> None:
    seen: Any = []
    for lib in (jax, sf):
        f = lib.custom_vjp(lambda x, i: (x, i))
        f.defvjp(
            lambda x, i: ((x, i), None),
            lambda _, ct: (ct[0], seen.append(ct[1].dtype) or np.zeros((), float0)),
        )
        assert lib.grad(lambda x, f=f: f(x, 3)[0])(2.0) == 1.0
        grads = lib.grad(lambda x, i, f=f: f(x, i)[0], (0, 1), allow_int=True)(2.0, 3)
        assert grads[1].dtype == jax.dtypes.float0
    assert set(seen) == {jax.dtypes.float0}


def test_symbolic_zeros() -> None:
    seen: dict[str, list[Any]] = {}
    for name, lib in (("jax", jax), ("sf", sf)):
        symbolic = lib.custom_derivatives.SymbolicZero
        log = seen.setdefault(name, [])

        def fwd(x: Any, y: Any, log: list[Any] = log) -> Any:
            log.append((x.perturbed, y.perturbed))
            return (x.value * y.value, x.value), (x.value, y.value)

        def bwd(res: Any, ct: Any, log: list[Any] = log, symbolic: Any = symbolic) -> Any:
            log.append([type(c) is symbolic for c in ct])
            return ct[0] * res[1], None

        f = lib.custom_vjp(lambda x, y: (x * y, x))
        f.defvjp(fwd, bwd, symbolic_zeros=True)
        loss = lambda x, f=f: f(x, 3.0)[0]  # noqa: E731
        results = lib.grad(loss)(2.0), lib.grad(lib.jit(loss))(2.0), lib.vmap(lib.grad(loss))(V)[0]
        assert list(map(float, results)) == [3.0, 3.0, 3.0]
    assert seen["sf"][:4] == seen["jax"][:4]


def test_neither_function_nor_rules_are_traced_where_they_are_not_needed() -> None:
    calls: Any = []
    f = sf.custom_vjp(lambda x: calls.append("f") or x * 2)
    f.defvjp(lambda x: (calls.append("fwd") or x * 2, None), lambda _, ct: (ct * 2,))
    sf.grad(f)(1.0)
    assert calls == ["fwd"]
    sf.vmap(f)(V)
    assert calls == ["fwd", "f"]


def test_residuals_are_those_of_their_own_call() -> None:
    """The structure of residuals may differ from one trace to the next."""
    f = sf.custom_vjp(lambda x: x * 2)
    f.defvjp(
        lambda x: (x * 2, [x] * (x.ndim + 1)),
        lambda res, ct: (ct * len(res),),
    )
    assert sf.grad(f)(1.0) == 1.0
    assert sf.grad(lambda x: f(x).sum())(V).tolist() == [2, 2, 2]
    assert sf.vmap(sf.grad(f))(V).tolist() == [1, 1, 1]


@pytest.mark.parametrize("decorator", ["custom_vjp", "custom_jvp"])
def test_collectives_in_function_and_rules(decorator: str) -> None:
    def program(lib: Any, jnp: Any) -> Any:
        def f(x: Any) -> Any:
            return jnp.sin(x) * lib.lax.psum(x, "i")

        custom = getattr(lib, decorator)(f)
        if decorator == "custom_vjp":
            custom.defvjp(lambda x: (f(x), x), lambda x, ct: (ct * 3 + lib.lax.psum(x * ct, "i"),))
        else:
            custom.defjvp(lambda p, t: (f(*p), t[0] * lib.lax.pmean(p[0], "i")))
        mapped = lib.vmap(custom, axis_name="i")
        jitted = lib.vmap(lib.jit(custom), axis_name="i")
        loss = lambda x: (mapped(x) * V).sum()  # noqa: E731
        return (
            mapped(V), lib.grad(loss)(V), lib.jit(lib.grad(loss))(V),
            lib.grad(lambda x: (jitted(x) * V).sum())(V),
            lib.vmap(lib.grad(custom), axis_name="i")(V),
        )  # fmt: skip

    _compare(program)


def test_on_the_jax_backend() -> None:
    f = tenfold(sf, sf_numpy)
    for program in (f, sf.vmap(f), sf.vmap(sf.grad(f)), sf.grad(lambda x: sf.jit(f)(x[0]))):
        x = V[0] if program is f else V
        found = np.asarray(sf.jit(program, backend="jax")(x))
        np.testing.assert_allclose(found, np.asarray(program(x)), rtol=1e-6)
