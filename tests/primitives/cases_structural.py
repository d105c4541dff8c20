"""Cases of the operations that move elements: iota, broadcast_in_dim, reshape, transpose, squeeze,
slice, rev, pad, tile, concatenate, split, stack, unstack, and the slices at computed places."""

from __future__ import annotations

import numpy as np

from tests.primitives.case import Case, bools, integers, normal, values


def iota_case(dtype, shape, dimension):
    return Case(
        "iota",
        lambda lax: lax.broadcasted_iota(dtype, shape, dimension),
        id=f"{dtype}-{shape}-{dimension}",
    )


IOTA = [
    iota_case("int32", (5,), 0),
    iota_case("float32", (2, 3), 0),
    iota_case("float32", (2, 3), 1),
    iota_case("uint8", (2, 300), 1),
    iota_case("complex64", (2, 3, 4), 1),
    iota_case("bfloat16", (3, 1), 0),
    iota_case("float16", (0, 3), 1),
    iota_case("int8", (0,), 0),
]


def broadcast_case(x, shape, axes):
    return Case(
        "broadcast_in_dim",
        lambda lax, x: lax.broadcast_in_dim(x, shape, axes),
        x,
        id=f"{x if isinstance(x, float) else x.make(0).shape}-{shape}-{axes}",
    )


BROADCAST = [
    broadcast_case(normal(3), (2, 3), (1,)),
    broadcast_case(normal(3), (3, 2), (0,)),
    broadcast_case(normal(1, 3), (2, 3), (0, 1)),
    broadcast_case(normal(2, 1), (2, 4, 3), (0, 2)),
    broadcast_case(normal(1), (1, 1), (1,)),
    broadcast_case(normal(), (2, 3), ()),
    broadcast_case(2.5, (2,), ()),
    broadcast_case(normal(1, 3), (0, 3), (0, 1)),
    broadcast_case(normal(3, dtype="complex64"), (2, 3), (1,)),
    broadcast_case(normal(3, dtype="bfloat16"), (2, 3), (1,)),
    broadcast_case(integers(2), (2, 2), (0,)),
    broadcast_case(bools(2), (2, 2), (1,)),
]


def reshape_case(x, sizes):
    return Case("reshape", lambda lax, x: lax.reshape(x, sizes), x, id=f"{sizes}")


RESHAPE = [
    reshape_case(normal(2, 3), (6,)),
    reshape_case(normal(2, 3), (3, 2)),
    reshape_case(normal(6), (1, 2, 1, 3)),
    reshape_case(normal(2, 3, 4), (4, 6)),
    reshape_case(normal(1, 1), ()),
    reshape_case(normal(), (1,)),
    reshape_case(2.5, (1, 1)),
    reshape_case(normal(0, 3), (2, 0)),
    reshape_case(normal(4, dtype="complex64"), (2, 2)),
    reshape_case(normal(4, dtype="bfloat16"), (2, 2)),
    reshape_case(integers(2, 3), (3, 2)),
]


def transpose_case(x, permutation):
    return Case("transpose", lambda lax, x: lax.transpose(x, permutation), x, id=f"{permutation}")


TRANSPOSE = [
    transpose_case(normal(2, 3), (1, 0)),
    transpose_case(normal(2, 3, 4), (2, 0, 1)),
    transpose_case(normal(2, 3, 4), (0, 2, 1)),
    transpose_case(normal(2, 3, 1, 2), (3, 1, 0, 2)),
    transpose_case(normal(0, 3), (1, 0)),
    transpose_case(normal(2, 3, dtype="complex64"), (1, 0)),
    transpose_case(normal(2, 3, dtype="bfloat16"), (1, 0)),
    transpose_case(integers(2, 3), (1, 0)),
]


def squeeze_case(x, dimensions):
    return Case("squeeze", lambda lax, x: lax.squeeze(x, dimensions), x, id=f"{dimensions}")


SQUEEZE = [
    squeeze_case(normal(1, 3), (0,)),
    squeeze_case(normal(2, 1, 3, 1), (1, 3)),
    squeeze_case(normal(2, 1, 3, 1), (-1,)),
    squeeze_case(normal(1), (0,)),
    squeeze_case(normal(1, 1, 1), (2, 0)),
    squeeze_case(normal(0, 1), (1,)),
    squeeze_case(normal(1, 2, dtype="complex64"), (0,)),
    squeeze_case(normal(1, 2, dtype="bfloat16"), (0,)),
    squeeze_case(integers(2, 1), (1,)),
]


