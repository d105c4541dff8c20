"""Flattening, paths and treedefs: equal to JAX's on every tree of the table."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict

import jax
import jax.tree_util as jtu
import pytest

from scratchfn import tree, tree_util
from tests.tree.cases import (
    TREES,
    Point,
    assert_agrees,
    assert_same_leaves,
    each_tree,
)


def test_has_every_name_of_jax_tree():
    assert {n for n in dir(jax.tree) if n[0] != "_"} == set(tree.__all__)


def test_has_every_name_of_jax_tree_util():
    names = {n for n in dir(jtu) if n[0] != "_"}
    assert names - set(tree_util.__all__) == {"default_registry"}  # there is one registry
    assert set(tree_util.__all__) - names == {"broadcast_prefix", "prefix_errors"}
    assert all(hasattr(tree_util, name) for name in tree_util.__all__)


# --------------------------------------------------------------------------- flatten, unflatten


@each_tree
def test_agrees_with_jax(t):
    assert_agrees(t)


@each_tree
def test_keystr(t):
    ours = [path for path, _ in tree.leaves_with_path(t)]
    theirs = [path for path, _ in jax.tree.leaves_with_path(t)]
    assert [tree_util.keystr(p) for p in ours] == [jtu.keystr(p) for p in theirs]
    slashes = dict(simple=True, separator="/")
    assert [tree_util.keystr(p, **slashes) for p in ours] == [
        jtu.keystr(p, **slashes) for p in theirs
    ]


@each_tree
def test_is_leaf(t):
    def stop(x):
        return x is None or isinstance(x, (list, OrderedDict))

    leaves, treedef = tree.flatten(t, is_leaf=stop)
    jax_leaves, jax_treedef = jax.tree.flatten(t, is_leaf=stop)
    assert_same_leaves(leaves, jax_leaves)
    assert repr(treedef) == repr(jax_treedef)
    assert_same_leaves(tree.leaves(t, stop), leaves)
    assert tree.structure(t, stop) == treedef
    assert repr(tree.leaves_with_path(t, stop)) == repr(jax.tree.leaves_with_path(t, stop))


@each_tree
def test_is_leaf_takes_path(t):
    def stop(path, x):
        return len(path) == 1

    ours = tree.flatten_with_path(t, is_leaf=stop, is_leaf_takes_path=True)
    theirs = jax.tree.flatten_with_path(t, is_leaf=stop, is_leaf_takes_path=True)
    assert repr(ours) == repr(theirs)


@each_tree
def test_treedef_methods(t):
    ours, theirs = tree.structure(t), jax.tree.structure(t)
    assert repr(ours.children()) == repr(theirs.children())
    assert ours.node_data() == theirs.node_data()
    assert tree_util.treedef_is_leaf(ours) == jtu.treedef_is_leaf(theirs)
    assert repr(tree_util.treedef_children(ours)) == repr(jtu.treedef_children(theirs))
    assert repr(tree_util.treedef_tuple([ours, ours])) == repr(jtu.treedef_tuple([theirs, theirs]))
    inner = (0, {"a": 0})
    composed = ours.compose(tree.structure(inner))
    assert repr(composed) == repr(theirs.compose(jax.tree.structure(inner)))
    assert composed.num_leaves == 2 * ours.num_leaves == len(_leaf_paths(composed))
    assert_same_leaves(ours.flatten_up_to(t), theirs.flatten_up_to(t))


def _leaf_paths(treedef):
    return tree.leaves_with_path(treedef.unflatten([0] * treedef.num_leaves))


@each_tree
def test_walk(t):
    def node(children, data):
        # JAX 0.10.2 gives a namedtuple's class for its static data here, and None in node_data
        return children, None if isinstance(data, type) else data

    leaves = tree.leaves(t)
    ours = tree.structure(t).walk(node, repr, leaves)
    assert ours == jax.tree.structure(t).walk(node, repr, leaves)


@each_tree
def test_one_level(t):
    if tree_util.treedef_is_leaf(tree.structure(t)) and tree.leaves(t):
        return
    children, _ = tree_util.flatten_one_level(t)
    assert_same_leaves(list(children), list(jtu.flatten_one_level(t)[0]))
    pairs, aux = tree_util.flatten_one_level_with_keys(t)
    jax_pairs, jax_aux = jtu.flatten_one_level_with_keys(t)
    assert [repr(pair[0]) for pair in pairs] == [repr(pair[0]) for pair in jax_pairs] or (
        isinstance(t, Point)  # JAX 0.10.2 repeats a namedtuple's first field here
    )
    assert aux == jax_aux or isinstance(t, tuple)


@each_tree
def test_treedefs_pickle_and_copy(t):
    treedef = tree.structure(t)
    assert pickle.loads(pickle.dumps(treedef)) == treedef
    assert copy.deepcopy(treedef) == treedef


@pytest.mark.parametrize("x", [1, "ab", len, None, (), Point(1, 2), OrderedDict(a=1)])
def test_is_tree_node(x):
    assert tree_util.is_tree_node(type(x)) == jtu.is_tree_node(type(x))


def test_every_pair_of_structures_is_equal_where_jax_says_so():
    for a in TREES.values():
        for b in TREES.values():
            ours = tree.structure(a), tree.structure(b)
            theirs = jax.tree.structure(a), jax.tree.structure(b)
            assert (ours[0] == ours[1]) == (theirs[0] == theirs[1])
            if ours[0] == ours[1]:
                assert hash(ours[0]) == hash(ours[1])
    assert tree.structure({1: 0}) == tree.structure({True: 0})
    assert tree.structure(1) != 3


def test_equal_keys_of_other_types_come_back_as_they_were():
    # the order of a dict's keys is remembered per key tuple, and 1 == True
    for keys in [(1, 2), (True, 2), (1.0, 2)]:
        again = tree.map(lambda x: x, dict.fromkeys(keys, 0))
        assert list(map(type, again)) == list(map(type, keys))


def test_a_type_can_be_registered_after_it_was_seen_as_a_leaf():
    class Late:
        def __init__(self, x):
            self.x = x

    assert len(tree.leaves([Late(1), Late(2)])) == 2
    tree_util.register_pytree_node(Late, lambda n: ((n.x, n.x), None), lambda _, c: Late(c[0]))
    assert tree.leaves([Late(1), Late(2)]) == [1, 1, 2, 2]


def test_treedef_is_immutable_and_a_key():
    treedef = tree.structure([1, {"a": 2}])
    with pytest.raises(AttributeError):
        treedef.num_leaves = 3
    with pytest.raises(AttributeError):
        treedef.name = "x"
    assert {treedef: "value"}[tree.structure([5, {"a": 6}])] == "value"


def test_keys_are_values():
    for name, field, value in [
        ("DictKey", "key", "a"),
        ("SequenceKey", "idx", 1),
        ("GetAttrKey", "name", "w"),
        ("FlattenedIndexKey", "key", 2),
    ]:
        ours, theirs = getattr(tree_util, name)(value), getattr(jtu, name)(value)
        assert (repr(ours), str(ours)) == (repr(theirs), str(theirs))
        assert getattr(ours, field) == value and type(ours).__match_args__ == (field,)
        assert ours == type(ours)(value) and hash(ours) == hash(type(ours)(value))
        assert pickle.loads(pickle.dumps(ours)) == ours
        with pytest.raises(AttributeError):
            setattr(ours, field, 0)
    assert tree_util.SequenceKey(1) != tree_util.FlattenedIndexKey(1)
    mixed = (tree_util.DictKey("a"), "raw", 3)
    assert tree_util.keystr(mixed) == "['a']raw3"
    assert tree_util.keystr(mixed, simple=True, separator=".") == "a.raw.3"


@pytest.mark.parametrize("elements", [[1, 2], [1, None], [[1]], [], {"a": 1}, [1, ()]])
def test_all_leaves(elements):
    assert tree_util.all_leaves(elements) == jtu.all_leaves(elements)

    def stop(x):
        return x is None

    assert tree_util.all_leaves(elements, stop) == jtu.all_leaves(elements, stop)
