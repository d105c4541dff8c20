"""The digits: what is in them, and that the split stays what it was."""

from __future__ import annotations

import sys

import jax
import numpy as np
import pytest

from scratchfn.data import digits


def test_types_and_ranges() -> None:
    train, test = digits()
    assert train.x.shape == (1437, 8, 8, 1) and test.x.shape == (360, 8, 8, 1)
    assert train.y.shape == (1437,) and test.y.shape == (360,)
    assert train.x.dtype == np.float32 and train.y.dtype == np.int32
    x = np.asarray(train.x)
    assert x.min() == 0 and x.max() == 1
    assert np.bincount(np.asarray(test.y)).tolist() == [35, 41, 35, 43, 37, 40, 34, 32, 32, 31]


def test_the_split_is_the_documented_shuffle() -> None:
    from sklearn.datasets import load_digits

    order = np.asarray(jax.random.permutation(jax.random.key(0), 1797))
    train, test = digits()
    labels = np.concatenate([train.y, test.y])
    np.testing.assert_array_equal(labels, load_digits().target[order])


def test_without_scikit_learn(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.delitem(sys.modules, "sklearn.datasets", raising=False)
    with pytest.raises(ModuleNotFoundError, match=r'(?s)sklearn.*pip install "scratchfn\[data\]"'):
        digits()
