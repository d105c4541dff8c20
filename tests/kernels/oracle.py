"""What the tests of contractions, convolutions and windows share: arrays, and how near is equal."""

import ml_dtypes
import numpy as np


def draw(shape: tuple[int, ...], dtype: np.dtype, seed: int) -> np.ndarray:
    """Normal numbers, small integers, or booleans."""
    rng = np.random.default_rng(seed)
    if dtype.kind == "b":
        values = rng.random(shape) < 0.4
    elif is_exact(dtype):
        unsigned = dtype.kind == "u" or dtype == ml_dtypes.uint4
        values = rng.integers(0 if unsigned else -7, 8, shape)
    else:
        values = rng.normal(size=shape)
        if dtype.kind == "c":
            values = values + 1j * rng.normal(size=shape)
    return np.asarray(values).astype(dtype)


def assert_close(got: np.ndarray, want: np.ndarray, terms: int) -> None:
    """Equal up to the rounding of a sum of `terms` products of numbers around one, in any order."""
    assert isinstance(got, np.ndarray)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    if is_exact(want.dtype):
        np.testing.assert_array_equal(got, want)
        return
    eps = float(ml_dtypes.finfo(want.dtype).eps)
    summed_eps = min(eps, float(np.finfo(np.float32).eps))  # short floats are summed in float32
    if want.dtype.kind == "c":
        terms *= 4  # real products in a complex one
    wide = np.complex128 if want.dtype.kind == "c" else np.float64
    tolerance = (8 + terms) * summed_eps  # each addition rounds a partial sum
    np.testing.assert_allclose(got.astype(wide), want.astype(wide), rtol=2 * eps, atol=tolerance)


def is_exact(dtype: np.dtype) -> bool:
    return dtype.kind in "biu" or dtype in (ml_dtypes.int4, ml_dtypes.uint4)
