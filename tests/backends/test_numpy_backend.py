"""Generated NumPy programs: what they are named."""

from __future__ import annotations

import numpy as np

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn.core.template import NAMESPACE


def test_a_program_may_have_the_name_of_what_it_calls() -> None:
    """jit(jnp.sort) is a function `sort` that calls the kernel `sort`, not itself."""
    np.testing.assert_array_equal(sf.jit(jnp.sort)(np.array([3.0, 1.0])), [1, 3])
    for name in ("np", "dot_general", "lu"):
        assert name in NAMESPACE

        def f(x):
            return jnp.linalg.inv(x) @ x

        f.__name__ = name
        np.testing.assert_allclose(sf.jit(f)(2 * np.eye(3)), np.eye(3))
