"""The training loop: a pure step, and a fold of it over batches.

    step = make_step(loss, adam(3e-3))
    state, history = fit(step, start(params, adam(3e-3)), batches(...))

`loss(params, key, batch)` is any function of these; everything that changes is in the state, which
goes in and comes out. The whole step, gradient and update, is one jitted program.

Read next: `models/vision/on_digits.py`, where a model meets data and loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from scratchfn import jit, value_and_grad
from scratchfn.optim import Optimizer, apply_updates

Batch = tuple[Any, Any]  # (key, data), as `data/batches.py` gives them
Row = dict[str, float]  # "step" and the metrics measured there
Step = Callable[["State", Batch], tuple["State", dict[str, Any]]]


class State(NamedTuple):
    params: Any
    opt: Any  # the optimizer's


def start(params: Any, optimizer: Optimizer) -> State:
    """The state before the first step."""
    return State(params, optimizer.init(params))


def make_step(loss: Callable[[Any, Any, Any], Any], optimizer: Optimizer) -> Step:
    """The jitted `step(state, (key, data)) -> (state, {"loss": value})` of gradient descent on
    `loss(params, key, data)`."""

    @jit
    def step(state: State, batch: Batch) -> tuple[State, dict[str, Any]]:
        value, grads = value_and_grad(loss)(state.params, *batch)
        updates, opt = optimizer.update(grads, state.opt, state.params)
        return State(apply_updates(state.params, updates), opt), {"loss": value}

    return step


def fit(
    step: Step,
    state: State,
    batches: Iterable[Batch],
    *,
    total: int | None = None,
    measure: Callable[[State], dict[str, float]] | None = None,
    every: int = 1,
    progress: str | None = None,
) -> tuple[State, list[Row]]:
    """Takes a step for each batch.

    Args:
      total: the number of batches, for the progress bar.
      measure: metrics of a state, taken after every `every`-th step (a test accuracy, say).
      progress: a title for a progress bar; None for silence.

    Returns:
      The last state, and one row of metrics for each step, which `measure` adds to.
    """
    history: list[Row] = []
    with _bar(progress, total) as bar:
        for i, batch in enumerate(batches, start=1):
            state, metrics = step(state, batch)
            row = {"step": i, **{name: float(value) for name, value in metrics.items()}}
            if measure is not None and i % every == 0:
                row |= measure(state)
                bar.set_postfix({k: f"{v:.4g}" for k, v in row.items() if k != "step"})
            history.append(row)
            bar.update()
    return state, history


def _bar(title: str | None, total: int | None) -> Any:
    from tqdm import tqdm  # when a loop runs, so that importing the package stays quick

    return tqdm(total=total, desc=title, disable=title is None, unit="step", dynamic_ncols=True)


__all__ = ["Row", "State", "fit", "make_step", "start"]
