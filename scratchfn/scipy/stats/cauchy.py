"""Cauchy's distribution: p₀(z) = 1 / (π (1 + z²)), F₀(z) = 1/2 + arctan(z) / π.

Read next: `scipy/stats/gumbel_l.py`.
"""

from __future__ import annotations

import math
from typing import Any

import scratchfn.numpy as jnp
from scratchfn.scipy.special.series import in_32_bits
from scratchfn.scipy.stats.standard import log_probability, on_unit, promoted, standard

__all__ = ["cdf", "isf", "logcdf", "logpdf", "logsf", "pdf", "ppf", "sf"]


def logpdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The logarithm of the density."""
    z, scale = standard("cauchy.logpdf", x, loc, scale)
    return -jnp.log(math.pi * scale) - jnp.log1p(z * z)


def pdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The density."""
    return jnp.exp(logpdf(x, loc, scale))


def _below(z: Any) -> Any:
    """F₀(z), as the angle of (-z, 1): without cancellation in the left tail."""
    return jnp.arctan2(1.0, -z) / math.pi


def cdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The distribution function."""
    z, _ = standard("cauchy.cdf", x, loc, scale)
    return _below(z)


def logcdf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Its logarithm."""
    return log_probability(cdf(x, loc, scale))


def sf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The survival function."""
    z, _ = standard("cauchy.sf", x, loc, scale)
    return _below(-z)


def logsf(x: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """Its logarithm."""
    return log_probability(sf(x, loc, scale))


def ppf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The x with cdf(x) = q; nan for q outside [0, 1]."""
    q, loc, scale = promoted("cauchy.ppf", q, loc, scale)
    return on_unit(q, loc + scale * _quantile(q))


def isf(q: Any, loc: Any = 0, scale: Any = 1) -> Any:
    """The x with sf(x) = q; nan for q outside [0, 1]."""
    q, loc, scale = promoted("cauchy.isf", q, loc, scale)
    return on_unit(q, loc - scale * _quantile(q))


@in_32_bits
def _quantile(q: Any) -> Any:
    """F₀⁻¹(q): the tangent magnifies the rounding of its argument."""
    return jnp.tan(math.pi * (q - 0.5))
