"""Products by groups and of scaled blocks, and composites, against JAX's."""

from __future__ import annotations

import jax
import jax.numpy
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn.test_util import check_grads

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


# name -> (lhs, rhs, sizes, (dot dimension numbers, ragged, groups))
CASES = {
    "rows": (normal(7, 3), normal(2, 3, 4), [2, 4], ((((1,), (1,)), ((), ())), [0], [0])),
    "groups_last": (normal(7, 3), normal(3, 4, 2), [5, 2], ((((1,), (0,)), ((), ())), [0], [2])),
    "no_rows": (normal(4, 3), normal(3, 3, 2), [0, 4, 0], ((((1,), (1,)), ((), ())), [0], [0])),
    "batch": (normal(2, 5, 3), normal(3, 2, 3, 4), [1, 2, 2],
              ((((2,), (2,)), ((0,), (1,))), [1], [0])),
    "sizes_per_batch": (normal(2, 5, 3), normal(3, 2, 3, 4), [[1, 2, 2], [0, 3, 1]],
                        ((((2,), (2,)), ((0,), (1,))), [1], [0])),
    "outer_rows": (normal(2, 5, 3), normal(2, 3, 4), [[1, 4], [2, 2]],
                   ((((2,), (1,)), ((), ())), [1], [0])),
    "contracted": (normal(3, 6), normal(6, 4), [2, 3], ((((1,), (0,)), ((), ())), [1], [])),
    "contracted_in_batch": (normal(2, 3, 6), normal(2, 6, 4), [[2, 3, 1], [1, 1, 4]],
                            ((((2,), (1,)), ((0,), (0,))), [2], [])),
    "two_contracted": (normal(3, 2, 6), normal(2, 6, 4), [[2, 3], [4, 2]],
                       ((((1, 2), (0, 1)), ((), ())), [2], [])),
    "batches": (normal(4, 2, 3), normal(4, 3, 2), [1, 2],
                ((((2,), (1,)), ((0,), (0,))), [0], [])),
}  # fmt: skip


def product(lib, sizes, numbers):
    return lambda x, y: lib.lax.ragged_dot_general(
        x, y, np.array(sizes, np.int32), lib.lax.RaggedDotDimensionNumbers(*numbers)
    )


def assert_same(got, want, tol=2e-6):
    assert got.dtype == want.dtype and got.shape == want.shape
    np.testing.assert_allclose(np.asarray(got, "f"), np.asarray(want, "f"), rtol=tol, atol=tol)


@pytest.mark.parametrize("name", CASES)
def test_value_and_derivative(name):
    lhs, rhs, sizes, numbers = CASES[name]
    ours, theirs = product(sf, sizes, numbers), product(jax, sizes, numbers)
    assert_same(ours(lhs, rhs), theirs(lhs, rhs))
    assert_same(sf.jit(ours)(lhs, rhs), theirs(lhs, rhs))
    if numbers[2]:
        got = sf.grad(lambda x, y: (ours(x, y) ** 2).sum(), argnums=(0, 1))(lhs, rhs)
        want = jax.grad(lambda x, y: (theirs(x, y) ** 2).sum(), argnums=(0, 1))(lhs, rhs)
        for a, b in zip(got, want, strict=True):
            assert_same(a, b, tol=2e-5)
    else:  # JAX 0.10.2 has no derivative of these
        with sf.enable_x64(True):
            check_grads(ours, (lhs.astype(float), rhs.astype(float)), 2)
    many = np.stack([lhs, np.cos(lhs)])
    assert_same(sf.vmap(ours, (0, None))(many, rhs)[1], theirs(many[1], rhs))


def test_ragged_dot():
    x, w = normal(6, 3), normal(3, 3, 4)
    sizes = np.array([1, 3, 2])
    want = np.concatenate([x[:1] @ w[0], x[1:4] @ w[1], x[4:] @ w[2]])
    assert_same(sf.lax.ragged_dot(x, w, sizes), want)
    over = sf.vmap(lambda s: sf.lax.ragged_dot(x, w, s))(np.array([[1, 3, 2], [6, 0, 0]]))
    assert_same(over[0], want)
    assert_same(over[1], x @ w[0])
    short = [z.astype(jnp.bfloat16) for z in (x, w)]
    for dtype in (None, np.float32):
        got = sf.lax.ragged_dot(*short, sizes, preferred_element_type=dtype)
        assert_same(got, jax.lax.ragged_dot(*short, sizes, preferred_element_type=dtype), 2e-2)


