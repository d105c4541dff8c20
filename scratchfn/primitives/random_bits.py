"""The source of all random numbers: threefry2x32, and typed keys made of two words and unmade.

`threefry2x32` encrypts counters (x0, x1) under keys (k0, k1); splitting a key, folding data in and
drawing bits all come down to it, in `scratchfn/random/`. A typed key, `key<fry>[]`, is two uint32
words in one element, so an array of keys has the shape that the user sees: no axis of words.

Read next: `random/keys.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.backends.numpy.kernels import threefry as kernels
from scratchfn.core import dtypes
from scratchfn.core.avals import ShapedArray
from scratchfn.core.template import expression, kernel
from scratchfn.core.trace import Primitive
from scratchfn.primitives.base import move_axis
from scratchfn.primitives.check import broadcast_shape
from scratchfn.primitives.rules import align

kernel(kernels.threefry2x32)

# -- threefry2x32 ---------------------------------------------------------------------------------


def _threefry_aval(*words: ShapedArray) -> list[ShapedArray]:
    if any(w.dtype != dtypes.uint32 for w in words):
        raise TypeError(
            errors.explain(
                f"threefry2x32({', '.join(map(str, words))})",
                "words that are no uint32",
                "it mixes keys and counters of 32 bits",
                "random.bits(key, shape), which makes the counters",
            )
        )
    shape = broadcast_shape("threefry2x32", [w.shape for w in words])
    return [ShapedArray(shape, dtypes.uint32)] * 2


def _threefry_batch(size: int, args: Any, dims: Any) -> Any:
    words, d = align(args, dims)
    return threefry2x32(*words), (d, d)


threefry2x32_p = Primitive(
    "threefry2x32",
    many=True,
    aval=_threefry_aval,
    batch=_threefry_batch,
    **expression("threefry2x32({args})"),
)


def threefry2x32(k0: Any, k1: Any, x0: Any, x1: Any) -> list[Any]:
    """Two random words for each counter (x0, x1) under its key (k0, k1)."""
    return threefry2x32_p.bind(k0, k1, x0, x1)


# -- typed keys -----------------------------------------------------------------------------------


@kernel
def wrap_key(words: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(words).view(dtypes.key_dtype).reshape(words.shape[:-1])


@kernel
def unwrap_key(keys: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(keys).view(np.uint32).reshape((*keys.shape, 2))


def _wrap_aval(words: ShapedArray, *, impl: str) -> ShapedArray:
    if words.dtype != dtypes.uint32 or words.shape[-1:] != (2,):
        raise TypeError(
            errors.explain(
                "a typed key from its words",
                f"words of type {words}",
                "a key is made of two words, the last axis of u32[..., 2]",
                "random.key(seed) to make one from a number",
            )
        )
    return ShapedArray(words.shape[:-1], dtypes.key_dtype)


def _unwrap_aval(keys: ShapedArray, *, consumes: bool = True) -> ShapedArray:
    if keys.dtype != dtypes.key_dtype:
        raise TypeError(
            errors.explain(
                "the words of a typed key",
                f"an array of type {keys}",
                "only a typed key is made of words",
                "random.wrap_key_data(words) for one made of raw words",
            )
        )
    return ShapedArray((*keys.shape, 2), dtypes.uint32)


random_wrap_p = Primitive(
    "random_wrap",
    aval=_wrap_aval,
    batch=lambda size, args, dims, *, impl: (random_wrap(move_axis(args[0], dims[0], 0)), 0),
    **expression("wrap_key({0})"),
)

random_unwrap_p = Primitive(
    "random_unwrap",
    aval=_unwrap_aval,
    batch=lambda size, args, dims, *, consumes=True: (random_unwrap(args[0], consumes), dims[0]),
    consumes=lambda params: params.get("consumes", True),
    hide=lambda params: ["consumes"],
    **expression("unwrap_key({0})"),
)

random_clone_p = Primitive(
    "random_clone",
    aval=lambda keys: keys,
    batch=lambda size, args, dims: (random_clone_p.bind(args[0]), dims[0]),
    **expression("{0}"),
)


def random_wrap(words: Any) -> Any:
    """Typed keys key<fry>[...] of the words u32[..., 2]."""
    return random_wrap_p.bind(words, impl="fry")


def random_unwrap(keys: Any, consumes: bool = True) -> Any:
    """The words u32[..., 2] of typed keys key<fry>[...]; `consumes` says whether random numbers are
    drawn of them, which a key is good for once."""
    return random_unwrap_p.bind(keys, consumes=consumes)


def random_clone(keys: Any) -> Any:
    """The same keys, as good as new."""
    return random_clone_p.bind(keys)
