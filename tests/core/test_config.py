"""Flags: for all threads, for a block, by environment variable, and by JAX's names."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from scratchfn.config import config, enable_x64, setting


def test_a_block_sets_and_restores() -> None:
    assert config.enable_x64 is False
    with enable_x64():
        assert config.enable_x64 is True
        with enable_x64(False):
            assert config.enable_x64 is False
        assert config.enable_x64 is True
    assert config.enable_x64 is False


def test_a_block_is_one_threads_own() -> None:
    seen = []
    with enable_x64():
        thread = threading.Thread(target=lambda: seen.append(config.enable_x64))
        thread.start()
        thread.join()
    assert seen == [False]


def test_jaxs_name_and_all_threads() -> None:
    config.update("jax_enable_x64", True)
    try:
        seen = []
        thread = threading.Thread(target=lambda: seen.append(config.enable_x64))
        thread.start()
        thread.join()
        assert seen == [True]
    finally:
        config.update("enable_x64", False)


def test_unknown_flag_and_value() -> None:
    with pytest.raises(AttributeError, match="no flag of that name"):
        config.update("enable_x46", True)
    with (
        pytest.raises(ValueError, match="one of 'numpy', 'jax'"),
        setting("backend", "nunpy"),
    ):
        pass


def test_environment_variable() -> None:
    program = "import scratchfn as sf; print(sf.config.enable_x64)"
    environment = os.environ | {"SCRATCHFN_ENABLE_X64": "1"}
    run = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "True"
