"""Loops and branches whose functions use refs from outside: the refs' values are carried along.

Each decorator is for one of the user's functions of control flow. It calls it as it is; if the
functions given to it turn out to use refs, it calls it with pure ones.

Read next: `transforms/refs.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from scratchfn import errors
from scratchfn.core.refs import Ref
from scratchfn.transforms.refs import pure, values_of, with_refs, write_back

Control = Callable[..., Any]


def carried_by_scan(scan: Control) -> Control:
    """For `scan(f, init, ...)`."""

    @functools.wraps(scan)
    def scan_with_refs(f: Any, init: Any, *args: Any, **kwargs: Any) -> Any:
        def attempt(refs: list[Ref]) -> Any:
            if not refs:
                return scan(f, init, *args, **kwargs)

            def body(state: Any, x: Any) -> Any:
                out, values = pure(f, refs)(state[1], state[0], x)
                return ((out[0], values), *out[1:])

            (carry, values), ys = scan(body, (init, values_of(refs)), *args, **kwargs)
            write_back(refs, values)
            return carry, ys

        return with_refs(attempt)

    return scan_with_refs


def carried_by_map(scan: Control) -> Callable[[Control], Control]:
    """For `map(f, xs, ...)`: a function that uses refs is scanned, row by row."""

    def decorate(map: Control) -> Control:
        @functools.wraps(map)
        def map_with_refs(f: Any, xs: Any, **kwargs: Any) -> Any:
            def attempt(refs: list[Ref]) -> Any:
                if not refs:
                    return map(f, xs, **kwargs)
                step = pure(f, refs)
                values, ys = scan(lambda values, x: step(values, x)[::-1], values_of(refs), xs)
                write_back(refs, values)
                return ys

            return with_refs(attempt)

        return map_with_refs

    return decorate


def carried_by_while(while_loop: Control) -> Control:
    """For `while_loop(cond_fun, body_fun, init_val)`."""

    @functools.wraps(while_loop)
    def while_with_refs(cond_fun: Any, body_fun: Any, init_val: Any) -> Any:
        def attempt(refs: list[Ref]) -> Any:
            if not refs:
                return while_loop(cond_fun, body_fun, init_val)
            val, values = while_loop(
                lambda state: _only_reading(cond_fun, refs)(state[1], state[0]),
                lambda state: pure(body_fun, refs)(state[1], state[0]),
                (init_val, values_of(refs)),
            )
            write_back(refs, values)
            return val

        return with_refs(attempt)

    return while_with_refs


def _only_reading(cond_fun: Control, refs: Sequence[Ref]) -> Control:
    def cond(values: Sequence[Any], val: Any) -> Any:
        out, new = pure(cond_fun, refs)(values, val)
        if any(a is not b for a, b in zip(values, new, strict=True)):
            raise ValueError(
                errors.explain(
                    "lax.while_loop whose condition writes to a Ref",
                    ", ".join(repr(ref.aval) for ref in refs),
                    "a condition says whether to go on, and changes nothing",
                    "the write in the body",
                )
            )
        return out

    return cond


def carried_by_fori(fori_loop: Control) -> Control:
    """For `fori_loop(lower, upper, body_fun, init_val, ...)`."""

    @functools.wraps(fori_loop)
    def fori_with_refs(lower: Any, upper: Any, body_fun: Any, init_val: Any, **kwargs: Any) -> Any:
        def attempt(refs: list[Ref]) -> Any:
            if not refs:
                return fori_loop(lower, upper, body_fun, init_val, **kwargs)

            def body(i: Any, state: Any) -> Any:
                return pure(body_fun, refs)(state[1], i, state[0])

            val, values = fori_loop(lower, upper, body, (init_val, values_of(refs)), **kwargs)
            write_back(refs, values)
            return val

        return with_refs(attempt)

    return fori_with_refs


def through_cond(cond: Control) -> Control:
    """For `cond(pred, true_fun, false_fun, *operands)`."""

    @functools.wraps(cond)
    def cond_with_refs(pred: Any, true_fun: Any, false_fun: Any, *args: Any, **operand: Any) -> Any:
        def attempt(refs: list[Ref]) -> Any:
            if not refs:
                return cond(pred, true_fun, false_fun, *args, **operand)
            operands = *args, *operand.values()
            branches = pure(true_fun, refs), pure(false_fun, refs)
            out, values = cond(pred, *branches, values_of(refs), *operands)
            write_back(refs, values)
            return out

        return with_refs(attempt)

    return cond_with_refs


def through_switch(switch: Control) -> Control:
    """For `switch(index, branches, *operands)`."""

    @functools.wraps(switch)
    def switch_with_refs(index: Any, branches: Any, *args: Any, **operand: Any) -> Any:
        def attempt(refs: list[Ref]) -> Any:
            if not refs:
                return switch(index, branches, *args, **operand)
            operands = *args, *operand.values()
            taking = [pure(branch, refs) for branch in branches]
            out, values = switch(index, taking, values_of(refs), *operands)
            write_back(refs, values)
            return out

        return with_refs(attempt)

    return switch_with_refs
