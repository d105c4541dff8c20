"""scan: a loop of a known number of steps.

    carry, ys = scan(step, carry, xs)         # carry, y = body(carry, x) for each row x of xs

One program whatever the number of steps, with a derivative in both modes. A component of the carry
that the body returns as it got it becomes a constant of the loop, and a y that is its x is xs.

Read next: `scan_primitive.py`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

from scratchfn import errors, tree
from scratchfn.config import config
from scratchfn.core.array import as_value
from scratchfn.core.avals import ShapedArray
from scratchfn.core.jaxpr import ClosedJaxpr, weak_cache
from scratchfn.core.trace import Tracer, Value
from scratchfn.primitives.base import squeeze
from scratchfn.primitives.joining import stack
from scratchfn.primitives.structural import slice_
from scratchfn.transforms.control import scan_primitive
from scratchfn.transforms.control.bodies import (
    Body,
    Place,
    parameter_name,
    place_in,
    promote_weak,
    remembered,
    require_function,
    require_same_carry,
    require_same_tree,
    trace_body,
)
from scratchfn.transforms.control.programs import cut, reorder
from scratchfn.transforms.control.refs import carried_by_scan
from scratchfn.transforms.flat import flatten_values, name_of
from scratchfn.tree.keys import keystr


@carried_by_scan
def scan(
    f: Callable[..., Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
    _split_transpose: bool = False,
) -> tuple[Any, Any]:
    """Runs `carry, y = f(carry, x)` for each row x of `xs`, from `carry = init`.

    Args:
      f: the body; it is traced once. Its carry must have the structure, shapes and dtypes of init.
      init: a tree of arrays.
      xs: a tree of arrays with equal leading axes, or None, for `length` steps without rows.
      length: the number of steps; needed where `xs` holds no array.
      reverse: from the last row to the first; ys are in the order of the rows all the same.
      unroll: steps to be written out in one round of the loop by XLA, or True for all.
      _split_transpose: accepted, and of no effect, as in JAX.

    Returns:
      The last carry, and the ys stacked along a new leading axis.

    Raises:
      TypeError: f returns no pair, or a carry of another structure or type than it was given.
      ValueError: xs of different leading sizes, or none and no length.
    """
    require_function("lax.scan", "f", f)
    body = ScanBody(f, _step, f"lax.scan of {name_of(f)}", place_in(parameter_name(f, "carry")))
    return scan_of(body, init, xs, length, reverse, unroll)


class ScanBody(NamedTuple):
    """A body made of the user's function: `step(asked, f, carry, x)` is the pair of the new carry
    and y, `asked` names it in errors, and so does `place` the components of its carry."""

    f: Callable[..., Any]
    step: Callable[..., tuple[Any, Any]]
    asked: str
    place: Place

    def __call__(self, carry: Any, x: Any) -> tuple[Any, Any]:
        return self.step(self.asked, self.f, carry, x)


def _step(asked: str, f: Any, carry: Any, x: Any) -> Any:
    """The body of the user's scan."""
    return _require_pair(asked, f, f(carry, x))


def scan_of(
    body: ScanBody,
    init: Any,
    xs: Any,
    length: Any = None,
    reverse: bool = False,
    unroll: Any = 1,
) -> tuple[Any, Any]:
    """`scan` of a body; what it was traced to is remembered by the user's function."""
    asked = body.asked
    inits, init_tree = flatten_values(init, f"{asked}: the carry init")
    rows, xs_tree = flatten_values(xs, f"{asked}: xs")
    steps = _length(asked, xs, rows, length)
    unrolled = _unrolled(asked, unroll, steps)
    if config.disable_jit:
        return _in_python(body, init, xs, steps, reverse)
    row_avals = [x.aval.update(shape=x.shape[1:]) for x in rows]
    traced = _trace(body, [x.aval for x in inits], row_avals, (init_tree, xs_tree))
    promoted = promote_weak(inits, traced.carry_avals)
    if promoted is not None:
        inits = promoted
        traced = _trace(body, [x.aval for x in inits], row_avals, (init_tree, xs_tree))
    require_same_carry(asked, body.place, init, [x.aval for x in inits], traced.carry_avals)
    outs = scan_primitive.bind(
        [*[inits[i] for i in traced.constant], *traced.body.consts],
        [x for i, x in enumerate(inits) if i not in traced.constant],
        rows, traced.body.closed, length=steps, reverse=bool(reverse), unroll=unrolled,
    )  # fmt: skip
    return traced.results(outs, inits, rows)


class _Traced(NamedTuple):
    """A body as it is run: carries that are the same at each step (`constant`) are among its
    constants, and its results are those that the loop has to compute. `same` tells of each y which
    of the xs it is, or None."""

    body: Body
    carry_avals: list[ShapedArray]
    constant: list[int]
    same: list[int | None]
    trees: tuple[Any, Any]

    def results(self, outs: list[Any], inits: list[Any], rows: list[Any]) -> tuple[Any, Any]:
        """The trees of the last carry and of the ys."""
        computed = iter(outs)
        carry = [x if i in self.constant else next(computed) for i, x in enumerate(inits)]
        ys = [next(computed) if i is None else rows[i] for i in self.same]
        return tree.unflatten(self.trees[0], carry), tree.unflatten(self.trees[1], ys)


