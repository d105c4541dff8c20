"""The benchmarks measure what they say: the same step, jitted or not, traced and compiled."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import calls, first_call, markdown
from benchmarks.peers.jaxlike import Trainer
from benchmarks.workloads import find


def test_numbers_have_three_digits(capsys: pytest.CaptureFixture[str]) -> None:
    markdown.head("a", "b")
    markdown.line("x", 1234.5, 12.0, 0.012345, 7)
    assert capsys.readouterr().out == "| a | b |\n|---|---|\n| x | 1234 | 12.0 | 0.0123 | 7 |\n"


def test_an_eager_step_is_the_jitted_one() -> None:
    jitted, eager = (
        Trainer("scratchfn", find("small_mlp"), compiled) for compiled in (True, False)
    )
    losses = [[float(trainer.step()) for _ in range(3)] for trainer in (jitted, eager)]
    np.testing.assert_allclose(*losses, rtol=1e-5)
    assert losses[0][2] < losses[0][0]


def test_a_first_call_traces_and_compiles() -> None:
    seconds = first_call.measure_here("scratchfn", "small_mlp")
    assert list(seconds) == ["trace", "compile"] and min(seconds.values()) > 0


def test_called_functions_take_what_they_are_given() -> None:
    for title, f, arguments in calls.cases():
        assert f(arguments) is not None, title
