"""What a loop's body computes without its carries is computed ahead of the loop: what depends on
constants alone once, what depends on rows of xs for all steps at once.

Read next: `late.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scratchfn.backends.numpy.for_all import Outside, for_all
from scratchfn.backends.numpy.scans import Loop, needed_by
from scratchfn.core.jaxpr import Eqn, Var, effects_of
from scratchfn.core.template import template_of, ufunc_of
from scratchfn.core.trace import registry

FIXED, ROW, STEP = 0, 1, 2  # the same at each step; known of each step ahead; known step by step
SMALL = 2048  # elements of a row up to which a call costs more than the elements do
DEEP = 32  # terms of the sums of a product from which it is worth to read its results from memory
LARGEST = 1 << 16  # elements of such a result
MEMORY = 1 << 25  # bytes that moves may take in any case; else as much as the loop's own arrays

VIEWS = frozenset({"reshape", "squeeze", "transpose", "slice", "rev", "broadcast_in_dim"})
AT_ONCE = frozenset({
    "select_n", "convert_element_type", "integer_pow", "clamp", "stop_gradient", "iota", "gather",
    "reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "reduce_and", "reduce_or", "argmax",
    "argmin", "concatenate", "stack", "unstack", "pad", "cumsum", "threefry2x32", "random_wrap",
    "random_unwrap", "random_bits", "random_split", "random_fold_in", "shift_right_logical",
    "shift_left", "dot_general", "logistic", "rsqrt", "square", "sign", "not", "erf", "rem",
    "is_finite", "round", *VIEWS,
})  # fmt: skip


def fixed_ahead(loop: Loop) -> None:
    """Moves what is the same at each step. Broadcasts stay, which mostly come for nothing, and
    transposes for products, which are told of them; and so does what is made of numbers in the
    program alone, which is folded."""
    kinds = kinds_of(loop)
    readers = loop.readers()
    folded: set[Var] = set()
    moved: list[Eqn] = []
    for eqn in loop.eqns:
        if not is_movable(eqn) or any(kinds[v] != FIXED for v in eqn.outvars):
            continue
        variables = [v for v in eqn.invars if type(v) is Var]
        if eqn.primitive.name != "iota" and all(v in folded for v in variables):
            folded.update(eqn.outvars)
        elif eqn.primitive.name == "transpose":
            if not all(_is_product(reader) for reader in readers[eqn.outvars[0]]):
                moved.append(eqn)
        elif eqn.primitive.name != "broadcast_in_dim":
            moved.append(eqn)
    if moved:
        _move_ahead(loop, moved)


def _is_product(reader: object) -> bool:
    return isinstance(reader, Eqn) and reader.primitive.name == "dot_general"


def rows_ahead(loop: Loop) -> None:
    """Moves what depends on rows: products by a matrix, and small operations. What they need of
    others comes along."""
    kinds = kinds_of(loop)
    room = memory_for(loop)
    moved: list[Eqn] = []
    for eqn in loop.eqns:
        if is_known_by_row(eqn, kinds) and eqn.primitive.name not in VIEWS:
            size = sum(loop.length * v.aval.nbytes for v in eqn.outvars)
            if size <= room and is_better_at_once(eqn, kinds) and _is_light(loop, eqn, kinds):
                moved.append(eqn)
                room -= size
    if moved and _saves(loop, moved):
        _move_ahead(loop, moved)


def kinds_of(loop: Loop) -> dict[Var, int]:
    """Which variables of the body are FIXED, a ROW or of a STEP."""
    kinds = dict.fromkeys(loop.consts, FIXED)
    kinds |= dict.fromkeys(loop.rows, ROW)
    kinds |= dict.fromkeys([c.var for c in loop.carries], STEP)
    for eqn in loop.eqns:
        kind = max((kinds[v] for v in eqn.invars if type(v) is Var), default=FIXED)
        if not is_movable(eqn) or (kind == ROW and not _runs_at_once(eqn)):
            kind = STEP
        kinds |= dict.fromkeys(eqn.outvars, kind)
    return kinds


def is_movable(eqn: Eqn) -> bool:
    """Is it a plain operation, that may be run at another time or another number of times?"""
    prim = eqn.primitive
    ours = registry.get(prim.name) is prim and prim.name != "pure_callback"
    return ours and not prim.holds_programs and not effects_of(eqn)


def _runs_at_once(eqn: Eqn) -> bool:
    """Is it an operation that may be run for all steps at once?"""
    prim = eqn.primitive
    if prim.batch is None:
        return False
    template = template_of(prim, [v.aval for v in eqn.invars])
    return prim.name in AT_ONCE or (template is not None and ufunc_of(template) is not None)


def is_known_by_row(eqn: Eqn, kinds: dict[Var, int]) -> bool:
    return bool(eqn.outvars) and kinds[eqn.outvars[0]] == ROW


def is_better_at_once(eqn: Eqn, kinds: dict[Var, int]) -> bool:
    """Is it sooner done for all steps at once than step by step?"""
    if not is_movable(eqn) or not _runs_at_once(eqn):
        return False
    if eqn.primitive.name == "dot_general":
        return _is_better_product(eqn, kinds)
    return all(v.aval.size <= SMALL for v in (*eqn.invars, *eqn.outvars))


def _is_better_product(eqn: Eqn, kinds: dict[Var, int]) -> bool:
    """A product by a matrix that is the same at each step, if the result is small or took much."""
    (contracted, _), _ = eqn.params["dimension_numbers"]
    lhs, rhs = eqn.invars
    out = eqn.outvars[0].aval
    if all(type(v) is Var and kinds[v] != FIXED for v in (lhs, rhs)):
        return max(lhs.aval.size, rhs.aval.size, out.size) <= SMALL // 8
    depth = math.prod(lhs.aval.shape[axis] for axis in contracted)
    return out.size <= SMALL or (depth >= DEEP and out.size <= LARGEST)


def _is_light(loop: Loop, eqn: Eqn, kinds: dict[Var, int]) -> bool:
    """Is what has to come along no more than the result?"""
    most = max(SMALL, eqn.outvars[0].aval.size)
    return all(
        v.aval.size <= most
        for e in needed_by(loop.eqns, eqn.invars)
        if is_known_by_row(e, kinds) and e.primitive.name not in VIEWS
        for v in e.outvars
    )


def _saves(loop: Loop, moved: list[Eqn]) -> bool:
    """Are fewer things left to do at each step? Numbers are computed as fast as they are read."""
    left = [e for e in loop.eqns if e not in moved]
    results = [*[c.new for c in loop.carries], *[y.row for y in loop.ys]]
    effects = [v for e in left if effects_of(e) for v in (*e.outvars, *e.invars)]
    needed = needed_by(left, [*results, *effects])
    read = {v for e in needed for v in e.invars} | {c.new for c in loop.carries} | set(effects)
    new = sum(v in read for e in moved for v in e.outvars)
    dropped = sum(v not in read for v in loop.rows)
    return saved_by(moved) > new - dropped


def saved_by(moved: Sequence[Eqn]) -> int:
    """What the calls of these equations cost, in steps of reading or writing a row."""
    return sum(
        3 if any(v.aval.shape for v in (*e.invars, *e.outvars)) else 1
        for e in moved
        if e.primitive.name not in VIEWS
    )


def _move_ahead(loop: Loop, wanted: list[Eqn]) -> None:
    """Runs equations, and those they need, ahead of the loop. Their results are constants or rows
    of it."""
    needed = {
        *wanted,
        *needed_by(loop.eqns, [v for e in wanted for v in e.invars]),
    }
    eqns = [e for e in loop.eqns if e in needed]
    given: Outside = {v: (atom, False) for v, atom in loop.consts.items()}
    given |= {v: (atom, True) for v, atom in loop.rows.items()}
    moved, held = for_all(eqns, given, loop.length)
    loop.ahead += moved
    loop.held |= held
    for v in (v for e in wanted for v in e.outvars):
        atom, stacked = given[v]
        (loop.rows if stacked else loop.consts)[v] = atom
    loop.eqns = [e for e in loop.eqns if e not in wanted]
    loop.changed = True


def memory_for(loop: Loop) -> int:
    """Bytes that moves may take."""
    rows = [*loop.rows, *[y.row for y in loop.ys]]
    return max(MEMORY, 4 * loop.length * sum(v.aval.nbytes for v in rows))
