"""What loops and branches refuse: with JAX's class of error, and with the place and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy

Attempt = Callable[[Any], Any]


def _tree_of_carry(lib: Any) -> Any:
    init = {"h": [lib.numpy.ones(2)], "n": 0}
    return lib.lax.scan(
        lambda c, x: ({"h": [lib.numpy.ones(3)], "n": c["n"]}, None), init, None, length=2
    )


def _two_that_change(lib: Any) -> Any:
    return lib.lax.scan(lambda c, x: ((c[1] > 0, c[0]), None), (1.0, True), None, length=2)


def _less_of_carry(lib: Any) -> Any:
    return lib.lax.scan(lambda c, x: ({"a": c["a"]}, None), {"a": 1, "b": 2}, None, length=2)


def _traced_length(lib: Any) -> Any:
    return lib.jit(lambda n: lib.lax.scan(lambda c, x: (c, None), 0, None, length=n))(3)


def _unrolled_while(lib: Any) -> Any:
    return lib.jit(lambda n: lib.lax.fori_loop(0, n, lambda i, c: c, 0.0, unroll=2))(3)


def _grad_of_while(lib: Any) -> Any:
    return lib.grad(lambda x: lib.lax.while_loop(lambda c: c < 3, lambda c: c * 2, x))(1.0)


def _grad_of_fori(lib: Any) -> Any:
    f = lambda n, x: lib.lax.fori_loop(0, n, lambda i, c: c * x, x)  # noqa: E731
    return lib.jit(lib.grad(f, argnums=1))(3, 2.0)


# what is done, JAX's class, and what the message must say
CASES: dict[str, tuple[Attempt, type[Exception], list[str]]] = {
    "a carry of another shape": (
        _tree_of_carry,
        TypeError,
        ["lax.scan", "c['h'][0] of type f32[2] comes back as f32[3]", "next", "jnp.zeros((3,)"],
    ),
    "a carry of another dtype": (
        lambda lib: lib.lax.scan(lambda h, x: (h.astype(int), None), 0.5, None, length=2),
        TypeError,
        ["h of type f32[] comes back as i32[]", "h.astype('float32')", "jnp.asarray(h, 'int32')"],
    ),
    "two carries of other dtypes": (
        _two_that_change,
        TypeError,
        ["c[0] of type f32[] comes back as bool[]", "c[1] of type bool[] comes back as f32[]"],
    ),
    "a carry of another structure": (
        _less_of_carry,
        TypeError,
        ["dict with keys ['a', 'b']", "dict with keys ['a']", "structure must not change"],
    ),
    "a carry with a pair in place of a leaf": (
        lambda lib: lib.lax.scan(lambda c, x: ((c, c), None), 0, None, length=2),
        TypeError,
        ["c, a leaf, comes back as tuple of length 2"],
    ),
    "no pair": (
        lambda lib: lib.lax.scan(lambda c, x: c, 0, None, length=2),
        TypeError,
        ["returns i32[]", "a pair", "return carry, y"],
    ),
    "three of them": (
        lambda lib: lib.lax.scan(lambda c, x: (c, x, c), 0, None, length=2),
        TypeError,
        ["a tuple of 3"],
    ),
    "a y that is no array": (
        lambda lib: lib.lax.scan(lambda c, x: (c, "a"), 0, np.ones(2)),
        TypeError,
        ["'a' of type str"],
    ),
    "xs that are no arrays": (
        lambda lib: lib.lax.scan(lambda c, x: (c, x), 0, {"a": "abc"}),
        TypeError,
        ["xs['a'] as an array", "'abc' of type str"],
    ),
    "an init that is no array": (
        lambda lib: lib.lax.scan(lambda c, x: (c, x), "abc", np.ones(2)),
        TypeError,
        ["the carry init", "'abc' of type str"],
    ),
    "xs of different sizes": (
        lambda lib: lib.lax.scan(lambda c, x: (c, x), 0, {"a": np.ones(3), "b": np.ones((2, 4))}),
        ValueError,
        ["xs['a']: f32[3] has 3 rows", "xs['b']: f32[2,4] has 2 rows", "x[:n]"],
    ),
    "xs and another length": (
        lambda lib: lib.lax.scan(lambda c, x: (c, x), 0, np.ones(3), length=2),
        ValueError,
        ["xs: f32[3] has 3 rows", "length=2", "no length"],
    ),
    "neither xs nor a length": (
        lambda lib: lib.lax.scan(lambda c, x: (c, x), 0, None),
        ValueError,
        ["no array in xs, and no length", "length=10"],
    ),
    "a scalar among xs": (
        lambda lib: lib.lax.scan(lambda c, x: (c, x), 0, (np.ones(3), 1.0)),
        ValueError,
        ["xs[1] of type f32[]", "leading axis", "jnp.broadcast_to(xs[1], (length,))"],
    ),
    "a traced length": (
        _traced_length,
        TypeError,
        ["traced length", "fori_loop", "static_argnums"],
    ),
    "no function to scan": (
        lambda lib: lib.lax.scan(3, 0, None, length=2),
        TypeError,
        ["lax.scan", "f = 3 of type int"],
    ),
    "unrolled backwards": (
        lambda lib: lib.lax.scan(lambda c, x: (c, x), 0, np.ones(2), unroll=-1),
        ValueError,
        ["unroll=-1", "number of steps"],
    ),
    "a map of nothing": (lambda lib: lib.lax.map(lambda x: x, ()), ValueError, ["lax.map"]),
    "a map of a scalar": (
        lambda lib: lib.lax.map(lambda x: x, 3.0),
        ValueError,
        ["xs of type f32[]"],
    ),
    "a condition that is a pair": (
        lambda lib: lib.lax.while_loop(lambda c: (True, True), lambda c: c, 0),
        TypeError,
        ["a result of structure", "one bool"],
    ),
    "a condition that is an array": (
        lambda lib: lib.lax.while_loop(lambda c: lib.numpy.ones(1, bool), lambda c: c, 0),
        TypeError,
        ["bool[1]", "c.any() or c.all()"],
    ),
    "a condition that is a number": (
        lambda lib: lib.lax.while_loop(lambda c: c, lambda c: c, 0),
        TypeError,
        ["i32[]", "x != 0"],
    ),
    "a while of another type": (
        lambda lib: lib.lax.while_loop(lambda c: c < 3, lambda c: c + 0.5, np.int32(0)),
        TypeError,
        ["c of type i32[] comes back as f32[]"],
    ),
    "a fori of another type": (
        lambda lib: lib.lax.fori_loop(0, 3, lambda i, val: {"a": val["a"] > 0}, {"a": 1.5}),
        TypeError,
        ["lax.fori_loop", "val['a'] of type f32[] comes back as bool[]"],
    ),
    "a fori of another structure": (
        lambda lib: lib.lax.fori_loop(0, 3, lambda i, val: (val, val), 1.5),
        TypeError,
        ["val, a leaf, comes back as tuple of length 2"],
    ),
    "bounds of two types": (
        lambda lib: lib.lax.fori_loop(0, np.uint8(3), lambda i, c: c, 0.0),
        TypeError,
        ["lower of type i32[] and upper of type u8[]", "jnp.asarray(upper, 'int32')"],
    ),
    "a bound that is an array": (
        lambda lib: lib.lax.fori_loop(0, np.ones(2, "int32"), lambda i, c: c, 0.0),
        TypeError,
        ["upper of type i32[2]"],
    ),
    "unrolled without an end": (_unrolled_while, ValueError, ["unroll=2", "traced"]),
    "while backwards": (
        _grad_of_while,
        ValueError,
        ["reverse-mode", "lax.while_loop", "f32[]", "lax.scan, or lax.fori_loop", "jacfwd"],
    ),
    "fori backwards": (_grad_of_fori, ValueError, ["reverse-mode"]),
    "branches of two dtypes": (
        lambda lib: lib.lax.cond(True, lambda: {"a": 1.0}, lambda: {"a": True}),
        TypeError,
        ["result['a'] of type f32[] in true_fun", "bool[] in false_fun", "x.astype('float32')"],
    ),
    "branches of two shapes": (
        lambda lib: lib.lax.cond(True, lambda: np.ones(2), lambda: 1.0),
        TypeError,
        ["result of type f32[2] in true_fun", "f32[] in false_fun", "jnp.broadcast_to(x, (2,))"],
    ),
    "branches of two structures": (
        lambda lib: lib.lax.cond(True, lambda: [1, (2,)], lambda: [1, [2]]),
        TypeError,
        ["result[1] is tuple of length 1 in true_fun", "list of length 1 in false_fun"],
    ),
    "a predicate for each": (
        lambda lib: lib.lax.cond(np.ones(2, bool), lambda: 1, lambda: 2),
        TypeError,
        ["a predicate of type bool[2]", "x.any()"],
    ),
    "a predicate that is none": (
        lambda lib: lib.lax.cond(None, lambda: 1, lambda: 2),
        TypeError,
        ["a predicate None"],
    ),
    "a predicate that is text": (
        lambda lib: lib.lax.cond("yes", lambda: 1, lambda: 2),
        TypeError,
        ["a predicate 'yes' of type str"],
    ),
    "a complex predicate": (
        lambda lib: lib.lax.cond(1j, lambda: 1, lambda: 2),
        TypeError,
        ["c64[]", "x != 0"],
    ),
    "branches that are no functions": (
        lambda lib: lib.lax.cond(True, 1, 2),
        TypeError,
        ["true_fun = 1 of type int"],
    ),
    "an operand twice": (
        lambda lib: lib.lax.cond(True, lambda x: x, lambda x: x, 3, operand=3),
        TypeError,
        ["operand=3"],
    ),
    "an operand that is no array": (
        lambda lib: lib.lax.cond(True, lambda x: x, lambda x: x, "s"),
        TypeError,
        ["operands[0]", "'s' of type str"],
    ),
    "a branch that returns text": (
        lambda lib: lib.lax.cond(True, lambda: "s", lambda: "t"),
        TypeError,
        ["the result of true_fun", "'s' of type str"],
    ),
    "an index that is a float": (
        lambda lib: lib.lax.switch(1.0, [lambda: 1, lambda: 2]),
        TypeError,
        ["an index of type f32[]", "i.astype('int32')"],
    ),
    "an index for each": (
        lambda lib: lib.lax.switch(np.ones(2, "int32"), [lambda: 1, lambda: 2]),
        TypeError,
        ["an index of type i32[2]", "vmap"],
    ),
    "an index that is a bool": (
        lambda lib: lib.lax.switch(True, [lambda: 1, lambda: 2]),
        TypeError,
        ["an index of type bool[]", "lax.cond"],
    ),
    "no branches": (lambda lib: lib.lax.switch(0, []), ValueError, ["no branches"]),
    "one function for branches": (
        lambda lib: lib.lax.switch(0, lambda: 1),
        TypeError,
        ["branches of type function", "[f, g]"],
    ),
    "branches that differ": (
        lambda lib: lib.lax.switch(0, [lambda: 1, lambda: 1, lambda: 1.5]),
        TypeError,
        ["result of type i32[] in branch 0", "f32[] in branch 2"],
    ),
    "associative arrays of two sizes": (
        lambda lib: lib.lax.associative_scan(
            lambda a, b: a, (np.ones(3, "float32"), np.ones(2, "float32"))
        ),
        ValueError,
        ["elems[0]: f32[3] has size 3 along axis 0", "elems[1]: f32[2] has size 2"],
    ),
    "associative along no axis": (
        lambda lib: lib.lax.associative_scan(lib.numpy.add, np.ones(3, "float32"), axis=2),
        ValueError,
        ["axis 2 is out of bounds for array of dimension 1"],
    ),
    "associative of another structure": (
        lambda lib: lib.lax.associative_scan(lambda a, b: (a, b), np.ones(3, "float32")),
        ValueError,
        ["a result of structure"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_refused(name: str) -> None:
    attempt, error, parts = CASES[name]
    with pytest.raises(error):
        attempt(jax)
    with pytest.raises(error) as raised:
        attempt(sf)
    text = str(raised.value)
    for part in [*parts, "Found: ", "Why not: ", "Write instead: "]:
        assert part in text


def test_no_platform() -> None:
    with pytest.raises(NotImplementedError, match="no default"):
        sf.lax.platform_dependent(1.0, tpu=lambda x: x)
    assert sf.lax.platform_dependent(1.0, cpu=lambda x: x + 1, default=lambda x: x) == 2.0
    assert sf.lax.platform_dependent(1.0, tpu=lambda x: x + 1, default=lambda x: x) == 1.0


def test_no_steps_without_jit() -> None:
    with sf.disable_jit(), pytest.raises(ValueError, match="no steps"):
        sf.lax.scan(lambda c, x: (c, x), 0, np.ones(0))
    with sf.disable_jit():
        assert sf.lax.fori_loop(3, 3, lambda i, c: c + 1, 5) == 5
