"""Running reductions go along their axis one element after another, or for many places together:
either way results are NumPy's to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from scratchfn.backends.numpy.kernels import cumulative

SHAPES = (
    ((9, 130), 0),
    ((520, 5), 1),
    ((3, 7, 200), 1),
    ((600, 1), 1),
    ((1, 600), 0),
    ((0, 300), 0),
)


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "int32", "bfloat16"])
def test_accumulate(shape: tuple[int, ...], axis: int, reverse: bool, dtype: str) -> None:
    import ml_dtypes

    rng = np.random.default_rng(0)
    x = rng.normal(size=shape) * 3
    x = x.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    got = cumulative.cumsum(x, axis=axis, reverse=reverse)
    wide = x.astype(np.float32) if dtype == "bfloat16" else x
    want = np.add.accumulate(np.flip(wide, axis) if reverse else wide, axis, wide.dtype)
    want = (np.flip(want, axis) if reverse else want).astype(x.dtype)
    assert got.dtype == x.dtype
    np.testing.assert_array_equal(got.astype(np.float64), want.astype(np.float64))


def test_maxima_keep_nan() -> None:
    x = np.zeros((4, 200), np.float32)
    x[1, 3] = np.nan
    got = cumulative.cummax(x, axis=0, reverse=False)
    assert np.isnan(got[:, 3]).tolist() == [False, True, True, True]
