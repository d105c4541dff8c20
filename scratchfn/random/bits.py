"""Bits of a key, and what is made of them directly: uniform floats and integers.

Number i of an array, in row-major order, is the cipher of the counter i under the key: two words
of 32 bits (Salmon et al. 2011, in the layout that JAX calls partitionable, where an element depends
on its own place alone). Numbers of 64 bits are both words; narrower ones their exclusive or, from
whose low end 16 or 8 bits are taken.

Read next: `random/samplers.py`.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.array import Array, as_value
from scratchfn.numpy.promotion import broadcast_shapes
from scratchfn.numpy.ufuncs import clip
from scratchfn.primitives.arithmetic import add, max_, mul, rem, sub
from scratchfn.primitives.convert import bitcast_convert_type, convert_element_type, select
from scratchfn.primitives.logic import (
    bitwise_and,
    bitwise_or,
    bitwise_xor,
    gt,
    shift_left_p,
    shift_right_logical_p,
)
from scratchfn.primitives.rules import scalar_like
from scratchfn.random.arguments import (
    as_dtype,
    fitting_shape,
    parameter,
    placeable,
    request,
    spread,
)
from scratchfn.random.fused import fma_p
from scratchfn.random.keys import Shape, as_shape, counters, encrypt, key_words, split_in

UINT = {8: dtypes.uint8, 16: dtypes.uint16, 32: dtypes.uint32, 64: dtypes.uint64}

# -- bits -----------------------------------------------------------------------------------------


@placeable
def bits(key: Any, shape: Any = (), dtype: Any = None) -> Any:
    """Uniform bits, as unsigned integers.

    Args:
      key: one key, of either kind.
      shape: of the result.
      dtype: uint8, uint16, uint32 or uint64; by default the widest enabled, uint32 or uint64.

    Returns:
      uint[*shape]
    """
    words = key_words("bits", key)
    dtype = as_dtype("bits", dtype, "u", dtypes.default_dtype("u"))
    return random_bits(words, 8 * dtype.itemsize, as_shape("bits", shape))


def random_bits(words: Any, width: int, shape: Shape) -> Any:
    """uint32[2] -> uint<width>[*shape]"""
    high, low = encrypt(words, counters(shape))
    if width < 64:
        return convert_element_type(bitwise_xor(high, low), UINT[width])
    high, low = (convert_element_type(word, dtypes.uint64) for word in (high, low))
    return bitwise_or(shift_left_p.bind(high, scalar_like(high, 32)), low)


# -- uniform floats -------------------------------------------------------------------------------


@placeable
def uniform(
    key: Any, shape: Any = (), dtype: Any = None, minval: Any = 0.0, maxval: Any = 1.0
) -> Any:
    """Floats of equal density on [minval, maxval).

    f(x) = 1 / (maxval - minval)

    Args:
      key: one key, of either kind.
      shape: of the result.
      dtype: a float dtype of 8, 16, 32 or 64 bits; by default the widest enabled.
      minval, maxval: numbers, or arrays that broadcast to `shape`.

    Returns:
      float[*shape]

    Raises:
      ValueError: the dtype is no float, or minval or maxval has axes that `shape` lacks.
      TypeError: their shapes do not broadcast.
    """
    words, shape, dtype = request("uniform", key, shape, dtype)
    return uniform_between(words, shape, dtype, minval, maxval)


def uniform_between(words: Any, shape: Shape, dtype: Any, minval: Any, maxval: Any) -> Any:
    """max(minval, u (maxval - minval) + minval) for u in [0, 1)."""
    unit = unit_floats(words, shape, dtype)
    if isinstance(minval, (int, float)) and isinstance(maxval, (int, float)):
        if minval == 0 and maxval == 1:
            return unit
    else:
        _require_fit(shape, minval, maxval)
    low, high = (parameter(value, dtype, len(shape)) for value in (minval, maxval))
    width = sub(high, low)
    wide = dtype in (dtypes.float32, dtypes.float64)  # XLA fuses in no narrower type
    scaled = fma_p.bind(unit, width, low) if wide else add(mul(unit, width), low)
    return max_(low, scaled)


def unit_floats(words: Any, shape: Shape, dtype: Any) -> Any:
    """Floats in [0, 1), with as many random bits as their mantissa has: under the exponent of 1.0
    these bits are a number in [1, 2), from which 1 is taken."""
    info = ml_dtypes.finfo(dtype)
    if info.bits not in UINT:
        found = f"dtype={dtypes.short_name(dtype)}"
        why = "it makes floats of 8, 16, 32 or 64 bits"
        raise TypeError(errors.explain("random.uniform", found, why, "dtype=jnp.float32"))
    drawn = 8 if info.nmant < 8 else info.bits  # a mantissa of 7 bits needs 8
    random = convert_element_type(random_bits(words, drawn, shape), UINT[info.bits])
    mantissa = shift_right_logical_p.bind(random, scalar_like(random, drawn - info.nmant))
    one = np.ones((), dtype)
    in_1_2 = bitwise_or(mantissa, Array(one.view(UINT[info.bits])))
    return sub(bitcast_convert_type(in_1_2, dtype), Array(one))


def _require_fit(shape: Shape, minval: Any, maxval: Any) -> None:
    shapes = [as_value(value).shape for value in (minval, maxval)]
    asked = f"random.uniform(..., shape={shape}) between bounds"
    if broadcast_shapes(asked, [shape, *shapes], any_ranks=True) != shape:
        found = f"minval of shape {shapes[0]} and maxval of shape {shapes[1]}"
        why = "each number lies between its own bounds, so they must broadcast to its shape"
        write = f"shape={broadcast_shapes(asked, [shape, *shapes], any_ranks=True)}"
        raise ValueError(errors.explain(asked, found, why, write))


# -- integers -------------------------------------------------------------------------------------


@placeable
def randint(key: Any, shape: Any, minval: Any, maxval: Any, dtype: Any = None) -> Any:
    """Integers of equal chance in [minval, maxval).

    Two draws make a number of twice the bits, whose remainder by the span is taken: none of the
    span's numbers is then likelier than another by more than span / 2**64 (for 32 bits).

    Args:
      key: one key, of either kind.
      shape: of the result.
      minval, maxval: integers, or arrays of them that broadcast to `shape`. Where maxval is not
        above minval, the result is minval.
      dtype: an integer dtype; by default the widest enabled, int32 or int64.

    Returns:
      int[*shape]

    Raises:
      TypeError: the dtype is no integer.
      ValueError: minval or maxval does not broadcast to `shape`.
      OverflowError: a Python number does not fit the default integer dtype.
    """
    words = key_words("randint", key)
    dtype = as_dtype("randint", dtype, "iu", int, TypeError)
    low, high = as_value(minval), as_value(maxval)
    shape = fitting_shape("randint", as_shape("randint", shape), low, high)
    limits = dtypes.iinfo(dtype)
    if limits.bits >= 32:
        return _randint(words, shape, _whole(low), _whole(high), dtype)
    # few bits are drawn as 32, so that none is favoured
    low, high = (convert_element_type(x, dtypes.int32) for x in (low, high))
    low, high = clip(low, limits.min, limits.max), clip(high, limits.min, limits.max + 1)
    return convert_element_type(_randint(words, shape, low, high, dtypes.int32), dtype)


def _randint(words: Any, shape: Shape, minval: Any, maxval: Any, dtype: Any) -> Any:
    width = 8 * dtype.itemsize
    key_high, key_low = split_in(words, 2)
    high, low = (random_bits(key, width, shape) for key in (key_high, key_low))
    span, minval = _span(minval, maxval, dtype, len(shape))
    # (high 2**width + low) mod span, without a number of more than `width` bits
    root = rem(scalar_like(span, 1 << width // 2), span)
    power = rem(mul(root, root), span)  # 2**width mod span
    offset = add(mul(rem(high, span), power), rem(low, span))
    return spread(add(minval, convert_element_type(rem(offset, span), dtype)), shape)


def _span(minval: Any, maxval: Any, dtype: Any, ndim: int) -> tuple[Any, Any]:
    """How many integers there are to draw from, at least 1, and the first of them."""
    low, high = (parameter(_clipped(x, dtype), dtype, ndim) for x in (minval, maxval))
    span = convert_element_type(sub(high, low), UINT[8 * dtype.itemsize])
    one = scalar_like(span, 1)
    nonempty = gt(high, low)
    largest = dtypes.iinfo(dtype).max
    if dtypes.iinfo(maxval.dtype).max > largest:  # then maxval may be above it, and was clipped
        # All 2**width integers wrap to 0, by which a remainder changes nothing: just what is meant.
        beyond = parameter(gt(maxval, scalar_like(maxval, largest)), dtypes.bool_, ndim)
        span = select(bitwise_and(beyond, nonempty), add(span, one), span)
    return select(nonempty, span, spread(one, span.shape)), low


def _whole(x: Any) -> Any:
    return x if dtypes.kind(x.dtype) in "iu" else convert_element_type(x, dtypes.default_dtype("i"))


def _clipped(x: Any, dtype: Any) -> Any:
    """An integer in another dtype, the nearest there where it does not fit."""
    if x.dtype == dtype:
        return x
    here, there = dtypes.iinfo(x.dtype), dtypes.iinfo(dtype)
    low, high = max(here.min, there.min), min(here.max, there.max)
    return convert_element_type(clip(x, scalar_like(x, low), scalar_like(x, high)), dtype)
