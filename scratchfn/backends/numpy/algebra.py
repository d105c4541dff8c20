"""Algebra on programs: an equation that computes what is already there goes away, one that has a
cheaper form takes it. Only what is exact is done: results stay the same to the bit, nan, inf and
signed zeros included.

A rule is a function of an equation and of what is `known` so far. It returns the atom that is the
result, or a simpler equation, or several of which the last has the result, or None where it has
nothing to say. The rules of a primitive are tried in turn until none has.

Read next: `known.py` and `pads.py`, then `simplify.py`, which calls this.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchfn.backends.numpy.known import Known, Rule, derived, is_number, maker, splat
from scratchfn.backends.numpy.pads import sum_of_pads
from scratchfn.core.array import Array, to_numpy
from scratchfn.core.avals import ShapedArray
from scratchfn.core.jaxpr import Atom, Eqn, Jaxpr, Literal, Var, effects_of
from scratchfn.core.quiet import quietly


def rewrite(jaxpr: Jaxpr) -> Jaxpr:
    """The same program, its equations replaced by what the rules find."""
    env: dict[Var, Atom] = {}
    known: Known = {}
    todo = jaxpr.eqns[::-1]
    eqns: list[Eqn] = []
    while todo:
        eqn = todo.pop()
        if not env.keys().isdisjoint(eqn.invars):
            eqn = eqn.replace(invars=[_read(v, env) for v in eqn.invars])
        found = None if len(eqn.outvars) != 1 or effects_of(eqn) else _simpler(eqn, known)
        if found is None:
            eqns.append(eqn)
            known.update(dict.fromkeys(eqn.outvars, eqn))
        elif isinstance(found, (Eqn, list)):  # for which there may be rules again
            todo += [found] if isinstance(found, Eqn) else found[::-1]
        else:
            env[eqn.outvars[0]] = found
    return jaxpr.replace(outvars=[_read(v, env) for v in jaxpr.outvars], eqns=eqns)


def _read(v: Atom, env: dict[Var, Atom]) -> Atom:
    return env.get(v, v) if type(v) is Var else v


def _simpler(eqn: Eqn, known: Known) -> Atom | Eqn | list[Eqn] | None:
    """What the first rule finds; an atom only if it is of the result's type."""
    for rule in (_of_constants, *_RULES.get(eqn.primitive.name, ())):
        found = rule(eqn, known)
        if isinstance(found, (Var, Literal)) and _type(found.aval) != _type(eqn.outvars[0].aval):
            continue
        if found is not None:
            return found
    return None


def _type(aval: ShapedArray) -> tuple[Any, Any]:
    return aval.shape, aval.dtype


# -- the rules


def _of_constants(eqn: Eqn, known: Known) -> Atom | None:
    """Numbers computed from numbers are numbers."""
    out = eqn.outvars[0].aval
    literals = [v for v in eqn.invars if isinstance(v, Literal)]
    if out.shape or not literals or len(literals) < len(eqn.invars):
        return None
    if out.dtype.names or eqn.primitive.program or not hasattr(eqn.primitive, "impl"):
        return None
    buffers = [to_numpy(v.val) for v in literals]
    value = quietly(eqn.primitive.impl, *buffers, **eqn.params)
    value = value[0] if eqn.primitive.many else value
    return Literal(Array(np.asarray(value, out.dtype), out.weak_type))


def _same(eqn: Eqn, known: Known) -> Atom:
    """An operation that changes nothing, if the type stays."""
    return eqn.invars[0]


def _nothing(index: int, number: float) -> Rule:
    """Operand `index` is a number that changes nothing."""
    return lambda eqn, known: (
        eqn.invars[1 - index] if is_number(eqn.invars[index], known, number) else None
    )


def _divided_by_power_of_two(eqn: Eqn, known: Known) -> Eqn | None:
    """x / 2^n is x * 2^-n, exactly, and sooner."""
    value = splat(eqn.invars[1], known)
    if value is None or value.dtype.kind != "f" or value.dtype.itemsize < 4:
        return None
    mantissa, exponent = math.frexp(value)
    if abs(mantissa) != 0.5 or abs(exponent) > 100:
        return None
    inverse = Literal(Array(np.asarray(1 / value, value.dtype), False))
    return derived(eqn, "mul", [eqn.invars[0], inverse])


def _twice(name: str) -> Rule:
    """f(f(x)) is x."""

    def rule(eqn: Eqn, known: Known) -> Atom | None:
        inner = maker(eqn.invars[0], known, name)
        return inner.invars[0] if inner is not None else None

    return rule


def _reshaped_splat(eqn: Eqn, known: Known) -> Eqn | None:
    """What is the same everywhere is so in any shape."""
    spread = maker(eqn.invars[0], known, "broadcast_in_dim")
    if spread is None or spread.invars[0].aval.shape:
        return None
    shape = eqn.outvars[0].aval.shape
    return derived(eqn, "broadcast_in_dim", spread.invars, **spread.params | {"shape": shape})


