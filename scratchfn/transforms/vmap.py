"""Vectorisation: a function of one example becomes a function of a batch of them.

`BatchTrace` wraps each value with the place of its batch axis. An operation on wrapped values is
the primitive's `batch` rule: the same operation once, over arrays with one more axis.

Read next: `transforms/jit.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scratchfn import errors
from scratchfn.core.avals import ShapedArray
from scratchfn.core.jaxpr import ClosedJaxpr, jaxpr_as_fun, weak_cache
from scratchfn.core.stage import stage_closed
from scratchfn.core.trace import Primitive, Trace, Tracer, current, running, under
from scratchfn.primitives.base import drop_axes, instantiate_axis, move_axis
from scratchfn.transforms.jvp import FlatFunction


class BatchTracer(Tracer):
    """One example of a batch: `val` holds all of them, along its axis `dim`."""

    __slots__ = ("dim", "val")

    def __init__(self, trace: BatchTrace, val: Any, dim: int):
        super().__init__(trace, val.aval.update(shape=drop_axes(val.shape, (dim,))))
        self.val = val
        self.dim = dim


class BatchTrace(Trace):
    """Runs operations over a batch of `size` examples; `axis_name` lets collectives refer to it."""

    def __init__(self, parent: Trace, size: int, axis_name: Any = None, what: str = "vmap"):
        super().__init__(parent, what)
        self.size = size
        self.axis_name = axis_name

    def process(self, prim: Primitive, args: Sequence[Any], params: dict[str, Any]) -> list[Any]:
        vals: list[Any] = []
        dims: list[int | None] = []
        for x in args:
            val, dim = self.unwrap(x)
            vals.append(val)
            dims.append(dim)
        with under(self.parent):
            if all(dim is None for dim in dims):
                return self.parent.process(prim, vals, params)
            if prim.batch is None:
                raise NotImplementedError(
                    errors.explain(
                        f"vmap of {prim.name}",
                        f"arguments of types {', '.join(str(x.aval) for x in args)}",
                        "no rule says how it works on a batch",
                        "jnp.stack([f(x) for x in xs])",
                    )
                )
            outs, out_dims = prim.batch(self.size, vals, dims, **params)
        if not prim.many:
            outs, out_dims = (outs,), (out_dims,)
        return list(map(self.wrap, outs, out_dims))

    def wrap(self, val: Any, dim: int | None) -> Any:
        """A tracer, or the bare value where it is the same for all examples."""
        return val if dim is None else BatchTracer(self, val, dim)

    def unwrap(self, x: Any) -> tuple[Any, int | None]:
        """A value with its batch axis, None if it has none."""
        if type(x) is BatchTracer and x.trace is self:
            return x.val, x.dim
        return x, None


def vmap_flat(
    f: FlatFunction,
    size: int,
    args: Sequence[Any],
    dims: Sequence[int | None],
    axis_name: Any = None,
    what: str = "vmap",
) -> tuple[list[Any], list[int | None]]:
    """Results of `f` over the batch, and where their batch axes are."""
    with running(BatchTrace(current.trace, size, axis_name, what)) as trace:
        pairs = [trace.unwrap(x) for x in f(*map(trace.wrap, args, dims))]
    return [x for x, _ in pairs], [d for _, d in pairs]


def place_axis(x: Any, source: int | None, destination: int | None, size: int) -> Any:
    """A result with its batch axis where the user wants it (None: nowhere, if it has none)."""
    if destination is None:
        return x
    if source is None:
        return move_axis(instantiate_axis(x, None, size), 0, destination)
    return move_axis(x, source, destination)


@weak_cache
def batch_jaxpr(
    closed: ClosedJaxpr, size: int, batched: tuple[bool, ...], all_outs: bool = False
) -> tuple[ClosedJaxpr, list[bool]]:
    """The program over a batch, whose axis is the first of each argument and result that has it,
    and which of the results have it (all of them, if `all_outs`)."""
    out_batched: list[bool] = []

    def f(*args: Any) -> list[Any]:
        dims = [0 if b else None for b in batched]
        outs, out_dims = vmap_flat(jaxpr_as_fun(closed), size, args, dims)
        out_batched[:] = [all_outs or d is not None for d in out_dims]
        return [
            instantiate_axis(x, d, size) if b else x
            for x, d, b in zip(outs, out_dims, out_batched, strict=True)
        ]

    def add_axis(aval: ShapedArray, is_batched: bool) -> ShapedArray:
        return aval.update(shape=(size, *aval.shape)) if is_batched else aval

    avals = list(map(add_axis, closed.in_avals, batched))
    return stage_closed(f, avals, "vmap"), out_batched
