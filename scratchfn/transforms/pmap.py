"""pmap: a vmap that may be as wide as there are devices, compiled as one program.

JAX gives each device one of the examples. Here all of them are computed in one array, and only the
width is checked. On the jax backend the devices are JAX's; NumPy has as many as
`config.update("num_cpu_devices", n)` says, 1 at first, so that a script that takes the width of its
batch from `local_device_count()` can be tried at any width.

Read next: `transforms/vmap_api.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from scratchfn import errors
from scratchfn.backends.devices import local_device_count
from scratchfn.transforms.flat import name_of, require_callable
from scratchfn.transforms.jit_api import Jitted, jit
from scratchfn.transforms.vmap import axis_environment
from scratchfn.transforms.vmap_api import vmap


def pmap(
    fun: Callable[..., Any],
    axis_name: Hashable = None,
    *,
    in_axes: Any = 0,
    out_axes: Any = 0,
    static_broadcasted_argnums: int | Iterable[int] = (),
    devices: Sequence[Any] | None = None,
    backend: str | None = None,
    axis_size: int | None = None,
    donate_argnums: int | Iterable[int] = (),
) -> Any:
    """`fun` mapped over an axis of its arguments, one example for each device.

    Args:
      axis_name: a name for the axis, for collectives such as `lax.psum`.
      in_axes, out_axes: as vmap's. Static arguments have no axis.
      static_broadcasted_argnums: arguments that are Python values, the same for all examples.
      devices: those to use; all of this process by default.
      axis_size: the size of the axis, to be checked against the arguments.
      donate_argnums: arguments the caller gives up.

    Raises:
      ValueError: no argument with a mapped axis, sizes that differ, or more examples than devices.
    """
    require_callable(fun, "pmap")
    static = _tuple(static_broadcasted_argnums)
    name = object() if axis_name is None else axis_name

    @functools.wraps(fun)
    def within_devices(*args: Any, **kwargs: Any) -> Any:
        size = dict(axis_environment())[name]
        count = local_device_count(backend) if devices is None else len(devices)
        if size > count:
            raise _too_few(fun, size, count)
        return fun(*args, **kwargs)

    @functools.wraps(fun)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        axes = in_axes
        if isinstance(in_axes, int) and static:
            fixed = {i % len(args) for i in static}
            axes = tuple(None if i in fixed else in_axes for i in range(len(args)))
        wide = vmap(within_devices, axes, out_axes, axis_name=name, axis_size=axis_size)
        return wide(*args, **kwargs)

    jitted: Jitted = jit(
        mapped, static_argnums=static, donate_argnums=_tuple(donate_argnums), backend=backend
    )
    return jitted


def _tuple(argnums: int | Iterable[int]) -> tuple[int, ...]:
    return (argnums,) if isinstance(argnums, int) else tuple(argnums)


def _too_few(fun: Callable[..., Any], size: int, count: int) -> ValueError:
    return ValueError(
        errors.explain(
            f"pmap of {name_of(fun)} over an axis of size {size}",
            f"{count} device{'s' * (count > 1)}",
            "each example has a device to itself",
            f'vmap, or config.update("num_cpu_devices", {size}) to try it on NumPy',
        )
    )
