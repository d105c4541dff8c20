"""Losses of one batch, an element for each example.

Read next: `models/vision/mlp.py`, where one is averaged and differentiated.
"""

from __future__ import annotations

from typing import Any

import scratchfn.numpy as jnp
from scratchfn.core import dtypes
from scratchfn.errors import explain
from scratchfn.nn.softmax import log_softmax
from scratchfn.numpy.promotion import operand


def softmax_cross_entropy(logits: Any, labels: Any) -> Any:
    """-log softmax(logits)[label], how surprised the model is by the right answer.

    Args:
      logits: f32[..., classes].
      labels: integers in [0, classes), i32[...].

    Raises:
      TypeError: labels that are not integers.
      ValueError: labels whose shape is not that of the logits without the classes.
    """
    logits = operand("softmax_cross_entropy", logits)
    labels = operand("softmax_cross_entropy", labels, 1)
    asked, found = "nn.softmax_cross_entropy", f"logits {logits.aval}, labels {labels.aval}"
    if dtypes.kind(labels.dtype) not in "iu":
        raise TypeError(
            explain(
                asked,
                found,
                "a label is the index of a class",
                "labels.argmax(-1) for one-hot labels, or labels.astype(jnp.int32)",
            )
        )
    if labels.shape != logits.shape[:-1]:
        raise ValueError(
            explain(
                asked,
                found,
                "every row of logits has one label, and the classes are the last axis",
                f"labels of shape {logits.shape[:-1]}",
            )
        )
    log_p = log_softmax(logits)  # [..., classes]
    return -jnp.take_along_axis(log_p, labels[..., None], axis=-1)[..., 0]  # [...]


__all__ = ["softmax_cross_entropy"]
