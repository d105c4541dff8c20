"""pure_callback, io_callback: calls of the user's Python functions from inside of programs.

Read next: `primitives/callbacks.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from scratchfn import errors, tree
from scratchfn.core import dtypes
from scratchfn.core.avals import ShapedArray
from scratchfn.primitives.callbacks import (
    VMAP_METHODS,
    FlatCallback,
    io_callback_p,
    pure_callback_p,
)
from scratchfn.transforms.flat import flatten_values, name_of
from scratchfn.tree_util import keystr


def pure_callback(
    callback: Callable[..., Any],
    result_shape_dtypes: Any,
    *args: Any,
    sharding: Any = None,
    vmap_method: str | None = None,
    **kwargs: Any,
) -> Any:
    """`callback(*args, **kwargs)`, called when the program runs. Its results must depend on the
    arguments alone: the call may be shared with an equal one, or dropped if nobody needs it.

    Args:
      callback: gets arrays, and returns a tree of arrays of the promised types.
      result_shape_dtypes: a tree of these types: of anything with `shape` and `dtype`.
      vmap_method: what it gets under vmap. "sequential", "sequential_unrolled": one example after
        the other. "broadcast_all": all arguments with the batch axis in front. "expand_dims": with
        that axis, of size 1 where the argument is the same for all examples.
        "legacy_vectorized": without it there. None: vmap is refused.

    Raises:
      ValueError: an unknown `vmap_method`; 64-bit results without enable_x64; and, where it is
        differentiated, the absence of a derivative: put a custom_jvp around the call.
      JaxRuntimeError: when run, a result of another type than promised.
    """
    if vmap_method not in VMAP_METHODS:
        raise ValueError(
            errors.explain(
                "pure_callback",
                f"vmap_method={vmap_method!r}",
                f"it is one of {', '.join(map(repr, VMAP_METHODS))}",
                'vmap_method="sequential", which calls for one example after the other',
            )
        )
    return _bind(
        pure_callback_p, callback, result_shape_dtypes, args, kwargs,
        sharding=sharding, vmap_method=vmap_method,
    )  # fmt: skip


def io_callback(
    callback: Callable[..., Any],
    result_shape_dtypes: Any,
    *args: Any,
    sharding: Any = None,
    ordered: bool = False,
    **kwargs: Any,
) -> Any:
    """`callback(*args, **kwargs)`, called each time the program runs, for what it does as well as
    for what it returns: it is never shared or dropped.

    Args:
      result_shape_dtypes: the types of its results, as of `pure_callback`; None for no result.
      ordered: keeps its place among all ordered calls on every backend (on NumPy, all calls do).

    Raises:
      ValueError: under vmap if ordered; 64-bit results without enable_x64; differentiated.
      JaxRuntimeError: when run, a result of another type than promised.
    """
    return _bind(
        io_callback_p, callback, result_shape_dtypes, args, kwargs,
        sharding=sharding, ordered=ordered,
    )  # fmt: skip


def _bind(
    prim: Any, callback: Any, promised: Any, args: Sequence[Any], kwargs: Any, **params: Any
) -> Any:
    values, in_tree = flatten_values(
        (args, kwargs), f"an argument of {prim.name} of {name_of(callback)}: "
    )
    avals = [_promised_type(prim, path, x) for path, x in tree.leaves_with_path(promised)]
    out_tree = tree.structure(promised)
    flat = FlatCallback(callback, in_tree, out_tree)
    outs = prim.bind(*values, callback=flat, result_avals=tuple(avals), **params)
    return tree.unflatten(out_tree, outs)


def _promised_type(prim: Any, path: Any, x: Any) -> ShapedArray:
    if not (hasattr(x, "shape") and hasattr(x, "dtype")):
        raise TypeError(
            errors.explain(
                f"{prim.name} with result_shape_dtypes{keystr(path)}",
                f"{x!r} of type {type(x).__name__}",
                "the types of its results must be known before it is called",
                "ShapeDtypeStruct((3,), jnp.float32)",
            )
        )
    aval = ShapedArray(tuple(x.shape), x.dtype)
    if dtypes.canonicalize_dtype(aval.dtype) != aval.dtype:
        raise ValueError(
            errors.explain(
                f"{prim.name} with result_shape_dtypes{keystr(path)}",
                str(aval),
                "without enable_x64 there are no 64-bit arrays",
                f"ShapeDtypeStruct({aval.shape}, jnp."
                f"{dtypes.canonicalize_dtype(aval.dtype).name}), or enable_x64",
            )
        )
    return aval


def effects_barrier() -> None:
    """Waits until every callback of the programs that have been started has run. On NumPy they have
    when the program returns; on JAX they may come later."""
    if "jax" in sys.modules:
        sys.modules["jax"].effects_barrier()
