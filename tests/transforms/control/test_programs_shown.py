"""The programs of loops and branches print as JAX prints its own, line by line."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy

ONE = np.float32(1)
TWO, THREE, ROWS, EIGHT = (np.ones(s, "float32") for s in (2, 3, (5, 2), 8))

Builder = Callable[[Any], Callable[..., Any]]


def _rnn(lib: Any) -> Callable[..., Any]:
    w = lib.numpy.ones((2, 2))

    def step(h: Any, x: Any) -> Any:
        h = lib.numpy.tanh(x @ w + h @ w)
        return h, h

    return lambda h, xs: lib.lax.scan(step, h, xs, reverse=True, unroll=2)


def _handed_on(lib: Any) -> Callable[..., Any]:
    w = lib.numpy.ones(2)

    def step(carry: Any, x: Any) -> Any:
        a, b, c = carry
        return (a, b * w + a + c, c), (x[0], x[1] * 2, a, c)

    return lambda a, b, c, xs: lib.lax.scan(step, (a, b, c), (xs, xs))


def _consts_of_branches(lib: Any) -> Callable[..., Any]:
    a, b = lib.numpy.ones(2), lib.numpy.ones(3)
    return lambda p, x: lib.lax.cond(
        p, lambda x: x * a.sum() + a.sum(), lambda x: x + b.sum() + a.sum(), x
    )


def _while_handing_on(lib: Any) -> Callable[..., Any]:
    w = lib.numpy.ones(2)

    def run(a: Any, b: Any, limit: Any) -> Any:
        return lib.lax.while_loop(
            lambda t: (t[0] * limit < 3).all(), lambda t: (t[0] + w * t[1], t[1], t[2]), (w, b, a)
        )

    return run


def _nest(lib: Any) -> Callable[..., Any]:
    def step(c: Any, x: Any) -> Any:
        def looped(c: Any) -> Any:
            return lib.lax.fori_loop(0, 3, lambda i, c: c * x, c)

        return lib.lax.cond(x > 0, looped, lambda c: c, c), c

    return lambda c, xs: lib.lax.scan(step, c, xs)


def _first_tangent(lib: Any) -> Callable[..., Any]:
    def loop(x: Any) -> Any:
        return lib.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * x), (0, x))[1]

    return lambda x: lib.jvp(loop, (x,), (x,))


CASES: dict[str, tuple[Builder, tuple[Any, ...]]] = {
    "scan with constants": (_rnn, (TWO, ROWS)),
    "scan handing on": (_handed_on, (ONE, TWO, ONE, THREE)),
    "scan without xs": (
        lambda lib: (
            lambda h: lib.lax.scan(lambda c, _: (c + h, None), lib.numpy.zeros(2), None, length=5)
        ),
        (TWO,),
    ),
    "scan counting": (
        lambda lib: lambda xs: lib.lax.scan(lambda c, x: (c + 1, c * 2), 0, xs),
        (EIGHT,),
    ),
    "a weak carry is promoted": (
        lambda lib: lambda c: lib.lax.scan(lambda c, x: (c * 1.5, None), c, None, length=3),
        (1,),
    ),
    "a number in the carry is promoted": (
        lambda lib: lambda x: lib.lax.scan(lambda c, x: (c * 1.5, None), 1, None, length=3),
        (ONE,),
    ),
    "unrolled": (
        lambda lib: lambda c: lib.lax.scan(lambda c, x: (c, None), c, None, 3, unroll=True),
        (1,),
    ),
    "unrolled of no steps": (
        lambda lib: lambda c: lib.lax.scan(lambda c, x: (c, None), c, None, 0, unroll=True),
        (1,),
    ),
    "scan of a jitted body": (
        lambda lib: lambda x: lib.lax.scan(lib.jit(lambda c, _: (c * 2, c)), x, None, length=2),
        (ONE,),
    ),
    "fori": (
        lambda lib: lambda h: lib.lax.fori_loop(2, 5, lambda i, c: c + i * h, lib.numpy.zeros(2)),
        (TWO,),
    ),
    "fori of no steps": (lambda lib: lambda c: lib.lax.fori_loop(0, 0, lambda i, c: c, c), (1.0,)),
    "fori to a traced bound": (
        lambda lib: lambda n, h: lib.lax.fori_loop(0, n, lambda i, c: c + i * h, h),
        (3, TWO),
    ),
    "fori to a bound of 16 bits": (
        lambda lib: lambda n, h: lib.lax.fori_loop(0, n, lambda i, c: c + i * h, h),
        (np.int16(3), TWO),
    ),
    "fori from a traced bound": (
        lambda lib: lambda n, h: lib.lax.fori_loop(n, 5, lambda i, c: c + i * h, h),
        (np.int16(3), TWO),
    ),
    "while": (
        lambda lib: (
            lambda h: lib.lax.while_loop(
                lambda c: lib.numpy.sum(c) < h[0], lambda c: c + h, lib.numpy.zeros(2)
            )
        ),
        (TWO,),
    ),
    "while handing on": (_while_handing_on, (ONE, ONE, TWO)),
    "while of numbers": (
        lambda lib: (
            lambda h: lib.lax.while_loop(
                lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] + 1.0), (0, 1)
            )
        ),
        (TWO,),
    ),
    "cond in the condition": (
        lambda lib: (
            lambda x: lib.lax.while_loop(
                lambda c: lib.lax.cond(c > 1, lambda: c < 2, lambda: True), lambda c: c + 1, x
            )
        ),
        (ONE,),
    ),
    "cond": (
        lambda lib: lambda p, h: lib.lax.cond(p, lambda a: a + 1, lambda a: a * h[0], h),
        (True, TWO),
    ),
    "cond by a number": (
        lambda lib: lambda p, h: lib.lax.cond(p, lambda a: a + 1, lambda a: a * h[0], h),
        (3.0, TWO),
    ),
    "cond without operands": (
        lambda lib: lambda p, h: lib.lax.cond(p, lambda: h + 1, lambda: h * h[0]),
        (True, TWO),
    ),
    "cond by a known bool": (
        lambda lib: lambda h: lib.lax.cond(True, lambda a: a + 1, lambda a: a * h[0], h),
        (TWO,),
    ),
    "cond with constants": (_consts_of_branches, (True, ONE)),
    "cond handing on": (
        lambda lib: (
            lambda p, a, b: lib.lax.cond(p, lambda a, b: (a, b + 1), lambda a, b: (a, b), a, b)
        ),
        (True, ONE, ONE),
    ),
    "cond of weak and strong": (
        lambda lib: lambda p: lib.lax.cond(p, lambda: 1.0, lambda: lib.numpy.float32(2)),
        (True,),
    ),
    "switch": (
        lambda lib: (
            lambda i, h: lib.lax.switch(i, [lambda a: a + 1, lambda a: a * h[0], lambda a: a], h)
        ),
        (1, TWO),
    ),
    "switch by 8 bits": (
        lambda lib: lambda i, h: lib.lax.switch(i, [lambda a: a + 1, lambda a: a * h[0]], h),
        (np.uint8(1), TWO),
    ),
    "switch by a known number": (
        lambda lib: lambda h: lib.lax.switch(1, [lambda a: a + 1, lambda a: a * h[0]], h),
        (TWO,),
    ),
    "switch of one": (lambda lib: lambda i, h: lib.lax.switch(i, [lambda a: a + 1], h), (1, TWO)),
    "map": (lambda lib: lambda xs: lib.lax.map(lambda x: x * 2, xs), (THREE,)),
    "map in batches": (
        lambda lib: (
            lambda xs: lib.lax.map(lambda x: (x[0] * 2, x[1].sum()), (xs, xs + 1), batch_size=2)
        ),
        (ROWS,),
    ),
    "map in full batches": (
        lambda lib: lambda xs: lib.lax.map(lambda x: (x, x * 2), xs, batch_size=4),
        (EIGHT,),
    ),
    "map in one batch": (
        lambda lib: lambda xs: lib.lax.map(lambda x: x * 2, xs, batch_size=8),
        (THREE,),
    ),
    "associative": (
        lambda lib: lambda xs: lib.lax.associative_scan(lib.numpy.add, xs, reverse=True),
        (THREE,),
    ),
    "associative along an axis": (
        lambda lib: lambda xs: lib.lax.associative_scan(lib.numpy.add, xs, axis=1),
        (ROWS,),
    ),
    "a nest": (_nest, (ONE, THREE)),
    "jvp of while": (_first_tangent, (TWO,)),
    "jvp of scan": (
        lambda lib: (
            lambda x: lib.jvp(
                lambda x: lib.lax.scan(lambda c, _: (c * x, c), x, None, length=3), (x,), (x,)
            )
        ),
        (TWO,),
    ),
    "jvp of cond": (
        lambda lib: (
            lambda p, x: lib.jvp(
                lambda x: lib.lax.cond(p, lambda x: x * 2, lib.numpy.sin, x), (x,), (x,)
            )
        ),
        (True, TWO),
    ),
    "vmap of cond": (
        lambda lib: lib.vmap(lambda p, x: lib.lax.cond(p, lambda x: x * 2, lambda x: x + 1, x)),
        (np.array([True, False]), TWO),
    ),
    "vmap of switch": (
        lambda lib: lib.vmap(
            lambda i, x: lib.lax.switch(i, [lambda x: x * 2, lambda x: x + 1, lambda x: x], x)
        ),
        (np.array([1, 2, 0, 5, -1], "int32"), ROWS),
    ),
    "vmap of cond by one for all": (
        lambda lib: lib.vmap(
            lambda p, x: lib.lax.cond(p, lambda x: x * 2, lambda x: x + 1, x), in_axes=(None, 0)
        ),
        (True, TWO),
    ),
    "vmap of scan": (
        lambda lib: lib.vmap(
            lambda x, c: lib.lax.scan(lambda c, y: (c + y, c), c, x), in_axes=(0, None)
        ),
        (ROWS, ONE),
    ),
    "vmap of while": (
        lambda lib: lib.vmap(lambda x: lib.lax.while_loop(lambda c: c < 3, lambda c: c + x, x)),
        (TWO,),
    ),
    "vmap of while by one for all": (
        lambda lib: lib.vmap(
            lambda x: lib.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * 2), (0, x))
        ),
        (TWO,),
    ),
    "vmap of fori": (
        lambda lib: lib.vmap(lambda n, x: lib.lax.fori_loop(0, n, lambda i, c: c * 2, x)),
        (np.arange(2, dtype="int32"), TWO),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_as_jax(name: str) -> None:
    build, args = CASES[name]
    theirs = str(jax.make_jaxpr(build(jax))(*args))
    shown = re.sub(r"np\.int64\((\d+)\)", r"\1", theirs)  # what a param of JAX's prints by mistake
    # Where a weak f32 meets a strong one, JAX writes down that the weakness goes; we do not.
    assert str(sf.make_jaxpr(build(sf))(*args)) == shown
