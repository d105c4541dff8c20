"""Distributions of vectors and matrices, and of the lengths of vectors.

Read next: `random/keys.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import scratchfn.numpy as jnp
from scratchfn.random.arguments import request
from scratchfn.random.discrete import rademacher_signs
from scratchfn.random.keys import split_in
from scratchfn.random.samplers import normal_floats


def maxwell(key: Any, shape: Any = (), dtype: Any = None) -> Any:
    """The length of a normal vector in three dimensions.

    f(x) = sqrt(2 / pi) x^2 exp(-x^2 / 2)
    """
    words, shape, dtype = request("maxwell", key, shape, dtype)
    z = normal_floats(words, (*shape, 3), dtype)
    return jnp.sqrt(jnp.sum(z * z, axis=-1))


def double_sided_maxwell(key: Any, loc: Any, scale: Any, shape: Any = (), dtype: Any = None) -> Any:
    """loc + scale s x for x of `maxwell` and s = -1 or 1.

    Returns:
      float[*shape, *parameters], where `parameters` is the shape that loc and scale broadcast to.
    """
    words, shape, dtype = request("double_sided_maxwell", key, shape, dtype)
    parameters = jnp.broadcast_shapes(np.shape(loc), np.shape(scale))
    shape = (*(shape or parameters), *parameters)
    key_size, key_sign = split_in(words, 2)
    sign = rademacher_signs(key_sign, shape, dtype)
    return sign * maxwell(key_size, shape, dtype) * scale + loc
