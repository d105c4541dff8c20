"""Changes of dtype, parts of complex numbers, selection, and the identity in its kinds.

Read next: `primitives/arithmetic.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.backends.numpy.kernels import shape as kernels
from scratchfn.core import dtypes
from scratchfn.core.avals import ShapedArray
from scratchfn.core.tangents import Zero, zero_tangent
from scratchfn.core.template import expression, kernel
from scratchfn.core.trace import Primitive
from scratchfn.primitives.base import instantiate, linear_jvp, move_axis, unbroadcast, zeros
from scratchfn.primitives.check import broadcast_shape, require_equal_dtypes, require_kind
from scratchfn.primitives.logic import bitwise_and, gt, lt
from scratchfn.primitives.rules import (
    batch_elementwise,
    batch_uniform,
    elementwise,
    full_like,
    linear_in,
    no_derivative,
    partials,
    spread,
)

# -- convert_element_type -------------------------------------------------------------------------


@kernel
def convert_element_type_kernel(x: np.ndarray, dtype: Any) -> np.ndarray:
    dtype = np.dtype(dtype)  # generated source writes np.float32
    if x.dtype == dtype:
        return x
    if dtypes.kind(x.dtype) in "fc" and dtypes.kind(dtype) in "iu":
        return float_to_int(x.real, np.empty(x.shape, dtype))
    if x.dtype.kind == "c" and dtype.kind != "c":
        x = x.real
    return x.astype(dtype)


@kernel
def float_to_int(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Into an array of integers. XLA clamps to the range and takes nan to 0, where C leaves both
    undefined."""
    limits = dtypes.iinfo(out.dtype)
    below, above = float(limits.min) - 1, float(limits.max) + 1
    if x.dtype.char in "fd" and x.min(initial=0) > below and x.max(initial=0) < above:
        np.copyto(out, x, "unsafe")
        return out
    x = x.astype(np.float64, copy=False)
    inside = (x > below) & (x < above)
    np.copyto(out, np.where(inside, x, 0), "unsafe")
    low, high = np.asarray(limits.min, out.dtype), np.asarray(limits.max, out.dtype)
    np.copyto(out, low, where=x <= below)
    np.copyto(out, high, where=x >= above)
    return out


def _convert_jvp(primals: Any, tangents: Any, *, new_dtype: np.dtype, **params: Any) -> Any:
    (x,), (dx,) = primals, tangents
    ans = convert_element_type_p.bind(x, new_dtype=new_dtype, **params)
    if type(dx) is Zero or ans.aval.tangent().dtype == dtypes.float0:
        return ans, zero_tangent(ans)
    return ans, convert_element_type_p.bind(dx, new_dtype=new_dtype, **params)


convert_element_type_p = Primitive(
    "convert_element_type",
    aval=lambda x, *, new_dtype, weak_type, sharding=None: ShapedArray(
        x.shape, new_dtype, weak_type
    ),
    jvp=_convert_jvp,
    transpose=lambda ct, x, **_: [convert_element_type(ct, x.aval.dtype, x.aval.weak_type)],
    hide=lambda params: ["sharding"],
    elementwise=True,
    **expression("convert_element_type_kernel({0}, {new_dtype})"),
)
convert_element_type_p.batch = batch_elementwise(convert_element_type_p)


def convert_element_type(operand: Any, new_dtype: Any, weak_type: bool = False) -> Any:
    """`operand` in another dtype, as XLA converts: floats to integers towards zero and clamped,
    nan to 0, complex numbers to their real parts."""
    dtype = np.dtype(new_dtype)
    if operand.dtype == dtype and operand.weak_type == weak_type:
        return operand
    if operand.dtype.names or dtype.names:
        raise ValueError(
            errors.explain(
                f"a value of type {operand.aval} as {dtypes.short_name(dtype)}",
                "a typed random key",
                "a key is opaque: its words are not numbers to compute with",
                "random.key_data(key), or random.wrap_key_data(words)",
            )
        )
    return convert_element_type_p.bind(operand, new_dtype=dtype, weak_type=weak_type, sharding=None)


# -- bitcast_convert_type: the same bits under another dtype --------------------------------------


