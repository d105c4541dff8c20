"""Cases of conv_general_dilated: layouts, strides, padding, dilations, groups, and all of them
together; and the functions that lead to it."""

from __future__ import annotations

import numpy as np

from tests.primitives.case import Case, bools, integers, normal

NCHW = ("NCHW", "OIHW", "NCHW")
NHWC = ("NHWC", "HWIO", "NHWC")
NHC = ("NHC", "HIO", "NHC")


def conv(label, lhs, rhs, strides, padding, numbers=None, **options):
    case = {k: options.pop(k) for k in ("order", "smooth", "tol") if k in options}
    return Case(
        "conv_general_dilated",
        lambda lax, x, w: lax.conv_general_dilated(
            x, w, strides, padding, dimension_numbers=numbers, **options
        ),
        lhs,
        rhs,
        id=label,
        **case,
    )


PLAIN = [
    conv("1d", normal(2, 3, 6), normal(4, 3, 3), (1,), "VALID"),
    conv("1d_same", normal(2, 6, 3), normal(3, 3, 4), (1,), "SAME", NHC),
    conv("2d", normal(2, 2, 5, 4), normal(3, 2, 3, 2), (1, 1), "VALID", NCHW),
    conv("2d_same", normal(1, 5, 4, 2), normal(3, 2, 2, 3), (1, 1), "SAME", NHWC),
    conv("2d_same_lower", normal(1, 5, 4, 2), normal(2, 2, 2, 3), (1, 1), "SAME_LOWER", NHWC),
    conv("no_space", normal(2, 3), normal(4, 3), (), ()),
    conv("3d", normal(1, 2, 3, 3, 2), normal(2, 2, 2, 2, 1), (1, 2, 1), "SAME"),
    conv("one_by_one", normal(2, 3, 3, 2), normal(1, 1, 2, 3), (1, 1), "VALID", NHWC),
    conv("whole", normal(2, 3, 3, 2), normal(3, 3, 2, 4), (1, 1), "VALID", NHWC),
    conv("complex", normal(1, 2, 4, dtype="complex64"), normal(2, 2, 2, dtype="complex64"),
         (1,), "SAME"),
    conv("int", integers(1, 2, 5), integers(2, 2, 3), (1,), "SAME"),
    conv("int8", integers(1, 2, 5, dtype="int8"), integers(2, 2, 3, dtype="int8"), (2,), "VALID"),
    conv("bool", bools(1, 2, 5), bools(2, 2, 3), (1,), "VALID"),
    conv("bf16", normal(1, 2, 5, dtype="bfloat16"), normal(2, 2, 3, dtype="bfloat16"), (1,), "SAME",
         order=0),
    conv("bf16_to_f32", normal(1, 2, 5, dtype="bfloat16"), normal(2, 2, 3, dtype="bfloat16"),
         (1,), "SAME", order=0, preferred_element_type=np.dtype("float32")),
    conv("precision", normal(1, 2, 5), normal(2, 2, 3), (1,), "SAME", precision="highest"),
]  # fmt: skip
GEOMETRY = [
    conv("stride", normal(2, 3, 7), normal(2, 3, 3), (2,), "SAME"),
    conv("stride_past_window", normal(1, 2, 9), normal(2, 2, 2), (3,), "VALID"),
    conv("strides", normal(1, 5, 6, 2), normal(2, 3, 2, 2), (2, 3), "SAME", NHWC),
    conv("padding", normal(1, 2, 4), normal(2, 2, 3), (1,), ((2, 1),)),
    conv("negative_padding", normal(1, 2, 7), normal(2, 2, 2), (1,), ((-1, -2),)),
    conv("padding_both_ways", normal(1, 2, 6, 5), normal(2, 2, 3, 2), (2, 1), ((-1, 2), (1, -1))),
    conv("nothing_fits", normal(1, 2, 2), normal(2, 2, 3), (1,), "VALID", order=0),
    conv("lhs_dilation", normal(1, 2, 4), normal(2, 2, 3), (1,), ((1, 1),), lhs_dilation=(2,)),
    conv("rhs_dilation", normal(1, 2, 7), normal(2, 2, 3), (1,), "SAME", rhs_dilation=(2,)),
    conv("both_dilations", normal(1, 2, 4), normal(2, 2, 2), (2,), ((2, 1),),
         lhs_dilation=(3,), rhs_dilation=(2,)),
    conv("everything", normal(2, 2, 4, 5), normal(3, 2, 2, 3), (2, 1), ((1, 0), (-1, 2)),
         lhs_dilation=(1, 2), rhs_dilation=(2, 1)),
    conv("padding_past_window", normal(1, 1, 3), normal(1, 1, 2), (2,), ((4, 3),)),
    conv("empty_batch", normal(0, 2, 5), normal(3, 2, 3), (1,), "SAME", order=0),
]  # fmt: skip
LAYOUTS = [
    conv("layout_" + "_".join(numbers), normal(*lhs), normal(*rhs), (1, 2), "SAME", numbers)
    for lhs, rhs, numbers in (
        ((2, 5, 4, 3), (4, 3, 2, 2), ("NHWC", "OIHW", "NCHW")),
        ((5, 2, 3, 4), (2, 3, 4, 2), ("HNCW", "WIOH", "CWNH")),
        ((3, 4, 5, 2), (3, 2, 2, 4), ("CWHN", "IHWO", "NHWC")),
        ((2, 4, 5, 3), (2, 2, 3, 4), ("NWHC", "HWIO", "NHWC")),
    )
]
GROUPS = [
    conv("groups", normal(1, 4, 5), normal(6, 2, 3), (1,), "SAME", feature_group_count=2),
    conv("depthwise", normal(2, 4, 5, 3), normal(3, 2, 1, 3), (1, 1), "SAME", NHWC,
         feature_group_count=3),
    conv("depthwise_two_each", normal(1, 5, 3), normal(3, 1, 6), (2,), "VALID", NHC,
         feature_group_count=3),
    conv("groups_dilated", normal(2, 4, 6), normal(4, 2, 2), (2,), ((1, -1),),
         lhs_dilation=(2,), rhs_dilation=(2,), feature_group_count=2),
    conv("batch_groups", normal(4, 2, 5), normal(6, 2, 3), (1,), "SAME", batch_group_count=2),
    conv("batch_groups_of_one", normal(3, 5, 2), normal(3, 2, 3), (2,), "VALID", NHC,
         batch_group_count=3),
    conv("batch_groups_dilated", normal(4, 2, 6), normal(2, 2, 2), (2,), ((1, -1),),
         lhs_dilation=(2,), rhs_dilation=(2,), batch_group_count=2),
]  # fmt: skip


