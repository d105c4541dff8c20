"""custom_linear_solve and custom_root: derivatives of what is found by a solver, against JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jax_numpy
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as sf_numpy

A = np.array([[4.0, 1.0, 0.5], [2.0, 5.0, 0.1], [0.3, 0.2, 3.0]], np.float32)
B = np.array([1.0, -2.0, 0.5], np.float32)


def _compare(program: Callable[[Any, Any], Any], rtol: float = 1e-4) -> None:
    ours = sf.tree.leaves(program(sf, sf_numpy))
    theirs = jax.tree.leaves(program(jax, jax_numpy))
    for a, b in zip(ours, theirs, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=rtol, atol=1e-5)


def jacobi(lib: Any, matvec: Any, b: Any) -> Any:
    """Jacobi's iteration, a loop that reverse mode cannot go through."""
    diagonal = lib.numpy.array([4.0, 5.0, 3.0], b.dtype)
    step = lambda _, x: x + (b - matvec(x)) / diagonal  # noqa: E731
    return lib.lax.fori_loop(0, 60, step, lib.numpy.zeros_like(b))


def linear(lib: Any, jnp: Any) -> Callable[[Any, Any], Any]:
    def solve(matvec: Any, b: Any) -> Any:
        return jacobi(lib, matvec, b)

    return lambda a, b: lib.lax.custom_linear_solve(lambda x: a @ x, b, solve, solve)


def symmetric(lib: Any, jnp: Any) -> Callable[[Any, Any], Any]:
    def solve(matvec: Any, b: Any) -> Any:
        return jacobi(lib, matvec, b)

    def f(a: Any, b: Any) -> Any:
        s = (a + a.T) / 2
        return lib.lax.custom_linear_solve(lambda x: s @ x, b, solve, symmetric=True)

    return f


def trees(lib: Any, jnp: Any) -> Callable[[Any, Any], Any]:
    """A diagonal operator on a dict."""

    def f(a: Any, b: Any) -> Any:
        d = a.diagonal()
        matvec = lambda x: {"p": d * x["p"], "q": d[0] * x["q"]}  # noqa: E731
        solve = lambda _, b: {"p": b["p"] / d, "q": b["q"] / d[0]}  # noqa: E731
        x = lib.lax.custom_linear_solve(matvec, {"p": b, "q": b[0]}, solve, solve)
        return x["p"] * x["q"]

    return f


def root(lib: Any, jnp: Any) -> Callable[[Any, Any], Any]:
    """x + x**3 = a @ b, elementwise, by Newton's method in a while loop."""

    def solve(f: Any, x0: Any) -> Any:
        def step(state: Any) -> Any:
            x, n = state
            return x - f(x) / (1 + 3 * x**2), n + 1

        return lib.lax.while_loop(lambda state: state[1] < 30, step, (x0, 0))[0]

    def tangent_solve(g: Any, y: Any) -> Any:
        return y / g(jnp.ones_like(y))

    def f(a: Any, b: Any) -> Any:
        rhs = a @ b
        return lib.lax.custom_root(lambda x: x + x**3 - rhs, jnp.zeros(3), solve, tangent_solve)

    return f


USES: dict[str, Callable[[Any, Any], Any]] = {
    "itself": lambda lib, f: f(A, B),
    "jit": lambda lib, f: lib.jit(f)(A, B),
    "grad": lambda lib, f: lib.grad(lambda a, b: (f(a, b) ** 2).sum(), (0, 1))(A, B),
    "grad of b": lambda lib, f: lib.grad(lambda b: (f(A, b) ** 2).sum())(B),
    "jit of grad": lambda lib, f: lib.jit(lib.grad(lambda a: f(a, B)[0]))(A),
    "grad of jit": lambda lib, f: lib.grad(lambda a: lib.jit(f)(a, B)[0])(A),
    "jvp": lambda lib, f: lib.jvp(f, (A, B), (A.T, B)),
    "hessian": lambda lib, f: lib.hessian(lambda b: (f(A, b) ** 2).sum())(B),
    "vmap of b": lambda lib, f: lib.vmap(f, (None, 0))(A, A),
    "vmap of a": lambda lib, f: lib.vmap(f, (0, None))(np.stack([A, A + np.eye(3, dtype="f")]), B),
    "vmap of grad": lambda lib, f: lib.vmap(lib.grad(lambda b: f(A, b)[1]))(A),
    "grad of vmap": lambda lib, f: lib.grad(lambda a: lib.vmap(f, (None, 0))(a, A).sum())(A),
}


