"""The quick way into a jitted function gives what the general way gives, or steps aside."""

from __future__ import annotations

import collections
import dataclasses
import functools
from typing import Any

import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import tree_util
from scratchfn.core.array import Array

Pair = collections.namedtuple("Pair", "a b")


@tree_util.register_dataclass
@dataclasses.dataclass
class State:
    weights: Any
    count: Any


TREES = {
    "array": jnp.arange(3.0),
    "number": 2.5,
    "integer": 3,
    "truth": True,
    "numpy": np.arange(4),
    "nothing": None,
    "list": [jnp.ones(2), [], (jnp.zeros(3), 4.0)],
    "dict": {"b": jnp.ones(2), "a": {1: jnp.arange(2), 0: None}},
    "namedtuple": Pair(jnp.ones(1), {"x": jnp.ones(2)}),
    "ordered": collections.OrderedDict(z=jnp.ones(1), a=jnp.zeros(2)),
    "default": collections.defaultdict(list, k=jnp.ones(1)),
    "dataclass": State(jnp.ones(2), 3),
    "weak": jnp.asarray(2.0) * 1 + sf.jit(lambda: 1.0)(),
}


def same(got: Any, want: Any) -> None:
    assert tree_util.tree_structure(got) == tree_util.tree_structure(want)
    for x, y in zip(tree_util.tree_leaves(got), tree_util.tree_leaves(want)):
        assert type(x) is type(y) is Array
        assert (x.shape, x.dtype, x.weak_type) == (y.shape, y.dtype, y.weak_type)
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("name", TREES)
def test_as_the_general_way(name: str) -> None:
    x = TREES[name]
    f = sf.jit(lambda x, *, y: {"twice": sf.tree.map(lambda v: v * 2, x), "both": (x, y)})
    first = f(x, y=jnp.ones(2))
    assert not f._entries
    f(x, y=jnp.ones(2))
    assert len(f._entries) == 1
    same(f(x, y=jnp.ones(2)), first)
    assert f.cache_info().hits == 2 and f.cache_info().misses == 1


def test_other_arguments_are_told_apart() -> None:
    traced = []

    @sf.jit
    def f(x: Any, y: Any = 1.0) -> Any:
        traced.append((x, y))
        return sf.tree.map(lambda a: a + y, x)

    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        (({"a": jnp.ones(2)},), {}),
        (({"a": jnp.ones(3)},), {}),
        (({"a": jnp.ones(2, int)},), {}),
        (({"b": jnp.ones(2)},), {}),
        (({"a": jnp.ones(2), "b": jnp.ones(2)},), {}),
        (({"a": 1.0},), {}),
        (({"a": 1},), {}),
        (({"a": [jnp.ones(2)]},), {}),
        (({"a": (jnp.ones(2),)},), {}),
        ((collections.OrderedDict(a=jnp.ones(2)),), {}),
        (({"a": jnp.ones(2)}, 2.0), {}),
        (({"a": jnp.ones(2)},), {"y": 2.0}),
        (({"a": None},), {}),
    ]
    for _ in range(4):
        for args, kwargs in calls:
            y = kwargs.get("y", (*args, 1.0)[1])
            want = sf.tree.map(lambda a, y=y: a + y, args[0])
            got = f(*args, **kwargs)
            assert tree_util.tree_structure(got) == tree_util.tree_structure(want)
            for x, z in zip(tree_util.tree_leaves(got), tree_util.tree_leaves(want)):
                assert x.dtype == jnp.asarray(z).dtype
                np.testing.assert_array_equal(x, z)
    assert len(traced) == len(calls)


def test_values_of_numbers_are_not_baked_in() -> None:
    f = sf.jit(lambda x, n: x * n)
    for n in (2.0, 3.0, 4.0, -1.0):
        np.testing.assert_array_equal(f(jnp.ones(2), n), [n, n])
    for n in (2, 3, 2**31 - 1):
        np.testing.assert_array_equal(f(jnp.ones(2, int), n), np.array([n, n]))
    with pytest.raises(OverflowError):
        f(jnp.ones(2, int), 2**40)


