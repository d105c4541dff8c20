"""The functions over trees, by their names in `jax.tree_util`.

`scratchfn.tree` gives them short names (`tree.map`), `scratchfn.tree_util` gives the long ones.
Two helpers are for the transforms: `broadcast_prefix` turns an `in_axes` into one axis for each
leaf, and `prefix_errors` says in words what is wrong with such a prefix.

Read next: `scratchfn/transforms/api.py`, which flattens every argument with them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from scratchfn.errors import explain
from scratchfn.tree.keys import KeyPath
from scratchfn.tree.mismatch import Difference, differences, first_difference
from scratchfn.tree.registry import TUPLE, kinds
from scratchfn.tree.treedef import (
    PyTreeDef,
    Spec,
    flatten_spec,
    flatten_spec_with_path,
    join_spec,
    split_up_to,
)

Leaf = Any
PyTree = Any
IsLeaf = Callable[[Any], bool] | None

_MISSING: Any = object()  # "no initializer was given", where None is a possible initializer


# ------------------------------------------------------------------------------ flatten, unflatten


def tree_flatten(tree: PyTree, is_leaf: IsLeaf = None) -> tuple[list[Leaf], PyTreeDef]:
    """The leaves of a tree from left to right, and its structure.

    `is_leaf(x)` is asked at every node from the root down, and True makes the node a leaf.
    """
    leaves, spec = flatten_spec(tree, is_leaf)
    return leaves, PyTreeDef(spec, len(leaves))


def tree_unflatten(treedef: PyTreeDef, leaves: Iterable[Leaf]) -> PyTree:
    """The tree with this structure and these leaves: the inverse of `tree_flatten`."""
    if not hasattr(treedef, "unflatten"):
        raise AttributeError(
            explain(
                "tree.unflatten(treedef, leaves)",
                f"a treedef of type {type(treedef).__name__}: {treedef!r}",
                "The structure of a tree is a PyTreeDef.",
                "tree.unflatten(tree.structure(x), leaves)",
            )
        )
    return treedef.unflatten(leaves)


def tree_leaves(tree: PyTree, is_leaf: IsLeaf = None) -> list[Leaf]:
    """The leaves of a tree from left to right."""
    return flatten_spec(tree, is_leaf)[0]


def tree_structure(tree: PyTree, is_leaf: IsLeaf = None) -> PyTreeDef:
    """The structure of a tree."""
    leaves, spec = flatten_spec(tree, is_leaf)
    return PyTreeDef(spec, len(leaves))


def tree_flatten_with_path(
    tree: PyTree, is_leaf: Callable[..., bool] | None = None, is_leaf_takes_path: bool = False
) -> tuple[list[tuple[KeyPath, Leaf]], PyTreeDef]:
    """The pairs (path, leaf) from left to right, and the structure.

    With `is_leaf_takes_path`, the question to `is_leaf` is `is_leaf(path, x)`.
    """
    if is_leaf is None or is_leaf_takes_path:
        ask = is_leaf
    else:

        def ask(path: KeyPath, x: Any) -> bool:
            return is_leaf(x)

    pairs, spec = flatten_spec_with_path(tree, ask)
    return pairs, PyTreeDef(spec, len(pairs))


def tree_leaves_with_path(
    tree: PyTree, is_leaf: Callable[..., bool] | None = None, is_leaf_takes_path: bool = False
) -> list[tuple[KeyPath, Leaf]]:
    """The pairs (path, leaf) from left to right."""
    return tree_flatten_with_path(tree, is_leaf, is_leaf_takes_path)[0]


def all_leaves(iterable: Iterable, is_leaf: IsLeaf = None) -> bool:
    """Whether every element is a leaf."""
    elements = list(iterable)
    if is_leaf is None:
        return all(kinds[type(x)] is None for x in elements)
    leaves = tree_leaves(elements, is_leaf)
    return len(leaves) == len(elements) and all(x is y for x, y in zip(leaves, elements))


# --------------------------------------------------------------------------------------------- map


def tree_map(f: Callable, tree: PyTree, *rest: PyTree, is_leaf: IsLeaf = None) -> PyTree:
    """The tree of `f(leaf, *others)`, with the others from the same place of each further tree.

    A further tree may go on below a leaf of the first: `f` then gets a whole subtree.
    """
    if not callable(f):
        raise TypeError(
            explain(
                "tree.map(f, tree)",
                f"f = {f!r} of type {type(f).__name__}",
                "It is called with each leaf.",
                "tree.map(lambda x: x + 1, tree)",
            )
        )
    leaves, spec = flatten_spec(tree, is_leaf)
    if not rest:
        return join_spec(spec, [f(leaf) for leaf in leaves])
    columns = [leaves, *_columns("tree.map", spec, rest)]
    return join_spec(spec, [f(*row) for row in zip(*columns)])


def tree_map_with_path(
    f: Callable,
    tree: PyTree,
    *rest: PyTree,
    is_leaf: Callable[..., bool] | None = None,
    is_leaf_takes_path: bool = False,
) -> PyTree:
    """As `tree_map`, with the path as the first argument: `f(path, leaf, *others)`."""
    pairs, treedef = tree_flatten_with_path(tree, is_leaf, is_leaf_takes_path)
    columns = _columns("tree.map_with_path", treedef._spec, rest)
    rows = zip(*columns) if rest else [()] * len(pairs)
    return join_spec(treedef._spec, [f(*pair, *row) for pair, row in zip(pairs, rows)])


def _columns(caller: str, spec: Spec, trees: tuple[PyTree, ...]) -> list[list]:
    """For each tree, the subtrees at the leaves of the spec."""
    columns: list[list] = [[] for _ in trees]
    for i, (tree, column) in enumerate(zip(trees, columns)):
        if not split_up_to(spec, tree, column):
            difference = first_difference(spec, tree)
            asked = f"{caller} over several trees: each must have the structure of the first."
            raise ValueError(difference.message(asked, f"tree {i + 2} of {len(trees) + 1}"))
    return columns


# ----------------------------------------------------------------------------------------- folding


def tree_reduce(
    function: Callable[[Any, Leaf], Any],
    tree: PyTree,
    initializer: Any = _MISSING,
    is_leaf: IsLeaf = None,
) -> Any:
    """`function(...function(function(initializer, leaf0), leaf1)...)`."""
    leaves = tree_leaves(tree, is_leaf)
    if initializer is not _MISSING:
        return functools.reduce(function, leaves, initializer)
    if not leaves:
        raise TypeError(_no_leaves_message("reduce", "tree.reduce(f, x, initializer)"))
    return functools.reduce(function, leaves)


def tree_reduce_associative(
    operation: Callable[[Any, Any], Any],
    tree: PyTree,
    *,
    identity: Any = _MISSING,
    is_leaf: IsLeaf = None,
) -> Any:
    """Fold by halves, so that the depth is the logarithm of the number of leaves.

    `identity` is the result for a tree without leaves.
    """
    leaves = tree_leaves(tree, is_leaf)
    if leaves:
        return _fold_halves(operation, leaves)
    if identity is _MISSING:
        write = "tree.reduce_associative(f, x, identity=...)"
        raise TypeError(_no_leaves_message("reduce_associative", write))
    return identity


def _fold_halves(operation: Callable[[Any, Any], Any], leaves: list) -> Any:
    if len(leaves) == 1:
        return leaves[0]
    half = len(leaves) // 2
    return operation(_fold_halves(operation, leaves[:half]), _fold_halves(operation, leaves[half:]))


def _no_leaves_message(name: str, write: str) -> str:
    why = "Without leaves there is no first value to begin with."
    return explain(f"tree.{name} over a tree.", "The tree has no leaves.", why, write)


def tree_all(tree: PyTree, *, is_leaf: IsLeaf = None) -> bool:
    """Whether every leaf is true."""
    return all(tree_leaves(tree, is_leaf))


# ----------------------------------------------------------------------- transpose and broadcasting


def tree_transpose(
    outer_treedef: PyTreeDef, inner_treedef: PyTreeDef | None, pytree_to_transpose: PyTree
) -> PyTree:
    """A tree of structure outer(inner) turned into one of structure inner(outer).

    Without `inner_treedef`, the inner structure is that of the first subtree.
    """
    tree = pytree_to_transpose
    if inner_treedef is None:
        inner_treedef = _first_inner_treedef(outer_treedef, tree)
    leaves = tree_leaves(tree)
    inner_size = inner_treedef.num_leaves
    if len(leaves) != outer_treedef.num_leaves * inner_size:
        raise TypeError(_transpose_message(outer_treedef, inner_treedef, tree))
    # Leaf i of each inner tree, for each i: together they fill one outer tree.
    columns = [leaves[i::inner_size] for i in range(inner_size)]
    return inner_treedef.unflatten([outer_treedef.unflatten(column) for column in columns])


def _first_inner_treedef(outer_treedef: PyTreeDef, tree: PyTree) -> PyTreeDef:
    subtrees = outer_treedef.flatten_up_to(tree)
    if subtrees:
        return tree_structure(subtrees[0])
    raise IndexError(
        explain(
            "tree.transpose(outer, None, x): read the inner structure off the first subtree.",
            f"The outer structure {outer_treedef!r} has no leaves, so x has no subtrees.",
            "With no subtree the inner structure is unknown.",
            "tree.transpose(outer, tree.structure(example), x)",
        )
    )


def _transpose_message(outer: PyTreeDef, inner: PyTreeDef, tree: PyTree) -> str:
    wanted, found = outer.compose(inner), tree_structure(tree)
    asked = f"tree.transpose a tree of structure {wanted!r}."
    difference = first_difference(wanted._spec, tree, exact=True)
    difference = difference._replace(
        why=f"Its structure is {found!r}: {found.num_leaves} leaves, not {wanted.num_leaves}.",
        write="tree.transpose(tree.structure(outer), tree.structure(inner), x) with every leaf "
        "of outer replaced by a tree like inner in x.",
    )
    return difference.message(asked)


def broadcast_prefix(prefix_tree: PyTree, full_tree: PyTree, is_leaf: IsLeaf = None) -> list[Leaf]:
    """Each leaf of the prefix once for every leaf below it in the full tree, as a flat list."""
    leaves, spec = flatten_spec(prefix_tree, is_leaf)
    subtrees: list = []
    if not split_up_to(spec, full_tree, subtrees):
        raise _prefix_error("the prefix", first_difference(spec, full_tree))
    repeated: list = []
    for leaf, subtree in zip(leaves, subtrees):
        repeated += [leaf] * len(tree_leaves(subtree))
    return repeated


def prefix_errors(
    prefix_tree: PyTree, full_tree: PyTree, is_leaf: IsLeaf = None
) -> list[Callable[[str], ValueError]]:
    """Every place where `prefix_tree` is not a prefix of `full_tree`, as functions to an error.

    Each takes the name that the user knows the prefix by: `raise prefix_errors(...)[0]("in_axes")`.
    """
    spec = flatten_spec(prefix_tree, is_leaf)[1]
    found = differences(spec, full_tree)
    return [functools.partial(_prefix_error, difference=difference) for difference in found]


def _prefix_error(name: str, difference: Difference) -> ValueError:
    asked = f"Match {name} with a tree: {name} must be a leaf or a prefix of the tree's structure."
    return ValueError(difference.message(asked))


def tree_broadcast(prefix_tree: PyTree, full_tree: PyTree, is_leaf: IsLeaf = None) -> PyTree:
    """A tree of the structure of `full_tree` with each leaf of the prefix repeated below it."""
    repeated = broadcast_prefix(prefix_tree, full_tree, is_leaf)
    return tree_structure(full_tree).unflatten(repeated)


# --------------------------------------------------------------------------- treedefs and one level


def treedef_is_leaf(treedef: PyTreeDef) -> bool:
    """Whether the structure is a single node: a leaf, or a container without children."""
    return treedef.num_nodes == 1


def treedef_children(treedef: PyTreeDef) -> list[PyTreeDef]:
    """The structures of the root's children."""
    return treedef.children()


