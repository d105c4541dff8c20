"""What is faster is measured once, kept in a file, and can be said beforehand; either way the
numbers are right."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn.backends.numpy import calibrate
from scratchfn.core.quiet import quietly
from tests.backends.passes import without

ODD = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -1.0, -2.0, 1e-30, -1e-30, 88.0], np.float32)


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    calibrate._found.cache_clear()
    yield tmp_path
    calibrate._found.cache_clear()


def counted(monkeypatch: pytest.MonkeyPatch, answer: bool) -> list[Any]:
    calls: list[Any] = []
    monkeypatch.setattr(calibrate, "measure", lambda *pair: calls.append(pair) or answer)
    return calls


@pytest.mark.parametrize("answer", [False, True])
def test_measured_once(monkeypatch: pytest.MonkeyPatch, answer: bool) -> None:
    calls = counted(monkeypatch, answer)
    for _ in range(2):  # the second time as another process would, from the file
        assert calibrate.is_composed("log1p") is answer
        calibrate._found.cache_clear()
    assert len(calls) == 1
    (known,) = json.loads(calibrate.cache_file().read_text()).values()
    assert known == {"log1p": answer}


def test_another_machine_is_measured_too(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted(monkeypatch, True)
    calibrate.is_composed("log1p")
    calibrate._found.cache_clear()
    monkeypatch.setattr(calibrate, "this_machine", lambda: "another")
    calibrate.is_composed("log1p")
    assert len(calls) == 2 and len(json.loads(calibrate.cache_file().read_text())) == 2


def test_a_broken_file_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted(monkeypatch, True)
    calibrate.cache_file().parent.mkdir()
    for broken in ("{", "[]", '{"a": 1}'):
        calibrate.cache_file().write_text(broken)
        assert calibrate.is_composed("log1p")
        calibrate._found.cache_clear()
    assert len(calls) == 3


def test_no_place_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", os.devnull)
    calls = counted(monkeypatch, True)
    assert calibrate.is_composed("log1p") and calibrate.is_composed("log1p")
    assert len(calls) == 1


def test_said_beforehand(monkeypatch: pytest.MonkeyPatch, caches: Path) -> None:
    calls = counted(monkeypatch, True)
    with without("elementary"):
        assert not calibrate.is_composed("log1p")
    assert not calls and not list(caches.iterdir())


def test_the_measurement() -> None:
    def slow(x: np.ndarray, out: np.ndarray) -> None:
        for _ in range(9):
            np.exp(x, out)

    assert calibrate.measure(slow, np.exp) and not calibrate.measure(np.exp, slow)


@pytest.mark.parametrize("name", calibrate.PAIRS)
def test_numbers(name: str) -> None:
    native, composed = calibrate.PAIRS[name]
    x = np.concatenate([np.geomspace(1e-37, 80, 90_000), np.linspace(-0.999, 3, 90_000), ODD])
    x = np.concatenate([x, -np.geomspace(1e-37, 0.999, 90_000)]).astype(np.float32)
    got = quietly(composed, x, np.empty_like(x))
    want = quietly(native, x.astype(np.float64))
    np.testing.assert_allclose(got, want, rtol=5 * 2.0**-23, atol=1e-44)
    numbers = ~np.isnan(want)
    np.testing.assert_array_equal(np.signbit(got)[numbers], np.signbit(want)[numbers])
    in_place = x.copy()
    quietly(composed, in_place, in_place)
    np.testing.assert_array_equal(in_place, got)


@pytest.mark.parametrize("name", calibrate.PAIRS)
def test_in_programs(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    x = np.linspace(-0.9, 2, 5000, dtype=np.float32)
    f = getattr(jnp, name)
    monkeypatch.setattr(calibrate, "measure", lambda *pair: True)
    for left_out, line in (("elementary", f"np.{name}("), ("pack", f"{name}_by_")):
        with without(left_out):
            program = sf.jit(lambda x: f(x) + 1)
            assert line in program.lower(x).as_text()
            np.testing.assert_allclose(program(x), f(x) + 1, rtol=1e-6, atol=1e-6)