def _reshaped_again(eqn: Eqn, known: Known) -> Eqn | None:
    """Only the last of two reshapes counts."""
    inner = maker(eqn.invars[0], known, "reshape")
    return as_reshape(eqn, inner.invars[0]) if inner is not None else None


def _as_reshape(eqn: Eqn, known: Known) -> Eqn | None:
    """Axes of one element that come or go."""
    x, out = eqn.invars[0].aval, eqn.outvars[0].aval
    return as_reshape(eqn, eqn.invars[0]) if x.size == out.size else None


def as_reshape(eqn: Eqn, x: Atom) -> Eqn:
    """The result of `eqn` as a reshape of x."""
    shape = eqn.outvars[0].aval.shape
    return derived(eqn, "reshape", [x], new_sizes=shape, dimensions=None, sharding=None)


def _transposed_again(eqn: Eqn, known: Known) -> Eqn | None:
    inner = maker(eqn.invars[0], known, "transpose")
    if inner is None:
        return None
    first = inner.params["permutation"]
    both = tuple(first[i] for i in eqn.params["permutation"])
    return derived(eqn, "transpose", [inner.invars[0]], permutation=both)


def _transpose_of_nothing(eqn: Eqn, known: Known) -> Atom | Eqn | None:
    """Axes of one element may move without anything moving."""
    shape = eqn.invars[0].aval.shape
    order = [i for i in eqn.params["permutation"] if shape[i] != 1]
    if order != sorted(order):
        return None
    return eqn.invars[0] if eqn.outvars[0].aval.shape == shape else as_reshape(eqn, eqn.invars[0])


def _reduced_over_ones(eqn: Eqn, known: Known) -> Eqn | None:
    """The sum of one number is that number."""
    x = eqn.invars[0]
    ones = all(x.aval.shape[i] == 1 for i in eqn.params["axes"])
    return as_reshape(eqn, x) if ones else None


def _product_transposed(eqn: Eqn, known: Known) -> Eqn | None:
    """(A B)^T is B^T A^T: the product comes out in the order that is wanted."""
    x = eqn.invars[0]
    dot = maker(x, known, "dot_general")
    if dot is None:
        return None
    (lhs_contract, rhs_contract), (lhs_batch, rhs_batch) = dot.params["dimension_numbers"]
    lhs, rhs = dot.invars
    batch = len(lhs_batch)
    lhs_free = lhs.aval.ndim - len(lhs_contract) - batch
    rhs_free = rhs.aval.ndim - len(rhs_contract) - batch
    left, right = (
        range(batch, batch + lhs_free),
        range(batch + lhs_free, batch + lhs_free + rhs_free),
    )
    if eqn.params["permutation"] != (*range(batch), *right, *left):
        return None
    numbers = ((rhs_contract, lhs_contract), (rhs_batch, lhs_batch))
    return derived(eqn, "dot_general", [rhs, lhs], **dot.params | {"dimension_numbers": numbers})


def _product_of_transposed(eqn: Eqn, known: Known) -> Eqn | None:
    """An operand that was transposed is contracted along another axis, where that does not put the
    axes of the result into another order."""
    contract, batch = eqn.params["dimension_numbers"]
    for i, v in enumerate(eqn.invars):
        moved = maker(v, known, "transpose")
        if moved is None or v.aval.ndim - len(contract[i]) - len(batch[i]) > 1:
            continue
        order = moved.params["permutation"]
        numbers = [
            tuple(tuple(order[a] for a in axes) if j == i else axes for j, axes in enumerate(pair))
            for pair in (contract, batch)
        ]
        invars = [*eqn.invars[:i], moved.invars[0], *eqn.invars[i + 1 :]]
        params = eqn.params | {"dimension_numbers": tuple(numbers)}
        return eqn.replace(invars=invars, params=params)
    return None


def _small_power(eqn: Eqn, known: Known) -> Atom | Eqn | None:
    y = eqn.params["y"]
    if y == 1:
        return eqn.invars[0]
    return derived(eqn, "square", eqn.invars) if y == 2 else None


def _spread_in_place(eqn: Eqn, known: Known) -> list[Eqn] | None:
    """What is broadcast gets axes of one element first, so that an elementwise operation can take
    it from there."""
    x, out = eqn.invars[0], eqn.outvars[0].aval
    dims = eqn.params["broadcast_dimensions"]
    if not dims or len(eqn.invars) > 1 or dims == tuple(range(out.ndim - len(dims), out.ndim)):
        return None
    shape = [1] * out.ndim
    for axis, size in zip(dims, x.aval.shape, strict=True):
        shape[axis] = size
    apart = Var(x.aval.update(shape=tuple(shape)))
    params = eqn.params | {"broadcast_dimensions": tuple(range(out.ndim))}
    return [
        as_reshape(eqn.replace(outvars=[apart]), x),
        eqn.replace(invars=[apart], params=params),
    ]


