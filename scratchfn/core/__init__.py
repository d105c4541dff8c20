"""What a value, a trace and a program are. Read first: `trace.py`, then `eager.py`, `stage.py`.

The names below are those that programs written for JAX take from `jax.core`.
"""

from scratchfn.core.avals import ShapedArray as ShapedArray
from scratchfn.core.jaxpr import Atom as Atom
from scratchfn.core.jaxpr import eval_jaxpr as eval_jaxpr
from scratchfn.core.trace import Trace as Trace
from scratchfn.core.trace import Tracer as Tracer
from scratchfn.core.trace import Value as Value

AbstractValue = ShapedArray  # the one kind of them there is
