"""Many siblings of one structure, such as the layers of a network, taken apart and put together
column by column.

A walk costs a Python call for each container. The children of a long list are often alike, though:
fifty dicts with the keys `b` and `w`. Then one pass, made of calls that run in C, does for all of
them what the walk would do for one after another.

Read next: `treedef.py`, the walk, which asks here first where a container has many children.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

from scratchfn.tree.registry import DICT, LIST, TUPLE, dict_layouts, kinds, leaf_types

MANY = 8  # siblings for which a column is cheaper than a walk


def split_alike(nodes: Sequence[Any]) -> tuple[tuple, list] | None:
    """The one spec of all `nodes` and their leaves from left to right; None unless they are builtin
    containers of one structure."""
    found = _children_alike(nodes)
    if found is None:
        return None
    kind, aux, size, flat = found
    if leaf_types.issuperset(map(type, flat)):
        return (kind, aux, (None,) * size), flat
    specs: list = []
    columns: list[Sequence] = []  # leaves of one place each
    for i in range(size):
        children = flat[i::size]  # of one place, in all nodes
        if leaf_types.issuperset(map(type, children)):
            specs.append(None)
            columns.append(children)
            continue
        below = split_alike(children)
        if below is None:
            return None
        spec, leaves = below
        step = len(leaves) // len(nodes)
        specs.append(spec)
        columns += [leaves[j::step] for j in range(step)]
    return (kind, aux, tuple(specs)), list(chain.from_iterable(zip(*columns)))


def _children_alike(nodes: Sequence[Any]) -> tuple[Any, Any, int, list] | None:
    """Kind and static data of nodes that have them in common, how many children each has, and all
    children in one list."""
    types = set(map(type, nodes))
    kind = kinds[types.pop()]
    if types:
        return None
    if kind is LIST or kind is TUPLE:
        size = len(nodes[0])
        if not size or len(set(map(len, nodes))) > 1:
            return None
        return kind, None, size, list(chain.from_iterable(nodes))
    if kind is not DICT:
        return None
    keys = tuple(nodes[0])
    if keys not in dict_layouts or len(set(map(tuple, nodes))) > 1:
        return None
    if set(map(type, chain.from_iterable(nodes))) != {str}:  # 1 and True are equal, and not alike
        return None
    reorder, get_children, _ = dict_layouts[keys]
    return kind, reorder(keys), len(keys), list(chain.from_iterable(map(get_children, nodes)))


def join_alike(spec: tuple, count: int, size: int, leaves: Iterator) -> list:
    """`count` nodes of one spec, which has `size` leaves: the inverse of `split_alike`."""
    kind, aux, specs = spec
    if kind is DICT and not any(specs):  # `zip` takes one leaf for each key
        return [dict(zip(aux, leaves)) for _ in range(count)]
    flat = list(islice(leaves, count * size))
    return _join(spec, count, iter([flat[i::size] for i in range(size)]))


def _join(spec: tuple | None, count: int, columns: Iterator[list]) -> list:
    if spec is None:
        return next(columns)
    kind, aux, specs = spec
    parts = [_join(s, count, columns) for s in specs]
    rows = zip(*parts) if parts else iter([()] * count)
    if kind is TUPLE:
        return list(rows)
    if kind is LIST:
        return list(map(list, rows))
    if kind is DICT:
        return [dict(zip(aux, row)) for row in rows]
    return [kind.join(aux, row) for row in rows]
