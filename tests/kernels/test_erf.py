"""erf of many float32 against SciPy's in float64."""

from __future__ import annotations

import numpy as np
import scipy.special

from scratchfn.backends.numpy.kernels.erf import SMALL, erf
from scratchfn.core.quiet import quietly


def test_two_units_in_the_last_place() -> None:
    x = np.concatenate([np.linspace(-5, 5, 200_001), np.geomspace(1e-37, 1, 2000)])
    x = x.astype(np.float32)
    want = scipy.special.erf(x.astype(np.float64))
    got = erf(x, np.empty_like(x))
    unit = np.spacing(np.abs(want).astype(np.float32)).astype(np.float64)
    assert (np.abs(got - want) / unit).max() <= 2
    assert np.abs(got).max() == 1


def test_special_values() -> None:
    x = np.resize(np.array([0.0, -0.0, np.inf, -np.inf, np.nan], np.float32), 2 * SMALL)
    got = quietly(erf, x, np.empty_like(x))
    np.testing.assert_array_equal(got, scipy.special.erf(x))
    assert np.signbit(got[:2]).tolist() == [False, True]
