"""conv_general_dilated against jax.lax, and the convolutions that JAX's gradients are made of."""

import itertools
import warnings

import jax
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from scratchfn.backends.numpy.kernels.conv import conv_general_dilated
from tests.kernels.oracle import assert_close, draw

F32 = np.dtype("float32")
NHWC = ("NHWC", "HWIO", "NHWC")
NCHW = ("NCHW", "OIHW", "NCHW")
CASES = {  # lhs shape, rhs shape, layout, the params that differ from plain
    "nhwc": ((2, 6, 7, 3), (3, 3, 3, 4), NHWC, {}),
    "nchw": ((2, 3, 6, 7), (4, 3, 3, 3), NCHW, dict(padding=((1, 1), (1, 1)))),
    "one channel": ((2, 8, 8, 1), (3, 3, 1, 4), NHWC, dict(padding=((1, 1), (1, 1)))),
    "strided": ((2, 7, 6, 3), (3, 2, 3, 4), NHWC, dict(window_strides=(2, 3))),
    "mixed layout": ((3, 7, 2, 6), (2, 3, 3, 4), ("CWNH", "WHIO", "HNCW"), {}),
    "one by one": ((2, 5, 4, 3), (1, 1, 3, 4), NHWC, {}),
    "one by one, strided": ((2, 5, 4, 3), (1, 1, 3, 4), NHWC, dict(window_strides=(2, 2))),
    "whole image": ((2, 5, 4, 3), (5, 4, 3, 6), NHWC, {}),
    "cropped": ((2, 7, 8, 3), (2, 3, 3, 4), NHWC, dict(padding=((-1, 2), (-2, -1)))),
    "dilated kernel": ((2, 9, 8, 3), (3, 2, 3, 4), NHWC, dict(rhs_dilation=(2, 3))),
    "dilated input": ((2, 4, 5, 3), (3, 3, 3, 4), NHWC, dict(lhs_dilation=(2, 3))),
    "groups": ((2, 6, 7, 6), (3, 3, 3, 4), NHWC, dict(feature_group_count=2)),
    "depthwise": ((2, 6, 7, 4), (3, 3, 1, 4), NHWC, dict(feature_group_count=4)),
    "depthwise, two each": ((2, 4, 6, 7), (8, 1, 3, 3), NCHW, dict(feature_group_count=4)),
    "depthwise, wide window": ((2, 6, 7, 4), (5, 6, 1, 4), NHWC, dict(feature_group_count=4)),
    "batch groups": ((4, 6, 7, 3), (3, 3, 3, 6), NHWC, dict(batch_group_count=2)),
    "batch groups of one": ((4, 6, 7, 3), (5, 5, 3, 4), NHWC, dict(batch_group_count=4)),
    "no space": ((2, 3), (3, 4), ("NC", "IO", "NC"), {}),
    "sequence": ((2, 9, 3), (4, 3, 5), ("NWC", "WIO", "NWC"), dict(padding=((3, 0),))),
    "volume": ((2, 4, 5, 6, 3), (2, 3, 2, 3, 4), ("NDHWC", "DHWIO", "NDHWC"), {}),
    "window too large": ((2, 2, 7, 3), (3, 3, 3, 4), NHWC, {}),
    "empty batch": ((0, 6, 7, 3), (3, 3, 3, 4), NHWC, {}),
    "no channels": ((2, 6, 7, 0), (3, 3, 0, 4), NHWC, {}),
    "no features": ((2, 6, 7, 3), (3, 3, 3, 0), NHWC, {}),
}
DTYPES = [
    np.dtype(d)
    for d in ("float16", ml_dtypes.bfloat16, "int32", "int8", "uint8", "bool", "complex64")
]


def all_params(lhs_shape, rhs_shape, layout, given_params):
    space = len(lhs_shape) - 2
    plain = dict(
        window_strides=(1,) * space,
        padding=((0, 0),) * space,
        lhs_dilation=(1,) * space,
        rhs_dilation=(1,) * space,
        dimension_numbers=lax.conv_dimension_numbers(lhs_shape, rhs_shape, layout),
        feature_group_count=1,
        batch_group_count=1,
        precision=None,
        preferred_element_type=None,
    )
    return plain | given_params


