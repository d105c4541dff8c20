"""Derivatives of the incomplete gamma function in its parameter, which SciPy does not have.

With P(a, x) = x^a exp(-x) / gamma(a) * R(a, x), where R is

    1/a (1 + x/(a+1) + x^2/((a+1)(a+2)) + ...)                        for x below a or 1,
    x^-a exp(x) gamma(a) - f,  f = 1/(x+1-a - 1(1-a)/(x+3-a - ...))   for x above both,

each term of the series, and each convergent of the fraction, is differentiated in a as it is
computed. All is done in float64.

Read next: `primitives/special.py`.
"""

from __future__ import annotations

import numpy as np

from scratchfn.core.quiet import quiet

STEPS = 2000  # enough for parameters up to about 1e5; XLA stops there as well
EPS = float(np.finfo(np.float64).eps)


@quiet
def igamma_grad_a(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dP/da; 0 for x = 0, nan where P is not defined."""
    from scipy.special import gammaln

    wide_a, wide_x = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(x, np.float64))
    inside, factor = _slope(wide_a, wide_x)
    slope = np.exp(wide_a * np.log(wide_x) - wide_x - gammaln(wide_a)) * factor
    return np.where(inside, slope, _at_the_edge(wide_a, wide_x)).astype(a.dtype)


@quiet
def random_gamma_grad(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """-(dP/da) / (dP/dx): how a sample of Gamma(a) moves with a. The powers and exponentials cancel
    in the quotient, so nothing overflows."""
    wide_a, wide_x = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(x, np.float64))
    inside, factor = _slope(wide_a, wide_x)
    return np.where(inside, -wide_x * factor, _at_the_edge(wide_a, wide_x)).astype(a.dtype)


def _at_the_edge(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.where((a > 0) & (x == 0), 0.0, np.nan)


def _slope(a: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where P has a slope in a, and there dP/da over x^a exp(-x) / gamma(a)."""
    inside = (a > 0) & (x > 0) & (x < np.inf)
    near = inside & ((x <= 1) | (x <= a))
    far = inside & ~near
    factor = np.zeros(a.shape)
    if near.any():
        factor[near] = _series(a[near], x[near])
    if far.any():
        factor[far] = _fraction(a[far], x[far])
    return inside, factor


def _series(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dR/da + R (log x - digamma(a)) from the power series."""
    from scipy.special import psi

    term, d_term = np.ones_like(a), np.zeros_like(a)
    total, d_total = term.copy(), d_term.copy()
    for n in range(1, STEPS):
        ratio = x / (a + n)
        d_term = ratio * (d_term - term / (a + n))
        term = term * ratio
        total += term
        d_total += d_term
        if np.all((term <= EPS * total) & (np.abs(d_term) <= EPS * np.abs(d_total))):
            break
    # 1/a (d_total - total / a) + total / a (log x - psi(a)), and psi(a) + 1/a = psi(a + 1)
    return (d_total + total * (np.log(x) - psi(a + 1))) / a


def _fraction(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """-(df/da + f (log x - digamma(a))) from the continued fraction 1/(b0 + k1/(b1 + k2/(b2 ...))),
    turned into a sum in Steed's way: each term is the last one times -k d d', d and d' being this
    and the last reciprocal denominator. Its terms have one sign, so they do not cancel."""
    from scipy.special import psi

    b = x + 1 - a
    d, d_slope = 1 / b, 1 / (b * b)
    term, term_slope = d, d_slope
    f, f_slope = term, term_slope
    for n in range(1, STEPS):
        b = b + 2
        k = n * (a - n)
        last, last_slope = d, d_slope
        d = 1 / (b + k * last)
        d_slope = d * d * (1 - n * last - k * last_slope)
        ratio = -k * last * d
        ratio_slope = -n * last * d - k * (last_slope * d + last * d_slope)
        term_slope = ratio * term_slope + ratio_slope * term
        term = ratio * term
        f, f_slope = f + term, f_slope + term_slope
        if np.all((np.abs(term) <= EPS * f) & (np.abs(term_slope) <= EPS * np.abs(f_slope))):
            break
    return -(f_slope + f * (np.log(x) - psi(a)))
