"""Optimizers: pairs (init, update) of pure functions, each with its maths in one file.

Read next: `optim/base.py`.
"""

from scratchfn.optim.adam import AdamState as AdamState
from scratchfn.optim.adam import adam as adam
from scratchfn.optim.base import Optimizer as Optimizer
from scratchfn.optim.base import apply_updates as apply_updates
from scratchfn.optim.sgd import SgdState as SgdState
from scratchfn.optim.sgd import sgd as sgd
