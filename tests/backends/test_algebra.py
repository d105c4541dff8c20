"""What the algebra of programs finds, and that results stay the same to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import lax

# Numbers that a careless rule would change.
ODD = np.array([0.0, -0.0, 1.5, -2.25, np.inf, -np.inf, np.nan, 1e-42], np.float32)
M = np.arange(6, dtype=np.float32).reshape(2, 3) - 2.5

# name: (function, arguments, operations that are left)
CASES: dict[str, tuple[Any, tuple[Any, ...], list[str]]] = {
    "times one": (lambda x: 1 * x * jnp.ones(8), (ODD,), []),
    "by one": (lambda x: x / 1, (ODD,), []),
    "minus nothing": (lambda x: x - 0.0, (ODD,), []),
    "plus minus nothing": (lambda x: x + -0.0, (ODD,), []),
    "plus nothing": (lambda x: x + 0.0, (ODD,), ["add"]),  # -0.0 becomes 0.0
    "minus minus nothing": (lambda x: x - -0.0, (ODD,), ["sub"]),
    "by a power of two": (lambda x: x / 32, (ODD,), ["mul"]),
    "by three": (lambda x: x / 3, (ODD,), ["div"]),
    "not less than anything": (lambda x: jnp.maximum(x, -jnp.inf), (ODD,), []),
    "minus, twice": (lambda x: jnp.negative(jnp.negative(x)), (ODD,), []),
    "not, twice": (lambda x: ~~(x > 0), (ODD,), ["gt"]),
    "first power": (lambda x: lax.integer_pow(x, 1), (ODD,), []),
    "second power": (lambda x: lax.integer_pow(x, 2), (ODD,), ["square"]),
    "constants": (lambda x: x * (jnp.float32(2) * 3 + 1), (ODD,), ["mul"]),
    "a bias": (lambda x, b: x + b, (M, M[0]), ["add"]),
    "a column": (lambda x, b: x * b[:, None], (M, M[:, 0]), ["reshape", "mul"]),
    "splat": (lambda x: jnp.where(x > 0, x, jnp.zeros_like(x)), (ODD,), ["gt", "select_n"]),
    "two broadcast": (
        lambda a, b: jnp.broadcast_to(a, (2, 3)) + jnp.broadcast_to(b, (2, 3)),
        (M[0], M[1]), ["broadcast_in_dim", "add"],
    ),
    "reshaped twice": (lambda x: x.reshape(3, 2).reshape(6), (M,), ["reshape"]),
    "there and back": (lambda x: x.reshape(6).reshape(2, 3), (M,), []),
    "transposed twice": (lambda x: x.T.T, (M,), []),
    "a row transposed": (lambda x: x[:1].T, (M,), ["slice", "reshape"]),
    "a sum of one": (lambda x: x[:, None].sum(1), (M,), []),
    "a product of a transpose": (lambda a, b: a @ b.T, (M, M), ["dot_general"]),
    "a product transposed": (lambda a, b: (a @ b.T).T, (M, M), ["dot_general"]),
    "from the end": (
        lambda i: jnp.where(i < 0, i + 5, i), (np.array([0, 4, -1, -5, -6, 2**31 - 1], np.int32),),
        ["shift_right_arithmetic", "and", "add"],
    ),
    "names": (lambda x: sf.ad_checkpoint.checkpoint_name(lax.stop_gradient(x), "x"), (ODD,), []),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_rules(name: str) -> None:
    f, args, left = CASES[name]
    compiled = sf.jit(f).lower(*args).compile()
    assert [eqn.primitive.name for eqn in compiled._program.optimized.eqns] == left
    with sf.disable_jit():
        want = f(*map(jnp.asarray, args))
    got = compiled(*args)
    np.testing.assert_array_equal(got, want)
    if jnp.issubdtype(got.dtype, jnp.floating):
        np.testing.assert_array_equal(np.signbit(got), np.signbit(want))


def test_weak_types_stay() -> None:
    f = lambda x: (x * 1, x + jnp.float32(2) * 1)  # noqa: E731
    for x in (2.0, jnp.float32(2), jnp.arange(3)):
        for got, want in zip(sf.jit(f)(x), f(x)):
            assert (got.dtype, getattr(got, "weak_type", True)) == (
                jnp.asarray(want).dtype, getattr(want, "weak_type", True)
            )  # fmt: skip
