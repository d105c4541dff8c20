"""Bits, the parts of floating-point numbers, divisors, and tapered windows, against JAX."""

from __future__ import annotations

import jax
import jax.numpy
import numpy as np
import pytest

import scratchfn.numpy as jnp
from scratchfn.config import enable_x64
from scratchfn.transforms.api import grad
from scratchfn.transforms.jit_api import jit
from scratchfn.transforms.vmap_api import vmap
from tests.numpy.agree import agree, same

a = np.array
B = a([1, 0, 1, 1, 0, 0, 0, 1, 1, 1], "uint8")
BYTES = a([1, 200, 37, 255], "uint8")
I = a([12, -18, 0, 7, 27720], "int32")  # noqa: E741
J = a([8, 12, 0, 0, 1260], "int32")
F = a([1.5, -2.75, 0, np.inf, -np.inf, np.nan, -0.0, 3, 1e30, 2e-38], "f")
HALVES = ["float16", "bfloat16"]

BITS = [
    ("count", lambda jnp: [jnp.bitwise_count(I.astype(d)) for d in ("int8", "int32", "uint8")]),
    ("count bool", lambda jnp: jnp.bitwise_count(True)),
    ("count number", lambda jnp: jnp.bitwise_count(-7)),
    ("count least", lambda jnp: jnp.bitwise_count(a([-128], "int8"))),
    ("count float", lambda jnp: jnp.bitwise_count(1.0)),
    ("pack", lambda jnp: jnp.packbits(B)),
    ("pack little", lambda jnp: jnp.packbits(B, bitorder="little")),
    ("pack axes", lambda jnp: [jnp.packbits(B.reshape(2, 5), i) for i in (0, 1, -1, None)]),
    ("pack others", lambda jnp: [jnp.packbits(x) for x in (B > 0, B * 3, B.astype("int32") * -2)]),
    ("pack nothing", lambda jnp: jnp.packbits(B[:0])),
    ("pack number", lambda jnp: jnp.packbits(1)),
    ("pack float", lambda jnp: jnp.packbits(B * 1.0)),
    ("pack order", lambda jnp: jnp.packbits(B, bitorder="x")),
    ("pack list", lambda jnp: jnp.packbits([1])),
    ("unpack", lambda jnp: jnp.unpackbits(BYTES)),
    ("unpack little", lambda jnp: jnp.unpackbits(BYTES, bitorder="little")),
    ("unpack count", lambda jnp: [jnp.unpackbits(BYTES, count=n) for n in (0, 5, -3, 40, -99)]),
    ("unpack axes", lambda jnp: [jnp.unpackbits(BYTES.reshape(2, 2), i) for i in (0, 1, None)]),
    ("unpack axis count", lambda jnp: jnp.unpackbits(BYTES.reshape(2, 2), 0, -6)),
    ("unpack int8", lambda jnp: jnp.unpackbits(BYTES.astype("int8"))),
    ("unpack order", lambda jnp: jnp.unpackbits(BYTES, bitorder="x")),
    ("unpack number", lambda jnp: jnp.unpackbits(np.uint8(3))),
]  # fmt: skip

PARTS = [
    ("frexp", lambda jnp: jnp.frexp(F)),
    ("frexp small floats", lambda jnp: [jnp.frexp(F[:8].astype(d)) for d in HALVES]),
    ("frexp numbers", lambda jnp: [jnp.frexp(x) for x in (3, 2.0, True)]),
    ("frexp complex", lambda jnp: jnp.frexp(1j)),
    ("frexp list", lambda jnp: jnp.frexp([1.0])),
    ("ldexp", lambda jnp: [jnp.ldexp(F, 3), jnp.ldexp(F, np.arange(10)), jnp.ldexp(F[:9], -20)]),
    ("ldexp numbers", lambda jnp: [jnp.ldexp(*x) for x in ((3, 2), (2.0, 2), (True, True))]),
    ("ldexp far", lambda jnp: jnp.ldexp(np.float32(1e-30), 200)),
    ("ldexp to the top", lambda jnp: jnp.ldexp(np.float32(0.75), 128)),
    ("ldexp over the top", lambda jnp: jnp.ldexp(np.float32(3), 128)),
    ("ldexp types", lambda jnp: [
        jnp.ldexp(np.float16(3), np.int32(2)), jnp.ldexp(np.int8(2), 3), jnp.ldexp(1.0, np.uint8(3))
    ]),
    ("ldexp broadcast", lambda jnp: jnp.ldexp(F[:3, None], a([1, 2]))),
    ("ldexp float", lambda jnp: jnp.ldexp(2.0, 2.0)),
    ("ldexp complex", lambda jnp: jnp.ldexp(1j, 2)),
    ("modf", lambda jnp: [jnp.modf(x) for x in (F, 3, 2.5, np.float16(-2.5))]),
    ("modf complex", lambda jnp: jnp.modf(1j)),
    ("modf out", lambda jnp: jnp.modf(F, np.zeros(3))),
    ("spacing", lambda jnp: [jnp.spacing(x) for x in (F, 3, 2.5, np.float16(2.5))]),
    ("spacing bf16", lambda jnp: jnp.spacing(a([1, -3, 0]).astype("bfloat16"))),
    ("spacing complex", lambda jnp: jnp.spacing(1j)),
    ("iscomplex", lambda jnp: [jnp.iscomplex(x) for x in (a([1j, 2, 0j]), F, 3)]),
    ("isreal", lambda jnp: [jnp.isreal(x) for x in (a([1j, 2, 0j]), F, 3)]),
    ("isreal list", lambda jnp: jnp.isreal([1])),
]  # fmt: skip

