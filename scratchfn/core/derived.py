"""What has been derived of a program or a function, kept with it: programs that it was traced to,
its derivative, its compiled form.

The table is an attribute of its owner, so the two live and die together whatever they refer to. A
table of weak keys elsewhere would not do: what is derived of a thing often mentions the thing, and
then keeps its own key alive for ever.

Read next: `core/jaxpr.py`, whose `weak_cache` keeps by it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary, ref

NAME = "__derived__"  # of the attribute; a class with slots has one of this name


class Table(dict):
    """What is derived of `owner()`. Copies and pickles of the owner do without."""

    owner: Callable[[], Any] = staticmethod(lambda: None)

    def __reduce__(self) -> Any:
        return Table, ()


_others: WeakKeyDictionary[Any, Table] = WeakKeyDictionary()  # of what cannot have the attribute


def derived(owner: Any) -> Table:
    """The table of a program, a function, or another callable."""
    if not (type(owner) is FunctionType or hasattr(type(owner), NAME)):
        return _others.setdefault(owner, Table())
    table = getattr(owner, NAME, None)
    if table is None or table.owner() is not owner:  # functools.wraps copies what a function has
        table = Table()
        table.owner = ref(owner)
        setattr(owner, NAME, table)
    return table
