"""`jnp.ufunc`: a function of elements that can also be reduced, accumulated, applied at places and
to all pairs.

    jnp.add.reduce(x, axis=1)
    hypot = jnp.frompyfunc(lambda x, y: jnp.sqrt(x * x + y * y), 2, 1)
    hypot.outer(x, y)

A function of Python's is applied to each element by `vectorize`; those that are made of arrays'
operations bring their own way, and faster ones for some of the methods.

Read next: `numpy/universal_loops.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from operator import index
from typing import Any

from scratchfn import errors
from scratchfn.numpy.arguments import axis_of, no_out, operands
from scratchfn.numpy.manipulation import ravel
from scratchfn.numpy.promotion import operand
from scratchfn.numpy.universal_loops import accumulate, reduce, reduce_segments, update
from scratchfn.numpy.vectorize import vectorize
from scratchfn.primitives import base


class ufunc:
    """A function of `nin` elements with `nout` results, over arrays that broadcast.

    Args:
      func: the function of single elements.
      name: what it is called; the function's name by default.
      identity: what leaves the other operand as it is; None if there is no such value.
      call, reduce, accumulate, at, reduceat: faster ways of the methods of these names.
    """

    def __init__(
        self, func: Callable[..., Any], /, nin: int, nout: int, *, name: str | None = None,
        nargs: int | None = None, identity: Any = None, call: Callable[..., Any] | None = None,
        reduce: Callable[..., Any] | None = None, accumulate: Callable[..., Any] | None = None,
        at: Callable[..., Any] | None = None, reduceat: Callable[..., Any] | None = None,
    ):  # fmt: skip
        self.__name__ = name or func.__name__
        self.__qualname__ = self.__name__
        self.__module__ = "scratchfn.numpy"
        self.__doc__ = func.__doc__
        self._func = func
        self._call = call or vectorize(func)
        self._reduce, self._accumulate, self._at, self._reduceat = reduce, accumulate, at, reduceat
        self.nin, self.nout = index(nin), index(nout)
        self.nargs = self.nin if nargs is None else nargs
        self.identity = identity

    def __reduce__(self) -> Any:
        if (
            getattr(sys.modules[self.__module__], self.__name__, None) is self
        ):  # pickled as functions are
            return self.__name__
        return super().__reduce__()

    def __repr__(self) -> str:
        return f"<jnp.ufunc {self.__name__!r}>"

    def __call__(self, *args: Any, out: Any = None, where: Any = None) -> Any:
        if out is not None or where is not None:
            given = "out" if where is None else "where"
            found, why = (
                f"the argument {given}",
                "it would be an array to write to, or be left as is",
            )
            write = "jnp.where(mask, result, other)"
            asked = f"jnp.{self.__name__}(..., {given}=...)"
            raise NotImplementedError(errors.explain(asked, found, why, write))
        return self._call(*args)

    # -- methods ----------------------------------------------------------------------------------

    def reduce(
        self, a: Any, axis: Any = 0, dtype: Any = None, out: Any = None,
        keepdims: bool = False, initial: Any = None, where: Any = None,
    ) -> Any:  # fmt: skip
        """The elements along an axis combined into one, from the first on: f(f(a[0], a[1]), a[2]),
        or from `initial` on; those where the mask does not hold are left out."""
        self._require_binary("reduce")
        no_out(f"{self.__name__}.reduce", out)
        if where is not None and self.identity is None and initial is None:
            why = "what is reduced over no elements is its identity, and it has none"
            raise self._error("reduce with a mask", "no initial value", why, "initial=...")
        if self._reduce is not None:
            options = {"initial": initial} if initial is not None else {}
            options |= {"where": where} if where is not None else {}
            return self._reduce(a, axis=axis, dtype=dtype, keepdims=keepdims, **options)
        x = operand(f"{self.__name__}.reduce", a)
        if isinstance(axis, tuple):
            why, write = "it runs along one axis after another", "axis=None for all elements"
            found = f"axis={axis}"
            asked = f"jnp.{self.__name__}.reduce"
            raise NotImplementedError(errors.explain(asked, found, why, write))
        kept = tuple(range(x.ndim)) if axis is None else (axis_of("ufunc.reduce", axis, x.ndim),)
        if axis is None:
            x, where = ravel(x), None if where is None else ravel(where)
        place = 0 if axis is None else kept[0]
        if initial is None and (x.shape[place] == 0 or where is not None):
            initial = self.identity
        if initial is None and x.shape[place] == 0:
            why = "it has no identity, which is what there is of no elements"
            raise self._error("reduce", f"an axis of size 0 of {x.aval}", why, "initial=...")
        result = reduce(self._call, x, place, dtype, initial, where)
        return base.expand_dims(result, kept) if keepdims else result

    def accumulate(self, a: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
        """The reductions of all elements along an axis up to each."""
        self._require_binary("accumulate")
        no_out(f"{self.__name__}.accumulate", out)
        if self._accumulate is not None:
            return self._accumulate(a, axis=axis, dtype=dtype)
        x = operand(f"{self.__name__}.accumulate", a)
        if axis is None or isinstance(axis, tuple):
            raise self._error("accumulate", f"axis={axis}", "it runs along one axis", "axis=0")
        return accumulate(self._call, x, axis_of("ufunc.accumulate", axis, x.ndim), dtype)

    def at(self, a: Any, indices: Any, b: Any = None, /, *, inplace: bool = True) -> Any:
        """`a` with f(a[i], b) at the places `indices`, as often as each of them is named.

        Args:
          inplace: must be False: the result is a new array.
        """
        if inplace:
            asked = f"jnp.{self.__name__}.at(..., inplace=True)"
            why = "arrays are immutable, so that functions of them are pure"
            write = f"x = jnp.{self.__name__}.at(x, i, y, inplace=False)"
            raise NotImplementedError(errors.explain(asked, "an array to be changed", why, write))
        if self._at is not None:
            return self._at(a, indices, b)
        return update(self._call, operand(f"{self.__name__}.at", a), indices, b)

    def outer(self, A: Any, B: Any, /) -> Any:
        """f of each element of `A` with each of `B`, of shape A.shape + B.shape."""
        self._require_binary("outer")
        x, y = operands(f"{self.__name__}.outer", (A, B))
        return self(base.reshape(x, (*x.shape, *(1 for _ in y.shape))), y)

    def reduceat(
        self, a: Any, indices: Any, axis: Any = 0, dtype: Any = None, out: Any = None
    ) -> Any:
        """The reductions of parts along an axis: the i-th part is a[indices[i] : indices[i + 1]],
        or a[indices[i]] alone if that is empty."""
        self._require_binary("reduceat")
        no_out(f"{self.__name__}.reduceat", out)
        if self._reduceat is not None:
            return self._reduceat(a, indices, axis=axis, dtype=dtype)
        x, places = operands(f"{self.__name__}.reduceat", (a, indices))
        whole = places.dtype.kind in "iu" and places.ndim == 1
        if axis is None or isinstance(axis, tuple) or not whole:
            why = "parts begin at integer places, one vector of them, along one axis"
            found = f"indices of type {places.aval}, axis={axis}"
            raise self._error("reduceat", found, why, "jnp.add.reduceat(x, jnp.array([0, 3]))")
        return reduce_segments(self._call, x, places, axis_of("reduceat", axis, x.ndim), dtype)

    # -- errors -----------------------------------------------------------------------------------

    def _require_binary(self, method: str) -> None:
        if (self.nin, self.nout) != (2, 1):
            found = f"a function of {self.nin} elements with {self.nout} results"
            why = "it combines two elements into one"
            raise self._error(method, found, why, "jnp.frompyfunc(f, 2, 1)")

    def _error(self, method: str, found: str, why: str, write: str) -> ValueError:
        return ValueError(errors.explain(f"jnp.{self.__name__}.{method}", found, why, write))


def frompyfunc(func: Callable[..., Any], /, nin: int, nout: int, *, identity: Any = None) -> ufunc:
    """The `ufunc` of a function of `nin` single elements with `nout` results.

    Args:
      identity: what leaves the other operand as it is, from which `reduce` starts if there is
        nothing else.
    """
    return ufunc(func, nin, nout, identity=identity)
