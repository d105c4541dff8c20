"""scikit-learn's digits: 1,797 handwritten digits of 8 by 8 pixels, bundled with that library.

The first 1,437 of a fixed shuffle are for training and the other 360 for testing. The shuffle is
`random.permutation(random.key(0), 1797)`, the same on every machine, backend and version of NumPy.

Read next: `data/batches.py`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import scratchfn.numpy as jnp
from scratchfn import random
from scratchfn.errors import explain

TRAIN, TEST, CLASSES = 1437, 360, 10
SPLIT_SEED = 0


class Dataset(NamedTuple):
    """Images f32[n,8,8,1] with pixels in [0, 1], and labels i32[n]."""

    x: Any
    y: Any


class Split(NamedTuple):
    train: Dataset
    test: Dataset


def digits() -> Split:
    """The digits, split into 1,437 for training and 360 for testing.

    Raises:
      ModuleNotFoundError: scikit-learn is not installed.
    """
    images, labels = _bundled()
    order = np.asarray(random.permutation(random.key(SPLIT_SEED), TRAIN + TEST))
    x = images[order].reshape(-1, 8, 8, 1).astype(np.float32) / 16  # grey levels are 0, 1, ... 16
    y = labels[order].astype(np.int32)
    return Split(
        train=Dataset(jnp.asarray(x[:TRAIN]), jnp.asarray(y[:TRAIN])),
        test=Dataset(jnp.asarray(x[TRAIN:]), jnp.asarray(y[TRAIN:])),
    )


def _bundled() -> tuple[np.ndarray, np.ndarray]:
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            explain(
                "the digits data set",
                f"no module named {error.name!r}",
                "the images are a file of scikit-learn's, and nothing is downloaded here",
                'pip install "scratchfn[data]"',
            ),
            name=error.name,
        ) from None
    bunch = load_digits()
    return bunch.images, bunch.target


__all__ = ["CLASSES", "TEST", "TRAIN", "Dataset", "Split", "digits"]
