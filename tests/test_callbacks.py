"""pure_callback and io_callback: against JAX, under every transformation, on both backends."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jax_jnp
import numpy as np
import pytest
from jax.experimental import io_callback as jax_io_callback

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import errors, lax
from scratchfn.experimental import io_callback

BACKENDS = ["numpy", "jax"]
VECTOR = sf.ShapeDtypeStruct((3,), np.float32)
SCALAR = sf.ShapeDtypeStruct((), np.float32)
METHODS = ["sequential", "sequential_unrolled", "expand_dims", "broadcast_all", "legacy_vectorized"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_values_trees_and_keywords(backend: str) -> None:
    def host(x: Any, *, k: Any) -> Any:
        assert isinstance(x, sf.Array)
        return {"sum": np.sum(x), "both": (np.asarray(x) + k["k"],)}

    def f(x: Any) -> Any:
        types = {"sum": SCALAR, "both": (VECTOR,)}
        return sf.pure_callback(host, types, x, k={"k": 2.0})

    x = jnp.arange(3.0)
    for run in (f, sf.jit(f, backend=backend)):
        out = run(x)
        assert float(out["sum"]) == 3.0
        np.testing.assert_array_equal(out["both"][0], [2.0, 3.0, 4.0])


def test_programs_print_as_jaxs() -> None:
    def ours(x: Any) -> Any:
        io_callback(np.cos, VECTOR, x, ordered=True)
        return sf.pure_callback(np.sin, VECTOR, x, vmap_method="expand_dims")

    def theirs(x: Any) -> Any:
        spec = jax.ShapeDtypeStruct((3,), np.float32)
        jax_io_callback(np.cos, spec, x, ordered=True)
        return jax.pure_callback(np.sin, spec, x, vmap_method="expand_dims")

    assert str(sf.make_jaxpr(ours)(jnp.ones(3))) == str(jax.make_jaxpr(theirs)(jax_jnp.ones(3)))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", METHODS)
def test_vmap_methods_give_what_jaxs_give(method: str, backend: str) -> None:
    def shapes_seen(library: Any, numpy: Any, jit: Callable[..., Any]) -> tuple[Any, list[Any]]:
        seen = []

        def host(x: Any, y: Any) -> Any:
            seen.append((x.shape, y.shape))
            return np.sin(x) + np.asarray(y)

        def f(x: Any, y: Any) -> Any:
            spec = library.ShapeDtypeStruct((3,), np.float32)
            return library.pure_callback(host, spec, x, y, vmap_method=method)

        xs = numpy.arange(6.0).reshape(2, 3)
        out = jit(library.vmap(f, in_axes=(0, None)))(xs, numpy.ones(3))
        np.testing.assert_array_equal(out, library.vmap(f, in_axes=(0, None))(xs, numpy.ones(3)))
        return np.asarray(out), seen

    ours, our_shapes = shapes_seen(sf, jnp, lambda f: sf.jit(f, backend=backend))
    theirs, their_shapes = shapes_seen(jax, jax_jnp, jax.jit)
    np.testing.assert_array_equal(ours, theirs)
    assert our_shapes == their_shapes


def test_nested_vmap_and_a_batch_axis_that_is_not_the_first() -> None:
    def f(x: Any) -> Any:
        spec = sf.ShapeDtypeStruct((), np.float32)
        return sf.pure_callback(np.sin, spec, x, vmap_method="sequential")

    x = jnp.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(sf.vmap(sf.vmap(f), in_axes=1, out_axes=1)(x), np.sin(x), rtol=1e-6)


def test_vmap_without_a_method_is_refused() -> None:
    f = sf.vmap(lambda x: sf.pure_callback(np.sin, SCALAR, x))
    with pytest.raises(NotImplementedError, match="whether it can be given a batch"):
        f(jnp.ones(2))
    with pytest.raises(ValueError, match="vmap_method='vectorized'"):
        sf.pure_callback(np.sin, SCALAR, 1.0, vmap_method="vectorized")


def test_derivatives_are_refused_and_custom_jvp_gives_them() -> None:
    pure = lambda x: sf.pure_callback(np.sin, SCALAR, x)  # noqa: E731
    impure = lambda x: io_callback(np.sin, SCALAR, x)  # noqa: E731
    with pytest.raises(ValueError, match="custom_jvp around the call"):
        sf.grad(pure)(1.0)
    with pytest.raises(ValueError, match="derivative of an io_callback"):
        sf.jvp(impure, (1.0,), (1.0,))
    for f in (pure, impure):
        with pytest.raises(ValueError, match="transpose"):
            sf.linear_transpose(f, 1.0)(1.0)

    sin = sf.custom_jvp(pure)
    sin.defjvps(lambda t, ans, x: t * jnp.cos(x))
    assert float(sf.grad(sin)(1.0)) == pytest.approx(np.cos(1.0))
    assert float(sf.jit(sf.grad(sin))(1.0)) == pytest.approx(np.cos(1.0))


@pytest.mark.parametrize("backend", BACKENDS)
def test_io_callbacks_run_each_time_in_order(backend: str) -> None:
    calls: list[Any] = []

    def note(x: Any) -> Any:
        calls.append(float(x))
        return np.float32(len(calls))

    @sf.jit
    def inner(x: Any) -> Any:
        io_callback(note, SCALAR, x, ordered=True)  # nobody reads its result
        return x + 1

    def f(x: Any) -> Any:
        first = io_callback(note, SCALAR, x, ordered=True)
        second = io_callback(note, SCALAR, x, ordered=True)  # equal to the first, but not shared
        inner(x * 10)
        return second - first

    run = sf.jit(f, backend=backend)
    for _ in range(2):
        assert float(run(2.0)) == 1.0
    sf.effects_barrier()
    assert calls == [2.0, 2.0, 20.0] * 2


def test_effects_of_programs() -> None:
    def effects(f: Any) -> set[str]:
        return set(map(str, sf.make_jaxpr(f)(1.0).effects))

    assert effects(lambda x: sf.pure_callback(np.sin, SCALAR, x)) == set()
    assert effects(lambda x: io_callback(np.sin, SCALAR, x)) == {"IO"}
    assert effects(sf.jit(lambda x: io_callback(np.sin, None, x, ordered=True))) == {"OrderedIO"}
    assert effects(lambda x: sf.debug.print("{}", x)) == {"Debug"}
    assert effects(lambda x: sf.debug.print("{}", x, ordered=True)) == {"OrderedDebug"}


def test_a_pure_callback_that_nobody_needs_is_dropped() -> None:
    calls = []

    def f(x: Any) -> Any:
        sf.pure_callback(lambda v: calls.append(v) or v, SCALAR, x)
        return x

    assert float(sf.jit(f)(3.0)) == 3.0
    assert calls == []


def test_io_callback_over_a_batch() -> None:
    seen: list[float] = []

    def note(x: Any, y: Any) -> Any:
        seen.append(float(x))
        return np.float32(x) * 2

    f = lambda x: io_callback(note, SCALAR, x, 1.0)  # noqa: E731
    np.testing.assert_array_equal(sf.vmap(f)(jnp.arange(3.0)), [0.0, 2.0, 4.0])
    assert seen == [0.0, 1.0, 2.0]
    ordered = sf.vmap(lambda x: io_callback(note, SCALAR, x, 1.0, ordered=True))
    with pytest.raises(ValueError, match="vmap of an ordered io_callback"):
        ordered(jnp.arange(3.0))


def test_what_the_callback_raises_comes_through() -> None:
    def host(x: Any) -> Any:
        raise KeyError("mine")

    f = lambda x: sf.pure_callback(host, SCALAR, x)  # noqa: E731
    for run in (f, sf.jit(f)):
        with pytest.raises(KeyError, match="mine"):
            run(1.0)


@pytest.mark.parametrize(
    ("result", "found"),
    [
        ({"a": np.ones(4, np.float32)}, r"result\['a'\] of the callback host\n.*f32\[4\]"),
        ({"a": np.ones(3, np.int32)}, r"i32\[3\][^$]*promised f32\[3\]"),
        ({"a": np.ones(3, np.float32), "b": 1.0}, "2 arrays"),
    ],
)
def test_results_of_other_types_than_promised(result: Any, found: str) -> None:
    def host(x: Any) -> Any:
        return result

    f = lambda x: sf.pure_callback(host, {"a": VECTOR}, x)  # noqa: E731
    for run in (f, sf.jit(f)):
        with pytest.raises(errors.JaxRuntimeError, match=found):
            run(1.0)
    assert issubclass(errors.JaxRuntimeError, RuntimeError)


def test_results_are_canonical_and_the_callbacks_own_array_stays_its_own() -> None:
    own = np.ones(3)  # 64 bits, as NumPy makes them
    out = sf.pure_callback(lambda: own, VECTOR)
    assert out.dtype == np.float32
    with sf.enable_x64(True):
        wide = sf.pure_callback(lambda: own, sf.ShapeDtypeStruct((3,), np.float64))
    own[:] = 7.0
    np.testing.assert_array_equal(wide, np.ones(3))


def test_promised_types_are_checked() -> None:
    with pytest.raises(ValueError, match="without enable_x64"):
        sf.pure_callback(np.sin, jax.ShapeDtypeStruct((), np.float64), 1.0)
    with pytest.raises(TypeError, match=r"result_shape_dtypes\['a'\]"):
        sf.pure_callback(np.sin, {"a": 3}, 1.0)
    with pytest.raises(TypeError, match="an argument of pure_callback"):
        sf.pure_callback(np.sin, SCALAR, "text")


# -- inside loops and branches --------------------------------------------------------------------


def noted(calls: list[float], library: Any, io: Any, lax: Any) -> dict[str, Callable[..., Any]]:
    """Functions of a vector that call back from inside of loops and branches."""

    def note(x: Any) -> Any:
        calls.append(float(x))
        return np.float32(x) + 1

    spec = library.ShapeDtypeStruct((), np.float32)
    call = functools.partial(io, note, spec, ordered=True)

    def unread(x: Any) -> Any:
        call(x)
        return x

    return {
        "scan": lambda xs: lax.scan(lambda c, x: (c + call(x), None), 0.0, xs)[0],
        "nobody reads scan": lambda xs: lax.scan(lambda c, x: (c, unread(x)), 0.0, xs)[0],
        "while": lambda xs: lax.while_loop(lambda c: c < xs[2], call, 0.0),
        "in the condition": lambda xs: lax.while_loop(
            lambda c: call(c) < xs[2], lambda c: c + 1, 0.0
        ),
        "cond": lambda xs: lax.cond(xs[2] > 0, lambda: call(xs[1]), lambda: call(xs[2])),
        "nobody reads cond": lambda xs: lax.cond(
            xs[0] > 0, lambda: unread(1.0), lambda: unread(2.0)
        ),
    }


@pytest.mark.parametrize("backend", BACKENDS)
def test_io_inside_loops_and_branches(backend: str) -> None:
    ours: list[float] = []
    theirs: list[float] = []
    xs = np.arange(3, dtype=np.float32)
    expected = noted(theirs, jax, jax_io_callback, jax.lax)
    for name, f in noted(ours, sf, io_callback, lax).items():
        out = jax.jit(expected[name])(xs)
        jax.effects_barrier()
        for run in (f, sf.jit(f, backend=backend)):
            np.testing.assert_array_equal(run(xs), out)
            sf.effects_barrier()
            assert ours == theirs, name
            ours.clear()
        theirs.clear()


def test_io_that_some_examples_should_not_do_is_refused() -> None:
    io = lambda x: io_callback(lambda v: v, SCALAR, x)  # noqa: E731
    xs = jnp.arange(3.0)
    with pytest.raises(NotImplementedError, match="vmap of cond with a condition of its own"):
        sf.vmap(lambda x: lax.cond(x > 1, io, lambda x: x, x))(xs)
    with pytest.raises(NotImplementedError, match="vmap of while_loop"):
        sf.vmap(lambda n: lax.while_loop(lambda c: c < n, lambda c: io(c) + 1, 0.0))(xs)
    sf.vmap(lambda x: lax.cond(True, io, lambda x: x, x))(xs)
