"""The flags of scratchfn: read as plain attributes, set for all threads or for a `with` block.

    config.update("enable_x64", True)          # every thread, until further notice
    with enable_x64(True): ...                 # this thread, inside the block

JAX's spelling with the `jax_` prefix is accepted too, so that a JAX script's
`config.update("jax_enable_x64", True)` runs unchanged. Each flag may also be set by an environment
variable, read once at import: `SCRATCHFN_ENABLE_X64=1`, `SCRATCHFN_BACKEND=jax`.

Read next: `core/dtypes.py`, the first reader of a flag.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scratchfn import errors

# name -> (default, the values it may take)
FLAGS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "enable_x64": (False, (False, True)),
    "backend": ("numpy", ("numpy", "jax")),
    "numpy_dtype_promotion": ("standard", ("standard", "strict")),
    "numpy_rank_promotion": ("allow", ("allow", "warn", "raise")),
    "disable_jit": (False, (False, True)),
}


class Config(threading.local):
    """Flag values. Defaults live on the class, so they are shared; a `with` block sets them on the
    instance, which `threading.local` keeps one of for each thread."""

    enable_x64: bool
    backend: str
    numpy_dtype_promotion: str
    numpy_rank_promotion: str
    disable_jit: bool

    def update(self, name: str, value: Any) -> None:
        """Sets a flag for every thread that is not inside a `with` block for it.

        Raises AttributeError for an unknown flag and ValueError for a value it cannot take.
        """
        name = _check(name, value)
        setattr(Config, name, value)


def _check(name: str, value: Any) -> str:
    name = name.removeprefix("jax_")
    if name not in FLAGS:
        raise AttributeError(
            errors.explain(
                f"the flag {name!r} of config", "no flag of that name",
                f"the flags are {', '.join(FLAGS)}", 'config.update("enable_x64", True)',
            )
        )  # fmt: skip
    allowed = FLAGS[name][1]
    if value not in allowed:
        raise ValueError(
            errors.explain(
                f"the flag {name!r} of config (or SCRATCHFN_{name.upper()})", repr(value),
                f"it takes one of {', '.join(map(repr, allowed))}",
                f'config.update("{name}", {allowed[-1]!r})',
            )
        )  # fmt: skip
    return name


@contextmanager
def setting(name: str, value: Any) -> Iterator[None]:
    """Sets one flag for this thread inside a `with` block."""
    name = _check(name, value)
    outer = vars(config).get(name, _UNSET)
    setattr(config, name, value)
    try:
        yield
    finally:
        if outer is _UNSET:
            delattr(config, name)
        else:
            setattr(config, name, outer)


def enable_x64(new_val: bool = True) -> Any:
    """`with enable_x64(True):` lets 64-bit types be 64-bit inside the block."""
    return setting("enable_x64", new_val)


def disable_jit(disable: bool = True) -> Any:
    """`with disable_jit():` makes jitted functions run operation by operation inside the block."""
    return setting("disable_jit", disable)


def numpy_dtype_promotion(mode: str) -> Any:
    """`with numpy_dtype_promotion("strict"):` forbids implicit promotion inside the block."""
    return setting("numpy_dtype_promotion", mode)


def numpy_rank_promotion(mode: str) -> Any:
    """`with numpy_rank_promotion("raise"):` forbids implicit broadcasting of ranks inside."""
    return setting("numpy_rank_promotion", mode)


def _from_environment(name: str, default: Any) -> Any:
    text = os.environ.get(f"SCRATCHFN_{name.upper()}")
    if text is None:
        return default
    value = text.lower() in ("1", "true", "yes", "on") if isinstance(default, bool) else text
    _check(name, value)
    return value


_UNSET = object()
for _name, (_default, _) in FLAGS.items():
    setattr(Config, _name, _from_environment(_name, _default))
config = Config()