def function(label, fun, lhs, rhs=None):
    args = (lhs,) if rhs is None else (lhs, rhs)
    return Case("conv_general_dilated", fun, *args, id=label)


X, W = normal(1, 4, 5, 2), normal(3, 2, 2, 3)  # NHWC, HWIO
FUNCTIONS = [
    function("conv", lambda lax, x, w: lax.conv(x, w, (2, 1), "SAME"),
             normal(1, 2, 5, 4), normal(3, 2, 2, 3)),
    function("conv_with_general_padding",
             lambda lax, x, w: lax.conv_with_general_padding(
                 x, w, (1,), ((1, 2),), (2,), (1,)),
             normal(1, 2, 5), normal(3, 2, 2)),
    function("transpose_same", lambda lax, x, w: lax.conv_transpose(x, w, (2, 3), "SAME"), X, W),
    function("transpose_valid", lambda lax, x, w: lax.conv_transpose(x, w, (2, 1), "VALID"), X, W),
    function("transpose_pads",
             lambda lax, x, w: lax.conv_transpose(x, w, (2, 2), ((1, 2), (0, 1))), X, W),
    function("transpose_consistent",
             lambda lax, x, w: lax.conv_transpose(
                 x, w, (2, 2), ((1, 1), (0, 1)), use_consistent_padding=True), X, W),
    function("transpose_kernel",
             lambda lax, x, w: lax.conv_transpose(
                 x, w, (2, 2), "SAME", rhs_dilation=(1, 2), transpose_kernel=True),
             X, normal(3, 2, 3, 2)),
    function("patches",
             lambda lax, x: lax.conv_general_dilated_patches(x, (2, 3), (1, 2), "SAME"),
             normal(2, 3, 4, 5)),
    function("local",
             lambda lax, x, w: lax.conv_general_dilated_local(x, w, (1,), "VALID", (2,)),
             normal(2, 3, 4), normal(2, 6, 3)),
]  # fmt: skip

CASES = [*PLAIN, *GEOMETRY, *LAYOUTS, *GROUPS, *FUNCTIONS]
