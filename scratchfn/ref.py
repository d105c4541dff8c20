"""Mutable arrays: what JAX has under `jax.ref`. `new_ref` makes one.

Read next: `core/refs.py`.
"""

from scratchfn.core.refs import AbstractRef as AbstractRef
from scratchfn.core.refs import Ref as Ref
from scratchfn.core.refs import addupdate as addupdate
from scratchfn.core.refs import freeze as freeze
from scratchfn.core.refs import get as get
from scratchfn.core.refs import new_ref as new_ref
from scratchfn.core.refs import set as set
from scratchfn.core.refs import swap as swap
