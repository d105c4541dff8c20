"""Cases of the discrete Fourier transforms: each type, over one axis and more, even and odd."""

from __future__ import annotations

from typing import Any

from tests.primitives.case import Case, Maker, integers, normal


def transform(kind: str, x: Maker, lengths: tuple[int, ...], label: str, **options: Any) -> Case:
    return Case("fft", lambda lax, x: lax.fft(x, kind, lengths), x, id=f"{kind}-{label}", **options)


def both(kind: str, dtype: str) -> list[Case]:
    """Complex to complex."""
    return [
        transform(kind, normal(6, dtype=dtype), (6,), "even"),
        transform(kind, normal(2, 5, dtype=dtype), (5,), "odd"),
        transform(kind, normal(2, 3, 4, dtype=dtype), (3, 4), "two axes"),
    ]


CASES = [
    *both("fft", "complex64"),
    *both("ifft", "complex64"),
    transform("fft", normal(2, 3, 4, dtype="complex64"), (2, 3, 4), "three axes"),
    transform("fft", normal(4), (4,), "of real numbers"),
    transform("ifft", integers(4), (4,), "of integers"),
    transform("fft", normal(3, 1, dtype="complex64"), (1,), "of one"),
    transform("fft", normal(3, 0, dtype="complex64"), (0,), "of nothing", order=0),
    transform("rfft", normal(6), (6,), "even"),
    transform("rfft", normal(2, 5), (5,), "odd"),
    transform("rfft", normal(2, 3, 4), (3, 4), "two axes"),
    transform("rfft", normal(3, 2, 5), (3, 2, 5), "three axes"),
    transform("rfft", normal(3, 1), (1,), "of one"),
    transform("rfft", integers(3, 4), (4,), "of integers"),
    transform("irfft", normal(4, dtype="complex64"), (6,), "even"),
    transform("irfft", normal(2, 3, dtype="complex64"), (5,), "odd"),
    transform("irfft", normal(2, 3, 3, dtype="complex64"), (3, 4), "two axes"),
    transform("irfft", normal(3, 2, 2, dtype="complex64"), (3, 2, 3), "three axes"),
    transform("irfft", normal(3, 1, dtype="complex64"), (1,), "to one"),
    transform("irfft", normal(3), (4,), "of real numbers"),
]
