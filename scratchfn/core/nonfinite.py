"""`debug_nans` and `debug_infs`: which operation gave the first nan, for which line of the user's.

Every eager operation's results are looked at. Where a compiled program gives a nan, its equations
are run once more, one by one; from the result that is a nan the search goes back to the equation
that made it from values that were none. What becomes of nans that no result depends on, such as
those that `where` leaves out, is no concern of it.

Read next: `core/eager.py`, which asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scratchfn import errors
from scratchfn.config import config, setting
from scratchfn.core import dtypes
from scratchfn.core.array import Array, to_numpy
from scratchfn.core.jaxpr import Atom, ClosedJaxpr, Eqn, Literal
from scratchfn.core.source import attributed_to, user_source
from scratchfn.core.trace import Primitive


def require_finite(
    prim: Primitive, args: Sequence[Array], outs: Sequence[Array], params: dict[str, Any]
) -> None:
    """Raises FloatingPointError if a result is what the flags in force forbid."""
    bad = next(filter(_flaw, outs), None)
    if bad is None:
        return
    if prim.program is not None:
        _search(params[prim.program], args)
    raise _error(prim, args, bad)


def _error(prim: Primitive, args: Sequence[Array], bad: Array) -> FloatingPointError:
    flaw, numbers = _flaw(bad), to_numpy(bad)
    count = np.count_nonzero(np.isnan(numbers) if flaw == "nan" else np.isinf(numbers))
    source = user_source()
    by_rule = f" by {source.rule}, for the line" if source and source.rule else ""
    why = f"config.debug_{flaw}s is on"
    if any(map(_flaw, args)):
        why += f", and an argument of {prim.name} already had such a number"
    return FloatingPointError(
        errors.explain(
            f"invalid value ({flaw}) encountered in {prim.name}",
            f"{count} of {bad.size} in its result of type {bad.aval}, made{by_rule} at {source}",
            why,
            "arguments for which the operation is defined, as in jnp.log(jnp.where(x > 0, x, 1)); "
            f"or with debug_{flaw}s(False): around what may give {flaw}",
        )
    )


def _flaw(x: Array) -> str:
    """What an array has that the flags forbid: "nan", "inf" or, as most arrays, ""."""
    if x.dtype.names or dtypes.kind(x.dtype) not in "fc":
        return ""
    numbers = to_numpy(x)
    if config.debug_nans and np.isnan(numbers).any():
        return "nan"
    return "inf" if config.debug_infs and np.isinf(numbers).any() else ""


def _search(closed: ClosedJaxpr, args: Sequence[Array]) -> None:
    """Runs a program by its equations, and raises for the one that is to blame for its flaw. It may
    find none: the flaw is an argument's, or is not there if nothing is fused."""
    jaxpr = closed.jaxpr
    values: dict[Atom, Array] = dict(zip(jaxpr.constvars, closed.consts, strict=True))
    values.update(zip(jaxpr.invars, args, strict=True))
    made_by: dict[Atom, Eqn] = {}

    def read(atom: Atom) -> Array:
        return atom.val if type(atom) is Literal else values[atom]

    with setting("debug_nans", False), setting("debug_infs", False):
        for eqn in jaxpr.eqns:
            outs = eqn.primitive.bind(*map(read, eqn.invars), **eqn.params)
            values.update(zip(eqn.outvars, outs if eqn.primitive.many else (outs,), strict=True))
            made_by.update(dict.fromkeys(eqn.outvars, eqn))
    culprit, found = None, next((v for v in jaxpr.outvars if _flaw(read(v))), None)
    while found in made_by:
        culprit = made_by[found]
        found = next((v for v in culprit.invars if _flaw(read(v))), None)
    if culprit is not None:
        with attributed_to(culprit.source):
            inputs, outs = list(map(read, culprit.invars)), list(map(read, culprit.outvars))
            require_finite(culprit.primitive, inputs, outs, culprit.params)
