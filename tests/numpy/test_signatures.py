"""Every public function takes what JAX's of that name takes: parameters, their kinds and defaults.

What a caller cannot see is not compared: the names of positional-only parameters and of *args and
**kwargs, parameters that begin with an underscore, and which object stands for "not given".
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy
import numpy as np
import pytest

import scratchfn.numpy as jnp
from scratchfn import jit, nn, random

DISTRIBUTIONS = [
    f"scipy.stats.{name}"
    for name, value in vars(importlib.import_module("jax.scipy.stats")).items()
    if inspect.ismodule(value)
]
SPACES = [
    "numpy", "numpy.fft", "numpy.linalg", "lax", "lax.linalg", "nn", "nn.initializers", "random",
    "tree", "tree_util", "image", "scipy.cluster.vq", "scipy.fft", "scipy.integrate",
    "scipy.interpolate", "scipy.linalg", "scipy.ndimage", "scipy.optimize", "scipy.signal",
    "scipy.spatial.transform", "scipy.special", "scipy.stats", *DISTRIBUTIONS,
]  # fmt: skip

# name -> why it takes something else
ALLOWED = {
    "lax.random_gamma_grad": "JAX's shows *args, and takes two",
    "numpy.array": "JAX's still takes `copy` by position, and warns that it will not",
    "numpy.set_printoptions": "it is NumPy's own, which shows what it takes",
    "tree_util.Partial": "functools.partial has no parameter that can be called `func`",
}
METHODS = {
    "argsort": "it takes jnp.argsort's dtype, too",
    "copy": "it takes jnp.copy's order, too",
    "dot": "it takes jnp.dot's out_sharding, too",
    "nonzero": "the order of keywords is jnp.nonzero's",
    "std": "it takes jnp.std's mean, too",
    "var": "it takes jnp.var's mean, too",
}
# no function but a type, which has no signature
TYPES = {"ConvGeneralDilatedDimensionNumbers", "Initializer", "PrecisionLike"}


def shown(function: Any) -> list[tuple[str, str, str]]:
    """(name, kind, default) of each parameter, where callers can see them."""
    found = []
    for p in inspect.signature(function).parameters.values():
        hidden = p.kind in (p.POSITIONAL_ONLY, p.VAR_POSITIONAL, p.VAR_KEYWORD)
        if not p.name.startswith("_"):
            found.append(("" if hidden else p.name, p.kind.name, default(p.default)))
    return found


def default(value: Any) -> str:
    """A default as text, equal for equal numbers and for JAX's enums and ours."""
    if value is inspect.Parameter.empty:
        return ""
    if isinstance(
        value, (bool, str, int, float, complex, tuple, frozenset, type(None), np.generic)
    ):
        return repr(value.item() if isinstance(value, np.generic) else value)
    return getattr(value, "__name__", type(value).__name__ if hasattr(value, "name") else "...")


def pairs() -> Iterator[tuple[str, Any, Any]]:
    """(name, JAX's function, ours) of every function that both have."""
    for space in SPACES:
        theirs = importlib.import_module(f"jax.{space}")
        ours = importlib.import_module(f"scratchfn.{space}")
        for name in sorted(getattr(theirs, "__all__", dir(theirs))):
            x, y = getattr(theirs, name), getattr(ours, name, None)
            public = not name.startswith("_") and name not in TYPES and not inspect.ismodule(x)
            if public and y is not None and callable(x) and has_signature(x):
                yield f"{space}.{name}", x, y


def has_signature(function: Any) -> bool:
    try:
        inspect.signature(function)
    except (TypeError, ValueError):  # exceptions and scalar classes have none
        return False
    return not (inspect.isclass(function) and issubclass(function, Exception))


PAIRS = list(pairs())


@pytest.mark.parametrize("space", SPACES)
def test_signatures(space: str) -> None:
    wrong = {}
    for name, theirs, ours in PAIRS:
        if name.rpartition(".")[0] == space and name not in ALLOWED:
            want, got = shown(theirs), shown(ours)
            if got != want:
                wrong[name] = {"jax": want, "ours": got}
    assert not wrong


def test_allowed_differences_still_differ() -> None:
    found = {name: (shown(theirs), shown(ours)) for name, theirs, ours in PAIRS}
    assert [name for name in ALLOWED if found[name][0] == found[name][1]] == []


def test_methods_of_arrays() -> None:
    theirs, ours = jax.numpy.ones((3, 3)), jnp.ones((3, 3))
    names = [name for name in dir(theirs) if not name.startswith("_") and hasattr(ours, name)]
    wrong = {}
    for name in names:
        method = getattr(theirs, name)
        if callable(method) and has_signature(method) and name not in METHODS:
            want, got = shown(method), shown(getattr(ours, name))
            if got != want:
                wrong[name] = {"jax": want, "ours": got}
    assert not wrong


def test_what_results_are_spread_over_is_accepted() -> None:
    """`out_sharding`, which means nothing to NumPy but where the result is to be."""
    for made in (
        jnp.zeros(3, out_sharding="numpy"),
        jnp.reshape(np.ones(3), (3,), out_sharding="numpy"),
        random.normal(random.key(0), (3,), out_sharding="numpy"),
        nn.initializers.normal()(random.key(0), (3,), None, "numpy"),
    ):
        assert made.shape == (3,)
    with pytest.raises(ValueError, match="device_put"):
        jnp.ones(3, out_sharding="everywhere")


def test_places_that_are_all_different() -> None:
    """jnp.delete with `assume_unique_indices` needs not know them."""
    x, places = np.arange(6.0, dtype="f"), np.array([4, -6, 1])
    ours = jit(lambda i: jnp.delete(x, i, assume_unique_indices=True))(places)
    theirs = jax.jit(lambda i: jax.numpy.delete(x, i, assume_unique_indices=True))(places)
    np.testing.assert_array_equal(ours, theirs)
