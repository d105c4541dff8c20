"""Polynomials, divisors, and histograms of points, against JAX."""

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
P, Q = a([1.0, 2, 3], "f"), a([4, 5])
X = np.arange(5.0)
Y = (X**2 - 1 + 0.1 * np.sin(X * 7)).astype("f")
W = a([1, 2, 1, 0.5, 1], "f")
S = np.random.default_rng(0).uniform(size=(8, 2)).astype("f")
I = a([12, -18, 0, 7, 27720], "int32")  # noqa: E741
J = a([8, 12, 0, 0, 1260], "int32")

ARITHMETIC = [
    ("add", lambda jnp: [jnp.polyadd(P, Q), jnp.polyadd(Q, P), jnp.polyadd(Q, Q)]),
    ("sub", lambda jnp: [jnp.polysub(P, Q), jnp.polysub(Q, P)]),
    ("mul", lambda jnp: [jnp.polymul(P, Q), jnp.polymul(Q, Q), jnp.polymul(P[:0], P)]),
    ("mul zeros", lambda jnp: jnp.polymul(a([0.0, 0, 1]), Q)),
    ("mul trim", lambda jnp: [
        jnp.polymul(x, a([0.0, 1, 1]), trim_leading_zeros=True)
        for x in (a([0.0, 0, 1]), a([1e-6, 0, 1]), a([0.0, 0]), a([0.0]))
    ]),
    ("div", lambda jnp: [jnp.polydiv(P, Q), jnp.polydiv(Q, P), jnp.polydiv(Q, Q)]),
    ("div longer", lambda jnp: jnp.polydiv(a([1.0, 5, 6, 1]), a([1.0, 2]))),
    ("div zero", lambda jnp: jnp.polydiv(P, a([0.0, 1]))),
    ("div trim", lambda jnp: [
        jnp.polydiv(a([1, 2, x]), a([1.0, 1]), trim_leading_zeros=True)
        for x in (1.0, 1.0003, 1.001)
    ]),
    ("der", lambda jnp: [jnp.polyder(P, m) for m in (0, 1, 2, 3, 5)]),
    ("der ints", lambda jnp: jnp.polyder(Q)),
    ("der negative", lambda jnp: jnp.polyder(P, -1)),
    ("der float", lambda jnp: jnp.polyder(P, 1.5)),
    ("der matrix", lambda jnp: jnp.polyder(P[None])),
    ("int", lambda jnp: [jnp.polyint(P, m) for m in (0, 1, 2, 3)]),
    ("int ints", lambda jnp: jnp.polyint(Q)),
    ("int k", lambda jnp: [jnp.polyint(P, 2, k) for k in (3, a([3, 4]), a([2.0]))]),
    ("int too many k", lambda jnp: jnp.polyint(P, 2, a([3, 4, 5]))),
    ("int negative", lambda jnp: jnp.polyint(P, -1)),
    ("int list", lambda jnp: jnp.polyint([1, 2])),
]  # fmt: skip

ZEROS = [
    ("poly", lambda jnp: [jnp.poly(x) for x in (P, Q, a([1j, -1j]), a([]), 3.0)]),
    ("poly matrix", lambda jnp: jnp.poly(a([[1.0, 2], [3, 4]]))),
    ("poly rectangle", lambda jnp: jnp.poly(a([[1.0, 2, 3], [3, 4, 5]]))),
    ("poly list", lambda jnp: jnp.poly([1.0])),
    ("roots", lambda jnp: [
        jnp.roots(a(p)) for p in ([1.0, -3, 2], [0, 1.0, -3, 2, 0], [1, 0, 1], [1.0], [], [0.0, 0],
                                  [2.0, 0, 0], [1.0, -6, 11, -6, 0, 0])
    ]),
    ("roots unstripped", lambda jnp: [
        jnp.roots(a(p), strip_zeros=False)
        for p in ([0, 1.0, -3, 2, 0], [1.0, 0], [0, 0.0, 0], [0, 1.0, -6, 11, -6, 0, 0], [2.0])
    ]),
    ("roots matrix", lambda jnp: jnp.roots(P[None])),
    ("roots list", lambda jnp: jnp.roots([1, 2])),
]  # fmt: skip

FITS = [
    (label, lambda jnp, args=args, options=options: jnp.polyfit(*args, **options))
    for label, args, options in [
        ("fit", (X, Y, 2), {}), ("line", (X, Y, 1), {}), ("constant", (X, Y, 0), {}),
        ("full", (X, Y, 2), {"full": True}), ("full cov", (X, Y, 1), {"full": True, "cov": True}),
        ("cov", (X, Y, 1), {"cov": True}), ("unscaled", (X, Y, 1), {"cov": "unscaled"}),
        ("w", (X, Y, 2), {"w": W}), ("many", (X, np.stack([Y, 2 * Y], 1), 1), {}),
        ("many cov w", (X, np.stack([Y, 2 * Y], 1), 1), {"cov": True, "w": W}),
        ("rcond", (X, Y, 2, 0.1), {}), ("negative", (X, Y, -1), {}), ("short", (X, Y[:3], 1), {}),
        ("matrix", (X[None], Y, 1), {}), ("three axes", (X, Y[None, None], 1), {}),
        ("nothing", (X[:0], Y[:0], 1), {}), ("few weights", (X, Y, 2), {"w": W[:2]}),
        ("weights matrix", (X, Y, 2), {"w": W[None]}), ("no freedom", (X, Y, 4), {"cov": True}),
        ("ints", (X.astype(int), Y, 1), {}), ("list", ([1.0, 2], [3.0, 4], 1), {}),
    ]
]  # fmt: skip

