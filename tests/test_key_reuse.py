"""debug_key_reuse: a key consumed twice is an error, in plain Python and inside of programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import errors, lax, random

draw = random.normal


def twice(first: Callable[[Any], Any], second: Callable[[Any], Any]) -> Callable[[], Any]:
    def run() -> None:
        key = random.key(0)
        first(key)
        second(key)

    return run


def keys() -> Any:
    return random.split(random.key(0), 4)


@sf.jit
def drawn(key: Any) -> Any:
    return draw(key)


@sf.jit
def drawn_twice(key: Any) -> Any:
    a, b = random.split(key)
    return draw(a) + draw(b) + draw(a)


@sf.jit
def with_key(key: Any) -> tuple[Any, Any]:
    return draw(key), key


def of_rows(take: Callable[[Any], Any], again: Callable[[Any], Any]) -> Callable[[], Any]:
    def run() -> None:
        rows = keys()
        draw(take(rows))
        draw(again(rows))

    return run


REUSED: dict[str, Callable[[], Any]] = {
    "two samples": twice(draw, draw),
    "split after a sample": twice(draw, random.split),
    "split twice": twice(random.split, random.split),
    "a sampler of another kind": twice(random.split, lambda key: random.permutation(key, 3)),
    "the same row": of_rows(lambda rows: rows[0], lambda rows: rows[0]),
    "a row by another way": of_rows(lambda rows: rows.reshape(2, 2)[1, 0], lambda rows: rows[2]),
    "a row that was unpacked": of_rows(lambda rows: list(rows)[1], lambda rows: rows[1]),
    "a row at an index": of_rows(lambda rows: rows[jnp.argmax(jnp.ones(4))], lambda rows: rows[0]),
    "vmap, then a row": lambda: (lambda ks: (sf.vmap(draw)(ks), draw(ks[0])))(keys()),
    "vmap of copies": lambda: sf.vmap(draw)(jnp.stack([random.key(0)] * 2)),
    "inside jit": lambda: drawn_twice(random.key(0)),
    "jit twice": twice(drawn, drawn),
    "jit, then a sample": twice(drawn, draw),
    "a sample, then jit": twice(draw, drawn),
    "what jit returns": lambda: draw(with_key(random.key(0))[1]),
    "after grad": twice(lambda key: sf.grad(lambda x: x * draw(key))(1.0), draw),
    "a carry of scan": lambda: lax.scan(lambda k, _: (k, draw(k)), random.key(0), None, length=2),
    "a constant of scan": lambda: (
        lambda key: lax.scan(lambda c, _: (c + draw(key), None), 0.0, None, length=2)
    )(random.key(0)),
    "rows of scan": lambda: lax.scan(lambda c, k: (c, draw(k) + draw(k)), 0.0, keys()),
    "a carry of while": lambda: lax.while_loop(
        lambda c: c[0] < 2, lambda c: (c[0] + draw(c[1]) * 0 + 1, c[1]), (0.0, random.key(0))
    ),
    "after cond": twice(lambda key: lax.cond(True, lambda: draw(key), lambda: 0.0), draw),
}
GOOD: dict[str, Callable[[], Any]] = {
    "fold_in": twice(lambda key: random.fold_in(key, 0), lambda key: random.fold_in(key, 0)),
    "its words": twice(draw, random.key_data),
    "a clone": twice(draw, lambda key: draw(random.clone(key))),
    "other rows": of_rows(lambda rows: rows[0], lambda rows: rows[1]),
    "split and used": lambda: [draw(key) for key in keys()],
    "vmap": lambda: sf.vmap(draw)(keys()),
    "a key that is not mapped": twice(
        lambda key: sf.vmap(lambda x: draw(key) * x)(jnp.ones(3)), lambda key: key.shape
    ),
    "the same seed": lambda: (draw(random.key(0)), draw(random.key(0))),
    "raw keys": lambda: (draw(random.PRNGKey(0)), draw(random.PRNGKey(0))),
    "jit": lambda: drawn(random.key(0)),
    "a key that jit does not use": twice(draw, sf.jit(lambda key: 1.0)),
    "one branch": twice(
        lambda key: lax.cond(True, lambda: draw(key), lambda: draw(key) * 2), lambda key: key.dtype
    ),
    "a chain in scan": lambda: lax.scan(
        lambda k, _: (lambda ks: (ks[0], draw(ks[1])))(random.split(k)), random.key(0), None, 3
    ),
    "rows of scan": lambda: lax.scan(lambda c, k: (c, draw(k)), 0.0, keys()),
    "fold_in of a loop": twice(
        lambda key: lax.fori_loop(0, 3, lambda i, c: c + draw(random.fold_in(key, i)), 0.0),
        lambda key: key.shape,
    ),
    "grad of jit": lambda: (lambda key: sf.grad(lambda x: x * drawn(key))(1.0))(random.key(0)),
    "samplers with many parts": lambda: (
        random.beta(random.key(0), 2.0, 3.0), random.poisson(random.key(0), 3.0),
        random.permutation(random.key(0), 5), random.randint(random.key(0), (3,), 0, 5),
        random.categorical(random.key(0), jnp.zeros(3)), random.t(random.key(0), 2.0),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REUSED)
def test_reuse_is_an_error(name: str) -> None:
    REUSED[name]()  # nobody asks
    with (
        sf.debug_key_reuse(True),
        pytest.raises(errors.KeyReuseError, match="consumed a second time") as error,
    ):
        REUSED[name]()
    assert str(error.value).count("test_key_reuse.py:") == 2  # the two lines


@pytest.mark.parametrize("name", GOOD)
def test_good_use_is_none(name: str) -> None:
    with sf.debug_key_reuse(True):
        GOOD[name]()


def test_the_class_derives_from_what_jaxs_does() -> None:
    assert issubclass(errors.KeyReuseError, TypeError)
    assert issubclass(jax.errors.KeyReuseError, TypeError)


def test_numbers_are_the_same_under_the_flag() -> None:
    def f(key: Any) -> Any:
        return lax.scan(lambda c, k: (c + draw(k), c), 0.0, random.split(key, 3))

    plain = sf.jit(f)(random.key(3))
    with sf.debug_key_reuse(True):
        watched = sf.jit(f)(random.key(3))
    assert float(plain[0]) == float(watched[0])
    assert plain[1].tolist() == watched[1].tolist()
    assert watched[1].aval == plain[1].aval
