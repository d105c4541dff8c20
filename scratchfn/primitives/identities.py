"""Operations that compute nothing: `name`, a mark that checkpoint policies go by, and
`optimization_barrier`, which keeps a compiler from moving or merging what stands around it.

Read next: `transforms/checkpoint.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scratchfn.backends.jax import library
from scratchfn.core.tangents import Zero
from scratchfn.core.template import expression
from scratchfn.core.trace import Primitive
from scratchfn.primitives.base import instantiate

name_p = Primitive(
    "name",
    weak=True,
    **expression("{0}"),
    jax=lambda lax, x, *, name: library().ad_checkpoint.checkpoint_name(x, name),
    aval=lambda x, *, name: x,
    jvp=lambda primals, tangents, *, name: (name_p.bind(*primals, name=name), tangents[0]),
    transpose=lambda ct, x, *, name: [ct],
    batch=lambda size, args, dims, *, name: (name_p.bind(*args, name=name), dims[0]),
)


def _barrier_jvp(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    dots = [t for t in tangents if type(t) is not Zero]
    given = iter(optimization_barrier_p.bind(*dots))
    outs = optimization_barrier_p.bind(*primals)
    return outs, [t if type(t) is Zero else next(given) for t in tangents]


optimization_barrier_p = Primitive(
    "optimization_barrier",
    many=True,
    impl=lambda *buffers: list(buffers),
    source=lambda names, *_: "(" + "".join(f"{name}, " for name in names) + ")",
    aval=lambda *avals: list(avals),
    jvp=_barrier_jvp,
    transpose=lambda cts, *_: optimization_barrier_p.bind(*map(instantiate, cts)),
    batch=lambda size, args, dims: (optimization_barrier_p.bind(*args), dims),
)
