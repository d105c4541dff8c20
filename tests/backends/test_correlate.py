"""Convolutions in pieces, cut along any axis and divided among threads, against plain sums."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from scratchfn.backends.numpy.kernels import correlate as pieces
from scratchfn.backends.numpy.kernels.conv import Convolution, convolve

LAYOUTS = {1: [(0, 1, 2), (0, 2, 1)], 2: [(0, 1, 2, 3), (0, 3, 1, 2), (3, 0, 1, 2), (1, 2, 3, 0)]}


def dilated(x: np.ndarray, steps: tuple[int, ...]) -> np.ndarray:
    """x [n, c, *s] with holes between its elements."""
    size = [(n - 1) * d + 1 for n, d in zip(x.shape[2:], steps, strict=True)]
    out = np.zeros((*x.shape[:2], *size), x.dtype)
    out[(..., *(slice(None, None, d) for d in steps))] = x
    return out


def plain(x: np.ndarray, w: np.ndarray, c: Convolution) -> np.ndarray:
    """[n, f, *p] by the definition, without groups."""
    x, w = dilated(x, c.lhs_dilation), dilated(w, c.rhs_dilation)
    x = np.pad(x, [(0, 0), (0, 0), *((max(a, 0), max(b, 0)) for a, b in c.padding)])
    cropped = (
        slice(max(-a, 0), n - max(-b, 0))
        for (a, b), n in zip(c.padding, x.shape[2:], strict=True)
    )  # fmt: skip
    x = x[(..., *cropped)]
    axes = list(zip(x.shape[2:], w.shape[2:], c.window_strides, strict=True))
    places = [(n - k) // s + 1 for n, k, s in axes]
    out = np.zeros((x.shape[0], w.shape[0], *places))
    for place in itertools.product(*map(range, places)):
        window = (slice(p * s, p * s + k) for p, (_, k, s) in zip(place, axes, strict=True))
        summed = range(1, x.ndim)
        out[(..., *place)] = np.tensordot(x[(..., *window)], w, (summed, summed))
    return out


@pytest.fixture(params=["whole", "pieces", "threads"])
def limits(request, monkeypatch):
    if request.param != "whole":
        monkeypatch.setattr(pieces, "PATCHES", 300)
        monkeypatch.setattr(pieces, "SMALL", 200)
        monkeypatch.setattr(pieces, "THIN_ROWS", 2)
        monkeypatch.setattr(pieces, "THIN_TERMS", 2)
    if request.param == "threads":
        monkeypatch.setattr(pieces, "DIVIDED", 0)
        monkeypatch.setattr(pieces, "usable_threads", lambda: 3)


def drawn(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, Convolution]:
    """Operands of integers, and a convolution of them."""
    rank = int(rng.integers(1, 3))

    def some(low: int, high: int) -> tuple[int, ...]:
        return tuple(int(i) for i in rng.integers(low, high, rank))

    n, c, f = (int(i) for i in rng.integers(1, 7, 3))
    space, taps = some(4, 9), some(1, 5)
    specs = [LAYOUTS[rank][rng.integers(len(LAYOUTS[rank]))] for _ in range(3)]
    holes = some(1, 3) if rng.integers(2) else (1,) * rank
    strides = some(1, 3) if rng.integers(2) else (1,) * rank
    padding = tuple((int(a), int(b)) for a, b in rng.integers(-1, 4, (rank, 2)))
    x = rng.integers(-4, 5, (n, c, *space)).transpose(np.argsort(specs[0]))
    w = rng.integers(-4, 5, (f, c, *taps)).transpose(np.argsort(specs[1]))
    return x, w, Convolution(strides, padding, holes, some(1, 3), tuple(specs), 1, 1)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
def test_any_layout_padding_stride_and_dilation(limits, dtype):
    rng = np.random.default_rng(0)
    tried = 0
    for _ in range(60):
        x, w, convolution = drawn(rng)
        lhs, rhs = np.ascontiguousarray(x, dtype), np.ascontiguousarray(w, dtype)
        shape = convolution.shape(lhs.shape, rhs.shape)
        if 0 in shape:
            continue
        tried += 1
        out = np.full(shape, 99, dtype)
        convolve(lhs, rhs, out, convolution)
        lhs_spec, rhs_spec, out_spec = convolution.dimension_numbers
        expected = plain(x.transpose(lhs_spec), w.transpose(rhs_spec), convolution)
        np.testing.assert_array_equal(out.transpose(out_spec), expected)
    assert tried > 30


def test_the_gradient_of_a_kernel_by_the_lighter_way():
    """x slides over w where w has fewer features than x has examples."""
    rng = np.random.default_rng(0)
    x = rng.integers(-4, 5, (6, 3, 4, 5)).astype(np.float32)  # [n, c, *s]
    w = rng.integers(-4, 5, (2, 3, 9, 10)).astype(np.float32)  # [f, c, *k]
    same = tuple(range(4))
    for holes, padding in (((2, 2), ((2, 3), (1, 1))), ((1, 1), ((7, 6), (8, 9)))):
        convolution = Convolution((1, 1), padding, holes, (1, 1), (same,) * 3, 1, 1)
        out = np.full(convolution.shape(x.shape, w.shape), np.nan, np.float32)
        convolve(x, w, out, convolution)
        np.testing.assert_array_equal(out, plain(x, w, convolution))


def test_several_threads_at_once(monkeypatch):
    monkeypatch.setattr(pieces, "PATCHES", 1 << 14)
    monkeypatch.setattr(pieces, "DIVIDED", 1 << 10)
    rng = np.random.default_rng(0)
    specs = ((0, 3, 1, 2), (3, 2, 0, 1), (0, 3, 1, 2))
    convolution = Convolution((1, 1), ((1, 1), (1, 1)), (1, 1), (1, 1), specs, 1, 1)
    w = rng.integers(-4, 5, (3, 3, 8, 16)).astype(np.float32)
    images = [rng.integers(-4, 5, (6, 12 + i, 12, 8)).astype(np.float32) for i in range(6)]
    expected = [plain(x.transpose(specs[0]), w.transpose(specs[1]), convolution) for x in images]

    def run(x: np.ndarray) -> np.ndarray:
        out = np.empty(convolution.shape(x.shape, w.shape), np.float32)
        for _ in range(5):
            convolve(x, w, out, convolution)
        return out.transpose(specs[2])

    with ThreadPoolExecutor(3) as threads:
        for got, want in zip(threads.map(run, images), expected, strict=True):
            np.testing.assert_array_equal(got, want)
