"""x.at[index].set(y) and its kin: what `x[index] = y` would do, as a function that returns a new x.

    x.at[i].add(y)    x[i] += y, and each time again where i names a place more than once

The index means what it means in `x[index]`; its places become one scatter. By default what would be
written outside of the array is dropped.

Read next: `primitives/scatter.py`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.config import config
from scratchfn.core import dtypes
from scratchfn.core.array import Array, as_value
from scratchfn.core.eager import EVAL
from scratchfn.core.params import GatherScatterMode
from scratchfn.core.quiet import quietly
from scratchfn.core.trace import current
from scratchfn.numpy import indexing, ufuncs
from scratchfn.numpy.conversion import asarray
from scratchfn.numpy.index_parts import BASIC, as_numpy_index, known, parse
from scratchfn.numpy.index_windows import windows
from scratchfn.numpy.promotion import cast, operand, promote_dtypes
from scratchfn.primitives.base import broadcast_in_dim, expand_dims, full, reshape, squeeze
from scratchfn.primitives.convert import convert_element_type, select
from scratchfn.primitives.indexing import scatter_add, scatter_sub
from scratchfn.primitives.logic import gt_p
from scratchfn.primitives.scatter import scatter, scatter_max, scatter_min, scatter_mul
from scratchfn.primitives.structural import rev
from scratchfn.primitives.windows import as_scatter_numbers

Mode = str | GatherScatterMode | None
Scatter = Callable[..., Any]


class IndexHelper:
    """`x.at`: index it, then say what to do there. `x` itself never changes.

    =========================  ===========================================
    x = x.at[i].set(y)         x[i] = y
    x = x.at[i].add(y)         x[i] += y
    x = x.at[i].subtract(y)    x[i] -= y
    x = x.at[i].multiply(y)    x[i] *= y
    x = x.at[i].divide(y)      x[i] /= y
    x = x.at[i].power(y)       x[i] **= y
    x = x.at[i].min(y)         x[i] = minimum(x[i], y)
    x = x.at[i].max(y)         x[i] = maximum(x[i], y)
    x = x.at[i].apply(f)       x[i] = f(x[i])
    y = x.at[i].get()          y = x[i]
    =========================  ===========================================

    A place that `i` names twice is updated twice, but for `set`, which keeps the last value.

    All take these keywords:

    - `mode`, for places outside: "drop" (the same as "fill") leaves them out, the default of all
      but `get`, and has `get` give `fill_value`, by default nan or an integer's least number;
      "clip" moves them to the nearest place inside; "promise_in_bounds", the default of `get`,
      says that there are none.
    - `unique_indices`, `indices_are_sorted`: promises about the places, which may speed it up.
    - `wrap_negative_indices`: False has -1 stand for a place outside and not for the last.
    """

    __slots__ = ("array",)

    def __init__(self, array: Any):
        self.array = array

    def __getitem__(self, index: Any) -> IndexRef:
        return IndexRef(self.array, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(
            errors.explain(
                "x.at[index] = value",
                f"x of type {self.array.aval}",
                "arrays are immutable: x.at[index] has methods that return new ones",
                "x = x.at[index].set(value)",
            )
        )

    def __repr__(self) -> str:
        return f"IndexHelper({self.array!r})"


def _method(name: str, meaning: str, scatter: Scatter) -> Callable[..., Any]:
    """The method of `IndexRef` that updates by a scatter."""

    def method(
        self: IndexRef,
        values: Any,
        *,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
        mode: Mode = None,
        out_sharding: Any = None,
        wrap_negative_indices: bool = True,
    ) -> Any:
        return _update(
            self.array,
            self.index,
            values,
            scatter,
            mode=mode,
            wrap=wrap_negative_indices,
            indices_are_sorted=indices_are_sorted,
            unique_indices=unique_indices,
        )

    method.__name__ = name
    method.__qualname__ = f"IndexRef.{name}"
    method.__doc__ = f"`{meaning}` as a new array. See `ndarray.at`."
    return method


class IndexRef:
    """`x.at[index]`: the places of an array to be read or updated."""

    __slots__ = ("array", "index")

    def __init__(self, array: Any, index: Any):
        self.array = array
        self.index = index

    def __repr__(self) -> str:
        return f"IndexRef({self.array!r}, {self.index!r})"

    set = _method("set", "x[i] = y", scatter)
    add = _method("add", "x[i] += y", scatter_add)
    subtract = _method("subtract", "x[i] -= y", scatter_sub)
    multiply = mul = _method("multiply", "x[i] *= y", scatter_mul)
    min = _method("min", "x[i] = minimum(x[i], y)", scatter_min)
    max = _method("max", "x[i] = maximum(x[i], y)", scatter_max)

    def get(
        self,
        *,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
        mode: Mode = None,
        fill_value: Any = None,
        out_sharding: Any = None,
        wrap_negative_indices: bool = True,
    ) -> Any:
        """`x[i]`, with a say in what becomes of places outside. See `ndarray.at`."""
        return indexing.get(
            self.array,
            self.index,
            indices_are_sorted=indices_are_sorted,
            unique_indices=unique_indices,
            mode=mode,
            fill_value=fill_value,
            wrap_negative_indices=wrap_negative_indices,
        )

    def divide(self, values: Any, **options: Any) -> Any:
        """`x[i] /= y` as a new array. See `ndarray.at`."""
        return ufuncs.true_divide(self.array, self._of_ones(values, options))

    def power(self, values: Any, **options: Any) -> Any:
        """`x[i] **= y` as a new array. See `ndarray.at`."""
        return ufuncs.power(self.array, self._of_ones(values, options))

    def _of_ones(self, values: Any, options: dict[str, Any]) -> Any:
        """What every element is divided by, or raised to: 1 away from the places."""
        x = self.array
        ones = full(x.shape, 1, x.dtype, x.weak_type)
        return IndexRef(ones, self.index).multiply(values, **options)

    def apply(
        self,
        func: Callable[[Any], Any],
        *,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
        mode: Mode = None,
        wrap_negative_indices: bool = True,
    ) -> Any:
        """`x[i] = func(x[i])` as a new array, for a function of one element such as `jnp.sin`. To a
        place that `i` names n times it is applied n times. See `ndarray.at`."""
        x = self.array
        options: dict[str, Any] = {
            "indices_are_sorted": indices_are_sorted,
            "unique_indices": unique_indices,
            "mode": mode,
            "wrap_negative_indices": wrap_negative_indices,
        }
        w = windows(parse(self.index, x.shape), wrap_negative_indices)
        if w.distinct or unique_indices:
            return self.set(_applied(func, self.get(**options)), **options)
        times = IndexRef(full(x.shape, 0, np.dtype(np.int32)), self.index).add(1, **options)
        counts = known(times)  # else no place comes more often than there are places
        most = prod(w.indices.shape[:-1]) if counts is None else int(counts.max(initial=0))
        for k in range(most):
            again = gt_p.bind(times, Array(np.asarray(k, np.int32)))
            x = select(again, _applied(func, x), x)
        return x


def _applied(func: Callable[[Any], Any], x: Any) -> Any:
    """The function of each element, which must give one of the same dtype."""
    y = as_value(func(x))
    if y.shape == x.shape and y.dtype == x.dtype:
        return y
    raise ValueError(
        errors.explain(
            f"x.at[i].apply(f) with elements of type {x.aval}",
            f"f made {y.aval} of them",
            "each element is replaced by what f makes of it, so f keeps shape and dtype",
            f"x.at[i].apply(lambda v: f(v).astype({x.dtype.name!r}))",
        )
    )


def _update(
    x: Any,
    index: Any,
    values: Any,
    scatter: Scatter,
    *,
    mode: Mode,
    wrap: bool,
    indices_are_sorted: bool,
    unique_indices: bool,
) -> Any:
    """`x` with `values`, broadcast to the shape of `x[index]`, scattered to its places. The result
    is of x's dtype, whatever theirs."""
    dtype, weak = x.dtype, x.weak_type
    y = _as_update(values, x)
    if mode is None and wrap and type(x) is Array and type(y) is Array and current.trace is EVAL:
        done = _done_by_numpy(x, index, y, scatter)
        if done is not None:
            return done
    w = windows(read := parse(index, x.shape), wrap)
    if 0 in w.shape or x.size == 0:
        return x
    x, y = promote_dtypes(x, y)
    y = squeeze(_spread(y, w.shape), w.new_axes)
    y = rev(y, w.backward) if w.backward else y
    out = scatter(
        expand_dims(x, read.added) if read.added else x,
        w.indices,
        y,
        as_scatter_numbers(w.numbers),
        indices_are_sorted=indices_are_sorted or w.distinct,
        unique_indices=unique_indices or w.distinct,
        mode=GatherScatterMode.from_any(mode),
    )
    return convert_element_type(squeeze(out, read.added), dtype, weak)


