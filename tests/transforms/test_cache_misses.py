"""Why a function is traced again, what is logged of it, and no_tracing."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

import pytest

import scratchfn as sf
import scratchfn.numpy as jnp

LOGGER = "scratchfn.compile"


@functools.partial(sf.jit, static_argnames="n")
def f(n: int, x: dict[str, Any], w: Any) -> Any:
    return sum(x.values()) * w * n


X = {"a": jnp.ones(3)}


def under(context: Any) -> None:
    with context:
        f(1, X, 2.0)


def explained(caplog: Any, *calls: Callable[[], Any]) -> str:
    """What the last of some calls logs."""
    f.clear_cache()
    for call in calls[:-1]:
        call()
    caplog.clear()
    with sf.explain_cache_misses(True):
        calls[-1]()
    assert all(r.levelno == logging.WARNING and r.name == LOGGER for r in caplog.records)
    return "\n".join(r.getMessage() for r in caplog.records)


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: f(1, {"a": jnp.ones(4)}, 2.0), "argument x['a'] was f32[3], now f32[4]"),
        (lambda: f(1, {"a": jnp.arange(3)}, 2.0), "argument x['a'] was f32[3], now i32[3]"),
        (
            lambda: f(1, X, jnp.float32(2)),
            "argument w was f32[] (weakly typed), now f32[] (strongly typed)",
        ),
        (
            lambda: f(1, X | {"b": 1}, 2.0),
            "argument x was dict with keys ['a'], now dict with keys ['a', 'b']",
        ),
        (lambda: f(1, X, w=2.0), "what is given by position was tuple of length 2, now tuple of"),
        (lambda: f(2, X, 2.0), "static argument 0 was 1, now 2"),
        (lambda: f(1.0, X, 2.0), "static argument 0 was 1, now 1.0"),  # type: ignore[arg-type]
        (
            lambda: under(sf.numpy_rank_promotion("raise")),
            "the flag numpy_rank_promotion was 'allow', now 'raise'",
        ),
        (
            lambda: sf.vmap(lambda w: f(1, X, w), axis_name="i")(jnp.ones(2)),
            "the axes of vmap were (), now (('i', 2),)",
        ),
    ],
)
def test_what_changed(call: Callable[[], Any], line: str, caplog: Any) -> None:
    text = explained(caplog, lambda: f(1, X, 2.0), call)
    assert text.startswith("f traced again, called at ")
    assert "test_cache_misses.py:" in text.splitlines()[0]
    assert line in text


def test_the_closest_of_the_programs_is_compared_with(caplog: Any) -> None:
    wide = {"a": jnp.ones(9), "b": jnp.ones(9)}
    text = explained(
        caplog, lambda: f(1, X, 2.0), lambda: f(7, wide, 2.0), lambda: f(1, {"a": jnp.ones(4)}, 2.0)
    )
    assert text.splitlines()[1:] == ["  argument x['a'] was f32[3], now f32[4]"]


def test_the_first_time(caplog: Any) -> None:
    text = explained(caplog, lambda: f(1, X, 2.0))
    assert text.startswith("f, defined at ")
    assert "traced for the first time" in text


def test_a_hit_is_silent(caplog: Any) -> None:
    assert explained(caplog, lambda: f(1, X, 2.0), lambda: f(1, X, 3.0)) == ""


def test_log_compiles(caplog: Any) -> None:
    def g(x: Any) -> Any:
        return x + 1

    with sf.log_compiles(True):
        sf.jit(g)(1.0)
    messages = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert [m[: m.index(" in ")] for m in messages] == [
        "Finished tracing g for jit", "Finished compiling g for NumPy",
    ]  # fmt: skip
    caplog.clear()
    sf.jit(g)(1)
    assert not [r for r in caplog.records if r.levelno >= logging.INFO]


def test_no_tracing() -> None:
    g = sf.jit(lambda x: x + 1)
    g(1.0)
    with sf.no_tracing(True):
        assert float(g(2.0)) == 3.0
        with pytest.raises(RuntimeError, match=r"has to trace it[^$]*f32\[2\]"):
            g(jnp.ones(2))


def test_flags_that_change_tracing_trace_anew() -> None:
    def g(x: Any) -> Any:
        return x + jnp.ones((2, 3))

    jitted = sf.jit(g)
    jitted(jnp.ones(3))
    with sf.numpy_rank_promotion("raise"), pytest.raises(ValueError, match="rank"):
        jitted(jnp.ones(3))
    with sf.default_matmul_precision("highest"):
        jitted(jnp.ones(3))
    assert jitted.cache_info().currsize == 2


def test_enable_checks_checks_what_is_traced() -> None:
    with sf.enable_checks(True):
        assert float(sf.jit(lambda x: x * 2)(2.0)) == 4.0
