"""The checks that `aval` rules share: dtypes that are accepted, shapes that fit.

Read next: `primitives/base.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.avals import ShapedArray


def require_kind(name: str, avals: Sequence[ShapedArray], kinds: str) -> None:
    """Raises TypeError unless all arguments' dtypes are of the given kinds."""
    for i, aval in enumerate(avals):
        kind = dtypes.kind(aval.dtype)
        if kind not in kinds:
            name = _SPELLED.get(name, name)
            likely = next(k for k in "fiubc" if k in kinds)
            raise TypeError(
                errors.explain(
                    f"{name}({', '.join(map(str, avals))})",
                    f"argument {i} of type {aval}",
                    f"{name} takes {_kind_names(kinds)} only",
                    "random.bits(key) or random.normal(key, shape) for numbers from a key"
                    if kind == "key"
                    else f"x.astype({_EXAMPLE[likely]}) for x",
                )
            )


def require_equal_dtypes(name: str, avals: Sequence[ShapedArray]) -> None:
    """Raises TypeError unless all arguments have the same dtype, as lax demands."""
    if len({aval.dtype for aval in avals}) > 1:
        raise TypeError(
            errors.explain(
                f"lax.{name}({', '.join(map(str, avals))})",
                "arguments of different dtypes",
                "lax functions do not promote their arguments",
                f"jnp's function of that name, which does, or x.astype({avals[-1].dtype.name})",
            )
        )


def require_sizes(name: str, shape: Sequence[int]) -> None:
    """Raises TypeError unless all sizes are 0 or more."""
    if shape and min(shape) < 0:
        raise TypeError(
            errors.explain(
                f"{name}, an array of shape {tuple(shape)}",
                f"a size of {min(shape)}",
                "a size counts elements, so it must be nonnegative",
                "sizes of 0 or more; -1 has a meaning in x.reshape alone",
            )
        )


def broadcast_shape(name: str, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The common shape of an elementwise operation's arguments: their ranks are equal, or 0; a
    dimension may be 1 where another's is not. Raises TypeError naming the shapes."""
    first = shapes[0]
    if all(s == first for s in shapes):
        return first
    ranked = [s for s in shapes if s]
    if not ranked:
        return ()
    if len({len(s) for s in ranked}) == 1:
        columns = [{d for d in dims if d != 1} for dims in zip(*ranked, strict=True)]
        if all(len(column) <= 1 for column in columns):
            return tuple(column.pop() if column else 1 for column in columns)
    raise TypeError(
        errors.explain(
            f"{name} of arrays of shapes {', '.join(map(str, shapes))}",
            "shapes that do not match dimension by dimension",
            "an elementwise operation pairs elements; a dimension must be equal on all sides, or 1",
            f"jnp.broadcast_to(x, {max(shapes, key=len)}), or x[:, None] to add an axis where one "
            "is missing",
        )
    )


_NAMES = {
    "b": "bool", "i": "signed integers", "u": "unsigned integers", "f": "floating point numbers",
    "c": "complex numbers", "k": "keys",
}  # fmt: skip
_EXAMPLE = {"b": "bool", "i": "jnp.int32", "u": "jnp.uint32", "f": "jnp.float32",
            "c": "jnp.complex64"}  # fmt: skip
# Primitives whose names are words of Python, as functions are called
_SPELLED = {f"{word}": f"bitwise_{word}" for word in ("and", "or", "xor", "not")}


def _kind_names(kinds: str) -> str:
    return ", ".join(_NAMES[k] for k in kinds)