X = np.arange(8, dtype="f").reshape(2, 4)
VIEWS = [
    *((f"view {x.dtype} as {to}", lambda jnp, x=x, to=to: jnp.asarray(x).view(to))
      for x in (X, X.astype("int16"), X.astype("uint8"), X > 1, (X * 1j).astype("complex64"))
      for to in ("float32", "int32", "int16", "uint8", "bool", "complex64", None)),
    ("view number", lambda jnp: [jnp.float32(1).view(to) for to in ("int32", None)]),
    ("view number smaller", lambda jnp: jnp.float32(1).view("int16")),
    ("view odd", lambda jnp: jnp.asarray(X[:, :3].astype("int16")).view("int32")),
    ("view type", lambda jnp: jnp.asarray(X).view(type=np.ndarray)),
    ("view nothing", lambda jnp: jnp.zeros((0, 2)).view("int16")),
    ("byteswap", lambda jnp: [
        jnp.asarray(X.astype(t)).byteswap() for t in ("float32", "int16", "int8", "complex64")
    ]),
    ("tobytes", lambda jnp: jnp.asarray(X).tobytes()),
    ("tobytes F", lambda jnp: jnp.asarray(X.astype("int8")).tobytes("F")),
    ("methods", lambda jnp: [
        jnp.asarray(X).argpartition(2), jnp.asarray([1, 0]).choose([X[0, :2], X[1, :2]]),
        jnp.asarray(X).compress(np.array([True, False]), 0),
    ]),
]  # fmt: skip

TAPERS = [
    *((f"{name} {n}", lambda jnp, name=name, n=n: getattr(jnp, name)(n))
      for name in ("bartlett", "blackman", "hamming", "hanning") for n in (0, 1, 2, 5, 12, -1)),
    *((f"kaiser {n}", lambda jnp, n=n: jnp.kaiser(n, 8.6)) for n in (0, 1, 2, 5)),
    ("kaiser int", lambda jnp: jnp.kaiser(6, 3)),
    ("kaiser many", lambda jnp: jnp.kaiser(4, a([1.0, 2, 3, 4]))),
    ("i0", lambda jnp: [jnp.i0(a([-2, 0, 1, 30], "f")), jnp.i0(2), jnp.i0(2.0)]),
    ("i0 f16", lambda jnp: jnp.i0(np.float16(2))),
    ("i0 complex", lambda jnp: jnp.i0(2j)),
]  # fmt: skip


@pytest.mark.thinned(2)
@pytest.mark.parametrize("row", BITS + PARTS + VIEWS, ids=lambda row: row[0])
def test_as_jax(row):
    agree(row[1])


@pytest.mark.thinned(3)
@pytest.mark.parametrize("row", TAPERS, ids=lambda row: row[0])
def test_tapers(row):
    agree(row[1], 5e-6 if "f16" not in row[0] else None)  # cosines of XLA differ by 2 ulp


def test_64_bits():
    with enable_x64(True), jax.enable_x64(True):
        wide = F.astype("float64")
        agree(lambda jnp: [jnp.frexp(wide), jnp.ldexp(wide, 3), jnp.modf(wide), jnp.spacing(wide)])
        agree(lambda jnp: [jnp.hanning(7), jnp.kaiser(5, 2.0), jnp.i0(3)])
        agree(lambda jnp: [jnp.frexp(F), jnp.ldexp(F, np.arange(10)), jnp.bitwise_count(2**40 - 1)])


def test_subnormal_numbers_have_parts():
    x = a([1e-40, -3e-45, 1e-310]).astype("f")  # JAX's ldexp makes zeros of them
    m, e = jnp.frexp(x)
    np.testing.assert_array_equal(np.asarray(m), np.frexp(x)[0])
    np.testing.assert_array_equal(np.asarray(e), np.frexp(x)[1])
    np.testing.assert_array_equal(np.asarray(jnp.ldexp(np.float32(1.5), -130)), np.ldexp(1.5, -130))
    np.testing.assert_array_equal(np.asarray(jnp.ldexp(x, 140)), np.ldexp(x, 140))


def mixed(jnp):
    return lambda x: (
        jnp.ldexp(x, 3) * jnp.frexp(x)[0] + jnp.modf(x)[0] ** 2 + jnp.i0(x)
        + jnp.sum(jnp.kaiser(5, x))
    )  # fmt: skip


def test_through_transformations():
    xs = a([0.3, 1.7, -2.6], "f")
    same(vmap(grad(mixed(jnp)))(xs), jax.jit(jax.vmap(jax.grad(mixed(jax.numpy))))(xs), 1e-5)
    same(jit(jnp.packbits)(B), jax.jit(jax.numpy.packbits)(B))
    same(jit(lambda x: x.view("int16"))(X), jax.jit(lambda x: x.view("int16"))(X))
    with pytest.raises(TypeError, match=r"tobytes\(\) outside"):
        jit(lambda x: x.tobytes())(X)


def test_errors_name_the_remedy():
    with pytest.raises(TypeError, match=r"jnp\.unpackbits\(x\.astype\(jnp\.uint8\)\)"):
        jnp.unpackbits(np.arange(3))
    with pytest.raises(ValueError, match=r"x1 \* 2\.0\*\*x2"):
        jnp.ldexp(1.0, 2.0)
