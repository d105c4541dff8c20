"""The trees of the table, the classes in them, and what it means to agree with JAX.

Each class is registered with both libraries, so that the same Python trees go to both, and
leaves, printed structures and paths can be compared literally.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, defaultdict, namedtuple

import jax
import jax.tree_util as jtu
import numpy as np
import pytest

from scratchfn import tree, tree_util

Point = namedtuple("Point", "x y")
Empty = namedtuple("Empty", "")


class SubPoint(Point):
    pass


class DictSubclass(dict):
    pass


class Registered:
    """Without key paths."""

    def __init__(self, *children):
        self.children = children

    def __eq__(self, other):
        return type(other) is type(self) and other.children == self.children

    __hash__ = None


class Keyed(Registered):
    """With key paths."""


class RegisteredPoint(Point):
    """A namedtuple with a rule of its own."""


class IndexedPoint(Point):
    """A namedtuple that is indexed and counted by what it holds."""

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.y[i]


class Unhashable(Registered):
    """Its static data is a list."""


@dataclasses.dataclass
class Inferred:
    w: object
    b: object
    act: str = tree.static(default="relu")


@dataclasses.dataclass
class Listed:
    scale: object
    size: int
    note: str = "none"


class Static:
    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return isinstance(other, Static) and self.value == other.value

    def __hash__(self):
        return hash(self.value)

    def __repr__(self):
        return f"Static({self.value})"


class ByMethods:
    """Registered by its methods, with and without key paths."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def tree_flatten(self):
        return (self.x, self.y), "aux"

    @classmethod
    def tree_unflatten(cls, aux, children):
        return cls(*children)


class ByMethodsWithKeys(ByMethods):
    def tree_flatten_with_keys(self):
        return (("x", self.x), ("y", self.y)), "aux"


def _register_all(lib):
    """Register the classes above with one library; `lib` is a tree_util module."""
    lib.register_pytree_node(
        Registered, lambda n: (n.children, len(n.children)), lambda _, c: Registered(*c)
    )
    lib.register_pytree_with_keys(
        Keyed,
        lambda n: ([(lib.GetAttrKey(f"c{i}"), c) for i, c in enumerate(n.children)], "kk"),
        lambda _, c: Keyed(*c),
    )
    lib.register_pytree_node(
        RegisteredPoint, lambda p: (tuple(p), "own"), lambda _, c: RegisteredPoint(*c)
    )
    lib.register_pytree_node(
        Unhashable, lambda n: (n.children, ["list"]), lambda _, c: Unhashable(*c)
    )
    lib.register_dataclass(Inferred)
    lib.register_dataclass(Listed, ["scale"], ["size"], drop_fields=["note"])
    lib.register_static(Static)
    lib.register_pytree_node_class(ByMethods)
    lib.register_pytree_with_keys_class(ByMethodsWithKeys)


_register_all(tree_util)
_register_all(jtu)

TREES = {
    "leaf": 1,
    "array": np.ones(3),
    "none": None,
    "empty tuple": (),
    "empty list": [],
    "empty dict": {},
    "empty namedtuple": Empty(),
    "empty OrderedDict": OrderedDict(),
    "tuple of one": (1,),
    "dict in other order": {"b": 1, "a": (2, [3, None]), "c": {}},
    "keys of ints and floats": {2: 1, 1: 3, 1.5: 4},
    "keys of bools": {True: 1, 0: 2},
    "keys of tuples": {(2, 1): 1, (1, 1): [2]},
    "OrderedDict": OrderedDict([("b", 1), ("a", [2])]),
    "defaultdict": defaultdict(list, b=1, a=[2]),
    "defaultdict without factory": defaultdict(None, b=1),
    "namedtuple": Point(1, [2, 3]),
    "subclass of a namedtuple": [SubPoint(1, 2), 3],
    "namedtuple with an index of its own": [IndexedPoint(1, [2, 3, 4]), 5],
    "registered namedtuple": RegisteredPoint(1, 2),
    "subclass of dict is a leaf": [DictSubclass(a=1), 2],
    "subclasses of builtins are leaves": [type("L", (list,), {})([1]), type("T", (tuple,), {})()],
    "registered": Registered(1, (2, 3), Registered()),
    "registered with keys": Keyed(1, {"k": 2}),
    "unhashable aux": Unhashable(1, 2),
    "dataclass": Inferred({"x": 1}, [2, None]),
    "dataclass with meta": [Inferred(1, 2, act="tanh")],
    "dataclass with lists": Listed((1, 2), 7),
    "static": [Static(3), 1],
    "by methods": ByMethods(1, [2]),
    "by methods with keys": ByMethodsWithKeys(1, [2]),
    "strings, sets and functions are leaves": ["ab", {1}, len, 1j],
    "params": {
        "embed": {"w": 1, "b": 2},
        "blocks": [{"attn": {"q": i, "k": -i}, "norm": (i, None)} for i in range(3)],
        "opt": Point(OrderedDict(z=1, y=2), defaultdict(int, n=3)),
    },
    # Many siblings: alike, and nearly so
    "alike dicts": [{"w": i, "b": -i} for i in range(9)],
    "alike tuples": tuple([(i, [i, -i], (str(i),)) for i in range(9)]),
    "alike to the third level": {f"l{i}": [{"a": (i, [i])}, (i, {"b": 2})] for i in range(9)},
    "alike registered": [Registered(i, (i, i)) for i in range(9)],
    "alike but for a length": [*[(i, i) for i in range(5)], (1,), *[(i, i) for i in range(5)]],
    "alike but for a kind": [*[(i, i) for i in range(5)], [1, 2], *[(i, i) for i in range(5)]],
    "alike but for a key": [*[{"a": 1}] * 5, {"b": 2}, *[{"a": 1}] * 5],
    "alike but for the order of keys": [*[{"a": 1, "b": 2}] * 5, {"b": 2, "a": 1}] * 2,
    "alike but for a key of another type": [*[{1: 1}] * 5, {True: 2}, *[{1: 1}] * 5],
    "alike but for a child": [*[(1, (2,))] * 5, (1, 2), *[(1, (2,))] * 5],
    "alike but for None": [*[(1, 2)] * 5, (1, None), *[(1, 2)] * 5],
    "alike and empty": [[()] * 9, [{}] * 9, [None] * 9, [[]] * 9],
}

each_tree = pytest.mark.parametrize("t", TREES.values(), ids=TREES.keys())


def assert_same_leaves(ours, theirs):
    assert len(ours) == len(theirs)
    assert all(x is y for x, y in zip(ours, theirs))


def assert_agrees(t):
    """Leaves, structure and paths are JAX's, and flatten's inverse gives the tree back."""
    leaves, treedef = tree.flatten(t)
    jax_leaves, jax_treedef = jax.tree.flatten(t)
    assert_same_leaves(leaves, jax_leaves)
    assert repr(treedef) == repr(jax_treedef)
    assert treedef.num_leaves == jax_treedef.num_leaves == len(leaves)
    assert treedef.num_nodes == jax_treedef.num_nodes

    pairs, path_treedef = tree.flatten_with_path(t)
    jax_pairs, _ = jax.tree.flatten_with_path(t)
    assert repr([path for path, _ in pairs]) == repr([path for path, _ in jax_pairs])
    assert_same_leaves([leaf for _, leaf in pairs], leaves)
    assert path_treedef == treedef and hash(path_treedef) == hash(treedef)

    again = tree.unflatten(treedef, leaves)
    assert tree.structure(again) == treedef
    assert_same_leaves(tree.leaves(again), leaves)
    assert repr(jax.tree.structure(again)) == repr(jax_treedef)
