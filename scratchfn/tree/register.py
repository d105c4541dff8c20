"""The ways to make a type a container, and `Partial`, a function that is one.

`register_dataclass` suits most classes; `register_static` is for settings that have no arrays at
all; the `register_pytree_*` functions take the two (or three) functions themselves.

Read next: `api.py`, what can be done with the trees.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence
from operator import methodcaller
from typing import Any, TypeVar

from scratchfn.errors import explain
from scratchfn.tree.registry import Kind, add_kind, attribute_kind

Class = TypeVar("Class", bound=Any)


def register_pytree_node(
    nodetype: type,
    flatten_func: Callable[[Any], tuple[Iterable, Any]],
    unflatten_func: Callable[[Any, tuple], Any],
    flatten_with_keys_func: Callable[[Any], tuple[Iterable, Any]] | None = None,
) -> None:
    """Make `nodetype` a container.

    `flatten_func(node)` gives `(children, aux)`; aux is static, hashable and compared by `==`.
    `unflatten_func(aux, children)` is its inverse, and `flatten_with_keys_func(node)` gives
    `(pairs, aux)` with a pair `(key, child)` for each child.
    """

    if not isinstance(nodetype, type):
        raise TypeError(
            explain(
                "Register a type as a pytree node.",
                f"{nodetype!r} of type {type(nodetype).__name__}.",
                "The nodes of a tree are told by their class.",
                "register_pytree_node(MyClass, flatten, unflatten)",
            )
        )

    def checked(flatten: Callable[[Any], tuple[Iterable, Any]]) -> Callable[[Any], tuple]:
        def split(node: Any) -> tuple[tuple, Any]:
            children, aux = _checked_pair(nodetype, flatten(node))
            return tuple(children), aux

        return split

    def join(aux: Any, children: Iterable) -> Any:
        return unflatten_func(aux, tuple(children))

    with_keys = checked(flatten_with_keys_func) if flatten_with_keys_func else None
    add_kind(Kind(nodetype, checked(flatten_func), join, split_with_keys=with_keys))


def _checked_pair(nodetype: type, parts: Any) -> tuple[Iterable, Any]:
    """What a user's flatten function returned, if it is a pair that begins with an iterable."""
    if type(parts) is tuple and len(parts) == 2 and hasattr(parts[0], "__iter__"):
        return parts
    raise ValueError(
        explain(
            f"Flatten a {nodetype.__name__} by the function it was registered with.",
            f"The function returned {parts!r}.",
            "It has to return a tuple (children, aux_data) in which children is iterable.",
            "return (self.x, self.y), (self.size,)",
        )
    )


def register_pytree_with_keys(
    nodetype: type,
    flatten_with_keys: Callable[[Any], tuple[Iterable, Any]],
    unflatten_func: Callable[[Any, tuple], Any],
    flatten_func: Callable[[Any], tuple[Iterable, Any]] | None = None,
) -> None:
    """Make `nodetype` a container whose children have keys of its own choice in paths."""

    def drop_keys(node: Any) -> tuple[list, Any]:
        pairs, aux = flatten_with_keys(node)
        return [child for _, child in pairs], aux

    register_pytree_node(nodetype, flatten_func or drop_keys, unflatten_func, flatten_with_keys)


def register_pytree_node_class(cls: Class) -> Class:
    """Class decorator; uses the methods `tree_flatten` and `tree_unflatten` (a classmethod)."""
    register_pytree_node(cls, methodcaller("tree_flatten"), cls.tree_unflatten)
    return cls


def register_pytree_with_keys_class(cls: Class) -> Class:
    """Class decorator; uses the methods `tree_flatten_with_keys` and `tree_unflatten`."""
    flatten = methodcaller("tree_flatten") if hasattr(cls, "tree_flatten") else None
    with_keys = methodcaller("tree_flatten_with_keys")
    register_pytree_with_keys(cls, with_keys, cls.tree_unflatten, flatten)
    return cls


def register_static(cls: Class) -> Class:
    """Class decorator: values of `cls` are containers without leaves, static under `jit`."""
    register_pytree_with_keys(cls, lambda node: ((), node), lambda node, children: node)
    return cls


# -------------------------------------------------------------------------------------- dataclasses


