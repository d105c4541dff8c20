"""Which parameters of a function `jit` treats otherwise than as arrays: static and donated ones.

Read next: `transforms/jit_api.py`.
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Iterable
from typing import Any, SupportsIndex

from scratchfn import errors
from scratchfn.core.trace import Tracer
from scratchfn.transforms.flat import name_of, parameter_names


class Positions:
    """Some of a function's parameters, given by number or name, known by both where possible."""

    def __init__(self, fun: Callable[..., Any], argnums: Any, argnames: Any, what: str):
        nums = _as_tuple(fun, f"{what}_argnums", argnums, SupportsIndex)
        names = _as_tuple(fun, f"{what}_argnames", argnames, str)
        positional = parameter_names(fun)
        self._check(fun, nums, names, what)
        if argnames is None:  # as JAX: numbers give names only if no names are given, and back
            names = tuple(positional[i] for i in nums if -len(positional) <= i < len(positional))
        elif argnums is None:
            nums = tuple(positional.index(name) for name in names if name in positional)
        self.nums = nums
        self.names = frozenset(names)
        self.given = bool(nums or names)
        self._of: dict[int, tuple[int, ...]] = {}

    def of(self, count: int) -> tuple[int, ...]:
        """The positions among `count` positional arguments, in order."""
        if count not in self._of:
            self._of[count] = tuple(sorted({i % count for i in self.nums if -count <= i < count}))
        return self._of[count]

    @staticmethod
    def _check(fun: Callable[..., Any], nums: Any, names: Any, what: str) -> None:
        try:
            parameters = inspect.signature(fun).parameters
        except (TypeError, ValueError):
            return
        kinds = [p.kind for p in parameters.values()]
        any_name = inspect.Parameter.VAR_KEYWORD in kinds
        unknown = [name for name in names if name not in parameters]
        if unknown and not any_name:
            raise ValueError(
                errors.explain(
                    f"jit of {name_of(fun)} with {what}_argnames={tuple(names)!r}",
                    f"{unknown[0]!r} is not a parameter of it",
                    f"its parameters are {', '.join(parameters)}",
                    f"{what}_argnames with one of these",
                )
            )
        count = len(parameter_names(fun))
        if inspect.Parameter.VAR_POSITIONAL not in kinds and any(
            not -count <= i < count for i in nums
        ):
            raise ValueError(
                errors.explain(
                    f"jit of {name_of(fun)} with {what}_argnums={tuple(nums)!r}",
                    f"a function of {count} positional parameters",
                    "each number is the place of a positional parameter",
                    f"{what}_argnums from 0 to {count - 1}",
                )
            )


def _as_tuple(fun: Callable[..., Any], what: str, given: Any, kind: Any) -> tuple[Any, ...]:
    """Positions (integers) or names (strings) as a tuple, from one of them or several."""
    if given is None:
        return ()
    many = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (given,)
    if all(isinstance(x, kind) for x in many):
        return many if kind is str else tuple(map(operator.index, many))
    raise TypeError(
        errors.explain(
            f"jit of {name_of(fun)} with {what}={given!r}",
            ", ".join(f"{x!r} of type {type(x).__name__}" for x in many),
            "positions of parameters are ints, and names are strings",
            f"{what}='n', or {what}=('n', 'm')" if kind is str else f"{what}=0, or {what}=(0, 1)",
        )
    )


def close_over_static(fun: Callable[..., Any], static: Any, count: int) -> Callable[..., Any]:
    """`fun` as a function of `count` positional arguments and some by name, the others fixed."""
    values = {where: value for where, _, value in static}
    named = {where: value for where, value in values.items() if isinstance(where, str)}

    def closed(*rest: Any, **more: Any) -> Any:
        given = iter(rest)
        places = range(count + len(values) - len(named))
        full = [values[i] if i in values else next(given) for i in places]
        return fun(*full, **named, **more)

    functools.update_wrapper(closed, fun, assigned=("__name__",), updated=())
    return closed


def require_hashable(fun: Callable[..., Any], where: Any, value: Any) -> None:
    try:
        hash(value)
    except TypeError as error:
        names = parameter_names(fun)
        name = where if isinstance(where, str) or where >= len(names) else names[where]
        raise ValueError(
            errors.explain(
                f"jit of {name_of(fun)} with the static argument {name!r}",
                f"{'a traced array' if isinstance(value, Tracer) else repr(value)} of type "
                f"{type(value).__name__}, which cannot be hashed",
                "each value of a static argument has a program of its own, found by its hash",
                "a tuple in place of a list, a frozen dataclass in place of a dict, or an "
                "argument that is not static if it is an array",
            )
        ) from error
