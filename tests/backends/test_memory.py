"""Generated programs let large arrays go after their last use, and checkpoints then pay off."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable
from typing import Any

import scratchfn as sf
import scratchfn.numpy as jnp
from scratchfn import lax

LARGE = 100_000  # float32 numbers: 0.4 MB


def _peak(f: Any, *args: Any) -> float:
    """The most memory that a call of the jitted `f` needs, its buffers included, in arrays of LARGE
    numbers."""
    f(*args)
    tracemalloc.start()
    f(*args)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    buffers = f.lower(*args).compile().memory_analysis().temp_size_in_bytes
    return (peak + buffers) / (4 * LARGE)


def block(x: Any) -> Any:
    for _ in range(10):
        x = jnp.sin(x) * 1.01
    return x


def test_a_chain_needs_two_arrays_at_a_time() -> None:
    assert _peak(sf.jit(lambda x: block(block(x))), jnp.ones(LARGE)) < 3


def test_what_is_let_go() -> None:
    f = sf.jit(lambda x, y: (lax.lgamma(x) * y, jnp.cos(y)))
    source = f.lower(jnp.ones(LARGE), jnp.ones(LARGE)).as_text()
    released = re.findall(r"del (\w+)", source)
    assert len(released) == 1  # the logarithms, and neither the arguments nor the results
    assert f"{released[0]} = lgamma_kernel(" in source.splitlines()[1]
    assert "del " not in f.lower(jnp.ones(3), jnp.ones(3)).as_text()


def test_results_that_nobody_reads_are_let_go() -> None:
    f = sf.jit(lambda x: jnp.linalg.qr(x)[1].sum())
    assert f.lower(jnp.ones((300, 300))).as_text().count("del ") == 2  # q at once, r after its sum


def test_checkpoints_save_memory_in_compiled_programs() -> None:
    def loss(wrap: Callable[..., Any]) -> Callable[..., Any]:
        def f(x: Any) -> Any:
            for _ in range(8):
                x = wrap(block)(x)
            return x.sum()

        return sf.jit(sf.grad(f))

    x = jnp.ones(LARGE)
    kept = _peak(loss(lambda f: f), x)
    recomputed = _peak(loss(sf.checkpoint), x)
    assert kept > 80  # a cosine for each of the eighty sines
    assert recomputed < 8 + 10 + 4  # the blocks' arguments, the cosines of one block, and a few
