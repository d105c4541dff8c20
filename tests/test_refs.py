"""Refs: reading and writing, in plain Python and inside of what is transformed; against JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import errors, lax, new_ref

X = np.arange(4, dtype=np.float32)


def steps(library: Any) -> list[Any]:
    """What is seen of a ref on the way."""
    jnp, ref = library.numpy, library.ref
    r = library.new_ref(jnp.asarray(X))
    seen = [r[...], r[0], r[1:], r[()]]
    r[0] = 5.0
    r[1:] += 2
    seen.append(r[...])
    seen += [ref.swap(r, 1, 7.0), ref.get(r), ref.get(r, 2)]
    r.addupdate(1.5, 2)
    ref.addupdate(r, slice(0, 2), jnp.ones(2))
    ref.set(r, jnp.array([0, 3]), jnp.zeros(2))
    return [*seen, library.freeze(r)]


def test_as_jax_in_plain_python() -> None:
    for ours, theirs in zip(steps(sf), steps(jax), strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype
    assert repr(new_ref(jnp.asarray(X))) == repr(jax.new_ref(jax.numpy.asarray(X)))
    ref = new_ref(jnp.asarray(X))
    assert (ref.shape, ref.dtype, ref.ndim, ref.size, len(ref)) == ((4,), jnp.float32, 1, 4, 4)
    assert isinstance(ref, sf.Ref) and not isinstance(ref, sf.Array)
    assert str(ref.aval) == "Ref{float32[4]}"
    assert list(ref) == list(X)


def polynomial(library: Any) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        r = library.new_ref(x)
        r[...] *= x
        r[...] += 1.0
        return r[...] * x

    return f


def scanned(library: Any) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        r = library.new_ref(library.numpy.zeros(3))

        def body(c: Any, i: Any) -> Any:
            r[i] = c
            return c * x, r[i] + 1

        _, ys = library.lax.scan(body, x, library.numpy.arange(3))
        return r[...].sum() * ys.sum()

    return f


def counted(library: Any) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        r = library.new_ref(x)

        def body(i: Any, _: Any) -> None:
            r[...] = r[...] * x

        library.lax.fori_loop(0, 3, body, None)
        return r[...]

    return f


@pytest.mark.parametrize("make", [polynomial, scanned, counted])
def test_inside_of_a_function(make: Any) -> None:
    ours, theirs = make(sf), make(jax)
    x, xs = 1.5, np.array([1.0, -2.0, 0.5], np.float32)
    for transform in (
        lambda lib, f: f,
        lambda lib, f: lib.jit(f),
        lambda lib, f: lib.grad(f),
        lambda lib, f: lib.jit(lib.grad(f)),
    ):
        out, expected = transform(sf, ours)(x), transform(jax, theirs)(x)
        np.testing.assert_allclose(out, expected, rtol=1e-6)
        np.testing.assert_allclose(
            sf.vmap(transform(sf, ours))(xs), jax.vmap(transform(jax, theirs))(xs), rtol=1e-6
        )


def test_branches_and_conditions() -> None:
    def f(x: Any) -> Any:
        r = new_ref(x)

        def double() -> None:
            r[...] *= 2.0

        lax.cond(x > 0, double, lambda: None)
        lax.switch(1, [lambda: None, double])
        lax.while_loop(lambda c: r[...] < 50.0, lambda c: (double(), c + 1)[1], 0)
        return r[...]

    for x in (3.0, -3.0 + 60.0):
        expected = x * 4
        while expected < 50:
            expected *= 2
        assert float(f(x)) == float(sf.jit(f)(x)) == expected

    def g(x: Any) -> Any:
        r = new_ref(x)
        lax.cond(x > 0, lambda: r.__setitem__(..., r[...] * x), lambda: None)
        return r[...]

    assert float(sf.jit(sf.grad(g))(3.0)) == 6.0
    np.testing.assert_array_equal(sf.vmap(sf.grad(g))(jnp.array([3.0, -3.0])), [6.0, 1.0])


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_jit_is_given_refs_and_closes_over_them(backend: str) -> None:
    traces = []
    total = new_ref(0.0)

    def f(ref: Any, x: Any, *, n: int) -> Any:
        traces.append(n)
        ref[0] = x * n
        total[...] += x
        return ref[...].sum()

    f = sf.jit(f, static_argnames="n", backend=backend)
    a, b = new_ref(jnp.zeros(3)), new_ref(jnp.ones(3))
    assert float(f(a, 2.0, n=3)) == 6.0
    assert float(f(b, 1.0, n=3)) == 5.0
    assert float(f(b, 1.0, n=4)) == 6.0
    assert (a[...].tolist(), b[...].tolist()) == ([6.0, 0.0, 0.0], [4.0, 1.0, 1.0])
    assert float(total[...]) == 4.0
    count = len(traces)
    for _ in range(3):
        f(a, 2.0, n=3)
    assert len(traces) == count  # and nothing is traced again
    total[...] = 100.0  # read anew at each call
    f(a, 1.0, n=3)
    assert float(total[...]) == 101.0


def test_map_goes_row_by_row() -> None:
    def run(lib: Any) -> list[Any]:
        total = lib.new_ref(lib.numpy.zeros(2))

        def add(x: Any) -> Any:
            total[0] += x
            return total[0] * 2

        seen = [lib.lax.map(add, lib.numpy.asarray(X)), total[...]]
        return [*seen, lib.jit(lambda xs: lib.lax.map(add, xs))(lib.numpy.asarray(X)), total[...]]

    for ours, theirs in zip(run(sf), run(jax), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    scale = new_ref(2.0)
    doubled = lax.map(lambda x: x * scale[...], jnp.asarray(X), batch_size=3)
    np.testing.assert_array_equal(doubled, X * 2)


def test_jit_in_jit_in_a_loop() -> None:
    total = new_ref(0.0)

    @sf.jit
    def add(x: Any) -> None:
        total[...] += x

    @sf.jit
    def outer(xs: Any) -> Any:
        add(10.0)
        _, seen = lax.scan(lambda c, x: (c, (add(x), total[...])[1]), 0.0, xs)
        return seen

    np.testing.assert_array_equal(outer(X), [10.0, 11.0, 13.0, 16.0])
    assert float(total[...]) == 16.0
    with sf.disable_jit():
        outer(X)
    assert float(total[...]) == 32.0
    with sf.checking_leaks():
        outer(X)


def test_writes_that_would_leak_are_refused() -> None:
    outside = new_ref(0.0)

    def f(x: Any) -> Any:
        outside[...] = x
        return x

    for run in (sf.grad(f), sf.jit(sf.grad(f)), lambda x: sf.vmap(f)(jnp.ones(2))):
        with pytest.raises(errors.UnexpectedTracerError, match="the ref is from outside"):
            run(3.0)
    assert float(outside[...]) == 0.0

    def g(x: Any) -> Any:
        outside[...] = lax.stop_gradient(x)
        return x * outside[...]

    assert float(sf.grad(g)(3.0)) == 3.0
    assert float(outside[...]) == 3.0
    np.testing.assert_array_equal(sf.vmap(lambda x: x + outside[...])(X), X + 3.0)


def test_refusals() -> None:
    ref = new_ref(jnp.asarray(X))
    for index, value, found in (
        (0, jnp.int32(1), r"i32\[\]"),
        (..., 1.0, r"f32\[\]"),
        (..., jnp.ones(2), r"f32\[2\]"),
    ):
        with pytest.raises(ValueError, match=f"Found: a value of type {found}"):
            ref[index] = value
        with pytest.raises(ValueError, match=r"ref\.addupdate"):
            ref.addupdate(value, index)
    with pytest.raises(ValueError, match="the same Ref as two"):
        sf.jit(lambda a, b: a[...] + b[...])(ref, ref)
    with pytest.raises(ValueError, match="a Ref that is one of its arguments and that it closes"):
        sf.jit(lambda r: r.__setitem__(0, ref[1]))(ref)
    for returns in (lambda: sf.jit(lambda: new_ref(1.0))(), lambda: sf.jit(lambda r: r)(ref)):
        with pytest.raises(ValueError, match="it cannot be returned or carried"):
            returns()
    with pytest.raises(TypeError, match="type Ref"):
        jnp.sin(ref)
    with pytest.raises(TypeError, match="it works on what new_ref makes"):
        sf.freeze(X)
    with pytest.raises(ValueError, match="only jit, scan, while_loop"):
        sf.checkpoint(lambda x: ref[0] * x)(1.0)
    with pytest.raises(ValueError, match="only jit, scan, while_loop"):
        sf.make_jaxpr(lambda x: ref[0] * x)(1.0)
    with pytest.raises(ValueError, match="whose condition writes to a Ref"):
        lax.while_loop(lambda c: (ref.addupdate(1.0, 0), c < 3)[1], lambda c: c + 1, 0)
    leaked = []
    sf.jit(lambda r: leaked.append(r))(ref)
    for use in (lambda: leaked[0][...], lambda: leaked[0].__setitem__(0, 1.0)):
        with pytest.raises(errors.UnexpectedTracerError, match="which has ended"):
            use()
    np.testing.assert_array_equal(ref[...], X)


def test_known_indices_are_in_bounds() -> None:
    """As in JAX, but inside of jit and for negative ones too."""
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    ours, theirs = new_ref(jnp.asarray(x)), jax.new_ref(jax.numpy.asarray(x))
    for index in (2, (0, 3), (slice(1), 3), (..., 3), (0, ..., 3), np.int32(5)):
        for ref in (ours, theirs):
            with pytest.raises(ValueError, match="bound"):
                ref[index]
            with pytest.raises(ValueError, match="bound"):
                ref[index] = 1.0
    with pytest.raises(ValueError, match=r"the index -3 on axis 0 of a Ref\{float32\[2,3\]\}"):
        ours[jnp.asarray(-3)]
    with pytest.raises(ValueError, match="an index from -3 to 2"):
        sf.jit(lambda ref: ref[None, 0, 3])(ours)
    assert ours[None, -2, True, 2].shape == (1, 1)
    assert ours[jnp.array([True, False]), 2].shape == (1,)
    np.testing.assert_array_equal(ours[jnp.array([9]), 0], theirs[jax.numpy.array([9]), 0])
    np.testing.assert_array_equal(sf.jit(lambda i: ours[i])(9), x[-1])


# -- arguments of what is transformed -------------------------------------------------------------


def fill(x: Any, ref: Any) -> Any:
    ref[0] = 2 * x
    ref[1] += x
    return x - 1


def parts(x: Any, *, ref: Any) -> None:
    ref["a"][...] = ref["b"][...] * x


@pytest.mark.parametrize("transform", ["vmap", "jit of vmap", "vmap of jit", "vmap of grad"])
def test_mapped_over(transform: str) -> None:
    """Each example has its part of a ref to itself."""

    def run(lib: Any) -> list[Any]:
        stop = lib.lax.stop_gradient
        f = {
            "vmap": lambda: lib.vmap(fill, (0, 1)),
            "jit of vmap": lambda: lib.jit(lib.vmap(fill, (0, -1))),
            "vmap of jit": lambda: lib.vmap(lib.jit(fill), (0, 1)),
            "vmap of grad": lambda: lib.vmap(lib.grad(lambda x, r: fill(stop(x), r) * x), (0, 1)),
        }[transform]()
        ref = lib.new_ref(lib.numpy.ones((2, 4)))
        return [f(lib.numpy.asarray(X), ref), ref[...], f(lib.numpy.asarray(X), ref), ref[...]]

    for ours, theirs in zip(run(sf), run(jax), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_mapped_over_twice_and_in_trees() -> None:
    def distance(x: Any, y: Any, out: Any) -> None:
        out[...] = ((x - y) ** 2).sum()

    points = jnp.arange(6.0).reshape(3, 2)
    out = new_ref(jnp.zeros((3, 3)))
    sf.vmap(sf.vmap(distance, (0, None, 0)), (None, 0, 0))(points, points, out)
    np.testing.assert_array_equal(out[...], [[0, 8, 32], [8, 0, 8], [32, 8, 0]])
    ref = {"a": new_ref(jnp.zeros(4)), "b": new_ref(jnp.ones(4))}
    sf.vmap(parts)(X, ref=ref)
    np.testing.assert_array_equal(ref["a"][...], X)
    same = new_ref(3.0)
    np.testing.assert_array_equal(sf.vmap(lambda x, r: x * r[...], (0, None))(X, same), X * 3)
    with pytest.raises(errors.UnexpectedTracerError, match="the ref is from outside"):
        sf.vmap(lambda x, r: r.__setitem__(..., x), (0, None))(X, same)
    with pytest.raises(ValueError, match="the same Ref as two of its arguments"):
        sf.vmap(lambda a, b: None)(ref["a"], ref["a"])
    with pytest.raises(ValueError, match=r"f32\[4\] has size 4 along axis 0"):
        sf.vmap(lambda x, r: x)(jnp.ones(3), ref["a"])


def stash(lib: Any) -> Any:
    """The identity, which puts the gradient that comes back through it into a ref."""

    @lib.custom_vjp
    def f(ref: Any, x: Any) -> Any:
        return x

    def bwd(ref: Any, ct: Any) -> Any:
        ref[...] = ct
        return None, ct

    f.defvjp(lambda ref, x: (x, ref), bwd)
    return f


@pytest.mark.parametrize("jit", ["grad", "jit of grad", "vmap of grad"])
def test_rules_of_custom_vjp_are_given_refs(jit: str) -> None:
    def run(lib: Any) -> list[Any]:
        keep, x = stash(lib), 0.5 if jit != "vmap of grad" else lib.numpy.asarray(X)
        ref = lib.new_ref(lib.numpy.zeros(np.shape(x)))
        df = lib.grad(lambda x, ref: lib.numpy.sin(keep(ref, 3 * x)))
        df = {"grad": df, "jit of grad": lib.jit(df), "vmap of grad": lib.vmap(df)}[jit]
        return [df(x, ref), ref[...], lib.jit(keep)(ref, x)]

    for ours, theirs in zip(run(sf), run(jax), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    ref = new_ref(0.0)
    with pytest.raises(ValueError, match="only jit, scan, while_loop"):
        sf.grad(sf.jit(lambda x: stash(sf)(ref, x)))(1.0)
