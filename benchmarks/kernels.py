"""How long contractions, convolutions and pooling take, against jax.lax under jit.

    JAX_PLATFORMS=cpu python -m benchmarks.kernels [part of a name]

Both sides take turns, so that a busy moment of the machine hits both; the medians are printed.
Convolutions are measured forward and in the two gradients that JAX's vjp asks for.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import jax
import numpy as np
from jax import lax

from benchmarks.markdown import head, line
from scratchfn.backends.numpy.kernels.conv import conv_general_dilated
from scratchfn.backends.numpy.kernels.dot import dot_general
from scratchfn.backends.numpy.kernels.selection import select_and_scatter_add
from scratchfn.backends.numpy.kernels.window import reduce_window_max, reduce_window_sum

SECONDS = 0.6  # for each case, both sides together
Case = tuple[str, Callable, Callable, tuple[np.ndarray, ...]]

DOTS = {  # lhs, rhs, contracting axes, batch axes
    "matrix 10x10": ((10, 10), (10, 10), ((1,), (0,)), ((), ())),
    "matrix 128x784x512": ((128, 784), (784, 512), ((1,), (0,)), ((), ())),
    "weight gradient": ((128, 784), (128, 512), ((0,), (0,)), ((), ())),
    "dense [16,128,128]": ((16, 128, 128), (128, 512), ((2,), (0,)), ((), ())),
    "attention scores": ((16, 128, 4, 32), (16, 128, 4, 32), ((3,), (3,)), ((0, 2), (0, 2))),
    "int32 256": ((256, 256), (256, 256), ((1,), (0,)), ((), ())),
}
NHWC, NCHW = ("NHWC", "HWIO", "NHWC"), ("NCHW", "OIHW", "NCHW")
CONVOLUTIONS = {  # lhs, rhs, layout, stride, groups; padded to keep the size
    "8x8 1->16": ((64, 8, 8, 1), (3, 3, 1, 16), NHWC, 1, 1),
    "28x28 1->16": ((64, 28, 28, 1), (3, 3, 1, 16), NHWC, 1, 1),
    "14x14 16->32": ((64, 14, 14, 16), (3, 3, 16, 32), NHWC, 1, 1),
    "28x28 16->32": ((64, 28, 28, 16), (3, 3, 16, 32), NHWC, 1, 1),
    "28x28 16->32 nchw": ((64, 16, 28, 28), (32, 16, 3, 3), NCHW, 1, 1),
    "28x28 16->32 stride 2": ((64, 28, 28, 16), (3, 3, 16, 32), NHWC, 2, 1),
    "28x28 32 depthwise": ((64, 28, 28, 32), (3, 3, 1, 32), NHWC, 1, 32),
}


def cases() -> Iterator[Case]:
    rng = np.random.default_rng(0)

    def normal(shape):
        return rng.normal(size=shape).astype(np.float32)

    for name, (lhs, rhs, contract, batch) in DOTS.items():
        operands = [normal(lhs), normal(rhs)]
        if name.startswith("int32"):
            operands = [x.astype(np.int32) for x in operands]
        params = dict(dimension_numbers=(contract, batch))
        yield f"dot {name}", *both(dot_general, lax.dot_general, params), tuple(operands)
    for name, case in CONVOLUTIONS.items():
        yield from convolution(name, *case, normal)
    yield from pooling(normal((64, 28, 28, 16)), normal((64, 14, 14, 16)))


def both(ours: Callable, theirs: Callable, params: dict) -> tuple[Callable, Callable]:
    return lambda *args: ours(*args, **params), jax.jit(lambda *args: theirs(*args, **params))


def convolution(name, lhs_shape, rhs_shape, layout, stride, groups, normal) -> Iterator[Case]:
    params = dict(
        window_strides=(stride, stride),
        padding=((1, 1), (1, 1)),
        dimension_numbers=lax.conv_dimension_numbers(lhs_shape, rhs_shape, layout),
        feature_group_count=groups,
    )
    lhs, rhs = normal(lhs_shape), normal(rhs_shape)

    def convolve(x, w):
        return lax.conv_general_dilated(x, w, **params)

    def lhs_gradient(ct):
        return jax.linear_transpose(lambda x: convolve(x, rhs), lhs)(ct)

    def rhs_gradient(ct):
        return jax.linear_transpose(lambda w: convolve(lhs, w), rhs)(ct)

    ct = normal(jax.eval_shape(convolve, lhs, rhs).shape)
    traced = jax.make_jaxpr(convolve)(lhs, rhs), (lhs, rhs)
    of_lhs = jax.make_jaxpr(lhs_gradient)(ct), (ct, gradient_kernel(rhs, layout, groups))
    of_rhs = jax.make_jaxpr(rhs_gradient)(ct), (lhs, ct)
    for suffix, (jaxpr, operands) in (("", traced), (" dx", of_lhs), (" dw", of_rhs)):
        (eqn,) = (e for e in jaxpr.eqns if e.primitive.name == "conv_general_dilated")
        pair = both(conv_general_dilated, lax.conv_general_dilated_p.bind, eqn.params)
        yield f"conv {name}{suffix}", *pair, operands


def gradient_kernel(rhs, layout, groups) -> np.ndarray:
    """The kernel that the gradient for the lhs takes: flipped in space, its features regrouped."""
    spec = layout[1]
    rhs = rhs[tuple(slice(None, None, -1 if axis in "HW" else 1) for axis in spec)]
    return rhs if groups == 1 else rhs.swapaxes(spec.index("I"), spec.index("O"))  # depthwise


def pooling(x: np.ndarray, ct: np.ndarray) -> Iterator[Case]:
    window = dict(
        window_dimensions=(1, 2, 2, 1), window_strides=(1, 2, 2, 1), padding=((0, 0),) * 4
    )
    dilations = dict(base_dilation=(1,) * 4, window_dilation=(1,) * 4)
    overlapping = dict(
        window, window_dimensions=(1, 3, 3, 1), padding=((0, 0), (1, 1), (1, 1), (0, 0))
    )
    for name, params in (("2x2", window), ("3x3 by 2", overlapping)):
        for ours, theirs in (
            (reduce_window_max, lax.reduce_window_max_p),
            (reduce_window_sum, lax.reduce_window_sum_p),
        ):
            yield f"{theirs.name} {name}", *both(ours, theirs.bind, params | dilations), (x,)

        def scatter(source, operand, params=params):
            ge = SimpleNamespace(name="ge")
            return select_and_scatter_add(source, operand, select_prim=ge, **params)

        def jax_scatter(source, operand, params=params):
            return lax.select_and_scatter_add_p.bind(
                source, operand, select_prim=lax.ge_p, **params
            )

        yield f"max pool gradient {name}", scatter, jax.jit(jax_scatter), (ct, x)


def compare(ours: Callable, theirs: Callable, operands) -> tuple[float, float]:
    """Median microseconds of each, in turns."""
    on_device = jax.device_put(operands)
    sides = (lambda: ours(*operands)), (lambda: jax.block_until_ready(theirs(*on_device)))
    for side in sides:
        side()
    times: tuple[list, list] = ([], [])
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(times[0]) < 5:
        for side, record in zip(sides, times, strict=True):
            start = time.perf_counter()
            side()
            record.append((time.perf_counter() - start) * 1e6)
    return statistics.median(times[0]), statistics.median(times[1])


def main(wanted: str = "") -> None:
    head("microseconds", "scratchfn", "jax", "ratio")
    for name, ours, theirs, operands in cases():
        if wanted in name:
            a, b = compare(ours, theirs, operands)
            line(name, a, b, a / b)


if __name__ == "__main__":
    main(*sys.argv[1:])
