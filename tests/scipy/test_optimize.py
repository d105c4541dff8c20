"""scipy.optimize.minimize: minima that are known, what stops it, and what it refuses."""

from __future__ import annotations

from typing import Any

import jax.scipy.optimize
import numpy as np
import pytest
import scipy.optimize

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn.scipy.optimize import OptimizeResults, minimize

LITTLE_MEMORY = "l-bfgs-experimental-do-not-rely-on-this"
METHODS = ["BFGS", LITTLE_MEMORY]
START = np.array([-1.2, 1.0, 1.0])


def rosenbrock(x: Any) -> Any:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def himmelblau(x: Any) -> Any:
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def quadratic(x: Any) -> Any:
    return (jnp.arange(1, 6, dtype=x.dtype) * (x - 0.5) ** 2).sum() / 2


def least_values(x: Any) -> Any:
    """Matyas's valley, x of [2]."""
    return 0.26 * (x**2).sum() - 0.48 * x[0] * x[1]


PROBLEMS = [
    (rosenbrock, START, [1, 1, 1]),
    (rosenbrock, np.full(8, -1.2), None),
    (himmelblau, np.array([1.0, 1.0]), [3, 2]),
    (quadratic, np.zeros(5), [0.5] * 5),
    (least_values, np.array([4.0, -3.0]), [0, 0]),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("f", "x0", "minimum"), PROBLEMS)
def test_minima(f: Any, x0: np.ndarray, minimum: list[float] | None, method: str) -> None:
    """In float64 to the tolerance; and as few evaluations as SciPy's, within a factor of 2."""
    options = {} if method == "BFGS" else {"ftol": 0.0}
    with sf.enable_x64(True):
        found = minimize(f, x0, method=method, options=options)
        believed = scipy.optimize.minimize(
            lambda x: float(f(jnp.asarray(x))), x0, jac=lambda x: np.asarray(sf.grad(f)(x)),
            method="BFGS",
        )  # fmt: skip
        assert found.success and found.status == 0
        assert np.abs(np.asarray(sf.grad(f)(found.x))).max() < 1e-5
        assert found.nfev == found.njev and found.nfev <= 2 * believed.nfev + 5
        np.testing.assert_array_equal(found.fun, f(found.x))
        np.testing.assert_allclose(found.jac, sf.grad(f)(found.x), atol=1e-12)
        if minimum is not None:
            np.testing.assert_allclose(found.x, minimum, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_single_precision(method: str) -> None:
    """JAX's line search gives up on this."""
    found = minimize(rosenbrock, START.astype("float32"), method=method)
    np.testing.assert_allclose(found.x, 1, atol=1e-4)
    assert found.x.dtype == found.fun.dtype == "float32" and found.success.dtype == bool


def test_inverse_hessian() -> None:
    with sf.enable_x64(True):
        found = minimize(quadratic, np.ones(5), method="BFGS", options={"gtol": 1e-9})
        np.testing.assert_allclose(found.hess_inv, np.diag(1 / np.arange(1, 6)), atol=1e-2)
        assert minimize(quadratic, np.ones(5), method=LITTLE_MEMORY).hess_inv is None


@pytest.mark.parametrize("method", METHODS)
def test_transformed(method: str) -> None:
    """Under jit, and vmap, where each example stops on its own."""
    starts = np.stack([START, START + 1, START - 0.3])
    with sf.enable_x64(True):
        run = lambda x: minimize(rosenbrock, x, method=method)  # noqa: E731
        alone = [run(x) for x in starts]
        together = sf.jit(sf.vmap(run))(starts)
        assert [int(r.nit) for r in alone] == together.nit.tolist()
        np.testing.assert_allclose(together.x, np.stack([r.x for r in alone]), rtol=1e-9)
        with pytest.raises(ValueError, match="while_loop"):
            sf.grad(lambda x: run(x).fun)(START)


@pytest.mark.parametrize("method", METHODS)
def test_what_stops_it(method: str) -> None:
    x0 = START.astype("float32")
    cut = minimize(rosenbrock, x0, method=method, options={"maxiter": 3})
    assert (int(cut.status), int(cut.nit), bool(cut.success)) == (1, 3, False)
    no_minimum = minimize(lambda x: x.sum(), x0, method=method)
    assert no_minimum.status == 5 and not no_minimum.success
    np.testing.assert_array_equal(no_minimum.x, x0)
    nan = minimize(lambda x: jnp.log(x).sum(), x0, method=method)
    assert nan.status == 5
    flat = minimize(lambda x: 0 * x.sum(), x0, method=method)
    assert (int(flat.status), int(flat.nit), int(flat.nfev)) == (0, 0, 1)
    loose = minimize(rosenbrock, x0, method=method, tol=10.0)
    assert loose.success and loose.nit < minimize(rosenbrock, x0, method=method).nit


def test_allowances_of_little_memory() -> None:
    x0 = START.astype("float32")
    for options, status in (({"maxfun": 5}, 2), ({"maxgrad": 5}, 3), ({"ftol": 1.0}, 4)):
        assert minimize(rosenbrock, x0, method=LITTLE_MEMORY, options=options).status == status
    assert minimize(rosenbrock, x0, method=LITTLE_MEMORY, options={"maxcor": 2}).nit > 3


def test_arguments() -> None:
    x0 = np.ones(3, "float32")
    shifted = minimize(lambda x, a, b: ((x - a) ** 2).sum() * b, x0, (0.5, 2.0), method="bfgs")
    np.testing.assert_allclose(shifted.x, 0.5, atol=1e-6)
    assert OptimizeResults._fields == jax.scipy.optimize.OptimizeResults._fields


@pytest.mark.parametrize(
    ("error", "keywords", "match"),
    [
        (ValueError, {"method": "Newton"}, "method='Newton'"),
        (TypeError, {"args": 2.0}, "args of type float"),
        (TypeError, {"options": {"foo": 1}}, "options foo"),
        (TypeError, {"x0": np.ones((2, 2), "float32")}, r"f32\[2,2\]"),
        (TypeError, {"x0": np.ones(2, "int32")}, r"i32\[2\]"),
        (TypeError, {"fun": lambda x: x}, r"a result of type f32\[5\]"),
    ],
)
def test_refusals(error: type[Exception], keywords: dict[str, Any], match: str) -> None:
    given = {"fun": quadratic, "x0": np.ones(5, "float32"), "method": "BFGS"} | keywords
    for run in (minimize, jax.scipy.optimize.minimize):
        with pytest.raises(error, match=match if run is minimize else None):
            run(**given)
