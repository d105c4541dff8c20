"""What a case gives, in scratchfn and in JAX: values, derivatives, curvature; and when they agree.

`derive` is written once and runs with the transformations of either library.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import jax
import jax.lax
import numpy as np

import scratchfn.lax
from scratchfn.config import enable_x64
from scratchfn.core import dtypes
from scratchfn.core.array import as_value
from scratchfn.transforms import api
from tests.primitives.case import Case, cotangents

SCRATCHFN = SimpleNamespace(lax=scratchfn.lax, jvp=api.jvp, vjp=api.vjp)
JAX = SimpleNamespace(lax=jax.lax, jvp=jax.jvp, vjp=jax.vjp)

COMPILER_OPTIONS = {
    "xla_allow_excess_precision": False,  # round short floats after each operation
    "xla_backend_optimization_level": 0,  # compiles faster, computes the same
}


class Derived(NamedTuple):
    """Results of a case, all flat lists. Derivatives are those of the floating results with respect
    to the arguments in `case.diff`; `curvature` is the derivative of `cotangents` along the
    tangents."""

    values: list[Any]
    tangents: list[Any]
    cotangents: list[Any]
    curvature: list[Any]


def flat(out: Any) -> list[Any]:
    return list(out) if isinstance(out, (list, tuple)) else [out]


def floating(outs: Sequence[Any]) -> list[Any]:
    return [x for x in outs if dtypes.kind(np.dtype(x.dtype)) in "fc"]


def of_differentiated(library: Any, case: Case, args: Sequence[Any]) -> Callable[..., list[Any]]:
    """The case as a function of its differentiated arguments, with its floating results."""

    def f(*primals: Any) -> list[Any]:
        full = list(args)
        for i, x in zip(case.diff, primals, strict=True):
            full[i] = x
        return floating(flat(case.fun(library.lax, *full)))

    return f


def derive(
    library: Any, case: Case, order: int, args: Sequence[Any], dots: Sequence[Any], cts: Any
) -> Derived:
    """Everything about a case up to an order of differentiation."""
    values = flat(case.fun(library.lax, *args))
    if order == 0:
        return Derived(values, [], [], [])
    f = of_differentiated(library, case, args)
    primals, dots = tuple(args[i] for i in case.diff), tuple(dots)
    _, tangents = library.jvp(f, primals, dots)

    def pull(*primals: Any) -> list[Any]:
        return list(library.vjp(f, *primals)[1](list(cts)))

    if order == 1:
        return Derived(values, tangents, pull(*primals), [])
    grads, curvature = library.jvp(pull, primals, dots)
    return Derived(values, tangents, grads, curvature)


def ours(case: Case, order: int, wide: bool = False) -> Derived:
    """What scratchfn gives, eagerly."""
    args, dots, cts = inputs(case, wide)
    with enable_x64(wide):
        return derive(SCRATCHFN, case, order, args, dots, cts)


def theirs(case: Case, order: int, wide: bool = False) -> Derived:
    """What JAX gives, compiled: one program for a case."""
    args, dots, cts = inputs(case, wide)
    with jax.enable_x64(wide):
        f = jax.jit(
            lambda args, dots, cts: derive(JAX, case, order, args, dots, cts),
            compiler_options=COMPILER_OPTIONS,
        )
        return f(args, dots, cts)


def inputs(case: Case, wide: bool = False) -> tuple[list[Any], list[Any], list[Any]]:
    """Arguments, tangents of the differentiated ones, cotangents of the floating results."""
    args = case.args(wide=wide)
    if not case.diff:
        return args, [], []
    with enable_x64(wide):
        outs = floating(flat(case.fun(scratchfn.lax, *map(as_value, args))))
    return args, case.directions(args, wide), cotangents(outs)


# -- agreement ------------------------------------------------------------------------------------


def eps_of(dtype: Any) -> float:
    return float(dtypes.finfo(np.dtype(dtype)).eps)


def relative_tolerance(case: Case, dtype: Any, factor: float) -> float:
    """`factor` eps; more if the case says so, which it does in terms of float32."""
    return max(factor, (case.tol or 0) / eps_of(np.float32)) * eps_of(dtype)


def assert_agree(
    case: Case, got: Sequence[Any], want: Sequence[Any], factor: float, *, signs: bool = False
) -> None:
    """Equal dtypes and shapes, and values equal up to `factor` eps of rounding, relative to the
    value or, where terms may have cancelled, to the largest one or 1, whichever is less."""
    assert len(got) == len(want)
    for x, y in zip(got, want, strict=True):
        assert np.dtype(x.dtype) == np.dtype(y.dtype)
        assert tuple(x.shape) == tuple(y.shape)
        a, b = np.asarray(x), np.asarray(y)
        if dtypes.kind(b.dtype) not in "fc":
            np.testing.assert_array_equal(a, b)
            continue
        if signs and dtypes.kind(b.dtype) == "f":
            zeros = (a == 0) & (b == 0)
            np.testing.assert_array_equal(np.signbit(a[zeros]), np.signbit(b[zeros]))
        rtol = relative_tolerance(case, b.dtype, factor)
        a, b = (z.astype(np.complex128 if z.dtype.kind == "c" else np.float64) for z in (a, b))
        finite = np.abs(b[np.isfinite(b)])
        scale = min(1.0, float(finite.max())) if finite.size else 0.0
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * scale)


def assert_same_types(got: Sequence[Any], want: Sequence[Any]) -> None:
    """Equal dtypes, shapes and weakness."""
    assert [_type(x) for x in got] == [_type(x) for x in want]


def _type(x: Any) -> tuple[Any, ...]:
    return np.dtype(x.dtype).name, tuple(x.shape), bool(x.weak_type)
