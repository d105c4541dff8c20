"""A small convolutional network: twice convolve, rectify, pool; then one linear layer.

    h = pool(relu(x * K₁ + b₁))            [8, 8, 1]   -> [4, 4, 32]
    h = pool(relu(h * K₂ + b₂))            [4, 4, 32]  -> [2, 2, 64]
    logits = dropout(h) W + b              [256]       -> [10]

A kernel sees 3 by 3 pixels and is the same everywhere, so a stroke is learnt once for all places
(LeCun et al. 1998). Pooling keeps the strongest response of 2 by 2.

Run it: `python -m scratchfn.models.vision.convnet`. Read next: `models/vision/on_digits.py`.
"""

from __future__ import annotations

from typing import Any

import scratchfn.numpy as jnp
from scratchfn import nn, random
from scratchfn.models.config import config


@config
class Config:
    size: int = 8  # height and width
    channels: int = 1
    widths: tuple[int, ...] = (32, 64)
    classes: int = 10
    drop: float = 0.3


def init(key: Any, cfg: Config) -> dict[str, Any]:
    """A convolution for each width, and a linear layer to the classes."""
    he = nn.initializers.he_normal()
    k_out, *keys = random.split(key, len(cfg.widths) + 1)
    channels = (cfg.channels, *cfg.widths)
    side = cfg.size // 2 ** len(cfg.widths)
    return {
        "convs": [
            nn.conv_init(k, 3, 3, m, n, w_init=he) for k, m, n in zip(keys, channels, channels[1:])
        ],
        "out": nn.linear_init(k_out, side * side * channels[-1], cfg.classes),
    }


def apply(
    params: dict[str, Any], x: Any, cfg: Config, *, train: bool = False, key: Any = None
) -> Any:
    """Logits of each class.  x [b, h, w, c] -> [b, classes]"""
    h = x
    for layer in params["convs"]:
        h = nn.max_pool(nn.relu(nn.conv(layer, h)))  # [b, h/2, w/2, width]
    h = h.reshape(h.shape[0], -1)  # [b, h' w' width]
    h = nn.dropout(h, cfg.drop, train=train, key=key)
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
    from scratchfn.models.vision import convnet, on_digits

    on_digits.main(convnet)


if __name__ == "__main__":
    main()
