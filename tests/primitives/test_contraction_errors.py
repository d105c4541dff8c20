"""What is said when operands do not fit: JAX's classes of exceptions, in four parts, naming the
operation, the shapes and the axes that disagree."""

from __future__ import annotations

import jax.lax
import numpy as np
import pytest

import scratchfn.lax
from scratchfn.transforms import api

F = np.zeros((3, 4), np.float32)
K = np.zeros(3, np.int32)
X = np.zeros((2, 3, 8, 8), np.float32)
W = np.zeros((4, 3, 3, 3), np.float32)
MAX = -np.inf


def conv(lax, rhs=W, strides=(1, 1), padding="VALID", **options):
    return lax.conv_general_dilated(X, rhs, strides, padding, **options)


def pool(lax, window, *rest):
    return lax.reduce_window(X, MAX, lax.max, window, *rest)


def fst(a, b):
    return a[0]


ERRORS = {
    # reductions
    "negative_axis": (lambda lax: lax.reduce_max(F, (-1,)),
                      ["reduce_max of f32[3,4]", "axes (-1,)", "axes=(1,)"]),
    "axis_twice": (lambda lax: lax.reduce_min(F, (0, 0)), ["named twice", "axes=(0,)"]),
    "sum_axis": (lambda lax: lax.reduce_sum(F, (2,)), ["lax.reduce_sum of f32[3,4]"]),
    "no_array": (lambda lax: lax.reduce_max([1.0], (0,)), ["list", "jnp.asarray"]),
    "and_of_floats": (lambda lax: lax.reduce_and(F, (0,)), ["f32[3,4]", "bool"]),
    "prod_of_bools": (lambda lax: lax.reduce_prod(F > 0, (0,)), ["bool[3,4]"]),
    "argmax_axis": (lambda lax: lax.argmax(F, 2, np.int32), ["argmax of f32[3,4]"]),
    "argmax_empty": (lambda lax: lax.argmax(F[:0], 0, np.int32), ["f32[0,4]", "size 0"]),
    "argmax_dtype": (lambda lax: lax.argmax(F, 0, np.float32), ["float32", "jnp.int32"]),
    "argmin_complex": (lambda lax: lax.argmin(F + 1j, 0, np.int32), ["c64[3,4]"]),
    "cumsum_axis": (lambda lax: lax.cumsum(F, -1), ["lax.cumsum of f32[3,4]", "axis=1"]),
    "cummax_scalar": (lambda lax: lax.cummax(np.float32(1)), ["f32[]", "reshape"]),
    "cumprod_bool": (lambda lax: lax.cumprod(F > 0), ["bool[3,4]"]),
    "reduce_trees": (lambda lax: lax.reduce((F, F), (0.0,), fst, (0,)), ["(*, *)", "(*,)"]),
    "reduce_init": (lambda lax: lax.reduce(F, np.zeros(2, "f4"), lax.add, (0,)),
                    ["(2,)", "scalar"]),
    "reduce_result": (lambda lax: lax.reduce(F, 0.0, lambda a, b: lax.gt(a, b), (0,)),
                      ["bool[]", "f32[]"]),
    # order
    "sort_axis": (lambda lax: lax.sort(F, dimension=3), ["axis 3"]),
    "sort_shapes": (lambda lax: lax.sort((F, F[0])), ["f32[3,4], f32[4]"]),
    "sort_keys": (lambda lax: lax.sort((F, F), num_keys=3), ["num_keys=3", "num_keys=2"]),
    "sort_nothing": (lambda lax: lax.sort(()), ["empty sequence"]),
    "top_too_many": (lambda lax: lax.top_k(F, 9), ["k=9", "4 elements", "lax.top_k(x, 4)"]),
    "top_negative": (lambda lax: lax.top_k(F, -2), ["k=-2"]),
    "top_complex": (lambda lax: lax.top_k(F + 1j, 1), ["c64[3,4]"]),
    "top_axis": (lambda lax: lax.top_k(F, 1, axis=3), ["axis 3"]),
    # products
    "dot_sizes": (lambda lax: lax.dot(F, F),
                  ["lax.dot(f32[3,4], f32[3,4])", "axis 1 of lhs of size 4", "axis 0 of rhs of 3"]),
    "dot_ranks": (lambda lax: lax.dot(X, F), ["4 and 2 axes", "jnp.matmul"]),
    "contracting_sizes": (
        lambda lax: lax.dot_general(F, F, (((1,), (0,)), ((), ()))),
        ["f32[3,4] and f32[3,4]", "contracting axis 1 of lhs has size 4",
         "axis 0 of rhs, has size 3", "tensordot"]),
    "contracting_count": (lambda lax: lax.dot_general(F, F, (((1,), (0, 1)), ((), ()))),
                          ["1 contracting axes of lhs and 2 of rhs"]),
    "batch_sizes": (lambda lax: lax.dot_general(F, F, (((), ()), ((0,), (1,)))),
                    ["batch axis 0 of lhs has size 3", "has size 4"]),
    "axis_of_two_kinds": (lambda lax: lax.dot_general(F, F, (((0,), (0,)), ((0,), (0,)))),
                          ["axis 0 of lhs named twice"]),
    "no_such_axis": (lambda lax: lax.dot_general(F, F, (((1,), (2,)), ((), ()))),
                     ["axis 2 of rhs", "2 axes"]),
    "dot_narrow": (lambda lax: lax.dot(K, K, preferred_element_type=np.int8),
                   ["i32[3] and i32[3]", "preferred_element_type=i8", "in i32"]),
    "precision": (lambda lax: lax.dot(F, F.T, precision="exact"), ["'exact'", "'highest'"]),
    "batch_matmul": (lambda lax: lax.batch_matmul(X, F), ["4 and 2 axes", "jnp.matmul"]),
    # convolutions
    "conv_dtypes": (lambda lax: conv(lax, W.astype("f2")),
                    ["f32[2,3,8,8]", "f16[4,3,3,3]", "rhs.astype(jnp.float32)"]),
    "conv_narrow": (lambda lax: conv(lax, preferred_element_type=np.float16), ["float16"]),
    "conv_features": (
        lambda lax: conv(lax, np.zeros((4, 5, 3, 3), "f4")),
        ["3 features (axis 1 of f32[2,3,8,8])", "takes 5 (axis 1 of f32[4,5,3,3])", "NHWC"]),
    "conv_ranks": (lambda lax: conv(lax, W[0]), ["4 axes", "3", "x[None]"]),
    "conv_strides": (lambda lax: conv(lax, strides=(1,)), ["window_strides=(1,)", "2 axes"]),
    "conv_pads": (lambda lax: conv(lax, padding=((1, 1),)), ["padding=((1, 1),)", "2 axes"]),
    "conv_pad_word": (lambda lax: conv(lax, padding="full"), ["'full'", "SAME"]),
    "conv_pad_form": (lambda lax: conv(lax, padding=(1, 1)),
                      ["padding=(1, 1)", "((1, 1), (1, 1))"]),
    "conv_crop": (lambda lax: conv(lax, padding=((-9, 0), (0, 0))), ["-9", "crops 1 more"]),
    "conv_word_and_holes": (lambda lax: conv(lax, lhs_dilation=(2, 2)), ["conv_transpose"]),
    "conv_dilation": (lambda lax: conv(lax, rhs_dilation=(0, 2)), ["rhs_dilation=(0, 2)"]),
    "conv_groups": (lambda lax: conv(lax, feature_group_count=3), ["3", "4 output features"]),
    "conv_no_groups": (lambda lax: conv(lax, feature_group_count=0), ["feature_group_count=0"]),
    "conv_batch_groups": (lambda lax: conv(lax, batch_group_count=3), ["batch_group_count=3"]),
    "conv_letters": (lambda lax: conv(lax, dimension_numbers=("NHC", "HWIO", "NHWC")), ["'NHC'"]),
    "conv_letter_twice": (lambda lax: conv(lax, dimension_numbers=("NHHC", "HWIO", "NHWC")),
                          ["'NHHC' has a letter twice"]),
    "conv_no_features": (lambda lax: conv(lax, dimension_numbers=("NHWZ", "HWIO", "NHWC")),
                         ["'NHWZ' must have N and C once"]),
    "conv_other_letters": (lambda lax: conv(lax, dimension_numbers=("NHWC", "HWIO", "NHDC")),
                           ["must be the same"]),
    "conv_two_specs": (lambda lax: conv(lax, dimension_numbers=("NHWC", "HWIO")), ["each of lhs"]),
    # windows
    "window_rank": (lambda lax: pool(lax, (2, 2)),
                    ["reduce_window_max of f32[2,3,8,8]", "(1, 1) + (2, 2)"]),
    "window_empty": (lambda lax: pool(lax, (0, 1, 2, 2)), ["window_dimensions=(0, 1, 2, 2)"]),
    "window_strides": (lambda lax: pool(lax, (1, 1, 2, 2), (1, 1, 1)),
                       ["window_strides=(1, 1, 1)"]),
    "window_pads": (lambda lax: pool(lax, (1, 1, 2, 2), None, ((0, 0),)), ["padding=((0, 0),)"]),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_error(name):
    fun, fragments = ERRORS[name]
    with pytest.raises(Exception) as theirs:
        fun(jax.lax)
    with pytest.raises(theirs.type) as ours:
        fun(scratchfn.lax)
    text = str(ours.value)
    for part in ("Found: ", "Why not: ", "Write instead: ", *fragments):
        assert part in text


def test_what_jax_leaves_to_the_compiler():
    """Errors that JAX has from XLA, without the user's names for things, or not at all."""
    with pytest.raises(ValueError, match="window_strides=\\(0, 1\\)"):
        conv(scratchfn.lax, strides=(0, 1))
    with pytest.raises(ValueError, match="strides \\(0, 1\\)"):
        conv(scratchfn.lax, strides=(0, 1), padding="SAME")
    with pytest.raises(ValueError, match="operands of types"):
        scratchfn.lax.reduce((F, F[0]), (0.0, 0.0), lambda a, b: a, (0,))
    with pytest.raises(TypeError, match="cumlogsumexp"):
        scratchfn.lax.cumlogsumexp(F.astype("int32"))
    with pytest.raises(ValueError, match="floating point"):
        scratchfn.lax.approx_max_k(F.astype("int32"), 1)


def test_no_gradient_through_dilated_windows():
    def f(x):
        lax = scratchfn.lax
        return lax.reduce_window(x, MAX, lax.max, (2, 1), window_dilation=(2, 1))

    with pytest.raises(NotImplementedError, match="window_dilation=\\(2, 1\\)"):
        api.vjp(f, F)[1](np.ones((1, 4), "float32"))
