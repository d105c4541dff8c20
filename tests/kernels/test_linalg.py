"""Many small matrices at once give what LAPACK gives for each."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from scratchfn.backends.numpy.kernels import linalg
from scratchfn.backends.numpy.kernels.many_matrices import are_many

RNG = np.random.default_rng(0)
DTYPES = ("float32", "complex128")


def random(*shape: int, dtype: str) -> np.ndarray:
    x = RNG.normal(size=shape) + (1j * RNG.normal(size=shape) if dtype[0] == "c" else 0)
    return x.astype(dtype)


def close(x: np.ndarray, y: np.ndarray) -> None:
    assert x.dtype == y.dtype and x.shape == y.shape
    np.testing.assert_allclose(x, y, rtol=0, atol=200 * np.finfo(x.dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (3, 4), (1, 1)])
def test_elimination(shape: tuple[int, int], dtype: str) -> None:
    x = random(7, 9, *shape, dtype=dtype)
    x[0, 0] = 0  # singular ones are factored too
    x[0, 1, :, 0] = 0
    assert are_many(x) and not are_many(x[0, :1])
    many = linalg.lu(x)
    for i, j in itertools.product(range(7), range(9)):
        factors, pivots, order = linalg.lu(x[i, j])
        close(many[0][i, j], factors)
        np.testing.assert_array_equal(many[1][i, j], pivots)
        np.testing.assert_array_equal(many[2][i, j], order)


@pytest.mark.parametrize("dtype", DTYPES)
def test_substitution(dtype: str) -> None:
    a = random(40, 3, 3, dtype=dtype) + 4 * np.eye(3, dtype=dtype)
    names = ("left_side", "lower", "transpose_a", "conjugate_a", "unit_diagonal")
    for flags in itertools.product([False, True], repeat=5):
        params = dict(zip(names, flags, strict=True))
        b = random(40, 3, 2, dtype=dtype) if params["left_side"] else random(40, 2, 3, dtype=dtype)
        many = linalg.triangular_solve(a, b, **params)
        for i in range(0, 40, 13):
            close(many[i], linalg.triangular_solve(a[i], b[i], **params))


def test_singular_matrices_give_no_numbers() -> None:
    a, b = np.zeros((40, 2, 2), "f"), np.ones((40, 2, 1), "f")
    params = {"lower": False, "transpose_a": False, "conjugate_a": False, "unit_diagonal": False}
    with np.errstate(all="ignore"):
        x = linalg.triangular_solve(a, b, left_side=True, **params)
    np.testing.assert_array_equal(x[0], [[np.nan], [np.inf]])


@pytest.mark.parametrize("dtype", DTYPES)
def test_factorizations_of_many(dtype: str) -> None:
    x = random(40, 4, 3, dtype=dtype)
    a = random(40, 3, 3, dtype=dtype)
    a = a @ a.conj().swapaxes(-1, -2) + np.eye(3, dtype=dtype)
    a[1] = -a[1]
    assert are_many(x) and are_many(a)
    values = {"compute_uv": False, "full_matrices": False, "subset_by_index": None}
    for i in (0, 1, 39):
        close(linalg.cholesky(a)[i], linalg.cholesky(a[i]))
        for many, one in zip(linalg.geqrf(x), linalg.geqrf(x[i]), strict=True):
            close(many[i], one)
        many, one = (linalg.svd(y, **values, algorithm=None)[0] for y in (x, x[i]))
        close(many[i], one)
    assert np.isnan(linalg.cholesky(a)[1]).all()