def _compact(eqn: Eqn, known: Known) -> Eqn | None:
    """Operands that were broadcast for an elementwise operation are taken as they were: it
    broadcasts by itself. Not those that alone give the result its shape."""
    out = eqn.outvars[0].aval.shape
    for i, v in enumerate(eqn.invars):
        x = _before_broadcast(v, known)
        if x is None:
            continue
        others = [w.aval.shape for j, w in enumerate(eqn.invars) if j != i]
        if others and np.broadcast_shapes(x.aval.shape, *others) == out:
            return eqn.replace(invars=[*eqn.invars[:i], x, *eqn.invars[i + 1 :]])
    return None


def _before_broadcast(v: Atom, known: Known) -> Atom | None:
    """An array that NumPy broadcasts to this one by itself, if it was made from such."""
    spread = maker(v, known, "broadcast_in_dim")
    if spread is not None and len(spread.invars) == 1:
        dims, ndim = spread.params["broadcast_dimensions"], v.aval.ndim
        return spread.invars[0] if dims == tuple(range(ndim - len(dims), ndim)) else None
    reshaped = maker(v, known, "reshape")
    if reshaped is not None:
        (x,) = reshaped.invars
        ones = v.aval.ndim - x.aval.ndim
        return x if ones > 0 and v.aval.shape == (1,) * ones + x.aval.shape else None
    return None


def _compact_cases(eqn: Eqn, known: Known) -> Eqn | None:
    """The same for a choice, which may be by one condition for all, or by one for each element."""
    return _compact(eqn, known) if eqn.invars[0].aval.shape else None


def _no_choice(eqn: Eqn, known: Known) -> Atom | None:
    """Between equal cases there is nothing to choose."""
    cases = eqn.invars[1:]
    return cases[0] if all(case is cases[0] for case in cases) else None


def _choice_of_truths(eqn: Eqn, known: Known) -> Atom | Eqn | None:
    """Between False and True, in this order or the other, the condition says it already."""
    which, *cases = eqn.invars
    found = [splat(v, known) for v in cases]
    if len(found) != 2 or any(v is None or v.dtype.kind != "b" for v in found):
        return None
    first, second = map(bool, found)
    if first == second:
        return None
    return which if second else derived(eqn, "not", [which])


def _from_the_end(eqn: Eqn, known: Known) -> list[Eqn] | None:
    """A place that counts from the end if it is negative: n is added where the sign is set."""
    which, x, moved = eqn.invars[:3]
    less, plus = maker(which, known, "lt"), maker(moved, known, "add")
    if less is None or plus is None or x.aval.dtype.kind != "i" or not x.aval.shape:
        return None
    (a, zero), (b, n) = less.invars, plus.invars
    if a is not x or b is not x or type(n) is not Literal or not is_number(zero, known, 0):
        return None
    width = np.asarray(8 * x.aval.dtype.itemsize - 1, x.aval.dtype)
    signs, added = Var(x.aval), Var(x.aval)
    return [
        derived(eqn.replace(outvars=[signs]), "shift_right_arithmetic", [x, _literal(width)]),
        derived(eqn.replace(outvars=[added]), "and", [signs, n]),
        derived(eqn, "add", [x, added]),
    ]


def _literal(number: np.ndarray) -> Literal:
    return Literal(Array(number, False))


_BROADCASTING = ("pow", "atan2", "lt", "le", "gt", "ge", "eq", "ne", "and", "or")
_REDUCTIONS = ("reduce_sum", "reduce_max", "reduce_min", "reduce_prod")
_RULES: dict[str, tuple[Rule, ...]] = {
    "mul": (_nothing(0, 1.0), _nothing(1, 1.0), _compact),
    "div": (_nothing(1, 1.0), _divided_by_power_of_two, _compact),
    "sub": (_nothing(1, 0.0), _compact),
    "add": (_nothing(0, -0.0), _nothing(1, -0.0), sum_of_pads, _compact),
    "add_any": (_nothing(0, -0.0), _nothing(1, -0.0), sum_of_pads, _compact),
    "max": (_nothing(0, -math.inf), _nothing(1, -math.inf), _compact),
    "min": (_nothing(0, math.inf), _nothing(1, math.inf), _compact),
    "select_n": (_no_choice, _choice_of_truths, _compact_cases, _from_the_end),
    "neg": (_twice("neg"),),
    "not": (_twice("not"),),
    "stop_gradient": (_same,),
    "name": (_same,),
    "convert_element_type": (_same,),
    "broadcast_in_dim": (_same, _as_reshape, _spread_in_place),
    "reshape": (_same, _reshaped_again, _reshaped_splat),
    "squeeze": (_as_reshape,),
    "transpose": (_transpose_of_nothing, _transposed_again, _product_transposed),
    "dot_general": (_product_of_transposed,),
    "integer_pow": (_small_power,),
    **dict.fromkeys(_REDUCTIONS, (_reduced_over_ones,)),
    **dict.fromkeys(_BROADCASTING, (_compact,)),
}
