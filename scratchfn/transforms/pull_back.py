"""What `vjp` returns: the function from cotangents back, and where what it finds goes.

    out, f_vjp = vjp(f, w, x)
    f_vjp(ct)                                      (ct_w, ct_x)
    f_vjp.with_refs(total, DontWant())(ct)         total[...] += ct_w; ct_x is never computed

So gradients of many batches add up in one ref, and no time goes into those that nobody wants.

Read next: `transforms/vjp.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scratchfn import errors, tree
from scratchfn.core import dtypes
from scratchfn.core.refs import Ref
from scratchfn.tree_util import Partial, register_pytree_node, register_static


@dataclass(frozen=True, repr=False)
class _Mark:
    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class GradValue(_Mark):
    """Asks for a gradient as a value, as it is returned without `with_refs`."""


class DontWant(_Mark):
    """Asks for a gradient not to be computed."""


@register_static
class GradRef(_Mark):
    """In the place of a gradient that was added to a ref."""


@register_static
class DidntWant(_Mark):
    """In the place of a gradient that was not computed."""


class VJP(Partial):
    """The function that `vjp` returns. It is a tree, so that a jitted function may return it."""

    def with_refs(self, *places: Any) -> Callable[[Any], Any]:
        """The same function with a place for each gradient.

        Args:
          places: one for each argument of the differentiated function, of its structure. At the
            leaves: a Ref of the argument's type, to which the gradient is added; `GradValue()`,
            which has it returned; `DontWant()`, which leaves it out.

        Returns:
          A function of a cotangent, which returns a tuple with an entry for each argument:
          `GradRef()` in the place of what went to a ref, `DidntWant()` for what was left out.

        Raises:
          TypeError: a place is none of these.
          ValueError: their structure is not that of the arguments, or, when the function is called,
            a ref is not of the type of the gradient.
        """
        return functools.partial(self.func, *self.args, places=places)


register_pytree_node(
    VJP,
    lambda f_vjp: (f_vjp.args, f_vjp.func),
    lambda func, args: VJP(func, *args),
)


def flatten_places(places: Sequence[Any], in_tree: Any, asked: str) -> list[Any]:
    """The leaves of what `with_refs` was given, checked against the structure of the arguments."""
    leaves, found = tree.flatten((places, {}))
    for leaf in leaves:
        if not isinstance(leaf, (Ref, GradValue, DontWant)):
            raise TypeError(
                errors.explain(
                    f"with_refs of {asked}",
                    f"{leaf!r} of type {type(leaf).__name__}",
                    "it says where the gradient of an argument goes",
                    "new_ref(jnp.zeros_like(x)), ad.GradValue() or ad.DontWant()",
                )
            )
    if found != in_tree:
        raise ValueError(
            errors.explain(
                f"with_refs of {asked}",
                f"places of structure {tree.structure(places)}",
                f"the arguments have structure {in_tree.children()[0]}",
                "a place for each leaf of each argument: tree.map(lambda x: ad.DontWant(), x)",
            )
        )
    return leaves


def deliver(place: Any, gradient: Any) -> Any:
    """What is returned for a gradient after it has gone to its place."""
    if isinstance(place, Ref):
        if gradient.dtype != dtypes.float0:  # integers have none
            place.addupdate(gradient)
        return GradRef()
    return DidntWant() if isinstance(place, DontWant) else gradient
