"""lax functions of products: dot, dot_general, batch_matmul.

Products of more than two arrays, or with axes named by letters, are in `scratchfn.numpy`.

Read next: `lax/convolution.py`.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from scratchfn import errors
from scratchfn.config import config
from scratchfn.core import dtypes
from scratchfn.core.array import as_value
from scratchfn.core.params import DotAlgorithm, DotAlgorithmPreset, Precision
from scratchfn.primitives.dot import dot_general_p

# ((lhs_contracting, rhs_contracting), (lhs_batch, rhs_batch))
DotDimensionNumbers = tuple[
    tuple[Sequence[int], Sequence[int]], tuple[Sequence[int], Sequence[int]]
]
PrecisionLike = (
    str | Precision | tuple[str, str] | tuple[Precision, Precision] | DotAlgorithm
    | DotAlgorithmPreset | None
)  # fmt: skip


def dot(
    lhs: Any,
    rhs: Any,
    *,
    dimension_numbers: DotDimensionNumbers | None = None,
    precision: PrecisionLike = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> Any:
    """The product of two matrices [m, k] and [k, n], or vectors [k], in the place of either or
    both; with `dimension_numbers`, `dot_general`. Raises ValueError if it is neither."""
    x, y = as_value(lhs), as_value(rhs)
    if dimension_numbers is None:
        if not (x.ndim in (1, 2) and y.ndim in (1, 2) and x.shape[-1] == y.shape[0]):
            raise ValueError(_explain_dot(x, y))
        dimension_numbers = (((x.ndim - 1,), (0,)), ((), ()))
    return dot_general(x, y, dimension_numbers, precision, preferred_element_type)


def _explain_dot(x: Any, y: Any) -> str:
    if x.ndim in (1, 2) and y.ndim in (1, 2):
        found = f"axis {x.ndim - 1} of lhs of size {x.shape[-1]}, axis 0 of rhs of {y.shape[0]}"
        why = "the last axis of lhs is summed over together with the first of rhs"
        write = "lax.dot(x, y.T) if rhs is the wrong way round"
    else:
        found = f"operands of {x.ndim} and {y.ndim} axes"
        why = "lax.dot without dimension_numbers multiplies vectors and matrices"
        write = "jnp.matmul(x, y) for stacks of matrices; x * y for a scalar"
    return errors.explain(f"lax.dot({x.aval}, {y.aval})", found, why, write)


def dot_general(
    lhs: Any,
    rhs: Any,
    dimension_numbers: DotDimensionNumbers,
    precision: PrecisionLike = None,
    preferred_element_type: Any = None,
    *,
    out_sharding: Any = None,
) -> Any:
    """Contracts two arrays over pairs of axes.

    `dimension_numbers = ((lhs_contracting, rhs_contracting), (lhs_batch, rhs_batch))`. Contracting
    axes are paired and summed over, batch axes paired and kept. The result's axes are the batch
    axes, the others of lhs, the others of rhs; its dtype is `preferred_element_type`, or the more
    precise of the operands'. `precision` binds accelerators only. Raises TypeError naming the axes
    that do not fit.
    """
    if preferred_element_type is not None:
        preferred_element_type = dtypes.explicit_dtype(preferred_element_type, "dot_general")
    (lhs_contract, rhs_contract), (lhs_batch, rhs_batch) = dimension_numbers
    return dot_general_p.bind(
        as_value(lhs),
        as_value(rhs),
        dimension_numbers=(
            (_as_axes(lhs_contract), _as_axes(rhs_contract)),
            (_as_axes(lhs_batch), _as_axes(rhs_batch)),
        ),
        precision=as_precision(precision),
        preferred_element_type=preferred_element_type,
        out_sharding=None,
    )


def _as_axes(axes: int | Sequence[int]) -> tuple[int, ...]:
    """Axes as a tuple; one may be given as a number."""
    if isinstance(axes, Sequence) or not hasattr(axes, "__index__"):
        return tuple(map(operator.index, axes))  # type: ignore[arg-type]
    return (operator.index(axes),)


def batch_matmul(lhs: Any, rhs: Any, precision: PrecisionLike = None) -> Any:
    """The products of stacks of matrices, [..., m, k] and [..., k, n], whose leading axes are
    equal. Raises ValueError unless both have the same number of axes, at least 2."""
    x, y = as_value(lhs), as_value(rhs)
    if x.ndim != y.ndim or x.ndim < 2:
        raise ValueError(
            errors.explain(
                f"lax.batch_matmul({x.aval}, {y.aval})",
                f"operands of {x.ndim} and {y.ndim} axes",
                "both are stacks of matrices with the same leading axes",
                "jnp.matmul(x, y), which broadcasts the leading axes",
            )
        )
    batch = tuple(range(x.ndim - 2))
    return dot_general(x, y, (((x.ndim - 1,), (x.ndim - 2,)), (batch, batch)), precision)


def as_precision(precision: PrecisionLike) -> Any:
    """A precision as primitives have it: a pair for the two operands, an algorithm, or None. For
    None the flag default_matmul_precision is asked."""
    precision = config.default_matmul_precision if precision is None else precision
    if precision is None or isinstance(precision, (DotAlgorithm, DotAlgorithmPreset)):
        return precision
    if isinstance(precision, str) and precision in DotAlgorithmPreset.__members__:
        return DotAlgorithmPreset[precision]
    pair = precision if isinstance(precision, (tuple, list)) else (precision, precision)
    try:
        first, second = map(Precision, pair)
    except ValueError:
        raise ValueError(
            errors.explain(
                "the precision of a product",
                f"precision={precision!r}",
                "it is one for both operands or a pair, or an algorithm",
                "precision='highest', 'high' or 'default', or the lax.Precision of that name",
            )
        ) from None
    return first, second
