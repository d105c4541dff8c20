"""while_loop and fori_loop: loops that carry values and stack nothing.

    x = while_loop(lambda x: x < 100, lambda x: x * x, 2)
    x = fori_loop(0, 10, lambda i, x: x + i, 0)

A `fori_loop` whose bounds are known while tracing is a scan, which has a derivative in reverse mode
as well.

Read next: `while_primitive.py`, `scan.py`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from scratchfn import errors, tree
from scratchfn.config import config
from scratchfn.core import dtypes
from scratchfn.core.array import Array, as_value
from scratchfn.core.jaxpr import ClosedJaxpr, weak_cache
from scratchfn.core.trace import Tracer
from scratchfn.primitives.arithmetic import add_p
from scratchfn.primitives.convert import convert_element_type
from scratchfn.primitives.logic import lt_p
from scratchfn.transforms.control import while_primitive
from scratchfn.transforms.control.bodies import (
    Body,
    Place,
    at_once,
    parameter_name,
    place_in,
    promote_weak,
    remembered,
    require_function,
    require_same_carry,
    require_same_tree,
    trace_body,
)
from scratchfn.transforms.control.programs import reorder
from scratchfn.transforms.control.refs import carried_by_fori, carried_by_while
from scratchfn.transforms.control.scan import ScanBody, scan_of
from scratchfn.transforms.flat import flatten_values, name_of


@carried_by_while
def while_loop(cond_fun: Callable[..., Any], body_fun: Callable[..., Any], init_val: Any) -> Any:
    """Runs `val = body_fun(val)` as long as `cond_fun(val)` holds, from `val = init_val`.

    Args:
      cond_fun: returns a bool scalar.
      body_fun: returns a tree of the structure, shapes and dtypes of its argument.
      init_val: a tree of arrays.

    Raises:
      TypeError: a condition that is no bool scalar, or a body that changes the types it is given.
      ValueError: on differentiation in reverse mode; forward mode works.
    """
    require_function("lax.while_loop", "cond_fun", cond_fun)
    require_function("lax.while_loop", "body_fun", body_fun)
    place = place_in(parameter_name(body_fun, "val"))
    body = _WhileBody(body_fun, _step, f"lax.while_loop of {name_of(body_fun)}", place)
    return _loop(cond_fun, body, init_val)


class _WhileBody(NamedTuple):
    """A body made of the user's function: `step(f, carry)` is the new carry, `asked` names it in
    errors, and so does `place` the components of its carry."""

    f: Callable[..., Any]
    step: Callable[..., Any]
    asked: str
    place: Place

    def __call__(self, carry: Any) -> Any:
        return self.step(self.f, carry)


def _step(f: Any, val: Any) -> Any:
    """The body of the user's while_loop."""
    return f(val)


def _loop(cond_fun: Any, body: _WhileBody, init: Any) -> Any:
    inits, in_tree = flatten_values(init, f"{body.asked}: the carry init_val")
    if config.disable_jit:
        # Examples under vmap may end at different steps, which takes the recorded loop.
        with contextlib.suppress(errors.TracerBoolConversionError):
            return _in_python(cond_fun, body, tree.unflatten(in_tree, inits))
    traced = _trace_body(body, inits, in_tree)
    promoted = promote_weak(inits, traced.closed.out_avals)
    if promoted is not None:
        inits = promoted
        traced = _trace_body(body, inits, in_tree)
    avals = [x.aval for x in inits]
    require_same_carry(body.asked, body.place, init, avals, traced.closed.out_avals)
    cond = _trace_cond(cond_fun, body.asked, inits, in_tree)
    constant = _constant_carries(traced.closed, cond.closed, len(inits))
    outs = iter(
        while_primitive.bind(
            cond.consts,
            [*[inits[i] for i in constant], *traced.consts],
            [x for i, x in enumerate(inits) if i not in constant],
            _cond_without(cond.closed, constant, len(inits)),
            _body_without(traced.closed, constant, len(inits)),
        )
    )
    carry = [x if i in constant else next(outs) for i, x in enumerate(inits)]
    return tree.unflatten(in_tree, carry)


def _trace_body(body: _WhileBody, inits: list[Any], in_tree: Any) -> Body:
    avals = [x.aval for x in inits]

    def flat(*leaves: Any) -> list[Any]:
        new = body(tree.unflatten(in_tree, leaves))
        require_same_tree(body.asked, body.place, in_tree, new)
        return flatten_values(new, f"{body.asked}: the carry that it returns")[0]

    def make() -> Body:
        return trace_body(body.f, flat, avals, body.asked)

    return remembered(body.f, (body.step, in_tree, *avals), make)


def _trace_cond(cond_fun: Any, asked: str, inits: list[Any], in_tree: Any) -> Body:
    avals = [x.aval for x in inits]

    def flat(*leaves: Any) -> list[Any]:
        out = cond_fun(tree.unflatten(in_tree, leaves))
        outs, out_tree = flatten_values(out, f"{asked}: what {name_of(cond_fun)} returns")
        if out_tree != tree.structure(0):
            raise _no_condition(cond_fun, asked, f"a result of structure {out_tree}")
        return outs

    def make() -> Body:
        body = trace_body(cond_fun, flat, avals, asked)
        (aval,) = body.closed.out_avals
        if aval.shape != () or aval.dtype != np.dtype(bool):
            raise _no_condition(cond_fun, asked, f"a result of type {aval}")
        return body

    return remembered(cond_fun, ("while_cond", in_tree, *avals), make)


