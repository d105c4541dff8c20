"""Derivatives as the user calls them: trees in, trees out.

`grad`, `value_and_grad`, `jvp`, `vjp`, `linearize`, `linear_transpose`. The matrices made of them
are in `transforms/jacobian.py`, `vmap` in `vmap_api.py`, `jit` in `jit_api.py`.
Each function here only flattens, checks, and calls the flat one of the same meaning.

Read next: `transforms/jvp.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratchfn import errors, tree
from scratchfn.core import dtypes
from scratchfn.core.array import as_value
from scratchfn.core.avals import ShapedArray
from scratchfn.core.stage import stage
from scratchfn.core.tangents import Linear, Zero
from scratchfn.primitives.base import full, instantiate
from scratchfn.primitives.convert import convert_element_type
from scratchfn.transforms.flat import (
    FlatFunction,
    abstract_value,
    argument_of,
    check_argnums,
    close_over,
    flatten_values,
    name_of,
    require_callable,
)
from scratchfn.transforms.jvp import jvp_flat
from scratchfn.transforms.pull_back import VJP, DontWant, deliver, flatten_places
from scratchfn.transforms.vjp import (
    LinearProgram,
    backward,
    linearize_flat,
    transpose_linear,
)
from scratchfn.tree_util import Partial


def grad(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
    reduce_axes: Sequence[Any] = (),
) -> Callable[..., Any]:
    """The gradient function of a scalar function `fun`.

    Args:
      argnums: the argument(s) to differentiate with respect to; a tuple gives a tuple of gradients.
      has_aux: `fun` returns (scalar, auxiliary data), the gradient function (gradient, aux).
      holomorphic: `fun` is complex differentiable, and its complex derivative is wanted.
      allow_int: integer inputs are allowed and have gradients of dtype float0.

    Returns:
      A function of the same arguments; gradients have the structure, shapes and dtypes of the
      arguments they belong to.

    Raises:
      TypeError: the result is not a real scalar, or an argument is not of a floating dtype.
    """
    require_callable(fun, "grad")
    with_value = value_and_grad(fun, argnums, has_aux, holomorphic, allow_int, reduce_axes)

    @functools.wraps(fun)
    def grad_fun(*args: Any, **kwargs: Any) -> Any:
        value, grads = with_value(*args, **kwargs)
        return (grads, value[1]) if has_aux else grads

    return grad_fun


def _refuse_reduce_axes(reduce_axes: Sequence[Any], asked: str) -> None:
    if reduce_axes:
        raise NotImplementedError(
            errors.explain(
                asked,
                f"reduce_axes={reduce_axes!r}",
                "it is not supported, as in JAX since 0.4.36",
                "lax.psum in the function, over the axes in question",
            )
        )


def value_and_grad(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
    reduce_axes: Sequence[Any] = (),
) -> Callable[..., Any]:
    """The function that returns both the value of `fun` and its gradient; see `grad`.

    With `has_aux` the value is the pair (scalar, auxiliary data).
    """
    require_callable(fun, "value_and_grad")
    _refuse_reduce_axes(reduce_axes, f"grad of {name_of(fun)}")

    @functools.wraps(fun)
    def value_and_grad_fun(*args: Any, **kwargs: Any) -> Any:
        nums = check_argnums(argnums, len(args), f"grad of {name_of(fun)}")
        partial, dynamic = close_over(fun, args, kwargs, nums)
        leaves, in_tree = _differentiable(dynamic, fun, nums, holomorphic, allow_int)
        flat = FlatFunction(partial, in_tree, has_aux)
        nonzeros = [dtypes.kind(x.dtype) in "fc" for x in leaves]
        outs, program = linearize_flat(flat, leaves, nonzeros, f"grad({name_of(fun)})")
        outs, aux = flat.split(outs)
        _require_scalar(fun, flat, outs, holomorphic)
        ans = outs[0]
        seed = full((), 1, ans.dtype, ans.weak_type)
        grads = _pull_back(program, [seed], [x.aval for x in leaves], in_tree)
        ans = tree.unflatten(flat.out_tree, outs)
        value = (ans, aux) if has_aux else ans
        return value, grads if isinstance(argnums, (tuple, list)) else grads[0]

    return value_and_grad_fun


def jvp(
    fun: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
) -> Any:
    """(fun(*primals), its directional derivative along `tangents`), in forward mode.

    Tangents have the structure, shapes and dtypes of the primals (float0 for integers).
    With `has_aux`, (out, out_tangent, aux).
    """
    require_callable(fun, "jvp")
    for name, value in (("primals", primals), ("tangents", tangents)):
        if not isinstance(value, (tuple, list)):
            raise TypeError(
                errors.explain(
                    f"jvp of {name_of(fun)}",
                    f"{name} of type {type(value).__name__}",
                    "they are given as a tuple with one entry for each argument",
                    f"jvp(f, ({'x' if name == 'primals' else '...'},), (dx,))",
                )
            )
    values, in_tree = flatten_values((tuple(primals), {}), argument_of(fun))
    dots, dot_tree = tree.flatten((tuple(tangents), {}))
    if dot_tree != in_tree:
        raise TypeError(
            errors.explain(
                f"jvp of {name_of(fun)}",
                f"primals of structure {in_tree} and tangents of structure {dot_tree}",
                "each primal leaf needs a tangent",
                "jvp(f, primals, tree.map(jnp.ones_like, primals))",
            )
        )
    pushed = [_tangent(x.aval, t, fun, TypeError) for x, t in zip(values, dots, strict=True)]
    flat = FlatFunction(fun, in_tree, has_aux)
    outs, out_dots = jvp_flat(flat, values, pushed, f"jvp({name_of(fun)})")
    outs, aux = flat.split(outs)
    out_dots = [_real_tangent(t) for t in out_dots[: flat.out_count]]
    result = tree.unflatten(flat.out_tree, outs), tree.unflatten(flat.out_tree, out_dots)
    return (*result, aux) if has_aux else result


def vjp(
    fun: Callable[..., Any],
    *primals: Any,
    has_aux: bool = False,
    reduce_axes: Sequence[Any] = (),
) -> Any:
    """(fun(*primals), f_vjp), where f_vjp maps a cotangent of the result to a tuple of cotangents
    of the primals. With `has_aux`, (out, f_vjp, aux). `f_vjp.with_refs` says where each of them
    goes, or that it is not wanted."""
    require_callable(fun, "vjp")
    _refuse_reduce_axes(reduce_axes, f"vjp of {name_of(fun)}")
    leaves, in_tree = flatten_values((primals, {}), argument_of(fun))
    flat = FlatFunction(fun, in_tree, has_aux)
    nonzeros = [dtypes.kind(x.dtype) in "fc" for x in leaves]
    outs, program = linearize_flat(flat, leaves, nonzeros, f"vjp({name_of(fun)})")
    outs, aux = flat.split(outs)
    avals, wanted = [x.aval for x in leaves], [x.aval.tangent() for x in outs]
    jaxpr, out_nonzeros, out_tree = program.jaxpr, program.out_nonzeros, flat.out_tree
    asked = f"the vjp function of {name_of(fun)}"

    def pull_back(consts: Any, ct: Any, places: Any = None) -> Any:
        cts = _cotangents(ct, out_tree, wanted, asked, ValueError)
        goals = () if places is None else flatten_places(places, in_tree, asked)
        return _pull_back(LinearProgram(jaxpr, consts, out_nonzeros), cts, avals, in_tree, goals)

    out = tree.unflatten(out_tree, outs)
    f_vjp = VJP(pull_back, program.consts)
    return (out, f_vjp, aux) if has_aux else (out, f_vjp)


def linearize(fun: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """(fun(*primals), f_jvp), where f_jvp maps tangents of the primals to that of the result. The
    values of `fun` are computed once; f_jvp may be called many times."""
    require_callable(fun, "linearize")
    leaves, in_tree = flatten_values((primals, {}), argument_of(fun))
    flat = FlatFunction(fun, in_tree, has_aux)
    nonzeros = [dtypes.kind(x.dtype) in "fc" for x in leaves]
    outs, program = linearize_flat(flat, leaves, nonzeros, f"linearize({name_of(fun)})")
    outs, aux = flat.split(outs)
    avals, out_avals = [x.aval for x in leaves], [x.aval for x in outs]
    jaxpr, out_nonzeros, out_tree = program.jaxpr, program.out_nonzeros, flat.out_tree

    def push_forward(consts: Any, *tangents: Any) -> Any:
        dots, dot_tree = tree.flatten((tangents, {}))
        if dot_tree != in_tree:
            raise TypeError(
                errors.explain(
                    f"the linear function of linearize({name_of(fun)})",
                    f"tangents of structure {dot_tree}",
                    f"the primals have structure {in_tree}",
                    "tangents with the primals' structure, shapes and dtypes",
                )
            )
        given = [_tangent(a, t, fun, ValueError) for a, t in zip(avals, dots, strict=True)]
        args = [instantiate(t) for t, nonzero in zip(given, nonzeros, strict=True) if nonzero]
        pushed = LinearProgram(jaxpr, consts, out_nonzeros).push(args, out_avals)
        return tree.unflatten(out_tree, list(map(_real_tangent, pushed)))

    out = tree.unflatten(out_tree, outs)
    f_jvp = Partial(push_forward, program.consts)  # a tree, as the function of `vjp` is
    return (out, f_jvp, aux) if has_aux else (out, f_jvp)


def linear_transpose(fun: Callable[..., Any], *primals: Any, reduce_axes: Any = ()) -> Any:
    """The transpose of a function that is linear: from a cotangent of its result to a tuple of
    cotangents of its arguments. `primals` are used for their types alone (arrays, or anything with
    `shape` and `dtype`)."""
    require_callable(fun, "linear_transpose")
    _refuse_reduce_axes(reduce_axes, f"linear_transpose of {name_of(fun)}")
    shapes, in_tree = tree.flatten((primals, {}))
    avals = list(map(abstract_value, shapes))
    flat = FlatFunction(fun, in_tree)
    asked = f"linear_transpose({name_of(fun)})"
    jaxpr, consts = stage(flat, avals, asked)
    wanted = [v.aval for v in jaxpr.outvars]  # integers too: a linear function need not be smooth

    def transposed(ct: Any) -> Any:
        cts = _cotangents(ct, flat.out_tree, wanted, asked, TypeError)
        back = backward(jaxpr, consts, [Linear(a) for a in avals], cts)
        return tree.unflatten(in_tree, list(map(instantiate, back)))[0]

    return transposed


# -- checks and conversions at the border ---------------------------------------------------------


def _differentiable(
    args: Sequence[Any], fun: Any, nums: Sequence[int], holomorphic: bool, allow_int: bool
) -> tuple[list[Any], Any]:
    """The leaves of the arguments to differentiate with respect to, checked to be floating point or
    complex numbers (complex alone if `holomorphic`, integers too if `allow_int`)."""
    where = argument_of(fun, nums)
    leaves, in_tree = flatten_values((tuple(args), {}), where)
    wanted = "c" if holomorphic else "fc"
    for i, x in enumerate(leaves):
        if dtypes.kind(x.dtype) in wanted or (allow_int and not holomorphic):
            continue
        path, _ = tree.leaves_with_path((tuple(args), {}))[i]
        asked = f"grad with respect to {where(path)}"
        found = f"an input of type {x.aval}"
        if holomorphic:
            why, write = "holomorphic=True is for complex inputs", "x.astype(jnp.complex64)"
        else:
            why = "a derivative needs inputs that can change continuously (float, not int or bool)"
            write = "x.astype(jnp.float32), or 1.0 for 1; or grad(f, allow_int=True)"
        raise TypeError(errors.explain(asked, found, why, write))
    return leaves, in_tree


def _require_scalar(fun: Any, flat: FlatFunction, outs: list[Any], holomorphic: bool) -> None:
    asked = f"grad of {name_of(fun)}"
    if len(outs) != 1 or tree.structure(0) != flat.out_tree:
        found = f"a result of structure {flat.out_tree}"
        why = "a gradient is of one scalar"
        write = "grad(f, has_aux=True) if f returns (loss, extras), or a function of one result"
        raise TypeError(errors.explain(asked, found, why, write))
    ans = outs[0]
    kind = dtypes.kind(ans.dtype)
    if ans.shape != ():
        why = "a gradient is of one number; an array has a Jacobian"
        write = "f(x).sum() or .mean() as the result; or jacrev(f), or vjp(f, x)"
    elif holomorphic and kind != "c":
        why, write = "holomorphic=True is for complex results", "grad(f) without holomorphic"
    elif not holomorphic and kind == "c":
        why = "the gradient of a complex result is ambiguous"
        write = "f(x).real or abs(f(x)), or grad(f, holomorphic=True) for a holomorphic f"
    elif kind not in "fc":
        why = "only a floating point result changes continuously"
        write = "f(x).astype(jnp.float32)"
    else:
        return
    raise TypeError(errors.explain(asked, f"a result of type {ans.aval}", why, write))


def _pull_back(
    program: LinearProgram, cts: list[Any], avals: Sequence[ShapedArray], in_tree: Any,
    places: Sequence[Any] = (),
) -> Any:  # fmt: skip
    """Cotangents of all arguments, as trees, from those of the results (aux's are zero); with
    `places`, what `with_refs` returns for each."""
    aux = [Zero(avals[0])] * (len(program.out_nonzeros) - len(cts)) if avals else []
    smooth = [a.tangent().dtype != dtypes.float0 for a in avals]
    skip = [type(p) is DontWant for p, s in zip(places, smooth, strict=False) if s]
    found = iter(transpose_linear(program, [*cts, *aux], skip))
    cts = [next(found) if s else None for s in smooth]
    back = list(map(_real_cotangent, avals, cts))
    return tree.unflatten(in_tree, list(map(deliver, places, back)) if places else back)[0]


def _real_cotangent(aval: ShapedArray, ct: Any) -> Any:
    """A cotangent to give to the user: real zeros for `Zero`, and as weakly typed as the value."""
    if ct is None:
        return np.zeros(aval.shape, dtypes.float0)  # that of what has none, as in JAX
    ct = instantiate(ct)
    return convert_element_type(ct, ct.dtype, aval.weak_type)


def _real_tangent(t: Any) -> Any:
    """A tangent to give to the user: real zeros for `Zero`."""
    if type(t) is Zero and t.aval.dtype == dtypes.float0:
        return np.zeros(t.aval.shape, dtypes.float0)
    return instantiate(t)


def _tangent(aval: ShapedArray, t: Any, fun: Any, dtype_error: type[Exception]) -> Any:
    """The user's tangent `t` of a value of type `aval`, checked."""
    want = aval.tangent()
    if want.dtype == dtypes.float0 and getattr(t, "dtype", None) == dtypes.float0:
        return Zero(want)
    t = as_value(t)
    if t.shape == want.shape and t.dtype == want.dtype:
        return t
    error = dtype_error if t.dtype != want.dtype else ValueError
    raise error(
        errors.explain(
            f"the derivative of {name_of(fun)} along a tangent",
            f"a primal of type {aval} with a tangent of type {t.aval}",
            f"its tangent must be of type {want}",
            f"dx.astype('{want.dtype.name}').reshape({want.shape})"
            if want.dtype != dtypes.float0
            else f"np.zeros({want.shape}, dtypes.float0) for an integer's tangent",
        )
    )


def _cotangents(
    ct: Any, out_tree: Any, wanted: Sequence[ShapedArray], asked: str, error: type[Exception]
) -> list[Any]:
    """The user's cotangent of a function's result, flat and checked to be of the types `wanted`."""
    leaves, ct_tree = tree.flatten(ct)
    if ct_tree != out_tree:
        found = f"a cotangent of structure {ct_tree}"
        why = f"the function's result has structure {out_tree}"
        write = "a cotangent like the result: tree.map(jnp.ones_like, out)"
        raise error(errors.explain(asked, found, why, write))
    cts = []
    for want, given in zip(wanted, leaves, strict=True):
        if want.dtype == dtypes.float0:
            cts.append(Zero(want))
            continue
        value = as_value(given)
        if value.shape != want.shape or value.dtype != want.dtype:
            found = f"a cotangent of type {value.aval} for a result of type {want}"
            why = "a cotangent has the shape and dtype of its result"
            write = f"jnp.ones({want.shape}, '{want.dtype.name}')"
            raise error(errors.explain(asked, found, why, write))
        cts.append(value)
    return cts
