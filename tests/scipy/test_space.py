"""scipy.ndimage, .interpolate, .cluster.vq and .spatial.transform against JAX's."""

from __future__ import annotations

import importlib
import itertools

import jax
import jax.numpy
import numpy as np
import pytest
import scipy.spatial.transform

import scratchfn.numpy as jnp
from scratchfn import random
from scratchfn.config import enable_x64
from scratchfn.scipy.spatial.transform import Rotation, Slerp
from scratchfn.transforms.api import grad
from scratchfn.transforms.jit_api import jit
from scratchfn.transforms.vmap_api import vmap
from scratchfn.tree_util import tree_leaves
from tests.numpy.agree import agree, same

a = np.array
RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 4)).astype("f")
PLACES = [a([0.5, 1.2, -0.6, 2.9, 7.3]), a([0, 1.7, 1, 3.5, -4.2])]
LINE = a([1.5, -5, 9, -0.2, 3, 3.2, 2.5, -0.5])
POINTS = a([[0.0, 0], [1, 1], [5, 5]])
CODES = a([[0, 0], [4, 4.0]])
X, Y = a([0.0, 1, 3]), a([0.0, 2])
V = np.arange(6.0).reshape(3, 2) ** 2
AT = a([[0.5, 1], [2, 0.3], [-1, 1], [3, 2]])
Q = RNG.normal(size=(3, 4)).astype("f")
R = RNG.normal(size=(3, 3)).astype("f")

LOOSE = 1e-5


def space(jnp, name):
    return importlib.import_module(jnp.__name__.replace("numpy", f"scipy.{name}"))


def mapped(*args, **options):
    return lambda jnp: space(jnp, "ndimage").map_coordinates(*args, **options)


def vq(*args):
    return lambda jnp: space(jnp, "cluster.vq").vq(*args)


def between(*args, at=AT, **options):
    return lambda jnp: space(jnp, "interpolate").RegularGridInterpolator(*args, **options)(at)


MAPPED = [
    *((f"{mode} {order}", mapped(A, PLACES, order, mode))
      for mode in ("constant", "nearest", "wrap", "mirror", "reflect", "x") for order in (0, 1)),
    *((f"line {mode} {order}", mapped(A[0], [LINE], order, mode))
      for mode in ("constant", "nearest", "wrap", "mirror", "reflect") for order in (0, 1)),
    *((f"one {mode}", mapped(A[:1, :1], PLACES, 1, mode)) for mode in ("wrap", "mirror")),
    ("cval", mapped(A, PLACES, 1, cval=5.0)), ("order 2", mapped(A, PLACES, 2)),
    ("int", mapped((A * 9).astype(int), PLACES, 1)), ("uint8", mapped(abs(A * 9).astype("uint8"),
                                                                    PLACES, 0, cval=7)),
    ("complex", mapped(A * 1j, PLACES, 1)), ("f16", mapped(A.astype("float16"), PLACES, 1)),
    ("ints", mapped(A, [a([1, 2]), a([0, 3])], 1)), ("array", mapped(A, a(PLACES), 1)),
    ("few", mapped(A, PLACES[:1], 1)), ("matrix", mapped(A, [LINE[:4].reshape(2, 2)] * 2, 1)),
    ("list", mapped([1.0, 2], [[0.5]], 1)),
]  # fmt: skip

CLUSTERS = [
    ("vq", vq(POINTS, CODES)), ("line", vq(POINTS[:, 0], CODES[:, 0])),
    ("finite", vq(A, A[:2], False)),
    ("ints", vq(POINTS.astype(int), CODES.astype(int))), ("nan", vq(POINTS * np.nan, CODES)),
    ("rank", vq(POINTS[0], CODES)), ("three", vq(POINTS[None], CODES[None])),
    ("list", vq([1.0], [2.0])),
]  # fmt: skip

BETWEEN = [
    ("linear", between((X, Y), V)), ("nearest", between((X, Y), V, "nearest")),
    ("on", between((X, Y), V, fill_value=None)), ("fill", between((X, Y), V, fill_value=5.0)),
    ("vectors", between((X,), V, at=a([0.5, 2]))),
    ("line", between((X,), V[:, 0], at=a([[0.5], [2]]))),
    ("tuple", between((X, Y), V, at=(a([0.5, 1]), a([0.1, 0.2])))),
    ("one", between((X, Y), V, at=AT[0])),
    ("more", between((X, Y), V, at=AT[None])), ("ints", between((X, Y), V.astype(int))),
    ("complex", between((X, Y), V * 1j)),
    ("rest", between((X, Y), np.stack([V, -V], -1), "nearest")),
    ("rest linear", between((X, Y), np.stack([V, -V], -1))),
    ("axes", between((X, Y), V, at=AT[:, :1])),
    ("bounds", between((X, Y), V, bounds_error=True)), ("cubic", between((X, Y), V, "cubic")),
    ("complex fill", between((X, Y), V, fill_value=1j)), ("three", between((X, Y, X), V)),
    ("list", between((X, Y), V.tolist())),
]  # fmt: skip


