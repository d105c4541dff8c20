"""Partitions, choices, places, grids, index sets and other sizes, against JAX."""

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
from tests.numpy.agree import agree, numbers, same

a = np.array
A = a([3, 1, 2, 5, 4, 0], "f")
M = A > 2
T = numbers(3, 4)
N = a([3, np.nan, 1, 7, np.nan, 2], "f")
C = a([[0, 1, 2], [10, 11, 12]])
Z = a([0, 0, 1, 2, 0, 3, 0], "f")

PARTITIONS = [
    (f"{name} {label}", lambda jnp, name=name, args=args: getattr(jnp, name)(*args))
    for name in ("partition", "argpartition")
    for label, args in {
        "first": (A, 0), "middle": (A, 2), "last": (A, 5), "from the end": (A, -2),
        "axis": (T, 1, 0),
        "last axis": (T, 2), "int8": (A.astype("int8"), 3), "uint8": (A.astype("uint8"), 3),
        "ties": (np.zeros(5, "int32"), 2), "bool": (M, 1), "complex": (A.astype("complex64"), 1),
        "list": ([1, 2], 1), "number": (1.0, 0), "far": (A, 6), "float": (A, 1.0),
        "no axis": (T, 1, 5),
    }.items()
] + [("partition nan", lambda jnp: jnp.partition(N, 2)[:3])]  # fmt: skip

CHOICES = [
    ("choose", lambda jnp: jnp.choose(a([0, 1, 0]), C)),
    ("choose list", lambda jnp: jnp.choose(a([0, 1, 1]), [C[0], a([1.5, 2, 3])])),
    ("choose tuple", lambda jnp: jnp.choose(1, (1.0, 2))),
    ("choose wrap", lambda jnp: jnp.choose(a([0, -1, 5]), C, mode="wrap")),
    ("choose clip", lambda jnp: jnp.choose(a([0, -1, 5]), C, mode="clip")),
    ("choose uint8", lambda jnp: jnp.choose(a([0, 1, 2], "uint8"), C, mode="wrap")),
    ("choose one", lambda jnp: jnp.choose(1, C)),
    ("choose column", lambda jnp: jnp.choose(a([[1], [0]]), C)),
    ("choose broadcast", lambda jnp: jnp.choose(a([0, 1, 1]), C[:, :, None])),
    ("choose far", lambda jnp: jnp.choose(a([0, 1, 2]), C)),
    ("choose float", lambda jnp: jnp.choose(a([0.0, 1]), C)),
    ("choose bool", lambda jnp: jnp.choose(True, (1, 2))),
    ("choose mode", lambda jnp: jnp.choose(a([0, 1, 1]), C, mode="x")),
    ("choose out", lambda jnp: jnp.choose(a([0, 1, 1]), C, np.zeros(3))),
    ("choose nothing", lambda jnp: jnp.choose(0, ())),
    ("choose shapes", lambda jnp: jnp.choose(a([0, 1]), C)),
    *((f"put {label}", lambda jnp, args=args: jnp.put(*args, inplace=False)) for label, args in {
        "": (A, a([0, 2]), a([9, 8])), "one": (A, 1, 7.5), "far": (A, a([1, 9]), 7),
        "clip": (A, a([-1, 9]), 7, "clip"), "wrap": (A, a([-1, 9]), 7, "wrap"),
        "negative": (A, a([-1, -9]), 7), "raise": (A, a([1]), 7, "raise"), "mode": (A, 1, 7, "x"),
        "matrix": (A.reshape(2, 3), a([1, -1]), a([7, 8, 9])), "few": (A, a([0, 1, 2]), a([7, 8])),
        "no values": (A, a([0, 1]), a([])), "nowhere": (A, a([], int), a([7])),
        "int": (np.arange(4), 1, 7.5), "places": (A, a([[0], [1]]), a([4, 5])),
        "float place": (A, a([1.0]), 5), "list": (A, [1], 5),
    }.items()),
    ("put in place", lambda jnp: jnp.put(A, 1, 2)),
    *((f"place {label}", lambda jnp, args=args: jnp.place(*args, inplace=False))
      for label, args in {
        "one": (A, M, 9), "many": (A, M, a([9.0, 8, 7, 6])), "few": (A, M, a([9.0, 8])),
        "none": (A, M, a([])), "sizes": (A, M[:2], 1), "matrix": (A.reshape(2, 3), M, a([1, 2])),
        "ints": (A.astype(int), M, a([1.5, 2])), "truth": (A, M * 3, 1), "list": (A, M, [1]),
    }.items()),
    ("place in place", lambda jnp: jnp.place(A, M, 2)),
]  # fmt: skip

