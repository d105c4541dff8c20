"""scratchfn against real JAX: the same mathematics, differentiated by each.

Our program of a function is run operation by operation in JAX's own primitives, under
`jax.value_and_grad`: JAX computes the value and finds the gradient by its own rules, except where
the function has a derivative of its own (`custom_jvp`, as relu does), which JAX is told too.

Next to the jax backend, this is the one file that needs JAX.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from scratchfn import make_jaxpr, tree, value_and_grad
from scratchfn.backends import jax as backend
from scratchfn.config import config
from scratchfn.core.jaxpr import ClosedJaxpr, Eqn, Literal
from scratchfn.core.stage import stage_closed
from scratchfn.primitives.base import instantiate


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
        theirs = in_jax(make_jaxpr(loss)(params, *args))
        their_value, their_grads = jax.value_and_grad(
            lambda xs: theirs(*xs, *map(_operand, rest))[0]
        )(list(map(_operand, leaves)))

    return Difference(
        value=_apart(value, their_value),
        grad=max(map(_apart, tree.leaves(grads), their_grads)),
        largest_grad=max(float(np.max(np.abs(g))) for g in their_grads),
    )


def in_jax(closed: ClosedJaxpr) -> Callable[..., list[Any]]:
    """A program of ours as a function of JAX's arrays that JAX can differentiate."""

    def run(*operands: Any) -> list[Any]:
        env: dict[Any, Any] = {}

        def read(atom: Any) -> Any:
            return _operand(atom.val) if isinstance(atom, Literal) else env[atom]

        env.update(zip(closed.jaxpr.constvars, map(_operand, closed.consts), strict=True))
        env.update(zip(closed.jaxpr.invars, operands, strict=True))
        for eqn in closed.jaxpr.eqns:
            outs = _apply(eqn, list(map(read, eqn.invars)))
            env.update(zip(eqn.outvars, outs, strict=True))
        return list(map(read, closed.jaxpr.outvars))

    return run


def _apply(eqn: Eqn, operands: Sequence[Any]) -> list[Any]:
    if eqn.primitive.name == "custom_jvp_call":
        return _custom_jvp(eqn)(*operands)
    if eqn.primitive.name == "jit":  # may hold a custom_jvp_call
        return in_jax(eqn.params["jaxpr"])(*operands)
    if eqn.primitive.name == "mul":  # JAX's has a param more, which only its derivative asks for
        return [backend.library().lax.mul(*operands)]
    return backend.lower(eqn.primitive, operands, eqn.params)


def _custom_jvp(eqn: Eqn) -> Callable[..., list[Any]]:
    """The function of a custom_jvp_call as a `jax.custom_jvp`, its rule staged to a program."""
    closed, rule = eqn.params["call_jaxpr"], eqn.params["jvp"]
    n = len(closed.in_avals)

    def flat_rule(*xs: Any) -> list[Any]:
        outs, tangents = rule(xs[:n], xs[n:])
        return [*outs, *map(instantiate, tangents)]

    both = in_jax(stage_closed(flat_rule, [*closed.in_avals] * 2, "a custom_jvp rule"))
    fun = backend.library().custom_jvp(in_jax(closed))

    @fun.defjvp
    def jvp(primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
        pairs = both(*primals, *tangents)
        return pairs[: len(pairs) // 2], pairs[len(pairs) // 2 :]

    return fun


def _operand(x: Any) -> Any:
    """One of our arrays, or a NumPy array, as JAX takes it."""
    return backend.library().numpy.asarray(backend.to_jax_buffer(getattr(x, "buffer", x)))


def _apart(ours: Any, theirs: Any) -> float:
    return float(np.max(np.abs(np.asarray(ours) - np.asarray(theirs))))


__all__ = ["Difference", "compare_gradient", "in_jax"]