def turned(f):
    def expression(jnp):
        cls = space(jnp, "spatial.transform")
        return f(cls.Rotation.from_quat(Q[0]), cls.Rotation.from_quat(Q), cls.Rotation, cls.Slerp)

    return expression


def quat(f):
    return lambda *args: f(*args).quat


ROTATIONS = [
    (label, turned(f))
    for label, f in [
        ("matrix", lambda q, qs, R_, S: [q.as_matrix(), qs.as_matrix()]),
        ("rotvec", lambda q, qs, R_, S: [qs.as_rotvec(), q.as_rotvec(True)]),
        ("mrp", lambda q, qs, R_, S: qs.as_mrp()),
        ("quat", lambda q, qs, R_, S: [
            qs.as_quat(), qs.as_quat(True), qs.as_quat(scalar_first=True),
            R_.from_quat([-1, 0, 0, 0]).as_quat(True),
        ]),
        ("magnitude", lambda q, qs, R_, S: [q.magnitude(), qs.magnitude()]),
        ("apply", lambda q, qs, R_, S: [
            q.apply(R[0]), q.apply(R), qs.apply(R), qs.apply(R[0]), qs.apply(R, inverse=True)
        ]),
        ("product", lambda q, qs, R_, S: [(q * q).quat, (q * qs).quat, (qs * q).quat]),
        ("others", lambda q, qs, R_, S: [q.inv().quat, qs[1].quat, qs[1:].quat, len(qs)]),
        ("mean", lambda q, qs, R_, S: [
            abs(qs.mean().as_rotvec()), abs(qs.mean(a([1.0, 2, 3])).as_rotvec())
        ]),
        ("identity", lambda q, qs, R_, S: [R_.identity().quat, R_.identity(dtype="float16").quat]),
        ("single", lambda q, qs, R_, S: [bool(q.single), bool(qs.single)]),
        ("concatenate", lambda q, qs, R_, S: R_.concatenate([qs, qs]).quat),
        ("len of one", lambda q, qs, R_, S: len(q)), ("item of one", lambda q, qs, R_, S: q[0]),
        ("from matrix", lambda q, qs, R_, S: [
            R_.from_matrix(np.asarray(qs.as_matrix())).quat,
            *(R_.from_matrix(np.diag(d)).quat for d in 2.0 * np.eye(3) - 1),
        ]),
        ("from small matrix", lambda q, qs, R_, S: R_.from_matrix(np.ones((2, 3)))),
        ("from rotvec", lambda q, qs, R_, S: [
            R_.from_rotvec(x).quat for x in (R, R[0] * 1e-5, R[0] * 0)
        ] + [R_.from_rotvec(R * 40, True).quat]),
        ("from mrp", lambda q, qs, R_, S: R_.from_mrp(R).quat),
        ("from zero", lambda q, qs, R_, S: R_.from_quat(Q[0] * 0).quat),
        ("half turn", lambda q, qs, R_, S: [
            R_.from_quat(a([0, 0, *x])).as_rotvec() for x in ([1.0, 0], [1, -0.5], [0, 1.0])
        ]),
        ("slerp", lambda q, qs, R_, S: [
            S.init(a([0.0, 1, 3]), qs)(t).quat for t in (0.5, a([0.5, 2.0, 3.0]), -1.0)
        ]),
        ("slerp few", lambda q, qs, R_, S: S.init(a([0.0]), q)),
        ("slerp times", lambda q, qs, R_, S: S.init(a([0.0, 1]), qs)),
        ("slerp matrix", lambda q, qs, R_, S: S.init(a([0.0, 1, 3]), qs)(a([[0.5]]))),
        *((f"euler {seq}", lambda q, qs, R_, S, seq=seq: [
            qs.as_euler(seq), q.as_euler(seq, True), R_.from_euler(seq, R[0]).quat,
            R_.from_euler(seq, R * 9, degrees=True).quat
        ]) for seq in ("xyz", "XYZ", "zxz", "ZYZ", "zyx", "YXZ")),
        *((f"euler {seq}", lambda q, qs, R_, S, seq=seq: R_.from_euler(seq, R[0][: len(seq)]).quat)
          for seq in ("x", "ZY", "yXz", "xx", "abc", "xyzx")),
        ("euler of two", lambda q, qs, R_, S: q.as_euler("xy")),
        ("euler number", lambda q, qs, R_, S: R_.from_euler("x", 0.5).quat),
        ("euler too few", lambda q, qs, R_, S: R_.from_euler("xyz", a([0.5, 0.2])).quat),
    ]
]  # fmt: skip