SIZES = [
    ("resize", lambda jnp: [jnp.resize(A, s) for s in ((4, 3), 3, (), 0, (2, 2))]),
    ("resize nothing", lambda jnp: jnp.resize(A[:0], 2)),
    ("resize number", lambda jnp: [jnp.resize(3, 2), jnp.resize(3.0, ())]),
    ("resize matrix", lambda jnp: jnp.resize(T, (5, 5))),
    ("resize negative", lambda jnp: jnp.resize(A, (-1, 2))),
    ("resize list", lambda jnp: jnp.resize([1], 2)),
    ("trim", lambda jnp: [jnp.trim_zeros(Z, t) for t in ("fb", "f", "b", "B", "x", "")]),
    ("trim zeros", lambda jnp: [jnp.trim_zeros(Z * 0, t) for t in ("fb", "f", "b")]),
    ("trim matrix", lambda jnp: [
        jnp.trim_zeros(a([[0, 0, 0], [0, 1, 0]]), axis=i) for i in (None, 0, 1, (0,))
    ]),
    ("trim list", lambda jnp: jnp.trim_zeros([0, 1])),
    ("trim nothing", lambda jnp: jnp.trim_zeros(Z[:0])),
    ("diag_indices_from", lambda jnp: jnp.diag_indices_from(np.zeros((3, 3, 3)))),
    ("diag_indices_from rectangle", lambda jnp: jnp.diag_indices_from(np.zeros((3, 2)))),
    ("diag_indices_from vector", lambda jnp: jnp.diag_indices_from(np.zeros(3))),
    ("tril_indices_from", lambda jnp: [jnp.tril_indices_from(T, k) for k in (0, 1)]),
    ("triu_indices_from", lambda jnp: [jnp.triu_indices_from(T, k) for k in (0, -1)]),
    ("tril_indices_from vector", lambda jnp: jnp.tril_indices_from(np.zeros(3))),
    ("triu_indices_from three", lambda jnp: jnp.triu_indices_from(np.zeros((3, 3, 3)))),
    ("mask_indices", lambda jnp: jnp.mask_indices(3, jnp.triu)),
    ("mask_indices k", lambda jnp: jnp.mask_indices(3, jnp.tril, -1)),
    ("mask_indices size", lambda jnp: jnp.mask_indices(3, jnp.triu, 1, size=5)),
]  # fmt: skip

GRIDS = [
    ("r_ slices", lambda jnp: [jnp.r_[1:4], jnp.r_[:3], jnp.r_[0:1:5j], jnp.r_[0:1:0.25]]),
    ("r_ parts", lambda jnp: jnp.r_[A, 0, 0, A]),
    ("r_ numbers", lambda jnp: [jnp.r_[1, 2], jnp.r_[1.5], jnp.r_[1:4, 9.0, 2]]),
    ("r_ lists", lambda jnp: jnp.r_[[1, 2], [3]]),
    ("r_ directives", lambda jnp: [
        jnp.r_["0,2", A, A], jnp.r_["-1", A, A], jnp.r_["1,2,0", A, A], jnp.r_["0,2,-1", A, A],
        jnp.r_["0,3", A], jnp.r_["1", A[None], A[None]], jnp.r_["r", A], jnp.r_["c", A],
    ]),
    ("r_ wrong", lambda jnp: jnp.r_["x", A]),
    ("r_ nothing", lambda jnp: jnp.r_[()]),
    ("c_", lambda jnp: [jnp.c_[1:4], jnp.c_[A, A], jnp.c_[A, 1:7], jnp.c_[1, 2]]),
    ("c_ rows", lambda jnp: jnp.c_[A[None], 0, 0, A[None]]),
    ("c_ directives", lambda jnp: [jnp.c_["1", A, A], jnp.c_["0,2", A, A]]),
    ("mgrid", lambda jnp: [
        jnp.mgrid[0:3], jnp.mgrid[0:2, 0:3], jnp.mgrid[0:1:3j], jnp.mgrid[0:1:3j, 0:2],
        jnp.mgrid[0:2:0.5, 1:3], jnp.mgrid[:2], jnp.mgrid[()], jnp.mgrid[0:2, 0:2, 0:2],
    ]),
    ("ogrid", lambda jnp: [
        jnp.ogrid[0:3], jnp.ogrid[0:2, 0:3], jnp.ogrid[0:1:3j], jnp.ogrid[0:1:3j, 0:2],
        jnp.ogrid[()],
    ]),
    ("mgrid number", lambda jnp: jnp.mgrid[3]),
    ("s_", lambda jnp: [jnp.s_[1:3, ...], jnp.index_exp[1]]),
]  # fmt: skip


@pytest.mark.thinned(3)
@pytest.mark.parametrize("row", PARTITIONS + CHOICES + SIZES + GRIDS, ids=lambda row: row[0])
def test_as_jax(row):
    agree(row[1])


def test_64_bits():
    with enable_x64(True), jax.enable_x64(True):
        agree(lambda jnp: [jnp.argpartition(T, 2), jnp.partition(T, 2)])
        agree(lambda jnp: [jnp.r_[1:4, 0.5], jnp.mgrid[0:2, 0:3], jnp.mask_indices(3, jnp.triu)])
        agree(lambda jnp: [jnp.choose(a([0, 1, 1]), C), jnp.resize(T, 7)])


def mixed(jnp):
    def f(x):  # [6]
        parts = [
            jnp.partition(x, 2) * jnp.arange(6.0),
            jnp.choose(a([0, 1, 1, 0, 2, 0]), [x, 2 * x, x], mode="clip"),
            jnp.put(x, a([1, 3]), x[:2] ** 2, inplace=False), jnp.resize(x, (3, 4)), jnp.r_[x, x],
            jnp.place(x, M, x[:2] * 3, inplace=False),
        ]  # fmt: skip
        return sum(jnp.sum(jnp.sin(part)) for part in parts)

    return f


def test_through_transformations():
    xs = np.stack([A, A[::-1]]) / 3
    same(vmap(grad(mixed(jnp)))(xs), jax.jit(jax.vmap(jax.grad(mixed(jax.numpy))))(xs), 1e-5)
    same(jit(mixed(jnp))(xs[0]), jax.jit(mixed(jax.numpy))(xs[0]), 1e-5)


def test_errors_name_the_remedy():
    with pytest.raises(ValueError, match="inplace=False"):
        jnp.put(A, 1, 2.0)
    with pytest.raises(TypeError, match="static_argnums"):
        jit(jnp.trim_zeros)(A)
    with pytest.raises(TypeError, match="mode 'raise'"):
        jit(lambda i: jnp.choose(i, [1, 2]))(1)
    with pytest.raises(NotImplementedError, match=r"jnp\.sort"):
        jnp.partition(A.astype(complex), 1)
    with pytest.raises(TypeError, match="each axis is given by a slice"):
        jnp.mgrid[0:2, 3]
