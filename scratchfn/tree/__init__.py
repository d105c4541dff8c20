"""Trees of containers with arrays at the leaves (pytrees), with the names of `jax.tree`.

    leaves, treedef = tree.flatten({"w": w, "b": b})    # [b, w], PyTreeDef({'b': *, 'w': *})
    params = tree.map(lambda p, g: p - 0.1 * g, params, grads)

Parameters, optimizer states and batches are such trees, and every transform flattens them at its
border. The same functions have longer names in `scratchfn.tree_util`, along with the ways to
register a type of your own.

Read next: `keys.py`, `registry.py`, `treedef.py`, `api.py`.
"""

from scratchfn.tree.api import tree_all as all
from scratchfn.tree.api import tree_broadcast as broadcast
from scratchfn.tree.api import tree_flatten as flatten
from scratchfn.tree.api import tree_flatten_with_path as flatten_with_path
from scratchfn.tree.api import tree_leaves as leaves
from scratchfn.tree.api import tree_leaves_with_path as leaves_with_path
from scratchfn.tree.api import tree_map as map
from scratchfn.tree.api import tree_map_with_path as map_with_path
from scratchfn.tree.api import tree_reduce as reduce
from scratchfn.tree.api import tree_reduce_associative as reduce_associative
from scratchfn.tree.api import tree_structure as structure
from scratchfn.tree.api import tree_transpose as transpose
from scratchfn.tree.api import tree_unflatten as unflatten
from scratchfn.tree.register import static

__all__ = [
    "all",
    "broadcast",
    "flatten",
    "flatten_with_path",
    "leaves",
    "leaves_with_path",
    "map",
    "map_with_path",
    "reduce",
    "reduce_associative",
    "static",
    "structure",
    "transpose",
    "unflatten",
]
