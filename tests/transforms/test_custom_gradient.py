"""custom_gradient, closure_convert, linear_call and the small names beside them, against JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jax_numpy
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as sf_numpy

V = np.linspace(0.5, 1.5, 3).astype(np.float32)


def _compare(program: Callable[[Any, Any], Any]) -> None:
    ours = sf.tree.leaves(program(sf, sf_numpy))
    theirs = jax.tree.leaves(program(jax, jax_numpy))
    for a, b in zip(ours, theirs, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5, atol=1e-6)


def _all_ways(lib: Any, f: Callable[[Any], Any]) -> Any:
    x = lib.numpy.float32(0.7)
    return (
        f(x),
        lib.grad(f)(x),
        lib.grad(lib.grad(f))(x),
        lib.jit(lib.grad(f))(x),
        lib.grad(lib.jit(f))(x),
        lib.vmap(lib.grad(f))(V),
        lib.grad(lambda v: lib.vmap(f)(v).sum())(V),
    )


def test_custom_gradient() -> None:
    def single(x: Any) -> Any:
        return x**2, lambda ct: ct * 7 * x

    def as_tuple(x: Any) -> Any:
        return x * x * x, lambda ct: (ct * 5 * x,)

    _compare(lambda lib, jnp: _all_ways(lib, lib.custom_gradient(single)))
    _compare(lambda lib, jnp: _all_ways(lib, lib.custom_gradient(as_tuple)))
    _compare(
        lambda lib, jnp: lib.grad(
            lib.custom_gradient(lambda x, y: (x * y, lambda ct: (ct * y, 3 * ct * x))), (0, 1)
        )(2.0, 4.0)
    )
    _compare(
        lambda lib, jnp: lib.grad(
            lambda d: lib.custom_gradient(
                lambda d: ({"o": d["a"] * d["b"]}, lambda ct: ({"a": ct["o"], "b": 2 * ct["o"]},))
            )(d)["o"]
        )({"a": 1.0, "b": 2.0})
    )


def test_custom_gradient_without_a_function() -> None:
    for lib in (jax, sf):
        with pytest.raises(TypeError):
            lib.grad(lib.custom_gradient(lambda x: x))(1.0)
    with pytest.raises(TypeError, match="return out, lambda ct"):
        sf.custom_gradient(lambda x: (x, x))(1.0)


def test_closure_convert() -> None:
    def program(lib: Any, jnp: Any) -> Any:
        """A root finder whose equation closes over what is differentiated (implicitly)."""

        def newton(f: Any, x: Any) -> Any:
            converted, values = lib.closure_convert(f, x)
            return solve(converted, x, values)

        def solve_fun(f: Any, x: Any, values: Any) -> Any:
            for _ in range(20):
                x = x - f(x, *values) / lib.grad(f)(x, *values)
            return x

        def fwd(f: Any, x: Any, values: Any) -> Any:
            root = solve_fun(f, x, values)
            return root, (root, values)

        def bwd(f: Any, res: Any, ct: Any) -> Any:
            root, values = res
            slope = lib.grad(f)(root, *values)
            _, pull = lib.vjp(lambda values: f(root, *values), values)
            return (jnp.zeros_like(root), pull(-ct / slope)[0])

        solve = lib.custom_vjp(solve_fun, nondiff_argnums=(0,))
        solve.defvjp(fwd, bwd)

        def cube_root(a: Any) -> Any:
            return newton(lambda x: x**3 - a, jnp.float32(1.0))

        return (
            cube_root(2.0),
            lib.grad(cube_root)(jnp.float32(2.0)),
            lib.jit(lib.grad(cube_root))(jnp.float32(2.0)),
        )

    _compare(program)


def test_closure_convert_takes_out_traced_floats_alone() -> None:
    def converted(lib: Any, i: Any, y: Any) -> Any:
        arr = np.arange(3, dtype=np.float32)
        f, values = lib.closure_convert(lambda d: {"out": d["x"] * y * i + arr.sum()}, {"x": 1.0})
        assert len(values) == (not isinstance(y, float))
        return f({"x": 2.0}, *values)["out"]

    for lib in (jax, sf):
        assert converted(lib, 2, 3.0) == 15.0
        assert lib.jit(lambda i, y, lib=lib: converted(lib, i, y))(2, 3.0) == 15.0
        assert lib.grad(lambda y, lib=lib: converted(lib, 2, y))(3.0) == 4.0
        f, _ = lib.closure_convert(lambda x: x, 1.0)
        with pytest.raises(TypeError):
            f({"a": 1.0})


def divide(r: Any, x: Any) -> Any:
    return x / r


def tenfold(r: Any, ct: Any) -> Any:
    return 10 * ct / r


def test_linear_call() -> None:
    def program(lib: Any, jnp: Any) -> Any:
        def f(x: Any, r: Any = 2.0) -> Any:
            return lib.custom_derivatives.linear_call(divide, tenfold, r, x)

        x = jnp.float32(3.0)
        again = lib.linear_transpose(lambda ct: lib.linear_transpose(f, x)(ct)[0], x)
        return (
            f(x),
            lib.jit(f)(x),
            lib.grad(f)(x),
            lib.jit(lib.grad(f))(x),
            lib.grad(lib.jit(f))(x),
            lib.jvp(f, (x,), (x,)),
            lib.linear_transpose(f, x)(x),
            again(x),
            lib.jit(lambda r: lib.grad(lambda x: f(x, r))(x))(4.0),
        )

    _compare(program)


def test_linear_call_over_a_batch() -> None:
    linear_call = sf.custom_derivatives.linear_call
    grad = sf.grad(lambda x, r: linear_call(divide, tenfold, r, x))
    np.testing.assert_allclose(sf.vmap(grad)(V, V), 10 / V, rtol=1e-6)
    total = sf.grad(lambda x: sf.vmap(lambda r: linear_call(divide, tenfold, r, x))(V).sum())
    np.testing.assert_allclose(total(1.0), (10 / V).sum(), rtol=1e-6)


def test_linear_call_refuses_wrong_transposes_and_derivatives_of_residuals() -> None:
    linear_call = sf.custom_derivatives.linear_call
    with pytest.raises(TypeError, match="with respect to linear_args alone"):
        sf.grad(lambda r: linear_call(divide, tenfold, r, 3.0))(2.0)
    with pytest.raises(TypeError, match="the linear arguments have structure"):
        sf.grad(lambda x: linear_call(divide, lambda r, ct: (ct, ct), 2.0, x))(1.0)
    with pytest.raises(ValueError, match=r"a result of type f32\[3\]"):
        sf.grad(lambda x: linear_call(divide, lambda r, ct: ct * V, 2.0, x))(1.0)


def test_zeros_from_primals() -> None:
    for lib in (jax, sf):
        cd = lib.custom_derivatives
        zeros = cd.zero_from_primal({"x": V, "i": np.arange(2)})
        assert zeros["i"].dtype == jax.dtypes.float0
        assert zeros["i"].shape == (2,)
        assert np.asarray(zeros["x"]).tolist() == [0, 0, 0]
        symbolic = cd.zero_from_primal(V, symbolic_zeros=True)
        assert type(symbolic) is cd.SymbolicZero
        assert (symbolic.shape, symbolic.dtype, symbolic.ndim) == ((3,), np.float32, 1)
        primals = {"a": cd.CustomVJPPrimal(1.0, True), "b": cd.CustomVJPPrimal(2.0, False)}
        assert cd.custom_vjp_primal_tree_values(primals) == {"a": 1.0, "b": 2.0}
    assert type(sf.custom_derivatives.SymbolicZero.from_primal_value(sf_numpy.ones(3))) is (
        sf.custom_derivatives.SymbolicZero
    )


def test_fwd_and_bwd() -> None:
    def program(lib: Any, jnp: Any) -> Any:
        results = []
        for argnums in (0, (0, 1)):
            for jitted in (True, False):
                fwd, bwd = lib.fwd_and_bwd(
                    lambda x, y: ({"o": jnp.sin(x) * y}, x), argnums, has_aux=True, jitted=jitted
                )
                out, residuals, aux = fwd(V, jnp.float32(2.0))
                results.append((out, aux, bwd(residuals, {"o": V})))
        fwd, bwd = lib.fwd_and_bwd(jnp.sin, argnums=0)
        return results, bwd(fwd(V)[1], V)

    _compare(program)


def test_fwd_and_bwd_compile_once() -> None:
    traced: list[int] = []

    def f(x: Any) -> Any:
        traced.append(1)
        return sf_numpy.sin(x)

    bwd: Any
    fwd, bwd = sf.fwd_and_bwd(f, 0)
    for _ in range(3):
        bwd(fwd(V)[1], V)
    assert len(traced) == 1
    assert bwd.cache_info().misses == 1
