"""map: a function of each row, one after the other, with the derivatives of a scan.

Read next: `scan.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scratchfn import tree
from scratchfn.core.array import as_value
from scratchfn.primitives.base import reshape
from scratchfn.primitives.joining import concatenate
from scratchfn.primitives.structural import slice_
from scratchfn.transforms.control.bodies import place_in, require_function
from scratchfn.transforms.control.refs import carried_by_map
from scratchfn.transforms.control.scan import ScanBody, scan, scan_of
from scratchfn.transforms.flat import name_of
from scratchfn.transforms.vmap_api import vmap


@carried_by_map(scan)
def map(f: Callable[..., Any], xs: Any, *, batch_size: int | None = None) -> Any:
    """`f` of each row of `xs`, a tree of arrays of equal leading axes, stacked.

    As `vmap(f)(xs)`, in the memory of one row; or of `batch_size` rows, which are vmapped.

    Raises:
      ValueError: arrays of different leading sizes, scalars, or no array at all.
    """
    require_function("lax.map", "f", f)
    if not batch_size:
        return _map(f, _each, xs)
    values = tree.map(as_value, xs)
    sizes = {x.shape[:1] for x in tree.leaves(values)}
    if len(sizes) != 1 or () in sizes:
        return _map(f, _each, xs)  # which says what is wrong with them
    ((rows,),) = sizes
    whole = rows - rows % batch_size  # rows in full batches
    if not whole:
        return vmap(f)(values)
    leaves, structure = tree.flatten(values)
    parts = [_parted(x, whole, batch_size) for x in leaves]
    outs = _map(f, _all, tree.unflatten(structure, [batches for batches, _ in parts]))
    if rows == whole:
        return tree.map(_joined, outs)
    more = vmap(f)(tree.unflatten(structure, [rest for _, rest in parts]))
    return tree.map(lambda a, b: concatenate([_joined(a), b], 0), outs, more)


def _map(f: Callable[..., Any], step: Callable[..., Any], xs: Any) -> Any:
    body = ScanBody(f, step, f"lax.map of {name_of(f)}", place_in("carry"))
    return scan_of(body, (), xs)[1]


def _each(asked: str, f: Any, carry: Any, x: Any) -> Any:
    return (), f(x)


def _all(asked: str, f: Any, carry: Any, batch: Any) -> Any:
    return (), vmap(f)(batch)


def _parted(x: Any, whole: int, size: int) -> tuple[Any, Any]:
    """The first `whole` rows in batches of `size`, and the rows that are left, if there are any."""
    rows, *shape = x.shape
    batched = (whole // size, size, *shape)
    if rows == whole:
        return reshape(x, batched), None
    start = [0] * len(shape)
    batches = reshape(slice_(x, (0, *start), (whole, *shape)), batched)
    return batches, slice_(x, (whole, *start), (rows, *shape))


def _joined(x: Any) -> Any:
    """Batches as rows."""
    return reshape(x, (x.shape[0] * x.shape[1], *x.shape[2:]))