def test_transformations_and_flags_take_the_general_way() -> None:
    f = sf.jit(lambda x: jnp.sin(x) * x)
    x = jnp.arange(3.0)
    for _ in range(3):
        f(x)
    np.testing.assert_allclose(sf.vmap(sf.grad(f))(x), np.sin(x) + x * np.cos(x), rtol=1e-6)
    assert sf.make_jaxpr(f)(x).eqns[0].primitive.name == "jit"
    with sf.enable_x64(True):
        assert f(jnp.arange(3.0)).dtype == jnp.float64
    with sf.disable_jit():
        np.testing.assert_allclose(f(x), np.sin(x) * x, rtol=1e-6)
    with sf.debug_nans(True), pytest.raises(FloatingPointError):
        f(jnp.array([0.0, np.inf, 1.0]))
    f.clear_cache()
    assert not f._entries
    np.testing.assert_allclose(f(x), np.sin(x) * x, rtol=1e-6)


def test_many_signatures_do_not_pile_up() -> None:
    f = sf.jit(lambda x: x + 1)
    for _ in range(3):
        for n in range(20):
            np.testing.assert_array_equal(f(jnp.zeros(n)), np.ones(n))
    assert len(f._entries) == 8


def test_methods_and_functions_without_arguments_or_results() -> None:
    class Model:
        @sf.jit
        def double(self) -> Any:
            return self.x * 2  # type: ignore[attr-defined]

    f = sf.jit(lambda: None)
    assert [f(), f(), f(), f()] == [None] * 4
    g = sf.jit(lambda x: ())
    assert [g(1.0) for _ in range(3)] == [()] * 3
    with pytest.raises(TypeError):
        Model().double()


def test_static_arguments_are_compared_with_their_types() -> None:
    traced = []

    @functools.partial(sf.jit, static_argnums=(1, -1), static_argnames="mode")
    def f(x: Any, n: Any, y: Any, m: Any, *, mode: str = "add", z: Any = 0.0) -> Any:
        traced.append((n, m, mode))
        return x * n + y * m + z if mode == "add" else x - y

    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((jnp.ones(2), 1, 3.0, 2), {}),
        ((jnp.ones(2), 1.0, 3.0, 2), {}),
        ((jnp.ones(2), True, 3.0, 2), {}),
        ((jnp.ones(2), 1, 3.0, 5), {}),
        ((jnp.ones(2), 1, 3.0, 2), {"mode": "sub"}),
        ((jnp.ones(2), 1, 3.0, 2), {"mode": "sub", "z": 4.0}),
        ((jnp.ones(2), 1, 3.0, 2), {"z": 4.0}),
    ]
    for _ in range(4):
        for args, kwargs in calls:
            x, n, y, m = args
            added = x * n + y * m + kwargs.get("z", 0.0)
            want = added if kwargs.get("mode", "add") == "add" else x - y
            same(f(*args, **kwargs), want)
    assert len(traced) == len(calls) == len(f._entries)
    assert f.cache_info().misses == len(calls)
    with pytest.raises(ValueError, match="cannot be hashed"):
        f(jnp.ones(2), [1], 3.0, 2)


def test_a_static_argument_whose_equality_fails_takes_the_general_way() -> None:
    class Odd:
        def __hash__(self) -> int:
            return 1

        def __eq__(self, other: object) -> bool:
            raise TypeError("these cannot be compared")

    f = sf.jit(lambda x, odd: x + 1, static_argnums=1)
    odd = Odd()
    for _ in range(3):
        same(f(jnp.ones(2), odd), jnp.ones(2) + 1)
    with pytest.raises(TypeError, match="cannot be compared"):
        f(jnp.ones(2), Odd())
