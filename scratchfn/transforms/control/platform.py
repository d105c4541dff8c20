"""platform_dependent: one function for each kind of device.

Read next: `cond.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scratchfn import errors
from scratchfn.backends.devices import default_backend


def platform_dependent(
    *args: Any, default: Callable[..., Any] | None = None, **per_platform: Callable[..., Any]
) -> Any:
    """`per_platform[p](*args)`, p being the platform that programs run on when this is traced:
    "cpu", which NumPy is too, "gpu" (or "cuda", "rocm"), or "tpu"; `default(*args)` on others.

    Raises:
      NotImplementedError: no function for this platform, and no default.
    """
    platform = default_backend()
    names = [platform, "cuda", "rocm"] if platform == "gpu" else [platform]
    for name in names:
        if name in per_platform:
            return per_platform[name](*args)
    if default is None:
        raise NotImplementedError(
            errors.explain(
                "lax.platform_dependent", f"the platform {platform!r}",
                f"there are functions for {', '.join(per_platform) or 'none'}, and no default",
                "lax.platform_dependent(x, cpu=f, default=g)",
            )
        )  # fmt: skip
    return default(*args)
