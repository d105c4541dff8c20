"""scratchfn against real JAX: the same mathematics, differentiated by each.

Our program of a function is run operation by operation in JAX's own primitives, under
`jax.value_and_grad`: JAX computes the value and finds the gradient by its own rules, except where
the function has a derivative of its own (`custom_jvp`, as relu does), which JAX is told too.

Next to the jax backend, this is the one file that needs JAX.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from scratchfn import make_jaxpr, tree, value_and_grad
from scratchfn.backends import jax as backend
from scratchfn.config import config


class Difference(NamedTuple):
    """The largest absolute differences, and JAX's largest gradient element to hold them against."""

    value: float
    grad: float
    largest_grad: float


def compare_gradient(loss: Callable[..., Any], params: Any, *args: Any) -> Difference:
    """`loss(params, *args)` and its gradient in params: ours here, minus JAX's.

    Raises:
      ModuleNotFoundError: JAX is not installed.
    """
    jax = backend.library()
    value, grads = value_and_grad(loss)(params, *args)

    leaves, rest = (tree.leaves(part) for part in (params, args))
    with jax.enable_x64(config.enable_x64):
        program = make_jaxpr(loss)(params, *args)
        their_value, their_grads = jax.value_and_grad(
            lambda xs: backend.evaluate(program, [*xs, *map(_operand, rest)])[0]
        )(list(map(_operand, leaves)))

    return Difference(
        value=_apart(value, their_value),
        grad=max(map(_apart, tree.leaves(grads), their_grads)),
        largest_grad=max(float(np.max(np.abs(g))) for g in their_grads),
    )


def _operand(x: Any) -> Any:
    """One of our arrays, or a NumPy array, as JAX takes it."""
    return backend.library().numpy.asarray(backend.to_jax_buffer(getattr(x, "buffer", x)))


def _apart(ours: Any, theirs: Any) -> float:
    return float(np.max(np.abs(np.asarray(ours) - np.asarray(theirs))))


__all__ = ["Difference", "compare_gradient"]
