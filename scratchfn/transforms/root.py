"""custom_root: a root of a function, found by a solver of the user's own, and differentiated by
the equation it solves rather than through the solver (the implicit function theorem).

    f(a, x) = 0    =>    df/dx dx = -df/da da

`a` is whatever the function closes over. The solver may be a loop that reverse mode could not go
through; its derivative is one linear solve at the solution.

Read next: `transforms/linear_solve.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from scratchfn import errors, tree
from scratchfn.core.array import as_value
from scratchfn.core.eager import EVAL
from scratchfn.core.jaxpr import eval_jaxpr
from scratchfn.core.stage import hoist, stage
from scratchfn.core.tangents import zero_tangent
from scratchfn.core.trace import current
from scratchfn.primitives.arithmetic import neg_p
from scratchfn.transforms.api import jvp, linearize
from scratchfn.transforms.custom_jvp import custom_jvp
from scratchfn.transforms.flat import FlatFunction, flatten_values


def custom_root(
    f: Callable[[Any], Any],
    initial_guess: Any,
    solve: Callable[[Callable[[Any], Any], Any], Any],
    tangent_solve: Callable[[Callable[[Any], Any], Any], Any],
    has_aux: bool = False,
) -> Any:
    """An x with `f(x) == 0`, all of its leaves.

    Args:
      f: from trees like `initial_guess` to trees like it.
      solve: `solve(f, initial_guess)` finds x; it need not be differentiable.
      tangent_solve: `tangent_solve(g, y)` finds the x with g(x) == y for a linear g, the derivative
        of f at the solution. For reverse mode it has to be linear in y, as `custom_linear_solve`,
        or `y / g(1.0)` for a scalar, are.
      has_aux: `solve` returns (x, auxiliary data), and so does this function.

    Raises:
      TypeError: results of `f` or a solver that have not the structure of `initial_guess`.
    """
    x_tree = tree.structure(initial_guess)
    f, g = _like_guess("f", f, x_tree), _like_guess("tangent_solve", tangent_solve, x_tree)
    found = _like_guess("solve", solve, x_tree, has_aux)
    if current.trace is EVAL:  # nothing is being differentiated or recorded
        return found(f, initial_guess)
    leaves, _ = flatten_values(initial_guess, "initial_guess of custom_root")
    in_tree = tree.structure(((initial_guess,), {}))
    avals = [x.aval for x in leaves]
    equation, equation_consts = hoist(*stage(FlatFunction(f, in_tree), avals, "custom_root's f"))
    solver = FlatFunction(lambda x: found(f, x), in_tree)
    solution, solution_consts = hoist(*stage(solver, avals, "custom_root's solve"))

    @custom_jvp
    def _custom_root(consts: Any, solver_consts: Any, guess: Any) -> Any:
        return eval_jaxpr(solution.jaxpr, solution.consts, *solver_consts, *guess)

    @_custom_root.defjvp
    def _root_jvp(primals: Any, tangents: Any) -> Any:
        consts, outs = primals[0], _custom_root(*primals)
        x = outs[: len(leaves)]

        def at(consts: Sequence[Any], x: Sequence[Any]) -> list[Any]:
            return eval_jaxpr(equation.jaxpr, equation.consts, *consts, *x)

        _, moved = jvp(lambda consts: at(consts, x), (consts,), (tangents[0],))
        _, slope = linearize(lambda *x: at(consts, x), *x)
        dx = g(
            lambda x: tree.unflatten(x_tree, slope(*tree.leaves(x))), tree.unflatten(x_tree, moved)
        )
        dots = [neg_p.bind(as_value(t)) for t in tree.leaves(dx)]
        return outs, [*dots, *map(zero_tangent, outs[len(leaves) :])]

    outs = _custom_root(equation_consts, solution_consts, leaves)
    return tree.unflatten(solver.out_tree, outs)


def _like_guess(
    name: str, f: Callable[..., Any], x_tree: Any, has_aux: bool = False
) -> Callable[..., Any]:
    """`f`, checked to return trees like the guess (and auxiliary data)."""

    def checked(*args: Any) -> Any:
        out = f(*args)
        x = out[0] if has_aux and isinstance(out, (tuple, list)) and len(out) == 2 else out
        if tree.structure(x) == x_tree:
            return out
        raise TypeError(
            errors.explain(
                f"the function {name} of custom_root",
                f"a result of structure {tree.structure(x)}",
                f"initial_guess has structure {x_tree}, and the result is like it",
                "return a tree like initial_guess; from solve with has_aux=True, a pair of it and "
                "auxiliary data",
            )
        )

    return checked
