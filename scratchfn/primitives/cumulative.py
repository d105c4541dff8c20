"""Running reductions along an axis: sum, product, max, min and log of a sum of exponentials.

The running sum is linear, and its transpose runs from the other end. The others are differentiated
as prefix scans of their operation on two elements: `prefixes` is the scan, a tree that combines
neighbours, scans the half that is left and fills in the rest (G. Blelloch, Prefix sums and their
applications, 1990).

Read next: `primitives/sorting.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scratchfn import errors
from scratchfn.backends.numpy.kernels import cumulative as kernels
from scratchfn.core.avals import ShapedArray
from scratchfn.core.tangents import Zero, zero_tangent
from scratchfn.core.template import NAMESPACE, expression
from scratchfn.core.trace import Primitive
from scratchfn.primitives.arithmetic import add, log_p, max_, max_p, min_p, mul, mul_p, sub
from scratchfn.primitives.base import full, linear_jvp
from scratchfn.primitives.check import require_kind
from scratchfn.primitives.convert import (
    convert_element_type,
    real,
    select,
    stop_gradient_p,
)
from scratchfn.primitives.joining import concatenate
from scratchfn.primitives.logic import eq, is_finite
from scratchfn.primitives.math import exp_p
from scratchfn.primitives.rules import is_complex, scalar_like
from scratchfn.primitives.structural import pad, rev, slice_

Pair = tuple[Any, Any]  # an array and its tangent
Combine = Callable[[Pair, Pair], Pair]


def _cumulative(name: str, kinds: str) -> Primitive:
    """A running reduction along `axis`, from the end if `reverse`."""
    NAMESPACE[name] = getattr(kernels, name)
    prim = Primitive(name, **expression(f"{name}({{0}}, axis={{axis}}, reverse={{reverse}})"))

    def aval(x: ShapedArray, *, axis: int, reverse: bool) -> ShapedArray:
        if not 0 <= axis < x.ndim:
            raise ValueError(
                errors.explain(
                    f"lax.{name} of {x} along axis {axis}",
                    f"an array of {x.ndim} axes",
                    "lax counts axes from the front, 0 first",
                    f"lax.{name}(x, axis={axis % x.ndim})" if x.ndim else "x.reshape(1) first",
                )
            )
        require_kind(name, [x], kinds)
        return x

    def batch(size: int, args: Any, dims: Any, *, axis: int, reverse: bool) -> Any:
        d = dims[0]
        return prim.bind(args[0], axis=axis + (axis >= d), reverse=reverse), d

    prim.aval, prim.batch = aval, batch
    return prim


# -- sum ------------------------------------------------------------------------------------------

cumsum_p = _cumulative("cumsum", "iufc")
cumsum_p.jvp = linear_jvp(cumsum_p)
cumsum_p.transpose = lambda ct, x, *, axis, reverse: [
    cumsum_p.bind(ct, axis=axis, reverse=not reverse)
]

# -- product, max, min, logsumexp -----------------------------------------------------------------


def prefixes(combine: Combine, pair: Pair, axis: int) -> Pair:
    """The combination of all elements up to each, for a pair of arrays."""
    n = pair[0].shape[axis]
    if n < 2:
        return pair
    neighbours = combine(_every_other(pair, 0, n - 1, axis), _every_other(pair, 1, n, axis))
    odd = prefixes(combine, neighbours, axis)
    before = odd if n % 2 else _part(odd, 0, n // 2 - 1, 1, axis)
    even = combine(before, _every_other(pair, 2, n, axis))
    first = _part(pair, 0, 1, 1, axis)
    evens = (concatenate(xs, axis) for xs in zip(first, even, strict=True))
    value, tangent = (_interleave(x, y, axis) for x, y in zip(evens, odd, strict=True))
    return value, tangent


def _part(pair: Pair, start: int, stop: int, step: int, axis: int) -> Pair:
    x = pair[0]
    starts, stops, steps = [0] * x.ndim, list(x.shape), [1] * x.ndim
    starts[axis], stops[axis], steps[axis] = min(start, x.shape[axis]), stop, step
    return slice_(x, starts, stops, steps), slice_(pair[1], starts, stops, steps)


def _every_other(pair: Pair, start: int, stop: int, axis: int) -> Pair:
    return _part(pair, start, stop, 2, axis)


def _interleave(even: Any, odd: Any, axis: int) -> Any:
    """even[0], odd[0], even[1], ...; there are as many of both, or one more of the even."""
    more = even.shape[axis] - odd.shape[axis]
    zero = full((), 0, even.dtype)
    spread = [(0, 0, 0)] * even.ndim
    spread[axis] = (0, 1 - more, 1)
    out = pad(even, zero, spread)
    spread[axis] = (1, more, 1)
    return add(out, pad(odd, zero, spread))


def _scan_jvp(prim: Primitive, combine: Combine) -> Callable[..., Any]:
    def jvp(primals: Any, tangents: Any, *, axis: int, reverse: bool) -> Any:
        (x,), (dx,) = primals, tangents
        ans = prim.bind(x, axis=axis, reverse=reverse)
        if type(dx) is Zero:
            return ans, zero_tangent(ans)
        if reverse:
            _, tangent = prefixes(combine, (rev(x, [axis]), rev(dx, [axis])), axis)
            return ans, rev(tangent, [axis])
        return ans, prefixes(combine, (x, dx), axis)[1]

    return jvp


def _with_tangents(prim: Primitive) -> Combine:
    """A primitive of two operands on pairs of values and tangents."""
    return lambda a, b: prim.jvp((a[0], b[0]), (a[1], b[1]))  # type: ignore[misc]


def _logaddexp(a: Pair, b: Pair) -> Pair:
    """log(e^x + e^y), with the tangent e^(x - out) dx + e^(y - out) dy."""
    (x, dx), (y, dy) = a, b
    # The scale cancels in the result, so its derivative is nothing, also where x = y.
    scale = stop_gradient_p.bind(max_(_real(x), _real(y)))
    scale = select(is_finite(scale), scale, full(scale.shape, 0, scale.dtype))
    scale = convert_element_type(scale, x.dtype)
    scaled = add(exp_p.bind(sub(x, scale)), exp_p.bind(sub(y, scale)))
    out = add(log_p.bind(scaled), scale)
    return out, add(mul(dx, _ratio(x, out)), mul(dy, _ratio(y, out)))


def _real(x: Any) -> Any:
    return real(x) if is_complex(x) else x


def _ratio(x: Any, out: Any) -> Any:
    """e^x / e^out, 1 where both are infinite."""
    return exp_p.bind(sub(_without_inf(x), _without_inf(out)))


def _without_inf(x: Any) -> Any:
    return select(eq(x, scalar_like(x, float("inf"))), full(x.shape, 0, x.dtype), x)


cumprod_p = _cumulative("cumprod", "iufc")
cumprod_p.jvp = _scan_jvp(cumprod_p, _with_tangents(mul_p))
cummax_p = _cumulative("cummax", "iufc")
cummax_p.jvp = _scan_jvp(cummax_p, _with_tangents(max_p))
cummin_p = _cumulative("cummin", "iufc")
cummin_p.jvp = _scan_jvp(cummin_p, _with_tangents(min_p))
cumlogsumexp_p = _cumulative("cumlogsumexp", "fc")
cumlogsumexp_p.jvp = _scan_jvp(cumlogsumexp_p, _logaddexp)
