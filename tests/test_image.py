"""sf.image against jax.image: every method, larger and smaller, and the derivatives."""

from __future__ import annotations

import jax
import jax.image
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.image
from tests.numpy.agree import agree, same

A = (np.arange(12.0).reshape(3, 4) ** 1.5).astype("f")
SCALE, SHIFT = np.array([1.5, 0.7], "f"), np.array([0.2, 1.0], "f")
METHODS = ["nearest", "linear", "lanczos3", "lanczos5", "cubic", "cubic-pytorch", "area"]
SYNONYMS = ["bilinear", "trilinear", "triangle", "bicubic", "tricubic", "bicubic-pytorch"]

LOOSE = 1e-5  # weights here are rounded once, from float64, and in JAX computed in float32


def images(jnp):
    return scratchfn.image if jnp.__name__.startswith("scratchfn") else jax.image


def resize(*args):
    return lambda jnp: images(jnp).resize(*args)


def move(*args):
    return lambda jnp: images(jnp).scale_and_translate(*args)


RESIZED = [
    (f"{method} {shape} {antialias}", resize(A, shape, method, antialias))
    for method in METHODS
    for shape in ((5, 7), (2, 2), (3, 4), (1, 9), (3, 3))
    for antialias in (True, False)
] + [
    *((name, resize(A, (5, 2), name)) for name in SYNONYMS),
    *((f"{dtype} {method}", resize(A.astype(dtype), (2, 2), method))
      for dtype in ("int32", "uint8", "float16", "bool", "complex64")
      for method in ("nearest", "linear")),
    ("colours", resize(np.stack([A, -A, A * 2], -1), (4, 3, 3), "linear")),
    ("nothing", resize(A, (0, 2), "linear")), ("no axes", resize(1.0, (), "linear")),
    ("axes", resize(A, (2,), "linear")),
    ("method", resize(A, (2, 2), "Linear")), ("a fraction", resize(A, (2.5, 2), "linear")),
]  # fmt: skip

MOVED = [
    (f"{method} {antialias}", move(A, (4, 5), (0, 1), SCALE, SHIFT, method, antialias))
    for method in METHODS[1:]
    for antialias in (True, False)
] + [
    ("one axis", move(A, (3, 5), (1,), SCALE[:1], SHIFT[:1], "linear")),
    ("from the end", move(A, (4, 5), (-2, -1), SCALE, SHIFT, "cubic")),
    ("ints", move(A.astype(int), (4, 5), (0, 1), SCALE, SHIFT, "linear")),
    ("nearest", move(A, (4, 5), (0, 1), SCALE, SHIFT, "nearest")),
    ("axes", move(A, (4,), (0, 1), SCALE, SHIFT, "linear")),
    ("axis 5", move(A, (4, 5), (0, 5), SCALE, SHIFT, "linear")),
    ("lists", move(A, (4, 5), (0, 1), [1.5, 0.7], [0.2, 1.0], "linear")),
]


@pytest.mark.thinned(5)
@pytest.mark.parametrize("row", RESIZED + MOVED, ids=lambda row: row[0])
def test_as_jax(row):
    agree(row[1], 5e-3 if "float16" in row[0] else LOOSE)


@pytest.mark.full
def test_64_bits():
    with sf.enable_x64(True), jax.enable_x64(True):
        wide = A.astype(float)
        agree(resize(wide, (5, 2), "linear"), 1e-12)
        agree(move(wide, (4, 5), (0, 1), SCALE.astype(float), SHIFT, "cubic"), 1e-6)


@pytest.mark.parametrize("method", METHODS[1:])
def test_derivatives(method):
    def f(space, sin):
        def total(image, scale, shift):
            moved = space.scale_and_translate(image, (4, 5), (0, 1), scale, shift, method)
            return sin(space.resize(moved, (3, 3), method) / 9).sum()

        return total

    ours = sf.vmap(sf.grad(f(sf.image, sf.numpy.sin), (0, 1, 2)), (0, None, None))
    theirs = jax.vmap(jax.grad(f(jax.image, jax.numpy.sin), (0, 1, 2)), (0, None, None))
    xs = np.stack([A, -A])
    same(ours(xs, SCALE, SHIFT), jax.jit(theirs)(xs, SCALE, SHIFT), 2e-4)


def test_weights_of_a_known_size_are_constants():
    program = sf.make_jaxpr(lambda x: sf.image.resize(x, (2, 4), "cubic"))(A)
    names = [eqn.primitive.name for eqn in program.jaxpr.eqns]
    assert names == ["dot_general", "transpose"]


def test_errors_name_the_remedy():
    with pytest.raises(ValueError, match="bilinear"):
        sf.image.resize(A, (2, 2), "best")
    with pytest.raises(ValueError, match="batches and colours too"):
        sf.image.resize(A, (2, 2, 2), "linear")
    assert sf.image.ResizeMethod.from_string("area") is sf.image.ResizeMethod.AREA
