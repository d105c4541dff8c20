"""Matrices of derivatives: columns by forward mode, rows by reverse mode, and the Hessian by both.

A Jacobian is the derivative map applied to every vector of the standard basis at once, that is
vmapped over the rows of an identity matrix.

Read next: `transforms/api.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratchfn import errors, tree
from scratchfn.core import dtypes
from scratchfn.core.array import Array
from scratchfn.primitives.base import reshape, zeros
from scratchfn.transforms.api import jvp, vjp
from scratchfn.transforms.flat import (
    argument_of,
    check_argnums,
    close_over,
    flatten_values,
    name_of,
    require_callable,
)
from scratchfn.transforms.vmap_api import vmap


def jacfwd(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Callable[..., Any]:
    """The Jacobian function of `fun`, by forward mode: one pass for each number in the input.

    For an argument of shape s and a result of shape r the Jacobian has shape (*r, *s); for trees,
    a tree like the result with trees like the argument at its leaves.
    """
    require_callable(fun, "jacfwd")

    @functools.wraps(fun)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        asked = f"jacfwd of {name_of(fun)}"
        nums = check_argnums(argnums, len(args), asked, ValueError)
        partial, dynamic = close_over(fun, args, kwargs, nums)
        leaves, both = flatten_values((tuple(dynamic), {}), argument_of(fun, nums))
        in_tree = both.children()[0]
        _check(leaves, asked, holomorphic, "input")

        def push(*tangents: Any) -> Any:
            dots = tree.unflatten(in_tree, tangents)
            return jvp(partial, tuple(dynamic), dots, has_aux)

        basis = _basis(leaves)
        out_axes = (None, -1, None) if has_aux else (None, -1)
        out, columns, *aux = vmap(push, out_axes=out_axes)(*basis)
        outs, _ = flatten_values(out, "the result")
        if holomorphic:
            _check(outs, asked, True, "output")
        split = [
            _split_columns(c, x, leaves, in_tree)
            for c, x in zip(tree.leaves(columns), outs, strict=True)
        ]
        split = split if isinstance(argnums, (tuple, list)) else [entry[0] for entry in split]
        jac = tree.unflatten(tree.structure(columns), split)
        return (jac, *aux) if has_aux else jac

    return jacobian


def jacrev(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
) -> Callable[..., Any]:
    """The Jacobian function of `fun`, by reverse mode: one pass for each number in the result. See
    `jacfwd` for the shapes."""
    require_callable(fun, "jacrev")

    @functools.wraps(fun)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        asked = f"jacrev of {name_of(fun)}"
        nums = check_argnums(argnums, len(args), asked, ValueError)
        partial, dynamic = close_over(fun, args, kwargs, nums)
        leaves, _ = flatten_values((tuple(dynamic), {}), argument_of(fun, nums))
        if holomorphic or not allow_int:
            _check(leaves, asked, holomorphic, "input", "fc")
        out, pull, *aux = vjp(partial, *dynamic, has_aux=has_aux)
        outs, out_tree = flatten_values(out, "the result")
        _check(outs, asked, holomorphic, "output")
        rows = vmap(lambda *cts: pull(tree.unflatten(out_tree, cts)))(*_basis(outs))
        _, row_tree = tree.flatten(rows if isinstance(argnums, (tuple, list)) else rows[0])
        per_out = [_split_rows(r, x, outs) for r, x in zip(tree.leaves(rows), leaves, strict=True)]
        jac = tree.unflatten(
            out_tree,
            [tree.unflatten(row_tree, [r[i] for r in per_out]) for i in range(len(outs))],
        )
        return (jac, *aux) if has_aux else jac

    return jacobian


jacobian = jacrev


def hessian(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Callable[..., Any]:
    """The Hessian function of `fun`: forward mode over reverse mode."""
    return jacfwd(jacrev(fun, argnums, has_aux, holomorphic), argnums, has_aux, holomorphic)


def _check(
    leaves: Sequence[Any], asked: str, holomorphic: bool, what: str, kinds: str = "f"
) -> None:
    """Raises TypeError for inputs or outputs that are not complex, if `holomorphic`, and otherwise
    of none of the `kinds` of numbers."""
    floats = "real floats" if kinds == "f" else "floats, real or complex"
    for x in leaves:
        if dtypes.kind(x.dtype) not in ("c" if holomorphic else kinds):
            raise TypeError(
                errors.explain(
                    asked,
                    f"an {what} of type {x.aval}",
                    f"with holomorphic=True all are complex, without it all are {floats}",
                    "x.astype(jnp.float32), or holomorphic=True for a holomorphic function",
                )
            )


def _basis(leaves: Sequence[Any]) -> list[Any]:
    """The standard basis of all leaves together: for each leaf of size n an array
    [total, *shape], whose first axis numbers the basis vectors."""
    total = sum(x.size for x in leaves)
    basis, start = [], 0
    for x in leaves:
        rows = np.zeros((total, x.size), x.dtype)
        rows[start : start + x.size] = np.eye(x.size, dtype=x.dtype)
        basis.append(Array(rows.reshape(total, *x.shape), x.weak_type))
        start += x.size
    return basis


def _split_columns(columns: Any, out: Any, leaves: Sequence[Any], in_tree: Any) -> Any:
    """[*r, total] as a tree of [*r, *s] over the arguments."""
    parts, start = [], 0
    for x in leaves:
        part = columns[..., start : start + x.size]
        parts.append(_block(part, (*out.shape, *x.shape), out))
        start += x.size
    return tree.unflatten(in_tree, parts)


def _split_rows(rows: Any, x: Any, outs: Sequence[Any]) -> list[Any]:
    """[total, *s] as a list of [*r, *s] over the results."""
    parts, start = [], 0
    for out in outs:
        part = rows[start : start + out.size]
        parts.append(_block(part, (*out.shape, *x.shape), x))
        start += out.size
    return parts


def _block(part: Any, shape: tuple[int, ...], integer: Any) -> Any:
    """One block of a Jacobian; zeros of the type of the integer side if there is no derivative."""
    if part.dtype == dtypes.float0:
        return zeros(integer.aval.update(shape=shape))
    return reshape(part, shape)