def _done_by_numpy(x: Array, index: Any, y: Array, scatter: Scatter) -> Array | None:
    """The update by NumPy itself, where it says the same at a tenth of the price: numbers of one
    dtype in memory, at places that are inside, and distinct if the old numbers count. None for all
    else."""
    old, new = x.buffer, y.buffer
    if type(old) is not np.ndarray or type(new) is not np.ndarray or config.backend != "numpy":
        return None
    if type(index) not in BASIC:
        index = as_numpy_index(index)
        if index is None:
            return None
    items = index if type(index) is tuple else (index,)
    basic = BASIC.issuperset(map(type, items))
    ufunc = _UFUNCS.get(scatter) if basic or scatter is _SET else None
    if ufunc is None or old.dtype != new.dtype or old.dtype.kind not in "iufc":
        return None
    if basic and ... not in items:
        index = (*items, ...)  # a view, even of one element
    out = old.copy()
    try:
        places = out[index]
    except (IndexError, TypeError, ValueError):  # _update() knows what to do, or to say
        return None
    if new.shape != places.shape and new.shape != ():
        return None
    if basic:
        quietly(ufunc, places, new, out=places)
    else:
        out[index] = new
    return Array(out, x.weak_type)


def _overwrite(old: np.ndarray, new: np.ndarray, out: np.ndarray) -> None:
    out[...] = new


