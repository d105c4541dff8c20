"""What a spelling is: how an equation writes its result into an array that is there already.

A primitive's own `source` rule gives an expression, whose result is a new array. Compiled programs
prefer lines that write to a buffer, `np.add(a, b, c)`. A rule gives those for an equation;
`@spells` makes the rule known under the names of the primitives that it is for.

Read next: `backends/numpy/spelling/elementwise.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from scratchfn.core.avals import ShapedArray
from scratchfn.core.jaxpr import Atom, Eqn, effects_of
from scratchfn.core.template import template_of, ufunc_of


class Operand(Protocol):
    """An array in the source: its name, and the name of what an expression of it shows."""

    aval: ShapedArray
    of: Atom

    def __str__(self) -> str: ...

    def __format__(self, dtype: str) -> str:
        """Its name; with a dtype, that of its bits seen as numbers of that dtype."""
        ...

    def seen(self, suffix: str) -> str:
        """`name` + `suffix`, such as ".T"; of a buffer it is made beforehand, under a name of its
        own."""
        ...

    def is_part(self, whole: Operand, start: int) -> bool:
        """Was it written to its place in a longer vector, from `start` on?"""
        ...

    def is_in_order(self) -> bool:
        """Is it known to lie in memory row by row?"""
        ...

    def constant(self, value: Any, hint: str) -> str:
        """The name of a constant: an array, or what a kernel takes."""
        ...


Line = str
Into = Callable[[Sequence[Operand], Operand], list[Line]]

# Results that show their operand, if its layout allows it.
VIEWS = frozenset({"reshape", "transpose", "broadcast_in_dim", "slice", "rev", "squeeze"})

# Primitives whose results never are, or show, an operand: others may return one as it is.
OWN_RESULT = frozenset({
    # elementwise
    "abs", "acos", "acosh", "add", "add_any", "and", "asin", "asinh", "atan", "atan2", "atanh",
    "bessel_i0e", "bessel_i1e", "cbrt", "ceil", "clamp", "clz", "complex", "cos", "cosh",
    "digamma", "div", "eq", "erf", "erf_inv", "erfc", "exp", "exp2", "expm1", "floor", "fma",
    "fused_erf", "fused_exp", "fused_log", "fused_log1p", "fused_log_factorial", "fused_pow",
    "fused_rsqrt", "fused_tan", "ge", "gt", "igamma", "igamma_grad_a", "igammac", "is_finite",
    "le", "lgamma", "log", "log1p", "logistic", "lt", "max", "min", "mul", "mulhi", "ne", "neg",
    "nextafter", "not", "or", "polygamma", "population_count", "pow", "random_gamma_grad",
    "reduce_precision", "regularized_incomplete_beta", "rem", "round", "rsqrt", "shift_left",
    "shift_right_arithmetic", "shift_right_logical", "sign", "sin", "sinh", "sqrt", "square",
    "sub", "tan", "tanh", "xor", "zeta",
    # along axes
    "argmax", "argmin", "cumlogsumexp", "cummax", "cummin", "cumprod", "cumsum", "reduce_and",
    "reduce_max", "reduce_min", "reduce_or", "reduce_prod", "reduce_sum", "reduce_xor", "sort",
    "top_k",
    # of places and windows
    "concatenate", "conv_general_dilated", "copy", "iota", "pad", "reduce_window",
    "reduce_window_max", "reduce_window_min", "reduce_window_sum",
    "scatter", "scatter-add", "scatter-max", "scatter-min", "scatter-mul", "scatter-sub",
    "select_and_gather_add", "select_and_scatter_add", "stack",
    "dot_general", "threefry2x32",
})  # fmt: skip


class Spelling(NamedTuple):
    """The lines that write a result to a buffer, and the operands whose place it may take: those
    that no line reads after the first that writes."""

    lines: Into
    heirs: tuple[int, ...] = ()


Rule = Callable[[Eqn], Spelling | None]
SPELLINGS: dict[str, Rule] = {}


def spells(*names: str) -> Callable[[Rule], Rule]:
    """Makes a rule that of these primitives."""

    def register(rule: Rule) -> Rule:
        SPELLINGS.update(dict.fromkeys(names, rule))
        return rule

    return register


def into(eqn: Eqn) -> Spelling | None:
    """How the equation writes to a buffer of its result's type; None if it can only make a new
    array."""
    special = SPELLINGS.get(eqn.primitive.name)
    if special is not None:
        return special(eqn)
    template = template_of(eqn.primitive, [v.aval for v in eqn.invars])
    ufunc = None if template is None else ufunc_of(template)
    if ufunc is None:
        return None
    return elementwise(f"np.{ufunc.__name__}", len(eqn.invars))


def can_be_placed(eqn: Eqn) -> bool:
    """Can the result be written to an array that is there?"""
    if len(eqn.outvars) != 1 or eqn.primitive.name in VIEWS or effects_of(eqn):
        return False
    aval = eqn.outvars[0].aval
    return bool(aval.shape and aval.size and aval.dtype.isbuiltin == 1) and into(eqn) is not None


def elementwise(call: str, count: int) -> Spelling:
    """One ufunc of all the operands. A place for the result costs less without a keyword, but these
    two then warn, at each call, of a meaning to come."""
    places = ", ".join(f"{{{i}}}" for i in range(count))
    keyword = "out=" if call in ("np.maximum", "np.minimum") else ""
    return steps(f"{call}({places}, {keyword}{{out}})", heirs=tuple(range(count)))


def steps(*templates: str, heirs: tuple[int, ...] = ()) -> Spelling:
    """Lines in which `{0}`, `{1}` stand for the operands and `{out}` for the buffer."""
    return Spelling(lambda xs, out: [t.format(*xs, out=out) for t in templates], heirs)


def copied(x: Operand, out: Operand) -> list[Line]:
    """What is to be changed is a copy, unless it lies in its place already."""
    return [] if str(x) == str(out) else [f"{out}[...] = {x}"]
