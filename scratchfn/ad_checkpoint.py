"""Checkpointing with the names of `jax.ad_checkpoint`.

Read next: `transforms/checkpoint.py`.
"""

from scratchfn.transforms import checkpoint_policies as checkpoint_policies
from scratchfn.transforms.checkpoint import checkpoint, checkpoint_name, remat
from scratchfn.transforms.checkpoint_policies import Offloadable, Recompute, Saveable
from scratchfn.transforms.saved_residuals import print_saved_residuals

__all__ = [
    "Offloadable",
    "Recompute",
    "Saveable",
    "checkpoint",
    "checkpoint_name",
    "checkpoint_policies",
    "print_saved_residuals",
    "remat",
]
