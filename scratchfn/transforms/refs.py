"""Functions that use refs from outside, made pure: from the refs' values to their new values.

    attempt([])          record the function as it is; if it uses refs, `UsesRefs` says which
    attempt(refs)        record it as (values of refs, arguments) -> (results, new values)

jit passes the values as arguments, loops carry them from step to step, branches take and return
them. What is recorded, differentiated and compiled has no refs in it.

Read next: `core/refs.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scratchfn import errors, tree
from scratchfn.core.refs import Ref, UsesRefs, holding, read, write
from scratchfn.transforms.flat import name_of
from scratchfn.tree_util import register_static


def with_refs(attempt: Callable[[list[Ref]], Any]) -> Any:
    """`attempt([])`, or with the refs that it turned out to use."""
    refs: list[Ref] = []
    while True:
        try:
            return attempt(refs)
        except UsesRefs as error:
            new = [ref for ref in error.refs if ref not in refs]
            if not new:  # what uses them cannot be made pure
                raise
            refs = [*refs, *new]


def pure(f: Callable[..., Any], refs: Sequence[Ref]) -> Callable[..., tuple[Any, list[Any]]]:
    """`f` as (values, *args) -> (result, new values)."""

    @functools.wraps(f, updated=())
    def function(values: Sequence[Any], *args: Any, **kwargs: Any) -> tuple[Any, list[Any]]:
        with holding(refs, values):
            out = f(*args, **kwargs)
            return out, list(map(read, refs))

    return function


def values_of(refs: Sequence[Ref]) -> list[Any]:
    """What is in the refs now."""
    return list(map(read, refs))


def write_back(refs: Sequence[Ref], values: Sequence[Any]) -> None:
    """Puts the new values into the refs."""
    for ref, value in zip(refs, values, strict=True):
        write(ref, value)


def refuse_refs(leaves: Sequence[Any], name: str) -> None:
    """Raises UsesRefs if there are refs among the arguments of a jitted function."""
    refs = [leaf for leaf in leaves if isinstance(leaf, Ref)]
    if refs:
        raise UsesRefs(refs, f"jit({name})")


def map_refs(
    vmap: Callable[..., Any], fun: Callable[..., Any], out_axes: Any, axes: Sequence[int | None],
    arguments: Any,
) -> Any:  # fmt: skip
    """A call of a vmapped function that is given refs to map over: each example has its part of
    them to itself.

    Args:
      vmap: maps a function, with the given out_axes.
      axes: the mapped axis of each leaf of `arguments`, (args, kwargs).
    """
    leaves, in_tree = tree.flatten(arguments)
    places = [i for i, leaf in enumerate(leaves) if _is_mapped_ref(leaf, axes[i])]
    given = [leaves[i] for i in places]
    _refuse_aliases(f"vmap of {name_of(fun)}", given)

    @functools.wraps(fun)
    def function(*args: Any, **kwargs: Any) -> tuple[Any, list[Any]]:
        parts = tree.leaves((args, kwargs))
        inner = [Ref(parts[i]) for i in places]
        for i, ref in zip(places, inner, strict=True):
            parts[i] = ref
        args, kwargs = tree.unflatten(in_tree, parts)
        return fun(*args, **kwargs), values_of(inner)

    for i, value in zip(places, values_of(given), strict=True):
        leaves[i] = value
    args, kwargs = tree.unflatten(in_tree, leaves)
    out, new = vmap(function, (out_axes, [axes[i] for i in places]))(*args, **kwargs)
    write_back(given, new)
    return out


def has_mapped_refs(leaves: Sequence[Any], axes: Sequence[int | None]) -> bool:
    """Are there refs among the leaves that have a mapped axis?"""
    return any(map(_is_mapped_ref, leaves, axes))


def _is_mapped_ref(leaf: Any, axis: int | None) -> bool:
    return type(leaf) is Ref and axis is not None


@register_static
@dataclass(frozen=True)
class _Held:
    """A ref in the structure of a tree, which has no leaf for it."""

    ref: Ref


def hold_refs(t: Any) -> Any:
    """A tree with the refs among its leaves moved into its structure."""
    return tree.map(lambda x: _Held(x) if type(x) is Ref else x, t)


def let_go_of_refs(t: Any) -> Any:
    """The tree that `hold_refs` was given."""
    return tree.map(lambda x: x.ref if type(x) is _Held else x, t, is_leaf=_is_held)


def _is_held(x: Any) -> bool:
    return type(x) is _Held


def holding_refs(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f` as a function of trees that `hold_refs` has made, returning such."""

    @functools.wraps(f)
    def function(*args: Any, **kwargs: Any) -> Any:
        return hold_refs(f(*let_go_of_refs(args), **kwargs))

    return function


def _refuse_aliases(asked: str, given: Sequence[Ref], outside: Sequence[Ref] = ()) -> None:
    """Raises ValueError if a function would know one ref by two names."""
    if len({*given}) < len(given):
        found = "the same Ref as two of its arguments"
    elif {*given} & {*outside}:
        found = "a Ref that is one of its arguments and that it closes over"
    else:
        return
    why = "a write to one would be one to the other"
    raise ValueError(errors.explain(asked, found, why, "the ref once"))


def call_jitted(
    jit: Callable[..., Any], fun: Callable[..., Any], memo: dict[Any, Any], used: Sequence[Ref],
    static: Any, arguments: Any,
) -> Any:  # fmt: skip
    """A call of a jitted function that uses refs, or is given some.

    Args:
      fun: the function of the arguments that are not static; `static` is the key of the others.
      memo: what is kept between calls: the jitted pure functions, and the refs they close over.
      used: refs that the function is known to use.
    """
    leaves, in_tree = tree.flatten(arguments)
    places = tuple(i for i, leaf in enumerate(leaves) if isinstance(leaf, Ref))
    given = [leaves[i] for i in places]
    _refuse_aliases(f"jit of {name_of(fun)}", given)
    rest = [leaf for leaf in leaves if not isinstance(leaf, Ref)]
    outside = memo.setdefault("outside", [])
    outside += [ref for ref in used if ref not in outside and ref not in given]

    def attempt(more: list[Ref]) -> Any:
        outside.extend(ref for ref in more if ref not in outside)
        _refuse_aliases(f"jit of {name_of(fun)}", given, outside)
        key = static, in_tree, places, tuple(outside)
        if key not in memo:
            memo[key] = jit(_jittable(fun, in_tree, places, tuple(outside)))
        out, new, changed = memo[key](values_of(outside), values_of(given), rest)
        write_back(outside, new)
        write_back(given, changed)
        return out

    return with_refs(attempt)


def _jittable(
    fun: Callable[..., Any], in_tree: Any, places: Sequence[int], refs: Sequence[Ref]
) -> Callable[..., Any]:
    """`fun` of (values of refs outside, values of refs among its arguments, other arguments)."""

    @functools.wraps(fun, assigned=("__name__", "__qualname__"), updated=())
    def function(values: list[Any], given: list[Any], rest: list[Any]) -> Any:
        inner = list(map(Ref, given))
        leaves = list(rest)
        for place, ref in zip(places, inner, strict=True):
            leaves.insert(place, ref)
        args, kwargs = tree.unflatten(in_tree, leaves)
        out, new = pure(fun, refs)(values, *args, **kwargs)
        return out, new, values_of(inner)

    return function
