"""Matrices that a loop multiplies by at each step, laid out as BLAS reads them fastest.

A product of few rows takes half as long again where the matrix is read transposed. In a loop that
is paid at each step; a copy, transposed once ahead of it, is paid once.

Read next: `loops.py`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from scratchfn.core.jaxpr import Atom, ClosedJaxpr, Eqn, Jaxpr, Var

FEW = 256  # rows of a product for which the layout matters: many pay for it themselves


def transposed_ahead(step: ClosedJaxpr, num_consts: int) -> tuple[ClosedJaxpr, list[Var]]:
    """A loop's body with products by transposed matrices made products by matrices, and those of
    its first `num_consts` arguments that it takes transposed."""
    jaxpr = step.jaxpr
    consts = set(jaxpr.invars[:num_consts])
    products = [eqn for eqn in jaxpr.eqns if _is_by_transposed(eqn, consts)]
    matrices = {eqn.invars[1] for eqn in products}
    readers = [eqn for eqn in jaxpr.eqns if not matrices.isdisjoint(eqn.invars)]
    matrices -= {v for eqn in readers if eqn not in products for v in eqn.invars}
    env = {v: Var(v.aval.update(shape=v.aval.shape[::-1])) for v in matrices if type(v) is Var}
    eqns = [_by_rows(e, env) if e in products and e.invars[1] in env else e for e in jaxpr.eqns]
    invars = [env.get(v, v) for v in jaxpr.invars]
    changed = ClosedJaxpr(Jaxpr(jaxpr.constvars, invars, jaxpr.outvars, eqns), step.consts)
    return changed, list(env.values())


def multiplied_by(eqns: Sequence[Eqn]) -> set[Atom]:
    """The matrices on the right of products."""
    products = [eqn for eqn in eqns if eqn.primitive.name == "dot_general"]
    return {eqn.invars[1] for eqn in products if eqn.invars[1].aval.ndim == 2}


def _is_by_transposed(eqn: Eqn, consts: Collection[Var]) -> bool:
    """Is it a product of a few rows by a matrix whose rows are contracted?"""
    if eqn.primitive.name != "dot_general" or eqn.invars[1] not in consts:
        return False
    (lhs_contract, rhs_contract), (lhs_batch, _) = eqn.params["dimension_numbers"]
    lhs, rhs = (v.aval for v in eqn.invars)
    if rhs.ndim != 2 or lhs_batch or rhs_contract != (1,) or rhs.dtype.kind != "f":
        return False
    rows = lhs.size // max(math.prod(lhs.shape[axis] for axis in lhs_contract), 1)
    return 2 < rows <= FEW


def _by_rows(eqn: Eqn, env: dict[Var, Var]) -> Eqn:
    lhs, rhs = eqn.invars
    assert type(rhs) is Var
    (lhs_contract, _), batch = eqn.params["dimension_numbers"]
    params = eqn.params | {"dimension_numbers": ((lhs_contract, (0,)), batch)}
    return eqn.replace(invars=[lhs, env[rhs]], params=params)
