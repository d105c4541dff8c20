"""Every call of the table with every kind of operands against JAX: value, dtype, weak type and
shape, or the class of the error. What differs on purpose stands in `different.py`, with its reason.
"""

from __future__ import annotations

import warnings
from typing import Any

import jax
import pytest

import scratchfn as sf
from tests.numpy.agree import same, same_error
from tests.surface.different import reason
from tests.surface.operands import KINDS, WIDE_KINDS
from tests.surface.table import calls, name_of, outcome

# One kind for each call, in turn, so that all are in use; half of the calls in the full form alone.
QUICK = [(call, KINDS[n % len(KINDS)]) for n, call in enumerate(calls())]
ALL = [(call, kind) for call in calls() for kind in KINDS]
REST = [case for case in ALL if case not in set(QUICK)]
WIDE = [(call, kind) for call in calls() for kind in WIDE_KINDS]


def agree(call: str, kind: str) -> None:
    """Raises AssertionError unless both libraries give the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # both warn of the same things, in words of their own
        ours, theirs = outcome(call, "scratchfn", kind), outcome(call, "jax", kind)
    if isinstance(ours, Exception) or isinstance(theirs, Exception):
        same_error(ours, theirs)
    else:
        same(ours, theirs, TOLERANCES.get(name_of(call)))


def check(call: str, kind: str) -> None:
    """`agree`, the other way round where a difference is on record: it has to be there still."""
    if reason(call, kind) is None:
        agree(call, kind)
    else:
        with pytest.raises(AssertionError):
            agree(call, kind)


def named(cases: list[tuple[str, str]]) -> Any:
    return pytest.mark.parametrize("call, kind", cases, ids=[f"{c}-{k}" for c, k in cases])


@pytest.mark.thinned(2)  # the tables of each namespace hold most functions to JAX as well
@named(QUICK)
def test_call(call: str, kind: str) -> None:
    check(call, kind)


@pytest.mark.full
@named(REST)
def test_call_with_other_kinds(call: str, kind: str) -> None:
    check(call, kind)


@pytest.mark.full
@named(WIDE)
def test_call_in_64_bits(call: str, kind: str) -> None:
    with sf.enable_x64(True), jax.enable_x64(True):
        check(call, kind)


# Relative tolerances of calls whose result magnifies the rounding of what they are made of.
TOLERANCES: dict[str, float] = {
    "jsp.linalg.expm": 1e-4,  # it is squared up to six times
    "jsp.linalg.expm_frechet": 1e-4,
    "nn.dot_product_attention": 2e-6,  # weights are float32 in both, also of wider queries
    "jsp.linalg.invhilbert": 1e-5,  # exact here, rounded on the way in JAX
}
