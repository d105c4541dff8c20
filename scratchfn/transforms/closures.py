"""What a function closes over, made explicit: `closure_convert`, and `custom_gradient`, which needs
it to keep the user's gradient function from going forward to going back.

Read next: `transforms/custom_vjp.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from scratchfn import errors, tree
from scratchfn.core import dtypes
from scratchfn.core.jaxpr import eval_jaxpr
from scratchfn.core.stage import stage
from scratchfn.core.trace import Tracer
from scratchfn.transforms.custom_vjp import custom_vjp
from scratchfn.transforms.flat import FlatFunction, flatten_values, name_of
from scratchfn.tree_util import Partial


def closure_convert(
    fun: Callable[..., Any], *example_args: Any
) -> tuple[Callable[..., Any], list[Any]]:
    """`fun` as a function that also takes what it closes over, and these values.

        converted, values = closure_convert(fun, x)
        converted(x, *values) == fun(x)

    Values that a derivative may be asked of are taken out: traced floats. A higher-order function
    with a custom rule passes them on as arguments, so that the rule can tell their derivative.

    Args:
      example_args: arguments for `fun`, of which the structure and types matter.

    Raises:
      TypeError: the converted function is called with arguments of another structure.
    """
    asked = f"closure_convert of {name_of(fun)}"
    leaves, in_tree = flatten_values((example_args, {}), f"an argument of {asked}: ")
    flat = FlatFunction(fun, in_tree)
    jaxpr, consts = stage(flat, [x.aval for x in leaves], asked)
    moved = [isinstance(c, Tracer) and dtypes.kind(c.dtype) in "fc" for c in consts]
    count = sum(moved)

    def converted(*args: Any) -> Any:
        split = len(args) - count
        values, found_tree = flatten_values((args[:split], {}), f"an argument of {asked}: ")
        if found_tree != in_tree:
            raise TypeError(
                errors.explain(
                    f"a call of the function made by {asked}",
                    f"arguments of structure {tree.structure(args[:split])}",
                    f"the example arguments had structure {tree.structure(example_args)}",
                    "converted(*args, *values) with args like the example arguments",
                )
            )
        given, _ = flatten_values(args[split:], f"values for {asked}: ")
        taken = iter(given)
        full = [next(taken) if m else c for c, m in zip(consts, moved, strict=True)]
        return tree.unflatten(flat.out_tree, eval_jaxpr(jaxpr, full, *values))

    return converted, [c for c, m in zip(consts, moved, strict=True) if m]


def custom_gradient(fun: Callable[..., Any]) -> Callable[..., Any]:
    """A function with a gradient of the user's own, told in one piece: `fun` returns (out, pull),
    and `pull(ct)` gives the cotangents of the arguments (a tuple, or the one of a single argument).

        @custom_gradient
        def square(x):
            return x ** 2, lambda ct: ct * 2 * x
    """

    @functools.wraps(fun, assigned=("__doc__",), updated=())
    def wrapped_fun(*args: Any, **kwargs: Any) -> Any:
        return _pair(fun, fun(*args, **kwargs))[0]

    def fwd(*args: Any, **kwargs: Any) -> Any:
        out, pull = _pair(fun, fun(*args, **kwargs))
        leaves, out_tree = flatten_values(out, f"the output of {name_of(fun)}")
        rule = FlatFunction(pull, tree.structure(((tree.unflatten(out_tree, leaves),), {})))
        what = f"the gradient function of {name_of(fun)}"
        jaxpr, consts = stage(rule, [x.aval.tangent() for x in leaves], what)

        def replay(consts: Any, ct: Any) -> Any:
            back = eval_jaxpr(jaxpr, consts, *tree.leaves(ct))
            return tree.unflatten(rule.out_tree, back)

        return out, Partial(replay, consts)

    def bwd(residuals: Any, ct: Any) -> Any:
        back = residuals(ct)
        return (back,) if tree.structure(back) == tree.structure(0) else back

    function = custom_vjp(wrapped_fun)
    function.defvjp(fwd, bwd)
    return function


def _pair(fun: Callable[..., Any], result: Any) -> Any:
    if isinstance(result, (tuple, list)) and len(result) == 2 and callable(result[1]):
        return result
    raise TypeError(
        errors.explain(
            f"a call of {name_of(fun)}, wrapped in custom_gradient",
            f"a result of type {type(result).__name__}",
            "it must return its output and a function from the output's cotangent to those of the "
            "arguments",
            "return out, lambda ct: (ct_of_first_argument, ...)",
        )
    )
