"""Random programs under random stacks of transformations agree with JAX.

The first 100 programs run with the tests, `make fuzz` runs 2,000; even numbers in float32, odd ones
in x64. On the jax backend the night runs 200 of them. `README.md` says what has been run.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from typing import Any

import jax
import numpy as np
import pytest

from scratchfn.primitives.math import sin_p
from tests.fuzz.operations import LOOPS, TABLE
from tests.fuzz.programs import Program, X, Y, check, difference, draw, function, smallest
from tests.fuzz.transformations import FORWARD, TRANSFORMATIONS

SLICE = 10  # programs a test


def _slices(first: int, end: int) -> Any:
    return pytest.mark.parametrize("first", range(first, end, SLICE))


def _agree(first: int, backend: str = "numpy", forward: bool = False) -> None:
    found = [difference(number, backend, forward) for number in range(first, first + SLICE)]
    assert not any(found), "\n\n".join(filter(None, found))


@_slices(0, 100)
def test_programs(first: int) -> None:
    _agree(first)


@pytest.mark.nightly
@_slices(100, 2000)
def test_many_programs(first: int) -> None:
    _agree(first)


@pytest.mark.nightly
@_slices(0, 200)
def test_programs_on_jax(first: int) -> None:
    _agree(first, "jax")


@_slices(0, 20)
def test_loops_of_unknown_length(first: int) -> None:
    _agree(first, forward=True)


@pytest.mark.nightly
@_slices(20, 300)
def test_many_loops_of_unknown_length(first: int) -> None:
    _agree(first, forward=True)


@pytest.mark.nightly
@pytest.mark.parametrize("operation", TABLE)
def test_each_operation_and_its_derivatives(operation: str) -> None:
    for stack in ([], ["grad of both"], ["jvp"], ["vmap of both"], ["jit", "grad"]):
        check(Program([("jnp.sin(x)", 0, 1), (operation, 2, 1)], stack), x64=True)


@pytest.mark.nightly
@pytest.mark.parametrize("operation", TABLE)
def test_operations_give_moderate_arrays(operation: str) -> None:
    result: Any = jax.jit(function(Program([(operation, 0, 1), ("x", 2, 2)], []), "jax"))(X, Y)
    assert result.shape == (3, 3)
    assert np.all(np.abs(result) < 20)


# -- what is drawn --------------------------------------------------------------------------------

FORMS = """
lax.scan lax.fori_loop lax.cond lax.switch lax.map lax.associative_scan lax.custom_linear_solve
lax.custom_root lib.jit lib.vmap lib.checkpoint lib.grad lib.jvp lib.vjp lib.linearize lib.jacfwd
lib.jacrev lib.hessian custom_jvp custom_vjp clipped_gradient
"""


def _functions(operation: str) -> set[str]:
    named = set(re.findall(r"(?:jnp|lax|nn|lib)(?:\.\w+)+", operation))
    return named | {name for name in FORMS.split() if re.search(rf"\b{name}\b", operation)}


def test_the_first_programs_have_it_all() -> None:
    some, all_ = ([draw(number) for number in range(end)] for end in (100, 2000))
    used = Counter(name for p in some for op, _, _ in p.steps for name in _functions(op))
    assert len(used) >= 150
    assert all(used[name] for name in FORMS.split())
    assert {name for p in some for name in p.stack} == set(TRANSFORMATIONS)
    assert {op for p in all_ for op, _, _ in p.steps} == set(TABLE)
    forward = [draw(number, forward=True) for number in range(300)]
    assert {op for p in forward for op, _, _ in p.steps} >= set(LOOPS)
    assert {name for p in forward for name in p.stack} == set(FORWARD)


def test_most_pairs_of_transformations_are_drawn() -> None:
    pairs = {pair for n in range(2000) for pair in itertools.pairwise(draw(n).stack)}
    assert len(pairs) == len(TRANSFORMATIONS) ** 2
    depths = Counter(len(draw(n).stack) for n in range(2000))
    assert set(depths) == {0, 1, 2, 3}
    assert depths[3] > 700


# -- the fuzz itself ------------------------------------------------------------------------------


def test_a_wrong_rule_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    program = Program([("jnp.cos(x)", 0, 1), ("x * jnp.sin(y)", 2, 1)], ["jit", "grad of both"])
    assert check(program, x64=True)

    def wrong(primals: Any, tangents: Any, **params: Any) -> Any:
        return sin_p.bind(*primals, **params), tangents[0]

    monkeypatch.setattr(sin_p, "jvp", wrong)
    with pytest.raises(AssertionError, match="jit of grad of both of the program"):
        check(program, x64=True)


def test_what_differs_is_shown_at_its_smallest() -> None:
    program = Program([("x + 1", 0, 1), ("-x", 2, 0), ("x * y", 3, 2), ("x - y", 4, 3)], ["jit"])
    least = smallest(program, lambda p: any(op == "x * y" for op, _, _ in p.steps))
    assert least == Program([("x * y", 0, 0), ("x - y", 2, 0)], [])
