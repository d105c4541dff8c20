"""check_grads accepts derivatives that are right, and says which are wrong."""

from __future__ import annotations

import functools
import inspect

import jax.test_util
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn.test_util import check_grads, check_jvp, check_vjp

X = np.linspace(0.5, 1.5, 4, dtype=np.float32)


@pytest.mark.parametrize("modes", [("fwd",), ("rev",), ("fwd", "rev"), ("lin",)], ids=str)
def test_right_derivatives(modes):
    check_grads(jnp.sin, (X,), 2, modes)
    check_grads(lambda x, p: {"out": p["w"] * jnp.tanh(x)}, (X, {"w": 2.0}), 2, modes)
    check_grads(lambda x, i: x[i] * x, (X, 2), 1, modes)
    check_grads(lambda z: z * z, (X * (1 + 2j),), 1, modes)
    with sf.enable_x64(True):
        check_grads(lambda x: jnp.exp(jnp.sin(x)), (X.astype(np.float64),), 3, modes, eps=1e-5)


def wrong_jvp():
    f = sf.custom_jvp(jnp.sin)
    f.defjvp(lambda primals, tangents: (f(*primals), tangents[0] * 1.1 * jnp.cos(primals[0])))
    return f


def test_wrong_derivatives():
    f = wrong_jvp()
    with pytest.raises(AssertionError, match=r"JVP: tangent\n  Found: .*off by up to 0\.\d+"):
        check_grads(f, (X,), 1, ["fwd"])
    with pytest.raises(AssertionError, match="VJP: cotangent projection"):
        check_grads(f, (X,), 1, ["rev"])
    with pytest.raises(AssertionError, match="LIN: tangent"):
        check_grads(f, (X,), 1, ["lin"])
    check_grads(f, (X,), 1, atol=1.0, rtol=1.0)
    check_grads(f, (X,), 1, atol={np.float32: 1.0})


def test_second_order_alone_is_wrong():
    g = sf.custom_jvp(jnp.cos)
    g.defjvp(lambda primals, tangents: (g(*primals), tangents[0]))
    f = sf.custom_jvp(jnp.sin)
    f.defjvp(lambda primals, tangents: (f(*primals), tangents[0] * g(primals[0])))
    check_grads(f, (X,), 1)
    with pytest.raises(AssertionError, match="JVP of JVP"):
        check_grads(f, (X,), 2, ["fwd"])
    with pytest.raises(AssertionError, match="VJP of VJP"):
        check_grads(f, (X,), 2, ["rev"])


def test_leaves_are_named():
    f = wrong_jvp()
    with pytest.raises(AssertionError, match=r"tangent\['b'\]\[0\]"):
        check_grads(lambda x: {"a": x, "b": [f(x)]}, (X,), 1, ["fwd"])


def test_of_rules_by_hand():
    check_jvp(jnp.sin, functools.partial(sf.jvp, jnp.sin), (X,))
    check_vjp(jnp.sin, functools.partial(sf.vjp, jnp.sin), (X,))
    with pytest.raises(AssertionError, match="mine: primal"):
        check_jvp(jnp.sin, functools.partial(sf.jvp, jnp.cos), (X,), err_msg="mine")
    with pytest.raises(AssertionError, match="by the function's values"):
        check_vjp(jnp.sin, functools.partial(sf.vjp, lambda x: jnp.sin(x) * 1.01), (X,))


def test_it_takes_jax_functions_arguments():
    """Same signature, so that tests written for JAX run."""
    for ours in (check_grads, check_jvp, check_vjp):
        theirs = inspect.signature(getattr(jax.test_util, ours.__name__))
        assert list(inspect.signature(ours).parameters) == list(theirs.parameters)
