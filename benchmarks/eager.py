"""What an eager call costs: one operation, and the gradient of a hundred, beside JAX's.

    JAX_PLATFORMS=cpu python -m benchmarks.eager

Eager execution is how programs are debugged. The goals: `x + y` on two vectors of ten numbers in at
most 2.5 microseconds, and the gradient of a function of a hundred scalar operations in at most a
third of JAX's time.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jax_numpy
import numpy as np

import scratchfn as sf
import scratchfn.numpy as sf_numpy
from benchmarks.markdown import head, line
from benchmarks.timing import interleaved


def hundred_operations(jnp: Any) -> Any:
    """x -> a scalar, through a hundred scalar operations: 33 rounds of three, and one more."""

    def f(x: Any) -> Any:
        for _ in range(33):
            x = jnp.sin(x * 1.01) + x
        return x * x

    return f


def main() -> None:
    a, b = np.ones(10, np.float32), np.full(10, 2.0, np.float32)
    x, y = sf_numpy.asarray(a), sf_numpy.asarray(b)
    p, q = jax_numpy.asarray(a), jax_numpy.asarray(b)
    ours, theirs = hundred_operations(sf_numpy), hundred_operations(jax_numpy)
    our_grad, their_grad = sf.grad(ours), jax.grad(theirs)
    small = {"calls": 200, "bursts": 41}
    large = {"calls": 1, "bursts": 21}
    head("microseconds", "scratchfn", "jax", "ratio")
    cases = [
        ("x + y, 10 numbers", lambda: x + y, lambda: p + q, small),
        ("x * 2.0", lambda: x * 2.0, lambda: p * 2.0, small),
        ("jnp.sin(x)", lambda: sf_numpy.sin(x), lambda: jax_numpy.sin(p), small),
        ("x.sum()", lambda: x.sum(), lambda: p.sum(), small),
        ("x[2:5]", lambda: x[2:5], lambda: p[2:5], small),
        ("x @ y", lambda: x @ y, lambda: p @ q, small),
        ("100 scalar operations", lambda: ours(1.3), lambda: theirs(1.3), large),
        ("grad of 100 scalar operations", lambda: our_grad(1.3), lambda: their_grad(1.3), large),
    ]
    for title, mine, jaxs, options in cases:
        medians = interleaved({"scratchfn": mine, "jax": jaxs}, **options)
        ours_us, jax_us = (1e6 * seconds for seconds in medians.values())
        line(title, ours_us, jax_us, ours_us / jax_us)


if __name__ == "__main__":
    main()