def slice_case(x, start, limit, strides=None):
    return Case("slice", lambda lax, x: lax.slice(x, start, limit, strides), x)


SLICE = [
    slice_case(normal(5), (1,), (4,)),
    slice_case(normal(5), (1,), (4,), (2,)),
    slice_case(normal(3, 4), (0, 1), (3, 3)),
    slice_case(normal(3, 4), (0, 0), (3, 4)),
    slice_case(normal(3, 4), (1, 0), (3, 4), (1, 3)),
    slice_case(normal(3, 7), (0, 1), (3, 7), (2, 3)),
    slice_case(normal(2, 3, 4), (0, 2, 1), (1, 3, 4)),
    slice_case(normal(3, 4), (2, 1), (2, 3)),
    slice_case(normal(3, 4), (2, 1), (2, 3), (2, 2)),
    slice_case(normal(0, 4), (0, 1), (0, 3)),
    slice_case(normal(), (), ()),
    slice_case(2.5, (), ()),
    slice_case(normal(4, dtype="complex64"), (1,), (3,)),
    slice_case(normal(4, dtype="bfloat16"), (1,), (4,), (2,)),
    slice_case(integers(4), (1,), (3,)),
    slice_case(bools(4), (0,), (4,), (3,)),
]


def rev_case(x, dimensions):
    return Case("rev", lambda lax, x: lax.rev(x, dimensions), x, id=f"{dimensions}")


REV = [
    rev_case(normal(4), (0,)),
    rev_case(normal(2, 3, 4), (0,)),
    rev_case(normal(2, 3, 4), (2, 0)),
    rev_case(normal(2, 3), ()),
    rev_case(normal(), ()),
    rev_case(normal(0, 3), (0, 1)),
    rev_case(integers(3, 2), (1,)),
    rev_case(normal(3, dtype="bfloat16"), (0,)),
    rev_case(normal(3, dtype="complex64"), (0,)),
]


def pad_case(x, value, config):
    return Case("pad", lambda lax, x, v: lax.pad(x, v, config), x, value, id=f"{config}")


PAD = [
    pad_case(normal(4), normal(), [(1, 2, 0)]),
    pad_case(normal(4), normal(), [(0, 0, 2)]),
    pad_case(normal(4), normal(), [(-1, -2, 0)]),
    pad_case(normal(4), normal(), [(-1, 2, 1)]),
    pad_case(normal(5), normal(), [(-2, -3, 2)]),
    pad_case(normal(4), normal(), [(-5, 3, 1)]),
    pad_case(normal(3), normal(), [(-9, 9, 0)]),
    pad_case(normal(2, 3), normal(), [(1, 0, 0), (0, -1, 1)]),
    pad_case(normal(2, 3, 2), normal(), [(0, 1, 1), (2, 0, 0), (0, 0, 0)]),
    pad_case(normal(2, 3), normal(), [(0, 0, 0), (0, 0, 0)]),
    pad_case(normal(0, 3), normal(), [(1, 1, 2), (0, 0, 0)]),
    pad_case(normal(1), normal(), [(0, 0, 3)]),
    pad_case(normal(), normal(), []),
    pad_case(1.5, 2.5, []),
    pad_case(normal(3, dtype="complex64"), normal(dtype="complex64"), [(1, 1, 1)]),
    # The sum over the padding is the difference of two sums, each of which JAX rounds in bfloat16.
    pad_case(normal(3, dtype="bfloat16"), normal(dtype="bfloat16"), [(1, 1, 1)]),
    pad_case(integers(3), integers(), [(1, -1, 0)]),
    pad_case(bools(3), bools(), [(1, 1, 0)]),
]


def concatenate_case(dimension, *xs):
    return Case("concatenate", lambda lax, *xs: lax.concatenate(xs, dimension), *xs)


CONCATENATE = [
    concatenate_case(0, normal(2), normal(3)),
    concatenate_case(0, normal(2, 3), normal(1, 3), normal(4, 3)),
    concatenate_case(1, normal(2, 3), normal(2, 1)),
    concatenate_case(1, normal(2, 0, 2), normal(2, 3, 2)),
    concatenate_case(2, normal(1, 2, 3), normal(1, 2, 3)),
    concatenate_case(0, normal(0), normal(0)),
    concatenate_case(0, normal(2, dtype="complex64"), normal(2, dtype="complex64")),
    concatenate_case(0, normal(2, dtype="bfloat16"), normal(2, dtype="bfloat16")),
    concatenate_case(0, integers(2), integers(3)),
    concatenate_case(0, bools(2), bools(1)),
]


