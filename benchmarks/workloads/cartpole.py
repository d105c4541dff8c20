"""(g) A policy gradient over 1,024 simulated cart-poles by 200 steps.

The physics are Barto, Sutton & Anderson's (1983), with Euler steps of 20 ms; the policy has two
layers; an episode that has fallen earns nothing more. The gradient is REINFORCE's (Williams 1992),
with the mean return as its baseline. The random numbers that choose the actions come with the
batch, so that all libraries choose alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workloads import Draw, Workload

ENVIRONMENTS, STEPS, HIDDEN = 1024, 200, 32
GRAVITY, CART, POLE, HALF_LENGTH, FORCE, TAU = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
FALLEN, OUTSIDE = 12 * np.pi / 180, 2.4


def physics(lib: Any, x: Any, v: Any, angle: Any, spin: Any, force: Any) -> Any:
    """One step of each cart: position, velocity, angle and angular velocity, [n] each."""
    sine, cosine = lib.sin(angle), lib.cos(angle)
    total, moment = CART + POLE, POLE * HALF_LENGTH
    push = (force + moment * spin * spin * sine) / total
    turn = (GRAVITY * sine - cosine * push) / (
        HALF_LENGTH * (4.0 / 3.0 - POLE * cosine * cosine / total)
    )
    pull = push - moment * turn * cosine / total
    return x + TAU * v, v + TAU * pull, angle + TAU * spin, spin + TAU * turn


def loss(lib: Any, params: Any, held: Any, batch: Any) -> Any:
    def step(carry: Any, chance: Any) -> Any:
        state, alive = carry
        features = lib.stack(state, 1)  # [n, 4]
        hidden = lib.tanh(features @ params["w0"] + params["b0"])
        logit = (hidden @ params["w1"] + params["b1"])[:, 0]
        right = lib.number(chance < lib.stop(lib.sigmoid(logit)))
        logp = -lib.softplus((1.0 - 2.0 * right) * logit)
        state = physics(lib, *state, FORCE * (2.0 * right - 1.0))
        up = (abs(state[2]) < FALLEN) & (abs(state[0]) < OUTSIDE)
        return (state, alive * lib.number(up)), lib.stack([logp * alive, alive])

    start = tuple(batch["start"][i] for i in range(4))
    _, ys = lib.scan(step, (start, batch["alive"]), batch["chance"])  # [t, 2, n]
    logps, rewards = ys[:, 0], lib.stop(ys[:, 1])
    returns = lib.sum(rewards, 0)  # [n]
    advantages = (returns - lib.mean(returns)) / STEPS
    return -lib.mean(lib.sum(logps, 0) * advantages)


def workload() -> Workload:
    draw = Draw()
    batch = {
        "start": draw.normal(4, ENVIRONMENTS) * np.float32(0.03),
        "alive": np.ones(ENVIRONMENTS, np.float32),
        "chance": draw.rng.random((STEPS, ENVIRONMENTS), np.float32),
    }
    params = draw.dense(4, HIDDEN, 1)
    return Workload("g CartPole 1024x200 + PG", params, batch, loss, 0.01)
