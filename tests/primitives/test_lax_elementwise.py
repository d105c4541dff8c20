"""What lax's elementwise functions refuse, as JAX does, and what they take beside arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.lax
import jax.numpy
import numpy as np
import pytest

import scratchfn.lax
from scratchfn.core.array import Array, as_value
from scratchfn.transforms.api import grad
from scratchfn.transforms.jit_api import jit

F, N, B, C = (np.ones(3, dtype) for dtype in ("float32", "int32", "bool", "complex64"))
H, F4, BIG = np.ones(3, "float16"), np.ones(4, "float32"), np.full(3, 100, "int8")

REFUSED: dict[str, Callable[..., Any]] = {
    "shapes": lambda lax: lax.add(F, F4),
    "ranks": lambda lax: lax.mul(F, np.ones((1, 3), "float32")),
    "dtypes": lambda lax: lax.add(F, N),
    "int_scalar": lambda lax: lax.add(F, 1),
    "float_scalar_and_half": lambda lax: lax.add(H, 1.0),
    "float_scalar_and_int": lambda lax: lax.sub(N, 1.5),
    "bool_scalar": lambda lax: lax.add(F, True),
    "list": lambda lax: lax.add(F, [1.0, 2.0, 3.0]),
    "none": lambda lax: lax.sin(None),
    "string": lambda lax: lax.sin("1"),
    "bools_do_not_add": lambda lax: lax.add(B, B),
    "bools_have_no_sign": lambda lax: lax.neg(B),
    "unsigned_abs": lambda lax: lax.abs(np.ones(3, "uint8")),
    "sin_of_int": lambda lax: lax.sin(N),
    "sin_of_python_int": lambda lax: lax.sin(1),
    "erf_of_int": lambda lax: lax.erf(N),
    "cbrt_of_complex": lambda lax: lax.cbrt(C),
    "complex_order": lambda lax: lax.lt(C, C),
    "complex_remainder": lambda lax: lax.rem(C, C),
    "bits_of_float": lambda lax: lax.bitwise_and(F, F),
    "shift_of_bool": lambda lax: lax.shift_left(B, B),
    "shift_dtypes": lambda lax: lax.shift_left(N, np.ones(3, "uint32")),
    "count_of_bool": lambda lax: lax.population_count(B),
    "is_finite_of_int": lambda lax: lax.is_finite(N),
    "floor_of_int": lambda lax: lax.floor(N),
    "round_of_int": lambda lax: lax.round(N),
    "pow_of_int": lambda lax: lax.pow(N, 2),
    "pow_dtypes": lambda lax: lax.pow(H, 2.0),
    "pow_to_bool": lambda lax: lax.pow(F, B),
    "pow_shapes": lambda lax: lax.pow(F, F4),
    "negative_power_of_int": lambda lax: lax.integer_pow(N, -1),
    "reciprocal_of_int": lambda lax: lax.reciprocal(N),
    "igamma_dtypes": lambda lax: lax.igamma(1, F),
    "betainc_dtypes": lambda lax: lax.betainc(1.0, 2.0, H),
    "betainc_shapes": lambda lax: lax.betainc(F, F, F4),
    "select_scalar_case": lambda lax: lax.select(B, 1.0, F),
    "select_predicate_shape": lambda lax: lax.select(B[:2], F, F),
    "select_dtypes": lambda lax: lax.select(B, F, N),
    "select_three_by_bool": lambda lax: lax.select_n(B, F, F, F),
    "select_by_float": lambda lax: lax.select_n(F, F, F),
    "select_nothing": lambda lax: lax.select_n(B),
    "clamp_dtypes": lambda lax: lax.clamp(0, F, 1),
    "clamp_shapes": lambda lax: lax.clamp(F4, F, 1.0),
    "complex_of_half": lambda lax: lax.complex(H, H),
    "complex_of_int": lambda lax: lax.complex(N, N),
    "conj_of_int": lambda lax: lax.conj(N),
    "real_of_real": lambda lax: lax.real(F),
    "precision_of_int": lambda lax: lax.reduce_precision(N, 5, 10),
    "bits_of_bool": lambda lax: lax.bitcast_convert_type(B, "int8"),
    "bits_of_complex": lambda lax: lax.bitcast_convert_type(C, "float32"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    """The classes of exceptions are JAX's; the messages are ours, in four parts."""
    with pytest.raises((TypeError, ValueError)) as theirs:
        REFUSED[name](jax.lax)
    for run in (lambda: REFUSED[name](scratchfn.lax), jit(lambda: REFUSED[name](scratchfn.lax))):
        with pytest.raises(Exception) as ours:
            run()
        base = TypeError if issubclass(theirs.type, TypeError) else ValueError
        assert issubclass(ours.type, base)
        for part in ("Found: ", "Why not: ", "Write instead: "):
            assert part in str(ours.value)


def test_a_refusal_names_the_operation_and_both_shapes() -> None:
    with pytest.raises(TypeError, match=r"lax\.add .*\(3,\), \(4,\)"):
        scratchfn.lax.add(F, F4)


ACCEPTED: dict[str, Callable[..., Any]] = {
    "numpy_arrays_become_32_bit": lambda lax: lax.add(np.ones(3), np.ones(3)),
    "numpy_scalar": lambda lax: lax.add(F, np.float64(2.0)),
    "bool_scalar": lambda lax: lax.bitwise_and(B, True),
    "numbers": lambda lax: lax.mul(2.0, 3.0),
    "out_dtype": lambda lax: lax.mul(BIG, BIG, out_dtype="int32"),
    "python_type": lambda lax: lax.convert_element_type(F, int),
    "scalar_to_strong": lambda lax: lax.convert_element_type(1.0, "float32"),
    "bits_of_python_float": lambda lax: lax.bitcast_convert_type(1.0, "int32"),
    "rounding_by_name": lambda lax: lax.round(F * 2.5, lax.RoundingMethod.TO_NEAREST_EVEN),
    "rounding_by_default": lambda lax: lax.round(F * 2.5),
    "accuracy": lambda lax: lax.exp(F, accuracy=None),
}  # fmt: skip


@pytest.mark.parametrize("name", ACCEPTED)
def test_acceptance(name: str) -> None:
    got, want = ACCEPTED[name](scratchfn.lax), ACCEPTED[name](jax.lax)
    assert (got.dtype, got.shape, got.weak_type) == (want.dtype, want.shape, want.weak_type)
    np.testing.assert_allclose(np.asarray(got), np.asarray(want), rtol=1e-6)


def test_derivatives_that_nobody_has() -> None:
    """Orders and shapes of special functions: JAX's exceptions, and what to do instead."""
    lax = scratchfn.lax
    for f in (lambda m: lax.polygamma(m, 0.5), lambda a: lax.betainc(a, 2.0, 0.5)):
        with pytest.raises(ValueError, match=r"Write instead: lax\.stop_gradient"):
            grad(f)(1.0)
    for f in (lambda x: lax.zeta(x, 2.0), lambda x: lax.nextafter(x, 2.0)):
        with pytest.raises(NotImplementedError):
            grad(f)(1.5)


def test_stop_gradient_takes_trees() -> None:
    out = scratchfn.lax.stop_gradient({"a": as_value(F), "b": [as_value(N), 2.0]})
    assert isinstance(out["a"], Array)
    assert out["b"][1].weak_type


def test_64_bits_that_are_off_are_warned_of() -> None:
    with pytest.warns(UserWarning, match="float64"):
        out = scratchfn.lax.convert_element_type(as_value(F), "float64")
    assert out.dtype == np.float32
