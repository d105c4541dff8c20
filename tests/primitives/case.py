"""A Case: one use of one primitive, from which `test_primitives.py` derives all of its checks.

    Case("sin", lambda lax, x: lax.sin(x), normal(3, 4))

The function is called with `scratchfn.lax` and with `jax.lax`, then with the arguments; it returns
an array or a list of arrays. Where no function of lax leads to a primitive, `bind(lax, name, *args,
**params)` does. An argument is what a maker makes (`normal`, `integers`, `values`, ...), a NumPy
array, or a Python number, which is weakly typed. Makers draw from a generator seeded by the
argument's position, so a case's numbers are always the same.

Each family has a file `cases_<family>.py` with a list `CASES`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import ml_dtypes
import numpy as np

from scratchfn.core import dtypes, trace
from scratchfn.core.array import as_value

WIDE = {np.dtype("float32"): np.dtype("float64"), np.dtype("complex64"): np.dtype("complex128")}


class Maker:
    """A random argument: `draw(rng, dtype)` is an array, of `dtype` after conversion."""

    def __init__(self, draw: Callable[[np.random.Generator], Any], dtype: Any):
        self.draw = draw
        self.dtype = _dtype(dtype)

    def make(self, position: int, example: int = 0, wide: bool = False) -> np.ndarray:
        """The array for an argument's position. `example` counts those of a batch; `wide` turns
        32-bit floats into 64-bit ones."""
        rng = np.random.default_rng((position, example))
        dtype = WIDE.get(self.dtype, self.dtype) if wide else self.dtype
        with np.errstate(all="ignore"):
            return np.asarray(self.draw(rng)).astype(dtype)


class Values(Maker):
    """Given numbers; the examples of a batch have them in other orders."""

    def __init__(self, array: np.ndarray):
        super().__init__(lambda rng: array, array.dtype)

    def make(self, position: int, example: int = 0, wide: bool = False) -> np.ndarray:
        array = super().make(position, example, wide)
        return np.roll(array.ravel(), example).reshape(array.shape)


def normal(*shape: int, dtype: Any = "float32") -> Maker:
    """Standard normal numbers; for a complex dtype both parts are."""
    return Maker(lambda rng: _complex_if(dtype, rng.normal, shape), dtype)


def uniform(*shape: int, low: float = 0.0, high: float = 1.0, dtype: Any = "float32") -> Maker:
    """Numbers evenly spread from `low` to `high`; for a complex dtype both parts are."""
    return Maker(
        lambda rng: _complex_if(dtype, lambda size: rng.uniform(low, high, size), shape), dtype
    )


def positive(*shape: int, dtype: Any = "float32") -> Maker:
    """Numbers from 0.2 to 3: fit for log, powers and square roots."""
    return uniform(*shape, low=0.2, high=3.0, dtype=dtype)


def integers(*shape: int, low: int = -5, high: int = 6, dtype: Any = "int32") -> Maker:
    """Integers from `low` to `high - 1`, never below 0 for an unsigned dtype."""
    low = max(low, 0) if dtypes.kind(_dtype(dtype)) == "u" else low
    return Maker(lambda rng: rng.integers(low, high, shape), dtype)


def bools(*shape: int) -> Maker:
    """True or False, evenly."""
    return Maker(lambda rng: rng.random(shape) < 0.5, "bool")


def values(numbers: Any, dtype: Any = "float32") -> Maker:
    """The given numbers (a list, nested for more axes): for special values."""
    with np.errstate(all="ignore"):
        return Values(np.asarray(numbers).astype(_dtype(dtype)))


def bind(lax: Any, name: str, *args: Any, **params: Any) -> Any:
    """Applies the primitive of that name: ours if `lax` is ours, else JAX's."""
    if is_ours(lax):
        return trace.registry[name].bind(*map(as_value, args), **params)
    return jax_primitives()[name].bind(*args, **params)


