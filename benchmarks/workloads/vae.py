"""A variational autoencoder (Kingma & Welling 2014), transposed convolutions, 28x28x1, batch 64.

The encoder halves the image twice, the decoder doubles it twice; 16 latent numbers; Adam.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workloads import Draw, Workload

LATENT, BATCH = 16, 64


def loss(lib: Any, params: Any, held: Any, batch: Any) -> Any:
    x = batch["x"]  # [b, 28, 28, 1]
    h = lib.relu(lib.conv(x, params["k0"], 2) + params["c0"])  # [b, 14, 14, 16]
    h = lib.relu(lib.conv(h, params["k1"], 2) + params["c1"])  # [b, 7, 7, 32]
    code = h.reshape(x.shape[0], -1) @ params["encode"] + params["encode_b"]
    mean, log_var = code[:, :LATENT], code[:, LATENT:]
    z = mean + lib.exp(0.5 * log_var) * batch["noise"]
    h = lib.relu(z @ params["decode"] + params["decode_b"]).reshape(-1, 7, 7, 32)
    h = lib.relu(lib.conv_transpose(h, params["t0"]) + params["d0"])  # [b, 14, 14, 16]
    logits = lib.conv_transpose(h, params["t1"]) + params["d1"]  # [b, 28, 28, 1]
    reconstruction = lib.sum(lib.softplus(logits) - x * logits, (1, 2, 3))
    divergence = 0.5 * lib.sum(lib.exp(log_var) + mean * mean - 1.0 - log_var, 1)
    return lib.mean(reconstruction + divergence)


def workload() -> Workload:
    draw = Draw()

    def zeros(n: int) -> np.ndarray:
        return np.zeros(n, np.float32)

    params = {
        "k0": draw.weights(3, 3, 1, 16), "c0": zeros(16),
        "k1": draw.weights(3, 3, 16, 32), "c1": zeros(32),
        "encode": draw.weights(7 * 7 * 32, 2 * LATENT) * np.float32(0.1),
        "encode_b": zeros(2 * LATENT),
        "decode": draw.weights(LATENT, 7 * 7 * 32), "decode_b": zeros(7 * 7 * 32),
        "t0": draw.weights(4, 4, 32, 16), "d0": zeros(16),
        "t1": draw.weights(4, 4, 16, 1), "d1": zeros(1),
    }  # fmt: skip
    batch = {
        "x": draw.rng.random((BATCH, 28, 28, 1), np.float32),
        "noise": draw.normal(BATCH, LATENT),
    }
    return Workload("VAE 28x28 b64", params, batch, loss, 1e-3, adam=True)
