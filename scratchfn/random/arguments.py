"""What samplers are asked for: keys, shapes, dtypes, and parameters that fit them.

Read next: `random/bits.py`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.array import as_value
from scratchfn.numpy.arguments import placed
from scratchfn.numpy.promotion import broadcast_shapes
from scratchfn.primitives.base import broadcast_in_dim, expand_dims
from scratchfn.primitives.convert import convert_element_type
from scratchfn.random.keys import Shape, as_shape, key_words


def placeable(sampler: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that gives a sampler JAX's keyword `out_sharding`: a device, or the devices that
    its result is spread over."""

    @functools.wraps(sampler)
    def sample(*args: Any, out_sharding: Any = None, **kwargs: Any) -> Any:
        return placed(sampler(*args, **kwargs), out_sharding)

    signature = inspect.signature(sampler)
    added = inspect.Parameter("out_sharding", inspect.Parameter.KEYWORD_ONLY, default=None)
    sample.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*signature.parameters.values(), added]
    )
    return sample


def request(
    name: str, key: Any, shape: Any, dtype: Any, *parameters: Any
) -> tuple[Any, Shape, np.dtype]:
    """The key's words, the shape and the float dtype of a sampler's arguments. A sampler that has
    parameters takes their common shape where `shape` is None."""
    words = key_words(name, key)
    dtype = float_dtype(name, dtype)
    if not parameters:
        return words, as_shape(name, shape), dtype
    shape = fitting_shape(name, shape, *parameters)
    return words, shape, dtype


def as_dtype(
    name: str, dtype: Any, kinds: str, default: Any, error: type[Exception] = ValueError
) -> np.dtype:
    """The canonical form of the dtype asked for, `default` if that is None. It must be of one of
    `kinds`: "f" float, "c" complex, "i" and "u" integers."""
    given = dtypes.explicit_dtype(default if dtype is None else dtype, f"random.{name}")
    if dtypes.kind(given) in kinds:
        return given
    words = {"f": "floats", "fc": "floats or complex numbers", "iu": "integers", "u": "bits"}[kinds]
    example = {"f": "float32", "i": "int32", "u": "uint32"}[kinds[0]]
    found = f"dtype={dtypes.short_name(given)}"
    why = f"it draws {words}"
    raise error(errors.explain(f"random.{name}", found, why, f"dtype=jnp.{example}"))


def float_dtype(name: str, dtype: Any) -> np.dtype:
    """The float dtype asked for, by default the widest enabled."""
    return as_dtype(name, dtype, "f", float)


def fitting_shape(name: str, shape: Any, *parameters: Any) -> Shape:
    """The shape of a sample: the one asked for, to which the parameters must broadcast, or, if
    that is None, the one that they broadcast to."""
    shapes = [np.shape(p) if isinstance(p, (int, float)) else as_value(p).shape for p in parameters]
    return fitting(name, shape, shapes)


def fitting(name: str, shape: Any, shapes: Sequence[Shape]) -> Shape:
    """`fitting_shape`, given the shapes of the parameters."""
    asked = f"random.{name}(..., shape={shape})"
    common = broadcast_shapes(asked, [(), *shapes], ValueError, True)
    if shape is None:
        return common
    sizes = as_shape(name, shape)
    if broadcast_shapes(asked, [sizes, common], ValueError, True) != sizes:
        found = f"parameters of shape {' and '.join(str(s) for s in shapes)}"
        why = "each sample has its own parameters, so their shape must broadcast to the sample's"
        raise ValueError(errors.explain(asked, found, why, f"shape={common}"))
    return sizes


def require_safe(name: str, dtype: np.dtype, *parameters: Any) -> None:
    """Raises TypePromotionError for parameters of a wider dtype than the sample's."""
    for x in map(as_value, parameters):
        if dtypes.promote(x.dtype, x.weak_type, dtype, False)[0] != dtype:
            found = f"a parameter of type {x.aval}"
            why = f"the sample is {dtypes.short_name(dtype)}, which cannot hold it"
            write = f"dtype=jnp.{x.dtype.name}"
            text = errors.explain(f"random.{name}", found, why, write)
            raise errors.TypePromotionError(text)


def parameter(value: Any, dtype: Any, ndim: int) -> Any:
    """A parameter as an array of the sample's dtype and rank (or rank 0), fit to meet samples."""
    x = convert_element_type(as_value(value), dtype)
    return expand_dims(x, range(ndim - x.ndim)) if 0 < x.ndim < ndim else x


def spread(x: Any, shape: Shape) -> Any:
    """An array of the rank of `shape`, or of rank 0, repeated to it."""
    if x.shape == shape:
        return x
    return broadcast_in_dim(x, shape, range(len(shape)) if x.ndim else ())


def quotient(x: Any, divisor: Any) -> Any:
    """x / divisor, where one divisor serves many numbers as x * (1 / divisor): XLA's programs have
    it so, and the last digit shows it."""
    return x / divisor if divisor.shape == x.shape else x * (1 / divisor)
