"""Stochastic gradient descent, with momentum (Polyak 1964) and Nesterov's form of it.

    m ← μ m + g                    the velocity
    θ ← θ - α m                    or, looking ahead,  θ ← θ - α (g + μ m)

Read next: `optim/adam.py`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import scratchfn.numpy as jnp
from scratchfn import tree
from scratchfn.optim.base import LearningRate, Optimizer, Params, rate, require_rate


class SgdState(NamedTuple):
    t: Any  # i32[], steps taken
    m: Params  # velocities; None without momentum


def sgd(lr: LearningRate, momentum: float = 0.0, nesterov: bool = False) -> Optimizer:
    """θ ← θ - α m.

    Args:
      lr: α, a number or a function of the number of steps already taken; else TypeError.
      momentum: μ, how much of the velocity stays; 0 for none.
      nesterov: step to where the velocity will have led, not to where it is.
    """
    require_rate("sgd", lr)
    α, μ = lr, momentum

    def init(params: Params) -> SgdState:
        return SgdState(jnp.int32(0), tree.map(jnp.zeros_like, params) if μ else None)

    def update(grads: Params, state: SgdState, params: Params) -> tuple[Params, SgdState]:
        t, m = state
        α_t = rate(α, t)
        if not μ:
            return tree.map(lambda g: -α_t * g, grads), SgdState(t + 1, None)
        m = tree.map(lambda m, g: μ * m + g, m, grads)
        ahead = tree.map(lambda m, g: g + μ * m, m, grads) if nesterov else m
        return tree.map(lambda v: -α_t * v, ahead), SgdState(t + 1, m)

    return Optimizer(init, update)


__all__ = ["SgdState", "sgd"]
