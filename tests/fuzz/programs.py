"""Random programs, and random stacks of transformations around them.

A program is a list of steps; a step applies an operation of `operations.py` to two of the values
there are so far. Its result is the sum of its last two values, so that little of it is dead.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy
import numpy as np
from hypothesis import strategies as st

import scratchfn as sf
import scratchfn.numpy
import scratchfn.scipy
from tests.fuzz.operations import TABLE, names
from tests.numpy.agree import same_error

Function = Callable[[Any, Any], Any]  # two arrays [3, 3] -> one

X = np.array([[0.62, -1.31, 0.93], [1.12, 0.21, -0.42], [-0.77, 1.48, 0.35]])
Y = np.array([[-0.35, 0.84, 1.21], [0.58, -0.93, 0.17], [1.36, 0.44, -1.08]])


class Program(NamedTuple):
    """`steps`: (operation, place of x, place of y); `stack`: transformations, outermost first."""

    steps: list[tuple[str, int, int]]
    stack: list[str]

    def __str__(self) -> str:
        lines = [f"v{n + 2} = {op}, x=v{a}, y=v{b}" for n, (op, a, b) in enumerate(self.steps)]
        return "\n".join([" of ".join([*self.stack, "the program"]), *lines])


@st.composite
def programs(draw: Any, most_steps: int = 6, most_transformations: int = 3) -> Program:
    steps: list[tuple[str, int, int]] = []
    for n in range(draw(st.integers(2, most_steps))):
        # The latest value or the one before: programs are deep rather than wide.
        x = n + 1 - draw(st.integers(0, 1))
        y = draw(st.integers(0, n + 1))
        steps.append((draw(st.sampled_from(TABLE)), x, y))
    stack = draw(st.lists(st.sampled_from(list(TRANSFORMATIONS)), max_size=most_transformations))
    return Program(steps, stack)


@functools.cache
def _library(name: str) -> dict[str, Any]:
    if name == "jax":
        return names(jax, jax.numpy)
    return names(sf, scratchfn.numpy)


@functools.cache
def _compiled(expression: str) -> Any:
    return compile(expression, expression, "eval")


def function(program: Program, library: str) -> Function:
    """The program and its transformations as a function of two arrays."""
    space = _library(library)

    def run(x: Any, y: Any) -> Any:
        values = [space["jnp"].asarray(x), space["jnp"].asarray(y)]
        for operation, a, b in program.steps:
            given = {"x": values[a], "y": values[b]}
            values.append(eval(_compiled(operation), space | given))
        return 0.5 * (values[-1] + values[-2])

    for name in reversed(program.stack):
        run = TRANSFORMATIONS[name](space["lib"], space["jnp"], run)
    return run


def _grad(lib: Any, jnp: Any, f: Function) -> Function:
    return lib.grad(lambda x, y: jnp.sum(f(x, y) * jnp.cos(y)))


def _grad_of_both(lib: Any, jnp: Any, f: Function) -> Function:
    both = lib.value_and_grad(lambda x, y: jnp.mean(f(x, y)), argnums=(0, 1))

    def run(x: Any, y: Any) -> Any:
        value, (dx, dy) = both(x, y)
        return value + dx - 0.5 * dy

    return run


def _jvp(lib: Any, jnp: Any, f: Function) -> Function:
    return lambda x, y: lib.jvp(f, (x, y), (jnp.cos(x), 0.5 * y))[1]


def _vjp(lib: Any, jnp: Any, f: Function) -> Function:
    return lambda x, y: sum(lib.vjp(f, x, y)[1](jnp.sin(x)))


def _linearize(lib: Any, jnp: Any, f: Function) -> Function:
    return lambda x, y: lib.linearize(lambda a: f(a, y), x)[1](0.5 * y)


def _vmap(lib: Any, jnp: Any, f: Function) -> Function:
    def run(x: Any, y: Any) -> Any:
        xs = jnp.stack([x, 0.9 * x], axis=1)
        return jnp.mean(lib.vmap(f, in_axes=(1, None), out_axes=-1)(xs, y), axis=-1)

    return run


def _vmap_both(lib: Any, jnp: Any, f: Function) -> Function:
    def run(x: Any, y: Any) -> Any:
        outs = lib.vmap(f)(jnp.stack([x, x.T]), jnp.stack([y, 0.8 * y]))
        return outs[0] + 0.3 * outs[1]

    return run


def _jit(lib: Any, jnp: Any, f: Function) -> Function:
    return lib.jit(f)


def _jacfwd(lib: Any, jnp: Any, f: Function) -> Function:
    return lambda x, y: jnp.sum(lib.jacfwd(f)(x, y), axis=(2, 3)) / 3


def _checkpoint(lib: Any, jnp: Any, f: Function) -> Function:
    return lib.checkpoint(f)


def _scan(lib: Any, jnp: Any, f: Function) -> Function:
    def run(x: Any, y: Any) -> Any:
        def step(carry: Any, y: Any) -> Any:
            return 0.5 * carry + 0.5 * jnp.tanh(f(carry, y)), carry[0]

        last, rows = lib.lax.scan(step, x, jnp.stack([y, -y]))
        return last + jnp.mean(rows)

    return run


TRANSFORMATIONS: dict[str, Callable[[Any, Any, Function], Function]] = {
    "grad": _grad,
    "grad of both": _grad_of_both,
    "jvp": _jvp,
    "vjp": _vjp,
    "linearize": _linearize,
    "vmap": _vmap,
    "vmap of both": _vmap_both,
    "jit": _jit,
    "jacfwd": _jacfwd,
    "checkpoint": _checkpoint,
    "scan": _scan,
}


def check(program: Program, x64: bool) -> None:
    """Raises AssertionError unless both libraries give the same array, or alike errors."""
    dtype = np.float64 if x64 else np.float32
    args = X.astype(dtype), Y.astype(dtype)
    with jax.enable_x64(x64):
        theirs = _outcome(jax.jit(function(program, "jax")), args)
    with sf.enable_x64(x64):
        ours = _outcome(function(program, "scratchfn"), args)
    if _refused_forward(program, ours):
        return
    if isinstance(ours, Exception) or isinstance(theirs, Exception):
        same_error(ours, theirs)
        return
    assert ours.dtype == theirs.dtype, program
    # Derivatives amplify rounding; the scale of the result bounds what is lost by cancelling.
    tolerance = 5e4 * np.finfo(dtype).eps
    scale = 1 + np.abs(theirs[np.isfinite(theirs)]).max(initial=0)
    np.testing.assert_allclose(ours, theirs, tolerance, tolerance * scale, err_msg=str(program))


def _refused_forward(program: Program, ours: Any) -> bool:
    """Forward mode through a custom_vjp function is refused by both; by JAX only where XLA has not
    dropped the tangent, unused, before it could be asked for."""
    forward = any(name in str(program) for name in ("jvp", "jacfwd", "linearize", "hessian"))
    return forward and isinstance(ours, TypeError) and "through a custom_vjp" in str(ours)


def _outcome(f: Function, args: Any) -> Any:
    try:
        return np.asarray(f(*args))
    except Exception as error:  # whatever it is, it is compared
        return error
