"""Batching of the user's own, with the names of `jax.custom_batching`.

Read next: `transforms/custom_vmap.py`.
"""

from scratchfn.transforms.custom_vmap import custom_vmap, sequential_vmap

__all__ = ["custom_vmap", "sequential_vmap"]
