"""scatter, scatter-mul, scatter-min and scatter-max: windows overwritten, multiplied, bounded.

What they share with scatter-add is in `primitives/indexing.py`. Here are their derivatives, which
ask what became of each update: whether it was dropped, overwritten by another, or lost against a
greater one.

Read next: `primitives/dynamic.py`.
"""

from __future__ import annotations

import functools
from math import prod
from typing import Any

from scratchfn import errors
from scratchfn.core import dtypes
from scratchfn.core.tangents import Zero, zero_tangent
from scratchfn.core.trace import Primitive
from scratchfn.primitives.arithmetic import add, div, max_p, min_p, mul, mul_p
from scratchfn.primitives.base import add_tangents, broadcast_in_dim, full, instantiate, reshape
from scratchfn.primitives.convert import convert_element_type, select
from scratchfn.primitives.indexing import read_back, scatter_add, scatter_primitive, writes_once
from scratchfn.primitives.logic import bitwise_not, bitwise_or, eq
from scratchfn.primitives.rules import is_linear, scalar_like
from scratchfn.primitives.structural import iota


def _places(params: dict[str, Any]) -> dict[str, Any]:
    """Those params that say where a scatter writes, to have another write there too."""
    return {k: v for k, v in params.items() if k not in ("update_consts", "update_jaxpr")}


def _zeros(x: Any) -> Any:
    return full(x.shape, 0, x.dtype)


# -- scatter: of several updates to one place one wins, on NumPy the last --------------------------


def _scatter_jvp(primals: Any, tangents: Any, **params: Any) -> Any:
    """Where updates may overlap, an accelerator may let one win in the value and another in the
    tangent. So the winners are found once, and put in place by additions, which cannot overlap."""
    (operand, indices, updates), (d_operand, _, d_updates) = primals, tangents
    if type(d_updates) is Zero or writes_once(indices, **params):
        ans = scatter_p.bind(operand, indices, updates, **params)
        if type(d_operand) is Zero and type(d_updates) is Zero:
            return ans, zero_tangent(ans)
        d_operand, d_updates = instantiate(d_operand), instantiate(d_updates)
        return ans, scatter_p.bind(d_operand, indices, d_updates, **params)
    kept, wins = _survivors(operand, indices, updates, **params)

    def put(x: Any, y: Any) -> Any:
        masked = select(kept, x, _zeros(x)), select(wins, y, _zeros(y))
        return scatter_add(masked[0], indices, masked[1], **_places(params))

    return put(operand, updates), put(instantiate(d_operand), instantiate(d_updates))


def _survivors(operand: Any, indices: Any, updates: Any, **params: Any) -> tuple[Any, Any]:
    """Which elements of the operand are kept, and which of the updates are in the result: each
    window's number is scattered, and then read back."""
    shape = updates.aval.shape
    in_window = params["dimension_numbers"].update_window_dims
    sizes = [1 if d in in_window else n for d, n in enumerate(shape)]
    numbers = iota(dtypes.uint32, (prod(sizes),))
    numbers = add(numbers, scalar_like(numbers, 1))  # 0 is for elements that nobody wrote
    numbers = broadcast_in_dim(reshape(numbers, sizes), shape, range(len(shape)))
    nobody = full(operand.aval.shape, 0, dtypes.uint32)
    writer = scatter(nobody, indices, numbers, **_places(params))
    kept = eq(writer, scalar_like(writer, 0))
    return kept, eq(numbers, read_back(writer, indices, updates, **params))


def _scatter_transpose(ct: Any, operand: Any, indices: Any, updates: Any, **params: Any) -> Any:
    ct_operand = ct_updates = None
    if is_linear(operand):
        nothing = full(updates.aval.shape, 0, ct.dtype)
        ct_operand = scatter(ct, indices, nothing, **_places(params))
    if is_linear(updates):
        ct_updates = read_back(ct, indices, updates, **params)
        if not writes_once(indices, **params):
            _, wins = _survivors(operand, indices, updates, **params)
            ct_updates = select(wins, ct_updates, _zeros(ct_updates))
    return [ct_operand, None, ct_updates]


scatter_p, scatter = scatter_primitive("scatter", None, "")
scatter_p.jvp = _scatter_jvp
scatter_p.transpose = _scatter_transpose

# -- scatter-mul ----------------------------------------------------------------------------------


def _scatter_mul_jvp(primals: Any, tangents: Any, **params: Any) -> Any:
    (operand, indices, updates), (d_operand, _, d_updates) = primals, tangents
    ans = scatter_mul_p.bind(operand, indices, updates, **params)
    total: Any = zero_tangent(ans)
    if type(d_operand) is not Zero:
        total = scatter_mul_p.bind(d_operand, indices, updates, **params)
    if type(d_updates) is not Zero:
        if not writes_once(indices, **params):
            raise NotImplementedError(
                errors.explain(
                    "the derivative of scatter_mul, or x.at[i].multiply(y), with respect to y",
                    "indices that may be equal (unique_indices=False)",
                    "each factor's derivative would be the product of all the others at its place",
                    "unique_indices=True if no two are equal",
                )
            )
        spread = scatter_add(_zeros(operand), indices, d_updates, **_places(params))
        total = add_tangents(total, mul(operand, spread))
    return ans, total


def _scatter_mul_transpose(ct: Any, operand: Any, indices: Any, updates: Any, **params: Any) -> Any:
    if is_linear(operand):
        return [scatter_mul_p.bind(ct, indices, updates, **params), None, None]
    return [None, None, read_back(mul(ct, operand), indices, updates, **params)]


scatter_mul_p, scatter_mul = scatter_primitive("scatter-mul", mul_p, "iufc")
scatter_mul_p.jvp = _scatter_mul_jvp
scatter_mul_p.transpose = _scatter_mul_transpose

# -- scatter-min, scatter-max: those that share the extreme share its derivative equally -----------


def _extreme_jvp(prim: Primitive, primals: Any, tangents: Any, **params: Any) -> Any:
    (operand, indices, updates), (d_operand, _, d_updates) = primals, tangents
    ans = prim.bind(operand, indices, updates, **params)
    won = eq(updates, read_back(ans, indices, updates, **params))
    held = eq(operand, ans)
    winners = scatter_add(
        _zeros(operand), indices, convert_element_type(won, ans.dtype), **_places(params)
    )
    total: Any = zero_tangent(ans)
    if type(d_operand) is not Zero:
        ones = full(updates.shape, True, dtypes.bool_)
        untouched = bitwise_not(scatter(_zeros(held), indices, ones, **_places(params)))
        share = div(full(ans.shape, 1, ans.dtype), add(winners, scalar_like(winners, 1)))
        share = select(bitwise_or(held, untouched), share, _zeros(ans))  # an untouched nan as well
        total = mul(d_operand, share)
    if type(d_updates) is not Zero:
        count = add(winners, convert_element_type(held, ans.dtype))
        share = div(full(updates.shape, 1, ans.dtype), read_back(count, indices, updates, **params))
        part = mul(d_updates, select(won, share, _zeros(updates)))
        part = scatter_add(_zeros(operand), indices, part, **_places(params))
        total = add_tangents(total, part)
    return ans, total


scatter_min_p, scatter_min = scatter_primitive("scatter-min", min_p, "biufc")
scatter_min_p.jvp = functools.partial(_extreme_jvp, scatter_min_p)

scatter_max_p, scatter_max = scatter_primitive("scatter-max", max_p, "biufc")
scatter_max_p.jvp = functools.partial(_extreme_jvp, scatter_max_p)
