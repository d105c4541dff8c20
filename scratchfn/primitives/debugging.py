"""Callbacks that only look: they get values and give none back.

So they never stand in the way: under a derivative they see the values, under vmap they are called
for one example after the other, and no result of the program changes.

    debug_callback    calls a Python function
    debug_print       prints a format; programs show which

Read next: `scratchfn/debug.py` for what the user calls.
"""

from __future__ import annotations

import copy
import functools
import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from scratchfn import tree
from scratchfn.backends.jax import library
from scratchfn.core.array import Array
from scratchfn.core.effects import Effect
from scratchfn.core.template import kernel
from scratchfn.core.trace import Primitive
from scratchfn.primitives.base import squeeze
from scratchfn.primitives.callbacks import merge_static
from scratchfn.primitives.structural import inserted, slice_


def _jvp(prim: Primitive) -> Callable[..., Any]:
    def jvp(primals: Any, tangents: Any, **params: Any) -> Any:
        prim.bind(*primals, **params)
        return [], []

    return jvp


def _batch(prim: Primitive) -> Callable[..., Any]:
    def batch(size: int, args: Any, dims: Any, **params: Any) -> Any:
        for i in range(size):
            example = [_take(x, d, i) for x, d in zip(args, dims, strict=True)]
            prim.bind(*example, **params)
        return [], []

    return batch


def _take(x: Any, d: int | None, i: int) -> Any:
    """The i-th example of a value with batch axis `d`."""
    if d is None:
        return x
    rest = x.shape[:d] + x.shape[d + 1 :]
    start, limit = inserted((0,) * len(rest), d, i), inserted(rest, d, i + 1)
    return squeeze(slice_(x, start, limit, (1,) * x.ndim), (d,))


# -- debug_callback -------------------------------------------------------------------------------


@kernel
def debug_call(callback: Callable[..., Any], *buffers: Any) -> tuple[()]:
    """Calls `callback` on arrays; what it returns is of no interest."""
    callback(*map(Array, buffers))
    return ()


def _callback_on_jax(lax: Any, *operands: Any, callback: Any, effect: Effect, **_: Any) -> Any:
    function = functools.partial(debug_call, callback)
    library().debug.callback(function, *operands, ordered=effect.ordered)
    return []


debug_callback_p = Primitive(
    "debug_callback",
    many=True,
    effect=lambda params: params["effect"],
    aval=lambda *_, **__: [],
    jax=_callback_on_jax,
    impl=lambda *buffers, callback, **_: debug_call(callback, *buffers),
    source=lambda names, avals, params, constant: (
        f"debug_call({', '.join([constant(params['callback'], 'callback'), *names])})"
    ),
)
debug_callback_p.jvp = _jvp(debug_callback_p)
debug_callback_p.batch = _batch(debug_callback_p)


# -- debug_print ----------------------------------------------------------------------------------


@kernel
def debug_print(params: dict[str, Any], *buffers: Any) -> tuple[()]:
    """Prints, or logs, what `params` of the primitive say of some arrays."""
    text, record = _text(params, list(map(Array, buffers))), params["logging_record"]
    if record is None:
        print(text)
    elif (logger := logging.getLogger(record.name)).isEnabledFor(record.levelno):
        logged = copy.copy(record)
        logged.msg = text
        logger.handle(logged)
    return ()


def _text(params: dict[str, Any], values: list[Array]) -> str:
    """The format filled in as `str.format` does, with arrays printed as NumPy's options were when
    the program was traced. A format without placeholders is the text itself, braces and all."""
    args, kwargs = tree.unflatten(params["in_tree"], merge_static(params["static_args"], values))
    with np.printoptions(**dict(params["np_printoptions"])):
        if params["has_placeholders"]:
            return params["fmt"].format(*args, **kwargs)
        named = [f"{name}={value}" for name, value in kwargs.items()]
        return " ".join([params["fmt"], *map(str, args), *named])


def _print_on_jax(lax: Any, *operands: Any, **params: Any) -> Any:
    function = functools.partial(debug_print, params)
    library().debug.callback(function, *operands, ordered=params["ordered"])
    return []


debug_print_p = Primitive(
    "debug_print",
    many=True,
    effect=lambda params: Effect.ORDERED_DEBUG if params["ordered"] else Effect.DEBUG,
    aval=lambda *_, **__: [],
    jax=_print_on_jax,
    impl=lambda *buffers, **params: debug_print(params, *buffers),
    source=lambda names, avals, params, constant: (
        f"debug_print({', '.join([constant(params, 'printed'), *names])})"
    ),
)
debug_print_p.jvp = _jvp(debug_print_p)
debug_print_p.batch = _batch(debug_print_p)
