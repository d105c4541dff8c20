"""The promotion lattice: which dtype two dtypes meet in. Pure graph, no numpy.

A node is a dtype's name or one of the weak nodes `i*`, `f*`, `c*`, which stand for a Python int,
float or complex, or any weakly typed array. Arrows lead to the types a value may be promoted to:

                 uint8 -> uint16 -> uint32 -> uint64
               /       \\        \\         \\         \\
    bool -> i* - int8 -> int16 -> int32 -> int64 ---- f* - float16 --- float32 -> float64
               \\                                     / | \\           /        \\         \\
                 int1 int2 int4                     /  |   bfloat16            \\         \\
                 uint1 uint2 uint4      float8_*, ..   c* ----------------- complex64 -> complex128

The common type of some nodes is their least upper bound: the first node that all of them reach and
from which all others that they reach can be reached. Weak nodes sit below every strong type of
their kind, which is why `float16 array * 2.0` stays float16. Narrow types (int4, float8 and the
like) lead nowhere: mixing them with another strong type needs a cast in the user's own words.

With 32-bit types only, uint32 meets int32 in int32, so that no 64-bit type arises from narrower
ones. In strict mode only the weak nodes have arrows.

Read next: `core/dtypes.py`, which speaks numpy dtypes and adds weakness.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from scratchfn.errors import TypePromotionError, explain

NARROW_INTS = ("int1", "int2", "int4", "uint1", "uint2", "uint4")
NARROW_FLOATS = (
    "float4_e2m1fn",
    "float6_e2m3fn",
    "float6_e3m2fn",
    "float8_e3m4",
    "float8_e4m3",
    "float8_e4m3b11fnuz",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
)
INTS = (*NARROW_INTS, "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
FLOATS = (*NARROW_FLOATS, "bfloat16", "float16", "float32", "float64")
COMPLEXES = ("complex64", "complex128")
WEAK = {"i": "i*", "u": "i*", "f": "f*", "c": "c*"}  # kind -> weak node
WEAK_WORDS = {"i*": "a Python int", "f*": "a Python float", "c*": "a Python complex"}

STANDARD_CHAINS = (
    "bool i* int8 int16 int32 int64 f*",
    "i* uint8 uint16 uint32 uint64 f*",
    "uint8 int16",
    "uint16 int32",
    *(f"i* {name}" for name in NARROW_INTS),
    "f* float16 float32 float64 complex128",
    "f* bfloat16 float32 complex64",
    *(f"f* {name}" for name in NARROW_FLOATS),
    "f* c* complex64 complex128",
)
CHAINS = {
    ("standard", True): (*STANDARD_CHAINS, "uint32 int64"),
    ("standard", False): (*STANDARD_CHAINS, "uint32 int32"),
}
CHAINS["strict", True] = CHAINS["strict", False] = (
    "bool",
    "i* f* c*",
    *(f"i* {name}" for name in INTS),
    *(f"f* {name}" for name in FLOATS),
    *(f"c* {name}" for name in COMPLEXES),
)


def _reachable(chains: Iterable[str]) -> dict[str, frozenset[str]]:
    """For each node the set of nodes it reaches, itself included."""
    arrows: dict[str, set[str]] = {}
    for chain in chains:
        nodes = chain.split()
        for node, above in zip(nodes, [*nodes[1:], nodes[-1]], strict=True):
            arrows.setdefault(node, {node}).add(above)
    while True:
        wider = {node: set().union(*(arrows[n] for n in above)) for node, above in arrows.items()}
        if wider == arrows:
            return {node: frozenset(above) for node, above in arrows.items()}
        arrows = wider


_REACHABLE = {setting: _reachable(chains) for setting, chains in CHAINS.items()}


def join(nodes: Collection[str], mode: str, x64: bool) -> str:
    """The least upper bound of the nodes; TypePromotionError where they have none."""
    reachable = _REACHABLE[mode, x64]
    common = frozenset.intersection(*(reachable.get(node, frozenset()) for node in nodes))
    for node in common:
        if common <= reachable[node]:
            return node
    why = "strict promotion is on" if mode == "strict" else "no dtype holds the values of both"
    raise TypePromotionError(
        explain(
            "The common dtype of the operands",
            " and ".join(WEAK_WORDS.get(node, node) for node in nodes),
            f"{why}, so neither is converted unasked",
            "x.astype('float32'), or another dtype of your choice, on the operands that differ",
        )
    )
