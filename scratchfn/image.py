"""`sf.image`: images of another size, as `jax.image` has them.

    resize(image, (224, 224, 3), "bilinear")

A pixel is a unit square, and its value stands at its middle. A new pixel is the mean of old ones
around its place, weighted by a kernel of their distance. Kernels of all axes are multiplied, so
each axis is resized on its own, by a product with a matrix of weights [new, old].

Read next: `numpy/einsum.py`.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import scratchfn.numpy as jnp
from scratchfn import errors
from scratchfn.core.array import Array
from scratchfn.core.params import Precision
from scratchfn.numpy.arguments import axes_of, shape_of
from scratchfn.numpy.promotion import operand, promote_dtypes_inexact

__all__ = ["ResizeMethod", "resize", "scale_and_translate"]


class ResizeMethod(enum.Enum):
    """How the value of a new pixel follows from those of old ones.

    NEAREST takes the nearest. LINEAR, CUBIC (R. Keys, Cubic convolution interpolation for digital
    image processing, 1981), LANCZOS3 and LANCZOS5 (C. Duchon, Lanczos filtering, 1979) weight them
    by a kernel. CUBIC_PYTORCH is CUBIC but for what PyTorch does otherwise without antialiasing.
    AREA is the mean over the part of the old image that the new pixel covers.
    """

    NEAREST = 0
    LINEAR = 1
    LANCZOS3 = 2
    LANCZOS5 = 3
    CUBIC = 4
    CUBIC_PYTORCH = 5
    AREA = 6

    @staticmethod
    def from_string(s: str) -> ResizeMethod:
        """The method of that name. Raises ValueError if there is none."""
        if s in _NAMES:
            return _NAMES[s]
        why = f"the methods are {', '.join(_NAMES)}"
        write = 'sf.image.resize(image, shape, "linear")'
        raise ValueError(errors.explain("a way to resize images", f"method={s!r}", why, write))


_NAMES = {
    "nearest": ResizeMethod.NEAREST,
    "linear": ResizeMethod.LINEAR,
    "bilinear": ResizeMethod.LINEAR,
    "trilinear": ResizeMethod.LINEAR,
    "triangle": ResizeMethod.LINEAR,
    "lanczos3": ResizeMethod.LANCZOS3,
    "lanczos5": ResizeMethod.LANCZOS5,
    "cubic": ResizeMethod.CUBIC,
    "bicubic": ResizeMethod.CUBIC,
    "tricubic": ResizeMethod.CUBIC,
    "cubic-pytorch": ResizeMethod.CUBIC_PYTORCH,
    "bicubic-pytorch": ResizeMethod.CUBIC_PYTORCH,
    "area": ResizeMethod.AREA,
}

# -- kernels: the weight of an old pixel at a distance x >= 0; xp is NumPy or jnp ------------------

Kernel = Callable[[Any, Any], Any]


def _triangle(xp: Any, x: Any) -> Any:
    return xp.maximum(0, 1 - x)


def _cubic(a: float) -> Kernel:
    """The cubic pieces with slope `a` at distance 1."""

    def kernel(xp: Any, x: Any) -> Any:
        near = ((a + 2) * x - (a + 3)) * x * x + 1
        far = a * (((x - 5) * x + 8) * x - 4)
        return xp.where(x < 1, near, xp.where(x < 2, far, 0))

    return kernel


def _lanczos(radius: int) -> Kernel:
    """sinc(x) sinc(x / radius)."""

    def kernel(xp: Any, x: Any) -> Any:
        small = x <= 1e-3
        angle = np.pi * xp.where(small, 1, x)
        value = radius * xp.sin(angle) * xp.sin(angle / radius) / (angle * angle)
        return xp.where(x > radius, 0, xp.where(small, 1, value))

    return kernel


_KERNELS: dict[ResizeMethod, Kernel] = {
    ResizeMethod.LINEAR: _triangle,
    ResizeMethod.LANCZOS3: _lanczos(3),
    ResizeMethod.LANCZOS5: _lanczos(5),
    ResizeMethod.CUBIC: _cubic(-0.5),
    ResizeMethod.CUBIC_PYTORCH: _cubic(-0.75),
}

# -- weights ---------------------------------------------------------------------------------------


def _weights(
    xp: Any, old: int, new: int, scale: Any, shift: Any, method: ResizeMethod, antialias: bool
) -> Any:
    """The weights [new, old] of old pixels in new ones, where the place x of an old image is the
    place scale * x + shift of the new one. Places outside of the old image have none."""
    places = (xp.arange(new) + 0.5 - shift) / scale - 0.5  # of new pixels among the old, [new]
    if method == ResizeMethod.CUBIC_PYTORCH and not antialias:
        return _with_repeated_edges(xp, old, places, _KERNELS[method])
    step = 1 / scale
    if method == ResizeMethod.AREA:
        middle = places[:, None] + 0.5
        begin, end = middle - step / 2, middle + step / 2
        pixels = xp.arange(old)
        weights = xp.maximum(xp.minimum(end, pixels + 1) - xp.maximum(begin, pixels), 0)
    else:
        if method == ResizeMethod.CUBIC_PYTORCH:
            method = ResizeMethod.CUBIC
        width = xp.maximum(step, 1) if antialias else 1
        distance = abs(places[:, None] - xp.arange(old)) / width
        weights = _KERNELS[method](xp, distance)
    total = weights.sum(1, keepdims=True)
    present = abs(total) > 1000 * float(np.finfo(np.float32).eps)
    weights = xp.where(present, weights / xp.where(present, total, 1), 0)
    inside = (places >= -0.5) & (places <= old - 0.5)
    return xp.where(inside[:, None], weights, 0)


def _with_repeated_edges(xp: Any, old: int, places: Any, kernel: Kernel) -> Any:
    """The weights of four pixels around each place, where those at the edges stand for all pixels
    beyond."""
    weights = 0
    for offset in (-1, 0, 1, 2):
        pixel = xp.floor(places) + offset
        weight = kernel(xp, abs(places - pixel))
        nearest = xp.clip(pixel, 0, old - 1)[:, None] == xp.arange(old)  # [new, old]
        weights = weights + xp.where(nearest, weight[:, None], 0)
    return weights


def _apply(x: Any, weights: Any, axis: int, precision: Any) -> Any:
    """The old pixels along an axis, weighted."""
    y = jnp.tensordot(x, weights, ((axis,), (1,)), precision=precision)
    return jnp.moveaxis(y, -1, axis)


# -- the user's functions --------------------------------------------------------------------------


def resize(
    image: Any, shape: Sequence[int], method: str | ResizeMethod, antialias: bool = True,
    precision: Any = Precision.HIGHEST,
) -> Any:  # fmt: skip
    """`image` as one of another shape, with as many axes. Axes that keep their size, as those of
    batches and colours, are left as they are.

    Args:
      method: a `ResizeMethod` or its name: "nearest", which keeps the dtype, "linear", "cubic",
        "lanczos3", "lanczos5", "area", ...
      antialias: whether the kernel is made wider where the image becomes smaller, so that each old
        pixel counts.

    Raises ValueError for a shape with more or fewer axes, and for a method that does not exist.
    """
    x = operand("image.resize", image)
    how = ResizeMethod.from_string(method) if isinstance(method, str) else method
    sizes = _shape("resize", x, shape)
    if how != ResizeMethod.NEAREST:
        (x,) = promote_dtypes_inexact(x)
    for axis, (old, new) in enumerate(zip(x.shape, sizes)):
        if old == new:
            continue
        if how == ResizeMethod.NEAREST:
            x = jnp.take(x, (2 * np.arange(new) + 1) * old // (2 * new), axis)
        elif new == 0:
            x = jnp.take(x, np.arange(0), axis)
        else:
            weights = _known_weights(old, new, how, antialias, x.dtype)
            x = _apply(x, weights, axis, precision)
    return x


@functools.lru_cache(maxsize=64)
def _known_weights(
    old: int, new: int, method: ResizeMethod, antialias: bool, dtype: np.dtype
) -> Any:
    return Array(_weights(np, old, new, new / old, 0.0, method, antialias).astype(dtype))


def scale_and_translate(
    image: Any, shape: Sequence[int], spatial_dims: Sequence[int], scale: Any, translation: Any,
    method: str | ResizeMethod, antialias: bool = True, precision: Any = Precision.HIGHEST,
) -> Any:  # fmt: skip
    """An image of another shape in which what was at the place x along a spatial axis is at
    scale * x + translation, with 0 at the places that come from outside.

    Args:
      spatial_dims: the axes to be scaled; the others keep their sizes.
      scale, translation: [len(spatial_dims)]; there are derivatives in both.

    Raises ValueError for the method "nearest", and for scales that are not one for each axis.
    """
    (x,) = promote_dtypes_inexact(operand("image.scale_and_translate", image))
    how = ResizeMethod.from_string(method) if isinstance(method, str) else method
    sizes = _shape("scale_and_translate", x, shape)
    scale, translation = (
        operand("image.scale_and_translate", v, i) for i, v in ((3, scale), (4, translation))
    )
    name = "image.scale_and_translate"
    axes = axes_of(name, tuple(spatial_dims), x.ndim)
    fits = scale.shape == translation.shape == (len(axes),)
    if how == ResizeMethod.NEAREST or not fits:
        found = f"method {how.name}, scale {scale.aval}, translation {translation.aval}"
        why = "each spatial axis has a scale and a translation, and the nearest has no derivative"
        write = f'sf.{name}(image, shape, (0, 1), scale, translation, "linear")'
        raise ValueError(errors.explain(f"sf.{name}", found, why, write))
    scale, translation = promote_dtypes_inexact(scale, translation)
    for i, axis in enumerate(axes):
        weights = _weights(
            jnp, x.shape[axis], sizes[axis], scale[i], translation[i], how, antialias
        )
        x = _apply(x, weights.astype(x.dtype), axis, precision)
    return x


def _shape(name: str, x: Any, shape: Any) -> tuple[int, ...]:
    sizes = shape_of(f"image.{name}", shape)
    if len(sizes) == x.ndim and not (0 in x.shape and 0 not in sizes):
        return sizes
    why = "both have the same axes, batches and colours too, and something comes of something"
    write = f"sf.image.{name}(image, (*image.shape[:-3], 32, 32, 3), ...)"
    found = f"an image of type {x.aval}"
    raise ValueError(errors.explain(f"sf.image.{name} to the shape {sizes}", found, why, write))
