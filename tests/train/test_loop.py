"""The loop: a fold of steps over batches, with what was measured on the way."""

from __future__ import annotations

import math

import numpy as np

import scratchfn.numpy as jnp
from scratchfn import random
from scratchfn.data import batches
from scratchfn.optim import sgd
from scratchfn.train import cosine, fit, make_step, start

X = jnp.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, -1.0], [2.0, 1.0], [1.0, 2.0]])
W = jnp.array([2.0, -1.0])
OPTIMIZER = sgd(0.1)


def squared_error(w, key, batch):
    x, y = batch
    return jnp.mean((x @ w - y) ** 2)


def run(**options):
    step = make_step(squared_error, OPTIMIZER)
    stream = batches(random.key(0), (X, X @ W), size=3, epochs=100)
    return fit(step, start(jnp.zeros(2), OPTIMIZER), stream, **options)


def test_it_finds_the_line() -> None:
    state, history = run()
    np.testing.assert_allclose(state.params, W, atol=0.01)
    assert [row["step"] for row in history] == list(range(1, 201))
    assert history[-1]["loss"] < 1e-3 < history[0]["loss"]


def test_measuring_every_few_steps(capsys) -> None:
    _, history = run(measure=lambda state: {"first": float(state.params[0])}, every=50)
    assert [row["step"] for row in history if "first" in row] == [50, 100, 150, 200]
    assert capsys.readouterr().err == ""


def test_the_state_given_is_not_changed() -> None:
    step = make_step(squared_error, OPTIMIZER)
    before = start(jnp.zeros(2), OPTIMIZER)
    after, _ = step(before, (random.key(0), (X, X @ W)))
    assert before.params.tolist() == [0, 0] and before.opt.t == 0
    assert after.params.tolist() != [0, 0] and after.opt.t == 1


def test_a_progress_bar(capsys) -> None:
    run(progress="line", total=200)
    shown = capsys.readouterr().err
    assert "line" in shown and "200/200" in shown


def test_cosine() -> None:
    lr = cosine(0.4, 100)
    for t, expected in [(0, 0.4), (50, 0.2), (100, 0.0), (150, 0.0)]:
        assert math.isclose(lr(t), expected, abs_tol=1e-7)
    assert math.isclose(lr(jnp.int32(25)), 0.2 * (1 + math.sqrt(0.5)), rel_tol=1e-6)