@pytest.mark.thinned(6)
@pytest.mark.parametrize("row", MAPPED + CLUSTERS + BETWEEN + ROTATIONS, ids=lambda row: row[0])
def test_as_jax(row):
    agree(row[1], 5e-3 if "f16" in row[0] else LOOSE)


@pytest.mark.full
def test_64_bits():
    with enable_x64(True), jax.enable_x64(True):
        agree(mapped(A.astype(float), PLACES, 1, "mirror"), 1e-12)
        agree(between((X, Y), V), 1e-12)
        agree(turned(lambda q, qs, R_, S: R_.from_rotvec(R.astype(float)).as_matrix()), 1e-12)
        agree(vq(POINTS, CODES))


def mixed(jnp):
    ndimage, interpolate = space(jnp, "ndimage"), space(jnp, "interpolate")
    rotations, vq = space(jnp, "spatial.transform"), space(jnp, "cluster.vq").vq

    def f(x):  # [3]
        turn = rotations.Rotation.from_rotvec(x)
        slerp = rotations.Slerp.init(X, rotations.Rotation.from_rotvec(R * x))
        parts = [
            ndimage.map_coordinates(A, [x, x + 1], 1, "reflect"),
            interpolate.RegularGridInterpolator((X, x**2), jnp.outer(x, x))(AT),
            vq(x[None], R)[1], turn.apply(x + 1), turn.as_euler("xyz"), (turn * turn).as_mrp(),
            slerp(a([0.4, 2.5])).as_rotvec(),
        ]  # fmt: skip
        return sum(jnp.sum(jnp.sin(jnp.nan_to_num(part))) for part in parts)

    return f


def test_through_transformations():
    xs = a([[0.3, 0.7, 1.4], [0.2, 0.9, 1.1]], "f")
    theirs = jax.jit(jax.vmap(jax.grad(mixed(jax.numpy))))(xs)
    same(vmap(grad(mixed(jnp)))(xs), theirs, 2e-4)
    same(jit(vmap(grad(mixed(jnp))))(xs), theirs, 2e-4)


def test_all_angles_against_scipy():
    """Where the second angle hides one of the others, too."""
    sequences = [s for s in itertools.product("xyz", repeat=3) if s[0] != s[1] != s[2]]
    with enable_x64(True):
        for letters, middle in itertools.product(sequences, (0.8, 0.0, np.pi / 2, np.pi)):
            for seq in ("".join(letters), "".join(letters).upper()):
                theirs = scipy.spatial.transform.Rotation.from_euler(seq, [0.3, middle, -0.7])
                ours = Rotation.from_euler(seq, a([0.3, middle, -0.7]))
                np.testing.assert_allclose(ours.as_matrix(), theirs.as_matrix(), atol=1e-12)
                back = Rotation.from_euler(seq, ours.as_euler(seq))
                np.testing.assert_allclose(back.as_matrix(), theirs.as_matrix(), atol=1e-7)


def test_what_jax_has_not():
    many = Rotation.random(random.key(0), 500)
    assert abs(np.asarray(many.as_matrix()).mean(0)).max() < 0.1
    assert Rotation.random(random.key(0)).single
    assert (
        Rotation.identity(2).quat.shape == Rotation.concatenate([many[0]] * 2).quat.shape == (2, 4)
    )
    at_zero = grad(lambda v: Rotation.from_rotvec(v).apply(jnp.ones(3))[0])(jnp.zeros(3))
    np.testing.assert_allclose(at_zero, [0, 1, -1])  # nan in JAX


def test_they_are_trees():
    slerp = Slerp.init(X, Rotation.from_quat(Q))
    np.testing.assert_allclose(jit(lambda s, t: s(t).quat)(slerp, 0.5), slerp(0.5).quat, rtol=1e-6)
    assert len(tree_leaves(slerp)) == 4


def test_errors_name_the_remedy():
    with pytest.raises(ValueError, match='seq="xyz"'):
        Rotation.from_euler("xx", a([1.0, 2]))
    with pytest.raises(ValueError, match="a value for each point of the grid"):
        between((X, Y), V.T)(jnp)
    with pytest.raises(NotImplementedError, match="constant, nearest, wrap, mirror, reflect"):
        mapped(A, PLACES, 3)(jnp)
