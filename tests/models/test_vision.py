"""The digit models: shapes, equality with JAX, what they learn, what they refuse."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np
import pytest

import scratchfn.numpy as jnp
from scratchfn import grad, jit, random, tree, value_and_grad, vmap
from scratchfn.data import Dataset, Split, digits
from scratchfn.models.vision import convnet, mlp, on_digits
from tests.models.jax_twins import APPLY, loss_of

MODELS = {"mlp": mlp, "convnet": convnet}
KEY = random.key(0)
DATA = digits()
X, Y = DATA.train.x[:16], DATA.train.y[:16]

both = pytest.mark.parametrize("name", MODELS)


@both
def test_shapes(name: str) -> None:
    model = MODELS[name]
    cfg = model.Config(widths=(8, 4), classes=3)
    params = model.init(KEY, cfg)
    assert model.apply(params, X, cfg).shape == (16, 3)
    assert model.loss(params, X, Y % 3, cfg).shape == ()
    assert 0 <= model.accuracy(params, X, Y % 3, cfg) <= 1


@both
def test_initial_loss_is_a_guess(name: str) -> None:
    """Ten classes, none preferred: about log 10, and no logit far from the others."""
    model = MODELS[name]
    start = model.loss(model.init(KEY, model.Config()), X, Y, model.Config())
    assert abs(start - np.log(10)) < 0.8


@both
@pytest.mark.parametrize("compiled", [False, True])
def test_loss_and_gradient_are_jax_s(name: str, compiled: bool) -> None:
    model, cfg = MODELS[name], MODELS[name].Config()
    params = model.init(KEY, cfg)
    wrap = jit if compiled else (lambda f: f)
    value, grads = wrap(value_and_grad(model.loss))(params, X, Y, cfg)
    arrays = tree.map(np.asarray, params)
    theirs = jax.value_and_grad(loss_of(APPLY[name]))(arrays, np.asarray(X), np.asarray(Y))
    np.testing.assert_allclose(value, theirs[0], rtol=1e-5)
    tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), grads, theirs[1])


@both
def test_initial_params_are_drawn_as_jax_draws(name: str) -> None:
    """The first layer's weights: one key of the split, he_normal."""
    model, cfg = MODELS[name], MODELS[name].Config()
    params = model.init(KEY, cfg)
    w = params["hidden" if name == "mlp" else "convs"][0]["w"]
    key = jax.random.split(jax.random.key(0), len(cfg.widths) + 1)[1]
    expected = jax.nn.initializers.he_normal()(key, w.shape)
    np.testing.assert_allclose(w, expected, rtol=1e-5, atol=1e-7)


@both
def test_gradients_of_single_examples_add_up(name: str) -> None:
    model, cfg = MODELS[name], MODELS[name].Config(widths=(8, 4))
    params = model.init(KEY, cfg)
    single = jit(vmap(grad(lambda p, x, y: model.loss(p, x[None], y[None], cfg)), (None, 0, 0)))
    means = tree.map(lambda g: g.mean(0), single(params, X, Y))
    whole = grad(model.loss)(params, X, Y, cfg)
    tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), means, whole)


@both
def test_training_drops_at_random_and_testing_does_not(name: str) -> None:
    model, cfg = MODELS[name], MODELS[name].Config()
    params = model.init(KEY, cfg)
    one, two = (model.loss(params, X, Y, cfg, train=True, key=random.key(k)) for k in (1, 2))
    assert one != two
    assert model.loss(params, X, Y, cfg, key=KEY) == model.loss(params, X, Y, cfg)
    with pytest.raises(ValueError, match=r"(?s)dropout.*train=True, key=key"):
        model.loss(params, X, Y, cfg, train=True)


@both
def test_a_config_has_no_leaves(name: str) -> None:
    cfg = MODELS[name].Config()
    assert tree.leaves(cfg) == []
    assert cfg == MODELS[name].Config() and hash(cfg) == hash(MODELS[name].Config())
    assert jit(lambda cfg: jnp.zeros(cfg.classes))(cfg).shape == (10,)
    with pytest.raises(dataclasses.FrozenInstanceError):
        cfg.drop = 0.0


@both
def test_a_short_run_learns(name: str) -> None:
    recipe = on_digits.Recipe(epochs=3)
    run = on_digits.train_on_digits(MODELS[name], MODELS[name].Config(), recipe, DATA, seed=0)
    assert run.model == name
    assert len(run.history) == 3 * 22
    assert [row["step"] for row in run.history if "test_accuracy" in row] == [22, 44, 66]
    assert run.accuracy > 0.9
    assert run.accuracy == pytest.approx(run.history[-1]["test_accuracy"])
    assert run.history[-1]["loss"] < 0.7 < run.history[0]["loss"]
    assert 0 < run.ms_per_step < 1e3 * run.seconds


@both
def test_a_seed_decides_everything(name: str) -> None:
    cfg = MODELS[name].Config(widths=(8, 4))
    few = Split(*(Dataset(d.x[:128], d.y[:128]) for d in DATA))
    losses = [
        [row["loss"] for row in run.history]
        for run in (
            on_digits.train_on_digits(MODELS[name], cfg, on_digits.Recipe(epochs=2), few, seed)
            for seed in (0, 0, 1)
        )
    ]
    assert losses[0] == losses[1] != losses[2]


def test_a_model_runs_alone(capsys, monkeypatch) -> None:
    monkeypatch.setattr(on_digits, "Recipe", lambda: Recipe(epochs=1))
    mlp.main()
    assert capsys.readouterr().out.startswith("mlp: test accuracy ")


Recipe = on_digits.Recipe


@pytest.mark.full
@both
def test_the_accuracy_promised(name: str) -> None:
    reached = [
        on_digits.train_on_digits(MODELS[name], MODELS[name].Config(), Recipe(), DATA, s).accuracy
        for s in range(3)
    ]
    assert np.mean(reached) >= {"mlp": 0.97, "convnet": 0.985}[name]
