"""Flags: for all threads, for a block, by environment variable, and by JAX's names."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import jax
import pytest

import scratchfn as sf
from scratchfn.backends.numpy.pool import usable_threads
from scratchfn.config import FLAGS, NUMPY_PASSES, config, enable_x64, setting


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


def test_passes_of_the_numpy_compiler() -> None:
    assert config.numpy_passes == NUMPY_PASSES
    with setting("numpy_passes", {"share", "algebra"}):
        assert config.numpy_passes == ("algebra", "share")
    with setting("numpy_passes", "pack,arena"):
        assert config.numpy_passes == ("pack", "arena")
    with setting("numpy_passes", ""):
        assert config.numpy_passes == ()
    for bad in ("hoisting", ["algebra", 3], 3):
        with (
            pytest.raises(ValueError, match=r"the flag 'numpy_passes' of config \(or SCRATCHFN_"),
            setting("numpy_passes", bad),
        ):
            pass


def test_threads_of_the_numpy_backend() -> None:
    assert config.numpy_threads is None
    for given, count in ((3, 3), ("2", 2), ("", None)):
        with setting("numpy_threads", given):
            assert config.numpy_threads == count
            assert count is None or usable_threads() == count
    with setting("numpy_passes", ()), setting("numpy_threads", 3):
        assert usable_threads() == 1
    for bad in (0, -1, 1.5, "many"):
        with pytest.raises(ValueError, match="'numpy_threads'"), setting("numpy_threads", bad):
            pass


def test_other_passes_or_threads_compile_again() -> None:
    traced = []
    f = sf.jit(lambda x: traced.append(x) or x + 1)
    for _ in range(2):
        f(1.0)
        with setting("numpy_passes", ()):
            f(1.0)
        with setting("numpy_threads", 1):
            f(1.0)
    assert len(traced) == 3


def test_passes_and_threads_by_environment() -> None:
    program = "import scratchfn as sf; print(sf.config.numpy_passes, sf.config.numpy_threads)"
    environment = os.environ | {
        "SCRATCHFN_NUMPY_PASSES": "hoist,algebra", "SCRATCHFN_NUMPY_THREADS": "3",
    }  # fmt: skip
    run = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "('algebra', 'hoist') 3"