def _trace(body: ScanBody, avals: list[Any], row_avals: list[Any], in_trees: Any) -> _Traced:
    asked = body.asked
    trees: list[Any] = []

    def flat(*leaves: Any) -> list[Any]:
        new, y = body(*map(tree.unflatten, in_trees, cut(leaves, len(avals))))
        require_same_tree(asked, body.place, in_trees[0], new)
        outs, new_tree = flatten_values(new, f"{asked}: the carry that it returns")
        ys, ys_tree = flatten_values(y, f"{asked}: the y that it returns")
        trees[:] = new_tree, ys_tree
        return [*outs, *ys]

    def make() -> _Traced:
        closed, consts = trace_body(body.f, flat, [*avals, *row_avals], asked)
        program, constant, same = _forwarded(closed, len(consts), len(avals))
        carry_avals = closed.out_avals[: len(avals)]
        return _Traced(Body(program, consts), carry_avals, constant, same, (trees[0], trees[1]))

    return remembered(body.f, (body.step, *in_trees, *avals, *row_avals), make)


@weak_cache
def _forwarded(
    closed: ClosedJaxpr, num_consts: int, num_carry: int
) -> tuple[ClosedJaxpr, list[int], list[int | None]]:
    """The program without what it merely hands on; which carries these are, and of each y which of
    the xs it is."""
    jaxpr = closed.jaxpr
    _, carry, xs = cut(jaxpr.invars, num_consts, num_carry)
    carry_outs, ys = cut(jaxpr.outvars, num_carry)
    constant = [i for i in range(num_carry) if carry_outs[i] is carry[i]]
    same = [xs.index(y) if y in xs else None for y in ys]
    moved = [num_consts + i for i in constant]
    rest = [i for i in range(num_consts, len(jaxpr.invars)) if i not in moved]
    outs = [i for i in range(num_carry) if i not in constant]
    outs += [num_carry + i for i, place in enumerate(same) if place is None]
    return reorder(closed, [*moved, *range(num_consts), *rest], outs), constant, same


def _require_pair(asked: str, f: Any, out: Any) -> Any:
    if isinstance(out, (tuple, list)) and len(out) == 2:
        return out
    kind = out.aval if isinstance(out, Value) else f"a {type(out).__name__}"
    what = f"{kind} of {len(out)}" if isinstance(out, (tuple, list)) else kind
    raise TypeError(
        errors.explain(
            asked,
            f"{name_of(f)} returns {what}",
            "a body returns a pair: the carry for the next step, and the y to be stacked",
            "return carry, y; or return carry, None if there is nothing to stack",
        )
    )


# -- the number of steps --------------------------------------------------------------------------


def _length(asked: str, xs: Any, rows: list[Any], length: Any) -> int:
    """The number of steps. Raises ValueError where it is not known or not one number."""
    paths = [f"xs{keystr(path)}" for path, _ in tree.leaves_with_path(xs)]
    given = None if length is None else _as_int(asked, length)
    for path, x in zip(paths, rows, strict=True):
        if x.ndim == 0:
            raise ValueError(
                errors.explain(
                    asked,
                    f"{path} of type {x.aval}",
                    "it is scanned along its leading axis, and a scalar has none",
                    f"jnp.broadcast_to({path}, (length,)), or a closure over it if each step is "
                    "to see the same",
                )
            )
    sizes = {x.shape[0] for x in rows}
    if given is not None:
        sizes.add(given)
    if len(sizes) == 1:
        return sizes.pop()
    if not sizes:
        raise ValueError(
            errors.explain(
                asked, "no array in xs, and no length", "the number of steps is not known",
                "lax.scan(f, init, length=10), or xs of 10 rows",
            )
        )  # fmt: skip
    found = [f"{path}: {x.aval} has {x.shape[0]} rows" for path, x in zip(paths, rows, strict=True)]
    found += [f"length={given}"] if given is not None else []
    raise ValueError(
        errors.explain(
            asked,
            "\n         ".join(found),
            "each step takes a row of every array, so all must have as many",
            "x[:n] for arrays that are too long"
            + (", and no length, which follows from xs" if given is not None else ""),
        )
    )


def _as_int(asked: str, length: Any) -> int:
    if isinstance(length, Tracer):
        length = length.need(
            errors.ConcretizationTypeError,
            f"{asked} with a traced length",
            "lax.fori_loop(0, n, body, init) or lax.while_loop; or make the argument static: "
            "jit(f, static_argnums=...)",
        )
    try:
        return max(int(length), 0)
    except (TypeError, ValueError):
        raise TypeError(
            errors.explain(asked, f"length={length!r}", "it is the number of steps", "length=10")
        ) from None


def _unrolled(asked: str, unroll: Any, length: int) -> int:
    """How many steps XLA is to write out. Raises ValueError for what is no such number."""
    if isinstance(unroll, bool):
        return max(length, 1) if unroll else 1
    try:
        count = operator.index(unroll)
    except TypeError:
        count = -1
    if count < 0:
        raise ValueError(
            errors.explain(
                asked, f"unroll={unroll!r}", "it is a number of steps, or True for all of them",
                "unroll=1",
            )
        )  # fmt: skip
    return count


# -- without tracing ------------------------------------------------------------------------------


def _in_python(body: ScanBody, init: Any, xs: Any, length: int, reverse: bool) -> Any:
    """The loop as Python runs it, under `disable_jit`."""
    if length == 0:
        raise ValueError(
            errors.explain(
                f"{body.asked} under disable_jit", "no steps",
                "the type of the ys is that of one of them, and the body is never run",
                "jit in force, or a loop of at least one step",
            )
        )  # fmt: skip
    carry, ys = init, []
    for i in reversed(range(length)) if reverse else range(length):
        carry, y = body(carry, tree.map(lambda x, i=i: _row(as_value(x), i), xs))
        ys.append(y)
    ordered = ys[::-1] if reverse else ys
    return carry, tree.map(lambda *rows: stack(list(map(as_value, rows))), *ordered)


def _row(x: Any, i: int) -> Any:
    """Row i of an array."""
    rest = x.shape[1:]
    return squeeze(slice_(x, (i, *[0] * len(rest)), (i + 1, *rest)), (0,))
