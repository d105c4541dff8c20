"""The NumPy source of loops and branches, as `lower(...).as_text()` shows it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import lax


def text_of(f: Any, *args: Any) -> str:
    """The source without comments."""
    text = sf.jit(f).lower(*args).as_text()
    return re.sub(r" *#.*:\d+$", "", text, flags=re.MULTILINE)


def test_scan() -> None:
    def f(h: Any, xs: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            h = jnp.tanh(h + x)
            return h, h

        return lax.scan(step, h, xs, reverse=True)

    text = text_of(f, jnp.ones(3), jnp.ones((5, 3)))
    assert (
        """# scan_loop
def program(arena):
    g = arena(0, (3,), np.float32)

    def scan_loop(a, b):
        c = stacked(5, (3,), np.float32)
        for e, f in zip(b[::-1], c[::-1]):
            np.add(a, e, g)
            np.tanh(g, f)
            a = f
        return (a.copy(), c)

    return scan_loop
"""
        in text
    )


def test_while_and_cond() -> None:
    def f(x: Any) -> Any:
        step = lambda x: lax.cond(x > 3, lambda: x * 2, lambda: x + 1)  # noqa: E731
        return lax.while_loop(lambda x: x < 100, step, x)

    text = text_of(f, jnp.float32(1))
    for line in ("while True:", "if not ", "break", "if a <= 0:", "= cond_branches("):
        assert line in text


def test_carries_that_change_places() -> None:
    """All components are assigned at once, and a y is written before they are."""

    def f(a: Any, b: Any) -> Any:
        return lax.scan(lambda c, _: ((c[1], c[0]), c[0]), (a, b), None, length=3)

    (a, b), ys = sf.jit(f)(1.0, 2.0)
    assert (a, b) == (2, 1)
    np.testing.assert_array_equal(ys, [1, 2, 1])
    text = text_of(f, 1.0, 2.0)
    assert "a, b = b, a" in text


def test_a_loop_without_a_body() -> None:
    f = sf.jit(lambda x: lax.scan(lambda c, _: (c, None), x, None, length=3)[0])
    assert f(1.0) == 1
    g = sf.jit(lambda x: lax.scan(lambda c, _: (c, jnp.ones(2)), x, None, length=3)[1])
    np.testing.assert_array_equal(g(1.0), np.ones((3, 2)))


def test_examples_that_are_done_keep_their_carry() -> None:
    f = sf.vmap(lambda n: lax.fori_loop(0, n, lambda i, c: c * 2 + i, 1.0))
    np.testing.assert_array_equal(f(jnp.asarray([0, 1, 3])), [1, 2, 12])
    assert "of_going(" in text_of(f, jnp.asarray([0, 1, 3]))
