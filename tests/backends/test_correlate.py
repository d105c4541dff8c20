"""Convolutions in pieces, cut along any axis and divided among threads, against plain sums."""

from __future__ import annotations

import itertools

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
    big = [(0, 0), (0, 0), *((max(a, 0), max(b, 0)) for a, b in c.padding)]
    x = np.pad(x, big)
    for axis, (low, high) in enumerate(c.padding, 2):
        x = np.moveaxis(
            np.moveaxis(x, axis, 0)[max(-low, 0) : len(np.moveaxis(x, axis, 0)) - max(-high, 0)],
            0,
            axis,
        )
    places = [
        (n - k) // s + 1 for n, k, s in zip(x.shape[2:], w.shape[2:], c.window_strides, strict=True)
    ]
    out = np.zeros((x.shape[0], w.shape[0], *places))
    for place in itertools.product(*map(range, places)):
        window = tuple(
            slice(p * s, p * s + k)
            for p, s, k in zip(place, c.window_strides, w.shape[2:], strict=True)
        )
        seen = x[(..., *window)]
        out[(..., *place)] = np.tensordot(seen, w, (range(1, x.ndim), range(1, x.ndim)))
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