def _no_condition(cond_fun: Any, asked: str, found: str) -> TypeError:
    return TypeError(
        errors.explain(
            f"{asked} with the condition {name_of(cond_fun)}",
            found,
            "the condition says with one bool whether to go on",
            "x != 0 for a number, c.any() or c.all() for an array of bools",
        )
    )


@weak_cache
def _constant_carries(body: ClosedJaxpr, cond: ClosedJaxpr, num_carry: int) -> tuple[int, ...]:
    """The carries that the body returns as it got them and that the condition does not ask for:
    they are the same at each step, and become constants of the body."""
    carry, outs = body.jaxpr.invars[-num_carry:], body.jaxpr.outvars
    of_cond = cond.jaxpr.invars[-num_carry:]
    asked_for = {v for eqn in cond.eqns for v in eqn.invars} | {*cond.jaxpr.outvars}
    return tuple(i for i in range(num_carry) if outs[i] is carry[i] and of_cond[i] not in asked_for)


@weak_cache
def _cond_without(cond: ClosedJaxpr, constant: tuple[int, ...], num_carry: int) -> ClosedJaxpr:
    count = len(cond.in_avals) - num_carry
    kept = [count + i for i in range(num_carry) if i not in constant]
    return reorder(cond, [*range(count), *kept])


@weak_cache
def _body_without(body: ClosedJaxpr, constant: tuple[int, ...], num_carry: int) -> ClosedJaxpr:
    count = len(body.in_avals) - num_carry
    kept = [i for i in range(num_carry) if i not in constant]
    order = [*[count + i for i in constant], *range(count), *[count + i for i in kept]]
    return reorder(body, order, kept)


def _in_python(cond_fun: Any, body: _WhileBody, init: Any) -> Any:
    """The loop as Python runs it, under `disable_jit`."""
    val = init
    while bool(cond_fun(val)):
        val = body(val)
    return val


# -- over a range ---------------------------------------------------------------------------------


@carried_by_fori
def fori_loop(
    lower: Any,
    upper: Any,
    body_fun: Callable[..., Any],
    init_val: Any,
    *,
    unroll: int | bool | None = None,
) -> Any:
    """Runs `val = body_fun(i, val)` for i from `lower` up to but not including `upper`.

    Bounds that are known while tracing make it a scan, which can be differentiated in reverse mode
    and unrolled; others make it a while loop.

    Raises:
      TypeError: bounds that are no integers of one dtype, or a body that changes its carry's types.
      ValueError: `unroll` where the bounds are not known.
    """
    require_function("lax.fori_loop", "body_fun", body_fun)
    asked = f"lax.fori_loop of {name_of(body_fun)}"
    name = parameter_name(body_fun, "val", 1)
    start, stop = _bounds(asked, lower, upper)
    first, last = _known(start), _known(stop)
    if first is not None and last is not None:
        count = max(last - first, 0)
        if config.disable_jit and count == 0:
            return init_val
        body = ScanBody(body_fun, _scan_step, asked, place_in(name, 1))
        (_, val), _ = scan_of(body, (first, init_val), None, count, False, unroll or False)
        return val
    if unroll is not None:
        raise ValueError(
            errors.explain(
                f"{asked} with unroll={unroll}",
                f"bounds of types {start.aval} and {stop.aval}, traced",
                "how many steps there are to unroll is not known",
                "bounds that are Python ints, or no unroll",
            )
        )
    stepping = _WhileBody(body_fun, _fori_step, asked, place_in(name, 1))
    return _loop(_below, stepping, (start, stop, init_val))[2]


def _scan_step(asked: str, body_fun: Any, carry: Any, _: Any) -> Any:
    i, val = carry
    return (_next(i), body_fun(i, val)), None


def _fori_step(body_fun: Any, carry: Any) -> Any:
    i, stop, val = carry
    return _next(i), stop, body_fun(i, val)


def _below(carry: Any) -> Any:
    i, stop, _ = carry
    return lt_p.bind(i, stop)


def _next(i: Any) -> Any:
    i = as_value(i)
    return add_p.bind(i, Array(np.asarray(1, i.dtype), i.aval.weak_type))


def _known(x: Any) -> int | None:
    """A bound as a Python int, if its number is known."""
    array = x.concrete() if isinstance(x, Tracer) else x
    return None if array is None else int(array)


def _bounds(asked: str, lower: Any, upper: Any) -> tuple[Any, Any]:
    """The bounds as values of one dtype; Python's ints take the dtype of the other's."""
    start, stop = as_value(lower), as_value(upper)
    for name, x in (("lower", start), ("upper", stop)):
        if x.shape != ():
            why = "it counts up from one number to another"
            raise TypeError(
                errors.explain(asked, f"{name} of type {x.aval}", why, "x.size or x[0]")
            )
    a, b = start.aval, stop.aval
    if a.dtype == b.dtype:
        return start, stop
    if dtypes.kind(a.dtype) == dtypes.kind(b.dtype) == "i" and a.weak_type != b.weak_type:
        if a.weak_type:
            return at_once(convert_element_type, start, b.dtype), stop
        return start, at_once(convert_element_type, stop, a.dtype)
    raise TypeError(
        errors.explain(
            asked,
            f"lower of type {a} and upper of type {b}",
            "i counts from one to the other, so both have its type",
            f"jnp.asarray(upper, '{a.dtype.name}'), or Python ints",
        )
    )
