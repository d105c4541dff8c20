"""A multi-layer perceptron for images: linear layers with a nonlinearity between.

    h₀ = x as a vector
    hᵢ = dropout(relu(hᵢ₋₁ Wᵢ + bᵢ))
    logits = h W + b,      p(y | x) = softmax(logits)_y,      loss = mean of -log p(y | x)

Run it: `python -m scratchfn.models.vision.mlp`. Read next: `models/vision/convnet.py`.
"""

from __future__ import annotations

from typing import Any

import scratchfn.numpy as jnp
from scratchfn import nn, random
from scratchfn.models.config import config


@config
class Config:
    pixels: int = 8 * 8
    widths: tuple[int, ...] = (128, 64)
    classes: int = 10
    drop: float = 0.2


def init(key: Any, cfg: Config) -> dict[str, Any]:
    """A linear layer for each width, and one to the classes."""
    he = nn.initializers.he_normal()  # keeps the variance through relu
    k_out, *keys = random.split(key, len(cfg.widths) + 1)
    sizes = (cfg.pixels, *cfg.widths)
    return {
        "hidden": [nn.linear_init(k, m, n, w_init=he) for k, m, n in zip(keys, sizes, sizes[1:])],
        "out": nn.linear_init(k_out, sizes[-1], cfg.classes),
    }


def apply(
    params: dict[str, Any], x: Any, cfg: Config, *, train: bool = False, key: Any = None
) -> Any:
    """Logits of each class.  x [b, h, w, c] -> [b, classes]"""
    keys = [None] * len(cfg.widths) if key is None else random.split(key, len(cfg.widths))
    h = x.reshape(x.shape[0], -1)  # [b, pixels]
    for layer, k in zip(params["hidden"], keys):
        h = nn.relu(nn.linear(layer, h))  # [b, width]
        h = nn.dropout(h, cfg.drop, train=train, key=k)
    return nn.linear(params["out"], h)  # [b, classes]


def loss(
    params: dict[str, Any],
    x: Any,
    y: Any,
    cfg: Config,
    *,
    train: bool = False,
    key: Any = None,
) -> Any:
    """Mean cross entropy of the labels y [b], a scalar."""
    logits = apply(params, x, cfg, train=train, key=key)
    return jnp.mean(nn.softmax_cross_entropy(logits, y))


def accuracy(params: dict[str, Any], x: Any, y: Any, cfg: Config) -> Any:
    """The fraction of images whose most likely class is their label, a scalar."""
    return jnp.mean(apply(params, x, cfg).argmax(-1) == y)


def main() -> None:
    """Trains on the digits and prints the test accuracy."""
    from scratchfn.models.vision import mlp, on_digits

    on_digits.main(mlp)


if __name__ == "__main__":
    main()
