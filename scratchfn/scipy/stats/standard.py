"""What the distributions share: arguments of one dtype, the standard form, the support.

    z = (x - loc) / scale        p(x) = p₀(z) / scale        F(x) = F₀(z)

A module of this package is one distribution; its functions are named as SciPy's: `pdf` and `logpdf`
the density, `cdf` and `logcdf` the distribution function F, `sf` and `logsf` the survival function
1 - F, `ppf` and `isf` their inverses, `pmf` and `logpmf` the probabilities of integers.

Read next: `scipy/stats/norm.py`.
"""

from __future__ import annotations

import math
from typing import Any

import scratchfn.numpy as jnp
from scratchfn.core import dtypes
from scratchfn.scipy.special.arguments import reals, strong


def promoted(name: str, *xs: Any, keep_weak: bool = False) -> list[Any]:
    """Arguments of the function `name` as floats of one dtype. Raises TypeError for complex
    numbers.

    The dtype of an array is not weak, unless all the numbers are Python's; with `keep_weak`, it is
    as the arguments meet, weak of an array of booleans and Python's numbers. (In JAX a formula that
    brings in no constant leaves it so.)
    """
    values = reals(f"scipy.stats.{name}", *xs, error=TypeError)
    weak = keep_weak or all(dtypes.is_weak(x) for x in xs)
    return values if weak else strong(*values)


def standard(
    name: str, x: Any, loc: Any, scale: Any, *shape: Any, keep_weak: bool = False
) -> list[Any]:
    """[(x - loc) / scale, scale, *shape], of one dtype; `shape` are the other parameters."""
    x, loc, scale, *others = promoted(name, x, loc, scale, *shape, keep_weak=keep_weak)
    return [(x - loc) / scale, scale, *others]


def off_support(outside: Any, value: Any, instead: float = -math.inf) -> Any:
    """`value`, but `instead` where `outside`. The condition is one that no nan meets, so that nan
    gives nan; and what `value` is computed from is to be harmless there, as its slope is, too."""
    return jnp.where(outside, instead, value)


def log_probability(p: Any) -> Any:
    """log p, constant where p is 0."""
    return jnp.where(p == 0, -math.inf, jnp.log(jnp.where(p == 0, 1.0, p)))


def on_unit(q: Any, value: Any) -> Any:
    """`value` where q is a probability, nan elsewhere."""
    return jnp.where((q >= 0) & (q <= 1), value, math.nan)
