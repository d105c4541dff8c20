"""What it costs to call a jitted function that does next to nothing, beside JAX's.

    JAX_PLATFORMS=cpu python -m benchmarks.calls

The goals: a function of one number in under 3 microseconds, one of a hundred arrays in under 25. A
number of Python's may change from call to call, and nothing is traced again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jax_numpy
import numpy as np

import scratchfn as sf
import scratchfn.numpy as sf_numpy
from benchmarks.markdown import head, line
from benchmarks.timing import interleaved

Case = tuple[str, Callable[[Any], Any], Any]  # a function to be jitted, and its NumPy argument


def cases() -> Iterator[Case]:
    yield "one number, an array", lambda x: x + 1.0, np.float32(2)
    yield "{w, b} to {w, b}", lambda d: {"w": d["w"] * 2.0, "b": d["b"]}, leaves("wb")
    for count in (10, 100):
        tree = leaves(f"k{i}" for i in range(count))
        yield f"{count} arrays to one", lambda d: d["k0"] + 1.0, tree
        yield f"{count} arrays, returned", lambda d: d, tree
        yield f"{count} arrays, + 1.0 to each", lambda d: {k: v + 1.0 for k, v in d.items()}, tree


def leaves(names: Any) -> dict[str, np.ndarray]:
    return {name: np.ones(3, np.float32) for name in names}


def changing(jitted: Callable[[float], Any]) -> Callable[[], Any]:
    """A call with another number each time."""
    numbers = itertools.cycle([1.5, 2.5, 3.5])
    return lambda: jitted(next(numbers))


def main() -> None:
    head("a call of a jitted function, microseconds", "scratchfn", "jax", "ratio")
    thunks: dict[str, dict[str, Callable[[], Any]]] = {}
    for title, f, arguments in cases():
        thunks[title] = {}
        for name, lib, asarray in (
            ("scratchfn", sf, sf_numpy.asarray),
            ("jax", jax, jax_numpy.asarray),
        ):
            jitted, given = lib.jit(f), lib.tree.map(asarray, arguments)
            thunks[title][name] = lambda jitted=jitted, given=given: jitted(given)
    plus, jax_plus = sf.jit(lambda x: x + 1.0), jax.jit(lambda x: x + 1.0)
    thunks["one number, Python's, another each time"] = {
        "scratchfn": changing(plus), "jax": changing(jax_plus)
    }  # fmt: skip
    power, jax_power = (lib.jit(lambda x, n: x * n, static_argnums=1) for lib in (sf, jax))
    x, y = sf_numpy.ones(3), jax_numpy.ones(3)
    thunks["one array, and a static 3"] = {
        "scratchfn": lambda: power(x, 3), "jax": lambda: jax_power(y, 3)
    }  # fmt: skip
    for title, both in thunks.items():
        medians = interleaved(both, bursts=41, calls=100)
        ours, theirs = (1e6 * seconds for seconds in medians.values())
        line(title, ours, theirs, ours / theirs)
    if plus.cache_info().misses > 1:
        raise AssertionError("a Python number that changed was traced again")


if __name__ == "__main__":
    main()
