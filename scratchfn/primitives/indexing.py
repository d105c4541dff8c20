"""gather and scatter-add: reading windows of an array at computed places, and adding to them.

    x[i]           for x: f32[3,4], i: i32[5,1]   gather(x, i, ((1,), (0,), (0,)), (1, 4)): f32[5,4]
    x.at[i].add(y) for y: f32[5,4]                scatter_add(x, i, y, ((1,), (0,), (0,)))

The two transpose into each other. `mode` says what becomes of a window that reaches over the edge:
CLIP moves it inside, FILL_OR_DROP fills what was to be read and drops what was to be written.

The other scatters, in `primitives/scatter.py`, are defined by `scatter_primitive` as well; they
differ in how an update meets what it finds, and in their derivatives.

Read next: `primitives/scatter.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.backends.numpy.kernels import gather as kernels
from scratchfn.core.avals import ShapedArray
from scratchfn.core.jaxpr import Eqn, Jaxpr, Var
from scratchfn.core.params import (
    GatherDimensionNumbers,
    GatherScatterMode,
    ScatterDimensionNumbers,
)
from scratchfn.core.tangents import Zero, zero_tangent
from scratchfn.core.template import NAMESPACE, expression, kernel
from scratchfn.core.trace import Primitive
from scratchfn.primitives.arithmetic import add_p, neg, sub_p
from scratchfn.primitives.base import (
    Axes,
    full,
    instantiate,
    instantiate_axis,
    move_axis,
)
from scratchfn.primitives.check import require_equal_dtypes, require_kind
from scratchfn.primitives.rules import is_linear
from scratchfn.primitives.windows import (
    as_gather_numbers,
    as_scatter_numbers,
    batched_numbers,
    gathered_shape,
)

FILL_OR_DROP = GatherScatterMode.FILL_OR_DROP
ONE_HOT = GatherScatterMode.ONE_HOT  # JAX has the word alone, so it is said in other words

# -- gather ---------------------------------------------------------------------------------------


def _gather_aval(
    operand: ShapedArray,
    indices: ShapedArray,
    *,
    dimension_numbers: GatherDimensionNumbers,
    slice_sizes: Axes,
    **_: Any,
) -> ShapedArray:
    return operand.update(
        shape=gathered_shape("gather", operand, indices, slice_sizes, dimension_numbers)
    )


def _gather_jvp(primals: Any, tangents: Any, *, fill_value: Any, **params: Any) -> Any:
    (operand, indices), (d_operand, _) = primals, tangents
    ans = gather_p.bind(operand, indices, fill_value=fill_value, **params)
    if type(d_operand) is Zero:
        return ans, zero_tangent(ans)
    return ans, gather(d_operand, indices, fill_value=0, **params)  # a filler does not change


def _gather_transpose(
    ct: Any,
    operand: Any,
    indices: Any,
    *,
    dimension_numbers: GatherDimensionNumbers,
    slice_sizes: Axes,
    fill_value: Any,
    **options: Any,
) -> Any:
    zero = full(operand.aval.shape, 0, ct.dtype)
    return [scatter_add(zero, indices, ct, as_scatter_numbers(dimension_numbers), **options), None]


def batch_gather(
    size: int,
    args: Any,
    dims: Any,
    *,
    dimension_numbers: GatherDimensionNumbers,
    slice_sizes: Axes,
    **options: Any,
) -> Any:
    """The batch rule of gather, and of what becomes a gather under vmap."""
    operand, indices = map(move_axis, args, dims, (0, 0))
    operand_batched, indices_batched = (d is not None for d in dims)
    if operand_batched:
        slice_sizes = (min(size, 1) if indices_batched else size, *slice_sizes)
    else:  # what is promised of each example's indices does not hold of all of them together
        options |= {"unique_indices": False, "indices_are_sorted": False}
    numbers = batched_numbers(dimension_numbers, operand_batched, indices_batched)
    return gather(operand, indices, numbers, slice_sizes, **options), 0


gather_p = Primitive(
    "gather",
    aval=_gather_aval,
    jvp=_gather_jvp,
    transpose=_gather_transpose,
    batch=batch_gather,
    **expression(
        "gather({0}, {1}, dimension_numbers={dimension_numbers}, slice_sizes={slice_sizes}, "
        "mode={mode}, fill_value={fill_value})"
    ),
)
kernel(kernels.gather)


def gather(
    operand: Any,
    indices: Any,
    dimension_numbers: GatherDimensionNumbers,
    slice_sizes: Sequence[int],
    *,
    unique_indices: bool = False,
    indices_are_sorted: bool = False,
    mode: GatherScatterMode = FILL_OR_DROP,
    fill_value: Any = None,
) -> Any:
    """The windows of extent `slice_sizes` that begin at `indices`. Of a window outside, mode
    FILL_OR_DROP makes `fill_value`; None means nan, or an integer's least number."""
    if mode is ONE_HOT:
        mode, fill_value = FILL_OR_DROP, 0
    if mode is not FILL_OR_DROP:
        fill_value = None
    elif fill_value is None:
        fill_value = kernels.default_fill(operand.dtype)
    return gather_p.bind(
        operand,
        indices,
        dimension_numbers=dimension_numbers,
        fill_value=fill_value,
        indices_are_sorted=indices_are_sorted,
        mode=mode,
        slice_sizes=tuple(slice_sizes),
        unique_indices=unique_indices,
    )


