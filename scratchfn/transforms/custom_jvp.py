"""custom_jvp: a function with a derivative of the user's own.

    @custom_jvp
    def f(x): ...
    @f.defjvp
    def f_jvp(primals, tangents): return f(x), df

Where the trace in force takes derivatives, the rule is run in place of the function. Where it
records or batches, the function becomes a program in one operation, `custom_jvp_call`, and the rule
travels with it as a param. Batching the operation batches the program and the rule alike and binds
the same operation again, so that `grad(vmap(f))` keeps the user's derivative.

Read next: `transforms/jit.py`, the other operation that holds a program.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from scratchfn import errors, tree
from scratchfn.backends.numpy.compiler import compile_program
from scratchfn.core import dtypes
from scratchfn.core.array import as_value
from scratchfn.core.avals import ShapedArray
from scratchfn.core.eager import EVAL
from scratchfn.core.jaxpr import ClosedJaxpr
from scratchfn.core.stage import StageTrace, hoist, stage
from scratchfn.core.tangents import Zero, zero_tangent
from scratchfn.core.trace import Primitive, Trace, Tracer, current, under
from scratchfn.primitives.base import add_tangents, drop_axes, instantiate, move_axis
from scratchfn.transforms.flat import FlatFunction, flatten_values, name_of, parameter_names
from scratchfn.transforms.jvp import JVPTrace, JVPTracer
from scratchfn.transforms.vmap import batch_jaxpr, place_axis, vmap_flat

# (primals, tangents) -> (results, their tangents), all flat
Rule = Callable[[Sequence[Any], Sequence[Any]], tuple[list[Any], list[Any]]]


class custom_jvp:
    """Wraps `fun`, whose derivative `defjvp` or `defjvps` then gives.

    Args:
      nondiff_argnums, nondiff_argnames: arguments that are Python values to the function, given to
        the rule first.
    """

    def __init__(
        self,
        fun: Callable[..., Any],
        nondiff_argnums: Sequence[int] = (),
        nondiff_argnames: Sequence[str] = (),
    ):
        functools.update_wrapper(self, fun)
        self.fun = fun
        named = [parameter_names(fun).index(name) for name in nondiff_argnames]
        self.nondiff_argnums = (*nondiff_argnums, *named)
        self.jvp: Callable[..., Any] | None = None
        self.symbolic_zeros = False

    def defjvp(self, jvp: Callable[..., Any], symbolic_zeros: bool = False) -> Callable[..., Any]:
        """Sets the rule: `jvp(*nondiff, primals, tangents) -> (out, out_tangent)`."""
        self.jvp = jvp
        self.symbolic_zeros = symbolic_zeros
        return jvp

    def defjvps(self, *jvps: Callable[..., Any] | None) -> None:
        """Sets the rule by parts: `jvps[i](t, ans, *primals)` is what argument i's tangent adds."""

        def jvp(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
            ans = self(*primals)
            parts = [part(t, ans, *primals) for part, t in zip(jvps, tangents, strict=True) if part]
            if not parts:
                return ans, tree.map(lambda x: instantiate(zero_tangent(x)), ans)
            total, *others = parts
            for part in others:
                total = tree.map(add_tangents, total, part)
            return ans, total

        self.defjvp(jvp)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.jvp is None:
            raise AttributeError(
                errors.explain(
                    f"a call of {name_of(self.fun)}, wrapped in custom_jvp",
                    "no derivative rule",
                    "it has to be defined before the first call",
                    f"@{name_of(self.fun)}.defjvp above the rule",
                )
            )
        if current.trace is EVAL:  # nothing is being differentiated or recorded
            return self.fun(*args, **kwargs)
        fun, rule, dynamic = _close_over_nondiff(self, args, kwargs)
        leaves, in_tree = flatten_values((dynamic, {}), f"arguments of {name_of(self.fun)}: ")
        trace = _concerned(leaves)
        if trace is EVAL:
            with under(EVAL):
                return self.fun(*args, **kwargs)
        flat_rule = FlatRule(rule, in_tree, self.symbolic_zeros)
        if isinstance(trace, JVPTrace):
            outs = _differentiate(trace, flat_rule, leaves)
        else:
            outs = _bind(FlatFunction(fun, in_tree), flat_rule, leaves)
        return tree.unflatten(flat_rule.out_tree, outs)


def _concerned(values: Sequence[Any]) -> Trace:
    """The trace to handle a call on `values`. Derivatives that have no part in them are passed by,
    so that Python's `if` works in the function as it does outside of it."""
    trace = current.trace
    while isinstance(trace, JVPTrace) or (isinstance(trace, StageTrace) and trace.partial):
        if any(isinstance(x, Tracer) and x.trace is trace for x in values):
            break
        trace = trace.parent
    return trace


def _differentiate(trace: JVPTrace, rule: FlatRule, values: Sequence[Any]) -> list[Any]:
    """Results of the rule, as tracers of `trace`."""
    pairs = [trace.unwrap(x) for x in values]
    with under(trace.tangents or trace.parent):
        outs, dots = rule([p for p, _ in pairs], [t for _, t in pairs])
    if trace.tangents and any(
        isinstance(c, JVPTracer) and c.trace is trace for _, c in trace.tangents.consts.values()
    ):
        raise _closes_over(rule)
    return list(map(trace.wrap, outs, dots))


def _bind(flat: FlatFunction, rule: FlatRule, values: Sequence[Any]) -> list[Any]:
    """The call as one operation that the current trace records or batches."""
    name = name_of(flat.f)
    jaxpr, consts = stage(flat, [x.aval for x in values], f"custom_jvp({name})")
    closed, hoisted = hoist(jaxpr, consts)
    rule.expect(flat.out_tree, closed.out_avals, len(hoisted))
    return custom_jvp_call_p.bind(
        *hoisted, *values, call_jaxpr=closed, jvp=rule, name=name, symbolic_zeros=rule.symbolic
    )


def _close_over_nondiff(
    wrapped: custom_jvp, args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...]]:
    """The function and the rule as functions of the differentiable arguments, and these. Keyword
    arguments take the places of the parameters that they name."""
    signature = inspect.signature(wrapped.fun).bind(*args, **kwargs)
    if signature.kwargs:
        raise TypeError(
            errors.explain(
                f"a call of {name_of(wrapped.fun)}, wrapped in custom_jvp",
                f"the keyword arguments {', '.join(signature.kwargs)}",
                "its rule has a tangent for each positional argument, and none for these",
                "functools.partial or a closure for a setting, a positional argument otherwise",
            )
        )
    signature.apply_defaults()
    full = signature.args
    fixed = {i % len(full): full[i] for i in wrapped.nondiff_argnums}
    dynamic = tuple(x for i, x in enumerate(full) if i not in fixed)

    def fun(*rest: Any) -> Any:
        given = iter(rest)
        merged = [fixed[i] if i in fixed else next(given) for i in range(len(full))]
        return wrapped.fun(*merged, **signature.kwargs)

    functools.update_wrapper(fun, wrapped.fun, assigned=("__name__",), updated=())
    assert wrapped.jvp is not None
    rule = functools.partial(wrapped.jvp, *[fixed[i] for i in sorted(fixed)])
    return fun, rule, dynamic


