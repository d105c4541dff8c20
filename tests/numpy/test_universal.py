"""jnp.ufunc, frompyfunc and the functions that are ufuncs, against JAX; printing and texts too."""

from __future__ import annotations

import pickle

import jax
import jax.numpy
import numpy as np
import pytest

import scratchfn.numpy as jnp
from scratchfn.transforms.api import grad
from scratchfn.transforms.jit_api import jit
from scratchfn.transforms.vmap_api import vmap
from tests.numpy.agree import agree, same

a = np.array
A = np.arange(1, 7, dtype="f").reshape(2, 3)
V = np.arange(4, dtype="f")
M = A > 2
B = a([[5, 3, 7], [6, 1, 2]])

UFUNCS = [
    "add", "bitwise_and", "bitwise_or", "bitwise_xor", "logaddexp", "logaddexp2", "logical_and",
    "logical_or", "logical_xor", "maximum", "minimum", "multiply", "subtract",
]  # fmt: skip


def of_python(jnp, **options):
    return jnp.frompyfunc(lambda x, y: x * 2 - y, 2, 1, **options)


def methods(name):
    """The calls of each method, of an existing ufunc or of the one from Python's function."""
    x = B if name.startswith("bitwise") else A

    def f(jnp):
        return getattr(jnp, name) if name else of_python(jnp)

    yield "call", lambda jnp: [f(jnp)(x, x[0]), f(jnp)(x[:, :2].T, x[0, :2])]
    yield "reduce", lambda jnp: [f(jnp).reduce(x), f(jnp).reduce(x, 1), f(jnp).reduce(x, axis=None)]
    yield "reduce keepdims", lambda jnp: [f(jnp).reduce(x, i, keepdims=True) for i in (0, -1, None)]
    yield "reduce initial", lambda jnp: f(jnp).reduce(x, initial=x[1, 1])
    yield "reduce where", lambda jnp: f(jnp).reduce(x, where=M)
    yield "reduce where initial", lambda jnp: f(jnp).reduce(x, 1, where=M, initial=x[0, 1])
    if name not in ("maximum", "minimum", "logaddexp", "logaddexp2"):  # JAX fails, or forgets it
        yield "reduce dtype", lambda jnp: f(jnp).reduce(B, dtype=jnp.int32)
    yield "reduce nothing", lambda jnp: f(jnp).reduce(x[:0])
    yield "reduce int8", lambda jnp: f(jnp).reduce(a([100, -100, 100], "int8"))
    yield "reduce number", lambda jnp: f(jnp).reduce(x[0, 0])
    yield "reduce axis", lambda jnp: f(jnp).reduce(x, 3)
    yield "reduce list", lambda jnp: f(jnp).reduce([1, 2])
    yield "accumulate", lambda jnp: [f(jnp).accumulate(x), f(jnp).accumulate(x, -1)]
    yield "accumulate nothing", lambda jnp: f(jnp).accumulate(x[:0])
    yield "at", lambda jnp: f(jnp).at(x[0], a([0, 0, 1]), x[1], inplace=False)
    yield "at pairs", lambda jnp: f(jnp).at(x, (a([0, 0]), a([1, 1])), x[0, 0], inplace=False)
    yield "at in place", lambda jnp: f(jnp).at(x, 1, 1)
    yield "outer", lambda jnp: [f(jnp).outer(x, x[0]), f(jnp).outer(1, 2)]
    if not name.startswith("logical"):  # of which JAX gives floats
        yield "reduceat", lambda jnp: f(jnp).reduceat(x[0], a([0, 2, 1]))
        yield "reduceat axis", lambda jnp: f(jnp).reduceat(x, a([0, 1, 0]), 1)
    yield "reduceat matrix", lambda jnp: f(jnp).reduceat(x, a([[0]]))
    yield "reduceat float", lambda jnp: f(jnp).reduceat(x, a([0.0]))
    yield "numbers", lambda jnp: [f(jnp).nin, f(jnp).nout, f(jnp).nargs, f(jnp).identity]
    yield "too few", lambda jnp: f(jnp)(1)
    yield "where", lambda jnp: f(jnp)(1, 2, where=True)