def treedef_tuple(treedefs: Iterable[PyTreeDef]) -> PyTreeDef:
    """The structure of a tuple of trees with these structures."""
    treedefs = list(treedefs)
    spec = TUPLE, None, tuple([treedef._spec for treedef in treedefs])
    return PyTreeDef(spec, sum(treedef.num_leaves for treedef in treedefs))


def is_tree_node(typ: type) -> bool:
    """Whether values of this type are containers."""
    return isinstance(typ, type) and kinds[typ] is not None


def flatten_one_level(tree: PyTree) -> tuple[Iterable, Any]:
    """The children of the root and its static data."""
    return _root_kind(tree).split(tree)


def flatten_one_level_with_keys(tree: PyTree) -> tuple[Iterable[tuple[Any, Any]], Any]:
    """The pairs (key, child) of the root and its static data."""
    return _root_kind(tree).split_with_keys(tree)


def _root_kind(tree: PyTree) -> Any:
    kind = kinds[type(tree)]
    if kind is None:
        raise ValueError(
            explain(
                "Flatten a tree by one level.",
                f"A leaf of type {type(tree).__name__}.",
                "Only containers (dict, list, tuple, None, registered types) have a level below.",
                f"register_pytree_node({type(tree).__name__}, flatten, unflatten), if it is one.",
            )
        )
    return kind
