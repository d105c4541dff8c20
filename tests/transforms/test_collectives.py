"""Collectives under vmap with an axis name: numbers, programs and errors, held against JAX's."""

from __future__ import annotations

import jax
import jax.numpy
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy
from scratchfn.core.jaxpr import jaxpr_as_fun

XS = np.linspace(-1.0, 2.0, 12, dtype=np.float32).reshape(4, 3)  # 4 examples of shape (3,)
ROWS = np.linspace(0.5, 2.0, 48, dtype=np.float32).reshape(4, 4, 3)  # 4 examples, a row for each
RING = [(0, 1), (1, 2), (2, 3), (3, 0)]

# name -> (f(lax, x), the examples)
FUNCTIONS = {
    "psum": (lambda lax, x: lax.psum(x * x, "i"), XS),
    "psum_of_tree": (lambda lax, x: lax.psum({"a": x, "b": [2 * x]}, "i")["b"][0], XS),
    "psum_of_constant": (lambda lax, x: x * lax.psum(1, "i"), XS),
    "psum_of_unbatched": (lambda lax, x: x * lax.psum(np.float32(2.0) + 0 * XS[0], "i"), XS),
    "psum_and_position": (lambda lax, x: lax.psum(x * x, ("i", 0)), XS),
    "pmean": (lambda lax, x: x - lax.pmean(x * x, "i"), XS),
    "all_gather": (lambda lax, x: lax.all_gather(x * x, "i"), XS),
    "all_gather_along_1": (lambda lax, x: lax.all_gather(x * x, "i", axis=1), XS),
    "all_gather_last": (lambda lax, x: lax.all_gather(x * x, "i", axis=-1), XS),
    "all_gather_tiled": (lambda lax, x: lax.all_gather(x * x, "i", tiled=True), XS),
    "psum_scatter": (lambda lax, x: lax.psum_scatter(x * x, "i"), ROWS),
    "psum_scatter_tiled": (
        lambda lax, x: lax.psum_scatter(x * x, "i", scatter_dimension=0, tiled=True), ROWS
    ),
    "ppermute": (lambda lax, x: x * lax.ppermute(x, "i", RING), XS),
    "pshuffle": (lambda lax, x: x * lax.pshuffle(x, "i", [2, 0, 3, 1]), XS),
    "axis_index": (lambda lax, x: x * lax.axis_index("i"), XS),
    "axis_size": (lambda lax, x: x / lax.axis_size("i"), XS),
}  # fmt: skip

# Of these JAX 0.10.2 has no derivative under vmap.
VALUES = {
    "pmax": (lambda lax, x: lax.pmax(x, "i"), XS),
    "pmin": (lambda lax, x: lax.pmin(x * x, "i"), XS),
    "pmax_of_constant": (lambda lax, x: lax.pmax(np.float32(3.0), "i") * x, XS),
    "all_to_all": (lambda lax, x: lax.all_to_all(x, "i", 0, 0), ROWS),
    "all_to_all_stacked": (lambda lax, x: lax.all_to_all(x, "i", 0, 1), ROWS),
    "all_to_all_last": (lambda lax, x: lax.all_to_all(x.T, "i", 1, 0), ROWS),
    "all_to_all_tiled": (lambda lax, x: lax.all_to_all(x, "i", 0, 1, tiled=True), ROWS),
    "pswapaxes": (lambda lax, x: lax.pswapaxes(x, "i", 0), ROWS),
}


def assert_close(got, want):
    got = np.asarray(got)
    assert got.dtype == np.asarray(want).dtype
    np.testing.assert_allclose(got, want, rtol=2e-6, atol=1e-6)


def weighted(np_, out):
    """A number made of a result, every element of which counts differently."""
    return (out * np_.cos(np_.arange(out.size, dtype=np.float32)).reshape(out.shape)).sum()