@pytest.mark.thinned(2)
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("make", [linear, symmetric, trees, root])
def test_as_jax(make: Any, use: str) -> None:
    _compare(lambda lib, jnp: USES[use](lib, make(lib, jnp)))


def halve(matvec: Any, b: Any) -> Any:
    return b / 2


def test_the_printed_programs_are_jaxs() -> None:
    for use in ("itself", "jvp", "grad"):
        texts = []
        for lib in (sf, jax):
            solve = lambda a, b, lib=lib: lib.lax.custom_linear_solve(  # noqa: E731
                lambda x: a @ x, b, halve, halve
            )
            shown = {
                "itself": solve,
                "jvp": lambda a, b, f=solve, lib=lib: lib.jvp(f, (a, b), (a, b)),
                "grad": lib.grad(lambda a, b, f=solve: f(a, b).sum(), argnums=(0, 1)),
            }[use]
            texts.append(str(lib.make_jaxpr(shown)(A, B)))
        assert texts[0] == texts[1]


# matvec, solve, transpose_solve
BAD: dict[str, Any] = {
    "matvec": (lambda x: (x, x), halve, halve),
    "solve": (lambda x: x, lambda m, b: b[:1], halve),
    "transpose_solve": (lambda x: x, halve, lambda m, b: (b, b)),
}


@pytest.mark.parametrize("name", BAD)
def test_results_unlike_b(name: str) -> None:
    for lib, text in ((jax, ""), (sf, f"the function {name} of custom_linear_solve")):
        with pytest.raises(ValueError, match=text or None):
            lib.jit(
                lambda b, lib=lib: lib.lax.custom_linear_solve(BAD[name][0], b, *BAD[name][1:])
            )(B)


def test_reverse_mode_needs_a_solver_of_the_transpose() -> None:
    for lib, text in ((jax, ""), (sf, "or symmetric=True")):
        f = lambda b, lib=lib: lib.lax.custom_linear_solve(lambda x: 2 * x, b, halve)  # noqa: E731
        assert lib.jvp(f, (B,), (B,))[1].shape == (3,)
        with pytest.raises(TypeError, match=text or None):
            lib.grad(lambda b, f=f: f(b).sum())(B)


def test_solutions_with_auxiliary_data() -> None:
    def f(a: Any, b: Any) -> Any:
        solve = lambda _, b: (b / a, {"steps": 3, "a": a})  # noqa: E731
        return sf.lax.custom_linear_solve(lambda x: a * x, b, solve, solve, has_aux=True)

    assert f(2.0, B)[1] == {"steps": 3, "a": 2.0}

    def loss(a: Any, b: Any) -> Any:
        x, aux = sf.jit(f)(a, b)
        return x.sum() + f(a, b)[0].sum(), aux

    grads, aux = sf.grad(loss, (0, 1), has_aux=True)(2.0, B)
    assert aux == {"steps": 3, "a": 2.0}
    np.testing.assert_allclose(grads[0], -B.sum() / 2, rtol=1e-6)
    np.testing.assert_allclose(grads[1], np.full(3, 1.0), rtol=1e-6)
    assert sf.vmap(f, (None, 0))(2.0, B)[1]["steps"].tolist() == [3, 3, 3]


def test_roots_with_auxiliary_data() -> None:
    for lib in (jax, sf):

        def f(a: Any, lib: Any = lib) -> Any:
            return lib.lax.custom_root(
                lambda x: x**2 - a, 1.0, lambda f, x: (lib.numpy.sqrt(a), {"steps": a * 2}),
                lambda g, y: y / g(1.0), has_aux=True,
            )  # fmt: skip

        assert f(4.0)[1] == {"steps": 8.0}
        grad, aux = lib.grad(f, has_aux=True)(4.0)
        assert (grad, aux) == (0.25, {"steps": 8.0})


def test_results_unlike_the_guess() -> None:
    pair = lambda *_: (1.0, 1.0)  # noqa: E731
    half = lambda f, x: 1.0  # noqa: E731
    for lib, names in ((jax, (None, None, None)), (sf, ("solve", "f", "tangent_solve"))):
        root = lib.lax.custom_root
        with pytest.raises(TypeError, match=names[0]):
            root(lambda x: x, 1.0, pair, half)
        with pytest.raises(TypeError, match=names[1]):
            lib.jit(lambda x, root=root: root(pair, x, half, half))(1.0)
        with pytest.raises(TypeError, match=names[2]):
            lib.grad(lambda a, root=root: root(lambda x: x - a, 1.0, half, pair))(1.0)