DIVISORS = [
    ("gcd", lambda jnp: [jnp.gcd(I, J), jnp.gcd(I, 18), jnp.gcd(I[:, None], J), jnp.gcd(12, 18)]),
    ("gcd types", lambda jnp: [
        jnp.gcd(I.astype("uint8"), J.astype("int8")), jnp.gcd(I.astype("int8"), J.astype("int8"))
    ]),
    ("gcd float", lambda jnp: jnp.gcd(1.0, 2)),
    ("gcd bool", lambda jnp: jnp.gcd(True, False)),
    ("lcm", lambda jnp: [jnp.lcm(I, J), jnp.lcm(I[:, None], J), jnp.lcm(12, 18)]),
    ("lcm overflow", lambda jnp: [jnp.lcm(np.int8(100), np.int8(75)), jnp.lcm(2**20, 3**9)]),
    ("lcm float", lambda jnp: jnp.lcm(1.0, 2)),
]  # fmt: skip

HISTOGRAMS = [
    (label, lambda jnp, name=name, args=args, options=options: getattr(jnp, name)(*args, **options))
    for label, name, args, options in [
        ("2d", "histogram2d", (S[:, 0], S[:, 1], 3), {}),
        ("2d range", "histogram2d", (S[:, 0], S[:, 1], (2, 3)), {"range": ((0, 1), (0, 0.5))}),
        ("2d edges", "histogram2d", (S[:, 0], S[:, 1], a([0, 0.5, 1])), {}),
        ("2d density", "histogram2d", (S[:, 0], S[:, 1], [a([0, 0.5, 1]), 2]), {"density": True}),
        ("2d weights", "histogram2d", (S[:, 0], S[:, 1], 2), {"weights": S[:, 0]}),
        ("2d lengths", "histogram2d", (S[:, 0], S[:3, 1], 2), {}),
        ("dd", "histogramdd", (S, 2), {"weights": S[:, 0]}),
        ("dd bins", "histogramdd", (S, (2, 3)), {}),
        ("dd range", "histogramdd", (S, 2), {"range": [None, (0, 1)]}),
        ("dd three", "histogramdd", (np.tile(S, 2)[:, :3], 2), {"density": True}),
        ("dd ints", "histogramdd", ((S * 5).astype(int), 2), {}),
        ("dd wrong bins", "histogramdd", (S, (2, 2, 2)), {}),
        ("dd wrong range", "histogramdd", (S, 2), {"range": [(0, 1)]}),
        ("dd wrong weights", "histogramdd", (S, 2), {"weights": S[:2, 0]}),
        ("dd vector", "histogramdd", (S[0], 2), {}),
        ("dd list", "histogramdd", ([S[:, 0], S[:, 1]], 2), {}),
    ]
]  # fmt: skip

# Least squares, and eigenvalues, in float32 by another sequence of roundings.
LOOSE = 2e-5


@pytest.mark.thinned(3)
@pytest.mark.parametrize(
    "row", ARITHMETIC + ZEROS + FITS + DIVISORS + HISTOGRAMS, ids=lambda row: row[0]
)
def test_as_jax(row):
    agree(row[1], LOOSE)


def test_64_bits():
    with enable_x64(True), jax.enable_x64(True):
        agree(lambda jnp: jnp.polyfit(X, Y.astype(float), 2, full=True), 1e-12)
        agree(lambda jnp: [jnp.polyder(Q), jnp.polyint(P), jnp.poly(Q), jnp.polydiv(Q, Q)])
        agree(lambda jnp: [jnp.roots(a([1.0, -3, 2])), jnp.gcd(2**40, 6**20)], 1e-12)
        agree(lambda jnp: jnp.histogram2d(S[:, 0], S[:, 1], 2))


def mixed(jnp):
    def f(x):  # [4]
        parts = [
            jnp.polymul(x, x[1:]), *jnp.polydiv(x, x[:2]), jnp.polyder(x, 2),
            jnp.polyint(x, 2, x[:2]), jnp.poly(x),
            jnp.abs(jnp.roots(x, strip_zeros=False)), jnp.polyfit(X[:4], x, 1),
        ]  # fmt: skip
        return sum(jnp.sum(jnp.sin(part)) for part in parts)

    return f


def test_through_transformations():
    xs = a([[1.5, -0.3, 0.7, 0.2], [0.9, 0.4, -0.8, 1.1]], "f")
    theirs = jax.jit(jax.vmap(jax.grad(mixed(jax.numpy))))(xs)
    same(vmap(grad(mixed(jnp)))(xs), theirs, 2e-4)
    same(jit(mixed(jnp))(xs[0]), jax.jit(mixed(jax.numpy))(xs[0]), 1e-4)
    same(jit(vmap(jnp.gcd))(I, J), jax.jit(jax.vmap(jax.numpy.gcd))(I, J))


def test_gcd_of_the_least_integer():
    assert int(jnp.gcd(np.int32(-(2**31)), np.int32(6))) in (2, -2)  # JAX's never ends


def test_errors_name_the_remedy():
    with pytest.raises(TypeError, match="static_argnums"):
        jit(jnp.roots)(P)
    with pytest.raises(ValueError, match="cov='unscaled'"):
        jnp.polyfit(X, Y, 4, cov=True)
    with pytest.raises(ValueError, match=r"jnp\.polyadd\(jnp\.atleast_1d\(p\)\)"):
        jnp.polyadd(1, P)
    with pytest.raises(ValueError, match="only integers have divisors"):
        jnp.gcd(1.0, 2)
