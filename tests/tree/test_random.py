"""Random trees, pairs of trees and prefixes, against JAX's."""

from __future__ import annotations

from collections import OrderedDict, defaultdict

import jax
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchfn import tree, tree_util
from tests.tree.cases import (
    Inferred,
    Keyed,
    Point,
    Registered,
    Static,
    assert_agrees,
)

leaf_values = st.one_of(st.integers(), st.text(max_size=2), st.just(np.zeros(2)))
short_keys = st.text("abcxyz", max_size=2)


def containers(children):
    return st.one_of(
        st.lists(children, max_size=4),
        st.lists(children, max_size=4).map(tuple),
        st.dictionaries(short_keys, children, max_size=4),
        st.dictionaries(st.integers() | st.booleans(), children, max_size=4),
        st.dictionaries(short_keys, children, max_size=4).map(OrderedDict),
        st.dictionaries(short_keys, children, max_size=3).map(lambda d: defaultdict(int, d)),
        st.builds(Point, children, children),
        st.lists(children, max_size=3).map(lambda c: Registered(*c)),
        st.lists(children, max_size=3).map(lambda c: Keyed(*c)),
        st.builds(Inferred, children, children, st.sampled_from(["relu", "tanh"])),
        st.integers().map(Static),
    )


random_trees = st.recursive(leaf_values | st.none(), containers, max_leaves=25)
siblings = st.builds(lambda t, n: [t] * n, random_trees, st.integers(8, 10))  # of one structure


@settings(max_examples=200, deadline=None)
@given(random_trees | siblings)
def test_random_trees(t):
    assert_agrees(t)
    assert tree.leaves(tree.map(repr, t)) == tree.leaves(jax.tree.map(repr, t))


def outcome(f):
    """What a call gave: its value in print, or the class of its error."""
    try:
        return repr(f())
    except Exception as error:
        return type(error)


@settings(max_examples=200, deadline=None)
@given(random_trees, random_trees)
def test_random_pairs(a, b):
    assert (tree.structure(a) == tree.structure(b)) == (
        jax.tree.structure(a) == jax.tree.structure(b)
    )
    ours, theirs = tree.structure(a), jax.tree.structure(a)
    assert outcome(lambda: ours.flatten_up_to(b)) == outcome(lambda: theirs.flatten_up_to(b))
    errors = tree_util.prefix_errors(a, b)
    assert bool(errors) == isinstance(outcome(lambda: ours.flatten_up_to(b)), type)


@settings(max_examples=100, deadline=None)
@given(random_trees, st.data())
def test_random_prefixes(t, data):
    stops = data.draw(st.lists(st.booleans(), min_size=60, max_size=60))
    seen = iter(stops)
    prefix = tree.map(lambda _: 0, t, is_leaf=lambda x: next(seen, True))
    ours = tree_util.broadcast_prefix(prefix, t)
    assert len(ours) == len(tree.leaves(t))
    assert tree.leaves(tree.broadcast(prefix, t)) == tree.leaves(jax.tree.broadcast(prefix, t))