@kernel
def bitcast_kernel(x: np.ndarray, dtype: Any) -> np.ndarray:
    dtype = np.dtype(dtype)  # generated programs say np.float32, which is a class
    if x.dtype.itemsize == dtype.itemsize:
        return x.view(dtype)
    if x.dtype.itemsize > dtype.itemsize:  # one element becomes a new last axis
        parts = x.dtype.itemsize // dtype.itemsize
        return np.ascontiguousarray(x)[..., None].view(dtype).reshape((*x.shape, parts))
    return np.ascontiguousarray(x).view(dtype)[..., 0]


def _bitcast_aval(x: ShapedArray, *, new_dtype: np.dtype) -> ShapedArray:
    old, new = x.dtype.itemsize, new_dtype.itemsize
    if old >= new:
        return ShapedArray(x.shape if old == new else (*x.shape, old // new), new_dtype)
    if x.ndim and x.shape[-1] == new // old:
        return ShapedArray(x.shape[:-1], new_dtype)
    raise ValueError(
        errors.explain(
            f"bitcast_convert_type of {x} to {dtypes.short_name(new_dtype)}",
            f"a last axis of {x.shape[-1] if x.ndim else 'no'} elements",
            f"each new element needs the bits of {new // old} old ones, side by side",
            f"lax.bitcast_convert_type(x.reshape(-1, {new // old}), jnp.{new_dtype.name})",
        )
    )


bitcast_convert_type_p = Primitive(
    "bitcast_convert_type",
    aval=_bitcast_aval,
    **expression("bitcast_kernel({0}, {new_dtype})"),
)
bitcast_convert_type_p.jvp = no_derivative(bitcast_convert_type_p)


def _bitcast_batch(size: int, args: Any, dims: Any, *, new_dtype: np.dtype) -> Any:
    return bitcast_convert_type(move_axis(args[0], dims[0], 0), new_dtype), 0


bitcast_convert_type_p.batch = _bitcast_batch


def bitcast_convert_type(operand: Any, new_dtype: Any) -> Any:
    """The bits of `operand` read as another dtype; a wider or narrower one eats or adds a last
    axis."""
    return bitcast_convert_type_p.bind(operand, new_dtype=np.dtype(new_dtype))


# -- complex numbers ------------------------------------------------------------------------------


def _part_aval(name: str) -> Any:
    def aval(x: ShapedArray) -> ShapedArray:
        require_kind(name, [x], "c")
        return ShapedArray(x.shape, dtypes.to_floating_dtype(x.dtype), x.weak_type)

    return aval


real_p = elementwise("real", "np.real({0})", "c", lambda dx, ans, x: real(dx))
real_p.aval = _part_aval("real")
real_p.transpose = lambda ct, x: [complex_p.bind(ct, zeros(ct.aval.strong()))]

imag_p = elementwise("imag", "np.imag({0})", "c", lambda dx, ans, x: imag(dx))
imag_p.aval = _part_aval("imag")
imag_p.transpose = lambda ct, x: [complex_p.bind(zeros(ct.aval.strong()), neg_p.bind(ct))]


@kernel
def complex_of(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    out = np.empty(np.broadcast_shapes(x.shape, y.shape), dtypes.to_complex_dtype(x.dtype))
    out.real, out.imag = x, y
    return out


def _require_wide(name: str, x: ShapedArray, kinds: str) -> None:
    """Raises TypeError for what no complex dtype is made of: the short floats, and no floats."""
    require_kind(name, [x], kinds)
    if x.dtype.itemsize < 4:
        raise TypeError(
            errors.explain(
                f"{name}({x})",
                f"dtype {x.dtype.name}",
                "complex numbers are made of float32 or float64",
                f"lax.{name} of x.astype(jnp.float32)",
            )
        )


def _complex_aval(x: ShapedArray, y: ShapedArray) -> ShapedArray:
    require_equal_dtypes("complex", [x, y])
    _require_wide("complex", x, "f")
    shape = broadcast_shape("complex", [x.shape, y.shape])
    return ShapedArray(shape, dtypes.to_complex_dtype(x.dtype), x.weak_type and y.weak_type)


def _complex_transpose(ct: Any, x: Any, y: Any) -> Any:
    return [unbroadcast(real(ct), x.aval), unbroadcast(neg_p.bind(imag(ct)), y.aval)]


complex_p = elementwise("complex", "complex_of({0}, {1})", "f", arity=2)
complex_p.aval = _complex_aval
complex_p.jvp = linear_jvp(complex_p)
complex_p.transpose = _complex_transpose


@kernel
def as_complex(x: np.ndarray) -> np.ndarray:
    return x.astype(dtypes.to_complex_dtype(x.dtype))


def _conj_aval(x: ShapedArray, *, input_dtype: np.dtype) -> ShapedArray:
    _require_wide("conj", x, "fc")
    return ShapedArray(x.shape, dtypes.to_complex_dtype(x.dtype), x.weak_type)


conj_p = Primitive(
    "conj",
    aval=_conj_aval,
    # The conjugate is linear over the reals alone, and its own transpose there.
    transpose=lambda ct, x, *, input_dtype: [_conj_transpose(ct, input_dtype)],
    elementwise=True,
    **expression({"c": "np.conjugate({0})", "f": "as_complex({0})"}),
)
conj_p.jvp = linear_jvp(conj_p)
conj_p.batch = batch_elementwise(conj_p)


def _conj_transpose(ct: Any, input_dtype: np.dtype) -> Any:
    return conj(ct) if dtypes.kind(input_dtype) == "c" else real(conj(ct))


neg_p = elementwise("neg", "np.negative({0})", "iufc", lambda dx, ans, x: neg_p.bind(dx))
neg_p.transpose = lambda ct, x: [neg_p.bind(ct)]


def real(operand: Any) -> Any:
    """The real part; its transpose is multiplication by 1."""
    return real_p.bind(operand)


def imag(operand: Any) -> Any:
    """The imaginary part."""
    return imag_p.bind(operand)


def conj(operand: Any) -> Any:
    """The complex conjugate; real numbers pass."""
    if dtypes.kind(operand.dtype) != "c":
        return operand
    return conj_p.bind(operand, input_dtype=operand.dtype)


# -- select_n, clamp ------------------------------------------------------------------------------


def _select_aval(which: ShapedArray, *cases: ShapedArray) -> ShapedArray:
    kind = dtypes.kind(which.dtype)
    if not ((kind == "b" and len(cases) <= 2) or kind in "iu"):
        raise TypeError(
            errors.explain(
                f"select_n({which}, {', '.join(map(str, cases))})",
                f"a predicate of type {which}",
                "two cases are told apart by a bool, more by an integer",
                "lax.select_n(which != 0, on_false, on_true)",
            )
        )
    require_equal_dtypes("select_n", cases)
    first = cases[0]
    if any(c.shape != first.shape for c in cases) or which.shape not in ((), first.shape):
        raise TypeError(
            errors.explain(
                f"select_n({which}, {', '.join(map(str, cases))})",
                "shapes that differ",
                "the cases have one shape, and the predicate has it too, or rank 0",
                "jnp.where(condition, x, y), which broadcasts",
            )
        )
    return ShapedArray(first.shape, first.dtype, all(c.weak_type for c in cases))


def _select_jvp(primals: Any, tangents: Any) -> Any:
    which, *cases = primals
    ans = select_n_p.bind(which, *cases)
    if all(type(t) is Zero for t in tangents[1:]):
        return ans, zero_tangent(ans)
    return ans, select_n_p.bind(which, *map(instantiate, tangents[1:]))


def _select_transpose(ct: Any, which: Any, *cases: Any) -> Any:
    zero = zeros(ct.aval)
    cts = []
    for i, case in enumerate(cases):
        only_i = [ct if j == i else zero for j in range(len(cases))]
        cts.append(unbroadcast(select_n_p.bind(which, *only_i), case.aval))
    return [None, *cts]


kernel(kernels.select_n)
kernel(kernels.clamp)

select_n_p = Primitive(
    "select_n",
    aval=_select_aval,
    jvp=_select_jvp,
    transpose=_select_transpose,
    elementwise=True,
    **expression("select_n({args})"),
)
select_n_p.batch = batch_uniform(select_n_p, scalars=[0])


def select_n(which: Any, *cases: Any) -> Any:
    """Each element from the case that `which` names there: `cases[which]`."""
    return select_n_p.bind(which, *cases)


def select(pred: Any, on_true: Any, on_false: Any) -> Any:
    """Each element from `on_true` where `pred` holds, else from `on_false`."""
    return select_n_p.bind(pred, on_false, on_true)


def _clamp_aval(lo: ShapedArray, x: ShapedArray, hi: ShapedArray) -> ShapedArray:
    require_equal_dtypes("clamp", [lo, x, hi])
    if any(bound.shape not in ((), x.shape) for bound in (lo, hi)):
        raise TypeError(
            errors.explain(
                f"clamp({lo}, {x}, {hi})",
                "bounds of other shapes than the array's",
                "a bound has the shape of the array, or rank 0",
                "jnp.clip(x, min, max), which broadcasts",
            )
        )
    return ShapedArray(x.shape, x.dtype, all(a.weak_type for a in (lo, x, hi)))


def _where(condition: Any, dx: Any) -> Any:
    """A tangent where the condition holds, else 0."""
    dx = spread(dx, condition.shape)
    return select(condition, dx, full_like(dx, 0))


clamp_p = Primitive(
    "clamp", aval=_clamp_aval, elementwise=True, **expression("clamp({0}, {1}, {2})")
)
clamp_p.jvp = partials(
    clamp_p,
    lambda dlo, ans, lo, x, hi: _where(bitwise_and(gt(lo, x), lt(lo, hi)), dlo),
    lambda dx, ans, lo, x, hi: _where(bitwise_and(gt(x, lo), lt(x, hi)), dx),
    lambda dhi, ans, lo, x, hi: _where(lt(hi, x), dhi),
)
clamp_p.batch = batch_uniform(clamp_p, scalars=[0, 2])

# -- identities -----------------------------------------------------------------------------------

copy_p = Primitive(
    "copy",
    aval=lambda x: x,
    transpose=lambda ct, x: [ct],
    batch=lambda size, args, dims: (copy_p.bind(*args), dims[0]),
    **expression("{0}.copy()"),
)
copy_p.jvp = linear_jvp(copy_p)

# Eager differentiation needs no primitive to stop at: it drops the tangent. A recorded program
# does, so that it still stops when it is differentiated later.
stop_gradient_p = Primitive(
    "stop_gradient",
    aval=lambda x: x,
    batch=lambda size, args, dims: (stop_gradient_p.bind(*args), dims[0]),
    **expression("{0}"),
)
stop_gradient_p.jvp = no_derivative(stop_gradient_p)


@kernel
def reduce_precision(x: np.ndarray, exponent_bits: int, mantissa_bits: int) -> np.ndarray:
    """Rounds to a float format of fewer bits: to nearest even in the mantissa, to infinity above
    the largest exponent, to zero below the smallest."""
    wide = x.astype(np.float64)
    fraction, exponent = np.frexp(wide)
    scale = np.ldexp(1.0, mantissa_bits + 1)
    rounded = np.ldexp(np.rint(fraction * scale) / scale, exponent)
    bias = 2 ** (exponent_bits - 1) - 1
    largest = np.ldexp(2.0 - np.ldexp(1.0, -mantissa_bits), bias)
    rounded = np.where(np.abs(rounded) > largest, np.copysign(np.inf, wide), rounded)
    rounded = np.where(np.abs(rounded) < np.ldexp(1.0, 1 - bias), np.copysign(0.0, wide), rounded)
    return np.where(np.isfinite(wide), rounded, wide).astype(x.dtype)


reduce_precision_p = elementwise(
    "reduce_precision", "reduce_precision({0}, {exponent_bits}, {mantissa_bits})", "f",
    transpose=linear_in(0, lambda ct, x, **params: reduce_precision_p.bind(ct, **params)),
)  # fmt: skip
reduce_precision_p.jvp = linear_jvp(reduce_precision_p)