def test_ragged_errors():
    lhs, rhs, sizes, numbers = CASES["rows"]
    for wrong, words in [
        (((numbers[0]), [0, 1], [0]), "one axis of lhs is ragged"),
        (((numbers[0]), [4], [0]), "not one of lhs's"),
        (((numbers[0]), [0], []), "rhs has an axis of 2 groups"),
        (((numbers[0]), [1], [0]), "only where rows of lhs are kept"),
    ]:
        for lib in (jax, sf):
            with pytest.raises(TypeError, match=words if lib is sf else None):
                product(lib, sizes, wrong)(lhs, rhs)
    with pytest.raises(TypeError, match="sizes of groups are integers"):
        sf.lax.ragged_dot(lhs, rhs, np.array([2.0, 4.0]))
    with pytest.raises(TypeError, match="the sizes in front of the groups"):
        product(sf, [[1, 4]] * 3, CASES["outer_rows"][3])(*CASES["outer_rows"][:2])
    with pytest.raises(NotImplementedError, match="group_offset"):
        sf.lax.ragged_dot(lhs, rhs, np.array(sizes), group_offset=np.array([1]))
    ours, theirs = (lib.lax.RaggedDotDimensionNumbers(*numbers) for lib in (sf, jax))
    assert repr(ours) == repr(theirs)
    assert ours == sf.lax.RaggedDotDimensionNumbers(*numbers) and len({ours, ours}) == 1


@pytest.mark.parametrize("which", ["both", "lhs", "rhs"])
def test_scaled_dot(which):
    lhs, rhs = normal(2, 4, 64), normal(2, 64, 6)
    scales = {"lhs_scale": 2.0 ** RNG.integers(-3, 3, (2, 4, 2)).astype("f"),
              "rhs_scale": 2.0 ** RNG.integers(-3, 3, (2, 4, 6)).astype("f")}  # fmt: skip
    scales = {
        k: v.astype(jnp.float8_e8m0fnu) for k, v in scales.items() if which in (k[:3], "both")
    }
    lhs, rhs = lhs.astype(jnp.float8_e4m3fn), rhs.astype(jnp.float8_e4m3fn)
    numbers = (((2,), (1,)), ((0,), (0,)))
    for dtype in (None, np.float32):
        options = {"dimension_numbers": numbers, "preferred_element_type": dtype, **scales}
        want = jax.lax.scaled_dot(lhs, rhs, **options)
        assert_same(
            sf.lax.scaled_dot(lhs, rhs, **options), want, tol=2e-2 if dtype is None else 1e-5
        )
    default = sf.lax.scaled_dot(lhs, rhs, **scales)
    assert_same(default, sf.lax.scaled_dot(lhs, rhs, dimension_numbers=numbers, **scales))
    with pytest.raises(TypeError, match="a scale has its operand's sizes"):
        sf.lax.scaled_dot(lhs, rhs, lhs_scale=np.ones((2, 4, 5), np.float32))


def test_composite():
    f = sf.lax.composite(lambda x, *, scale: jnp.sin(x) * scale, name="my.sin")
    g = jax.lax.composite(lambda x, *, scale: jax.numpy.sin(x) * scale, name="my.sin")
    x = normal(3)
    assert_same(f(x, scale=2.0), g(x, scale=2.0))
    assert_same(sf.jit(sf.vmap(lambda x: sf.grad(f)(x, scale=2.0)))(x), np.cos(x) * 2)


def test_values_of_programs():
    assert_same(sf.lax.shape_as_value((2, 3)), jax.lax.shape_as_value((2, 3)))
    assert sf.lax.stage(1.0).weak_type and sf.lax.stage(np.ones(2)).shape == (2,)
