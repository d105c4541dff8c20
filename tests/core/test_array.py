"""Arrays as Python and NumPy meet them, against JAX's: printed forms, conversions and refusals; and
what of it a traced value has."""

from __future__ import annotations

import copy
import operator
import pickle
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jax_numpy
import numpy as np
import pytest

import scratchfn as sf
import scratchfn.numpy as sf_numpy


def outcome(f: Callable[..., Any], *args: Any) -> Any:
    """What a call gives, as far as two libraries can agree on it; for an error, its class."""
    try:
        x = f(*args)
    except Exception as error:
        return type(error).__name__
    if isinstance(x, (sf.Array, jax.Array)):
        return str(x.dtype), x.shape, x.weak_type, np.asarray(x).tolist()
    if isinstance(x, np.ndarray):
        return str(x.dtype), x.shape, x.tolist()
    return x


ARRAYS: dict[str, Callable[[Any], Any]] = {
    "vector": lambda jnp: jnp.arange(3.0),
    "scalar": lambda jnp: jnp.float32(2.5),
    "weak": lambda jnp: jnp.asarray(1.5),
    "integer": lambda jnp: jnp.int32(3),
    "bools": lambda jnp: jnp.array([True, False]),
    "complex": lambda jnp: jnp.complex64(1 + 2j),
    "bfloat16": lambda jnp: jnp.ones((2, 1), jnp.bfloat16),
    "one": lambda jnp: jnp.ones((1, 1)),
    "empty": lambda jnp: jnp.ones((0, 3)),
    "long": lambda jnp: jnp.arange(2000),
    "one line, nearly": lambda jnp: jnp.arange(4.0) / 128,
    "one line too long": lambda jnp: jnp.arange(5.0) / 1024,
    "lines": lambda jnp: jnp.arange(14).reshape(2, 7) / 64,
}
SIGHTS: dict[str, Callable[[Any], Any]] = {
    "repr": repr,
    "str": str,
    "format": lambda x: f"{x}",
    "format .2f": lambda x: f"{x:.2f}",
    "bool": bool,
    "int": int,
    "float": float,
    "complex": complex,
    "index": operator.index,
    "hash": hash,
    "len": len,
    "list": lambda x: [y.item() for y in x],
    "item": lambda x: x.item(),
    "tolist": lambda x: x.tolist(),
    "nbytes": lambda x: (x.nbytes, x.itemsize),
    "asarray": np.asarray,
    "as float64": lambda x: np.asarray(x, np.float64),
    "copy": lambda x: np.array(x, copy=True),
    "no copy": lambda x: np.array(x, copy=False),
    "no copy, another dtype": lambda x: np.array(x, np.float64, copy=False),
    "copy.copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
}


@pytest.mark.filterwarnings("ignore:Casting complex")
@pytest.mark.parametrize("name", SIGHTS)
@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_in_python(kind: str, name: str) -> None:
    ours, theirs = ARRAYS[kind](sf_numpy), ARRAYS[kind](jax_numpy)
    assert outcome(SIGHTS[name], ours) == outcome(SIGHTS[name], theirs)


NO_ARRAYS: dict[str, Any] = {
    "a date": np.datetime64("2020"),
    "dates": np.array(["2020"], "datetime64[D]"),
    "a long double": np.longdouble(1),
    "objects": np.array([1, "a"], object),
    "a record": np.zeros(2, [("a", np.int32)]),
    "foreign byte order": np.ones(2, ">f4"),
}


@pytest.mark.parametrize("name", NO_ARRAYS)
def test_what_is_no_array(name: str) -> None:
    assert outcome(jax_numpy.asarray, NO_ARRAYS[name]) == "TypeError"
    with pytest.raises(TypeError, match=r"Found: .*\n  Why not: .*\n  Write instead: "):
        sf_numpy.asarray(NO_ARRAYS[name])


def test_numpy_cannot_write_to_an_array():
    x = sf_numpy.arange(3.0)
    view = np.asarray(x)
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 5
    with pytest.raises(ValueError, match="WRITEABLE"):
        view.flags.writeable = True
    assert x.tolist() == [0.0, 1.0, 2.0]


def test_a_key_has_no_truth_value():
    with pytest.raises(TypeError, match="a key is opaque"):
        bool(sf.random.key(0))


TRANSFORMATIONS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "grad": lambda lib, jnp, f: lib.grad(lambda x: (f(x), x * 1)[1])(2.0),
    "jvp": lambda lib, jnp, f: lib.jvp(lambda x: (f(x), x * 1)[1], (2.0,), (1.0,)),
    "vmap": lambda lib, jnp, f: lib.vmap(lambda x: (f(x), x * 1)[1])(jnp.ones(2)),
    "jit": lambda lib, jnp, f: lib.jit(lambda x: (f(x), x * 1)[1])(2.0),
    "grad of a constant": lambda lib, jnp, f: lib.grad(
        lambda x: (f(lib.lax.stop_gradient(x)), x * 1)[1]
    )(jnp.float32(2.0)),
    "grad of an integer": lambda lib, jnp, f: lib.grad(
        lambda x: (f(x.astype(jnp.int32)), x * 1)[1]
    )(2.0),
}
CONVERSIONS = [
    "bool", "int", "float", "complex", "hash", "len", "item", "tolist", "nbytes", "asarray"
]  # fmt: skip


@pytest.mark.parametrize("name", CONVERSIONS)
@pytest.mark.parametrize("transformation", TRANSFORMATIONS)
def test_traced_values_in_python(transformation: str, name: str) -> None:
    """A number that leaves the program takes no derivative along: so only bool, int and item, as
    in JAX, are allowed of a value that is being differentiated."""
    found: list[Any] = []
    for lib, jnp in ((sf, sf_numpy), (jax, jax_numpy)):
        run = TRANSFORMATIONS[transformation]
        run(lib, jnp, lambda x: found.append(outcome(SIGHTS[name], x)))
    assert found[0] == found[1]


def test_a_number_without_its_derivative_is_refused():
    with pytest.raises(sf.errors.ConcretizationTypeError) as caught:
        sf.grad(lambda x: x * float(x))(2.0)
    assert "it is being differentiated" in str(caught.value)
    assert "lax.stop_gradient(x)" in str(caught.value)
    with pytest.raises(sf.errors.TracerArrayConversionError, match="it is being differentiated"):
        sf.grad(lambda x: np.sin(x))(2.0)
