"""Does the installed wheel work with its run-time dependencies alone, on the NumPy backend?

Run by `.ci/run` from an empty folder, in an environment where jax is not installed.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import grad, jit, random, tree, value_and_grad, vmap

LOADED_BY_IMPORT = set(sys.modules)


def check_import() -> None:
    """It is the wheel, and importing it loads neither jax nor the plotting library."""
    assert Path(sys.prefix) in Path(sf.__file__).parents, sf.__file__
    assert importlib.util.find_spec("jax") is None
    assert not LOADED_BY_IMPORT & {"jax", "jaxlib", "matplotlib"}


def check_transforms() -> None:
    """jit, vmap and grad compose: d/dx (x sin x) = sin x + x cos x."""
    x = np.linspace(-3, 3, 7, dtype=np.float32)
    dy = jit(vmap(grad(lambda x: jnp.sin(x) * x)))(x)
    np.testing.assert_allclose(dy, np.sin(x) + x * np.cos(x), rtol=1e-5, atol=1e-6)


def check_training() -> None:
    """Gradient descent on a small network lowers its loss."""

    def init(key, sizes):
        keys = random.split(key, len(sizes) - 1)
        return [
            {"w": random.normal(k, (n, m)) / n**0.5, "b": jnp.zeros(m)}
            for k, (n, m) in zip(keys, pairwise(sizes))
        ]

    def loss(params, x, y):
        *hidden, last = params
        for layer in hidden:
            x = jnp.tanh(x @ layer["w"] + layer["b"])  # [b, h]
        return jnp.mean((x @ last["w"] + last["b"] - y) ** 2)

    @jit
    def step(params, x, y):
        value, grads = value_and_grad(loss)(params, x, y)
        return tree.map(lambda p, g: p - 0.1 * g, params, grads), value

    x = random.normal(random.key(0), (32, 2))
    y = x[:, :1] * x[:, 1:]
    params = init(random.key(1), (2, 16, 1))
    losses = []
    for _ in range(20):
        params, value = step(params, x, y)
        losses.append(float(value))
    assert np.isfinite(losses).all() and losses[-1] < losses[0], losses


def check_command() -> None:
    """The console script is there and speaks."""
    script = Path(sys.executable).with_name("scratchfn")
    help_text = subprocess.run([script, "--help"], check=True, capture_output=True, text=True)
    assert "train" in help_text.stdout


def main() -> None:
    for check in (check_import, check_transforms, check_training, check_command):
        check()
        print(f"{check.__name__}: ok")


if __name__ == "__main__":
    main()
