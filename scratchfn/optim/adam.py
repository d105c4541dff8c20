"""Adam (Kingma & Ba 2015, Algorithm 1): steps scaled by running moments of the gradient.

    m ← β₁ m + (1 - β₁) g          its mean
    v ← β₂ v + (1 - β₂) g²         its mean square
    m̂ = m / (1 - β₁ᵗ)              both began at zero, which this undoes
    v̂ = v / (1 - β₂ᵗ)
    θ ← θ - α m̂ / (√v̂ + ε)

Read next: `train/loop.py`, which takes the steps.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import scratchfn.numpy as jnp
from scratchfn import tree
from scratchfn.optim.base import LearningRate, Optimizer, Params, rate, require_rate


class AdamState(NamedTuple):
    t: Any  # i32[], steps taken
    m: Params  # running mean of the gradients
    v: Params  # running mean of their squares


def adam(
    lr: LearningRate = 1e-3, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8
) -> Optimizer:
    """θ ← θ - α m̂ / (√v̂ + ε).

    Args:
      lr: α, a number or a function of the number of steps already taken; else TypeError.
      b1, b2: β₁ and β₂, how much of the running moments stays at each step.
      eps: ε, which keeps a step finite where gradients vanish.
    """
    require_rate("adam", lr)
    α, β1, β2, ε = lr, b1, b2, eps

    def init(params: Params) -> AdamState:
        zeros = tree.map(jnp.zeros_like, params)
        return AdamState(jnp.int32(0), zeros, zeros)

    def update(grads: Params, state: AdamState, params: Params) -> tuple[Params, AdamState]:
        α_t = rate(α, state.t)
        t = state.t + 1
        m = tree.map(lambda m, g: β1 * m + (1 - β1) * g, state.m, grads)
        v = tree.map(lambda v, g: β2 * v + (1 - β2) * g * g, state.v, grads)
        # The two corrections are numbers, so they are moved to where numbers are multiplied.
        unbias_m, unbias_v = 1 / (1 - β1**t), 1 / (1 - β2**t)

        def step(m: Any, v: Any) -> Any:
            m_hat, v_hat = m * unbias_m, v * unbias_v
            return -α_t * m_hat / (jnp.sqrt(v_hat) + ε)

        return tree.map(step, m, v), AdamState(t, m, v)

    return Optimizer(init, update)


__all__ = ["AdamState", "adam"]