@pytest.mark.parametrize("name", [*FUNCTIONS, *VALUES])
def test_value(name):
    f, xs = (FUNCTIONS | VALUES)[name]
    want = jax.vmap(lambda x: f(jax.lax, x), axis_name="i")(xs)
    g = lambda x: f(sf.lax, x)  # noqa: E731
    assert_close(sf.vmap(g, axis_name="i")(xs), want)
    assert_close(sf.jit(sf.vmap(g, axis_name="i"))(xs), want)
    assert_close(sf.vmap(sf.jit(g), axis_name="i")(xs), want)
    assert_close(sf.vmap(sf.jit(sf.jit(g)), axis_name="i", in_axes=1)(xs.swapaxes(0, 1)), want)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives(name):
    """Inside the vmap, where a collective is transposed to another, and around it."""
    f, xs = FUNCTIONS[name]

    def inside(lib, np_):
        return lambda xs: lib.vmap(lib.grad(lambda x: weighted(np_, f(lib.lax, x))), axis_name="i")(
            xs
        )

    def around(lib, np_):
        return lib.grad(
            lambda xs: weighted(np_, lib.vmap(lambda x: f(lib.lax, x), axis_name="i")(xs))
        )

    for make in (inside, around):
        want = make(jax, jax.numpy)(xs)
        assert_close(make(sf, sf.numpy)(xs), want)
        assert_close(sf.jit(make(sf, sf.numpy))(xs), want)
    want = jax.vmap(jax.jacfwd(lambda x: f(jax.lax, x)), axis_name="i")(xs)
    assert_close(sf.vmap(sf.jacfwd(sf.jit(lambda x: f(sf.lax, x))), axis_name="i")(xs), want)


@pytest.mark.parametrize("name", ["all_to_all", "all_to_all_stacked", "all_to_all_tiled"])
def test_all_to_all_goes_back(name):
    """<ct, A x> = <A' ct, x> for what only moves numbers about."""
    f, xs = VALUES[name]
    g = sf.vmap(lambda x: f(sf.lax, x), axis_name="i")
    back = sf.vmap(lambda x, ct: sf.vjp(lambda x: f(sf.lax, x), x)[1](ct)[0], axis_name="i")
    out = g(xs)
    assert_close(back(xs, out), xs)
    assert_close(sf.vjp(g, xs)[1](out)[0], xs)


@pytest.mark.parametrize("name", [*FUNCTIONS, *VALUES])
def test_over_another_axis(name):
    """A vmap without the name inside and outside of the one with it."""
    f, xs = (FUNCTIONS | VALUES)[name]
    many = np.stack([xs, np.sin(xs), xs * xs])
    want = np.stack([jax.vmap(lambda x: f(jax.lax, x), axis_name="i")(x) for x in many])
    g = lambda x: f(sf.lax, x)  # noqa: E731
    assert_close(sf.vmap(sf.vmap(g, axis_name="i"))(many), want)
    inner = sf.vmap(sf.vmap(g, in_axes=0), in_axes=1, out_axes=1, axis_name="i")
    assert_close(inner(many), want)
    assert_close(sf.vmap(sf.jit(sf.vmap(g)), in_axes=1, out_axes=1, axis_name="i")(many), want)


@pytest.mark.parametrize("name", ["psum", "psum_and_position", "pmean", "all_gather_tiled",
                                  "psum_scatter", "ppermute", "axis_index", "pmax"])  # fmt: skip
def test_program(name):
    """make_jaxpr with an axis environment, and of psum under vmap, is JAX's."""
    f, xs = (FUNCTIONS | VALUES)[name]
    env = [("i", 4)]
    got = sf.make_jaxpr(lambda x: f(sf.lax, x), axis_env=env)(xs[0])
    want = jax.make_jaxpr(lambda x: f(jax.lax, x), axis_env=env)(xs[0])
    assert [e.primitive.name for e in got.eqns] == [e.primitive.name for e in want.eqns]
    for ours, theirs in zip(got.eqns, want.eqns, strict=True):
        for param, value in ours.params.items():
            assert str(value) == str(theirs.params[param])


def test_program_of_reduction_under_vmap():
    f = lambda lax: lambda x: lax.psum(x, "i")  # noqa: E731
    got = sf.make_jaxpr(sf.vmap(f(sf.lax), axis_name="i"))(XS[:, 0])
    assert str(got) == str(jax.make_jaxpr(jax.vmap(f(jax.lax), axis_name="i"))(XS[:, 0]))


