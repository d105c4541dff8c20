"""Training a model of this folder on the digits: where data, model, optimizer and loop meet.

    run = train_on_digits(mlp, mlp.Config(), Recipe(), digits(), seed=0)

Any module with `Config`, `init`, `apply`, `loss` and `accuracy` will do. One seed decides
everything: `random.key(seed)` is split for the params, and for the order of the batches and what
is dropped in them.

Read next: `train/loop.py`.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np

from scratchfn import jit, random
from scratchfn.data import Split, batches, digits, per_epoch
from scratchfn.models.config import config
from scratchfn.optim import adam
from scratchfn.train import State, cosine, fit, make_step, start
from scratchfn.train.loop import Row


@config
class Recipe:
    """Adam with a learning rate that falls along a cosine from `lr` to 0."""

    epochs: int = 30
    batch: int = 64
    lr: float = 3e-3


class Run(NamedTuple):
    """A finished training run."""

    model: str
    seed: int
    params: Any
    history: list[Row]
    accuracy: float  # on the test images
    predictions: np.ndarray  # i64[test images], the most likely class of each
    seconds: float  # of training, compilation and the tests after each epoch included
    ms_per_step: float  # of a step alone, the median


def train_on_digits(
    model: Any, cfg: Any, recipe: Recipe, data: Split, seed: int = 0, progress: bool = False
) -> Run:
    """Trains `model` from `random.key(seed)` and tests it on the images kept back."""
    name = model.__spec__.name.rpartition(".")[2]
    init_key, batch_key = random.split(random.key(seed))
    n = per_epoch(data.train, recipe.batch)
    optimizer = adam(cosine(recipe.lr, recipe.epochs * n))

    def loss(params: Any, key: Any, batch: Any) -> Any:
        return model.loss(params, *batch, cfg, train=True, key=key)

    accuracy = jit(model.accuracy)

    def measure(state: State) -> dict[str, float]:
        return {"test_accuracy": float(accuracy(state.params, *data.test, cfg))}

    begin = time.perf_counter()
    timed = _Timed(make_step(loss, optimizer))
    state, history = fit(
        timed,
        start(jit(model.init)(init_key, cfg), optimizer),
        batches(batch_key, data.train, recipe.batch, recipe.epochs),
        total=recipe.epochs * n,
        measure=measure,
        every=n,
        progress=f"{name} (seed {seed})" if progress else None,
    )
    seconds = time.perf_counter() - begin
    predictions = np.asarray(model.apply(state.params, data.test.x, cfg)).argmax(-1)
    return Run(
        model=name,
        seed=seed,
        params=state.params,
        history=history,
        accuracy=float(np.mean(predictions == np.asarray(data.test.y))),
        predictions=predictions,
        seconds=seconds,
        ms_per_step=1e3 * float(np.median(timed.seconds)),
    )


class _Timed:
    """A step that notes how long each call took until its loss was known."""

    def __init__(self, step: Any):
        self.step = step
        self.seconds: list[float] = []

    def __call__(self, state: Any, batch: Any) -> Any:
        begin = time.perf_counter()
        state, metrics = self.step(state, batch)
        metrics["loss"].block_until_ready()
        self.seconds.append(time.perf_counter() - begin)
        return state, metrics


def main(model: Any) -> None:
    """Trains one model from seed 0 and prints what it reached."""
    run = train_on_digits(model, model.Config(), Recipe(), digits(), progress=True)
    print(f"{run.model}: test accuracy {run.accuracy:.2%} after {run.seconds:.1f} s")


__all__ = ["Recipe", "Run", "main", "train_on_digits"]
