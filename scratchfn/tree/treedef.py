"""Trees to flat lists and back: the walks, and `PyTreeDef`, the structure that is left over.

A structure is kept as nested tuples, a *spec*: None for a leaf, `(kind, aux, specs)` for a
container with one spec for each child. Tuples are the cheapest thing that Python can build, and
they compare and hash in C. `PyTreeDef` is the public face of a spec.

The walks are written for speed, for they run at every call of a jitted function: children are
tested for being leaves in one small loop, a container that holds only leaves is taken whole, and
many siblings of one structure are taken together (`alike.py`).

Read next: `api.py`, the functions over trees; `mismatch.py`, the words of the errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice, repeat
from operator import is_
from typing import Any

from scratchfn.errors import explain
from scratchfn.tree.alike import MANY, join_alike, split_alike
from scratchfn.tree.keys import KeyPath
from scratchfn.tree.mismatch import first_difference, place, unsortable_error
from scratchfn.tree.registry import (
    DICT,
    LIST,
    NONE,
    TUPLE,
    Kind,
    UnsortableKeys,
    dict_layouts,
    kinds,
    leaf_types,
    learn_dict_layout,
)

Spec = tuple | None
_NONE_SPEC = (NONE, None, ())


# ------------------------------------------------------------------------------------- tree -> flat


def flatten_spec(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list, Spec]:
    """The leaves from left to right, and the spec."""
    leaves: list = []
    try:
        if is_leaf is not None:
            return leaves, _split_until(tree, is_leaf, leaves)
        kind = kinds[type(tree)]
        if kind is not None:
            return leaves, _split_node(tree, kind, leaves)
    except UnsortableKeys as error:
        raise unsortable_error(tree, error.keys, error.__cause__) from error.__cause__
    return [tree], None


def _split_node(node: Any, kind: Kind, leaves: list) -> Spec:
    """Append the leaves below a container to `leaves`; return its spec.

    The first two branches do what the `split` of their kinds does, without the call.
    """
    if kind is DICT:
        keys = tuple(node)
        try:
            reorder, get_children, specs = dict_layouts[keys]
        except KeyError:
            reorder, get_children, specs = learn_dict_layout(keys)
        children, aux = get_children(node), reorder(keys)
    elif kind is LIST or kind is TUPLE:
        children, aux, specs = node, None, None
    else:
        (children, aux), specs = kind.split(node), None

    for child in children:
        if type(child) not in leaf_types:
            break
    else:
        leaves += children
        return kind, aux, specs or (None,) * len(children)

    # Asking is not free, so only where the first and the last child may well be alike.
    if len(children) >= MANY and type(child) is type(children[0]) is type(children[-1]):
        alike = split_alike(children)
        if alike is not None:
            leaves += alike[1]
            return kind, aux, (alike[0],) * len(children)

    specs = []
    for child in children:
        child_kind = kinds[type(child)]
        if child_kind is None:
            leaves.append(child)
            specs.append(None)
        elif child is None:
            specs.append(_NONE_SPEC)
        else:
            specs.append(_split_node(child, child_kind, leaves))
    return kind, aux, tuple(specs)


def _split_until(tree: Any, is_leaf: Callable[[Any], bool], leaves: list) -> Spec:
    """As `_split_node`, but everything that `is_leaf` says yes to is a leaf."""
    kind = kinds[type(tree)]
    if _says_leaf(is_leaf(tree)) or kind is None:
        leaves.append(tree)
        return None
    children, aux = kind.split(tree)
    return kind, aux, tuple([_split_until(child, is_leaf, leaves) for child in children])


def flatten_spec_with_path(
    tree: Any, is_leaf: Callable[[KeyPath, Any], bool] | None = None
) -> tuple[list[tuple[KeyPath, Any]], Spec]:
    """The pairs (path, leaf) from left to right, and the spec."""
    pairs: list[tuple[KeyPath, Any]] = []
    try:
        return pairs, _split_with_path(tree, (), is_leaf, pairs)
    except UnsortableKeys as error:
        raise unsortable_error(tree, error.keys, error.__cause__) from error.__cause__


def _split_with_path(tree: Any, path: KeyPath, is_leaf: Callable | None, pairs: list) -> Spec:
    kind = kinds[type(tree)]
    if (is_leaf is not None and _says_leaf(is_leaf(path, tree))) or kind is None:
        pairs.append((path, tree))
        return None
    named_children, aux = kind.split_with_keys(tree)
    specs = [_split_with_path(c, (*path, key), is_leaf, pairs) for key, c in named_children]
    return kind, aux, tuple(specs)


def _says_leaf(answer: Any) -> bool:
    """The answer of an `is_leaf` function; an array's truth would be a silent mistake."""
    if answer is True or answer is False or answer is None:
        return answer is True
    raise ValueError(
        explain(
            "Flatten a tree with is_leaf, a function that says where to stop.",
            f"is_leaf returned {answer!r}, a non-boolean value.",
            "The answer has to be True or False.",
            "is_leaf=lambda x: bool(...)",
        )
    )


