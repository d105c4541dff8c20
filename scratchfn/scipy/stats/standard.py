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
from scratchfn.scipy.special.arguments import reals


def promoted(name: str, *xs: Any) -> list[Any]:
    """Arguments of the function `name` as floats of one dtype. Raises ValueError for complex
    numbers."""
    return reals(f"scipy.stats.{name}", *xs)


def standard(name: str, x: Any, loc: Any, scale: Any, *shape: Any) -> list[Any]:
    """[(x - loc) / scale, scale, *shape], of one dtype; `shape` are the other parameters."""
    x, loc, scale, *shape = promoted(name, x, loc, scale, *shape)
    return [(x - loc) / scale, scale, *shape]


def on_support(inside: Any, value: Any, *tested: Any, outside: float = -math.inf) -> Any:
    """`value` where `inside`, `outside` elsewhere; nan where one of `tested` is nan."""
    value = jnp.where(inside, value, outside)
    for x in tested:
        value = jnp.where(jnp.isnan(x), math.nan, value)
    return value


def on_unit(q: Any, value: Any) -> Any:
    """`value` where q is a probability, nan elsewhere."""
    return jnp.where((q >= 0) & (q <= 1), value, math.nan)
