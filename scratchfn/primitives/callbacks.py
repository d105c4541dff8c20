"""Calls of Python functions from inside of programs.

    pure_callback     computes results and does nothing else: may be shared or dropped
    io_callback       may do anything: is run once for each time that its program is

The function gets `Array`s. Its results are checked against the types that were promised when the
program was traced. On JAX these are JAX's own callbacks.

Read next: `primitives/debugging.py`, for callbacks that only look.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from scratchfn import errors, tree
from scratchfn.backends.jax import library, shape_dtype_struct
from scratchfn.core import dtypes
from scratchfn.core.array import Array, to_numpy
from scratchfn.core.avals import ShapedArray
from scratchfn.core.effects import Effect
from scratchfn.core.template import kernel
from scratchfn.core.trace import Primitive
from scratchfn.primitives.base import expand_dims, instantiate_axis, move_axis
from scratchfn.tree_util import keystr

VMAP_METHODS = (
    "sequential", "sequential_unrolled", "expand_dims", "broadcast_all", "legacy_vectorized", None
)  # fmt: skip


@dataclass(frozen=True)
class FlatCallback:
    """The user's function as one of flat values that returns flat results. Leaves of its arguments
    that are no arrays are known while tracing: `static_args` are their places and values."""

    callback_func: Callable[..., Any]
    in_tree: Any
    out_tree: Any = field(default=None, repr=False)
    static_args: tuple[tuple[int, Any], ...] = field(default=(), repr=False)

    def __call__(self, *values: Any) -> list[Any]:
        args, kwargs = tree.unflatten(self.in_tree, merge_static(self.static_args, values))
        return tree.leaves(self.callback_func(*args, **kwargs))

    def result_path(self, i: int) -> str:
        """Where in the result its i-th leaf is: `result['loss']`."""
        promised = tree.unflatten(self.out_tree, range(self.out_tree.num_leaves))
        return f"result{keystr(tree.leaves_with_path(promised)[i][0])}"

    @property
    def name(self) -> str:
        return getattr(self.callback_func, "__name__", repr(self.callback_func))

    def __repr__(self) -> str:
        return f"_FlatCallback(callback_func={self.callback_func}, in_tree={self.in_tree})"


def merge_static(static_args: Sequence[tuple[int, Any]], values: Sequence[Any]) -> list[Any]:
    """All leaves, of those that are static and those that are not."""
    merged = list(values)
    for place, value in static_args:  # in rising order, so each place is that in the whole list
        merged.insert(place, value)
    return merged


@dataclass(frozen=True)
class EachExample:
    """A callback over a batch: called once for each example, in order."""

    callback: Any
    size: int
    batched: tuple[bool, ...]

    def __call__(self, *values: Any) -> list[Any]:
        outs = []
        for i in range(self.size):
            arrays = [to_numpy(x)[i] if b else x for x, b in zip(values, self.batched, strict=True)]
            example = [x if isinstance(x, Array) else Array(np.asarray(x)) for x in arrays]
            outs.append(self.callback(*example))
        return [np.stack(list(map(np.asarray, leaves))) for leaves in zip(*outs, strict=True)]

    def result_path(self, i: int) -> str:
        return self.callback.result_path(i)

    @property
    def name(self) -> str:
        return self.callback.name

    def __repr__(self) -> str:
        return repr(self.callback)


# -- running --------------------------------------------------------------------------------------


@kernel
def call_back(
    callback: Any, result_avals: Sequence[ShapedArray], *buffers: Any
) -> tuple[np.ndarray, ...]:
    """Runs a callback and checks what it returned.

    Raises what the callback raises, and JaxRuntimeError for results of other types than promised.
    """
    results = callback(*map(Array, buffers))
    if len(results) != len(result_avals):
        raise errors.JaxRuntimeError(
            errors.explain(
                f"the results of the callback {callback.name}",
                f"{len(results)} arrays",
                f"result_shape_dtypes promised {len(result_avals)} when the program was traced",
                "a callback and a result_shape_dtypes of the same structure",
            )
        )
    return tuple(_checked(callback, i, x, result_avals[i]) for i, x in enumerate(results))


def _checked(callback: Any, i: int, result: Any, promised: ShapedArray) -> np.ndarray:
    """A result as a buffer of the type that was promised."""
    x = to_numpy(result) if isinstance(result, Array) else np.array(result)
    dtype = dtypes.canonicalize_dtype(x.dtype)
    if (x.shape, dtype) != (promised.shape, promised.dtype):
        raise errors.JaxRuntimeError(
            errors.explain(
                f"{callback.result_path(i)} of the callback {callback.name}",
                f"an array of type {ShapedArray(x.shape, dtype)}",
                f"result_shape_dtypes promised {promised} when the program was traced",
                "a callback that returns this type, such as np.sin(x).astype(np.float32), or "
                "another ShapeDtypeStruct",
            )
        )
    return x.astype(dtype, copy=False)


def _impl(*buffers: Any, callback: Any, result_avals: Any, **_: Any) -> tuple[np.ndarray, ...]:
    return call_back(callback, result_avals, *buffers)


def _source(names: Sequence[str], avals: Any, params: dict[str, Any], constant: Any) -> str:
    callback = constant(params["callback"], "callback")
    promised = constant(params["result_avals"], "result_avals")
    return f"call_back({', '.join([callback, promised, *names])})"


# -- pure_callback and io_callback ----------------------------------------------------------------


def _no_derivative(what: str, of: str, write: str) -> Callable[..., Any]:
    def rule(*_: Any, **params: Any) -> Any:
        raise ValueError(
            errors.explain(
                f"{what} of {of}",
                f"the callback {params['callback'].name}",
                "it is a Python function, whose derivative nothing says",
                write,
            )
        )

    return rule


def _pure_batch(
    size: int,
    args: Any,
    dims: Any,
    *,
    callback: Any,
    result_avals: Any,
    vmap_method: Any,
    **params: Any,
) -> Any:
    batched = tuple(d is not None for d in dims)
    args = [move_axis(x, d, 0) for x, d in zip(args, dims, strict=True)]
    if vmap_method is None:
        methods = ", ".join(repr(method) for method in VMAP_METHODS if method)
        raise NotImplementedError(
            errors.explain(
                "vmap of a pure_callback",
                f"the callback {callback.name} with vmap_method=None",
                "nothing says whether it can be given a batch",
                f"pure_callback(..., vmap_method=m) with one of {methods}",
            )
        )
    if vmap_method in ("sequential", "sequential_unrolled"):
        callback = EachExample(callback, size, batched)
    elif vmap_method == "expand_dims":
        args = [x if b else expand_dims(x, (0,)) for x, b in zip(args, batched, strict=True)]
    elif vmap_method == "broadcast_all":
        args = [instantiate_axis(x, 0 if b else None, size)
                for x, b in zip(args, batched, strict=True)]  # fmt: skip
    outs = pure_callback_p.bind(
        *args, callback=callback, result_avals=_add_axis(size, result_avals),
        vmap_method=vmap_method, **params,
    )  # fmt: skip
    return outs, [0] * len(outs)


def _add_axis(size: int, avals: Sequence[ShapedArray]) -> tuple[ShapedArray, ...]:
    return tuple(aval.update(shape=(size, *aval.shape)) for aval in avals)


pure_callback_p = Primitive(
    "pure_callback",
    many=True,
    effect=lambda params: None,
    aval=lambda *_, result_avals, **__: result_avals,
    jvp=_no_derivative("the derivative", "a pure_callback", "a custom_jvp around the call"),
    transpose=_no_derivative("the transpose", "a pure_callback", "a custom_vjp around it"),
    batch=_pure_batch,
    jax=lambda lax, *operands, callback, result_avals, **_: library().pure_callback(
        functools.partial(call_back, callback, result_avals),
        tuple(map(shape_dtype_struct, result_avals)),
        *operands,
    ),
    impl=_impl,
    source=_source,
)


def _io_batch(
    size: int,
    args: Any,
    dims: Any,
    *,
    callback: Any,
    result_avals: Any,
    ordered: bool,
    **params: Any,
) -> Any:
    if ordered:
        raise ValueError(
            errors.explain(
                "vmap of an ordered io_callback",
                f"the callback {callback.name} with ordered=True",
                "a batch has no order of its own",
                "io_callback(..., ordered=False), which is called for one example after the other",
            )
        )
    each = EachExample(callback, size, tuple(d is not None for d in dims))
    outs = io_callback_p.bind(
        *map(move_axis, args, dims, [0] * len(args)),
        callback=each, result_avals=_add_axis(size, result_avals), ordered=ordered, **params,
    )  # fmt: skip
    return outs, [0] * len(outs)


io_callback_p = Primitive(
    "io_callback",
    many=True,
    effect=lambda params: Effect.ORDERED_IO if params["ordered"] else Effect.IO,
    aval=lambda *_, result_avals, **__: result_avals,
    jvp=_no_derivative("the derivative", "an io_callback", "lax.stop_gradient for its arguments"),
    transpose=_no_derivative("the transpose", "an io_callback", "debug.callback to look at values"),
    batch=_io_batch,
    jax=lambda lax, *operands, callback, result_avals, ordered, **_: (
        library().experimental.io_callback(
            functools.partial(call_back, callback, result_avals),
            tuple(map(shape_dtype_struct, result_avals)),
            *operands,
            ordered=ordered,
        )
    ),
    impl=_impl,
    source=_source,
)
