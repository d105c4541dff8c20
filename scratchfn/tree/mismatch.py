"""Where and why a tree does not have the structure that was expected, in words.

The walks in `treedef.py` only find out *that* two structures differ. Then `differences` walks
once more, slowly, and tells each place by its path with what was expected and what was found.

Read next: `api.py`, which turns a `Difference` into an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from scratchfn.errors import explain
from scratchfn.tree.keys import KeyPath, keystr
from scratchfn.tree.registry import (
    DEFAULTDICT,
    DICT,
    LIST,
    NONE,
    TUPLE,
    Kind,
    UnsortableKeys,
    kinds,
)

_MOST_NAMES = 8  # longer lists of keys are cut


class Difference(NamedTuple):
    """One place where a tree departs from the structure that was expected of it."""

    path: KeyPath
    expected: str
    found: str
    why: str
    write: str

    def message(self, asked: str, name: str = "the tree") -> str:
        """The four-part text; `name` says which tree the path leads into."""
        return explain(
            asked,
            f"at {place(self.path)} of {name}: expected {self.expected}, found {self.found}.",
            self.why,
            self.write,
        )


def place(path: KeyPath) -> str:
    """A path as text that is never empty."""
    return keystr(path) or "the root"


def differences(spec: Any, tree: Any, exact: bool = False, path: KeyPath = ()) -> Iterator:
    """Each Difference between a spec (see `treedef.py`) and the top of `tree`.

    A leaf of the spec stands for any subtree, or only for a leaf where `exact`.
    """
    found_kind = kinds[type(tree)]
    if spec is None:
        if exact and found_kind is not None:
            yield _type_difference(path, "a leaf", tree)
        return
    kind: Kind
    kind, aux, specs = spec
    if found_kind is not kind:
        yield _type_difference(path, describe_node(kind, aux, len(specs)), tree, kind)
        return
    try:
        pairs, found_aux = kind.split_with_keys(tree)
    except UnsortableKeys:
        why = "The keys found there have no order, and those expected have one."
        write = "give both trees the same keys there."
        yield Difference(path, describe_node(kind, aux, len(specs)), describe(tree), why, write)
        return
    if len(pairs) != len(specs) or found_aux != aux:
        yield _content_difference(path, kind, (aux, len(specs)), (found_aux, len(pairs)))
        return
    for (key, child), child_spec in zip(pairs, specs):
        yield from differences(child_spec, child, exact, (*path, key))


def first_difference(spec: Any, tree: Any, exact: bool = False) -> Difference:
    """The first Difference of a tree that a walk has found to have another structure."""
    found = next(differences(spec, tree, exact), None)
    return found or Difference(
        (),
        "the structure of the other tree",
        describe(tree),
        "A registered flatten function gives other static data at every call.",
        "return equal static data for equal nodes from every flatten function.",
    )


def _type_difference(
    path: KeyPath, expected: str, tree: Any, kind: Kind | None = None
) -> Difference:
    if kind is NONE:
        why = "None is a container without leaves, so only None has its structure."
        write = "pass is_leaf=lambda x: x is None to take None for a leaf."
    else:
        why = "Two trees are walked together only while their containers have equal types."
        write = "build both trees from the same containers (a namedtuple is no tuple)."
    return Difference(path, expected, describe(tree), why, write)


def _content_difference(path: KeyPath, kind: Kind, expected: tuple, found: tuple) -> Difference:
    """Two nodes of one kind with other keys, lengths or static data; each is (aux, length)."""
    missing, extra = _key_difference(kind, expected, found)
    if kind is LIST or kind is TUPLE:
        why = f"A {kind.type.__name__} matches only one of its own length."
        write = f"give both trees a {kind.type.__name__} of length {expected[1]} there."
    elif missing or extra:
        why = f"The keys differ: missing {missing}, not expected {extra}."
        write = "give both trees the same keys there, or map over the part that they share."
    elif expected[0] == found[0]:
        why = f"The numbers of children differ: {expected[1]} is not {found[1]}."
        write = f"build both {kind.type.__name__} nodes with equally many children."
    else:
        why = f"The static data differ: {expected[0]!r} is not {found[0]!r}."
        write = f"build both {kind.type.__name__} nodes with equal static data."
    return Difference(path, describe_node(kind, *expected), describe_node(kind, *found), why, write)


def _key_difference(kind: Kind, expected: tuple, found: tuple) -> tuple[list, list]:
    if issubclass(kind.type, dict):
        wanted, given = ([key.key for key in kind.keys(*side)] for side in (expected, found))
        return [k for k in wanted if k not in given], [k for k in given if k not in wanted]
    return [], []


def describe(tree: Any) -> str:
    """The top of a tree in a few words: `list of length 2`, `f32[3,4]`, `a leaf of type int`."""
    kind = kinds[type(tree)]
    if kind is None:
        if hasattr(tree, "shape") and hasattr(tree, "dtype"):
            return _array_type(tree)
        return f"a leaf of type {type(tree).__name__}"
    if isinstance(tree, dict):
        return f"{type(tree).__name__} with keys {_names(list(tree))}"
    children, aux = kind.split(tree)
    return describe_node(kind, aux, len(children))


def describe_node(kind: Kind, aux: Any, n: int) -> str:
    """The same for a container known by its kind, static data and number of children."""
    name = kind.type.__name__
    if kind is NONE:
        return "None"
    if kind is LIST or kind is TUPLE:
        return f"{name} of length {n}"
    if issubclass(kind.type, dict):
        return f"{name} with keys {_names([key.key for key in kind.keys(aux, n)])}"
    return f"{name} with {n} {'child' if n == 1 else 'children'}"


def _names(keys: list) -> str:
    shown = ", ".join(map(repr, keys[:_MOST_NAMES]))
    return f"[{shown}, ... {len(keys)} in all]" if len(keys) > _MOST_NAMES else f"[{shown}]"


def _array_type(x: Any) -> str:
    """`f32[3,4]`: the dtype's short name and the shape."""
    short = str(x.dtype)
    for long, letter in (("bfloat", "bf"), ("float", "f"), ("uint", "u"), ("int", "i")):
        if short.startswith(long):
            short = letter + short.removeprefix(long)
            break
    return f"{short.replace('complex', 'c')}[{','.join(map(str, x.shape))}]"


def unsortable_error(tree: Any, keys: tuple, cause: BaseException | None) -> UnsortableKeys:
    """The error of a dict whose keys have no order, with the path to that dict."""
    path = next(_paths_to_dict(tree, keys, ()), ())
    types = " and ".join(sorted({type(key).__name__ for key in keys}))
    message = explain(
        "Flatten a tree: the children of a dict come in the order of its sorted keys.",
        f"at {place(path)}: a dict with keys {_names(list(keys))}, of type {types}.",
        f"Comparing the keys raised {cause!r}.",
        "use keys of one type that has an order, e.g. {str(k): v for k, v in d.items()}, or a "
        "collections.OrderedDict, which keeps the order of insertion.",
    )
    return UnsortableKeys(keys, message)


def _paths_to_dict(tree: Any, keys: tuple, path: KeyPath) -> Iterator[KeyPath]:
    """Paths to the dicts with exactly these keys, in the order of the walk."""
    kind = kinds[type(tree)]
    if (kind is DICT or kind is DEFAULTDICT) and tuple(tree) == keys:
        yield path
    elif kind is not None:
        for key, child in kind.split_with_keys(tree)[0]:
            yield from _paths_to_dict(child, keys, (*path, key))