NESTED = {
    "psum_both": lambda lax, x: lax.psum(x, ("i", "j")),
    "psum_outer": lambda lax, x: lax.psum(x, "i"),
    "pmean_both": lambda lax, x: lax.pmean(x, ("j", "i")),
    "pmax_both": lambda lax, x: lax.pmax(x, ("i", "j")),
    "index_both": lambda lax, x: lax.axis_index(("i", "j")),
    "index_swapped": lambda lax, x: lax.axis_index(("j", "i")),
    "size_both": lambda lax, x: x * lax.axis_size(("i", "j")),
    "all_to_all_both": lambda lax, x: lax.all_to_all(x * np.arange(12.0, dtype="f"),
                                                     ("i", "j"), 0, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", NESTED)
def test_nested_names(name):
    def nested(lib, wrap=lambda f: f):
        inner = lib.vmap(wrap(lambda x: NESTED[name](lib.lax, x)), axis_name="j")
        return lib.vmap(wrap(inner), axis_name="i")

    want = nested(jax)(XS)
    assert_close(nested(sf)(XS), want)
    assert_close(nested(sf, sf.jit)(XS), want)


def test_several_names_where_jax_has_none():
    """all_gather and psum_scatter over two axes are those over both made one."""

    def over(f, names):
        if len(names) == 1:
            return sf.vmap(lambda x: f(x, "i"), axis_name="i")(XS.reshape(12))
        inner = sf.vmap(lambda x: f(x, ("i", "j")), axis_name="j")
        return sf.vmap(inner, axis_name="i")(XS)

    for f in [
        lambda x, names: sf.lax.all_gather(x * np.ones(2, "f"), names, axis=1),
        lambda x, names: sf.lax.all_gather(x * np.ones((2, 2), "f"), names, axis=1, tiled=True),
        lambda x, names: sf.lax.psum_scatter(x * np.arange(12.0, dtype="f"), names),
        lambda x, names: sf.lax.psum_scatter(x * np.arange(24.0, dtype="f"), names, tiled=True),
        lambda x, names: sf.lax.all_to_all(
            x * np.arange(48.0, dtype="f").reshape(2, 24), names, 1, 0, tiled=True
        ),
        lambda x, names: sf.lax.all_to_all(
            x * np.arange(24.0, dtype="f").reshape(12, 2), names, 0, 1
        ),
    ]:
        both, one = over(f, "ij"), over(f, "i")
        assert_close(both, np.asarray(one).reshape(both.shape))


def test_inner_name_hides_outer():
    f = lambda lib: lib.vmap(  # noqa: E731
        lib.vmap(lambda x: lib.lax.psum(x, "i") * lib.lax.axis_size("i"), axis_name="i"),
        axis_name="i",
    )
    assert_close(f(sf)(XS), f(jax)(XS))


@pytest.mark.parametrize("name", ["psum", "pmean", "pmax", "all_gather", "psum_scatter"])
def test_groups(name):
    """axis_index_groups, which JAX has on devices only: each group as if it were alone."""
    xs = (FUNCTIONS | VALUES)[name][1]
    xs = xs[:, :2] if name == "psum_scatter" else xs
    op = getattr(sf.lax, name)
    groups = [[0, 2], [3, 1]]
    got = sf.vmap(lambda x: op(x, "i", axis_index_groups=groups), axis_name="i")(xs)
    alone = sf.vmap(lambda x: op(x, "i"), axis_name="i")
    for group in groups:
        index = np.array(group)
        assert_close(np.asarray(got)[index], np.asarray(alone(xs[index])))


def test_groups_of_constants_and_derivatives():
    groups = [[0, 1], [2, 3]]
    f = lambda x: (lax_mean(x) ** 2).sum()  # noqa: E731
    lax_mean = lambda x: sf.lax.pmean(x, "i", axis_index_groups=groups)  # noqa: E731
    halves = [XS[:2], XS[2:]]
    want = np.concatenate([np.broadcast_to(2 * h.mean(0), h.shape) for h in halves])
    assert_close(sf.vmap(sf.grad(f), axis_name="i")(XS), want)
    size = sf.vmap(lambda x: sf.lax.psum(1, "i", axis_index_groups=groups) + 0 * x, axis_name="i")
    assert_close(size(XS), np.full_like(XS, 2))


def test_ppermute_to_nowhere_gives_zeros():
    f = lambda x: sf.lax.ppermute(x, "i", [(0, 3), (1, 0)])  # noqa: E731
    want = np.stack([XS[1], 0 * XS[0], 0 * XS[0], XS[0]])
    assert_close(sf.vmap(f, axis_name="i")(XS), want)
    back = sf.vmap(sf.grad(lambda x: (f(x) * XS[0]).sum()), axis_name="i")(XS)
    assert_close(back, np.stack([XS[0], XS[0], 0 * XS[0], 0 * XS[0]]))


def test_pbroadcast():
    """JAX 0.10.2's fails with the NumPy of today; its program says what it is."""
    f = lambda x: sf.lax.pbroadcast(x, "i", 2)  # noqa: E731
    assert_close(sf.vmap(f, axis_name="i")(XS), np.broadcast_to(XS[2], XS.shape))
    back = sf.vmap(sf.grad(lambda x: (f(x) * XS[0]).sum()), axis_name="i")(XS)
    assert_close(back, np.array([0, 0, 4, 0], "f")[:, None] * XS[0])


def test_numbers_stay_numbers():
    def f(x):
        assert type(sf.lax.psum(1, "i")) is int and sf.lax.psum(1, "i") == 4
        assert type(sf.lax.psum(2.0, "i")) is float and type(sf.lax.psum(True, "i")) is int
        assert sf.lax.pmean(3, "i") == 3.0 and type(sf.lax.axis_size("i")) is int
        return x.reshape(sf.lax.axis_size("i"), -1)

    assert sf.vmap(sf.jit(f), axis_name="i")(ROWS).shape == (4, 4, 3)


def test_one_function_under_many_axes():
    """jit keeps programs apart by the names and sizes around, and derived programs by the axis."""
    f = sf.jit(lambda x: x / sf.lax.psum(x, "i") + sf.lax.axis_size("i"))
    g = lambda x: x / jax.lax.psum(x, "i") + jax.lax.axis_size("i")  # noqa: E731
    for xs in (ROWS[:, :, 0], ROWS[:3, :3, 0]):  # square, so that all axes are of one size
        for names in ((None, "i"), ("i", None), ("j", "i"), ("i", "j")):
            ours, theirs = f, g
            for name in names:
                ours, theirs = sf.vmap(ours, axis_name=name), jax.vmap(theirs, axis_name=name)
            assert_close(ours(xs), theirs(xs))
    with pytest.raises(NameError, match="unbound axis name: i"):
        f(XS)


def test_index_without_batched_arguments():
    """A program that no batched value enters may still differ between examples."""
    index = sf.jit(lambda: sf.lax.axis_index("i"))
    assert_close(
        sf.vmap(lambda x: index() + 0 * x, axis_name="i")(XS[:, 0]), np.arange(4.0, dtype="f")
    )
    with sf.enable_x64(True):
        assert sf.vmap(lambda x: index(), axis_name="i")(XS).dtype == np.int32


def test_custom_jvp():
    """A rule that uses a collective, in all orders of vmap, jit and grad."""

    @sf.custom_jvp
    def f(x):
        return x * sf.lax.pmean(x, "i")

    @f.defjvp
    def rule(primals, tangents):
        (x,), (dx,) = primals, tangents
        return f(x), 5 * dx * sf.lax.axis_size("i") + sf.lax.psum(dx, "i")

    want = np.full(4, 5 * 4 + 4, np.float32)
    xs = XS[:, 0]
    assert_close(sf.vmap(sf.grad(f), axis_name="i")(xs), want)
    assert_close(sf.vmap(sf.grad(sf.jit(f)), axis_name="i")(xs), want)
    assert_close(sf.grad(lambda xs: sf.vmap(f, axis_name="i")(xs).sum())(xs), want)
    assert_close(sf.grad(lambda xs: sf.vmap(sf.jit(f), axis_name="i")(xs).sum())(xs), want)


def test_in_loops():
    def program(lib):
        lax, np_ = lib.lax, lib.numpy

        def f(x):
            def body(c, _):
                return c + 0.1 * lax.psum(np_.sin(c), "i"), lax.axis_index("i")

            y, index = lax.scan(body, x, None, length=3)
            y = lax.while_loop(lambda c: lax.pmax(c.sum(), "i") < 20.0, lambda c: c + 1, y)
            y = lax.cond(lax.psum(x.sum(), "i") > 0, lambda y: lax.pmean(y, "i"), lambda y: y, y)
            y = lax.cond(x.sum() > 0, lambda y: y + lax.pmean(y, "i"), lambda y: y, y)
            return lax.fori_loop(0, 2, lambda i, y: y + lax.all_gather(y, "i")[i], y), index

        return f

    want, where = jax.vmap(program(jax), axis_name="i")(XS)
    for f in (program(sf), sf.jit(program(sf))):
        got, index = sf.vmap(f, axis_name="i")(XS)
        assert_close(got, want)
        assert_close(index, where)


def test_derivative_of_a_loop():
    def loss(lib):
        def f(x):
            body = lambda c, _: (lib.numpy.sin(c) + lib.lax.pmean(c * c, "i"), None)  # noqa: E731
            return lib.lax.scan(body, x, None, length=3)[0].sum()

        return f

    want = jax.vmap(jax.grad(loss(jax)), axis_name="i")(XS)
    assert_close(sf.vmap(sf.grad(loss(sf)), axis_name="i")(XS), want)
    assert_close(sf.jit(sf.vmap(sf.grad(loss(sf)), axis_name="i"))(XS), want)


def test_on_jax():
    f, xs = FUNCTIONS["pmean"]
    want = jax.vmap(lambda x: f(jax.lax, x), axis_name="i")(xs)
    g = sf.vmap(lambda x: f(sf.lax, x), axis_name="i")
    assert_close(sf.jit(g, backend="jax")(xs), want)
    assert_close(g(sf.device_put(xs, "jax")), want)


# -- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", [
    lambda lax, x: lax.psum(x, "k"), lambda lax, x: lax.psum(1, "k"),
    lambda lax, x: lax.pmean(x, ("i", "k")), lambda lax, x: lax.pmax(x, "k"),
    lambda lax, x: lax.all_gather(x, "k"), lambda lax, x: lax.psum_scatter(x, "k"),
    lambda lax, x: lax.all_to_all(x, "k", 0, 0), lambda lax, x: lax.axis_index("k"),
    lambda lax, x: lax.axis_size("k"),
])  # fmt: skip
def test_unbound(op):
    for lib in (jax, sf):
        with pytest.raises(NameError, match="unbound axis name: k"):
            lib.vmap(lambda x, lib=lib: op(lib.lax, x), axis_name="i")(XS)


