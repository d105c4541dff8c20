"""Pooling and its gradient in parts, on several threads, against loops over the windows."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from scratchfn.backends.numpy.kernels import window as kernels
from scratchfn.backends.numpy.kernels.selection import select_and_scatter_add


@pytest.fixture(params=["whole", "parts", "threads"])
def limits(request, monkeypatch):
    if request.param != "whole":
        monkeypatch.setattr(kernels, "PART", 100)
    if request.param == "threads":
        monkeypatch.setattr(kernels, "DIVIDED", 0)
        monkeypatch.setattr(kernels, "usable_threads", lambda: 3)


GEOMETRIES = [
    ((1, 2, 2, 1), (1, 2, 2, 1), ((0, 0),) * 4),
    ((1, 3, 2, 1), (1, 2, 1, 1), ((0, 0),) * 4),
    ((1, 3, 3, 1), (1, 2, 2, 1), ((0, 0), (1, 1), (0, 1), (0, 0))),
    ((1, 1, 2, 3), (1, 2, 3, 2), ((0, 0),) * 4),
    ((2, 1, 2, 1), (2, 1, 2, 1), ((0, 0),) * 4),
]


def windows(x: np.ndarray, sizes, strides):
    """The place of each window, and the index of what it sees."""
    places = [(n - k) // s + 1 for n, k, s in zip(x.shape, sizes, strides, strict=True)]
    for place in itertools.product(*map(range, places)):
        corner = [p * s for p, s in zip(place, strides, strict=True)]
        yield place, tuple(slice(c, c + k) for c, k in zip(corner, sizes, strict=True))


def images(special: bool) -> np.ndarray:
    """Many ties; with infinities and nans."""
    rng = np.random.default_rng(0)
    x = rng.integers(-2, 3, (5, 7, 6, 4)).astype(np.float32)
    if special:
        for value in (np.inf, -np.inf, np.nan):
            x[rng.random(x.shape) < 0.05] = value
    return x


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize("special", [False, True])
@pytest.mark.parametrize("kind", ["max", "min", "sum"])
def test_pooling(limits, geometry, special, kind):
    sizes, strides, padding = geometry
    x = images(special)
    ones = (1,) * x.ndim
    got = getattr(kernels, f"reduce_window_{kind}")(
        x, window_dimensions=sizes, window_strides=strides, padding=padding, base_dilation=ones,
        window_dilation=ones,
    )  # fmt: skip
    start = {"max": -np.inf, "min": np.inf, "sum": 0}[kind]
    padded = np.pad(x, padding, constant_values=start)
    expected = np.zeros(got.shape, np.float32)
    with np.errstate(invalid="ignore"):
        for place, seen in windows(padded, sizes, strides):
            expected[place] = getattr(np, kind)(padded[seen])
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
@pytest.mark.parametrize("special", [False, True])
@pytest.mark.parametrize("compare", ["ge", "le"])
def test_the_first_of_the_largest_is_given_the_gradient(limits, geometry, special, compare):
    sizes, strides, padding = geometry
    x = images(special)
    padded = np.pad(x, padding, constant_values=-np.inf if compare == "ge" else np.inf)
    expected = np.zeros(padded.shape, np.float32)
    found = dict(windows(padded, sizes, strides))
    source = np.random.default_rng(1).integers(1, 9, 1 + np.array(list(found)[-1]))
    for place, seen in found.items():
        numbers, best = padded[seen].ravel(), 0
        for i, number in enumerate(numbers):
            keeps = numbers[best] >= number if compare == "ge" else numbers[best] <= number
            best = best if keeps else i
        window = expected[seen]
        window[np.unravel_index(best, window.shape)] += source[place]
    inside = tuple(slice(a, n - b) for (a, b), n in zip(padding, padded.shape, strict=True))
    got = select_and_scatter_add(
        source.astype(np.float32), x, select_prim=SimpleNamespace(name=compare),
        window_dimensions=sizes, window_strides=strides, padding=padding,
    )  # fmt: skip
    np.testing.assert_array_equal(got, expected[inside])
