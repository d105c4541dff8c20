"""Misuse of transformations: the class that JAX raises, and our own text, in four parts."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jax_numpy
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as sf_numpy

V = np.ones(3, np.float32)
PARTS = ("\n  Found: ", "\n  Why not: ", "\n  Write instead: ")


def _leak(lib: Any, jnp: Any) -> Any:
    kept = []
    lib.jit(lambda x: kept.append(x * 2) or x)(1.0)
    return kept[0] + 1


def _leak_from_grad(lib: Any, jnp: Any) -> Any:
    kept = []
    lib.grad(lambda x: (kept.append(x * 2), x)[1])(1.0)
    return jnp.sin(kept[0])


# name: (program, words that our message must have); `program(lib, jnp)` raises in both libraries
MISUSES: dict[str, tuple[Callable[[Any, Any], Any], list[str]]] = {
    "bool of a tracer": (
        lambda lib, jnp: lib.jit(lambda x: 1 if x > 0 else 2)(1.0),
        ["truth value", "bool[]", "test_errors.py", "jnp.where", "jit("],
    ),
    "while on a tracer": (
        lambda lib, jnp: lib.jit(lambda x: [x for _ in range(2) if x])(1.0),
        ["truth value", "f32[]", "lax.cond"],
    ),
    "int of a tracer": (
        lambda lib, jnp: lib.jit(lambda x: int(x))(1),
        ["int() of a traced array", "i32[]", "x.astype(int)"],
    ),
    "float of a tracer": (
        lambda lib, jnp: lib.jit(lambda x: float(x))(1.0),
        ["float() of a traced array", "f32[]"],
    ),
    "numpy on a tracer": (
        lambda lib, jnp: lib.jit(lambda x: np.sin(x))(jnp.ones(3)),
        ["NumPy array from a traced array", "f32[3]", "scratchfn.numpy"],
    ),
    "range of a tracer": (
        lambda lib, jnp: lib.jit(lambda n: [0 for _ in range(n)])(3),
        ["Python integer", "i32[]", "fori_loop", "static_argnums"],
    ),
    "list indexed by a tracer": (
        lambda lib, jnp: lib.jit(lambda i: [1, 2, 3][i])(1),
        ["Python integer", "i32[]"],
    ),
    "a tracer leaked from jit": (
        _leak,
        ["leaked tracer", "f32[]", "test_errors.py", "jit(<lambda>)", "return the value"],
    ),
    "a tracer leaked from grad": (
        _leak_from_grad,
        ["leaked tracer", "f32[]", "test_errors.py", "grad(<lambda>)"],
    ),
    "grad of an array": (
        lambda lib, jnp: lib.grad(lambda x: x * 2)(jnp.ones(3)),
        ["grad of <lambda>", "f32[3]", "one number", "jacrev"],
    ),
    "grad of a pair": (
        lambda lib, jnp: lib.grad(lambda x: (x, x))(1.0),
        ["grad of <lambda>", "PyTreeDef((*, *))", "has_aux=True"],
    ),
    "grad of an int": (
        lambda lib, jnp: lib.grad(lambda x: x * 2.0)(3),
        ["grad with respect to argument x of <lambda>", "i32[]", "x.astype(jnp.float32)", "allow_int"],
    ),
    "grad with an integer result": (
        lambda lib, jnp: lib.grad(lambda x: jnp.int32(x))(3.0),
        ["i32[]", "floating point"],
    ),
    "grad of a complex result": (
        lambda lib, jnp: lib.grad(lambda x: x * 2)(1j),
        ["c64[]", "holomorphic=True"],
    ),
    "holomorphic grad of a real input": (
        lambda lib, jnp: lib.grad(lambda x: x * 2, holomorphic=True)(1.0),
        ["f32[]", "x.astype(jnp.complex64)"],
    ),
    "argnums out of range": (
        lambda lib, jnp: lib.grad(lambda x: x, argnums=2)(1.0),
        ["argnums=2", "1 positional arguments"],
    ),
    "argnums not an int": (
        lambda lib, jnp: lib.grad(lambda x: x, argnums="x")(1.0),
        ["argnums='x'"],
    ),
    "grad of no function": (
        lambda lib, jnp: lib.grad(3.0),
        ["f = 3.0 of type float"],
    ),
    "has_aux without a pair": (
        lambda lib, jnp: lib.grad(lambda x: x, has_aux=True)(1.0),
        ["has_aux=True", "pair"],
    ),
    "jvp structure": (
        lambda lib, jnp: lib.jvp(lambda x: x, (1.0,), ((1.0, 2.0),)),
        ["PyTreeDef", "each primal leaf needs a tangent"],
    ),
    "jvp dtype": (
        lambda lib, jnp: lib.jvp(lambda x: x, (1.0,), (1,)),
        ["f32[]", "i32[]"],
    ),
    "jvp shape": (
        lambda lib, jnp: lib.jvp(lambda x: x, (jnp.ones(3),), (jnp.ones(4),)),
        ["f32[3]", "f32[4]"],
    ),
    "jvp primals not a tuple": (
        lambda lib, jnp: lib.jvp(lambda x: x, 1.0, 1.0),
        ["primals of type float", "jvp(f, (x,), (dx,))"],
    ),
    "vjp structure": (
        lambda lib, jnp: lib.vjp(lambda x: x, 1.0)[1]((1.0, 2.0)),
        ["cotangent of structure", "PyTreeDef((*, *))"],
    ),
    "vjp shape": (
        lambda lib, jnp: lib.vjp(lambda x: x, jnp.ones(3))[1](jnp.ones(4)),
        ["f32[4]", "f32[3]"],
    ),
    "vmap sizes": (
        lambda lib, jnp: lib.vmap(lambda x, y: x + y["b"])(jnp.ones(3), {"b": jnp.ones((4, 2))}),
        ["x: f32[3] has size 3 along axis 0", "y['b']: f32[4,2] has size 4 along axis 0"],
    ),
    "vmap keyword sizes": (
        lambda lib, jnp: lib.vmap(lambda x, *, k: x + k)(jnp.ones(3), k=jnp.ones(2)),
        ["x: f32[3] has size 3", "k: f32[2] has size 2"],
    ),
    "vmap axis out of range": (
        lambda lib, jnp: lib.vmap(lambda x: x, in_axes=2)(jnp.ones((3, 4))),
        ["axis 2 in in_axes", "2 dimensions"],
    ),
    "vmap of scalar": (
        lambda lib, jnp: lib.vmap(lambda x: x)(1.0),
        ["0 dimensions", "no axis"],
    ),
    "vmap in_axes length": (
        lambda lib, jnp: lib.vmap(lambda x, y: x, in_axes=(0,))(jnp.ones(3), jnp.ones(3)),
        ["in_axes=(0,) with 1 entries and 2 positional"],
    ),
    "vmap in_axes tree": (
        lambda lib, jnp: lib.vmap(lambda x: x, in_axes=({"a": 0},))({"b": jnp.ones(3)}),
        ["in_axes=({'a': 0},)", "prefix"],
    ),
    "vmap in_axes type": (
        lambda lib, jnp: lib.vmap(lambda x: x, in_axes="0"),
        ["in_axes='0'"],
    ),
    "vmap nothing mapped": (
        lambda lib, jnp: lib.vmap(lambda x: x, in_axes=None)(jnp.ones(3)),
        ["no argument with a mapped axis", "axis_size"],
    ),
    "vmap out_axes None": (
        lambda lib, jnp: lib.vmap(lambda x: x, out_axes=None)(jnp.ones(3)),
        ["out_axes=None", "differs between examples"],
    ),
    "jit of no function": (
        lambda lib, jnp: lib.jit(3),
        ["f = 3 of type int"],
    ),
    "jit of a string argument": (
        lambda lib, jnp: lib.jit(lambda x: x)("a"),
        ["'a' of type str", "static_argnums"],
    ),
    "jit string in a tree": (
        lambda lib, jnp: lib.jit(lambda x: x)({"a": "b"}),
        ["['a']", "'b' of type str"],
    ),
    "jit of a string result": (
        lambda lib, jnp: lib.jit(lambda x: "a")(1.0),
        ["the result of <lambda>", "'a' of type str"],
    ),
    "unhashable static": (
        lambda lib, jnp: lib.jit(lambda x, n: x, static_argnums=1)(1.0, [2]),
        ["static argument 'n'", "[2]", "type list", "tuple"],
    ),
    "static name unknown": (
        lambda lib, jnp: lib.jit(lambda x: x, static_argnames="n"),
        ["'n' is not a parameter"],
    ),
    "static number unknown": (
        lambda lib, jnp: lib.jit(lambda x: x, static_argnums=3),
        ["static_argnums=(3,)", "1 positional"],
    ),
    "dot shapes": (
        lambda lib, jnp: jnp.dot(jnp.ones((3, 4)), jnp.ones((3, 4))),
        ["f32[3,4]"],
    ),
    "matmul operator": (
        lambda lib, jnp: jnp.ones((3, 4)) @ jnp.ones((3,)),
        ["f32[3,4]", "f32[3]"],
    ),
    "concatenate shapes": (
        lambda lib, jnp: jnp.concatenate([jnp.ones((2, 3)), jnp.ones((2, 4))]),
        ["f32[2,3]", "f32[2,4]"],
    ),
    "add shapes": (
        lambda lib, jnp: jnp.ones((3,)) + jnp.ones((4,)),
        ["jnp.add", "(3,)", "(4,)"],
    ),
    "add shapes under jit": (
        lambda lib, jnp: lib.jit(lambda x, y: x * y)(jnp.ones((3, 2)), jnp.ones((4, 2))),
        ["jnp.multiply", "(3, 2)", "(4, 2)"],
    ),
    "broadcast shapes": (
        lambda lib, jnp: jnp.broadcast_to(jnp.ones((3,)), (4,)),
        ["(3,)", "(4,)"],
    ),
    "reshape size": (
        lambda lib, jnp: jnp.ones((3,)).reshape(2, 2),
        ["f32[3]"],
    ),
    "item assignment": (
        lambda lib, jnp: jnp.ones(3).__setitem__(0, 1.0),
        ["x[index] = value", "f32[3]", "immutable", "x = x.at[index].set(value)"],
    ),
    "item assignment on a tracer": (
        lambda lib, jnp: lib.jit(lambda x: x.__setitem__(0, 1.0))(jnp.ones(3)),
        ["f32[3]", "x.at[index].set(value)"],
    ),
    "hash of an array": (
        lambda lib, jnp: {jnp.ones(3): 1},
        ["f32[3]", "hash"],
    ),
    "hash of a tracer": (
        lambda lib, jnp: lib.jit(lambda x: len({x: 1}))(1.0),
        ["f32[]", "hash"],
    ),
    "a list as operand": (
        lambda lib, jnp: jnp.sin([1.0, 2.0]),
        ["jnp.sin", "list"],
    ),
    "a list beside an operator": (
        lambda lib, jnp: operator.add(jnp.ones(2), [1.0, 2.0]),
        ["list", "jnp.array"],
    ),
    "boolean mask under jit": (
        lambda lib, jnp: lib.jit(lambda x: x[x > 0])(jnp.ones(3)),
        ["jnp.where"],
    ),
    "argnums that repeat": (
        lambda lib, jnp: lib.grad(lambda x, y: x * y, argnums=(0, 0))(2.0, 3.0),
        ["argnums=(0, 0)", "twice"],
    ),
    "jacfwd of no function": (lambda lib, jnp: lib.jacfwd(3), ["jacfwd(f)", "f = 3"]),
    "jacrev of no function": (lambda lib, jnp: lib.jacrev(3), ["jacrev(f)", "f = 3"]),
    "a static argument that is donated": (
        lambda lib, jnp: lib.jit(lambda n, x: x, static_argnums=0, donate_argnums=(0, 1)),
        ["static", "donated", "'n'"],
    ),
    "linear_transpose cotangent": (
        lambda lib, jnp: lib.linear_transpose(lambda x: 2 * x, 1.0)(jnp.ones(2)),
        ["linear_transpose", "f32[2]", "f32[]"],
    ),
    "linear_transpose cotangent structure": (
        lambda lib, jnp: lib.linear_transpose(lambda x: 2 * x, 1.0)((1.0,)),
        ["linear_transpose", "structure"],
    ),
    "linearized function on another dtype": (
        lambda lib, jnp: lib.linearize(jnp.sin, jnp.ones(2))[1](jnp.ones(2, jnp.float16)),
        ["f32[2]", "f16[2]"],
    ),
    "tree.map structures": (
        lambda lib, jnp: lib.tree.map(lambda a, b: a, {"a": [1, 2]}, {"a": [1]}),
        ["['a']"],
    ),
}


@pytest.mark.parametrize("name", MISUSES)
def test_class_and_text(name: str) -> None:
    program, words = MISUSES[name]
    with pytest.raises(Exception) as theirs:
        program(jax, jax_numpy)
    with pytest.raises(Exception) as ours:
        program(sf, sf_numpy)
    builtin = next(c for c in type(theirs.value).__mro__ if c.__module__ == "builtins")
    assert isinstance(ours.value, builtin), f"JAX raises a {builtin.__name__}"
    if type(theirs.value).__module__ == "jax.errors":
        assert type(ours.value).__name__ == type(theirs.value).__name__
    text = str(ours.value)
    for part in (*PARTS, *words):
        assert part in text, f"{part!r} is not in:\n{text}"


NOT_LINEAR: list[Callable[[Any], Any]] = [
    lambda x: x * x,
    lambda x: x @ x,
    lambda x: 1 / x,
    lambda x: sf_numpy.where(x > 0, x, 0),
    lambda x: x[sf_numpy.argmax(x)],
]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("f", NOT_LINEAR)
def test_the_transpose_of_what_is_not_linear(f: Callable[[Any], Any], compiled: bool) -> None:
    out = sf.eval_shape(f, V)
    transposed = sf.linear_transpose(f, V)
    with pytest.raises(TypeError, match="only a linear function has a transpose"):
        (sf.jit(transposed) if compiled else transposed)(np.ones(out.shape, np.float32))
