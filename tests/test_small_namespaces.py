"""dtypes, typing, stages: the same names as JAX's, and what they give."""

from __future__ import annotations

import typing

import jax
import jax.dtypes
import ml_dtypes
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import dtypes, stages
from scratchfn.typing import ArrayLike, DTypeLike


def test_dtypes_has_jax_names():
    public = {name for name in dir(jax.dtypes) if not name.startswith("_")}
    assert public <= set(dir(dtypes))


def test_dtypes():
    assert dtypes.bfloat16 is ml_dtypes.bfloat16
    assert dtypes.canonicalize_dtype("float64") == jax.dtypes.canonicalize_dtype("float64")
    with sf.enable_x64(True):
        assert dtypes.canonicalize_dtype("float64") == np.float64
    key = sf.random.key(0)
    assert dtypes.issubdtype(key.dtype, dtypes.prng_key)
    assert dtypes.issubdtype(key.dtype, dtypes.extended)
    assert not dtypes.issubdtype(np.float32, dtypes.extended)
    assert dtypes.canonicalize_dtype(key.dtype, allow_extended_dtype=True) == key.dtype
    with pytest.raises(ValueError, match="extended dtype"):
        dtypes.canonicalize_dtype(key.dtype)
    for args in [(1, np.float16(2)), (1, 2.0), (np.int8(1), np.uint8(2)), (jnp.ones(2), 3)]:
        theirs = [jax.numpy.ones(2) if isinstance(x, sf.Array) else x for x in args]
        want = jax.dtypes.result_type(*theirs, return_weak_type_flag=True)
        assert dtypes.result_type(*args, return_weak_type_flag=True) == want
        assert dtypes.result_type(*args) == want[0]
    assert dtypes.float0 == jax.dtypes.float0
    assert dtypes.itemsize_bits("int4") == 4
    assert dtypes.scalar_type_of(np.float32(1)) is float
    assert dtypes.finfo("bfloat16").bits == 16 and dtypes.iinfo("int8").max == 127
    assert issubclass(dtypes.TypePromotionError, ValueError)


def test_typing():
    assert isinstance(jnp.ones(2), ArrayLike) and isinstance(2.0, ArrayLike)
    assert isinstance(np.ones(2), ArrayLike) and not isinstance([1.0], ArrayLike)
    assert np.dtype in typing.get_args(DTypeLike) and str in typing.get_args(DTypeLike)
    seen = []
    sf.jit(lambda x: seen.append(isinstance(x, ArrayLike)))(1.0)
    assert seen == [True]


def test_stages():
    f = sf.jit(lambda x: x + 1)
    assert isinstance(f, stages.Wrapped)
    traced = f.trace(1.0)
    assert isinstance(traced, stages.Traced)
    assert isinstance(traced.lower(), stages.Lowered)
    assert isinstance(traced.lower().compile(), stages.Compiled)