def expected(lhs, rhs, params):
    """What JAX computes; of float32 in double precision, since its own sums are less exact."""
    if lhs.dtype != F32:
        return np.asarray(lax.conv_general_dilated(lhs, rhs, **params))
    with jax.enable_x64(True):
        exact = lax.conv_general_dilated(lhs.astype(float), rhs.astype(float), **params)
        return np.asarray(exact).astype(F32)


def check(lhs, rhs, params):
    want = expected(lhs, rhs, params)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = conv_general_dilated(lhs, rhs, **params)
    features = params["dimension_numbers"].rhs_spec[0]
    assert_close(got, want, rhs.size // max(1, rhs.shape[features]))


def check_case(case, dtype, preferred=None):
    lhs_shape, rhs_shape, *_ = case
    params = all_params(*case) | dict(preferred_element_type=preferred)
    check(draw(lhs_shape, dtype, 0), draw(rhs_shape, dtype, 1), params)


@pytest.mark.parametrize("name", CASES)
def test_cases(name):
    check_case(CASES[name], F32)


def test_strided_operands():
    lhs_shape, rhs_shape, *_ = CASES["nhwc"]
    params = all_params(*CASES["nhwc"]) | dict(padding=((1, 1), (2, 0)))
    lhs, rhs = draw(lhs_shape, F32, 0), draw(rhs_shape, F32, 1)
    check(lhs.copy(order="F"), rhs[::-1, ::-1], params)
    check(lhs[:, ::-1], rhs.copy(order="F"), params)
    check(lhs[:, ::-1, :, ::-1], rhs, all_params(*CASES["nhwc"]))
    check(draw((2, 6, 14, 3), F32, 2)[:, :, ::2], rhs, params)
    check(
        np.broadcast_to(lhs[:1, :, :, :1], lhs.shape), np.broadcast_to(rhs[:1], rhs.shape), params
    )


def test_operands_are_left_alone():
    lhs, rhs = draw((2, 6, 7, 3), F32, 0), draw((3, 3, 3, 4), F32, 1)
    lhs.flags.writeable = rhs.flags.writeable = False
    conv_general_dilated(lhs, rhs, **all_params(*CASES["nhwc"]))


@pytest.mark.thinned(2)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", ["nhwc", "strided", "groups", "depthwise", "batch groups of one"])
def test_dtypes(name, dtype):
    check_case(CASES[name], dtype)


@pytest.mark.parametrize(
    "dtype, preferred",
    [("int8", "int32"), ("int8", "float32"), (ml_dtypes.bfloat16, "float32")],
)
def test_preferred_element_type(dtype, preferred):
    check_case(CASES["nhwc"], np.dtype(dtype), np.dtype(preferred))


def test_double_precision():
    with jax.enable_x64(True):
        for name in ("nhwc", "dilated input", "depthwise"):
            check_case(CASES[name], np.dtype("float64"))


def test_many_patches_are_gathered_in_parts():
    params = all_params((8, 40, 40, 16), (3, 3, 16, 8), NHWC, dict(padding=((1, 1), (1, 1))))
    lhs, rhs = draw((8, 40, 40, 16), F32, 0), draw((3, 3, 16, 8), F32, 1)
    check(lhs, rhs, params)
    check(lhs[:1].repeat(1, 0), rhs, params)
    check_gradients(lhs, rhs, params)


@pytest.mark.parametrize("dilations", [*itertools.product((1, 2, 3), (1, 2, 3, 4), (1, 2))])
def test_dilations_of_both_sides(dilations):
    lhs_dilation, rhs_dilation, stride = dilations
    for low, high in ((0, 0), (2, 1), (-1, 3)):
        given_params = dict(
            lhs_dilation=(lhs_dilation,),
            rhs_dilation=(rhs_dilation,),
            window_strides=(stride,),
            padding=((low, high),),
        )
        check_case(((2, 7, 3), (3, 3, 4), ("NWC", "WIO", "NWC"), given_params), F32)


# -- what JAX's own differentiation asks for


def convolutions_of(function, *args):
    """(lhs, rhs, params) of every convolution that evaluating `function` in JAX performs."""
    jaxpr = jax.make_jaxpr(function)(*args)
    values = dict(zip(jaxpr.jaxpr.invars, args, strict=True))
    values |= dict(zip(jaxpr.jaxpr.constvars, jaxpr.consts, strict=True))
    for eqn in jaxpr.eqns:
        inputs = [v.val if hasattr(v, "val") else values[v] for v in eqn.invars]
        if eqn.primitive.name == "conv_general_dilated":
            yield *map(np.asarray, inputs), eqn.params
        outputs = eqn.primitive.bind(*inputs, **eqn.params)
        outputs = outputs if eqn.primitive.multiple_results else [outputs]
        values |= dict(zip(eqn.outvars, outputs, strict=True))


def check_gradients(lhs, rhs, params):
    def gradients(lhs, rhs, ct):
        return jax.vjp(lambda x, w: lax.conv_general_dilated(x, w, **params), lhs, rhs)[1](ct)

    shape = lax.conv_general_dilated(lhs, rhs, **params).shape
    found = list(convolutions_of(gradients, lhs, rhs, draw(shape, F32, 2)))
    assert len(found) >= 2
    for conv_lhs, conv_rhs, conv_params in found:
        accepted = {k: v for k, v in conv_params.items() if k != "out_sharding"}
        check(conv_lhs, conv_rhs, accepted)
        conv_general_dilated(
            conv_lhs, conv_rhs, **conv_params
        )  # takes the eqn's params as they are


@pytest.mark.thinned(2)
@pytest.mark.parametrize("name", [n for n in CASES if not n.startswith(("empty", "no ", "window"))])
def test_gradients(name):
    lhs_shape, rhs_shape, *_ = CASES[name]
    check_gradients(draw(lhs_shape, F32, 0), draw(rhs_shape, F32, 1), all_params(*CASES[name]))


@pytest.mark.parametrize("axis", [0, 1])
def test_batched_kernels(axis):
    """vmap over kernels becomes feature or batch groups."""
    lhs, rhs = draw((3, 2, 6, 7, 4), F32, 0), draw((3, 3, 3, 4, 5), F32, 1)
    params = all_params(lhs.shape[1:], rhs.shape[1:], NHWC, {})

    def convolve(x, w):
        return lax.conv_general_dilated(x, w, **params)

    lhs = lhs if axis == 0 else lhs[0]
    mapped = jax.vmap(convolve, in_axes=(0 if axis == 0 else None, 0))
    for conv_lhs, conv_rhs, conv_params in convolutions_of(mapped, lhs, rhs):
        accepted = {k: v for k, v in conv_params.items() if k != "out_sharding"}
        check(conv_lhs, conv_rhs, accepted)


@st.composite
def convolutions(draw_):
    """One axis is (size, window, stride, padding, lhs dilation, rhs dilation)."""
    small = st.integers(1, 3)
    pads = st.tuples(st.integers(-1, 3), st.integers(-1, 3))
    axis = st.tuples(st.integers(2, 6), small, small, pads, small, small)
    axes = draw_(st.lists(axis, min_size=0, max_size=3))
    sizes, windows, strides, padding, lhs_dilation, rhs_dilation = (
        zip(*axes, strict=True) if axes else ((),) * 6
    )
    batch, channels, features, groups, kind = (
        draw_(st.integers(1, 3)),
        draw_(st.integers(1, 3)),
        draw_(st.integers(1, 3)),
        draw_(st.integers(1, 3)),
        draw_(st.sampled_from(["feature_group_count", "batch_group_count"])),
    )
    by_feature = kind == "feature_group_count"
    lhs = (batch * (1 if by_feature else groups), channels * (groups if by_feature else 1), *sizes)
    rhs = (features * groups, channels, *windows)
    specs = [tuple(draw_(st.permutations(range(len(lhs))))) for _ in range(3)]
    params = dict(
        window_strides=strides,
        padding=padding,
        lhs_dilation=lhs_dilation,
        rhs_dilation=rhs_dilation,
        dimension_numbers=lax.ConvDimensionNumbers(*specs),
        **{"feature_group_count": 1, "batch_group_count": 1, kind: groups},
    )
    shapes = (
        tuple(shape[spec.index(i)] for i in range(len(shape)))
        for shape, spec in zip((lhs, rhs), specs[:2], strict=True)
    )
    return *shapes, params


@settings(max_examples=60, deadline=None)
@given(convolutions())
def test_any_convolution(case):
    lhs_shape, rhs_shape, params = case
    check(draw(lhs_shape, F32, 0), draw(rhs_shape, F32, 1), params)