def split_case(x, sizes, axis=0):
    return Case("split", lambda lax, x: lax.split(x, sizes, axis), x, id=f"{sizes}-{axis}")


SPLIT = [
    split_case(normal(5), (2, 3)),
    split_case(normal(2, 6), (1, 3, 2), 1),
    split_case(normal(2, 6, 1), (6,), -2),
    split_case(normal(3, 2), (0, 3)),
    split_case(normal(0, 2), (0, 0)),
    split_case(integers(4), (3, 1)),
    split_case(normal(4, dtype="bfloat16"), (3, 1)),
]


def stack_case(axis, *xs):
    return Case("stack", lambda lax, *xs: lax.stack(xs, axis), *xs, id=f"{axis}-{len(xs)}")


STACK = [
    stack_case(0, normal(3), normal(3)),
    stack_case(1, normal(2, 3), normal(2, 3), normal(2, 3)),
    stack_case(-1, normal(2, 3), normal(2, 3)),
    stack_case(0, normal(), normal(), normal()),
    stack_case(0, 1.5, 2.5),
    stack_case(1, normal(2, 0), normal(2, 0)),
    stack_case(0, normal(2)),
    stack_case(0, integers(2), integers(2)),
    stack_case(0, normal(2, dtype="bfloat16"), normal(2, dtype="bfloat16")),
]


def unstack_case(x, axis=0):
    return Case("unstack", lambda lax, x: lax.unstack(x, axis), x, id=f"{axis}")


UNSTACK = [
    unstack_case(normal(3)),
    unstack_case(normal(2, 3)),
    unstack_case(normal(2, 3, 4), 1),
    unstack_case(normal(2, 3), -1),
    unstack_case(normal(2, 0)),
    unstack_case(integers(2, 2)),
    unstack_case(normal(2, dtype="bfloat16")),
]


def tile_case(x, reps):
    return Case("tile", lambda lax, x: lax.tile(x, reps), x, id=f"{reps}")


TILE = [
    tile_case(normal(3), (2,)),
    tile_case(normal(2, 3), (1, 2)),
    tile_case(normal(2, 3), (3, 2)),
    tile_case(normal(2, 3), (0, 2)),
    tile_case(normal(2, 1), (1, 1)),
    tile_case(normal(), ()),
    tile_case(2.5, ()),
    tile_case(integers(2), (3,)),
    tile_case(normal(2, dtype="bfloat16"), (3,)),
]


def dynamic_slice_case(x, sizes, *starts, **options):
    return Case(
        "dynamic_slice",
        lambda lax, x, *starts: lax.dynamic_slice(x, starts, sizes, **options),
        x,
        *starts,
        id="-".join(map(str, [sizes, *(getattr(s, "dtype", s) for s in starts), *options])),
    )


def at(*numbers, dtype="int32"):
    """Places, one 0-d array for each; in a batch all examples have the same, for lack of others."""
    return [values(n, dtype) for n in numbers]


def anywhere(count, high, dtype="int32"):
    """Places that may lie outside of an axis of that size, on either side."""
    return [integers(low=-high - 2, high=high + 3, dtype=dtype) for _ in range(count)]


