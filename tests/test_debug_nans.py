"""debug_nans and debug_infs: which operation, which line, which rule."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import lax

BACKENDS = ["numpy", "jax"]


def line_of(f: Callable[..., Any], offset: int) -> str:
    return f"test_debug_nans.py:{inspect.getsourcelines(f)[1] + offset} "


def log_and_more(x: Any) -> Any:
    y = x * 2
    z = jnp.log(y)
    return jnp.exp(z) + 1


def sqrt_at_zero(x: Any) -> Any:
    y = jnp.sqrt(x)
    return y * 0.0


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_operation_and_the_line_are_named(backend: str) -> None:
    def jit(f: Any) -> Any:
        return sf.jit(f, backend=backend)

    runs = [log_and_more, jit(log_and_more), jit(lambda x: jit(log_and_more)(x) * 2)]
    with sf.debug_nans(True):
        for run in runs:
            with pytest.raises(FloatingPointError, match=r"\(nan\) encountered in log") as error:
                run(jnp.array([1.0, -1.0]))
            assert line_of(log_and_more, 2) in str(error.value)
            assert "1 of 2 in its result of type f32[2]" in str(error.value)
        jit(log_and_more)(1.0)
    for run in runs:
        assert np.isnan(run(-1.0))  # nobody asks


def test_in_derivatives_the_rule_is_named() -> None:
    grad = sf.grad(sqrt_at_zero)
    for run in (grad, sf.jit(grad), sf.grad(sf.jit(sqrt_at_zero)), lambda x: sf.jvp(
        sqrt_at_zero, (x,), (1.0,))):  # fmt: skip
        with (
            sf.debug_nans(True),
            sf.debug_infs(True),
            pytest.raises(FloatingPointError, match=r"\(inf\) encountered in div") as error,
        ):
            run(0.0)
        assert "made by the derivative of sqrt, for the line at" in str(error.value)
        assert line_of(sqrt_at_zero, 1) in str(error.value)


def big(x: Any, w: Any) -> Any:
    y = x * w
    return y * 1e30


def test_going_backwards_the_transpose_is_named() -> None:
    run = sf.grad(lambda x: big(x, jnp.float32(1e20)))  # 1e30 * 1e20 is too much
    for f in (run, sf.jit(run)):
        with (
            sf.debug_infs(True),
            pytest.raises(FloatingPointError, match=r"\(inf\) encountered in mul") as error,
        ):
            f(jnp.float32(1e-35))
        assert "the transpose of mul, in the derivative of mul, for the line at" in str(error.value)


def test_what_is_left_out_is_no_concern_of_a_compiled_program() -> None:
    f = sf.jit(lambda x: jnp.where(x > 0, jnp.log(x), 0.0))
    with sf.debug_nans(True):
        np.testing.assert_array_equal(f(jnp.array([1.0, -1.0])), [0.0, 0.0])


def test_an_argument_that_is_nan_already() -> None:
    x = jnp.array(np.nan)
    for run in (jnp.sin, sf.jit(jnp.sin)):
        with (
            sf.debug_nans(True),
            pytest.raises(FloatingPointError, match="an argument of sin already had"),
        ):
            run(x)


def test_all_types_of_numbers() -> None:
    with sf.debug_nans(True), sf.debug_infs(True):
        for dtype in (jnp.bfloat16, jnp.float16, jnp.complex64):
            with pytest.raises(FloatingPointError, match="invalid value"):
                jnp.zeros(2, dtype) / jnp.zeros(2, dtype)
        sf.random.split(sf.random.key(0))
        assert int(jnp.arange(3).sum()) == 3


def test_the_flags_are_this_blocks_own() -> None:
    with sf.debug_nans(True), sf.debug_nans(False):
        assert np.isnan(jnp.log(-1.0))


MASKED = [
    lambda x: jnp.max(x, where=x > 0, initial=-1),
    lambda x: jnp.nanmax(x),
    lambda x: jnp.median(x),
    lambda x: jnp.hypot(x, x),
    lambda x: jnp.sinc(x),
    lambda x: jnp.logaddexp(x, x),
    lambda x: sf.nn.logsumexp(x, b=jnp.ones(3)),
    lambda x: sf.nn.softmax(x, where=x > 0),
    lambda x: jnp.where(x > 0, x, -jnp.inf).max(),
    lambda x: jnp.where(x > 9, jnp.nan, x),
]


@pytest.mark.parametrize("f", MASKED)
def test_masks_and_constants_are_not_operations_gone_wrong(f: Any) -> None:
    x = jnp.array([0.0, 1.0, 2.0])
    with sf.debug_nans(True), sf.debug_infs(True):
        f(x)
        sf.jit(f)(x)


def scanned(x: Any) -> Any:
    return lax.scan(
        lambda c, x: (
            c + jnp.log(x),
            jnp.where(x > 0, 0.0, jnp.sqrt(x)),  # a nan that is left out
        ),
        0.0,
        x,
    )[0]


def looped(x: Any) -> Any:
    return lax.while_loop(
        lambda c: c[1] > -2,
        lambda c: (c[0] + jnp.log(c[1]), c[1] - 1),
        (0.0, x[0]),
    )[0]


def branched(x: Any) -> Any:
    return lax.cond(
        x[0] > 0,
        lambda: jnp.log(x[1]),
        lambda: x[0],
    )


@pytest.mark.parametrize("f", [scanned, looped, branched])
def test_inside_loops_and_branches(f: Any) -> None:
    x = jnp.array([1.0, -1.0])
    for run in (f, sf.jit(f), sf.jit(lambda x: sf.jit(f)(x) * 2), lambda x: sf.vmap(f)(x[None])):
        with (
            sf.debug_nans(True),
            pytest.raises(FloatingPointError, match=r"\(nan\) encountered in log") as error,
        ):
            run(x)
        assert line_of(f, 3) in str(error.value)