def is_ours(lax: Any) -> bool:
    """Is this `scratchfn.lax`, not `jax.lax`? For where the two have to be called differently."""
    return lax.__name__.startswith("scratchfn")


@functools.cache
def jax_primitives() -> dict[str, Any]:
    """JAX's primitives by their names."""
    import jax.lax
    from jax.extend.core import primitives

    found = [*vars(jax.lax).items(), *vars(primitives).items()]
    return {p.name: p for attribute, p in found if attribute.endswith("_p")}


class Case:
    """One use of the primitive `name`.

    Options:
      diff: the arguments to differentiate with respect to; all floating and complex ones if None.
      order: how often the primitive can be differentiated: 0, 1 or 2.
      smooth: False where derivatives are compared with JAX's alone, and neither with difference
        quotients nor with each other: at kinks, poles, inf and nan, and in short floats.
      tol: a relative tolerance for float32 where a few eps are not enough, for other dtypes scaled
        by their eps; say why in a comment.
      id: what tells this case from others of the same primitive and argument types.
    """

    def __init__(
        self,
        name: str,
        fun: Callable[..., Any],
        *args: Any,
        diff: Sequence[int] | None = None,
        order: int = 2,
        smooth: bool = True,
        tol: float | None = None,
        id: str = "",
    ):
        self.name = name
        self.fun = fun
        self.makers = [Values(x) if isinstance(x, np.ndarray) else x for x in args]
        floating = [i for i, x in enumerate(self.makers) if _is_floating(x)]
        self.diff = (() if order == 0 else tuple(floating)) if diff is None else tuple(diff)
        self.order = order if self.diff else 0
        self.smooth = smooth
        self.tol = tol
        self.id = f"{name}-{id or '-'.join(map(_label, self.makers)) or 'no_arguments'}"

    def args(self, example: int = 0, wide: bool = False) -> list[Any]:
        """The arguments; those of another `example` are different numbers of the same types."""
        return [
            x.make(i, example, wide) if isinstance(x, Maker) else x
            for i, x in enumerate(self.makers)
        ]

    def directions(self, args: Sequence[Any], wide: bool = False) -> list[Any]:
        """A tangent for each argument that is differentiated."""
        return [_direction(args[i], 100 + i, wide) for i in self.diff]

    def __repr__(self) -> str:
        return f"Case({self.id})"


def cotangents(outs: Sequence[Any], wide: bool = False) -> list[Any]:
    """A cotangent for each floating result."""
    return [_direction(x, 200 + i, wide) for i, x in enumerate(outs)]


def _direction(x: Any, seed: int, wide: bool) -> Any:
    rng = np.random.default_rng(seed)
    if isinstance(x, (float, complex)):
        return float(rng.normal()) if isinstance(x, float) else complex(*rng.normal(size=2))
    dtype = WIDE.get(x.dtype, x.dtype) if wide else x.dtype
    return np.asarray(_complex_if(dtype, rng.normal, x.shape)).astype(dtype)


def _complex_if(dtype: Any, draw: Callable[..., Any], shape: tuple[int, ...]) -> Any:
    if dtypes.kind(_dtype(dtype)) == "c":
        return draw(size=shape) + 1j * draw(size=shape)
    return draw(size=shape)


def _dtype(dtype: Any) -> np.dtype:
    if isinstance(dtype, str) and hasattr(ml_dtypes, dtype):
        return np.dtype(getattr(ml_dtypes, dtype))
    return np.dtype(dtype)


def _is_floating(x: Any) -> bool:
    if isinstance(x, Maker):
        return dtypes.kind(x.dtype) in "fc"
    return isinstance(x, (float, complex))


def _label(x: Any) -> str:
    """An argument in a test's name: f32_3_4."""
    if not isinstance(x, Maker):
        return type(x).__name__
    return "_".join([dtypes.short_name(x.dtype), *map(str, x.make(0).shape)])