ROWS = [(f"{name or 'python'} {label}", f) for name in [*UFUNCS, ""] for label, f in methods(name)]
OTHERS = [
    ("negative", lambda jnp: [jnp.negative(V), jnp.negative.at(V, a([0, 0, 1]), inplace=False)]),
    *((f"negative {m}", lambda jnp, m=m: getattr(jnp.negative, m)(V, V))
      for m in ("reduce", "accumulate", "outer", "reduceat")),
    ("identity", lambda jnp: [
        jnp.frompyfunc(lambda x, y: x + y, 2, 1, identity=0).reduce(x, **options)
        for x, options in ((A[:0], {}), (A, {"where": M}))
    ]),
    ("two results", lambda jnp: jnp.frompyfunc(lambda x: (x, x + 1), 1, 2)(V)),
    ("two results reduce", lambda jnp: jnp.frompyfunc(lambda x, y: (x, y), 2, 2).reduce(V)),
    ("one argument at", lambda jnp: jnp.frompyfunc(lambda x: x + 1, 1, 1).at(
        V, a([0, 0]), inplace=False)),
    ("three arguments", lambda jnp: jnp.frompyfunc(lambda x, y, z: x + y * z, 3, 1)(1, V, 2)),
    ("far parts", lambda jnp: jnp.add.reduceat(V, a([0, 9]))),
    ("parts from the end", lambda jnp: jnp.add.reduceat(V, a([-1, 2]))),
    ("accumulate int8", lambda jnp: jnp.add.accumulate(a([100, 100], "int8"))),
    ("accumulate all", lambda jnp: [jnp.add.accumulate(A, None), jnp.multiply.accumulate(A, None)]),
    ("subtract accumulate all", lambda jnp: jnp.subtract.accumulate(A, None)),
    ("subtract axes", lambda jnp: jnp.subtract.reduce(A, (0, 1))),
    ("bits of floats", lambda jnp: jnp.bitwise_or.reduce(A)),
    ("a fraction", lambda jnp: jnp.frompyfunc(lambda x: x, 1.5, 1)),
    ("fromstring", lambda jnp: [
        jnp.fromstring("1 2 3", sep=" "), jnp.fromstring("1,2,3", int, 2, sep=",")
    ]),
    ("fromfile", lambda jnp: jnp.fromfile("a file")),
    ("fromiter", lambda jnp: jnp.fromiter(range(3), int)),
    ("iterable", lambda jnp: [jnp.iterable([1]), jnp.iterable(1)]),
    ("printed", lambda jnp: jnp.array_str(jnp.arange(3.0), precision=2)),
]  # fmt: skip


@pytest.mark.thinned(5)
@pytest.mark.parametrize("row", ROWS + OTHERS, ids=lambda row: row[0])
def test_as_jax(row):
    agree(row[1])


def mixed(jnp):
    def f(x):  # [3]
        python = of_python(jnp)
        parts = [
            python.reduce(x), python.accumulate(x), python.outer(x, x), jnp.multiply.reduce(x),
            python.at(x, a([0, 0, 2]), x, inplace=False), jnp.logaddexp.reduce(x),
            python.reduceat(x, a([0, 1])), jnp.add.at(x, a([0, 0]), 2.0, inplace=False),
        ]  # fmt: skip
        return sum(jnp.sum(jnp.sin(part)) for part in parts)

    return f


def test_through_transformations():
    same(vmap(grad(mixed(jnp)))(A), jax.jit(jax.vmap(jax.grad(mixed(jax.numpy))))(A), 1e-5)
    same(jit(mixed(jnp))(A[0]), jax.jit(mixed(jax.numpy))(A[0]), 1e-5)
    same(jit(vmap(jnp.add))(A, A), jax.jit(jax.vmap(jax.numpy.add))(A, A))


def test_they_are_objects_of_one_class():
    for name in UFUNCS:
        f = getattr(jnp, name)
        assert isinstance(f, jnp.ufunc) and f.__name__ == name
        assert repr(f) == repr(getattr(jax.numpy, name))
        assert type(f.identity) is type(getattr(jax.numpy, name).identity)
    assert pickle.loads(pickle.dumps(jnp.add)) is jnp.add


def test_a_row_is_added_at_each_place():
    """As by NumPy; in JAX the second argument has the shape of the places."""
    f = of_python(jnp)
    assert f.at(A, a([1, 1]), A[0], inplace=False).tolist() == [[1, 2, 3], [13, 14, 15]]


def test_the_dtype_asked_for():
    assert jnp.logaddexp.reduce(B, dtype=int).dtype == "int32"
    assert jnp.maximum.reduce(A, dtype=int).tolist() == [4, 5, 6]
    assert jnp.logical_and.reduceat(A, a([0, 1]), 1).dtype == bool


def test_a_part_has_the_dtype_asked_for():
    assert jnp.add.reduceat(V, a([0, 2]), dtype=int).dtype == "int32"  # JAX forgets it


def test_errors_name_the_remedy():
    with pytest.raises(NotImplementedError, match=r"x = jnp\.add\.at\(x, i, y, inplace=False\)"):
        jnp.add.at(V, 0, 1.0)
    with pytest.raises(ValueError, match=r"initial=\.\.\."):
        jnp.subtract.reduce(A, where=M)
    with pytest.raises(ValueError, match=r"jnp\.frompyfunc\(f, 2, 1\)"):
        jnp.negative.reduce(V)
