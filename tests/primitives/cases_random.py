"""Cases of random words and of typed keys. What is drawn from them is tested in tests/random."""

from __future__ import annotations

import jax

from scratchfn.core.array import as_value
from scratchfn.primitives.random_bits import random_clone, random_unwrap, random_wrap
from tests.primitives.case import Case, bind, integers, is_ours, values


def words(*shape):
    return integers(*shape, low=0, high=2**32, dtype="uint32")


def encrypt(*args):
    return Case("threefry2x32", lambda lax, *xs: bind(lax, "threefry2x32", *xs), *args)


def there_and_back(lax, x):
    """The words of keys made of words: keys themselves have no numbers to compare."""
    if is_ours(lax):
        return random_unwrap(random_wrap(as_value(x)))
    return jax.random.key_data(jax.random.wrap_key_data(x))


def there_cloned_and_back(lax, x):
    if is_ours(lax):
        return random_unwrap(random_clone(random_wrap(as_value(x))))
    return jax.random.key_data(jax.random.clone(jax.random.wrap_key_data(x)))


CASES = [
    encrypt(words(), words(), words(4), words(4)),
    encrypt(words(), words(), words(), words()),
    encrypt(words(7), words(7), words(7), words(7)),
    encrypt(words(3, 1), words(3, 1), words(1, 5), words(1, 5)),
    encrypt(words(), words(), words(0), words(0)),
    encrypt(
        values(2**32 - 1, "uint32"), words(), values([0, 2**31], "uint32"), values([0, 1], "uint32")
    ),
    *(
        Case(name, there_and_back, words(*shape))
        for name in ("random_wrap", "random_unwrap")
        for shape in ((2,), (3, 2), (2, 0, 2), (2, 3, 2))
    ),
    Case("random_clone", there_cloned_and_back, words(3, 2)),
]
