"""SciPy's functions on arrays, traced or not, as JAX has them in `jax.scipy`.

    import scratchfn.scipy as jsp
    jsp.special.logsumexp(x)

Each submodule is loaded when it is first used, so that `import scratchfn` stays quick.
"""

from __future__ import annotations

import importlib
from types import ModuleType

_SUBMODULES = (
    "cluster",
    "fft",
    "integrate",
    "interpolate",
    "linalg",
    "ndimage",
    "optimize",
    "signal",
    "spatial",
    "special",
    "stats",
)


def __getattr__(name: str) -> ModuleType:
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(_SUBMODULES)