_SET = scatter
_UFUNCS: dict[Scatter, Any] = {
    scatter: _overwrite,
    scatter_add: np.add,
    scatter_sub: np.subtract,
    scatter_mul: np.multiply,
    scatter_min: np.minimum,
    scatter_max: np.maximum,
}


def _as_update(values: Any, x: Any) -> Any:
    """The values to be written as an array, of x's dtype if that can hold them. Warns if it cannot,
    as JAX does, and leaves them as they are: then the update is done in the common dtype."""
    if type(values) is int and dtypes.kind(x.dtype) in "iu":
        limits = dtypes.iinfo(x.dtype)
        if limits.min <= values <= limits.max:
            return as_value(np.asarray(values, x.dtype))
    y = asarray(values) if isinstance(values, Sequence) or values is None else as_value(values)
    if y.dtype == x.dtype:
        return y
    common, _ = dtypes.promote(x.dtype, x.weak_type, y.dtype, y.weak_type)
    if common == x.dtype:
        return cast(y, common)
    warnings.warn(
        errors.explain(
            f"an update of an array of type {x.aval}",
            f"values of type {y.aval}",
            f"their common dtype is {dtypes.short_name(common)}, under numpy_dtype_promotion="
            f"{config.numpy_dtype_promotion!r}, so their conversion may lose numbers",
            f"x.at[i].set(y.astype({x.dtype.name!r})), or an x of the wider dtype",
        ),
        FutureWarning,
        stacklevel=4,
    )
    return y


def _spread(y: Any, shape: tuple[int, ...]) -> Any:
    """The values broadcast to the shape of the places."""
    first = len(shape) - y.ndim
    if first < 0 or any(n not in (1, m) for n, m in zip(y.shape, shape[first:], strict=True)):
        raise ValueError(
            errors.explain(
                f"an update of places that are {shape} together",
                f"values of type {y.aval}",
                "values are broadcast to the places: counted from the last, each of their axes "
                "has the size of the places' there, or 1",
                "x.at[i].set(y), with y of the shape of x[i]",
            )
        )
    return broadcast_in_dim(y, shape, range(first, len(shape)))


def put_along_axis(
    arr: Any,
    indices: Any,
    values: Any,
    axis: int | None,
    inplace: bool = True,
    *,
    mode: Mode = None,
) -> Any:
    """`arr` with `values` written at `indices` along an axis, line by line: the counterpart of
    `take_along_axis`. `values` broadcast to the shape of `indices`.

    `inplace=False` has to be said, for `numpy.put_along_axis` writes into its argument.
    """
    if inplace:
        raise ValueError(
            errors.explain(
                "jnp.put_along_axis",
                "inplace=True, the default that NumPy has",
                "arrays are immutable",
                "x = jnp.put_along_axis(x, indices, values, axis, inplace=False)",
            )
        )
    x, i, y = (operand("put_along_axis", a, n) for n, a in enumerate((arr, indices, values)))
    if axis is None:
        flat = reshape(x, (x.size,))
        return reshape(put_along_axis(flat, i, y, 0, False, mode=mode), x.shape)
    if x.ndim != i.ndim:
        raise ValueError(
            errors.explain(
                "jnp.put_along_axis",
                f"an array of type {x.aval} and indices of type {i.aval}",
                "each line of the array has its own indices, so they have equally many axes",
                "x.at[i].set(y) for the same places in all lines",
            )
        )
    places: list[Any] = list(np.ogrid[tuple(map(slice, x.shape))])
    places[axis] = i
    return IndexRef(x, tuple(places)).set(_spread(y, i.shape), mode=mode)
