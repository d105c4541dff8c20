"""Pictures are written, and show what they are given."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.image import imread

from scratchfn.viz import plot_curves, plot_mistakes

HISTORY = [{"step": i, "loss": 1 / i} for i in range(1, 30)]
HISTORY[-1]["test_accuracy"] = 0.9
LABELS = np.arange(20) % 10
IMAGES = np.linspace(0, 1, 20 * 64).reshape(20, 8, 8, 1)


def a_run(model: str, seed: int = 0, wrong: int = 3):
    predictions = LABELS.copy()
    predictions[:wrong] = (predictions[:wrong] + 1) % 10
    return SimpleNamespace(
        model=model, seed=seed, history=HISTORY, accuracy=0.9, predictions=predictions
    )


def is_drawn(path) -> bool:
    pixels = imread(path)[..., :3]
    return min(pixels.shape[:2]) > 100 and pixels.std() > 0.01


def test_curves(tmp_path) -> None:
    path = plot_curves([a_run("mlp"), a_run("mlp", 1), a_run("convnet")], tmp_path / "a" / "c.png")
    assert is_drawn(path)


@pytest.mark.parametrize("wrong", [0, 3, 20])
def test_mistakes(tmp_path, wrong: int) -> None:
    runs = [a_run("mlp", wrong=wrong), a_run("convnet")]
    assert is_drawn(plot_mistakes(runs, IMAGES, LABELS, tmp_path / "m.png"))
    assert is_drawn(plot_mistakes(runs[:1], IMAGES, LABELS, tmp_path / "one.png"))
