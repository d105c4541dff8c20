"""map, reduce, transpose, broadcast, static fields and Partial against JAX's."""

from __future__ import annotations

import dataclasses
import functools
import pickle
from collections import OrderedDict, defaultdict

import jax
import jax.tree_util as jtu
import pytest

from scratchfn import tree, tree_util
from tests.tree.cases import (
    Point,
    each_tree,
)


@each_tree
def test_map(t):
    ours, theirs = tree.map(repr, t), jax.tree.map(repr, t)
    assert tree.leaves(ours) == tree.leaves(theirs)
    assert tree.structure(ours) == tree.structure(theirs) == tree.structure(t)


@each_tree
def test_map_over_several(t):
    second = tree.map(lambda x: (x, [x]), t)  # goes on below the leaves of the first
    ours = tree.map(lambda x, y: repr((x, y)), t, second)
    assert tree.leaves(ours) == tree.leaves(jax.tree.map(lambda x, y: repr((x, y)), t, second))


@each_tree
def test_map_with_path(t):
    def f(path, x, y):
        return tree_util.keystr(path) + repr((x, y))

    assert tree.leaves(tree.map_with_path(f, t, t)) == tree.leaves(jax.tree.map_with_path(f, t, t))


def test_map_with_is_leaf():
    def stop(x):
        return x is None

    args = (lambda x, y: (x, y), [None, 2], [1, 2])
    assert tree.map(*args, is_leaf=stop) == jax.tree.map(*args, is_leaf=stop)

    def at_depth_one(path, x):
        return len(path) == 1

    options = dict(is_leaf=at_depth_one, is_leaf_takes_path=True)
    args = (lambda path, x: (len(path), x), {"a": [1, 2], "b": 3})
    assert tree.map_with_path(*args, **options) == jax.tree.map_with_path(*args, **options)


def test_map_keeps_containers():
    t = defaultdict(list, {"b": OrderedDict(z=1, y=2), "a": Point(3, None)})
    ours = tree.map(lambda x: x + 1, t)
    assert ours == jax.tree.map(lambda x: x + 1, t)
    assert ours.default_factory is list and type(ours["a"]) is Point
    assert list(ours["b"]) == ["z", "y"]


@each_tree
def test_reduce_and_all(t):
    def pair(x, y):
        return f"({x} {y})"

    assert tree.reduce(pair, t, None) == jax.tree.reduce(pair, t, None)
    assert tree.reduce(pair, t, initializer="i") == jax.tree.reduce(pair, t, initializer="i")
    fold = functools.partial(tree.reduce_associative, pair, t, identity=0)
    assert repr(fold()) == repr(jax.tree.reduce_associative(pair, t, identity=0))
    truth = tree.map(lambda x: x is not None, t)
    assert tree.all(truth) is jax.tree.all(truth) is True
    assert tree.all([1, [0]]) is False


def test_reduce_without_an_initializer():
    assert tree.reduce(lambda x, y: (x, y), [1, [2, 3]]) == ((1, 2), 3)
    halves = tree.reduce_associative(lambda x, y: (x, y), [1, 2, 3, 4, 5])
    assert halves == ((1, 2), (3, (4, 5)))


@pytest.mark.parametrize("outer", [[0, 0], {"a": 0, "b": (0, 0)}, Point(0, 0)])
@pytest.mark.parametrize("inner", [(0, 0, 0), {"x": 0, "y": [0]}, 0])
def test_transpose(outer, inner):
    count = iter(range(100))
    t = tree.map(lambda _: tree.map(lambda _: next(count), inner), outer)
    ours = tree.transpose(tree.structure(outer), tree.structure(inner), t)
    assert ours == jax.tree.transpose(jax.tree.structure(outer), jax.tree.structure(inner), t)
    assert tree.transpose(tree.structure(outer), None, t) == ours


@pytest.mark.parametrize(
    "prefix", [7, {"a": 1, "b": None}, {"a": [1, 2], "b": None}, {"a": [1, (2, 3)], "b": None}]
)
def test_broadcast(prefix):
    full = {"a": [10, (20, 30)], "b": None}
    assert tree.broadcast(prefix, full) == jax.tree.broadcast(prefix, full)
    flat = tree.leaves(jax.tree.broadcast(prefix, full))
    assert tree_util.broadcast_prefix(prefix, full) == flat


def test_broadcast_prefix_with_none_as_a_leaf():
    # how vmap reads in_axes: None says that an argument is not mapped
    axes = tree_util.broadcast_prefix(
        (None, {"w": 0, "b": None}), ([1, 2], {"w": (3, 4), "b": 5}), is_leaf=lambda x: x is None
    )
    assert axes == [None, None, None, 0, 0]


# ------------------------------------------------------------------------------ static, Partial


def test_static_field():
    ours, theirs = tree.static(metadata={"unit": "m"}), jax.tree.static(metadata={"unit": "m"})
    assert ours.metadata == theirs.metadata == {"static": True, "unit": "m"}
    assert tree.static(default=3).default == 3


def test_fields_without_init_can_be_dropped_from_an_inferred_dataclass():
    @dataclasses.dataclass
    class Cached:
        x: int
        double: int = dataclasses.field(default=0, init=False)

        def __post_init__(self):
            self.double = 2 * self.x

    tree_util.register_dataclass(Cached, drop_fields=["double"])
    assert tree.map(lambda x: x + 1, Cached(3)).double == 8


def test_partial_is_a_pytree():
    p = tree_util.Partial(divmod, 17)
    assert p(5) == (3, 2)
    leaves, treedef = tree.flatten(p)
    jax_leaves, jax_treedef = jax.tree.flatten(jtu.Partial(divmod, 17))
    assert leaves == jax_leaves and repr(treedef) == repr(jax_treedef)
    assert treedef.unflatten([23])(5) == (4, 3)
    paths = repr(tree.leaves_with_path(tree_util.Partial(max, 1, key=abs)))
    assert paths == repr(jax.tree.leaves_with_path(jtu.Partial(max, 1, key=abs)))


@pytest.mark.parametrize("inside", [functools.partial, tree_util.Partial, jtu.Partial])
def test_partial_of_a_partial_keeps_its_own_arguments(inside):
    inner = inside(max, 1)
    p, theirs = tree_util.Partial(inner, 2, key=abs), jtu.Partial(inner, 2, key=abs)
    assert p.args == theirs.args == (2,) and p.keywords == theirs.keywords == {"key": abs}
    assert p.func is inner
    assert p(-7) == theirs(-7) == -7
    assert tree.leaves(p) == [2, abs]
    assert tree.structure(p) == tree.structure(tree_util.Partial(inner, 5, key=len))
    assert tree.structure(p).unflatten([-9, abs])(-7) == -9


def test_partial_pickles():
    p = pickle.loads(pickle.dumps(tree_util.Partial(tree_util.Partial(max, 1), 2)))
    assert p(0) == 2 and p.args == (2,) and p.func.args == (1,)