def test_unbound_in_a_program():
    """A program that was made where the name was known, run where it is not."""
    closed = sf.make_jaxpr(lambda x: sf.lax.psum(x, "i"), axis_env=[("i", 3)])(1.0)
    run = jaxpr_as_fun(closed)
    with pytest.raises(NameError, match="unbound axis name: i"):
        run(sf.numpy.ones(()))
    with pytest.raises(NameError, match="unbound axis name: i"):
        sf.jit(run)(sf.numpy.ones(()))


@pytest.mark.parametrize(("op", "words"), [
    (lambda lax, x: lax.psum(x, ("i", "i")), "duplicate value among the axes"),
    (lambda lax, x: lax.psum(x, ("i", 5)), "position of an axis"),
    (lambda lax, x: lax.psum_scatter(x, "i", tiled=True), "each example gets an equal part of it"),
    (lambda lax, x: lax.all_to_all(x, "i", 0, 0), "each example gets one row of it"),
    (lambda lax, x: lax.all_to_all(x, "i", 0, 0, tiled=True), "length 3 there"),
    (lambda lax, x: lax.all_gather(x, "i", axis=3), "an axis is one of -2 to 1"),
    (lambda lax, x: lax.ppermute(x, "i", [(0, 1), (0, 2)]), "none comes twice"),
    (lambda lax, x: lax.ppermute(x, "i", [(0, 9)]), "from 0 to 3"),
    (lambda lax, x: lax.pshuffle(x, "i", [0, 1]), "each of 0 to 3 once"),
    (lambda lax, x: lax.psum(x, "i", axis_index_groups=[[0], [1, 2, 3]]), "equally long"),
])  # fmt: skip
def test_errors(op, words):
    with pytest.raises(ValueError, match=words):
        sf.vmap(lambda x: op(sf.lax, x), axis_name="i")(XS)


def test_pmax_has_no_derivative():
    for lib in (jax, sf):
        with pytest.raises(NotImplementedError, match="pmax"):
            lib.vmap(lib.grad(lambda x, lib=lib: lib.lax.pmax(x, "i")), axis_name="i")(XS[:, 0])


def test_reduce_axes_is_gone():
    """As in JAX: a psum in the function says the same."""
    for lib in (jax, sf):
        for f in (
            lambda lib: lib.grad(lambda x: x, reduce_axes=("i",)),
            lambda lib: lib.vjp(lambda x: x, 1.0, reduce_axes=("i",)),
            lambda lib: lib.linear_transpose(lambda x: x, 1.0, reduce_axes=("i",)),
        ):
            with pytest.raises(NotImplementedError, match="reduce_axes"):
                f(lib)
