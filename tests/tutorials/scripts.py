"""Scripts that are run twice, with JAX's import lines and with ours, and must say the same.

A script ends with the names that it was written to compute, collected in `results`; what it prints
is compared too, so that the order of side effects counts.
"""

from __future__ import annotations

import contextlib
import io
from typing import Any

import jax
import numpy as np

import scratchfn as sf

IMPORTS = """
import functools
from collections import namedtuple
import {package} as the_library
import {package}.numpy as jnp
from {package} import (
    checkpoint, checkpoint_policies, custom_gradient, custom_jvp, custom_vjp, grad, hessian, jacfwd,
    jacobian, jacrev, jit, jvp, lax, linearize, make_jaxpr, random, tree, value_and_grad, vjp, vmap,
)
from {package}.ad_checkpoint import checkpoint_name, print_saved_residuals
from {package}.test_util import check_grads
from {package}.tree_util import tree_flatten, tree_unflatten
import numpy as np

def refusal(f, *args):
    "The name of the exception that f raises."
    try:
        return f(*args)
    except Exception as error:
        return type(error).__name__

def alike(first, *others):
    "What the first function returns. Ours must return the same from the others; JAX, which would"
    "compile each of them for long, is not asked."
    found = first()
    for other in others if the_library.__name__ == 'scratchfn' else ():
        for a, b in zip(tree.leaves(other()), tree.leaves(found), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    return found
"""


def run(source: str, package: str) -> tuple[Any, list[str]]:
    """The script's results, and the lines it printed."""
    names: dict[str, Any] = {"__name__": "script"}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(IMPORTS.format(package=package), f"<imports of {package}>", "exec"), names)
        exec(compile(source, "script.py", "exec", dont_inherit=True), names)
    return names["results"], printed.getvalue().splitlines()


def agree(source: str, rtol: float = 1e-5, same_text: bool = False) -> list[str]:
    """Asserts that both libraries give the same results, and as many lines of text, or the same
    lines. Returns what ours printed."""
    theirs, their_lines = run(source, "jax")
    ours, our_lines = run(source, "scratchfn")
    expected, found = jax.tree.leaves(theirs), sf.tree.leaves(ours)
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        if isinstance(b, str):
            assert a == b
            continue
        # Functions that nobody transforms may leave a Python number.
        a, b = np.asarray(sf.numpy.asarray(a)), np.asarray(jax.numpy.asarray(b))
        assert (a.dtype, a.shape) == (b.dtype, b.shape), (a, b)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-6)
    assert our_lines == their_lines if same_text else len(our_lines) == len(their_lines)
    return our_lines
