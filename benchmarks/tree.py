"""How the pure-Python pytrees compare with JAX's, which are C++: microseconds and ratios.

    JAX_PLATFORMS=cpu python -m benchmarks.tree

Each tree has 100 leaves. The two libraries take turns, a short burst of calls each, so that a
busy moment of the machine falls on both; the table shows the median of the bursts. The goal for
`flatten` is three times JAX's time, but for trees of tiny containers that are all different: there
a C++ node is a few stores and a Python node is a call, and the bare recursion, keeping nothing,
already takes twice JAX's time.
"""

from __future__ import annotations

import statistics
import time

import jax
import numpy as np

from benchmarks.markdown import head, line
from scratchfn import tree

BURSTS, CALLS = 61, 20
LEAF = np.zeros(3, np.float32)


def layer():
    return {"w": LEAF, "b": LEAF}


def block():
    return {
        "attention": {name: layer() for name in ("query", "key", "value", "out")},
        "mlp": {"up": layer(), "down": layer()},
        "norm1": {"scale": LEAF, "shift": LEAF},
        "norm2": {"scale": LEAF, "shift": LEAF},
    }


def trees():
    """name -> (tree of 100 leaves, whether the goal is set for it)."""
    blocks = {"embed": layer(), "blocks": [block() for _ in range(6)], "head": layer()}
    moments = [{f"layer{i}": layer() for i in range(16)} for _ in range(3)]
    return {
        "list of 100": ([LEAF] * 100, True),
        "dict of 100": ({f"k{i}": LEAF for i in range(100)}, True),
        "dict of 10 dicts of 10": (
            {f"k{i}": {f"j{j}": LEAF for j in range(10)} for i in range(10)},
            True,
        ),
        "list of 50 {w, b}": ([layer() for _ in range(50)], True),
        "20 {w, b} and 60 leaves": ([*[layer() for _ in range(20)], *[LEAF] * 60], True),
        "transformer, 4 levels": (blocks, True),
        "params and two moments": ((*moments, [LEAF] * 4), True),
        "list of 50 (w, b)": ([(LEAF, LEAF) for _ in range(50)], True),
        "list of 50 (x, [y])": ([(LEAF, [LEAF]) for _ in range(50)], True),
        "pairs of pairs of ...": (halves(100), False),
    }


def halves(n):
    return LEAF if n == 1 else (halves(n // 2), halves(n - n // 2))


def burst(call):
    start = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - start) / CALLS * 1e6


def compare(ours, theirs):
    """Medians in microseconds of two calls that take turns."""
    times = [(burst(ours), burst(theirs)) for _ in range(BURSTS)]
    return [statistics.median(column) for column in zip(*times)]


def operations(t):
    """operation -> (our call, JAX's call)."""
    treedef, jax_treedef = tree.structure(t), jax.tree.structure(t)
    leaves = tree.leaves(t)

    def second(x, y):
        return y

    return {
        "flatten": (lambda: tree.flatten(t), lambda: jax.tree.flatten(t)),
        "unflatten": (lambda: treedef.unflatten(leaves), lambda: jax_treedef.unflatten(leaves)),
        "map of 2": (lambda: tree.map(second, t, t), lambda: jax.tree.map(second, t, t)),
        "with_path": (lambda: tree.flatten_with_path(t), lambda: jax.tree.flatten_with_path(t)),
        "hash+eq": (
            lambda: (hash(tree.structure(t)), tree.structure(t) == treedef),
            lambda: (hash(jax.tree.structure(t)), jax.tree.structure(t) == jax_treedef),
        ),
    }


def main():
    first = next(iter(trees().values()))[0]
    names = list(operations(first))
    head("microseconds / jax's = ratio", *names)
    worst = 0.0
    for name, (t, has_goal) in trees().items():
        assert len(tree.leaves(t)) == 100, name
        cells = []
        for operation, (ours, theirs) in operations(t).items():
            mine, other = compare(ours, theirs)
            cells.append(f"{mine:.1f} / {other:.1f} = {mine / other:.2f}")
            if has_goal and operation == "flatten":
                worst = max(worst, mine / other)
        line(name, *cells)
    print(f"\nworst flatten ratio where there is a goal: {worst:.2f} (goal: 3)")


if __name__ == "__main__":
    main()
