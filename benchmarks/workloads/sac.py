"""An update of soft actor-critic (Haarnoja et al. 2018, v2): two critics, actor, temperature.

17 observed numbers, 6 actions, two hidden layers of 256, a batch of 256 transitions, Adam; the
target critics follow by a Polyak average of 0.005. The three losses are summed: each holds what it
does not train constant.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workloads import Arrays, Draw, Workload

SEEN, ACTIONS, HIDDEN, BATCH = 17, 6, 256, 256
DISCOUNT, TARGET_ENTROPY, POLYAK = 0.99, -float(ACTIONS), 0.005
CRITICS = ("q0", "q1")


def network(lib: Any, p: Any, name: str, x: Any) -> Any:
    for i in (0, 1):
        x = lib.relu(x @ p[f"{name}_w{i}"] + p[f"{name}_b{i}"])
    return x @ p[f"{name}_w2"] + p[f"{name}_b2"]


def act(lib: Any, p: Any, state: Any, noise: Any) -> Any:
    """An action in (-1, 1) and its log probability (appendix C)."""
    out = network(lib, p, "actor", state)
    mean, log_std = out[:, :ACTIONS], lib.clip(out[:, ACTIONS:], -5.0, 2.0)
    raw = mean + lib.exp(log_std) * noise
    normal = -0.5 * noise * noise - log_std - 0.5 * float(np.log(2 * np.pi))
    squash = 2.0 * (float(np.log(2.0)) - raw - lib.softplus(-2.0 * raw))
    return lib.tanh(raw), lib.sum(normal - squash, 1)


def least(lib: Any, p: Any, state: Any, action: Any) -> Any:
    """The smaller of the two critics' values."""
    both = lib.concatenate([state, action], 1)
    return lib.minimum(*(network(lib, p, q, both)[:, 0] for q in CRITICS))


def loss(lib: Any, params: Any, held: Any, batch: Any) -> Any:
    constant = {name: lib.stop(p) for name, p in params.items()}
    alpha = lib.exp(params["log_alpha"])
    next_action, next_logp = act(lib, constant, batch["next"], batch["noise1"])
    value = least(lib, held, batch["next"], next_action) - lib.stop(alpha) * next_logp
    target = lib.stop(batch["reward"] + DISCOUNT * value)
    both = lib.concatenate([batch["state"], batch["action"]], 1)
    errors = [network(lib, params, q, both)[:, 0] - target for q in CRITICS]
    critic = sum(lib.mean(error * error) for error in errors)
    action, logp = act(lib, params, batch["state"], batch["noise0"])
    actor = lib.mean(lib.stop(alpha) * logp - least(lib, constant, batch["state"], action))
    temperature = -lib.mean(alpha * lib.stop(logp + TARGET_ENTROPY))
    return critic + actor + temperature


def hold(params: Any, held: Any) -> Any:
    return {name: (1 - POLYAK) * old + POLYAK * params[name] for name, old in held.items()}


def workload() -> Workload:
    draw = Draw()
    params: Arrays = {"log_alpha": np.float32(-1.0) * np.ones((), np.float32)}
    for name, n, m in (
        ("actor", SEEN, 2 * ACTIONS), ("q0", SEEN + ACTIONS, 1), ("q1", SEEN + ACTIONS, 1)
    ):  # fmt: skip
        layers = draw.dense(n, HIDDEN, HIDDEN, m)
        params |= {f"{name}_{layer}": p for layer, p in layers.items()}
    batch = {
        "state": draw.normal(BATCH, SEEN), "next": draw.normal(BATCH, SEEN),
        "action": np.tanh(draw.normal(BATCH, ACTIONS)), "reward": draw.normal(BATCH),
        "noise0": draw.normal(BATCH, ACTIONS), "noise1": draw.normal(BATCH, ACTIONS),
    }  # fmt: skip
    held = {name: p for name, p in params.items() if name.startswith("q")}
    return Workload("SAC 256x256 b256", params, batch, loss, 3e-4, True, held, hold)
