"""Random numbers per second: a million at a time, the same numbers as JAX's.

    JAX_PLATFORMS=cpu python -m benchmarks.random_numbers

NumPy's own generator stands beside them for scale. It makes other numbers, one after the other,
by a cipher with a few steps; those of a key are each made on their own, by one with a hundred.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

import scratchfn as sf
from benchmarks.markdown import head, line
from benchmarks.timing import interleaved

COUNT = 1 << 20
RNG = np.random.default_rng(0)
NUMPY: dict[str, Callable[[], np.ndarray]] = {
    "bits": lambda: RNG.integers(0, 1 << 32, COUNT, np.uint32),
    "uniform": lambda: RNG.random(COUNT, np.float32),
    "normal": lambda: RNG.standard_normal(COUNT, np.float32),
    "bernoulli": lambda: RNG.random(COUNT, np.float32) < 0.5,
}


def drawing(lib: Any, name: str) -> Callable[[Any], Any]:
    return lambda key: getattr(lib.random, name)(key, shape=(COUNT,))


def main() -> None:
    key, jax_key = sf.random.key(0), jax.random.key(0)
    head("millions a second", "scratchfn", "run eagerly", "jax", "numpy", "time, to jax")
    for name, by_numpy in NUMPY.items():
        eager, theirs = drawing(sf, name), jax.jit(drawing(jax, name))
        ours = sf.jit(eager)
        if not np.array_equal(ours(key), theirs(jax_key)):
            raise AssertionError(f"random.{name} draws other numbers than JAX's")
        thunks = {
            "scratchfn": lambda ours=ours: ours(key),
            "eager": lambda eager=eager: eager(key),
            "jax": lambda theirs=theirs: theirs(jax_key).block_until_ready(),
            "numpy": by_numpy,
        }
        medians = interleaved(thunks, bursts=15)
        rates = [1e-6 * COUNT / seconds for seconds in medians.values()]
        line(name, *rates, medians["scratchfn"] / medians["jax"])


if __name__ == "__main__":
    main()