class FlatRule:
    """The user's rule on flat lists; prints as the rule's name. After a call, or what it is told to
    expect, `out_tree` is the structure of the result."""

    def __init__(self, rule: Callable[..., Any], in_tree: Any, symbolic: bool):
        self.rule = rule
        self.in_tree = in_tree
        self.symbolic = symbolic
        self.out_tree: Any = None
        self.out_avals: list[ShapedArray] | None = None
        self.hoisted = 0

    def expect(self, out_tree: Any, out_avals: list[ShapedArray], hoisted: int) -> None:
        """Says what the function's result is, and how many values it closes over: they come first
        among the primals."""
        self.out_tree = out_tree
        self.out_avals = out_avals
        self.hoisted = hoisted

    def __call__(
        self, primals: Sequence[Any], tangents: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        name = name_of(self.rule)
        if any(type(t) is not Zero for t in tangents[: self.hoisted]):
            raise _closes_over(self)
        dots = tangents[self.hoisted :]
        dots = dots if self.symbolic else list(map(instantiate, dots))
        args, _ = tree.unflatten(self.in_tree, primals[self.hoisted :])
        args_dot, _ = tree.unflatten(self.in_tree, dots)
        pair = self.rule(args, args_dot)
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2):
            found = f"a result of type {type(pair).__name__}"
            raise _bad_rule(name, found, "a rule returns the pair (output, tangent of the output)")
        outs, out_tree = flatten_values(pair[0], f"the output of the rule {name}")
        out_dots, dot_tree = tree.flatten(pair[1], is_leaf=_is_zero)
        wanted = out_tree if self.out_avals is None else self.out_tree
        if out_tree != wanted or dot_tree != wanted:
            found = f"output {out_tree} and tangent {dot_tree}"
            why = f"both must have the structure of the function's result, {wanted}"
            raise _bad_rule(name, found, why)
        for x, aval in zip(outs, self.out_avals or [], strict=False):
            if (x.shape, x.dtype) != (aval.shape, aval.dtype):
                why = f"the function's own result has type {aval}"
                raise _bad_rule(name, f"an output of type {x.aval}", why)
        self.out_tree = out_tree
        return outs, [_checked_tangent(name, x, t) for x, t in zip(outs, out_dots, strict=True)]

    def __repr__(self) -> str:
        return name_of(self.rule)