def static(**field_arguments: Any) -> Any:
    """`dataclasses.field` for a field that is static when its class is a pytree."""
    metadata = {"static": True, **(field_arguments.pop("metadata", None) or {})}
    return dataclasses.field(metadata=metadata, **field_arguments)


def register_dataclass(
    nodetype: Class,
    data_fields: Sequence[str] | None = None,
    meta_fields: Sequence[str] | None = None,
    drop_fields: Sequence[str] = (),
) -> Class:
    """Make a dataclass a container: data fields are its children, meta fields its static rest.

    Without the two lists, a field is meta if it was made by `static()` (or has `static=True` in
    its metadata) and data otherwise. `drop_fields` names fields that are neither.
    """
    is_dataclass = dataclasses.is_dataclass(nodetype)
    if data_fields is None and meta_fields is None and is_dataclass:
        fields = [f for f in dataclasses.fields(nodetype) if f.name not in drop_fields]
        data_fields = [f.name for f in fields if not f.metadata.get("static", False)]
        meta_fields = [f.name for f in fields if f.metadata.get("static", False)]
    if data_fields is None or meta_fields is None:
        raise TypeError(_field_lists_message(nodetype, data_fields, meta_fields, is_dataclass))
    if is_dataclass:
        _check_constructor_takes({*data_fields, *meta_fields}, nodetype, drop_fields)
    if overlap := sorted({*data_fields} & {*meta_fields}):
        raise ValueError(
            explain(
                f"Register the dataclass {nodetype.__name__}.",
                f"{overlap} in data_fields and in meta_fields.",
                "A field is either a child (traced) or static, and the two lists may not overlap.",
                f"take {overlap} out of one of the two lists.",
            )
        )
    add_kind(attribute_kind(nodetype, tuple(data_fields), tuple(meta_fields)))
    return nodetype


def _field_lists_message(nodetype: type, data: Any, meta: Any, is_dataclass: bool) -> str:
    name = getattr(nodetype, "__name__", repr(nodetype))
    what = "a dataclass" if is_dataclass else "not a dataclass"
    return explain(
        f"Register {name} by register_dataclass.",
        f"data_fields={data!r} and meta_fields={meta!r} for {name}, which is {what}.",
        "The fields are read off a dataclass only if neither list is given.",
        f"register_dataclass({name}, data_fields=[...], meta_fields=[...])",
    )


def _check_constructor_takes(listed: set[str], nodetype: type, dropped: Sequence[str]) -> None:
    """Joining calls the constructor with every listed field, so it must take exactly these."""
    taken = {f.name for f in dataclasses.fields(nodetype) if f.init} - {*dropped}
    if listed == taken:
        return
    missing, unexpected = sorted(taken - listed), sorted(listed - taken)
    raise ValueError(
        explain(
            f"Register the dataclass {nodetype.__name__} with the fields {sorted(listed)}.",
            f"Missing fields: {missing}. Unexpected fields: {unexpected}.",
            "data_fields and meta_fields together must be the fields that __init__ takes, "
            "because a node is rebuilt by calling the class.",
            f"list {missing} as data, meta or drop_fields."
            if missing
            else f"name {unexpected} in drop_fields, and compute them in __post_init__.",
        )
    )


# ------------------------------------------------------------------------------------------ Partial


class Partial(functools.partial):
    """`functools.partial` that is a pytree: the arguments are children, the function is static.

    A plain closure cannot pass through `jit` as an argument; `Partial(f, x)` can, and its `x` is
    traced. A partial inside a Partial stays what it is: its arguments are part of the function.
    """

    def __new__(cls, func: Callable, /, *args: Any, **keywords: Any) -> Partial:
        if not isinstance(func, functools.partial):
            return super().__new__(cls, func, *args, **keywords)
        # functools.partial would merge an inner partial into this one, and its arguments would
        # become children. So begin with any other function, and put the inner partial in after.
        self = super().__new__(cls, cls._placeholder, *args, **keywords)
        self.__setstate__((func, self.args, self.keywords, None))  # type: ignore[attr-defined]
        return self

    @staticmethod
    def _placeholder() -> None:
        """Stands for the function while a Partial of a partial is being made."""


register_pytree_node(
    Partial,
    lambda partial: ((partial.args, partial.keywords), partial.func),
    lambda func, children: Partial(func, *children[0], **children[1]),
)
