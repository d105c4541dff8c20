"""The loops and branches that the tests transform, written once for both libraries.

`programs(jnp, lax)` gives each by name as a function and the example arguments it takes, in the
dtype asked for; `UNBOUNDED` names those that have no derivative in reverse mode.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_RANDOM = np.random.default_rng(0)
W, U = _RANDOM.normal(size=(2, 3, 3)) * 0.5
XS = _RANDOM.normal(size=(4, 3))
V = _RANDOM.normal(size=3)

UNBOUNDED = {"while", "while_counted", "fori_traced", "while_of_scan"}

Program = tuple[Callable[..., Any], tuple[Any, ...]]


def programs(  # noqa: PLR0915 - a table
    jnp: Any, lax: Any, dtype: str = "float32"
) -> dict[str, Program]:
    """Name -> (function, arguments)."""
    w, u, xs, v = (jnp.asarray(x, dtype) for x in (W, U, XS, V))
    found: dict[str, Program] = {}

    def program(*args: Any, name: str = "") -> Callable[..., Any]:
        def add(f: Callable[..., Any]) -> Callable[..., Any]:
            found[name or f.__name__] = f, args
            return f

        return add

    @program(v, xs, w, u)
    def rnn(h: Any, xs: Any, w: Any, u: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            h = jnp.tanh(x @ w + h @ u)
            return h, h * 2

        return lax.scan(step, h, xs)

    @program(v, xs)
    def rnn_back(h: Any, xs: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            h = jnp.tanh(x @ w + h @ u)
            return h, {"h": h, "x": x, "none": None}

        return lax.scan(step, h, xs, reverse=True)

    @program(v)
    def counting(x: Any) -> Any:
        def step(carry: Any, _: Any) -> Any:
            i, x = carry
            return (i + 1, x * jnp.sin(x) + i), (i, x)

        return lax.scan(step, (0, x), None, length=5)

    @program(v, xs)
    def handed_on(a: Any, xs: Any) -> Any:
        def step(carry: Any, x: Any) -> Any:
            return (carry[0], carry[1] + carry[0] * x), (carry[0], x)

        return lax.scan(step, (a, a * 2), xs)

    @program(v, xs)
    def late_tangent(c: Any, xs: Any) -> Any:
        """A carry that is given a tangent, and an axis of a batch, only after some steps."""

        def step(carry: Any, x: Any) -> Any:
            a, b, z = carry
            return (b, z * x, z), a + x

        return lax.scan(step, (jnp.ones(3, c.dtype), jnp.zeros(3, c.dtype), jnp.sin(c)), xs)

    @program(v, name="fori")
    def fori(x: Any) -> Any:
        return lax.fori_loop(0, 5, lambda i, c: jnp.sin(c) * i + x, x)

    @program(np.int32(4), v)
    def fori_traced(n: Any, x: Any) -> Any:
        return lax.fori_loop(0, n, lambda i, c: jnp.sin(c) * i + x, x)

    @program(v, name="while")
    def until_large(x: Any) -> Any:
        start = jnp.abs(x) + 1
        return lax.while_loop(lambda c: jnp.sum(c) < 20, lambda c: c * 1.5 + jnp.cos(c) * x, start)

    @program(np.int32(3), v)
    def while_counted(n: Any, x: Any) -> Any:
        return lax.while_loop(lambda c: c[0] < n, lambda c: (c[0] + 1, jnp.sin(c[1]) * x), (0, x))

    @program(np.bool_(True), v)
    def cond(p: Any, x: Any) -> Any:
        return lax.cond(p, lambda x: jnp.sin(x) * x, lambda x: x**2 + x @ w, x)

    @program(np.asarray(-1.0, dtype), v)
    def cond_by_sign(p: Any, x: Any) -> Any:
        return lax.cond(p > 0, lambda: (jnp.sin(x) * x, x), lambda: (x * 2, x @ w @ u))

    @program(np.int32(1), v)
    def switch(i: Any, x: Any) -> Any:
        return lax.switch(i, [jnp.sin, lambda x: x * w[0], lambda x: jnp.exp(x) * u[0]], x)

    @program(v, xs)
    def nest(c: Any, xs: Any) -> Any:
        def step(c: Any, x: Any) -> Any:
            c = lax.cond(jnp.sum(x) > 0, lambda c: jnp.sin(c) * x, lambda c: c @ w, c)
            return c, lax.fori_loop(0, 3, lambda i, c: c * x + i, c)

        return lax.scan(step, c, xs)

    @program(xs, w)
    def scan_of_scan(xs: Any, w: Any) -> Any:
        def outer(c: Any, x: Any) -> Any:
            return lax.scan(lambda c, y: (jnp.cos(c * y) @ w, c[0] * y), c, xs * x)

        return lax.scan(outer, xs[0], xs)

    @program(np.int32(2), v)
    def while_of_scan(n: Any, x: Any) -> Any:
        def body(carry: Any) -> Any:
            i, c = carry
            return i + 1, lax.scan(lambda c, y: (c * jnp.sin(y), None), c, xs)[0] + x

        return lax.while_loop(lambda carry: carry[0] < n, body, (0, x))[1]

    @program(xs, name="map")
    def mapped(xs: Any) -> Any:
        return lax.map(lambda x: (jnp.sin(x) @ w, x), xs)

    @program(xs)
    def map_in_batches(xs: Any) -> Any:
        return lax.map(lambda x: jnp.sin(x) @ w, xs, batch_size=3)

    @program(xs)
    def associative(xs: Any) -> Any:
        def combine(a: Any, b: Any) -> Any:
            return a[0] * b[0], b[0] * a[1] + b[1]

        return lax.associative_scan(combine, (jnp.sin(xs), xs))

    return found
