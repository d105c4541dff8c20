"""`vectorize`: a function of single elements, or of small arrays, made one of arrays of them.

    @partial(jnp.vectorize, signature="(n,m),(m)->(n)")
    def times(matrix, vector): ...

The signature names the axes that the function itself takes, the core axes. All axes before them
broadcast and are vmapped over, from the last to the first.

Read next: `transforms/vmap_api.py`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

from scratchfn import errors
from scratchfn.numpy.manipulation import broadcast_shapes
from scratchfn.numpy.promotion import operand
from scratchfn.primitives import base
from scratchfn.transforms.vmap_api import vmap

_CORE = r"\((?:\w+(?:,\w+)*)?\)"
_SIGNATURE = re.compile(rf"{_CORE}(?:,{_CORE})*->{_CORE}(?:,{_CORE})*")
Cores = list[tuple[str, ...]]


def vectorize(
    pyfunc: Callable[..., Any], *, excluded: Any = frozenset(), signature: str | None = None
) -> Callable[..., Any]:
    """`pyfunc` over arrays of its arguments.

    Args:
      excluded: numbers and names of arguments that are passed as they are.
      signature: core axes of arguments and results, "(n),(n)->()"; none at all by default.
    """
    if any(not isinstance(e, (int, str)) or (isinstance(e, int) and e < 0) for e in excluded):
        error = TypeError if any(not isinstance(e, (int, str)) for e in excluded) else ValueError
        raise error(_explain(f"excluded={excluded!r}", "arguments have numbers from 0 and names"))
    cores = None if signature is None else _parse(signature)

    @functools.wraps(pyfunc)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        mapped = [i for i in range(len(args)) if i not in excluded]
        named = [name for name in kwargs if name not in excluded]

        def f(*values: Any) -> Any:
            full = list(args)
            for i, value in zip(mapped, values):
                full[i] = value
            rest = dict(zip(named, values[len(mapped) :]))
            return pyfunc(*full, **{**kwargs, **rest})

        given = [*(args[i] for i in mapped), *(kwargs[name] for name in named)]
        xs = [operand("vectorize", x, i) for i, x in enumerate(given)]
        ins = [()] * len(xs) if cores is None else cores[0]
        if len(ins) != len(xs):
            raise TypeError(_explain(f"{len(xs)} arguments", f"signature {signature!r} has others"))
        outs = None if cores is None else cores[1]
        return _over_leading_axes(_checked(f, ins, outs), xs, ins)

    return wrapped


def _parse(signature: str) -> tuple[Cores, Cores]:
    text = signature.replace(" ", "")
    if not _SIGNATURE.fullmatch(text):
        raise ValueError(_explain(f"signature={signature!r}", "it names the axes in parentheses"))
    left, right = (
        [tuple(re.findall(r"\w+", core)) for core in re.findall(r"\([^)]*\)", side)]
        for side in text.split("->")
    )
    return left, right


def _over_leading_axes(f: Callable[..., Any], xs: list[Any], ins: Sequence[Any]) -> Any:
    """`f` vmapped over the axes before the core axes; those of size 1 are broadcast."""
    counts = [x.ndim - len(core) for x, core in zip(xs, ins)]
    for x, core, count in zip(xs, ins, counts):
        if count < 0:
            raise ValueError(_explain(f"an array of type {x.aval}", f"its core axes are {core}"))
    outer = broadcast_shapes(*(x.shape[:count] for x, count in zip(xs, counts)))
    for place in range(len(outer) - 1, -1, -1):  # the last axis is the innermost vmap
        from_end = len(outer) - place
        axes = [
            0 if count >= from_end and x.shape[count - from_end] != 1 else None
            for x, count in zip(xs, counts)
        ]
        size = None if any(axis == 0 for axis in axes) else outer[place]
        f = vmap(f, in_axes=tuple(axes), axis_size=size)
    single = [
        base.squeeze(x, [i for i in range(count) if x.shape[i] == 1])
        for x, count in zip(xs, counts)
    ]
    return f(*single)


def _checked(f: Callable[..., Any], ins: Sequence[Any], outs: Cores | None) -> Callable[..., Any]:
    """`f`, whose results are held against the signature: axes of one name have one size."""

    def checked(*xs: Any) -> Any:
        sizes: dict[str, int] = {}
        _match(ins, xs, sizes)
        result = f(*xs)
        if outs is None:
            many = result if isinstance(result, (tuple, list)) else (result,)
            _match([()] * len(many), many, sizes)
            return result
        many = result if isinstance(result, (tuple, list)) else (result,)
        if len(many) != len(outs) or (len(outs) > 1) != isinstance(result, (tuple, list)):
            why = f"the signature has {len(outs)}"
            raise TypeError(_explain(f"{len(many)} results in a {type(result).__name__}", why))
        _match(outs, many, sizes)
        return result

    return checked


def _match(cores: Sequence[Any], xs: Sequence[Any], sizes: dict[str, int]) -> None:
    for core, x in zip(cores, xs):
        shape = tuple(getattr(x, "shape", ()))
        known = tuple(sizes.setdefault(n, size) for n, size in zip(core, shape))
        if len(core) != len(shape) or known != shape:
            why = f"its core axes are ({','.join(core)}), and sizes are {sizes}"
            raise ValueError(_explain(f"core axes of sizes {shape}", why))


def _explain(found: str, why: str) -> str:
    write = 'jnp.vectorize(f, signature="(n,m),(m)->(n)")'
    return errors.explain("jnp.vectorize", found, why, write)