def _is_zero(x: Any) -> bool:
    return type(x) is Zero


def _checked_tangent(name: str, x: Any, t: Any) -> Any:
    """The tangent that a rule gives for the result `x`."""
    want = x.aval.tangent()
    if type(t) is Zero:
        return t
    t = as_value(t)
    if (t.shape, t.dtype) != (want.shape, want.dtype):
        found = f"an output of type {x.aval} with a tangent of type {t.aval}"
        raise _bad_rule(name, found, f"its tangent must be of type {want}")
    return Zero(want) if want.dtype == dtypes.float0 else t


def _bad_rule(name: str, found: str, why: str) -> TypeError:
    write = "return out, out_tangent, of the structure, shapes and dtypes of the function's result"
    return TypeError(errors.explain(f"the custom_jvp rule {name}", found, why, write))


def _closes_over(rule: FlatRule) -> Exception:
    return errors.UnexpectedTracerError(
        errors.explain(
            f"the derivative of a custom_jvp function with rule {rule}",
            "a value being differentiated that the function closes over",
            "the rule can only tell the derivative with respect to arguments",
            "pass the value as an argument of the function",
        )
    )


# -- the primitive --------------------------------------------------------------------------------


def _impl(*buffers: Any, call_jaxpr: ClosedJaxpr, name: str, **_: Any) -> Sequence[Any]:
    return compile_program(call_jaxpr, name)(*buffers)


def _jvp(primals: Any, tangents: Any, *, jvp: Rule, **_: Any) -> Any:
    return jvp(primals, tangents)


class BatchedRule:
    """A rule over a batch: the same rule, vmapped. Every result has the batch axis in front."""

    def __init__(self, rule: Rule, size: int, batched: tuple[bool, ...]):
        self.rule = rule
        self.size = size
        self.dims = [0 if b else None for b in batched]

    def __call__(
        self, primals: Sequence[Any], tangents: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        given = [type(t) is not Zero for t in tangents]
        zeros = [
            Zero(t.aval.update(shape=drop_axes(t.aval.shape, () if d is None else (0,))))
            for t, d in zip(tangents, self.dims, strict=True)
        ]

        def flat(*xs: Any) -> list[Any]:
            dots = iter(xs[len(primals) :])
            filled = [next(dots) if g else z for g, z in zip(given, zeros, strict=True)]
            outs, out_dots = self.rule(xs[: len(primals)], filled)
            return [*outs, *map(instantiate, out_dots)]

        args = [*primals, *[t for t, g in zip(tangents, given, strict=True) if g]]
        dims = [*self.dims, *[d for d, g in zip(self.dims, given, strict=True) if g]]
        outs, out_dims = vmap_flat(flat, self.size, args, dims)
        placed = [place_axis(x, d, 0, self.size) for x, d in zip(outs, out_dims, strict=True)]
        half = len(placed) // 2
        return placed[:half], placed[half:]

    def __repr__(self) -> str:
        return repr(self.rule)


def _batch(
    size: int, args: Any, dims: Any, *, call_jaxpr: ClosedJaxpr, jvp: Rule, **params: Any
) -> Any:
    batched = tuple(d is not None for d in dims)
    over_batch, _ = batch_jaxpr(call_jaxpr, size, batched, True)
    moved = [move_axis(x, d, 0) for x, d in zip(args, dims, strict=True)]
    rule = BatchedRule(jvp, size, batched)
    outs = custom_jvp_call_p.bind(*moved, call_jaxpr=over_batch, jvp=rule, **params)
    return outs, [0] * len(outs)


custom_jvp_call_p = Primitive(
    "custom_jvp_call",
    many=True,
    impl=_impl,
    aval=lambda *avals, call_jaxpr, **_: call_jaxpr.out_avals,
    jvp=_jvp,
    batch=_batch,
    program="call_jaxpr",
)
