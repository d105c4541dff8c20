"""What an optimizer is: a pair of pure functions, and the state that passes between them.

    state = optimizer.init(params)
    updates, state = optimizer.update(grads, state, params)
    params = apply_updates(params, updates)

Read next: `optim/sgd.py`, then `optim/adam.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from scratchfn import errors, tree

Params = Any  # a pytree of arrays; grads, updates and moments have its structure
LearningRate = Any  # a number, or a function of the number of steps already taken


class Optimizer(NamedTuple):
    """`init(params) -> state` and `update(grads, state, params) -> (updates, state)`."""

    init: Callable[[Params], Any]
    update: Callable[[Params, Any, Params], tuple[Params, Any]]


def apply_updates(params: Params, updates: Params) -> Params:
    """params + updates, in the params' dtypes."""
    return tree.map(lambda p, u: (p + u).astype(p.dtype), params, updates)


def require_rate(name: str, lr: LearningRate) -> None:
    """Raises TypeError unless a learning rate is a number or a function."""
    if callable(lr) or isinstance(lr, (int, float)) or getattr(lr, "ndim", None) == 0:
        return
    raise TypeError(
        errors.explain(
            f"optim.{name}(lr, ...)",
            f"lr = {lr!r} of type {type(lr).__name__}",
            "it is a number, or a function of the number of steps already taken",
            f"optim.{name}(1e-3)",
        )
    )


def rate(lr: LearningRate, step: Any) -> Any:
    """The learning rate at a step, counted from 0."""
    return lr(step) if callable(lr) else lr


__all__ = ["LearningRate", "Optimizer", "Params", "apply_updates", "rate", "require_rate"]