DYNAMIC_SLICE = [
    dynamic_slice_case(normal(5), (2,), *at(1)),
    dynamic_slice_case(normal(5), (2,), *at(4)),
    dynamic_slice_case(normal(5), (2,), *at(-1)),
    dynamic_slice_case(normal(5), (2,), *at(-9)),
    dynamic_slice_case(normal(5), (2,), *at(-1), allow_negative_indices=False),
    dynamic_slice_case(normal(5), (2,), *anywhere(1, 5)),
    dynamic_slice_case(normal(3, 4), (2, 2), *anywhere(2, 4)),
    dynamic_slice_case(normal(3, 4), (2, 2), *anywhere(2, 4, "int8")),
    dynamic_slice_case(normal(3, 4), (2, 2), *anywhere(2, 4, "uint8")),
    dynamic_slice_case(normal(3, 4), (3, 1), *anywhere(2, 4)),
    dynamic_slice_case(normal(3, 4), (0, 1), *anywhere(2, 4)),
    Case(
        "dynamic_slice",
        lambda lax, x, i: lax.dynamic_slice(x, (i, np.int32(-1)), (2, 2)),
        normal(3, 4),
        integers(low=0, high=3),
        id="number",
    ),
    dynamic_slice_case(normal(), ()),
    dynamic_slice_case(normal(4, dtype="complex64"), (2,), *anywhere(1, 4)),
    dynamic_slice_case(normal(4, dtype="bfloat16"), (2,), *anywhere(1, 4)),
    dynamic_slice_case(integers(4), (2,), *anywhere(1, 4)),
    dynamic_slice_case(bools(4), (2,), *anywhere(1, 4)),
    Case(
        "dynamic_slice",
        lambda lax, x, i: lax.dynamic_slice_in_dim(x, i, 2, axis=1),
        normal(3, 4),
        integers(low=-3, high=3),
        id="in_dim",
    ),
    Case(
        "dynamic_slice",
        lambda lax, x, i: lax.dynamic_index_in_dim(x, i, axis=1, keepdims=False),
        normal(3, 4),
        integers(low=-3, high=3),
        id="index_in_dim",
    ),
    Case(
        "dynamic_slice",
        lambda lax, x, i: lax.dynamic_slice(x, i, (1, 2)),
        normal(3, 4),
        integers(2, low=0, high=3),
        id="array of places",
    ),
]


def update_case(x, update, *starts, **options):
    return Case(
        "dynamic_update_slice",
        lambda lax, x, y, *starts: lax.dynamic_update_slice(x, y, starts, **options),
        x,
        update,
        *starts,
    )


DYNAMIC_UPDATE_SLICE = [
    update_case(normal(5), normal(2), *at(1)),
    update_case(normal(5), normal(2), *at(4)),
    update_case(normal(5), normal(2), *at(-1)),
    update_case(normal(5), normal(2), *at(-9), allow_negative_indices=False),
    update_case(normal(5), normal(5), *at(2)),
    update_case(normal(5), normal(0), *at(2)),
    update_case(normal(5), normal(2), *anywhere(1, 5)),
    update_case(normal(3, 4), normal(2, 3), *anywhere(2, 4)),
    update_case(normal(3, 4), normal(2, 3), *anywhere(2, 4, "uint32")),
    Case(
        "dynamic_update_slice",
        lambda lax, x, y, i: lax.dynamic_update_slice(x, y, (i, np.int32(-2))),
        normal(3, 4),
        normal(2, 2),
        integers(low=0, high=3),
        id="number",
    ),
    update_case(normal(), normal()),
    update_case(1.5, 2.5),
    update_case(normal(4, dtype="complex64"), normal(2, dtype="complex64"), *anywhere(1, 4)),
    update_case(normal(4, dtype="bfloat16"), normal(2, dtype="bfloat16"), *anywhere(1, 4)),
    update_case(integers(4), integers(2), *anywhere(1, 4)),
    update_case(bools(4), bools(2), *anywhere(1, 4)),
    Case(
        "dynamic_update_slice",
        lambda lax, x, y, i: lax.dynamic_update_slice_in_dim(x, y, i, axis=1),
        normal(3, 4),
        normal(3, 2),
        integers(low=-3, high=3),
        id="in_dim",
    ),
    Case(
        "dynamic_update_slice",
        lambda lax, x, y, i: lax.dynamic_update_index_in_dim(x, y, i, axis=1),
        normal(3, 4),
        normal(3),
        integers(low=-3, high=3),
        id="index_in_dim",
    ),
    Case(
        "dynamic_update_slice",
        lambda lax, x, y, i: lax.dynamic_update_slice(x, y, i),
        normal(3, 4),
        normal(1, 2),
        np.array([1, 3], "int32"),
        id="array of places",
    ),
]

CASES = [
    *IOTA,
    *BROADCAST,
    *RESHAPE,
    *TRANSPOSE,
    *SQUEEZE,
    *SLICE,
    *REV,
    *PAD,
    *CONCATENATE,
    *SPLIT,
    *STACK,
    *UNSTACK,
    *TILE,
    *DYNAMIC_SLICE,
    *DYNAMIC_UPDATE_SLICE,
]
