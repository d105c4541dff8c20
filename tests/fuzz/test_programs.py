"""Random programs under random stacks of transformations agree with JAX.

The quick form draws 100 programs, `make fuzz` 2,000, each from the seed that stands here;
hypothesis prints the smallest program that fails.
"""

from __future__ import annotations

import re
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings

from tests.fuzz.operations import TABLE
from tests.fuzz.programs import Program, X, Y, check, function, programs

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
quick = settings(max_examples=50, deadline=None, database=None, suppress_health_check=SLOW)
nightly = settings(quick, max_examples=1000)


@seed(1)
@quick
@given(programs())
def test_programs_in_float32(program: Program) -> None:
    check(program, x64=False)


@seed(2)
@quick
@given(programs())
def test_programs_in_x64(program: Program) -> None:
    check(program, x64=True)


@pytest.mark.nightly
@seed(3)
@nightly
@given(programs())
def test_many_programs_in_float32(program: Program) -> None:
    check(program, x64=False)


@pytest.mark.nightly
@seed(4)
@nightly
@given(programs())
def test_many_programs_in_x64(program: Program) -> None:
    check(program, x64=True)


@pytest.mark.nightly
@pytest.mark.parametrize("operation", TABLE)
def test_each_operation_and_its_derivatives(operation: str) -> None:
    for stack in ([], ["grad of both"], ["jvp"], ["vmap of both"], ["jit", "grad"]):
        check(Program([("jnp.sin(x)", 0, 1), (operation, 2, 1)], stack), x64=True)


def test_operations_work_and_are_many() -> None:
    used: set[str] = set()
    for operation in TABLE:
        used |= set(re.findall(r"(?:jnp|lax|nn|lib)(?:\.\w+)+", operation))
    assert len(used) >= 150


@pytest.mark.nightly
@pytest.mark.parametrize("operation", TABLE)
def test_operations_give_moderate_arrays(operation: str) -> None:
    result: Any = jax.jit(function(Program([(operation, 0, 1), ("x", 2, 2)], []), "jax"))(X, Y)
    assert result.shape == (3, 3)
    assert np.all(np.abs(result) < 20)
