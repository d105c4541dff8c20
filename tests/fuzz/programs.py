"""Random programs, and random stacks of transformations around them, held against JAX.

A program is a list of steps; a step applies an operation of `operations.py` to two of the values
there are so far. Its result is the sum of its last two values, so that little of it is dead. A
program is drawn from its number alone, so a number is all that a report of a difference needs:

    python -m tests.fuzz 1234          # the program, the stack, and what differs

Read next: `transformations.py`, what the stacks are made of.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy
import numpy as np

import scratchfn as sf
import scratchfn.numpy
import scratchfn.scipy
from tests.fuzz.operations import HOLDING_PROGRAMS, LOOPS, TABLE, names
from tests.fuzz.transformations import FORWARD, TRANSFORMATIONS, Function
from tests.numpy.agree import same_error

X = np.array([[0.62, -1.31, 0.93], [1.12, 0.21, -0.42], [-0.77, 1.48, 0.35]])
Y = np.array([[-0.35, 0.84, 1.21], [0.58, -0.93, 0.17], [1.36, 0.44, -1.08]])


class Program(NamedTuple):
    """`steps`: (operation, place of x, place of y); `stack`: transformations, outermost first."""

    steps: list[tuple[str, int, int]]
    stack: list[str]

    def __str__(self) -> str:
        lines = [f"v{n + 2} = {op}, x=v{a}, y=v{b}" for n, (op, a, b) in enumerate(self.steps)]
        return "\n".join([" of ".join([*self.stack, "the program"]), *lines])


def draw(number: int, forward: bool = False) -> Program:
    """The program of that number: 2 to 6 steps, a third of them control flow, rules and nested
    transformations, under up to 3 transformations, most often 3. The programs that go `forward`
    have loops of unknown length, and no reverse mode around them."""
    rng = random.Random(number)
    some, stacked = (LOOPS, FORWARD) if forward else (HOLDING_PROGRAMS, TRANSFORMATIONS)
    steps: list[tuple[str, int, int]] = []
    for n in range(rng.randint(2, 6)):
        # The latest value or the one before: programs are deep rather than wide.
        x, y = n + rng.randint(0, 1), rng.randint(0, n + 1)
        steps.append((rng.choice(some if rng.random() < 0.25 else TABLE), x, y))
    if forward:
        steps[-1] = (rng.choice(some), *steps[-1][1:])
    depth = rng.choice([0, 1, 2, 2, 3, 3, 3])
    return Program(steps, [rng.choice(list(stacked)) for _ in range(depth)])


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


def check(program: Program, x64: bool, backend: str = "numpy") -> bool:
    """Raises AssertionError unless both libraries give the same array, or alike errors: ours as it
    is called, and as one compiled program. Is there an array?"""
    dtype = np.float64 if x64 else np.float32
    args = X.astype(dtype), Y.astype(dtype)
    f, g = function(program, "scratchfn"), function(program, "jax")
    with jax.enable_x64(x64):
        theirs = _outcome(jax.jit(g), args)
    with sf.enable_x64(x64):
        _same(program, _outcome(sf.jit(f, backend=backend), args), theirs, dtype)
        called = _outcome(f, args) if backend == "numpy" else theirs
    computed = not isinstance(theirs, Exception)
    if computed and isinstance(called, Exception):
        # Forward mode through a custom_vjp rule is refused; but under jit not before tangents that
        # nobody reads have been dropped.
        with jax.enable_x64(x64):
            theirs = _outcome(g, args)
    _same(program, called, theirs, dtype)
    return computed


def _same(program: Program, ours: Any, theirs: Any, dtype: Any) -> None:
    if isinstance(theirs, NotImplementedError) and "custom_lin" in str(theirs):
        # JAX's refusal of forward mode through a custom_vjp rule, where it is asked for twice.
        theirs = TypeError(str(theirs))
    if isinstance(ours, Exception) or isinstance(theirs, Exception):
        same_error(ours, theirs)
        return
    assert ours.dtype == theirs.dtype, program
    # Derivatives amplify rounding; the scale of the result bounds what is lost by cancelling.
    tolerance = 5e4 * np.finfo(dtype).eps
    scale = 1 + np.abs(theirs[np.isfinite(theirs)]).max(initial=0)
    np.testing.assert_allclose(ours, theirs, tolerance, tolerance * scale, err_msg=str(program))


def _outcome(f: Callable[..., Any], args: Any) -> Any:
    try:
        return np.asarray(f(*args))
    except Exception as error:  # whatever it is, it is compared
        return error


def difference(number: int, backend: str = "numpy", forward: bool = False) -> str | None:
    """How the libraries differ on the program of that number, at its smallest; None if they do not.
    Even numbers run in float32, odd ones in x64."""
    program, x64 = draw(number, forward), number % 2 == 1

    def differs(program: Program) -> AssertionError | None:
        try:
            check(program, x64, backend)
        except AssertionError as error:
            return error
        return None

    if differs(program) is None:
        return None
    least = smallest(program, lambda less: differs(less) is not None)
    return f"-- program {number}\n{program}\n-- at its smallest\n{least}\n{differs(least)}"


def smallest(program: Program, differs: Callable[[Program], bool]) -> Program:
    """The program with every step and transformation left out without which it still differs."""
    for n in range(len(program.stack)):
        less = program._replace(stack=program.stack[:n] + program.stack[n + 1 :])
        if differs(less):
            return smallest(less, differs)
    for n in range(len(program.steps)):
        for place in {program.steps[n][1], program.steps[n][2]}:
            less = program._replace(steps=_without(program.steps, n, place))
            if len(less.steps) > 1 and differs(less):
                return smallest(less, differs)
    return program


def _without(steps: list[tuple[str, int, int]], n: int, place: int) -> list[tuple[str, int, int]]:
    """The steps without the n-th, whose readers read what it read at `place`."""

    def moved(v: int) -> int:
        return place if v == n + 2 else v - (v > n + 2)

    return steps[:n] + [(op, moved(a), moved(b)) for op, a, b in steps[n + 1 :]]