# -- what all scatters share ----------------------------------------------------------------------


def scatter_primitive(
    name: str, combine: Primitive | None, kinds: str
) -> tuple[Primitive, Callable[..., Any]]:
    """Defines a scatter but for its derivatives: the primitive, and the function that binds it.

    `combine` is how an update meets what it finds, None if it overwrites it; `kinds` are the dtypes
    that the operation takes, "" for all.
    """
    python_name = name.replace("-", "_")
    NAMESPACE[python_name] = getattr(kernels, python_name)

    def aval(
        operand: ShapedArray,
        indices: ShapedArray,
        updates: ShapedArray,
        *,
        dimension_numbers: ScatterDimensionNumbers,
        **_: Any,
    ) -> ShapedArray:
        if kinds:
            require_kind(name, [operand], kinds)
        require_equal_dtypes(name, [operand, updates])
        _require_fit(name, operand, indices, updates, dimension_numbers)
        return operand

    def on_jax(lax: Any, operand: Any, indices: Any, updates: Any, **params: Any) -> Any:
        options = ("indices_are_sorted", "unique_indices")
        return getattr(lax, python_name)(
            operand,
            indices,
            updates,
            lax.ScatterDimensionNumbers(*params["dimension_numbers"]),
            mode=lax.GatherScatterMode[params["mode"].name],
            **{option: params[option] for option in options},
        )

    prim = Primitive(
        name,
        aval=aval,
        jax=on_jax,
        **expression(
            f"{python_name}({{0}}, {{1}}, {{2}}, dimension_numbers={{dimension_numbers}}, "
            "mode={mode}, unique_indices={unique_indices})"
        ),
    )
    prim.batch = functools.partial(batch_scatter, prim)

    def bind(
        operand: Any,
        indices: Any,
        updates: Any,
        dimension_numbers: ScatterDimensionNumbers,
        *,
        indices_are_sorted: bool = False,
        unique_indices: bool = False,
        mode: GatherScatterMode = FILL_OR_DROP,
    ) -> Any:
        return prim.bind(
            operand,
            indices,
            updates,
            dimension_numbers=dimension_numbers,
            indices_are_sorted=indices_are_sorted,
            mode=FILL_OR_DROP if mode is ONE_HOT else mode,
            unique_indices=unique_indices,
            update_consts=(),
            update_jaxpr=combine and update_program(combine, operand.dtype),
        )

    return prim, bind


@functools.cache
def update_program(combine: Primitive, dtype: np.dtype) -> Jaxpr:
    """How one element is updated, as a program: programs print it, as JAX's do."""
    old, update, new = (Var(ShapedArray((), dtype)) for _ in range(3))
    return Jaxpr([], [old, update], [new], [Eqn(combine, [old, update], [new], {})])


