"""Are a function's derivatives those that its values say? Held against difference quotients.

One random direction v is tried, so that a check costs a few calls of the function:

    forward: J v     against (f(x + eps v) - f(x - eps v)) / 2 eps
    reverse: v·J'w   against that quotient's product with a random w; J' is conjugated too, where
                     numbers are complex

Read next: `transforms/api.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import ml_dtypes
import numpy as np

from scratchfn import errors, tree
from scratchfn.core import dtypes
from scratchfn.core.array import as_value
from scratchfn.transforms import api
from scratchfn.tree_util import keystr

__all__ = ["check_grads", "check_jvp", "check_vjp"]

EPS = 1e-4
TOLERANCE = {
    np.dtype(ml_dtypes.bfloat16): 1e-1, np.dtype(np.float16): 1e-2,
    np.dtype(np.float32): 2e-3, np.dtype(np.complex64): 1e-3,
    np.dtype(np.float64): 1e-5, np.dtype(np.complex128): 1e-5,
}  # fmt: skip


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int,
    modes: Sequence[str] = ("fwd", "rev"),
    atol: Any = None,
    rtol: Any = None,
    eps: float | None = None,
) -> None:
    """Checks the derivatives of `f` at `args`, up to `order`, against difference quotients.

    Args:
      modes: "fwd" (jvp), "rev" (vjp), "lin" (linearize); of higher orders every mix of them.
      atol, rtol: tolerances, or dicts of them by dtype. Quotients are inexact, so use float64
        (`enable_x64`) where the defaults are too coarse.
      eps: the step of the quotients.

    Raises:
      AssertionError: which derivative is wrong, and by how much.
    """
    check = {"atol": atol, "rtol": rtol, "eps": eps or EPS}

    def checked(g: Callable[..., Any], args: tuple[Any, ...], order: int, of: str) -> None:
        if "fwd" in modes:
            check_jvp(g, functools.partial(api.jvp, g), args, **check, err_msg=f"JVP{of}")
            if order > 1:
                checked(functools.partial(api.jvp, g), (args, args), order - 1, f" of JVP{of}")
        if "rev" in modes:
            check_vjp(g, functools.partial(api.vjp, g), args, **check, err_msg=f"VJP{of}")
            if order > 1:
                checked(functools.partial(_pulled_back, g), args, order - 1, f" of VJP{of}")
        if "lin" in modes:
            pushed = functools.partial(_linearized, g)
            check_jvp(g, pushed, args, **check, err_msg=f"LIN{of}")
            if order > 1:
                checked(pushed, (args, args), order - 1, f" of LIN{of}")

    checked(f, tuple(args), order, "")


def check_jvp(
    f: Callable[..., Any],
    f_jvp: Callable[..., Any],
    args: Sequence[Any],
    atol: Any = None,
    rtol: Any = None,
    eps: float = EPS,
    err_msg: str = "",
) -> None:
    """Checks `f_jvp(args, tangents)`, in general `functools.partial(jvp, f)`, against quotients of
    `f`. Raises AssertionError."""
    rng = np.random.default_rng(0)
    args = tuple(args)
    direction = tree.map(functools.partial(_random_like, rng), args)
    out, tangent = f_jvp(args, direction)
    compare = functools.partial(_require_close, atol=atol, rtol=rtol, asked=err_msg or "JVP")
    compare(out, f(*args), what="primal")
    compare(tangent, _quotient(f, args, direction, eps), what="tangent")


def check_vjp(
    f: Callable[..., Any],
    f_vjp: Callable[..., Any],
    args: Sequence[Any],
    atol: Any = None,
    rtol: Any = None,
    eps: float = EPS,
    err_msg: str = "",
) -> None:
    """Checks `f_vjp(*args)`, in general `functools.partial(vjp, f)`, against quotients of `f`.
    Raises AssertionError."""
    rng = np.random.default_rng(0)
    args = tuple(args)
    out, pull = f_vjp(*args)
    compare = functools.partial(_require_close, atol=atol, rtol=rtol, asked=err_msg or "VJP")
    compare(out, f(*args), what="primal")
    direction = tree.map(functools.partial(_random_like, rng), args)
    weights = tree.map(functools.partial(_random_like, rng), out)
    pulled = tree.map(_conjugate, pull(tree.map(_conjugate, weights)))
    got = _product(direction, pulled)
    want = _product(_quotient(f, args, direction, eps), weights)
    compare(got, want, what="cotangent projection")


# -- derivatives of derivatives -------------------------------------------------------------------


def _pulled_back(f: Callable[..., Any], *args: Any) -> Any:
    out, pull = api.vjp(f, *args)
    return pull(out)


def _linearized(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    out, push = api.linearize(f, *primals)
    return out, push(*tangents)


# -- numbers --------------------------------------------------------------------------------------


def _host(x: Any) -> np.ndarray:
    return np.asarray(as_value(x))


def _conjugate(x: Any) -> np.ndarray:
    x = _host(x)
    return x.conj() if dtypes.kind(x.dtype) == "c" else x


def _is_continuous(x: Any) -> bool:
    return dtypes.kind(_host(x).dtype) in "fc"


def _random_like(rng: np.random.Generator, x: Any) -> Any:
    """A random direction at x; integers have none, but float0."""
    x = _host(x)
    if not _is_continuous(x):
        return np.zeros(x.shape, dtypes.float0)
    drawn = rng.normal(size=x.shape)
    if dtypes.kind(x.dtype) == "c":
        drawn = drawn + 1j * rng.normal(size=x.shape)
    return np.asarray(drawn).astype(x.dtype)


def _quotient(f: Callable[..., Any], args: Any, direction: Any, eps: float) -> Any:
    """(f(x + eps v) - f(x - eps v)) / 2 eps."""

    def moved(sign: int) -> Any:
        def step(x: Any, v: Any) -> Any:
            x = _host(x)
            return x + np.asarray(sign * eps * v, x.dtype) if _is_continuous(x) else x

        return f(*tree.map(step, args, direction))

    def slope(plus: Any, minus: Any) -> Any:
        plus, minus = _host(plus), _host(minus)
        if not _is_continuous(plus):
            return np.zeros(plus.shape, dtypes.float0)
        return (plus - minus) / np.asarray(2 * eps, plus.dtype)

    return tree.map(slope, moved(1), moved(-1))


def _product(x: Any, y: Any) -> Any:
    """The inner product of all numbers of two trees; of complex ones, its real part."""
    terms = [
        np.sum((_conjugate(a) * np.asarray(b)).real)
        for a, b in zip(tree.leaves(x), tree.leaves(y), strict=True)
        if _host(a).dtype != dtypes.float0 and _host(b).dtype != dtypes.float0
    ]
    return functools.reduce(np.add, terms, np.float32(0))


def _require_close(got: Any, want: Any, *, what: str, asked: str, atol: Any, rtol: Any) -> None:
    """Raises AssertionError naming the first leaf where two trees differ."""
    pairs = zip(tree.leaves_with_path(got), tree.leaves(want), strict=True)
    for (path, x), y in pairs:
        x, y = np.asarray(x), np.asarray(y)
        if x.dtype == dtypes.float0 or y.dtype == dtypes.float0:
            continue
        if x.shape != y.shape:
            found, why = f"shape {x.shape}", f"the function's own has shape {y.shape}"
            raise _wrong(asked, what, path, found, why)
        absolute, relative = (
            max(_tolerance(tol, x.dtype), _tolerance(tol, y.dtype)) for tol in (atol, rtol)
        )
        exact = np.complex128 if dtypes.kind(x.dtype) == "c" else np.float64
        near, far = x.astype(exact), y.astype(exact)
        if not np.allclose(near, far, rtol=relative, atol=absolute, equal_nan=True):
            apart = float(np.max(np.abs(near - far)))
            found = f"{_shown(x)}, which is off by up to {apart:.3g}"
            why = f"by the function's values it is {_shown(y)} (rtol={relative}, atol={absolute})"
            raise _wrong(asked, what, path, found, why)


def _wrong(asked: str, what: str, path: Any, found: str, why: str) -> AssertionError:
    where = f"{what}{keystr(path)}"
    write = "the derivative rule anew, or a smaller eps in float64, should the quotient be wrong"
    return AssertionError(errors.explain(f"{asked}: {where}", found, why, write))


def _shown(x: np.ndarray) -> str:
    return np.array2string(x, threshold=8, precision=6).replace("\n", "")


def _tolerance(given: Any, dtype: np.dtype) -> float:
    if given is None or isinstance(given, dict):
        by_dtype = {np.dtype(k): v for k, v in (given or {}).items()}
        return float(by_dtype.get(dtype, TOLERANCE.get(dtype, 0.0)))
    return float(given)
