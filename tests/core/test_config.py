"""Flags: for all threads, for a block, by environment variable, and by JAX's names."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import jax
import pytest

import scratchfn as sf
from scratchfn.config import FLAGS, config, enable_x64, setting


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


def test_a_flag_by_jaxs_names() -> None:
    with setting("debug_nans", True):
        assert config.jax_debug_nans is True
        assert config.read("jax_debug_nans") is config.read("debug_nans") is True
        assert config.values["jax_debug_nans"] is True
    assert config.x64_enabled is False
    with pytest.raises(AttributeError, match="no flag of that name"):
        config.read("jax_debug_nan")
    with pytest.raises(AttributeError, match="no flag of that name"):
        config.jax_debug_nan  # noqa: B018
    config.parse_flags_with_absl()


@pytest.mark.parametrize("name", FLAGS)
def test_every_flag_has_a_default_that_it_may_take(name: str) -> None:
    with setting(name, FLAGS[name].default):
        assert getattr(config, name) == FLAGS[name].default


def test_flags_of_jaxs_compiler_are_kept_and_choices_we_do_not_have_are_refused() -> None:
    before = config.compilation_cache_dir
    config.update("jax_compilation_cache_dir", "/tmp/cache")
    assert config.jax_compilation_cache_dir == "/tmp/cache"
    config.update("jax_compilation_cache_dir", before)
    with pytest.raises(ValueError, match="it takes one of 'threefry2x32'"):
        config.update("jax_default_prng_impl", "rbg")
    config.update("jax_threefry_partitionable", True)


def test_contexts_of_jaxs_namespace() -> None:
    assert sf.debug_nans.value is False
    with sf.debug_nans(True), sf.numpy_rank_promotion("raise"), sf.checking_leaks():
        assert sf.debug_nans.value is True
        assert config.numpy_rank_promotion == "raise"
        assert config.check_tracer_leaks is True
    assert config.numpy_rank_promotion == "allow"
    with pytest.raises(ValueError, match="it takes one of"), sf.numpy_rank_promotion("never"):
        pass


def test_every_flag_context_of_jaxs_namespace_is_here() -> None:
    contexts = {name for name in dir(jax) if type(getattr(jax, name)).__name__ == "State"}
    ours = {name for name in contexts if hasattr(sf, name)}
    assert contexts - ours <= {
        "array_garbage_collection_guard", "thread_guard",  # of JAX's run time
        "enable_custom_prng", "legacy_prng_key", "default_prng_impl", "softmax_custom_jvp",
        "allow_f16_reductions", "remove_size_one_mesh_axis_from_type", "default_device",
        "no_execution", "jax2tf_associative_scan_reductions", "auto_pcast",
    }  # fmt: skip


def test_what_follows_from_flags_follows_them() -> None:
    plain, traced = config.plain, config.traced_flags
    with sf.debug_nans(True):
        assert not config.plain
        with enable_x64(True):
            assert config.traced_flags != traced
            config.update("backend", "jax")  # by this or another thread, while we are in a block
            try:
                assert "jax" in config.traced_flags
            finally:
                config.update("backend", "numpy")
        assert config.traced_flags == traced
        with sf.debug_nans(False):
            assert config.plain
    assert config.plain is plain
    assert vars(config) == {}
