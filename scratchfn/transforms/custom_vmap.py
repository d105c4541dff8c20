"""custom_vmap: a function with a way of its own to work on a batch.

    @custom_vmap
    def f(x): ...
    @f.def_vmap
    def f_vmap(axis_size, in_batched, x): return out, out_batched

Where something maps over a batch, or records, the function becomes a program in one operation,
`custom_vmap_call`, whose batch rule is the user's. Its derivative is the function's own; in forward
mode it is batched by the derivative of the user's rule.

Read next: `transforms/vmap.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from scratchfn import errors, tree
from scratchfn.backends.numpy.compiler import compile_program
from scratchfn.core.jaxpr import ClosedJaxpr, eval_jaxpr
from scratchfn.core.stage import StageTrace, hoist, stage
from scratchfn.core.tangents import Zero
from scratchfn.core.trace import Primitive, Trace, current
from scratchfn.primitives.base import instantiate, instantiate_axis, move_axis
from scratchfn.transforms.control import map as map_sequentially
from scratchfn.transforms.custom_call import CustomFunction
from scratchfn.transforms.flat import FlatFunction, flatten_values, name_of
from scratchfn.transforms.jit import spread_zeros
from scratchfn.transforms.jvp import jvp_flat, jvp_jaxpr
from scratchfn.transforms.vjp import linearize_jaxpr
from scratchfn.transforms.vmap import BatchTrace


class custom_vmap(CustomFunction):
    """Wraps `fun`, whose rule `def_vmap` then gives."""

    kind = "custom_vmap"
    vmap_rule: Callable[..., Any] | None = None

    def __init__(self, fun: Callable[..., Any]):
        super().__init__(fun)

    def def_vmap(self, vmap_rule: Callable[..., Any]) -> Callable[..., Any]:
        """Sets the rule: `rule(axis_size, in_batched, *args) -> (out, out_batched)`.

        Arguments that have a batch axis have it in front; `in_batched` is a list with a tree of
        bools for each, and `out_batched` is a tree of bools like the result.
        """
        self.vmap_rule = vmap_rule
        return vmap_rule

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.vmap_rule is None:
            raise self._undefined(f"@{name_of(self.fun)}.def_vmap above the rule")
        arguments = self._arguments(args, kwargs)
        if not _maps_or_records(current.trace):
            return self.fun(*args, **kwargs)
        leaves, in_tree = arguments.flatten(self.fun)
        flat = FlatFunction(arguments.close(self.fun, keywords=True), in_tree)
        what = f"custom_vmap({name_of(self.fun)})"
        call, hoisted = hoist(*stage(flat, [x.aval for x in leaves], what))
        outs = custom_vmap_call_p.bind(
            *hoisted,
            *leaves,
            call=call,
            rule=_FlatRule(self.vmap_rule, flat, len(hoisted)),
            in_tree=tree.structure(([0] * len(hoisted), arguments.dynamic)),
            out_tree=flat.out_tree,
        )
        return tree.unflatten(flat.out_tree, outs)


def _maps_or_records(trace: Trace | None) -> bool:
    """Is one of the traces in force a vmap, or will what it records be mapped over later?"""
    while trace is not None:
        if isinstance(trace, BatchTrace) or (isinstance(trace, StageTrace) and not trace.partial):
            return True
        trace = trace.parent
    return False


def sequential_vmap(f: Callable[..., Any]) -> custom_vmap:
    """`f`, computed for one example after the other when it is mapped over: by `lax.map`."""
    function = custom_vmap(f)

    def rule(axis_size: int, in_batched: Sequence[Any], *args: Any) -> Any:
        leaves, treedef = tree.flatten(args)
        marks = tree.leaves(in_batched)

        def one(mapped: Sequence[Any]) -> Any:
            given = iter(mapped)
            merged = [next(given) if m else x for x, m in zip(leaves, marks, strict=True)]
            return function(*tree.unflatten(treedef, merged))

        out = map_sequentially(one, [x for x, m in zip(leaves, marks, strict=True) if m])
        return out, tree.map(lambda _: True, out)

    function.def_vmap(rule)
    return function


# -- rules on flat lists -------------------------------------------------------------------------


class Rule(Protocol):
    """(size, which values are batched, values) -> results and which of them are batched."""

    def __call__(
        self, size: int, batched: Sequence[bool], values: Sequence[Any]
    ) -> tuple[list[Any], list[bool]]: ...


class _FlatRule:
    """The user's rule on flat lists; prints as the user's function."""

    def __init__(self, rule: Callable[..., Any], function: FlatFunction, hoisted: int):
        self.rule = rule
        self.in_tree = function.in_tree
        self.out_tree = function.out_tree
        self.hoisted = hoisted

    def __call__(
        self, size: int, batched: Sequence[bool], values: Sequence[Any]
    ) -> tuple[list[Any], list[bool]]:
        if any(batched[: self.hoisted]):
            raise self._closes_over()
        args, _ = tree.unflatten(self.in_tree, values[self.hoisted :])
        marks, _ = tree.unflatten(self.in_tree, batched[self.hoisted :])
        pair = self.rule(int(size), list(marks), *args)
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2):
            found = f"a result of type {type(pair).__name__}"
            raise self._bad(found, "a rule returns the pair (output, which of it is batched)")
        outs, out_tree = flatten_values(
            pair[0], f"the output of the vmap rule {name_of(self.rule)}"
        )
        flags, flag_tree = tree.flatten(pair[1])
        if flag_tree != out_tree:
            found = f"an output of structure {out_tree} and out_batched of structure {flag_tree}"
            raise self._bad(found, "out_batched has a bool for each leaf of the output")
        if out_tree != self.out_tree:
            found = f"an output of structure {out_tree}"
            raise self._bad(found, f"the function's own result has structure {self.out_tree}")
        for x, flag in zip(outs, flags, strict=True):
            if flag and x.shape[:1] != (int(size),):
                found = f"an output of type {x.aval} that is said to be batched"
                raise self._bad(found, f"its first axis is the batch's, of size {int(size)}")
        return outs, list(map(bool, flags))

    def _bad(self, found: str, why: str) -> ValueError:
        write = "return out, tree.map(lambda _: True, out), with the batch axis first in each"
        return ValueError(errors.explain(f"the vmap rule {name_of(self.rule)}", found, why, write))

    def _closes_over(self) -> Exception:
        return errors.UnexpectedTracerError(
            errors.explain(
                f"vmap of a custom_vmap function with rule {name_of(self.rule)}",
                "a value being mapped over that the function closes over",
                "the rule is told of arguments alone",
                "pass the value as an argument of the function",
            )
        )

    def __repr__(self) -> str:
        return repr(self.rule)


class _JVPRule:
    """The derivative of a rule: for values and, of those marked in `nonzeros`, tangents."""

    def __init__(self, rule: Rule, nonzeros: Sequence[bool], out_nonzeros: Sequence[bool]):
        self.rule = rule
        self.nonzeros = nonzeros
        self.out_nonzeros = out_nonzeros

    def __call__(
        self, size: int, batched: Sequence[bool], values: Sequence[Any]
    ) -> tuple[list[Any], list[bool]]:
        count = len(self.nonzeros)
        given = iter(zip(values[count:], batched[count:], strict=True))
        primals, tangents, marks = [], [], []
        for x, b, nonzero in zip(values[:count], batched[:count], self.nonzeros, strict=True):
            t, t_batched = next(given) if nonzero else (None, False)
            both = b or t_batched  # a value and its tangent have the batch axis alike
            x = x if b or not both else instantiate_axis(x, None, size)
            primals.append(x)
            marks.append(both)
            if t is None:
                tangents.append(Zero(x.aval.tangent()))
            else:
                tangents.append(t if t_batched or not both else instantiate_axis(t, None, size))
        flags: list[bool] = []

        def f(*xs: Any) -> list[Any]:
            outs, flags[:] = self.rule(size, marks, xs)
            return outs

        outs, dots = jvp_flat(f, primals, tangents)
        pushed = [
            (instantiate(t), flag)
            for t, flag, nonzero in zip(dots, flags, self.out_nonzeros, strict=True)
            if nonzero
        ]
        return [*outs, *[t for t, _ in pushed]], [*flags, *[flag for _, flag in pushed]]

    def __repr__(self) -> str:
        return f"the derivative of {self.rule!r}"


# -- the primitive --------------------------------------------------------------------------------


def _jvp(primals: Any, tangents: Any, *, call: ClosedJaxpr, rule: Rule, **trees: Any) -> Any:
    nonzeros = tuple(type(t) is not Zero for t in tangents)
    pushed, out_nonzeros = jvp_jaxpr(call, nonzeros)
    given = [t for t in tangents if type(t) is not Zero]
    outs = custom_vmap_call_p.bind(
        *primals, *given, call=pushed, rule=_JVPRule(rule, nonzeros, out_nonzeros), **trees
    )
    count = len(call.out_avals)
    return outs[:count], spread_zeros(outs[count:], out_nonzeros, call)


def _linearize(primals: Any, nonzeros: Any, *, call: ClosedJaxpr, **params: Any) -> Any:
    """The results by the operation itself, so that they are batched by its rule. The derivative is
    that of the function."""
    known, linear, out_nonzeros = linearize_jaxpr(call, tuple(nonzeros))
    outs = custom_vmap_call_p.bind(*primals, call=call, **params)
    residuals = eval_jaxpr(known.jaxpr, known.consts, *primals)[len(outs) :]

    def push(tangents: Sequence[Any]) -> list[Any]:
        given = [t for t, nonzero in zip(tangents, nonzeros, strict=True) if nonzero]
        dots = eval_jaxpr(linear.jaxpr, linear.consts, *residuals, *given)
        return spread_zeros(dots, out_nonzeros, call)

    return outs, push


def _batch(size: int, args: Any, dims: Any, *, rule: Rule, **_: Any) -> Any:
    moved = [move_axis(x, d, 0) for x, d in zip(args, dims, strict=True)]
    outs, flags = rule(size, [d is not None for d in dims], moved)
    return outs, [0 if flag else None for flag in flags]


def _impl(*buffers: Any, call: ClosedJaxpr, **_: Any) -> Sequence[Any]:
    return compile_program(call, "custom_vmap")(*buffers)


custom_vmap_call_p = Primitive(
    "custom_vmap_call",
    many=True,
    impl=_impl,
    aval=lambda *avals, call, **_: call.out_avals,
    jvp=_jvp,
    linearize=_linearize,
    batch=_batch,
    program="call",
)