def split_up_to(spec: Spec, tree: Any, subtrees: list) -> bool:
    """Append the subtree at each leaf of the spec; False if the tree has another structure."""
    if spec is None:
        subtrees.append(tree)
        return True
    kind: Kind
    children: Sequence
    kind, aux, specs = spec
    if kinds[type(tree)] is not kind:
        return False
    if kind is DICT:
        if len(tree) != len(aux):
            return False
        try:
            children = [tree[key] for key in aux]
        except KeyError:
            return False
    elif kind is LIST or kind is TUPLE:
        children = tree
    else:
        children, found = kind.split(tree)
        if found is not aux and found != aux:
            return False
    if len(children) != len(specs):
        return False
    if not any(specs):
        subtrees += children
        return True
    return all([split_up_to(s, child, subtrees) for s, child in zip(specs, children)])


# ------------------------------------------------------------------------------------- flat -> tree


def join_spec(spec: Spec, leaves: Iterable) -> Any:
    """The tree with this spec and these leaves, of which there have to be enough."""
    leaves = iter(leaves)
    return next(leaves) if spec is None else _join_node(spec, leaves)


def _join_node(spec: tuple, leaves: Any) -> Any:
    kind, aux, specs = spec
    children: Iterable
    if len(specs) >= MANY and specs[0] and all(map(is_, specs, repeat(specs[0]))):
        size = count_leaves(specs[0])
        children = join_alike(specs[0], len(specs), size, leaves)
    elif any(specs):
        children = [next(leaves) if s is None else _join_node(s, leaves) for s in specs]
    elif kind is DICT:  # of leaves only, as is the next: `zip` takes one for each key
        children = leaves
    else:
        children = islice(leaves, len(specs))
    if kind is DICT:
        return dict(zip(aux, children))
    if kind is LIST:
        return list(children)
    if kind is TUPLE:
        return tuple(children)
    return kind.join(aux, children)


# ---------------------------------------------------------------------------------- about one spec


def count_leaves(spec: Spec) -> int:
    """How many leaves a tree with this spec has."""
    return 1 if spec is None else sum(map(count_leaves, spec[2]))


def _count_nodes(spec: Spec) -> int:
    return 1 if spec is None else 1 + sum(map(_count_nodes, spec[2]))


def _compose(spec: Spec, inner: Spec) -> Spec:
    if spec is None:
        return inner
    kind, aux, specs = spec
    return kind, aux, tuple([_compose(s, inner) for s in specs])


def _walk(spec: Spec, f_node: Callable, f_leaf: Callable, leaves: Any) -> Any:
    if spec is None:
        return f_leaf(next(leaves))
    kind, aux, specs = spec
    children = tuple([_walk(s, f_node, f_leaf, leaves) for s in specs])
    return f_node(children, _public_aux(kind, aux))


def _public_aux(kind: Kind, aux: Any) -> Any:
    return list(aux) if kind is DICT else aux  # as JAX shows it


def _without_aux(spec: Spec) -> Spec:
    return None if spec is None else (spec[0], tuple(map(_without_aux, spec[2])))


def _paths(spec: Spec, path: KeyPath = ()) -> list[KeyPath]:
    if spec is None:
        return [path]
    kind, aux, specs = spec
    steps = zip(kind.keys(aux, len(specs)), specs)
    return [leaf_path for key, s in steps for leaf_path in _paths(s, (*path, key))]


