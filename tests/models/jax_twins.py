"""The two digit models, written for JAX and apart from ours: only the params' layout is shared."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax


def mlp(params, x):
    h = x.reshape(len(x), -1)
    for layer in params["hidden"]:
        h = jax.nn.relu(h @ layer["w"] + layer["b"])
    return h @ params["out"]["w"] + params["out"]["b"]


def convnet(params, x):
    for layer in params["convs"]:
        dims = ("NHWC", "HWIO", "NHWC")
        x = lax.conv_general_dilated(x, layer["w"], (1, 1), "SAME", dimension_numbers=dims)
        x = jax.nn.relu(x + layer["b"])
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return x.reshape(len(x), -1) @ params["out"]["w"] + params["out"]["b"]


def loss_of(apply):
    def loss(params, x, y):
        return -jnp.mean(jax.nn.log_softmax(apply(params, x))[jnp.arange(len(y)), y])

    return loss


APPLY = {"mlp": mlp, "convnet": convnet}
