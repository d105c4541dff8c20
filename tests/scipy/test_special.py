"""scipy.special against JAX's: values, types and derivatives, in float32 and float64; and against
SciPy's own in float64, which is nearer to the truth than JAX in places.

A difference is counted in ulps of the greater of the number and 1. The default of 8 is what sums
and exponentials of a few rounded terms leave; where more is allowed, the reason is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.scipy.special as theirs
import numpy as np
import pytest
import scipy.special

import scratchfn as sf
import scratchfn.numpy as jnp
import scratchfn.scipy.special as ours

REAL = [-7.5, -2.25, -1.0, -0.4, -1e-3, 0.3, 0.9, 1.7, 3.2, 5.5, 12.0, 40.0]
POSITIVE = [1e-5, 0.02, 0.3, 0.9, 1.0, 1.5, 2.7, 4.4, 9.0, 23.0, 55.0]
BESIDE = [0.7, 1e-3, 3.3, 0.2, 5.0, 1.25, 0.6, 19.0, 2.2, 0.05, 31.0]
UNIT = [1e-6, 0.01, 0.2, 0.45, 0.5, 0.62, 0.8, 0.97, 0.999, 0.1, 0.33]
GAMMA = [-4.3, -1.5, -0.2, 0.1, 0.5, 1.0, 2.0, 3.7, 6.5, 14.0, 27.5]

# name -> (arguments, ulps from JAX, ulps from SciPy)
CASES: dict[str, tuple[list[list[float]], float, float]] = {
    "beta": ([POSITIVE[2:], BESIDE[2:]], 200, 200),  # JAX subtracts large logarithms
    "betainc": ([POSITIVE, BESIDE, UNIT], 200, 100),  # JAX's continued fraction ends early
    "betaln": ([POSITIVE, BESIDE], 50, 16),
    "boxcox": ([POSITIVE, REAL[:-1]], 40, 40),  # a power of 3: three times the logarithm's error
    "boxcox1p": ([POSITIVE, REAL[:-1]], 40, 40),
    "comb": ([[5, 6, 9, 20.5, 7], [2, 6, 1, 3.5, 0]], 100, 20),
    "dawsn": ([REAL], 8, 8),
    "digamma": ([GAMMA], 30, 30),
    "entr": ([POSITIVE], 8, 8),
    "erf": ([REAL], 8, 8),
    "erfc": ([REAL], 8, 8),
    "erfcx": ([[-2.5, *REAL[2:]]], 16, 16),
    "erfinv": ([UNIT], 16, 16),
    "exp1": ([POSITIVE], 16, 8),
    "expi": ([[*REAL[:-1], 0.372, 25.0]], 60, 16),
    "expit": ([REAL], 8, 8),
    "factorial": ([[0, 1, 2.5, 5, 12]], 60, 60),  # exp of a logarithm of 20
    "gamma": ([GAMMA], 200, 200),  # exp of a logarithm of 60
    "gammainc": ([POSITIVE, BESIDE], 60, 60),
    "gammaincc": ([POSITIVE, BESIDE], 60, 60),
    "gammaln": ([GAMMA], 16, 16),
    "gammasgn": ([GAMMA], 0, 0),
    "i0": ([REAL[:-1]], 60, 60),  # exp of 12
    "i0e": ([REAL], 8, 8),
    "i1": ([REAL[:-1]], 60, 60),
    "i1e": ([REAL], 8, 8),
    "kl_div": ([POSITIVE, BESIDE], 16, 16),
    "loggamma": ([GAMMA[3:]], 16, 16),
    "logit": ([UNIT], 8, 8),
    "owens_t": ([[-2.1, -0.3, 0.0, 0.4, 1.1, 3.0], [0.5, -1.7, 0.8, 30.0, 1.0, 0.2]], 8, 8),
    "ndtr": ([REAL], 8, 8),
    "ndtri": ([UNIT], 16, 8),
    "poch": ([BESIDE[:7], GAMMA[3:10]], 400, 60),
    "rel_entr": ([POSITIVE, BESIDE], 16, 16),
    "spence": ([[0.0, 1e-3, *POSITIVE]], 16, 16),
    "xlog1py": ([REAL[:-1], BESIDE], 8, 8),
    "xlogy": ([REAL[:-1], BESIDE], 8, 8),
    "zeta": ([[1.2, 2.0, 3.5, 9.0], [0.4, 1.0, 7.0, 2.5]], 16, 16),
}
PAIRS = ["fresnel", "sici"]
# Where JAX has no derivative, or one that is wrong: its spence at 2, its digamma's series.
NO_DERIVATIVE = {"betainc": (2,), "gammasgn": (), "spence": (), "comb": ()}


def ulps(got: Any, want: Any, limit: float) -> None:
    """Raises AssertionError unless the numbers are within `limit` ulps."""
    got, want = np.asarray(got), np.asarray(want)
    eps = float(jnp.finfo(got.dtype).eps)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    scale = np.maximum(np.abs(want).astype(np.float64), 1)
    error = np.abs(got.astype(np.float64) - want.astype(np.float64)) / scale / eps
    error = np.where(got == want, 0, error)  # infinities
    assert np.nanmax(error, initial=0) <= limit, (np.nanmax(error), got, want)


def arguments(name: str, dtype: str) -> list[np.ndarray]:
    return [np.asarray(xs, dtype) for xs in CASES[name][0]]


def with_derivatives(
    library: Any, f: Callable[..., Any], wrt: tuple[int, ...]
) -> Callable[..., Any]:
    """f and its derivatives in some arguments, element by element."""
    total = lambda *xs: f(*xs).sum()  # noqa: E731
    if not wrt:
        return lambda *xs: (f(*xs), ())
    return lambda *xs: (f(*xs), library.grad(total, wrt)(*xs))


def agree_with_jax(name: str, width: str) -> None:
    xs = arguments(name, width)
    wrt = NO_DERIVATIVE.get(name, tuple(range(len(xs))))
    limit = CASES[name][1]
    with sf.enable_x64(width == "float64"), jax.enable_x64(width == "float64"):
        f = with_derivatives(sf, getattr(ours, name), wrt)
        value, slopes = f(*map(jnp.asarray, xs))
        expected, expected_slopes = jax.jit(with_derivatives(jax, getattr(theirs, name), wrt))(*xs)
        assert value.dtype == width and not value.weak_type
        ulps(value, expected, limit)
        for slope, want in zip(slopes, expected_slopes, strict=True):
            ulps(slope, want, 8 * limit)


@pytest.mark.parametrize("name", CASES)
def test_against_jax(name: str) -> None:
    agree_with_jax(name, "float32")


@pytest.mark.full  # JAX takes a minute to compile these
@pytest.mark.parametrize("name", [n for n in CASES if n not in ("beta", "betaln")])
def test_against_jax_in_64_bits(name: str) -> None:
    """JAX's betaln of float64 has the accuracy of float32 alone."""
    agree_with_jax(name, "float64")


@pytest.mark.parametrize("name", CASES)
def test_against_scipy(name: str) -> None:
    xs = arguments(name, "float64")
    expected = getattr(scipy.special, name)(*xs)
    with sf.enable_x64(True):
        f = getattr(ours, name)
        value = f(*xs)
        ulps(value, expected, CASES[name][2])
        ulps(sf.jit(f)(*xs), value, 4)
        ulps(sf.vmap(f)(*xs), value, 0)