def _spec_text(spec: Spec) -> str:
    """A spec as JAX prints a treedef."""
    if spec is None:
        return "*"
    kind, aux, specs = spec
    children = [_spec_text(s) for s in specs]
    inside = ", ".join(children)
    if kind is NONE:
        return "None"
    if kind is LIST:
        return f"[{inside}]"
    if kind is TUPLE:
        return f"({inside},)" if len(children) == 1 else f"({inside})"
    if kind is DICT:
        return "{" + ", ".join(f"{key!r}: {c}" for key, c in zip(aux, children)) + "}"
    name = kind.type.__name__
    title = f"namedtuple[{name}]" if kind.is_found_namedtuple else f"{name}[{aux}]"
    return f"CustomNode({title}, [{inside}])"


# ---------------------------------------------------------------------------------------- PyTreeDef


class PyTreeDef:
    """The structure of a tree: its containers and their static data, without the leaves.

    Immutable and hashable, so it can be a key. `tree.structure(x)` makes one; `tree.flatten(x)`
    makes one along with the leaves.
    """

    __slots__ = ("_hash", "_num_leaves", "_spec")

    def __init__(self, spec: Spec, num_leaves: int):
        self._spec = spec
        self._num_leaves = num_leaves
        self._hash: int | None = None  # most treedefs are never hashed

    @property
    def num_leaves(self) -> int:
        """How many leaves trees of this structure have."""
        return self._num_leaves

    @property
    def num_nodes(self) -> int:
        """How many nodes, leaves included."""
        return _count_nodes(self._spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PyTreeDef):
            return NotImplemented
        return self._spec == other._spec

    def __hash__(self) -> int:
        if self._hash is None:
            try:
                self._hash = hash(self._spec)
            except TypeError:  # a node's static data is not hashable, and may still be compared
                self._hash = hash(_without_aux(self._spec))
        return self._hash

    def __repr__(self) -> str:
        return f"PyTreeDef({_spec_text(self._spec)})"

    def __reduce__(self):
        return PyTreeDef, (self._spec, self._num_leaves)

    def children(self) -> list[PyTreeDef]:
        """The structures of the root's children; none for a leaf."""
        return [PyTreeDef(s, count_leaves(s)) for s in self._spec[2]] if self._spec else []

    def node_data(self) -> tuple[type, Any] | None:
        """The root's type and static data; None for a leaf."""
        if self._spec is None:
            return None
        kind, aux, _ = self._spec
        return kind.type, _public_aux(kind, aux)

    def unflatten(self, leaves: Iterable) -> Any:
        """The tree of this structure with these leaves; there must be exactly `num_leaves`."""
        leaves = list(leaves)
        if len(leaves) != self._num_leaves:
            raise ValueError(self._wrong_count_message(len(leaves)))
        return join_spec(self._spec, leaves)

    def _wrong_count_message(self, given: int) -> str:
        wanted = self._num_leaves
        found = f"Expected {wanted} leaves, got {given}."
        if given < wanted:
            found = f"Too few leaves. {found} The first place without one: "
            found += f"{place(_paths(self._spec)[given])}."
            why = "Every * of the structure takes one leaf."
        else:
            found = f"Too many leaves. {found}"
            why = "Every * of the structure takes one leaf, and none may be left over."
        return explain(
            f"Build a tree of structure {self!r}.",
            found,
            why,
            "take leaves and structure from one tree: leaves, treedef = tree.flatten(x).",
        )

    def flatten_up_to(self, tree: Any) -> list:
        """The subtrees of `tree` at the places where this structure has its leaves."""
        subtrees: list = []
        if split_up_to(self._spec, tree, subtrees):
            return subtrees
        difference = first_difference(self._spec, tree)
        raise ValueError(difference.message(f"Flatten a tree up to the leaves of {self!r}."))

    def compose(self, inner: PyTreeDef) -> PyTreeDef:
        """This structure with `inner` in the place of every leaf."""
        spec = _compose(self._spec, inner._spec)
        return PyTreeDef(spec, self._num_leaves * inner._num_leaves)

    def walk(self, f_node: Callable, f_leaf: Callable, leaves: Iterable) -> Any:
        """Fold from the leaves up: `f_leaf(leaf)`, then `f_node(results, static data)`."""
        return _walk(self._spec, f_node, f_leaf, iter(list(leaves)))