@functools.lru_cache(maxsize=4096)
def _require_fit(
    name: str,
    operand: ShapedArray,
    indices: ShapedArray,
    updates: ShapedArray,
    numbers: ScatterDimensionNumbers,
) -> None:
    """Raises TypeError unless the updates are windows of the operand, one for each index vector."""
    inserted = {*numbers.inserted_window_dims, *numbers.operand_batching_dims}
    fits = (
        operand.ndim == len(numbers.update_window_dims) + len(inserted)
        and inserted.issubset(range(operand.ndim))
        and all(0 <= d < updates.ndim for d in numbers.update_window_dims)
    )
    expected = None
    if fits:
        window = kernels.update_window(operand.ndim, updates.shape, numbers)
        expected = gathered_shape(name, operand, indices, window, as_gather_numbers(numbers))
    if expected != updates.shape:
        raise TypeError(
            errors.explain(
                f"{name} of {updates} into {operand} at {indices}, {numbers}",
                f"updates of type {updates}"
                + (f", expected to be of shape {expected}" if expected else ""),
                "they need the axes of the indices but the last, and, at update_window_dims, those "
                "of the operand but the inserted ones",
                "x.at[indices].set(y) or .add(y), which find the dimension numbers",
            )
        )


def batch_scatter(
    prim: Primitive,
    size: int,
    args: Any,
    dims: Any,
    *,
    dimension_numbers: ScatterDimensionNumbers,
    **options: Any,
) -> Any:
    """The batch rule of all scatters, and of what becomes a scatter under vmap. Examples must not
    write into each other's operand, so each gets its own copy of it."""
    operand, updates = (instantiate_axis(args[i], dims[i], size) for i in (0, 2))
    indices = move_axis(args[1], dims[1], 0)
    numbers = as_scatter_numbers(
        batched_numbers(as_gather_numbers(dimension_numbers), True, dims[1] is not None)
    )
    return prim.bind(operand, indices, updates, dimension_numbers=numbers, **options), 0


def read_back(
    x: Any,
    indices: Any,
    updates: Any,
    *,
    dimension_numbers: ScatterDimensionNumbers,
    mode: GatherScatterMode,
    **_: Any,
) -> Any:
    """The elements of `x` at which a scatter with these params put its updates, 0 for those that
    it dropped."""
    return gather(
        x,
        indices,
        as_gather_numbers(dimension_numbers),
        kernels.update_window(x.ndim, updates.aval.shape, dimension_numbers),
        mode=mode,
        fill_value=0,
    )


def writes_once(
    indices: Any, *, unique_indices: bool, dimension_numbers: ScatterDimensionNumbers, **_: Any
) -> bool:
    """Does a scatter surely write each element at most once? With one window it does."""
    batch = dimension_numbers.scatter_indices_batching_dims
    windows = [size for d, size in enumerate(indices.shape[:-1]) if d not in batch]
    return unique_indices or all(size == 1 for size in windows)


# -- scatter-add, scatter-sub ---------------------------------------------------------------------


def _linear_scatter_jvp(prim: Primitive) -> Callable[..., Any]:
    def jvp(primals: Any, tangents: Any, **params: Any) -> Any:
        operand, indices, updates = primals
        ans = prim.bind(operand, indices, updates, **params)
        d_operand, _, d_updates = tangents
        if type(d_operand) is Zero and type(d_updates) is Zero:
            return ans, zero_tangent(ans)
        d_operand, d_updates = instantiate(d_operand), instantiate(d_updates)
        return ans, prim.bind(d_operand, indices, d_updates, **params)

    return jvp


def _linear_scatter_transpose(
    sign: Callable[..., Any], ct: Any, operand: Any, indices: Any, updates: Any, **params: Any
) -> Any:
    ct_updates = None
    if is_linear(updates):
        ct_updates = sign(read_back(ct, indices, updates, **params))
    return [ct if is_linear(operand) else None, None, ct_updates]


scatter_add_p, scatter_add = scatter_primitive("scatter-add", add_p, "iufc")
scatter_add_p.jvp = _linear_scatter_jvp(scatter_add_p)
scatter_add_p.transpose = functools.partial(_linear_scatter_transpose, lambda ct: ct)

scatter_sub_p, scatter_sub = scatter_primitive("scatter-sub", sub_p, "iufc")
scatter_sub_p.jvp = _linear_scatter_jvp(scatter_sub_p)
scatter_sub_p.transpose = functools.partial(_linear_scatter_transpose, neg)
