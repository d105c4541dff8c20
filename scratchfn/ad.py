"""Where the gradients go that a function of `vjp` finds: what JAX has under `jax.ad`.

Read next: `transforms/pull_back.py`.
"""

from scratchfn.transforms.pull_back import DidntWant as DidntWant
from scratchfn.transforms.pull_back import DontWant as DontWant
from scratchfn.transforms.pull_back import GradRef as GradRef
from scratchfn.transforms.pull_back import GradValue as GradValue
