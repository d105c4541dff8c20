"""Sliding windows: the sum, max and min of each, and the selections that the derivatives need.

    reduce_window_max(x)[p] = max over offsets k of  x[stride * p + window_dilation * k - pad]

where x has `base_dilation - 1` holes between neighbours. The tangent of a window's extreme is that
of one of its elements, the first extreme one: `select_and_gather_add` picks it, and its transpose,
`select_and_scatter_add`, sends a window's cotangent back to the place.

Read next: `primitives/indexing.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from scratchfn import errors
from scratchfn.backends.numpy.kernels import selection
from scratchfn.backends.numpy.kernels import window as kernels
from scratchfn.core.array import Array
from scratchfn.core.avals import ShapedArray
from scratchfn.core.tangents import Zero, zero_tangent
from scratchfn.core.template import expression, kernel
from scratchfn.core.trace import Primitive
from scratchfn.primitives.base import Axes, instantiate_axis, linear_jvp
from scratchfn.primitives.check import require_equal_dtypes, require_kind
from scratchfn.primitives.conv_types import dilated, positions
from scratchfn.primitives.logic import ge_p, le_p
from scratchfn.primitives.rules import partials
from scratchfn.primitives.structural import inserted, pad, slice_

Padding = tuple[tuple[int, int], ...]


class Windows(NamedTuple):
    """The params of a windowed operation, one entry for each axis."""

    window_dimensions: Axes
    window_strides: Axes
    padding: Padding
    base_dilation: Axes
    window_dilation: Axes

    def out_shape(self, shape: Axes) -> Axes:
        """How many windows there are along each axis of an operand."""
        return tuple(
            positions(dilated(n, base) + low + high, dilated(w, dilation), stride)
            for n, w, stride, (low, high), base, dilation in zip(shape, *self, strict=True)
        )

    def inserted(self, axis: int) -> Windows:
        """The same windows over a batch whose axis is `axis`: they do not reach along it."""
        return Windows(*(inserted(x, axis, (0, 0) if x is self.padding else 1) for x in self))

    def swapped(self, shape: Axes, out_shape: Axes) -> Windows:
        """Windows over the results, as seen from an element of the operand: those it is in."""
        pads = []
        for n, size, w, stride, (low, _), base, dilation in zip(
            shape, out_shape, *self, strict=True
        ):
            reach = dilated(w, dilation)
            before = reach - low - 1
            pads.append((before, dilated(n, base) + low - dilated(size, stride)))
        return self._replace(
            window_strides=self.base_dilation,
            padding=tuple(pads),
            base_dilation=self.window_strides,
        )


def check_windows(name: str, x: ShapedArray, windows: Windows) -> None:
    """Raises TypeError unless there is a positive entry for each axis of the operand."""
    what = f"{name} of {x}"
    for field, value in windows._asdict().items():
        if len(value) != x.ndim:
            error = ValueError if field == "padding" else TypeError
            raise error(
                errors.explain(
                    what,
                    f"{field}={tuple(value)}, {len(value)} entries",
                    f"the operand has {x.ndim} axes; a window has an extent along each, 1 along "
                    "those it does not reduce",
                    f"{field}={((0, 0) if field == 'padding' else 1,) * (x.ndim - len(value))} + "
                    f"{tuple(value)}"
                    if len(value) < x.ndim
                    else f"{field}={tuple(value[: x.ndim])}",
                )
            )
        if field != "padding" and any(entry < 1 for entry in value):
            raise TypeError(
                errors.explain(
                    what,
                    f"{field}={tuple(value)}",
                    "extents, strides and dilations are positive",
                    f"{field}={tuple(max(entry, 1) for entry in value)}",
                )
            )


# -- sum, max, min --------------------------------------------------------------------------------


def _reduce_window(name: str, kinds: str) -> Primitive:
    kernel(getattr(kernels, name))
    params = ", ".join(f"{field}={{{field}}}" for field in Windows._fields)
    prim = Primitive(name, **expression(f"{name}({{0}}, {params})"))

    def aval(x: ShapedArray, **params: Any) -> ShapedArray:
        windows = Windows(**params)
        require_kind(name, [x], kinds)
        check_windows(name, x, windows)
        return x.update(shape=windows.out_shape(x.shape))

    def batch(size: int, args: Any, dims: Any, **params: Any) -> Any:
        windows = Windows(**params).inserted(dims[0])
        return prim.bind(args[0], **windows._asdict()), dims[0]

    prim.aval, prim.batch = aval, batch
    return prim


def _sum_transpose(ct: Any, x: Any, **params: Any) -> Any:
    windows = Windows(**params).swapped(x.aval.shape, ct.shape)
    return [reduce_window_sum_p.bind(ct, **windows._asdict())]


reduce_window_sum_p = _reduce_window("reduce_window_sum", "iufc")
reduce_window_sum_p.jvp = linear_jvp(reduce_window_sum_p)
reduce_window_sum_p.transpose = _sum_transpose

reduce_window_max_p = _reduce_window("reduce_window_max", "biufc")
reduce_window_max_p.jvp = partials(
    reduce_window_max_p,
    lambda dx, ans, x, **params: select_and_gather_add_p.bind(dx, x, select_prim=ge_p, **params),
)

reduce_window_min_p = _reduce_window("reduce_window_min", "biufc")
reduce_window_min_p.jvp = partials(
    reduce_window_min_p,
    lambda dx, ans, x, **params: select_and_gather_add_p.bind(dx, x, select_prim=le_p, **params),
)

# -- select_and_gather_add, select_and_scatter_add: linear in the first operand, and constant almost
# everywhere in the second, which decides --------------------------------------------------------


def _selection(name: str, fields: Sequence[str]) -> Primitive:
    kernel(getattr(selection, name))
    params = ", ".join(f"{field}={{{field}}}" for field in ("select_prim", *fields))
    prim = Primitive(name, **expression(f"{name}({{0}}, {{1}}, {params})"))

    def jvp(primals: Any, tangents: Any, **params: Any) -> Any:
        ans = prim.bind(*primals, **params)
        if type(tangents[0]) is Zero:
            return ans, zero_tangent(ans)
        return ans, prim.bind(tangents[0], primals[1], **params)

    def batch(size: int, args: Any, dims: Any, *, select_prim: Primitive, **params: Any) -> Any:
        x, y = (instantiate_axis(arg, d, size) for arg, d in zip(args, dims, strict=True))
        windows = _with_ones(params).inserted(0)._asdict()
        kept = {field: windows[field] for field in fields}
        return prim.bind(x, y, select_prim=select_prim, **kept), 0

    def on_jax(lax: Any, x: Any, y: Any, *, select_prim: Primitive, **params: Any) -> Any:
        theirs = {"ge": lax.ge_p, "le": lax.le_p}[select_prim.name]
        return getattr(lax, f"{name}_p").bind(x, y, select_prim=theirs, **params)

    prim.jvp, prim.batch, prim.jax = jvp, batch, on_jax
    return prim


def _with_ones(params: dict[str, Any]) -> Windows:
    """The windows that params describe, without dilation where they do not speak of any."""
    ones = (1,) * len(params["window_dimensions"])
    return Windows(**{"base_dilation": ones, "window_dilation": ones, **params})


def _gather_aval(dx: ShapedArray, x: ShapedArray, *, select_prim: Primitive, **params: Any) -> Any:
    windows = Windows(**params)
    require_equal_dtypes("select_and_gather_add", [dx, x])
    require_kind("select_and_gather_add", [x], "f")
    check_windows("select_and_gather_add", x, windows)
    _require_shape("select_and_gather_add", "tangents", dx, x.shape)
    return dx.update(shape=windows.out_shape(x.shape))


def _scatter_aval(source: ShapedArray, x: ShapedArray, *, select_prim: Any, **params: Any) -> Any:
    windows = _with_ones(params)
    require_equal_dtypes("select_and_scatter_add", [source, x])
    require_kind("select_and_scatter_add", [x], "iuf")
    check_windows("select_and_scatter_add", x, windows)
    _require_shape("select_and_scatter_add", "source", source, windows.out_shape(x.shape))
    return source.update(shape=x.shape)


def _require_shape(name: str, role: str, found: ShapedArray, shape: Axes) -> None:
    if found.shape != shape:
        raise TypeError(
            errors.explain(
                f"{name} with {role} of type {found}",
                f"shape {found.shape}, where these windows need {shape}",
                "one number belongs to each place that is selected from"
                if role == "tangents"
                else "one number belongs to each window",
                f"jnp.broadcast_to({role}, {shape})",
            )
        )


def _gather_transpose(ct: Any, dx: Any, x: Any, *, select_prim: Primitive, **params: Any) -> Any:
    windows = Windows(**params)
    if any(dilation != 1 for dilation in windows.window_dilation):
        raise NotImplementedError(
            errors.explain(
                f"the gradient of a max or min over windows of {x.aval}",
                f"window_dilation={windows.window_dilation}",
                "select_and_scatter_add, which carries it back, has no dilated windows",
                "jvp(f, (x,), (dx,)), which goes forwards, or a max over gathered windows",
            )
        )
    base = windows.base_dilation
    if any(dilation != 1 for dilation in base):  # the holes must not be chosen
        worst = kernels.lowest(x.dtype) if select_prim is ge_p else kernels.highest(x.dtype)
        x = pad(x, Array(worst), [(0, 0, dilation - 1) for dilation in base])
    out = select_and_scatter_add_p.bind(
        ct,
        x,
        select_prim=select_prim,
        window_dimensions=windows.window_dimensions,
        window_strides=windows.window_strides,
        padding=windows.padding,
    )
    if any(dilation != 1 for dilation in base):
        out = slice_(out, (0,) * out.ndim, out.shape, base)
    return [out, None]


def _scatter_transpose(
    ct: Any, source: Any, x: Any, *, select_prim: Primitive, **params: Any
) -> Any:
    windows = _with_ones(params)
    return [
        select_and_gather_add_p.bind(ct, x, select_prim=select_prim, **windows._asdict()),
        None,
    ]


select_and_gather_add_p = _selection("select_and_gather_add", Windows._fields)
select_and_gather_add_p.aval = _gather_aval
select_and_gather_add_p.transpose = _gather_transpose

select_and_scatter_add_p = _selection("select_and_scatter_add", Windows._fields[:3])
select_and_scatter_add_p.aval = _scatter_aval
select_and_scatter_add_p.transpose = _scatter_transpose
