"""cond and switch: branches of which one is run.

    y = cond(x > 0, lambda x: x, lambda x: -x, x)
    y = switch(i, [f, g, h], x)

Both branches are traced, and only the chosen one is run. What they close over becomes operands of
all of them. A result that all branches hand on from the same operand is not computed at all.

Read next: `cond_primitive.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from scratchfn import errors, tree
from scratchfn.config import config
from scratchfn.core import dtypes
from scratchfn.core.array import Array, as_value
from scratchfn.core.jaxpr import ClosedJaxpr, Jaxpr, Var, weak_cache
from scratchfn.core.trace import Tracer
from scratchfn.primitives.convert import clamp_p, convert_element_type
from scratchfn.primitives.logic import ne_p
from scratchfn.transforms.control import cond_primitive
from scratchfn.transforms.control.bodies import (
    Body,
    at_once,
    place_in,
    remembered,
    require_function,
    trace_body,
)
from scratchfn.transforms.control.programs import reorder
from scratchfn.transforms.control.refs import through_cond, through_switch
from scratchfn.transforms.flat import flatten_values, name_of
from scratchfn.tree.mismatch import first_difference

_NO_OPERAND = object()


@through_cond
def cond(
    pred: Any,
    true_fun: Callable[..., Any],
    false_fun: Callable[..., Any],
    *operands: Any,
    operand: Any = _NO_OPERAND,
) -> Any:
    """`true_fun(*operands)` if `pred` holds, else `false_fun(*operands)`; one of them is run.

    Args:
      pred: a bool scalar, or a number, which holds if it is not zero.
      true_fun, false_fun: functions of results equal in structure, shapes and dtypes.
      operand: one operand, in place of `operands`.

    The old form `cond(pred, true_operand, true_fun, false_operand, false_fun)` works as well.

    Raises:
      TypeError: branches whose results differ, or a predicate that is no scalar.
    """
    if _is_old_form(true_fun, operands):
        return _old_form(pred, true_fun, false_fun, *operands)
    require_function("lax.cond", "true_fun", true_fun)
    require_function("lax.cond", "false_fun", false_fun)
    operands = _operands("lax.cond", operands, operand)
    pred = _predicate(pred)
    if config.disable_jit and _is_known(pred):
        return (true_fun if bool(pred) else false_fun)(*operands)
    index = at_once(convert_element_type, pred, np.dtype("int32"))
    names = [f"true_fun {name_of(true_fun)}", f"false_fun {name_of(false_fun)}"]
    return _branch("lax.cond", names, index, [true_fun, false_fun], operands, step=-1)


def _is_known(x: Any) -> bool:
    """Can Python choose by it? So it cannot for several examples at once."""
    return not isinstance(x, Tracer) or x.concrete() is not None


def _is_old_form(second: Any, operands: tuple[Any, ...]) -> bool:
    return not callable(second) and len(operands) == 2 and callable(operands[1])


def _old_form(pred: Any, x_true: Any, f_true: Any, x_false: Any, f_false: Any) -> Any:
    return cond(pred, lambda x: f_true(x[0]), lambda x: f_false(x[1]), (x_true, x_false))


@through_switch
def switch(
    index: Any,
    branches: Sequence[Callable[..., Any]],
    *operands: Any,
    operand: Any = _NO_OPERAND,
) -> Any:
    """`branches[index](*operands)`; an index out of range takes the nearest branch.

    Raises:
      TypeError: branches whose results differ, or an index that is no integer scalar.
      ValueError: no branches.
    """
    branches = _as_list(branches)
    for i, branch in enumerate(branches):
        require_function("lax.switch", f"branches[{i}]", branch)
    operands = _operands("lax.switch", operands, operand)
    index = _index(index)
    if not branches:
        raise ValueError(
            errors.explain(
                "lax.switch", "no branches", "there is nothing to choose from",
                "lax.switch(i, [f, g], x)",
            )
        )  # fmt: skip
    if len(branches) == 1:
        return branches[0](*operands)
    index = at_once(convert_element_type, index, np.dtype("int32"))
    ends = [Array(np.asarray(i, np.int32)) for i in (0, len(branches) - 1)]
    index = clamp_p.bind(ends[0], index, ends[1])
    if config.disable_jit and _is_known(index):
        return branches[int(index)](*operands)
    names = [f"branch {i} {name_of(f)}" for i, f in enumerate(branches)]
    return _branch("lax.switch", names, index, branches, operands)


# -- the branches as programs ---------------------------------------------------------------------


class _Branch(NamedTuple):
    """A traced branch, the structure of its result, and the result as a tree of types."""

    body: Body
    out_tree: Any


def _branch(
    name: str,
    names: list[str],
    index: Any,
    branches: list[Any],
    operands: tuple[Any, ...],
    step: int = 1,
) -> Any:
    """The choice among two or more branches, counted backwards if `step` is -1."""
    values, in_tree = flatten_values(operands, f"{name}: operands")
    traced = [
        _trace(name, what, f, values, in_tree) for what, f in zip(names, branches, strict=True)
    ]
    _require_alike(name, names, traced)
    consts, programs = _with_common_consts(traced, len(values))
    given = [*consts, *values]
    forwarded = _forwarded(programs[0], tuple(programs[1:]))
    kept = tuple(i for i, place in enumerate(forwarded) if place is None)
    outs = iter(
        cond_primitive.bind(index, given, [_with_results(p, kept) for p in programs[::step]])
    )
    results = [next(outs) if place is None else given[place] for place in forwarded]
    return tree.unflatten(traced[0].out_tree, results)


def _trace(name: str, what: str, f: Any, values: list[Any], in_tree: Any) -> _Branch:
    avals = [x.aval for x in values]
    out_trees: list[Any] = []

    def flat(*leaves: Any) -> list[Any]:
        out = f(*tree.unflatten(in_tree, leaves))
        outs, out_tree = flatten_values(out, f"{name}: the result of {what}")
        out_trees.append(out_tree)
        return outs

    def make() -> _Branch:
        body = trace_body(f, flat, avals, f"{name} with {what}")
        return _Branch(body, out_trees[0])

    return remembered(f, ("branch", in_tree, *avals), make)


def _with_common_consts(
    traced: list[_Branch], num_operands: int
) -> tuple[list[Any], list[ClosedJaxpr]]:
    """What the branches close over, each once, and the branches as programs of all of it."""
    consts: dict[int, Any] = {id(c): c for branch in traced for c in branch.body.consts}
    of = list(consts)
    avals = tuple(c.aval for c in consts.values())
    return list(consts.values()), [
        _padded(branch.body.closed, tuple(of.index(id(c)) for c in branch.body.consts), avals)
        for branch in traced
    ]


@weak_cache
def _padded(closed: ClosedJaxpr, places: tuple[int, ...], avals: tuple[Any, ...]) -> ClosedJaxpr:
    """A branch whose leading arguments are of types `avals`; its own are at `places` there."""
    jaxpr = closed.jaxpr
    mine = dict(zip(places, jaxpr.invars, strict=False))
    given = [mine.get(i) or Var(aval) for i, aval in enumerate(avals)]
    invars = [*given, *jaxpr.invars[len(places) :]]
    return ClosedJaxpr(Jaxpr([], invars, jaxpr.outvars, jaxpr.eqns))


@weak_cache
def _with_results(closed: ClosedJaxpr, kept: tuple[int, ...]) -> ClosedJaxpr:
    return reorder(closed, range(len(closed.in_avals)), kept)


@weak_cache
def _forwarded(first: ClosedJaxpr, others: tuple[ClosedJaxpr, ...]) -> list[int | None]:
    """Of each result: which operand it is in all of the branches, or None."""
    places = []
    for program in (first, *others):
        of = {v: i for i, v in enumerate(program.jaxpr.invars)}
        places.append([of.get(v) for v in program.jaxpr.outvars])  # type: ignore[arg-type]
    return [of_all[0] if len(set(of_all)) == 1 else None for of_all in zip(*places, strict=True)]


def _require_alike(name: str, names: list[str], traced: list[_Branch]) -> None:
    """Raises TypeError unless all branches give what the first one gives."""
    first, write = traced[0], "branches that return trees of the same structure, shapes and dtypes"
    result = place_in("result")
    for what, other in zip(names[1:], traced[1:], strict=True):
        if other.out_tree != first.out_tree:
            out = tree.unflatten(other.out_tree, other.body.closed.out_avals)
            difference = first_difference(first.out_tree._spec, out, exact=True)
            raise TypeError(
                errors.explain(
                    name,
                    f"{result(difference.path)} is {difference.expected} in {names[0]}, and "
                    f"{difference.found} in {what}",
                    "which branch is run is not known while tracing, so all must be alike",
                    write,
                )
            )
        avals = first.body.closed.out_avals
        shown = tree.unflatten(first.out_tree, avals)
        for (path, a), b in zip(
            tree.leaves_with_path(shown), other.body.closed.out_avals, strict=True
        ):
            if (a.shape, a.dtype) != (b.shape, b.dtype):
                kept = dtypes.short_name(a.dtype) if a.dtype.names else a.dtype.name
                cast = f"x.astype('{kept}') in {what}, or its like in {names[0]}"
                raise TypeError(
                    errors.explain(
                        name,
                        f"{result(path)} of type {a} in {names[0]}, and {b} in {what}",
                        "which branch is run is not known while tracing, so all must be alike",
                        cast if a.shape == b.shape else f"jnp.broadcast_to(x, {a.shape}) in {what}",
                    )
                )


# -- the arguments --------------------------------------------------------------------------------


def _as_list(branches: Any) -> list[Any]:
    try:
        return list(branches)
    except TypeError:
        raise TypeError(
            errors.explain(
                "lax.switch", f"branches of type {type(branches).__name__}",
                "the index counts the functions of a sequence", "lax.switch(i, [f, g], x)",
            )
        ) from None  # fmt: skip


def _operands(name: str, operands: tuple[Any, ...], operand: Any) -> tuple[Any, ...]:
    if operand is _NO_OPERAND:
        return operands
    if operands:
        raise TypeError(
            errors.explain(
                name,
                f"operand={operand!r} beside {len(operands)} positional operands",
                "it is the one operand, where there are no others",
                f"{name}(..., {', '.join('xyz'[: len(operands)])}, operand) with all by position",
            )
        )
    return (operand,)


def _scalar(name: str, what: str, x: Any, write: str) -> Any:
    try:
        value = as_value(x)
        found = f"{what} of type {value.aval}"
    except TypeError:
        value, found = None, f"{what} {x!r} of type {type(x).__name__}"
    if value is None or value.shape != ():
        raise TypeError(errors.explain(name, found, "one number says which branch is run", write))
    return value


def _predicate(pred: Any) -> Any:
    """The predicate as a bool scalar."""
    x = _scalar("lax.cond", "a predicate", pred, "x.any() or x.all(); or jnp.where(x, a, b), which "
                "chooses for each element")  # fmt: skip
    kind = dtypes.kind(x.dtype)
    if kind == "b":
        return x
    if kind not in "iuf":
        raise TypeError(
            errors.explain(
                "lax.cond", f"a predicate of type {x.aval}", "it is a bool, or a real number",
                "x != 0",
            )
        )  # fmt: skip
    return at_once(ne_p.bind, x, Array(np.asarray(0, x.dtype), x.aval.weak_type))


def _index(index: Any) -> Any:
    """The index as an integer scalar."""
    x = _scalar("lax.switch", "an index", index, "x[0], or vmap for a choice for each element")
    if dtypes.kind(x.dtype) not in "iu":
        raise TypeError(
            errors.explain(
                "lax.switch", f"an index of type {x.aval}", "it counts the branches from 0",
                "i.astype('int32'), or lax.cond for a bool",
            )
        )  # fmt: skip
    return x
