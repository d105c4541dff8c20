"""BFGS in little memory: the last steps in place of the matrix.

H ∇f is computed from the last m steps s and changes y of the gradient, by going through them
backwards and forwards (Nocedal & Wright, 2006, algorithm 7.4, "two loops"). With γ = sᵀy / yᵀy of
the last step, γ I is where the updates begin.

Read next: `scipy/optimize/minimize.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import scratchfn.numpy as jnp
from scratchfn import lax
from scratchfn.numpy import linalg
from scratchfn.scipy.optimize.line_search import FOUND, line_search
from scratchfn.scipy.optimize.results import OptimizeResults

CONVERGED, OUT_OF_ITERATIONS, OUT_OF_VALUES, OUT_OF_GRADIENTS, NO_PROGRESS, NO_STEP = range(6)
_RUNNING = -1


class _State(NamedTuple):
    x: Any
    value: Any
    gradient: Any
    steps: Any  # the last s, the latest at the end, f32[m, n]
    changes: Any  # the last y
    rhos: Any  # 1 / yᵀs, and 0 where there is none yet, f32[m]
    scale: Any  # γ
    iterations: Any
    evaluations: Any
    status: Any


def minimize_lbfgs(
    function: Callable[[Any], tuple[Any, Any]],
    x0: Any,
    maxiter: float | None = None,
    norm: Any = np.inf,
    maxcor: int = 10,
    ftol: float = 2.220446049250313e-09,
    gtol: float = 1e-5,
    maxfun: float | None = None,
    maxgrad: float | None = None,
    maxls: int = 20,
) -> OptimizeResults:
    """A minimum of a function of vectors.

    Args:
      function: x -> (value, gradient).
      x0: where to begin, f32[n].
      maxiter, maxfun, maxgrad: at most so many iterations, values, gradients; any if None.
      norm, gtol: stop when the gradient's norm of this order is below gtol.
      maxcor: how many steps are remembered, m.
      ftol: stop when an iteration changes the value by less than this.
      maxls: at most so many evaluations in an iteration.

    The status is 0 at a minimum, 1, 2 and 3 where an allowance is used up (of iterations, values,
    gradients), 4 for too small a change, and 5 where a line search found no step.
    """
    limits = [np.inf if limit is None else limit for limit in (maxiter, maxfun, maxgrad)]

    def status_of(gradient: Any, change: Any, iterations: Any, evaluations: Any) -> Any:
        status = jnp.where(change < ftol, NO_PROGRESS, _RUNNING)
        status = jnp.where(evaluations >= limits[2], OUT_OF_GRADIENTS, status)
        status = jnp.where(evaluations >= limits[1], OUT_OF_VALUES, status)
        status = jnp.where(iterations >= limits[0], OUT_OF_ITERATIONS, status)
        return jnp.where(linalg.norm(gradient, norm) < gtol, CONVERGED, status)

    def step(state: _State) -> _State:
        direction = -_inverse_times(state)
        size = linalg.norm(state.gradient)
        first = jnp.where(state.iterations == 0, jnp.minimum(1.0, 1 / size), 1.0)
        found = line_search(function, state.x, direction, state.value, state.gradient, first, maxls)
        iterations, evaluations = state.iterations + 1, state.evaluations + found.count
        change = state.value - found.value
        status = status_of(found.gradient, change, iterations, evaluations)
        s = found.step * direction
        moved = _remembered(state, s, found.gradient - state.gradient)._replace(
            x=state.x + s, value=found.value, gradient=found.gradient, status=status
        )
        stuck = state._replace(status=jnp.full_like(status, NO_STEP))
        good = found.status == FOUND
        both = (jnp.where(good, a, b) for a, b in zip(moved, stuck, strict=True))
        return _State(*both)._replace(iterations=iterations, evaluations=evaluations)

    value, gradient = function(x0)
    memory, rhos = jnp.zeros((maxcor, *x0.shape), x0.dtype), jnp.zeros(maxcor, x0.dtype)
    zero, one = jnp.zeros((), int), jnp.ones((), int)
    status = status_of(gradient, np.inf, zero, one)
    scale = jnp.ones((), x0.dtype)
    start = _State(x0, value, gradient, memory, memory, rhos, scale, zero, one, status)
    end = lax.while_loop(lambda state: state.status == _RUNNING, step, start)
    return OptimizeResults(
        end.x, end.status == CONVERGED, end.status, end.value, end.gradient, None,
        end.evaluations, end.evaluations, end.iterations,
    )  # fmt: skip


def _inverse_times(state: _State) -> Any:
    """H ∇f."""

    def backwards(q: Any, row: Any) -> tuple[Any, Any]:
        s, y, rho = row
        alpha = rho * jnp.vdot(s, q)
        return q - alpha * y, alpha

    def forwards(q: Any, row: Any) -> tuple[Any, None]:
        (s, y, rho), alpha = row
        return q + (alpha - rho * jnp.vdot(y, q)) * s, None

    rows = state.steps, state.changes, state.rhos
    q, alphas = lax.scan(backwards, state.gradient, rows, reverse=True)
    return lax.scan(forwards, state.scale * q, (rows, alphas))[0]


def _remembered(state: _State, s: Any, y: Any) -> _State:
    """The memory with one more step, and without the first; as it was unless y and s agree."""
    product = jnp.vdot(y, s)
    usable = product > 0
    rho = 1 / jnp.where(usable, product, 1.0)

    def pushed(rows: Any, row: Any) -> Any:
        return jnp.where(usable, jnp.concatenate([rows[1:], row[None]]), rows)

    scale = jnp.where(usable, product / jnp.where(usable, jnp.vdot(y, y), 1.0), state.scale)
    return state._replace(
        steps=pushed(state.steps, s), changes=pushed(state.changes, y),
        rhos=pushed(state.rhos, rho), scale=scale,
    )  # fmt: skip
